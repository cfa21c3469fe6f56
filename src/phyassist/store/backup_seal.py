"""The seal of a backup: its digest, sealed under the practice's key, which no forger has."""

from __future__ import annotations

from phyassist.errors import CannotOpen
from phyassist.store.directory import Directory
from phyassist.store.entrance import Entrance
from phyassist.store.people import SignedIn
from phyassist.vault.sealing import Place


def seal_backup(entrance: Entrance, by: SignedIn, backup_id: str, digest: bytes) -> bytes:
    """Raises CannotOpen, Locked."""
    return Directory(entrance.conn, by.id, by.keyring).practice.keys.seal(digest, _place(backup_id))


def is_seal_of(entrance: Entrance, by: SignedIn, backup_id: str, *, seal: bytes, digest: bytes) -> bool:
    """Whether somebody of this practice sealed this digest.  Raises Locked."""
    keys = Directory(entrance.conn, by.id, by.keyring).practice.keys
    try:
        return keys.open_sealed(seal, _place(backup_id)) == digest
    except CannotOpen:
        return False


def _place(backup_id: str) -> Place:
    return Place("backups", backup_id, "digest")

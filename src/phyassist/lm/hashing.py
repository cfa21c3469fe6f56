"""The SHA-256 of model files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from phyassist.lm.catalogue import find_receipt, save_receipt

CHUNK_BYTES = 4 * 2**20


def count_sha256(path: Path, *, tell: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of a file, in hex; `tell` hears how many bytes are done."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if tell is not None:
                tell(done)
    return digest.hexdigest()


def load_sha256(path: Path) -> str:
    """The SHA-256 of a file, from its receipt where that is still good, else counted and written down."""
    receipt = find_receipt(path)
    if receipt is not None:
        return receipt.sha256
    sha256 = count_sha256(path)
    try:
        save_receipt(path, sha256)
    except OSError:
        return sha256  # a folder that is not ours to write in; it is counted again next time
    return sha256

"""Where a wrapped key lives.  A wrapped key opens for its holder, under its term, at its place alone."""

from __future__ import annotations

from phyassist.vault.sealing import Place

RECOVERY_HOLDER = "recovery"


def wrap_place(key_id: str, holder_id: str, term: int) -> Place:
    """For a key that the holder made, and for one that is given: to the recovery key, or by somebody."""
    return Place("key_wraps", f"{key_id}/{holder_id}", "wrapped", term)


def recovery_place(counsellor_id: str) -> Place:
    """Where a counsellor keeps the recovery key's public half: nobody can put another in its place."""
    return Place("counsellors", counsellor_id, "recovery")

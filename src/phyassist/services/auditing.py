"""The audit as people read it: of the practice, of one patient, and whether it is whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phyassist.domain.people import PatientId
from phyassist.errors import AuditBroken, BadInput
from phyassist.services.access import check_runs_practice
from phyassist.store.audit import Act, Anchor, AuditCheck, AuditFilter, AuditRow, Kind
from phyassist.store.entrance import PRACTICE_ID
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

# Pages and the command line take what they show from here.
__all__ = [
    "ACTS",
    "Anchor",
    "AuditCheck",
    "AuditFilter",
    "AuditPage",
    "AuditRow",
    "check_audit",
    "get_anchor",
    "list_patient_audit",
    "list_practice_audit",
    "note_print",
    "parse_anchor",
    "verify_audit",
    "write_anchor",
]

ACTS = tuple(act.value for act in Act)
PAGE_ROWS = 100
# Half of a SHA-256 is beyond finding another chain for, and short enough to be typed from paper.
ANCHOR_DIGITS = 32
_ANCHOR_DIGITS_MIN = 16
_ANCHOR = re.compile(r"(\d+)-(?:sha256:)?([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, the newest first; `older` is the number to ask for next, None at the end."""

    rows: tuple[AuditRow, ...]
    older: int | None


def list_practice_audit(
    store: Store, by: SignedIn, wanted: AuditFilter | None = None, *, limit: int = PAGE_ROWS
) -> AuditPage:
    """What everyone did.  That it was read is written down too.  Raises NotAllowed."""
    check_runs_practice(by)
    with store.write(by) as tx:
        tx.audit.write_seldom(Act.AUDIT_READ, Kind.PRACTICE, PRACTICE_ID)
        return _cut(tx.audit.find(wanted or AuditFilter(), limit + 1), limit)


def list_patient_audit(
    store: Store, by: SignedIn, *, patient_id: PatientId, before: int | None = None, limit: int = PAGE_ROWS
) -> AuditPage:
    """Who did what to one patient's file, for whoever may open it.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        tx.patients.get(patient_id)
        return _cut(tx.audit.find(AuditFilter(patient_id=patient_id, before=before), limit + 1), limit)


def note_print(store: Store, by: SignedIn, *, patient_id: PatientId) -> None:
    """Write down that something about a patient was printed.  Raises NotFound, NotYourPatient."""
    with store.write(by) as tx:
        tx.patients.get(patient_id)
        tx.audit.write(Act.PRINTED, Kind.PATIENT, patient_id)


def verify_audit(store: Store, *, anchor: Anchor | None = None) -> AuditCheck:
    """Whether the chain is whole, and still the one that an anchor was made of; needs no sign-in."""
    with store.entrance() as entrance:
        return entrance.audit().verify(anchor)


def check_audit(store: Store, *, anchor: Anchor | None = None) -> int:
    """How many rows the whole chain has.  Raises AuditBroken."""
    check = verify_audit(store, anchor=anchor)
    if check.first_broken is not None:
        raise AuditBroken(
            f"the audit log is not whole: row {check.first_broken} does not follow from the one before it",
            hint="keep this store as it is, and compare it with a backup",
        )
    if check.fits_anchor is False:
        raise AuditBroken(
            "the audit log is not the one that the anchor was made of: it was written anew or cut",
            hint="keep this store as it is, and compare it with a backup",
        )
    return check.rows


def get_anchor(store: Store) -> Anchor:
    """The end of the chain now, to be printed or kept elsewhere."""
    with store.entrance() as entrance:
        return entrance.audit().anchor()


def write_anchor(anchor: Anchor) -> str:
    """An anchor as text: the row's number, a hyphen, half of its hash."""
    return f"{anchor.number}-{anchor.hash.removeprefix('sha256:')[:ANCHOR_DIGITS]}"


def parse_anchor(text: str) -> Anchor:
    """What `write_anchor` wrote; case and spaces do not matter.  Raises BadInput."""
    found = _ANCHOR.fullmatch(re.sub(r"\s+", "", text).lower())
    if found is None or not _ANCHOR_DIGITS_MIN <= len(found[2]) <= 64:
        raise BadInput(
            "this is no anchor of an audit log", hint="it looks like 120-9f3c02ab…, as audit anchor prints it"
        )
    return Anchor(int(found[1]), f"sha256:{found[2]}")


def _cut(rows: tuple[AuditRow, ...], limit: int) -> AuditPage:
    shown = rows[:limit]
    return AuditPage(shown, shown[-1].number if len(rows) > limit else None)

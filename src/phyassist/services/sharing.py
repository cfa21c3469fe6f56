"""Who may open a patient: sharing, ending a share, handing over, covering for a leave, renewing keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from phyassist.domain.people import CounsellorId, PatientId, Role
from phyassist.errors import (
    BadInput,
    CannotOpen,
    ChangedMeanwhile,
    KeysChanged,
    NotAllowed,
    NotFound,
    StoreFull,
)
from phyassist.services.access import check_in_charge, check_runs_practice
from phyassist.store.audit import Act, Kind
from phyassist.store.directory import Member
from phyassist.store.entrance import PRACTICE_ID
from phyassist.store.people import SignedIn
from phyassist.store.shares import Holder
from phyassist.store.transactions import Store, Tx

RESEALED_AT_ONCE = 200
# A sign-in does not keep a person waiting for a whole caseload; the next one goes on.
_DUE_MAX = 20
_SHARE_YEARS_MAX = 10


@dataclass(frozen=True, slots=True)
class Shared:
    """Somebody who may open a patient."""

    holder: Holder
    member: Member


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may open a patient, who is in charge, and with whom the file could be shared."""

    patient_id: PatientId
    in_charge: Member | None
    mine: bool
    shared: tuple[Shared, ...]
    others: tuple[Member, ...] = field(default=())


def load_sharing(store: Store, by: SignedIn, patient_id: PatientId) -> Sharing:
    """Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        tx.patients.get(patient_id)
        keeper_id = tx.shares.keeper_of(patient_id)
        people = {member.id: member for member in tx.people.members()}
        holders = tx.shares.holders(patient_id)
    shared = tuple(
        Shared(holder, people[holder.counsellor_id])
        for holder in holders
        if holder.counsellor_id != keeper_id and holder.counsellor_id in people
    )
    others = tuple(member for member in people.values() if member.id != by.id and can_be_given(member))
    in_charge = people.get(keeper_id) if keeper_id else None
    return Sharing(patient_id, in_charge, keeper_id == by.id, shared, others)


def can_be_given(member: Member) -> bool:
    """Whether files can be shared with somebody: not with an administrator, nor an account that has ended."""
    return member.ended_at is None and member.role is not Role.ADMINISTRATOR and member.identity is not None


def share(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId,
    with_id: CounsellorId,
    may_write: bool,
    until: datetime | None = None,
) -> None:
    """Let a colleague open a patient, to read or to read and write, until a moment or without an end.

    What they were given before is replaced.
    Raises NotFound, NotYourPatient, NotAllowed, BadInput, KeysChanged.
    """
    _check_until(until, store.clock())
    with store.write(by) as tx:
        check_in_charge(tx, by, patient_id)
        _check_recipient(tx, by, with_id)
        tx.shares.give(patient_id, with_id, may_write=may_write, until=until)
        _write_down(tx, Act.SHARED, patient_id, with_id)


def withdraw(store: Store, by: SignedIn, *, patient_id: PatientId, counsellor_id: CounsellorId) -> None:
    """End a share.  The patient's key is renewed and everything sealed under the new one.

    Whoever held the share opens neither what is written from now on nor what was written before.
    Raises NotFound, NotYourPatient, NotAllowed, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        check_in_charge(tx, by, patient_id)
        if counsellor_id not in {holder.counsellor_id for holder in tx.shares.holders(patient_id)} - {by.id}:
            raise NotFound("this share has ended already", hint="look at the page again")
        tx.shares.begin_renewal(patient_id, without=(counsellor_id,))
        _write_down(tx, Act.SHARE_ENDED, patient_id, counsellor_id)
        tx.audit.write(Act.KEY_RENEWED, Kind.PATIENT, patient_id)
    finish_renewal(store, by, patient_id)


def hand_over(
    store: Store,
    by: SignedIn,
    *,
    to_id: CounsellorId,
    patient_ids: tuple[PatientId, ...] | None = None,
    read_until: datetime | None = None,
) -> int:
    """Put a colleague in charge of these patients, or of all of one's own; how many there were.

    Whoever hands over may go on reading until a moment; else the files close for them at once, and their
    new keeper renews the keys at the next sign-in.
    Raises NotFound, NotYourPatient, NotAllowed, BadInput, KeysChanged.
    """
    _check_until(read_until, store.clock())
    with store.write(by) as tx:
        chosen = tx.shares.kept_by(by.id) if patient_ids is None else patient_ids
        for patient_id in chosen:
            check_in_charge(tx, by, patient_id)
        _check_recipient(tx, by, to_id)
        for patient_id in chosen:
            tx.shares.hand_over(patient_id, to_id, read_until=read_until)
            _write_down(tx, Act.HANDED_OVER, patient_id, to_id)
    return len(chosen)


def cover(store: Store, by: SignedIn, *, with_id: CounsellorId, until: datetime) -> int:
    """Let a colleague read and write all of one's own patients until a moment; how many there were.

    A share for writing without an end stays as it is.
    Raises NotAllowed, BadInput, NotFound, KeysChanged.
    """
    _check_until(until, store.clock())
    with store.write(by) as tx:
        _check_recipient(tx, by, with_id)
        chosen = tx.shares.kept_by(by.id)
        for patient_id in chosen:
            if not any(
                holder.counsellor_id == with_id and holder.may_write and holder.until is None
                for holder in tx.shares.holders(patient_id)
            ):
                tx.shares.give(patient_id, with_id, may_write=True, until=until)
                _write_down(tx, Act.SHARED, patient_id, with_id)
    return len(chosen)


def renew_patient(store: Store, by: SignedIn, *, patient_id: PatientId) -> None:
    """A new key for a patient, and everything sealed under it.

    One that was interrupted is finished first, and no second one begun.
    Raises NotFound, NotYourPatient, NotAllowed, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        check_in_charge(tx, by, patient_id)
        if not tx.shares.is_renewing(patient_id):
            tx.shares.begin_renewal(patient_id)
            tx.audit.write(Act.KEY_RENEWED, Kind.PATIENT, patient_id)
    finish_renewal(store, by, patient_id)


def finish_renewal(store: Store, by: SignedIn, patient_id: PatientId) -> None:
    """Bring what is left under the newest key, some at a time: others work meanwhile."""
    while True:
        with store.write(by) as tx:
            if tx.shares.reseal(patient_id, rows_max=RESEALED_AT_ONCE):
                return


def renew_practice(store: Store, by: SignedIn) -> None:
    """A new key for the practice itself: names and identities are sealed under it.

    Accounts that have ended are not given it; invitations that nobody used end.
    Raises NotAllowed, ChangedMeanwhile.
    """
    check_runs_practice(by)
    with store.write(by) as tx:
        tx.practice_key.renew()
        tx.audit.write(Act.KEY_RENEWED, Kind.PRACTICE, PRACTICE_ID)


def confirm_keys(store: Store, by: SignedIn, *, counsellor_id: CounsellorId, fingerprint: str) -> None:
    """Use a colleague's new keys from now on: their fingerprint was compared.

    Raises NotFound, KeysChanged where it is not theirs.
    """
    with store.write(by) as tx:
        tx.shares.confirm_keys(counsellor_id, fingerprint)
        tx.audit.write(Act.KEYS_CONFIRMED, Kind.COUNSELLOR, counsellor_id)


def take_up(store: Store, by: SignedIn) -> int:
    """What waits for a counsellor at sign-in: keys that were given are adopted, keys that are due renewed.

    How many keys were renewed.  What cannot be done now is left for the next time and keeps nobody out.
    """
    renewed = 0
    try:
        with store.write(by) as tx:
            tx.practice_key.adopt()
            tx.patients.adopt_all()
            due = tx.shares.list_due()[:_DUE_MAX]
        for patient_id in due:
            renewed += _renew_due(store, by, patient_id)
    except StoreFull:
        return renewed
    return renewed


def _renew_due(store: Store, by: SignedIn, patient_id: PatientId) -> int:
    try:
        renew_patient(store, by, patient_id=patient_id)
        with store.read(by) as tx:
            again = patient_id in tx.shares.list_due()
        if again:
            # An interrupted renewal was finished; what made this one due is still so.
            renew_patient(store, by, patient_id=patient_id)
    except (CannotOpen, KeysChanged, ChangedMeanwhile, NotAllowed, NotFound):
        return 0
    return 1


def _check_recipient(tx: Tx, by: SignedIn, to_id: CounsellorId) -> None:
    if to_id == by.id:
        raise BadInput("this is yourself", hint="choose a colleague")
    if not can_be_given(tx.people.member(to_id)):
        raise NotAllowed(
            "no file can be shared with this account",
            hint="administrators open no patients, and an account that has ended opens nothing",
        )


def _check_until(until: datetime | None, now: datetime) -> None:
    if until is not None and not now < until <= now + timedelta(days=366 * _SHARE_YEARS_MAX):
        raise BadInput("the day on which it ends lies in the past or too far off", hint="choose a later day")


def _write_down(tx: Tx, act: Act, patient_id: PatientId, counsellor_id: CounsellorId) -> None:
    tx.audit.write(act, Kind.PATIENT, patient_id)
    tx.audit.write(act, Kind.COUNSELLOR, counsellor_id)

"""Sharing, ending a share, handing over, covering: through the services, by people with keys of their own."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient, Role
from phyassist.errors import (
    BadInput,
    CannotOpen,
    ChangedMeanwhile,
    KeysChanged,
    NotAllowed,
    NotFound,
    NotYourPatient,
    ReadOnly,
    StoreUnusable,
)
from phyassist.services.patients import edit_patient, list_patients, load_patient, new_patient
from phyassist.services.people import end_account, invite, list_people, look_at_invitation, resume_account
from phyassist.services.practice import recover, sign_in
from phyassist.services.sharing import (
    confirm_keys,
    cover,
    hand_over,
    load_sharing,
    renew_patient,
    renew_practice,
    share,
    take_up,
    withdraw,
)
from phyassist.store.audit import Act
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.resealing import PATIENT_COLUMNS
from phyassist.store.tables import data_keys, key_wraps
from phyassist.store.transactions import Store
from phyassist.vault.sealing import DataKeys
from tests.conftest import PASSPHRASE, Clock
from tests.services.joining import BO_PASSPHRASE, let_in
from tests.store.making import make_amendment, make_consultation, make_draft, make_line, make_note


@pytest.fixture
def bo(store: Store, anna: SignedIn) -> SignedIn:
    return let_in(store, anna, "Bo Lind")


@pytest.fixture
def full(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    """A patient with something in every table."""
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron"))
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.records.save(patient.id, (make_line("heron"), make_line("egret", number=2)), after=1)
        tx.drafts.add(make_draft(patient.id, text="heron"), Change.STARTED)
        tx.drafts.save(make_draft(patient.id, text="egret"), Change.EDITED, after=1)
        tx.notes.add(make_note(patient.id, text="heron"))
        tx.notes.amend(make_note(patient.id).id, make_amendment("egret"))
    return patient


def again(store: Store, name: str, passphrase: str) -> SignedIn:
    """The same person at the next sign-in, with what waited for them taken up."""
    by = sign_in(store, passphrase=passphrase, name=name)
    take_up(store, by)
    return by


def terms_of(store: Store, patient_id: str | None) -> list[int]:
    """The terms of a patient's keys that there are; of the practice's own where no patient is given."""
    query = select(data_keys.c.term).where(data_keys.c.patient_id == patient_id).order_by(data_keys.c.term)
    with store.entrance() as entrance:
        return list(entrance.conn.execute(query).scalars())


def test_a_share_for_reading_opens_everything_and_changes_nothing(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=False)

    assert load_patient(store, bo, full.id) == load_patient(store, anna, full.id)
    assert [row.patient.id for row in list_patients(store, bo)] == [full.id]
    with pytest.raises(ReadOnly):
        edit_patient(store, bo, patient_id=full.id, name="x", number="", language="en")
    # The keys decide a second time: past the services, nothing can be sealed either.
    with pytest.raises(ReadOnly), store.write(bo) as tx:
        tx.consultations.save_source("consultation1", "x", after=1)  # type: ignore[arg-type]


def test_a_share_for_writing_writes_and_is_adopted_at_the_next_sign_in(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)

    by = again(store, "Bo Lind", BO_PASSPHRASE)
    edit_patient(store, by, patient_id=full.id, name="Sun M.", number="", language="en")

    assert load_patient(store, anna, full.id).patient.name == "Sun M."
    query = select(key_wraps.c.wrapped).where(key_wraps.c.giver_id.is_not(None))
    with store.entrance() as entrance:
        assert [kept[0] for kept in entrance.conn.execute(query).scalars()] == [1]


def test_a_share_ends_by_itself(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True, until=clock.now + timedelta(days=3))
    assert load_patient(store, bo, full.id).patient == full

    clock.move(days=3)

    with pytest.raises(NotYourPatient):
        load_patient(store, bo, full.id)
    assert list_patients(store, bo) == ()
    assert load_sharing(store, anna, full.id).shared == ()


def test_when_a_share_has_run_out_its_keepers_next_sign_in_renews_the_key(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True, until=clock.now + timedelta(days=3))
    before = load_patient(store, anna, full.id)
    clock.move(days=4)

    by = again(store, "Anna Weiss", PASSPHRASE)

    assert terms_of(store, full.id) == [2]
    assert load_patient(store, by, full.id) == before
    assert take_up(store, by) == 0


def test_what_a_withdrawn_share_kept_opens_neither_old_nor_new(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    cora = let_in(store, anna, "Cora")
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    share(store, anna, patient_id=full.id, with_id=cora.id, may_write=False)
    before = load_patient(store, anna, full.id)
    with store.read(bo) as tx:
        kept = tx.patients._desk.keys_of(full.id)

    withdraw(store, anna, patient_id=full.id, counsellor_id=bo.id)

    with pytest.raises(NotYourPatient):
        load_patient(store, bo, full.id)
    assert load_patient(store, anna, full.id) == load_patient(store, cora, full.id) == before
    assert terms_of(store, full.id) == [2]
    assert_opens_nowhere(store, kept)
    with pytest.raises(NotFound):
        withdraw(store, anna, patient_id=full.id, counsellor_id=bo.id)


def assert_opens_nowhere(store: Store, kept: DataKeys) -> None:
    """No value of a patient, fetched fresh, was sealed under a key that was kept."""
    looked_at = 0
    with store.entrance() as entrance:
        for column in PATIENT_COLUMNS:
            for row in entrance.conn.execute(select(column.table)).mappings():
                if row[column.column] is None:
                    continue
                looked_at += 1
                with pytest.raises(CannotOpen):
                    kept.open_sealed(row[column.column], column.place(row))
    assert looked_at > 8


def test_only_who_is_in_charge_shares_withdraws_and_hands_over(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    cora = let_in(store, anna, "Cora")
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)

    acts = [
        lambda by: share(store, by, patient_id=full.id, with_id=cora.id, may_write=False),
        lambda by: withdraw(store, by, patient_id=full.id, counsellor_id=anna.id),
        lambda by: hand_over(store, by, to_id=cora.id, patient_ids=(full.id,)),
        lambda by: renew_patient(store, by, patient_id=full.id),
    ]
    for act in acts:
        with pytest.raises(NotAllowed, match="not in charge"):
            act(bo)
    for act in [*acts, lambda by: load_sharing(store, by, full.id)]:
        with pytest.raises(NotYourPatient):
            act(cora)


def test_nothing_is_shared_with_an_administrator_an_ended_account_or_oneself(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    chief = let_in(store, anna, "Chief", Role.ADMINISTRATOR)
    end_account(store, chief, counsellor_id=bo.id)

    for who in (chief, bo):
        with pytest.raises(NotAllowed):
            share(store, anna, patient_id=full.id, with_id=who.id, may_write=False)
    with pytest.raises(BadInput):
        share(store, anna, patient_id=full.id, with_id=anna.id, may_write=False)
    with pytest.raises(BadInput, match="past"):
        share(store, anna, patient_id=full.id, with_id=bo.id, may_write=False, until=clock.now)

    assert load_sharing(store, anna, full.id).others == ()


def test_a_key_given_to_an_administrator_past_the_services_opens_nothing(
    store: Store, anna: SignedIn, full: Patient
) -> None:
    chief = let_in(store, anna, "Chief", Role.ADMINISTRATOR)
    with store.write(anna) as tx:
        tx.shares.give(full.id, chief.id, may_write=True, until=None)

    with pytest.raises(NotYourPatient), store.read(chief) as tx:
        tx.patients.get(full.id)
    assert list_patients(store, chief) == ()


def test_a_caseload_is_handed_over_and_its_new_keeper_renews_every_key(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    second = new_patient(store, anna, name="Lee")
    cora = let_in(store, anna, "Cora", Role.SUPERVISOR)
    share(store, anna, patient_id=full.id, with_id=cora.id, may_write=False)
    take_up(store, cora)
    before = load_patient(store, anna, full.id)

    assert hand_over(store, anna, to_id=bo.id) == 2

    with pytest.raises(NotYourPatient):
        load_patient(store, anna, full.id)
    assert list_patients(store, anna) == ()
    by = again(store, "Bo Lind", BO_PASSPHRASE)
    assert terms_of(store, full.id) == terms_of(store, second.id) == [2]
    assert load_patient(store, by, full.id) == before
    assert load_sharing(store, by, full.id).mine
    # Cora held a key from Anna; that Bo gives the new ones is vouched for by Anna's signature.
    assert load_patient(store, cora, full.id) == before


def test_who_hands_over_may_go_on_reading_for_a_while(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    hand_over(store, anna, to_id=bo.id, patient_ids=(full.id,), read_until=clock.now + timedelta(days=14))
    again(store, "Bo Lind", BO_PASSPHRASE)

    assert load_patient(store, anna, full.id).patient == full
    with pytest.raises(ReadOnly):
        edit_patient(store, anna, patient_id=full.id, name="x", number="", language="en")
    clock.move(days=14)
    with pytest.raises(NotYourPatient):
        load_patient(store, anna, full.id)


def test_a_file_that_comes_back_after_two_hands_is_believed(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    cora = let_in(store, anna, "Cora")
    until = clock.now + timedelta(days=300)
    share(store, anna, patient_id=full.id, with_id=cora.id, may_write=False)
    hand_over(store, anna, to_id=bo.id, read_until=until)
    bo = again(store, "Bo Lind", BO_PASSPHRASE)
    hand_over(store, bo, to_id=anna.id, read_until=until)

    by = again(store, "Anna Weiss", PASSPHRASE)

    renew_patient(store, by, patient_id=full.id)
    for who in (by, bo, cora):
        assert load_patient(store, who, full.id).patient == full


def test_a_leave_is_covered_for_its_time(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    second = new_patient(store, anna, name="Lee")
    share(store, anna, patient_id=second.id, with_id=bo.id, may_write=True)

    assert cover(store, anna, with_id=bo.id, until=clock.now + timedelta(days=14)) == 2

    edit_patient(store, bo, patient_id=full.id, name="Sun M.", number="", language="en")
    clock.move(days=14)
    assert [row.patient.name for row in list_patients(store, bo)] == ["Lee"]


def test_the_audit_log_says_with_whom(store: Store, anna: SignedIn, bo: SignedIn, full: Patient) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    withdraw(store, anna, patient_id=full.id, counsellor_id=bo.id)

    with store.read(anna) as tx:
        rows = tx.audit.list()

    said = [(row.act, row.row_id) for row in reversed(rows) if row.act in (Act.SHARED, Act.SHARE_ENDED)]
    assert said == [
        (Act.SHARED, full.id),
        (Act.SHARED, bo.id),
        (Act.SHARE_ENDED, full.id),
        (Act.SHARE_ENDED, bo.id),
    ]


def test_an_ended_account_loses_its_shares_at_the_keepers_next_sign_in(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    end_account(store, anna, counsellor_id=bo.id)

    again(store, "", PASSPHRASE)

    assert terms_of(store, full.id) == [2]
    with pytest.raises(NotYourPatient):
        load_patient(store, bo, full.id)


def test_the_recovery_key_brings_back_shared_files_as_well(
    store: Store, practice: SetUp, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=False)
    take_up(store, bo)

    by = recover(
        store,
        recovery_key=practice.recovery_key.reveal_text(),
        new_passphrase="another long passphrase",
        name="Bo Lind",
    )

    assert load_patient(store, by, full.id).patient == full
    with pytest.raises(ReadOnly):
        edit_patient(store, by, patient_id=full.id, name="x", number="", language="en")


def test_new_keys_after_a_recovery_are_used_once_they_were_confirmed(
    store: Store, practice: SetUp, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=False)
    key = practice.recovery_key.reveal_text()
    recover(store, recovery_key=key, new_passphrase="another long passphrase", name="Bo Lind")
    other = new_patient(store, anna, name="Lee")

    with pytest.raises(KeysChanged):
        share(store, anna, patient_id=other.id, with_id=bo.id, may_write=False)
    with pytest.raises(KeysChanged):
        renew_practice(store, anna)
    with pytest.raises(KeysChanged):
        confirm_keys(store, anna, counsellor_id=bo.id, fingerprint="0000 0000 0000 0000 0000 0000")
    shown = next(one.identity for one in list_people(store, anna) if one.id == bo.id)
    assert shown is not None
    confirm_keys(store, anna, counsellor_id=bo.id, fingerprint=shown.fingerprint)

    share(store, anna, patient_id=other.id, with_id=bo.id, may_write=False)


def test_the_practices_key_is_renewed_and_everyone_goes_on_working(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    cora = let_in(store, anna, "Cora")
    waiting = invite(store, anna, name="Dov", role=Role.COUNSELLOR)
    end_account(store, anna, counsellor_id=cora.id)

    renew_practice(store, anna)

    by = again(store, "Bo Lind", BO_PASSPHRASE)
    assert [member.counsellor.name for member in list_people(store, by)] == ["Anna Weiss", "Bo Lind", "Cora"]
    assert [one.counsellor.name for one in list_people(store, anna)] == ["Anna Weiss", "Bo Lind", "Cora"]
    with pytest.raises(CannotOpen):
        list_people(store, cora)
    with pytest.raises(Exception, match="opens no invitation"):
        look_at_invitation(store, code=waiting.code.reveal_text())
    again(store, "Anna Weiss", PASSPHRASE)
    assert terms_of(store, None) == [2]
    with pytest.raises(NotAllowed, match="renewed since"):
        resume_account(store, anna, counsellor_id=cora.id)
    let_in(store, anna, "Dov")


def test_an_account_resumed_before_everyone_took_up_the_new_key_is_given_it(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    let_in(store, anna, "Cora")
    end_account(store, anna, counsellor_id=bo.id)
    renew_practice(store, anna)

    resume_account(store, anna, counsellor_id=bo.id)

    assert again(store, "Bo Lind", BO_PASSPHRASE).counsellor.name == "Bo Lind"


def test_only_who_runs_the_practice_renews_its_key(store: Store, bo: SignedIn) -> None:
    with pytest.raises(NotAllowed):
        renew_practice(store, bo)


def test_a_renewal_that_was_interrupted_is_finished_and_all_opens_meanwhile(
    store: Store, anna: SignedIn, full: Patient
) -> None:
    before = load_patient(store, anna, full.id)
    with store.write(anna) as tx:
        tx.shares.begin_renewal(full.id)
    with store.write(anna) as tx:
        assert not tx.shares.reseal(full.id, rows_max=3)
    assert terms_of(store, full.id) == [1, 2]
    assert load_patient(store, anna, full.id) == before
    with store.write(anna) as tx:
        tx.consultations.add(replace(make_consultation(full.id, number=2), question="late"))

    renew_patient(store, anna, patient_id=full.id)

    assert terms_of(store, full.id) == [2]
    after = load_patient(store, anna, full.id)
    assert (after.notes, after.record, after.open_draft) == (before.notes, before.record, before.open_draft)
    assert {each.question for each in after.consultations} == {"", "late"}


def test_what_a_colleague_writes_while_the_key_is_renewed_opens_afterwards(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    take_up(store, bo)
    written: list[int] = []
    faults: list[BaseException] = []

    def write() -> None:
        for number in range(10, 50):
            # One that was refused is tried again, as a page does.
            for _ in range(20):
                try:
                    with store.write(bo) as tx:
                        tx.consultations.add(make_consultation(full.id, number=number, text=f"said {number}"))
                    written.append(number)
                    break
                except (CannotOpen, ChangedMeanwhile, NotYourPatient, StoreUnusable) as fault:
                    faults.append(fault)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(12):
        renew_patient(store, anna, patient_id=full.id)
    writer.join()
    renew_patient(store, anna, patient_id=full.id)

    file = load_patient(store, anna, full.id)
    said = {each.source.text for each in file.consultations}
    assert {f"said {number}" for number in written} <= said
    assert len(written) == 40, faults
    assert len(terms_of(store, full.id)) == 1

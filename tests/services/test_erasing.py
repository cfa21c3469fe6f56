"""After an erasure nobody opens anything of a patient, and no file of the store holds their key."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from phyassist.domain.adapters import AdapterId
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.erasures import Backup, BackupId, Remains
from phyassist.domain.people import Patient, PatientId
from phyassist.domain.process_notes import ProcessNoteId
from phyassist.errors import NotAllowed, NotFound
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.chatting import begin_thread
from phyassist.services.consent import record_answers
from phyassist.services.erasing import TypedDiffers, erase_patient, get_receipt, list_receipts
from phyassist.services.patients import edit_patient, list_patients, load_patient, new_patient
from phyassist.services.process_notes import save_process_note
from phyassist.services.searching import find
from phyassist.services.warming import Warmer
from phyassist.store.audit import Act
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import adapters
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, Clock
from tests.house.canary import CANARY, find_canary
from tests.store.test_erasure import all_bytes, fill

WRAPS = (
    "SELECT wrapped FROM key_wraps JOIN data_keys ON data_keys.id = key_id WHERE patient_id = :id",
    "SELECT wrapped_author FROM process_keys WHERE patient_id = :id",
    "SELECT wrapped_recovery FROM process_keys WHERE patient_id = :id",
)


def wrapped_keys(path: Path, patient: Patient) -> list[bytes]:
    with sqlite3.connect(path) as database:
        return [bytes(row[0]) for query in WRAPS for row in database.execute(query, {"id": patient.id})]


def fill_everything(store: Store, by: SignedIn, patient: Patient) -> None:
    """A file with the canary in every kind of thing that is kept of a patient."""
    fill(store, by, patient)
    card = load_patient(store, by, patient.id).patient
    edit_patient(store, by, patient_id=patient.id, name=CANARY, number=CANARY, language=card.language)
    save_process_note(
        store, by, patient_id=patient.id, note_id=ProcessNoteId(f"{1:032x}"), text=CANARY, after=0
    )
    begin_thread(store, by, patient_id=patient.id, question=CANARY)
    answers = dict.fromkeys(Purpose, Answer.YES)
    record_answers(store, by, patient_id=patient.id, answers=answers, remark=CANARY)


def test_no_file_of_the_store_its_journal_or_a_replica_holds_keys_or_words(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, tmp_path: Path
) -> None:
    fill_everything(store, anna, patient)
    keys = wrapped_keys(store_path, patient)
    assert len(keys) == 4
    assert all(key in all_bytes(store_path.parent) for key in keys)

    receipt = erase_patient(store, anna, patient_id=patient.id, typed=CANARY)

    (tmp_path / "replica").mkdir()
    with (
        sqlite3.connect(store_path) as source,
        sqlite3.connect(tmp_path / "replica" / "copy.db") as replica,
    ):
        source.backup(replica)
    for folder in (store_path.parent, tmp_path / "replica"):
        left = all_bytes(folder)
        assert not any(key in left or key[9:41] in left for key in keys), folder
        assert find_canary([folder]) == []
    assert receipt.erasure.cleaned_at is not None
    assert receipt.is_complete


def test_another_process_with_the_file_open_shows_nothing_of_it(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    fill_everything(store, anna, patient)
    with open_store(f"sqlite:///{store_path}", clock=clock, passphrase_cost=FAST_COST) as other:
        elsewhere = replace(anna, login_id="another")
        other.kept.hold("another", clock() + timedelta(hours=1))
        assert find(other, elsewhere, CANARY)

        erase_patient(store, anna, patient_id=patient.id, typed=CANARY)

        assert find(other, elsewhere, CANARY) == ()
        assert list_patients(other, elsewhere) == ()
        with pytest.raises(NotFound):
            load_patient(other, elsewhere, patient.id)


def test_what_is_typed_has_to_be_the_name(store: Store, anna: SignedIn, patient: Patient) -> None:
    for typed in ("", "Sun", "sun mei", patient.id):
        with pytest.raises(TypedDiffers):
            erase_patient(store, anna, patient_id=patient.id, typed=typed)

    assert load_patient(store, anna, patient.id).patient == patient
    assert list_receipts(store, anna) == ()
    erase_patient(store, anna, patient_id=patient.id, typed="  Sun   Mei ")
    assert list_patients(store, anna) == ()


def add_adapter(store: Store, by: SignedIn, adapter_id: str, patient: Patient | None) -> None:
    owner = patient.id if patient else None
    row = {"id": adapter_id, "patient_id": owner, "base_sha256": "", "state": "accepted"}
    with store.write(by) as tx:
        tx.adapters._desk.conn.execute(adapters.insert().values(trained_at=store.clock(), **row))


def test_own_adapters_go_and_shared_ones_that_learnt_are_marked(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    other = new_patient(store, anna, name="Lee")
    for adapter_id, owner in (("own", patient), ("taught", None), ("untaught", None), ("others", other)):
        add_adapter(store, anna, adapter_id, owner)
    with store.write(anna) as tx:
        tx.adapters.record_sources(AdapterId("taught"), [patient.id, other.id])
        tx.adapters.record_sources(AdapterId("untaught"), [other.id])

    receipt = erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    assert (receipt.erasure.adapters, receipt.erasure.marked) == (1, 1)
    with store.read(anna) as tx:
        assert {card.id for card in tx.adapters.cards()} == {"taught", "untaught", "others"}
        assert tx.adapters.list_to_retrain() == ("taught",)


@pytest.mark.parametrize(
    ("expiries", "remains"),
    [
        ([], Remains(0, None, False)),
        ([5, 30, -1], Remains(2, None, False)),
        ([5, None], Remains(2, None, True)),
    ],
)
def test_the_receipt_says_when_the_last_backup_with_the_key_expires(
    store: Store,
    anna: SignedIn,
    patient: Patient,
    clock: Clock,
    expiries: list[int | None],
    remains: Remains,
) -> None:
    made_at = clock()
    ends = [None if days is None else made_at + timedelta(days=days) for days in expiries]
    with store.entrance(writes=True) as entrance:
        for number, expires_at in enumerate(ends):
            entrance.backups.add(Backup(BackupId(f"b{number}"), made_at, expires_at))
    clock.move(hours=1)

    receipt = erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    clock.move(hours=1)
    with store.entrance(writes=True) as entrance:
        entrance.backups.add(Backup(BackupId("later"), clock(), clock() + timedelta(days=90)))
    last = max((end for end in ends if end is not None), default=None)
    until = last if remains.backups and not remains.without_end else None
    assert receipt.remains == replace(remains, until=until)
    assert get_receipt(store, anna, erasure_id=receipt.erasure.id).remains == receipt.remains
    clock.move(days=31)
    again = get_receipt(store, anna, erasure_id=receipt.erasure.id)
    assert again.is_complete is not remains.without_end


def test_a_receipt_is_for_who_erased_and_for_who_runs_the_practice(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    receipt = erase_patient(store, anna, patient_id=patient.id, typed=patient.name)
    own = replace(anna, runs_practice=False)
    colleague = replace(own, counsellor=replace(anna.counsellor, id=type(anna.id)("b0")))

    assert list_receipts(store, own) == (receipt,)
    assert list_receipts(store, colleague) == ()
    with pytest.raises(NotAllowed):
        get_receipt(store, colleague, erasure_id=receipt.erasure.id)
    assert "Sun" not in repr(receipt)


def test_one_damaged_card_hides_nobody_is_named_and_can_be_erased(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    other = new_patient(store, anna, name="Lee")
    with sqlite3.connect(store_path) as database:
        database.execute("UPDATE patients SET card_sealed = x'00' WHERE id = ?", [patient.id])

    rows = list_patients(store, anna)
    erase_patient(store, anna, patient_id=patient.id, typed=patient.id)

    assert [(row.patient.id, row.damaged) for row in rows] == [(other.id, False), (patient.id, True)]
    assert [row.patient for row in list_patients(store, anna)] == [other]


def test_one_damaged_key_hides_nobody_and_can_be_erased(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    other = new_patient(store, anna, name="Lee")
    with sqlite3.connect(store_path) as database:
        database.execute(
            "UPDATE key_wraps SET wrapped = zeroblob(length(wrapped)) WHERE key_id IN"
            " (SELECT id FROM data_keys WHERE patient_id = ?) AND holder_id <> 'recovery'",
            [patient.id],
        )

    rows = list_patients(store, anna)

    assert [(row.patient.id, row.damaged) for row in rows] == [(other.id, False), (patient.id, True)]


def test_a_reading_in_advance_of_an_erased_patient_is_not_begun(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    forgotten: list[PatientId] = []

    class Cache:
        def forget(self, patient_id: PatientId) -> None:
            forgotten.append(patient_id)

    lm = ScriptedModel([])
    warmer = Warmer(store, lm)
    erase_patient(store, anna, patient_id=patient.id, typed=patient.name, caches=(Cache(), warmer))
    warmer.warm_soon(anna, patient_id=patient.id)
    warmer.close(wait_s=10)

    assert forgotten == [patient.id]
    assert lm.warmed == []
    with store.read(anna) as tx:
        assert tx.audit.list(patient.id)[0].act == Act.ERASED

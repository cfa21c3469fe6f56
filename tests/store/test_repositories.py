"""What goes into the store comes out of it, whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.drafts import Change, DraftState, ItemId
from phyassist.domain.notes import Note
from phyassist.domain.people import Patient, PatientId
from phyassist.domain.practice import PracticeSettings
from phyassist.domain.records import Record
from phyassist.errors import ChangedMeanwhile, NotFound
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.store.making import (
    AT,
    make_amendment,
    make_consultation,
    make_draft,
    make_item,
    make_line,
    make_note,
)


def test_a_patient_comes_back_as_given(store: Store, anna: SignedIn, clock: Clock) -> None:
    given = Patient(PatientId("p1"), "孙某", "0231", "zh")

    with store.write(anna) as tx:
        stored = tx.patients.add(given)

    assert stored == replace(given, created_at=clock(), updated_at=clock())
    with store.read(anna) as tx:
        assert tx.patients.get(PatientId("p1")) == stored
        assert tx.patients.list() == (stored,)


def test_adding_the_same_patient_again_changes_nothing(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        again = tx.patients.add(replace(patient, name="someone else"))

    assert again == patient


def test_a_card_that_follows_an_older_one_is_refused(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    clock.move(minutes=1)
    with store.write(anna) as tx:
        tx.patients.update(replace(patient, name="Sun Mei-Lin"))

    with pytest.raises(ChangedMeanwhile, match="changed meanwhile"), store.write(anna) as tx:
        tx.patients.update(replace(patient, number="0232"))

    with store.read(anna) as tx:
        assert tx.patients.get(patient.id).name == "Sun Mei-Lin"
        assert tx.patients.get(patient.id).number == "0231"


def test_a_consultation_comes_back_with_its_text_and_question(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    given = make_consultation(patient.id)
    with store.write(anna) as tx:
        tx.consultations.add(given)

    with store.write(anna) as tx:
        source = tx.consultations.save_source(given.id, "我睡不着\n\ud83d", after=0)
        tx.consultations.save_question(given.id, "why", after=0)
        tx.consultations.mark_organised(given.id, source.version)

    with store.read(anna) as tx:
        found = tx.consultations.get(given.id)
    assert (found.source.text, found.source.version, found.source.saved_at) == (
        "我睡不着\n\ud83d",
        1,
        clock(),
    )
    assert (found.question, found.version, found.source.organised_version) == ("why", 1, 1)
    assert (found.at, found.patient_id, found.source.id) == (AT, patient.id, given.source.id)


def test_consultations_are_listed_newest_first(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    with store.write(anna) as tx:
        for number in (1, 2, 3):
            tx.consultations.add(make_consultation(patient.id, number=number, at=clock.move(days=1)))

    with store.read(anna) as tx:
        assert [each.id for each in tx.consultations.list(patient.id)] == [
            "consultation3",
            "consultation2",
            "consultation1",
        ]


def test_two_tabs_that_write_the_same_text_do_not_overwrite_each_other(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation = make_consultation(patient.id)
    with store.write(anna) as tx:
        tx.consultations.add(consultation)
        tx.consultations.save_source(consultation.id, "from the first tab", after=0)

    with pytest.raises(ChangedMeanwhile) as raised, store.write(anna) as tx:
        tx.consultations.save_source(consultation.id, "from the second tab", after=0)

    assert "tab" not in raised.value.what
    with store.read(anna) as tx:
        assert tx.consultations.get(consultation.id).source.text == "from the first tab"


def test_saving_the_same_words_again_after_a_lost_answer_is_no_conflict(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation, draft = make_consultation(patient.id), make_draft(patient.id)
    lines = (make_line(),)
    for _ in range(2):
        with store.write(anna) as tx:
            tx.consultations.add(consultation)
            tx.consultations.save_source(consultation.id, "words", after=0)
            tx.consultations.save_question(consultation.id, "why", after=0)
            tx.records.save(patient.id, lines, after=0)
            tx.drafts.add(draft, Change.STARTED)

    with store.write(anna) as tx:
        once = tx.drafts.save(replace(draft, items=()), Change.EDITED, after=1)
        twice = tx.drafts.save(replace(draft, items=()), Change.EDITED, after=1)

    assert once == twice
    with store.read(anna) as tx:
        assert tx.consultations.get(consultation.id).source.version == 1
        assert tx.records.get(patient.id).version == 1
        assert tx.drafts.get(draft.id).version == 2


def test_a_record_keeps_every_version(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> None:
    one, two = make_line(number=1), make_line("lives with her aunt", number=2)
    with store.read(anna) as tx:
        assert tx.records.get(patient.id) == Record()

    with store.write(anna) as tx:
        tx.records.save(patient.id, (one,), after=0)
        later = clock.move(hours=1)
        tx.records.save(patient.id, (one, two), after=1)

    with store.read(anna) as tx:
        assert tx.records.get(patient.id) == Record((one, two), 2)
        assert tx.records.get_version(patient.id, 1) == Record((one,), 1)
        assert [each.version for each in tx.records.versions(patient.id)] == [1, 2]
        assert tx.records.versions(patient.id)[1].at == later
        with pytest.raises(NotFound, match="no version 3"):
            tx.records.get_version(patient.id, 3)


def test_a_record_that_follows_an_older_version_is_refused(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        tx.records.save(patient.id, (make_line(),), after=0)

    for after in (0, 2):
        with pytest.raises(ChangedMeanwhile), store.write(anna) as tx:
            tx.records.save(patient.id, (make_line("other"),), after=after)

    with store.read(anna) as tx:
        assert tx.records.get(patient.id).lines == (make_line(),)


def test_a_draft_keeps_every_version_and_what_made_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    begun = make_draft(patient.id, items=0)
    with store.write(anna) as tx:
        first = tx.drafts.add(begun, Change.STARTED)
        second = tx.drafts.save(
            replace(first, items=(make_item(),)), Change.WROTE, after=1, item_ids=(ItemId("item1"),)
        )
        third = tx.drafts.save(
            replace(second, items=(make_item("edited"),), partial=""), Change.EDITED, after=2
        )

    assert first == replace(begun, version=1, started_at=clock())
    with store.read(anna) as tx:
        assert tx.drafts.get(begun.id) == third
        assert tx.drafts.get_version(begun.id, 2) == replace(second, partial="")
        history = tx.drafts.history(begun.id)
    assert [(each.version, each.change, each.item_ids) for each in history] == [
        (1, Change.STARTED, ()),
        (2, Change.WROTE, ("item1",)),
        (3, Change.EDITED, ()),
    ]


def test_partial_text_is_kept_beside_the_versions(store: Store, anna: SignedIn, patient: Patient) -> None:
    draft = make_draft(patient.id)
    with store.write(anna) as tx:
        tx.drafts.add(draft, Change.STARTED)
        tx.drafts.save_partial(draft.id, "half a sen")
        tx.drafts.save_partial(draft.id, "half a sentence")

    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).partial == "half a sentence"
        assert tx.drafts.get(draft.id).version == 1
        assert len(tx.drafts.history(draft.id)) == 1
    with store.write(anna) as tx:
        tx.drafts.save_partial(draft.id, "")
    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).partial == ""


def test_a_draft_edited_in_two_tabs_keeps_the_first_and_says_so(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    draft = make_draft(patient.id)
    with store.write(anna) as tx:
        tx.drafts.add(draft, Change.STARTED)
        tx.drafts.save(replace(draft, items=(make_item("first tab"),)), Change.EDITED, after=1)

    with pytest.raises(ChangedMeanwhile, match="draft draft1 was changed meanwhile"), store.write(anna) as tx:
        tx.drafts.save(replace(draft, items=(make_item("second tab"),)), Change.EDITED, after=1)

    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).items[0].text == "first tab"


@pytest.mark.parametrize("state", [DraftState.SAVED, DraftState.DISCARDED])
def test_a_draft_that_is_closed_takes_no_more_words(
    store: Store, anna: SignedIn, patient: Patient, state: DraftState
) -> None:
    draft = make_draft(patient.id)
    with store.write(anna) as tx:
        tx.drafts.add(draft, Change.STARTED)
        tx.drafts.set_state(draft.id, state)

    with pytest.raises(ChangedMeanwhile), store.write(anna) as tx:
        tx.drafts.save(draft, Change.EDITED, after=1)
    with pytest.raises(ChangedMeanwhile), store.write(anna) as tx:
        tx.drafts.save_partial(draft.id, "more")

    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).state == state
        assert tx.drafts.open_of(draft.consultation_id) is None
        assert len(tx.drafts.list(patient.id)) == 1


def test_the_newest_open_draft_is_the_open_one(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    with store.write(anna) as tx:
        for number in (1, 2, 3):
            clock.move(minutes=1)
            tx.drafts.add(make_draft(patient.id, number=number), Change.STARTED)
        tx.drafts.set_state(make_draft(patient.id, number=3).id, DraftState.DISCARDED)

    with store.read(anna) as tx:
        found = tx.drafts.open_of(make_draft(patient.id).consultation_id)
        assert found is not None
        assert found.id == "draft2"
        assert [each.id for each in tx.drafts.list(patient.id)] == ["draft3", "draft2", "draft1"]


def test_notes_count_up_and_are_listed_newest_first(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    with store.write(anna) as tx:
        stored = [
            tx.notes.add(make_note(patient.id, number=number, at=clock.move(days=1))) for number in (1, 2, 3)
        ]

    assert [note.number for note in stored] == [1, 2, 3]
    assert stored[0] == replace(make_note(patient.id, at=stored[0].at), number=1)
    with store.read(anna) as tx:
        assert tx.notes.list(patient.id) == tuple(reversed(stored))
        assert tx.notes.list_of([patient.id]) == tuple(reversed(stored))


def test_signing_the_same_note_again_adds_none(store: Store, anna: SignedIn, patient: Patient) -> None:
    note = make_note(patient.id)

    for _ in range(2):
        with store.write(anna) as tx:
            stored = tx.notes.add(note)

    assert stored.number == 1
    with store.read(anna) as tx:
        assert len(tx.notes.list(patient.id)) == 1


def test_an_amendment_is_added_and_the_note_stays(store: Store, anna: SignedIn, patient: Patient) -> None:
    note, first, second = make_note(patient.id), make_amendment("one"), make_amendment("two")
    with store.write(anna) as tx:
        signed = tx.notes.add(note)

    with store.write(anna) as tx:
        tx.notes.amend(note.id, first)
        tx.notes.amend(note.id, first)
        amended: Note = tx.notes.amend(note.id, second)

    assert amended == replace(signed, amendments=(first, second))
    with store.read(anna) as tx:
        assert tx.notes.get(note.id) == amended
        assert tx.notes.list(patient.id) == (amended,)


def test_settings_come_back_as_saved(store: Store, anna: SignedIn) -> None:
    settings = PracticeSettings("en", "other", 30, "patient", hide_names=True)

    with store.write(anna) as tx:
        tx.settings.save(settings)

    with store.read(anna) as tx:
        assert tx.settings.get() == settings


@pytest.mark.parametrize("kind", ["patients", "consultations", "drafts", "notes"])
def test_what_does_not_exist_is_not_found(store: Store, anna: SignedIn, kind: str) -> None:
    with store.read(anna) as tx, pytest.raises(NotFound, match="no-such-id"):
        getattr(tx, kind).get("no-such-id")


def test_a_failed_block_leaves_nothing(store: Store, anna: SignedIn, patient: Patient) -> None:
    with pytest.raises(RuntimeError), store.write(anna) as tx:
        tx.notes.add(make_note(patient.id))
        raise RuntimeError("the page went away")

    with store.read(anna) as tx:
        assert tx.notes.list(patient.id) == ()


def test_there_are_no_adapters_yet(store: Store, anna: SignedIn) -> None:
    with store.read(anna) as tx:
        assert tx.adapters.cards() == ()

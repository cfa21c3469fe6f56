"""Finding: what a search finds, and that what is kept in memory for it is never behind and never outstays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phyassist.domain.drafts import Section
from phyassist.domain.people import Patient
from phyassist.errors import Locked
from phyassist.services.erasing import erase_patient
from phyassist.services.patients import edit_patient, list_patients, new_patient
from phyassist.services.practice import end_login, open_login, resume_login
from phyassist.services.searching import find
from phyassist.store.kept import Kept
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, Clock
from tests.store.making import make_amendment, make_item, make_note


@pytest.fixture
def two_patients(store: Store, anna: SignedIn, clock: Clock) -> tuple[Patient, Patient]:
    sun = new_patient(store, anna, name="孙某", number="0231")
    lee = new_patient(store, anna, name="Maria Lee", number="A-17", language="en")
    with store.write(anna) as tx:
        tx.notes.add(replace(make_note(sun.id, text="高考复读，夜里失眠"), question="为什么睡不着？"))
        tx.notes.add(make_note(lee.id, text="Left her job in March", number=2, at=clock.move(days=1)))
        tx.notes.add(
            make_note(lee.id, text="no rest since March, until ＭＡＹ", number=3, at=clock.move(days=1))
        )
        tx.notes.amend(make_note(lee.id, number=2).id, make_amendment("it was April"))
    return sun, lee


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("孙", [("name", None)]),
        ("lee", [("name", None)]),
        ("MARIA lee", [("name", None)]),
        ("a-17", [("number", None)]),
        ("maria 17", [("name", None)]),
        ("失眠", [("note", "note1")]),
        ("睡不着", [("note", "note1")]),
        ("孙 失眠 复读", [("note", "note1")]),
        ("march", [("note", "note3"), ("note", "note2")]),
        ("March job", [("note", "note2")]),
        ("april", [("note", "note2")]),
        ("ＭＡＲＣＨ　ｊｏｂ", [("note", "note2")]),
        ("may", [("note", "note3")]),
        ("0231 march", []),
        ("nothing like it", []),
        ("", []),
        ("  ", []),
        ("%", []),
        ("' OR 1=1 --", []),
    ],
)
def test_finding(
    store: Store,
    anna: SignedIn,
    two_patients: tuple[Patient, Patient],
    words: str,
    expected: list[tuple[str, str]],
) -> None:
    found = find(store, anna, words)

    assert [(each.where, each.note_id) for each in found] == expected


def test_what_is_found_shows_its_surroundings(store: Store, anna: SignedIn, patient: Patient) -> None:
    long = "before " * 30 + "the heron stood still" + " after" * 30
    with store.write(anna) as tx:
        tx.notes.add(replace(make_note(patient.id), question="q", items=(make_item(long),)))

    (found,) = find(store, anna, "heron")

    assert "the heron stood still" in found.excerpt
    assert found.excerpt.startswith("…")
    assert found.excerpt.endswith("…")
    assert len(found.excerpt) < 100


def test_a_deleted_items_words_are_not_found(store: Store, anna: SignedIn, patient: Patient) -> None:
    gone = replace(make_item("heron", section=Section.ADVICE), deleted=True)
    with store.write(anna) as tx:
        tx.notes.add(replace(make_note(patient.id), items=(gone,)))

    assert find(store, anna, "heron") == ()


@pytest.fixture
def login(store: Store, anna: SignedIn) -> SignedIn:
    """Anna as a browser's page has her: what she searches is kept for the next time."""
    return resume_login(store, open_login(store, anna).reveal_text(), idle_lock_min=15)


@pytest.fixture
def elsewhere(store_path: Path, store: Store, anna: SignedIn) -> Iterator[Store]:
    """The same practice as another process has it open."""
    with open_store(f"sqlite:///{store_path}", clock=store.clock, passphrase_cost=FAST_COST) as opened:
        yield opened


def words_kept(store: Store, by: SignedIn) -> list[str]:
    return [each.note_id for each in store.kept.of(by).newest_first()]


def test_a_search_sees_what_another_process_has_written_since(
    store: Store, elsewhere: Store, anna: SignedIn, login: SignedIn, patient: Patient
) -> None:
    assert find(store, login, "heron") == ()

    with elsewhere.write(anna) as tx:
        tx.notes.add(make_note(patient.id, text="a grey heron"))
    assert [each.note_id for each in find(store, login, "heron")] == ["note1"]
    with elsewhere.write(anna) as tx:
        tx.notes.amend(make_note(patient.id).id, make_amendment("or an egret"))
    assert [each.note_id for each in find(store, login, "egret heron")] == ["note1"]
    edit_patient(elsewhere, anna, patient_id=patient.id, name="Ibis", number="", language="en")
    new_patient(elsewhere, anna, name="Ibis the younger")
    assert [each.patient.name for each in find(store, login, "ibis")] == ["Ibis", "Ibis the younger"]
    assert [row.patient.name for row in list_patients(store, login)] == ["Ibis", "Ibis the younger"]


def test_what_was_opened_for_one_search_is_not_opened_for_the_next(
    store: Store, store_path: Path, anna: SignedIn, login: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        tx.notes.add(make_note(patient.id, text="a grey heron"))
    find(store, login, "heron")

    with sqlite3.connect(store_path) as raw:
        raw.execute("UPDATE notes SET note_sealed = x'00'")
        raw.execute("UPDATE patients SET card_sealed = x'00'")

    assert [each.note_id for each in find(store, login, "heron")] == ["note1"]
    assert [row.patient for row in list_patients(store, login)] == [patient]


def test_a_login_that_ends_locks_or_idles_takes_what_it_had_open_with_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    with store.write(anna) as tx:
        tx.notes.add(make_note(patient.id, text="a grey heron"))
    ended, idle = (open_login(store, anna).reveal_text() for _ in range(2))
    by_cookie = {cookie: resume_login(store, cookie, idle_lock_min=15) for cookie in (ended, idle)}
    for by in by_cookie.values():
        find(store, by, "heron")
        assert words_kept(store, by) == ["note1"]

    end_login(store, ended)
    assert words_kept(store, by_cookie[ended]) == []
    clock.move(minutes=14)
    store.kept.sweep()
    assert words_kept(store, by_cookie[idle]) == ["note1"]
    clock.move(minutes=1)
    store.kept.sweep()
    assert words_kept(store, by_cookie[idle]) == []


def test_a_login_that_was_ended_elsewhere_leaves_nothing_once_it_is_refused(
    store: Store, elsewhere: Store, anna: SignedIn, patient: Patient
) -> None:
    cookie = open_login(store, anna).reveal_text()
    by = resume_login(store, cookie, idle_lock_min=15)
    find(store, by, "Sun")
    assert store.kept.of(by).cards

    end_login(elsewhere, cookie)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)
    assert not store.kept.of(by).cards


def test_nothing_of_an_erased_patient_stays_in_memory(
    store: Store, anna: SignedIn, login: SignedIn, two_patients: tuple[Patient, Patient]
) -> None:
    sun, lee = two_patients
    find(store, login, "march")

    erase_patient(store, anna, patient_id=lee.id, typed=lee.name)

    assert words_kept(store, login) == ["note1"]
    assert list(store.kept.of(login).cards) == [sun.id]
    assert find(store, login, "march") == ()


def test_a_share_that_was_withdrawn_or_is_over_is_found_no_more(
    store: Store, store_path: Path, login: SignedIn, two_patients: tuple[Patient, Patient], clock: Clock
) -> None:
    sun, lee = two_patients
    find(store, login, "march")
    wraps_of = "key_id IN (SELECT id FROM data_keys WHERE patient_id = ?) AND holder_id <> 'recovery'"

    with sqlite3.connect(store_path) as raw:
        raw.execute(f"DELETE FROM key_wraps WHERE {wraps_of}", (lee.id,))
        raw.execute(f"UPDATE key_wraps SET until = '2026-03-10 00:00:00' WHERE {wraps_of}", (sun.id,))

    assert find(store, login, "march") == ()
    assert [each.note_id for each in find(store, login, "失眠")] == ["note1"]
    assert words_kept(store, login) == ["note1"]
    clock.set(datetime(2026, 3, 10, tzinfo=UTC))
    assert find(store, login, "失眠") == ()
    assert words_kept(store, login) == []
    assert list_patients(store, login) == ()


def test_past_its_bound_the_memory_gives_way_and_the_search_stays_whole(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    for number in range(1, 6):
        other = new_patient(store, anna, name=f"Number {number}")
        with store.write(anna) as tx:
            tx.notes.add(make_note(other.id, text=f"heron {'x' * 1000}", number=number))
    store.kept.close()
    store.kept = Kept(store.clock, bytes_max=8000)
    first, second = (
        resume_login(store, open_login(store, anna).reveal_text(), idle_lock_min=15) for _ in range(2)
    )

    found = [[each.note_id for each in find(store, by, "heron")] for by in (first, second, first)]

    assert found == [["note1", "note2", "note3", "note4", "note5"]] * 3
    assert 0 < store.kept.of(first).size <= 8000
    assert store.kept.of(second).size == 0


def test_no_more_is_found_than_was_asked_for(store: Store, anna: SignedIn, patient: Patient) -> None:
    with store.write(anna) as tx:
        for number in range(1, 6):
            tx.notes.add(make_note(patient.id, text="Sun in the morning", number=number))

    found = find(store, anna, "sun", limit=3)

    assert [(each.where, each.note_id) for each in found] == [
        ("name", None),
        ("note", "note5"),
        ("note", "note4"),
    ]

"""Finding: what a search finds, and that what is kept in memory for it is never behind and never outstays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.drafts import Section
from phyassist.domain.people import Patient
from phyassist.services.patients import new_patient
from phyassist.services.searching import find
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
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

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.library import Scope
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Patient
from phyassist.errors import NotYourPatient
from phyassist.lm.protocol import Never
from phyassist.services.library import add_file, embed_missing, load_known, search_passages
from phyassist.services.patients import new_patient
from phyassist.services.similar import find_published, find_similar
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation
from tests.services.joining import let_in
from tests.services.test_consent import answer
from tests.store.making import make_item, make_note

SAID = "我最近总是睡不着，考试没有考好，妈妈很失望，我不想去上课了。"


def keep_note(store: Store, by: SignedIn, patient: Patient, name: str, *, asked: str, advice: str) -> Note:
    item = replace(make_item(advice, section=Section.ADVICE), quote="", id=f"item-{name}", comments=())
    note = replace(make_note(patient.id), id=NoteId(name), question=asked, items=(item,))
    with store.write(by) as tx:
        return tx.notes.add(note)


@pytest.fixture
def like(store: Store, anna: SignedIn) -> Patient:
    """Another patient of Anna's, with a note about the same and one after it."""
    other = new_patient(store, anna, name="欧阳明月", number="B-2", language="zh")
    keep_note(
        store,
        anna,
        other,
        "first",
        asked="欧阳明月为什么考试前睡不着？",
        advice="请欧阳明月睡前写下担心的事。",
    )
    keep_note(store, anna, other, "second", asked="明月睡得好些了，接下来谈什么？", advice="复习计划。")
    return other


def test_a_consented_case_says_why_it_is_like_and_what_was_tried_without_a_name(
    store: Store, anna: SignedIn, patient: Patient, like: Patient
) -> None:
    answer(store, anna, like, Answer.YES, Purpose.SIMILAR_CASES)
    here = make_consultation(store, anna, patient, SAID)

    (case,) = find_similar(store, anna, consultation_id=here.id)

    assert case.patient_id == like.id
    assert "sleep" in case.themes
    assert "睡不" in case.shared
    assert case.tried == ("请[NAME1]睡前写下担心的事。",)
    assert case.later == ("[NAME1B]睡得好些了，接下来谈什么？",)
    shown = " ".join((case.question, case.symptom_type, *case.tried, *case.later, *case.shared))
    assert "明月" not in shown
    assert "明月" not in repr(case)


@pytest.mark.parametrize("said", [None, Answer.NO])
def test_who_has_not_agreed_is_never_found(
    store: Store, anna: SignedIn, patient: Patient, like: Patient, said: Answer | None
) -> None:
    if said is not None:
        answer(store, anna, like, Answer.YES, Purpose.SIMILAR_CASES)
        answer(store, anna, like, said, Purpose.SIMILAR_CASES)
    here = make_consultation(store, anna, patient, SAID)

    assert find_similar(store, anna, consultation_id=here.id) == ()


def test_a_colleagues_patient_is_never_found_and_nor_is_the_patient_at_hand(
    store: Store, anna: SignedIn, patient: Patient, like: Patient
) -> None:
    answer(store, anna, like, Answer.YES, Purpose.SIMILAR_CASES)
    ben = let_in(store, anna, "Ben")
    own = new_patient(store, ben, name="Lee", number="C-3", language="zh")
    here = make_consultation(store, ben, own, SAID)
    there = make_consultation(store, anna, like, SAID)

    assert find_similar(store, ben, consultation_id=here.id) == ()
    assert find_similar(store, anna, consultation_id=there.id) == ()
    with pytest.raises(NotYourPatient):
        find_similar(store, ben, consultation_id=there.id)


def test_a_case_about_something_else_is_not_similar(
    store: Store, anna: SignedIn, patient: Patient, like: Patient
) -> None:
    answer(store, anna, like, Answer.YES, Purpose.SIMILAR_CASES)
    here = make_consultation(store, anna, patient, "He collects stamps and wants to sell his boat.")

    assert find_similar(store, anna, consultation_id=here.id) == ()


def test_published_cases_are_found_in_tables_of_cases_alone_and_none_without_one(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    here = make_consultation(store, anna, patient, SAID)
    before = find_published(store, anna, consultation_id=here.id)
    rows = (
        "question,answer",
        "考试没有考好，妈妈很失望，睡不着,先谈谈考试以前发生了什么。",
        "猫走丢了,贴一张告示。",
    )
    cases = "\n".join(rows)
    handbook = "# 睡眠\n\n考试没有考好，睡不着，妈妈很失望：睡眠限制。\n"
    for name, text in (("cases.csv", cases), ("handbook.md", handbook)):
        known = load_known(store, anna)
        add_file(store, anna, file=(name, text.encode()), scope=Scope.OWN, known=known)

    found = find_published(store, anna, consultation_id=here.id)

    assert before == ()
    (case,) = found
    assert "先谈谈考试以前发生了什么" in case.passage.text
    assert case.passage.document.form == "csv"
    assert {"sleep", "work"} <= set(case.themes)
    assert case.shared == ("考试", "考好", "妈妈", "失望"), "a pair with a particle tells nothing"
    assert "妈妈" not in repr(case)


def test_a_case_in_the_other_language_has_its_place_whatever_handbooks_say(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    here = make_consultation(store, anna, patient, f"{SAID}失眠以后我很抑郁，心情焦虑，压力很大，孩子也哭。")
    table = "question,answer\nInsomnia,Get up at one hour.\n"
    add_file(store, anna, file=("cases.csv", table.encode()), scope=Scope.OWN, known=load_known(store, anna))

    everywhere = search_passages(store, anna, here.source.text, limit=40)
    (case,) = find_published(store, anna, consultation_id=here.id)

    assert not any(passage.document.form == "csv" for passage in everywhere)
    assert (case.passage.heading, case.themes, case.shared) == ("Insomnia", ("sleep",), ("insomnia",))


def test_what_lies_near_by_meaning_and_shares_neither_a_theme_nor_a_word_is_no_case(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    here = make_consultation(store, anna, patient, "He collects stamps and sails a boat at weekends.")
    table = "question,answer\nSelling old stamps,Ask a dealer.\nMy cat ran off,Put up a poster.\n"
    add_file(
        store,
        anna,
        file=("cases.csv", table.encode()),
        scope=Scope.OWN,
        known=load_known(store, anna),
    )
    alike = Alike()
    list(embed_missing(store, anna, alike, Never()))

    found = find_published(store, anna, consultation_id=here.id, embedder=alike)

    assert [(case.passage.heading, case.themes, case.shared) for case in found] == [
        ("Selling old stamps", (), ("stamps",))
    ]


class Alike:
    """An embedding model to which all texts mean the same."""

    name = "alike"

    def embed_question(self, text: str) -> np.ndarray:
        return self.embed_passages([text])

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 4), dtype=np.float32) / 2

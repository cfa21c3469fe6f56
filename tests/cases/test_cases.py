"""The cases hold together, and what is said in them is found without anything being added."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from phyassist.domain.records import Record
from phyassist.lm.protocol import Never
from phyassist.services.cases import NAMES, Case, load_case
from phyassist.services.intake import OrganiseDone, QuestionFound, organise_text
from tests.house.tree import ROOT

COUNSEL_CHAT = ROOT.parent / "shared" / "data" / "counsel-chat" / "counsel_chat.csv"
# Nine facts of ten are to stand in the record, three of four where a counsellor would look for them.
FOUND_MIN, IN_FIELD_MIN = 0.9, 0.75


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest) -> Case:
    return load_case(request.param)


def test_what_is_expected_is_in_the_text_and_what_is_absent_is_not(case: Case):
    missing = [fact.quote for fact in case.facts if fact.quote not in case.text]
    missing += [item.quote for item in case.items if item.quote not in case.text]

    present = [word for word in case.absent if word in case.text.lower()]

    assert (missing, present) == ([], [])


def test_the_facts_of_a_case_are_found_and_none_is_invented(case: Case):
    *_, done = organise_text(case.text, None, language=case.language, known=Record(), stop=Never())

    assert isinstance(done, OrganiseDone)
    found = [fact for fact in case.facts if fact.is_in(done.statements, anywhere=True)]
    in_field = [fact for fact in found if fact.is_in(done.statements)]
    invented = [word for word in case.absent for one in done.statements if word in one.text.lower()]
    assert len(found) / len(case.facts) >= FOUND_MIN
    assert len(in_field) / len(case.facts) >= IN_FIELD_MIN
    assert invented == []
    assert all(one.quote in case.text for one in done.statements)


def test_the_question_of_a_case_is_found_in_its_own_words(case: Case):
    events = list(organise_text(case.text, None, language=case.language, known=Record(), stop=Never()))

    questions = [event for event in events if isinstance(event, QuestionFound)]
    assert len(questions) == 1
    assert questions[0].quote in case.text
    assert any(word in questions[0].text for word in case.question_says)


@pytest.mark.skipif(not COUNSEL_CHAT.exists(), reason="the shared folder with public data is not here")
def test_a_real_question_to_a_therapist_is_organised_in_its_own_words():
    row = _find_row(COUNSEL_CHAT)

    *_, done = organise_text(row, None, language="en", known=Record(), stop=Never())

    assert isinstance(done, OrganiseDone)
    assert done.statements
    assert all(row[one.span.start : one.span.end] == one.quote for one in done.statements)
    assert done.question


def _find_row(path: Path) -> str:
    """The first question of the test split that is long enough to hold facts."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "test" and len(row["questionText"]) > 400:
                return row["questionText"]
    raise LookupError("no row of this kind is in the file")

"""The invented practice: what its texts hold, and that it is written on the days that it tells of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from phyassist.domain.drafts import Basis, Section
from phyassist.services.demo import PASSPHRASE, PastClock, fill_practice, load_invented
from phyassist.services.patients import list_patients, load_patient
from phyassist.services.practice import sign_in
from phyassist.store.opening import open_store
from tests.conftest import FAST_COST

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_there_are_six_people_in_two_languages_each_with_several_dated_notes():
    people = load_invented()

    assert [one.language for one in people] == ["zh", "zh", "zh", "en", "en", "en"]
    assert all(len(one.consultations) >= 2 for one in people)
    dates = [[each.days_ago for each in one.consultations] for one in people]
    assert all(days == sorted(days, reverse=True) for days in dates)


def test_every_quote_stands_in_its_text_and_every_reason_says_what_it_rests_on():
    people = load_invented()

    for one in (each for person in people for each in person.consultations):
        for statement in one.statements:
            assert one.text[statement.span.start : statement.span.end] == statement.quote
        for item in one.items:
            assert (item.basis is not None) == (item.section == Section.REASON)
            assert bool(item.quote) == (item.basis == Basis.QUOTED)


def test_the_practice_is_filled_as_the_texts_say(tmp_path: Path):
    clock = PastClock(NOW)
    with open_store(f"sqlite:///{tmp_path / 'demo.db'}", clock=clock, passphrase_cost=FAST_COST) as store:
        fill_practice(store, clock, now=NOW)
        by = sign_in(store, passphrase=PASSPHRASE)

        files = [load_patient(store, by, row.patient.id) for row in list_patients(store, by)]

    by_number = {file.patient.number: file for file in files}
    assert sorted(by_number) == ["0107", "0112", "0118", "0121", "0124", "0126"]
    assert [len(by_number[number].notes) for number in sorted(by_number)] == [3, 2, 2, 3, 2, 1]
    assert by_number["0112"].open_draft is not None
    assert by_number["0126"].consultations[0].source.organised_version is None
    newest = by_number["0121"].notes[0]
    assert newest.at.date() == (NOW - timedelta(days=8)).date()
    assert newest.signed_at - newest.at == timedelta(minutes=50)
    assert clock.now == NOW

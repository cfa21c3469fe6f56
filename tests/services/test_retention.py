"""What is due is listed, to whom it may be; nothing goes by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phyassist.domain.clock import new_id
from phyassist.domain.people import Patient, PatientId, Role
from phyassist.domain.practice import PracticeSettings
from phyassist.domain.records import (
    ConsultationId,
    Record,
    RecordField,
    RecordLine,
    SourceId,
    Span,
    Statement,
    StatementId,
)
from phyassist.domain.retention import add_years, compute_due, find_of_age
from phyassist.errors import BadInput, NotAllowed, UnknownName
from phyassist.services.intake import start_consultation
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.practice import get_practice_settings
from phyassist.services.recording import add_statement
from phyassist.services.retention import get_rule, list_due, list_rules, save_retention
from phyassist.services.sharing import share
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.joining import let_in

SEEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = {rule.key: rule for rule in list_rules()}


def make_record(*ages: tuple[str, str, str]) -> Record:
    """Lines of demographic data: text, kind, consultation."""
    return Record(
        tuple(
            RecordLine(
                StatementId(new_id()),
                Statement(RecordField.DEMOGRAPHIC, text, "", Span(0, 0), kind),
                SourceId("s"),
                ConsultationId(consultation),
                SEEN,
            )
            for text, kind, consultation in ages
        )
    )


@pytest.fixture
def seen(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    """Met once, in March 2026."""
    start_consultation(store, anna, patient_id=patient.id)
    return patient


def test_every_rule_names_its_source_in_both_languages():
    assert len(RULES) == len(list_rules()) >= 8
    for rule in list_rules():
        assert set(rule.title) == set(rule.source) == {"zh", "en"}
        assert all(rule.source.values())
        assert rule.key == "own" or 5 <= rule.years <= 30


def test_the_usual_rule_is_that_of_the_jurisdiction():
    assert get_rule(PracticeSettings(jurisdiction="cn")).years == 15
    assert get_rule(PracticeSettings(jurisdiction="other")).key == "us-apa"
    own = get_rule(PracticeSettings(retention_rule="own", retention_years=12))
    assert (own.years, own.minors.years if own.minors else None) == (12, 12)
    with pytest.raises(UnknownName):
        get_rule(PracticeSettings(retention_rule="of tomorrow"))


@pytest.mark.parametrize(("key", "year"), [("cn-outpatient", 2041), ("cn-30", 2056), ("de", 2036)])
def test_a_period_counts_from_the_last_contact(key: str, year: int):
    due = compute_due(RULES[key], PatientId("p"), SEEN)

    assert due.due_at == SEEN.replace(year=year)


def test_a_leap_day_does_not_stop_the_count():
    assert add_years(datetime(2024, 2, 29, tzinfo=UTC), 15) == datetime(2039, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kind", "of_age"),
    [
        ("年龄：15岁", "age", 2029),
        ("年龄：十五岁", "age", 2029),
        ("Age: fifteen", "age", 2029),
        ("15岁，初三", "", 2029),
        ("15 years old", "", 2029),
        ("年龄：19岁", "age", None),
        ("lives in room 15", "", None),
        ("职业：15岁班的老师", "occupation", None),
    ],
)
def test_who_was_a_minor_is_known_by_the_record(text: str, kind: str, of_age: int | None):
    found = find_of_age(make_record((text, kind, "c1")), RULES["us-apa"], {"c1": SEEN})

    assert found == (SEEN.replace(year=of_age) if of_age else None)


def test_of_two_ages_the_later_coming_of_age_counts():
    record = make_record(("年龄：15岁", "age", "c1"), ("年龄：16岁", "age", "c2"))
    days = {"c1": SEEN, "c2": SEEN.replace(year=2028)}

    assert find_of_age(record, RULES["us-apa"], days) == SEEN.replace(year=2030)


@pytest.mark.parametrize(
    ("key", "age", "year"),
    [("us-apa", 15, 2033), ("us-apa", 6, 2041), ("uk-nhs-adult", 15, 2037), ("de", 6, 2036)],
)
def test_a_minors_file_is_kept_on_from_coming_of_age_where_that_is_later(key: str, age: int, year: int):
    of_age = find_of_age(make_record((f"年龄：{age}岁", "age", "c1")), RULES[key], {"c1": SEEN})

    assert compute_due(RULES[key], PatientId("p"), SEEN, of_age).due_at.year == year


def test_what_is_due_is_listed_and_not_deleted(store: Store, anna: SignedIn, clock: Clock, seen: Patient):
    before = list_due(store, anna)
    clock.move(days=7 * 366)

    found = list_due(store, anna)

    assert before.due == ()
    (due,) = found.due
    assert (due.patient_id, due.name, due.number) == (seen.id, "Sun Mei", "0231")
    assert (due.last_contact.year, due.due_at.year) == (2026, 2033)
    assert load_patient(store, anna, seen.id).patient == seen


def test_what_is_due_soon_can_be_asked_for(store: Store, anna: SignedIn, clock: Clock, seen: Patient):
    clock.set(SEEN.replace(year=2033, month=1))

    assert list_due(store, anna).due == ()
    assert len(list_due(store, anna, within_days=90).due) == 1


def test_a_minor_known_from_the_record_is_not_due_yet(
    store: Store, anna: SignedIn, clock: Clock, patient: Patient
):
    meeting = start_consultation(store, anna, patient_id=patient.id)
    add_statement(
        store,
        anna,
        consultation_id=meeting.id,
        record_field=RecordField.DEMOGRAPHIC,
        text="6岁",
        after=0,
    )
    clock.move(days=7 * 366)

    assert list_due(store, anna).due == ()
    clock.set(SEEN.replace(year=2041))
    (due,) = list_due(store, anna).due
    assert due.of_age_at is not None
    assert due.of_age_at.year == 2038


def test_who_runs_the_practice_sees_dates_and_who_holds_the_key_names(
    store: Store, anna: SignedIn, clock: Clock, seen: Patient
):
    ada = let_in(store, anna, "Ada", Role.ADMINISTRATOR)
    bo = let_in(store, anna, "Bo Lind")
    cora = let_in(store, anna, "Cora")
    share(store, anna, patient_id=seen.id, with_id=cora.id, may_write=False)
    clock.move(days=7 * 366)

    (dates,) = list_due(store, ada).due
    (names,) = list_due(store, cora).due

    assert (dates.patient_id, dates.name, dates.number) == (seen.id, "", "")
    assert names.name == "Sun Mei"
    assert list_due(store, bo).due == ()


def test_the_practice_sets_its_own_period(store: Store, anna: SignedIn, clock: Clock, seen: Patient):
    save_retention(store, anna, rule="own", years=2)
    clock.move(days=2 * 366)

    found = list_due(store, anna)

    assert get_practice_settings(store).retention_years == 2
    assert [each.patient_id for each in found.due] == [seen.id]
    with store.read(anna) as tx:
        rows = tx.audit.list()
    assert (Act.VIEWED, Kind.RETENTION) in {(row.act, row.kind) for row in rows}


@pytest.mark.parametrize(("rule", "years", "error"), [("of tomorrow", 5, UnknownName), ("own", 0, BadInput)])
def test_a_period_that_cannot_be_is_refused(
    store: Store, anna: SignedIn, rule: str, years: int, error: type[Exception]
):
    with pytest.raises(error):
        save_retention(store, anna, rule=rule, years=years)


def test_only_who_runs_the_practice_sets_it(store: Store, anna: SignedIn):
    bo = let_in(store, anna, "Bo Lind")

    with pytest.raises(NotAllowed):
        save_retention(store, bo, rule="de", years=10)


def test_an_old_meeting_written_down_today_counts_from_its_own_day(
    store: Store, anna: SignedIn, clock: Clock
):
    old = new_patient(store, anna, name="Lee")
    start_consultation(store, anna, patient_id=old.id, at=SEEN.replace(year=2010))

    (due,) = list_due(store, anna).due

    assert due.last_contact.year == 2010

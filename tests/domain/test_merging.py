"""New statements against a known record."""

from datetime import UTC, datetime, timedelta

from phyassist.domain.merging import merge
from phyassist.domain.records import (
    ConsultationId,
    Record,
    RecordField,
    RecordLine,
    SourceId,
    Span,
    Standing,
    Statement,
    StatementId,
)

THEN = datetime(2024, 5, 1, tzinfo=UTC)


def fact(kind: str, text: str) -> Statement:
    return Statement(RecordField.DEMOGRAPHIC, text, text, Span(0, len(text)), kind)


def told(text: str) -> Statement:
    return Statement(RecordField.PHYSICAL, text, text, Span(0, len(text)))


def record(*statements: Statement) -> Record:
    lines = tuple(
        RecordLine(StatementId(f"line-{no}"), each, SourceId("s"), ConsultationId("c"), THEN)
        for no, each in enumerate(statements)
    )
    return Record(lines, 1)


def standing_of(known: Statement, new: Statement, *, days: int = 7) -> Standing:
    (merged,) = merge(record(known), [new], at=THEN + timedelta(days=days))
    return merged.standing


def test_another_value_of_a_single_valued_fact_differs_and_names_the_line():
    (merged,) = merge(record(fact("marital", "婚姻：已婚")), [fact("marital", "婚姻：离异")], at=THEN)

    assert merged.standing == Standing.DIFFERS
    assert merged.against == "line-0"


def test_the_same_fact_in_other_words_is_the_same():
    assert standing_of(fact("marital", "婚姻：已婚五年"), fact("marital", "婚姻：结婚五年")) == Standing.SAME
    assert standing_of(fact("age", "年龄：十九岁"), fact("age", "年龄：19")) == Standing.SAME
    assert standing_of(fact("sex", "性别：女"), fact("sex", "Sex: Female")) == Standing.SAME


def test_an_age_that_grew_with_time_is_no_contradiction():
    assert standing_of(fact("age", "年龄：19岁"), fact("age", "年龄：20岁"), days=200) == Standing.NEW
    assert standing_of(fact("age", "年龄：19岁"), fact("age", "年龄：31岁"), days=200) == Standing.DIFFERS
    assert standing_of(fact("age", "Age: 34"), fact("age", "Age: 33"), days=200) == Standing.DIFFERS


def test_nearly_the_same_sentence_is_the_same_unless_it_denies_or_counts_otherwise():
    assert standing_of(told("我最近总是失眠"), told("我最近总失眠")) == Standing.SAME
    assert standing_of(told("I sleep 4 hours a night"), told("I sleep 6 hours a night")) == Standing.NEW
    assert standing_of(told("我有自杀的想法"), told("我没有自杀的想法")) == Standing.NEW


def test_what_is_found_twice_in_one_text_is_merged_once():
    merged = merge(Record(), [told("我睡不好"), told("我睡不好")], at=THEN)

    assert [each.standing for each in merged] == [Standing.NEW]


def test_a_school_year_that_follows_the_known_one_is_no_contradiction():
    known = fact("education", "学历：大三")

    assert standing_of(known, fact("education", "学历：大四"), days=200) == Standing.NEW
    assert standing_of(known, fact("education", "学历：大一"), days=200) == Standing.DIFFERS

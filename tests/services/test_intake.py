"""From a text to the record, with and without a model's second look."""

import json
import re
import threading

import pytest

from phyassist.domain.records import Record, RecordField, Standing
from phyassist.errors import BadInput, ChangedMeanwhile, EmptyText, EngineDown, NotFound
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.intake import (
    OrganiseDone,
    Progress,
    QuestionFound,
    RecordSaved,
    StatementsFound,
    organise,
    organise_text,
    save_question,
    save_source,
    start_consultation,
    take_up_consultation,
)
from phyassist.services.recording import add_statement, edit_statement, remove_statement, settle

TALK = (
    "来访者：我今年19岁，最近三个月总是失眠，每天只睡四个小时。\n咨询师：嗯，还有呢？\n"
    "来访者：白天没精神，很想哭。我该怎么办？\n咨询师：建议你早点休息。\n来访者：窗外下着雨，街上没有人。"
)
LATER = "来访者：我今年31岁，最近三个月总是失眠。现在睡得好一点了。"


def read(text: str, lm=None, stop=None):
    events = organise_text(text, lm, language="zh", known=Record(), stop=stop or Never())
    return list(events)


def pick_all(ask: Ask) -> str:
    """A model that puts every number that it is asked about under social functioning."""
    numbers = re.search(r"档案：([\d, ]+)", ask.messages[-1].content)
    lists: dict[str, list[int]] = {name: [] for name in ask.schema["required"]}
    return json.dumps(lists | {"社会功能": [int(each) for each in numbers[1].split(",")]}, ensure_ascii=False)


def fill(store, by, patient, text, at=None):
    consultation = start_consultation(store, by, patient_id=patient.id, at=at)
    save_source(store, by, consultation_id=consultation.id, text=text, after=consultation.source.version)
    events = list(organise(store, None, by, consultation_id=consultation.id, stop=Never()))
    return consultation, next(event.record for event in reversed(events) if isinstance(event, RecordSaved))


def test_events_come_in_order_and_the_last_one_holds_everything():
    events = read(TALK)

    assert [type(event) for event in events] == [Progress, StatementsFound, QuestionFound, OrganiseDone]
    assert events[-1].statements == events[1].statements
    assert events[2].quote in TALK
    assert "怎么办" in events[2].text


def test_a_second_look_adds_whole_sentences_and_never_words():
    lm = ScriptedModel([pick_all])

    *_, done = read(TALK, lm)

    (ask,) = lm.asks
    added = [each for each in done.statements if each.field == RecordField.SOCIAL]
    assert ask.schema["additionalProperties"] is False
    assert all(TALK[each.span.start : each.span.end] == each.quote for each in done.statements)
    assert all("建议" not in each.text for each in done.statements)
    assert added
    assert done.tokens > 0


@pytest.mark.parametrize("reply", ["not json", "[]", '{"社会功能": [1], "精神状态": [1], "身体状态": [1]}'])
def test_a_reply_that_cannot_be_read_is_named_and_changes_nothing(reply):
    first = read(TALK)[-1]

    done = read(TALK, ScriptedModel([reply]))[-1]

    assert done.statements == first.statements


def test_a_model_that_dies_takes_nothing_with_it():
    first = read(TALK)[-1]

    done = read(TALK, ScriptedModel([EngineDown("the engine stopped")]))[-1]

    assert done.statements == first.statements
    assert done.unread == ("the engine stopped",)


def test_a_text_longer_than_the_window_is_read_in_parts_with_progress():
    lines = "\n".join(f"来访者：窗外第{no}天下着雨，街上没有人，我坐着发呆。" for no in range(400))
    lm = ScriptedModel([lambda ask: "{}"] * 60, context_tokens=3000)

    events = read(lines, lm)

    progress = [event for event in events if isinstance(event, Progress)][1:]
    assert progress[-1].part == progress[-1].parts > 2
    assert all(lm.count_tokens(ask.messages[-1].content) < 3000 for ask in lm.asks)


def test_a_model_that_was_measured_to_add_nothing_is_not_asked():
    lm = ScriptedModel([pick_all], name="qwen2.5-coder-0.5b-instruct")

    read(TALK, lm)

    assert lm.asks == []


def test_a_second_look_that_is_stopped_is_named_as_unread():
    stop = threading.Event()
    stop.set()

    done = read(TALK, ScriptedModel([pick_all]), stop)[-1]

    assert done.statements
    assert done.unread == ("parts 1 to 1: not read a second time",)


def test_only_emoji_is_a_clear_sentence():
    with pytest.raises(EmptyText, match="no words"):
        read("😀😀😀")


def test_organising_fills_the_record_and_the_question(store, anna, patient):
    consultation, record = fill(store, anna, patient, TALK)

    with store.read(anna) as tx:
        stored = tx.consultations.get(consultation.id)
        kept = tx.records.get(patient.id)
    assert kept == record
    assert stored.question.endswith("怎么办？")
    assert stored.source.organised_version == 1
    assert {line.standing for line in record.lines} == {Standing.NEW}
    assert all(line.statement.quote in TALK for line in record.lines)


def test_organising_the_same_text_again_changes_nothing(store, anna, patient):
    consultation, record = fill(store, anna, patient, TALK)

    list(organise(store, None, anna, consultation_id=consultation.id, stop=Never()))

    with store.read(anna) as tx:
        assert tx.records.get(patient.id) == record


def test_a_later_contradiction_waits_for_the_counsellor(store, anna, patient):
    fill(store, anna, patient, TALK)

    _, record = fill(store, anna, patient, LATER)

    (waiting,) = [line for line in record.lines if line.standing == Standing.DIFFERS]
    old = next(line for line in record.lines if line.id == waiting.differs_from)
    assert waiting.statement.text == "年龄：31岁"
    assert old.statement.text == "年龄：19岁"
    assert old.standing == Standing.KNOWN


@pytest.mark.parametrize(
    ("choice", "standing"),
    [
        ("keep_both", {"19": Standing.KNOWN, "31": Standing.NEW}),
        ("replace", {"19": Standing.REPLACED, "31": Standing.NEW}),
        ("leave", {"19": Standing.KNOWN, "31": Standing.LEFT}),
    ],
)
def test_the_counsellor_settles_it(store, anna, patient, choice, standing):
    fill(store, anna, patient, TALK)
    _, record = fill(store, anna, patient, LATER)
    waiting = next(line for line in record.lines if line.standing == Standing.DIFFERS)

    settled = settle(
        store, anna, patient_id=patient.id, statement_id=waiting.id, choice=choice, after=record.version
    )

    ages = {line.statement.text[3:5]: line.standing for line in settled.lines if line.statement.kind == "age"}
    assert ages == standing


def test_a_line_that_differs_from_none_cannot_be_settled(store, anna, patient):
    _, record = fill(store, anna, patient, TALK)

    with pytest.raises(BadInput, match="differs from no other"):
        settle(
            store,
            anna,
            patient_id=patient.id,
            statement_id=record.lines[0].id,
            choice="replace",
            after=record.version,
        )


def test_what_was_removed_or_reworded_by_hand_stays_so(store, anna, patient):
    consultation, record = fill(store, anna, patient, TALK)
    removed, reworded = record.lines[0], record.lines[1]

    seen = record.version
    remove_statement(store, anna, patient_id=patient.id, statement_id=removed.id, after=seen)
    edit_statement(store, anna, patient_id=patient.id, statement_id=reworded.id, text="睡眠差", after=seen)
    list(organise(store, None, anna, consultation_id=consultation.id, stop=Never()))

    with store.read(anna) as tx:
        lines = tx.records.get(patient.id).lines
    assert [line.standing for line in lines if line.id == removed.id] == [Standing.LEFT]
    assert [line.statement.text for line in lines if line.id == reworded.id] == ["睡眠差"]
    assert len(lines) == len(record.lines)


def test_a_line_in_the_counsellors_own_words_rests_on_no_quote(store, anna, patient):
    consultation, filled = fill(store, anna, patient, TALK)

    record = add_statement(
        store,
        anna,
        consultation_id=consultation.id,
        record_field=RecordField.SOCIAL,
        text=" 与室友不和 ",
        after=filled.version,
    )

    assert record.lines[-1].statement.text == "与室友不和"
    assert record.lines[-1].statement.quote == ""
    with pytest.raises(EmptyText):
        edit_statement(
            store,
            anna,
            patient_id=patient.id,
            statement_id=record.lines[-1].id,
            text="  ",
            after=record.version,
        )
    with pytest.raises(NotFound):
        remove_statement(store, anna, patient_id=patient.id, statement_id="none", after=record.version)


def test_when_the_text_changes_the_lines_follow_their_words(store, anna, patient):
    consultation, record = fill(store, anna, patient, TALK)

    save_source(store, anna, consultation_id=consultation.id, text="来访者：你好。\n" + TALK, after=1)
    list(organise(store, None, anna, consultation_id=consultation.id, stop=Never()))

    with store.read(anna) as tx:
        lines, text = tx.records.get(patient.id).lines, tx.consultations.get(consultation.id).source.text
    assert len(lines) == len(record.lines)
    assert all(text[li.statement.span.start : li.statement.span.end] == li.statement.quote for li in lines)


def test_a_question_written_by_hand_is_not_written_over(store, anna, patient):
    consultation = start_consultation(store, anna, patient_id=patient.id)
    save_source(store, anna, consultation_id=consultation.id, text=TALK, after=0)
    save_question(store, anna, consultation_id=consultation.id, question="睡眠", after=consultation.version)

    list(organise(store, None, anna, consultation_id=consultation.id, stop=Never()))

    with store.read(anna) as tx:
        assert tx.consultations.get(consultation.id).question == "睡眠"


def test_a_text_saved_in_two_tabs_is_refused_in_the_second(store, anna, patient):
    consultation = start_consultation(store, anna, patient_id=patient.id)
    save_source(store, anna, consultation_id=consultation.id, text="一", after=0)

    with pytest.raises(ChangedMeanwhile):
        save_source(store, anna, consultation_id=consultation.id, text="二", after=0)


def test_a_consultation_that_nobody_has_written_in_is_taken_up_again(store, anna, patient, clock):
    first = take_up_consultation(store, anna, patient_id=patient.id)
    clock.move(minutes=59)
    again = take_up_consultation(store, anna, patient_id=patient.id)
    clock.move(minutes=1)
    after_an_hour = take_up_consultation(store, anna, patient_id=patient.id)
    save_source(store, anna, consultation_id=after_an_hour.id, text=TALK, after=0)
    after_a_text = take_up_consultation(store, anna, patient_id=patient.id)
    save_question(store, anna, consultation_id=after_a_text.id, question="睡眠", after=after_a_text.version)
    after_a_question = take_up_consultation(store, anna, patient_id=patient.id)

    assert again == first
    assert len({first.id, after_an_hour.id, after_a_text.id, after_a_question.id}) == 4
    with store.read(anna) as tx:
        assert len(tx.consultations.list(patient.id)) == 4

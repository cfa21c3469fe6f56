from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from phyassist.domain.clock import new_id
from phyassist.domain.drafts import Change, Draft, DraftState, Section, TextRead, WrittenBy
from phyassist.domain.people import Patient
from phyassist.domain.records import (
    Consultation,
    RecordField,
    RecordLine,
    Span,
    Statement,
    StatementId,
)
from phyassist.errors import ChangedMeanwhile, EngineDown, NotAllowed
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.draft_events import (
    AnalysisDone,
    Finished,
    ItemWritten,
    Prepared,
)
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.reworking import (
    discard_draft,
    edit_item,
    list_versions,
)
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import (
    ADVICE,
    REASONS,
    TYPE,
    make_consultation,
    make_reply,
    texts_of,
    write_whole,
)


@pytest.fixture
def consultation(store: Store, anna: SignedIn, patient: Patient) -> Consultation:
    return make_consultation(store, anna, patient)


@pytest.fixture
def written(store: Store, anna: SignedIn, consultation: Consultation) -> Draft:
    return write_whole(store, anna, consultation)


@dataclass
class StopAfter:
    """A stop that comes once a condition holds."""

    holds: Callable[[], bool]

    def is_set(self) -> bool:
        return self.holds()


def test_every_finished_item_is_a_version_before_it_is_shown(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    events = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())

    first = next(event for event in events if isinstance(event, ItemWritten))

    with store.read(anna) as tx:
        stored = tx.drafts.get(draft.id)
    assert stored.version == first.version == 2
    assert stored.items == (first.item,)
    assert [(line.change, line.item_ids) for line in list_versions(store, anna, draft_id=draft.id)] == [
        (Change.WROTE, (first.item.id,)),
        (Change.STARTED, ()),
    ]


def test_an_item_says_which_model_wrote_it(written: Draft):
    assert {item.written_by for item in written.items} == {WrittenBy("scripted", "")}


def test_words_on_the_screen_are_in_the_store_though_the_page_is_gone(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    events = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    seen = ""
    for event in events:
        if isinstance(event, ItemWritten) and event.item.section == Section.SYMPTOM_TYPE:
            seen = ""
        elif hasattr(event, "text"):
            seen += event.text
        if len(seen) > 12:
            break

    events.close()

    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).partial == seen


def test_words_are_kept_while_the_item_is_being_written(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    seconds = iter(range(1000))
    events = write_draft(
        store,
        ScriptedModel([make_reply()]),
        anna,
        draft_id=draft.id,
        stop=Never(),
        ticks=lambda: float(next(seconds)),
    )

    words = next(event for event in events if hasattr(event, "text"))

    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).partial == words.text


def test_stopping_keeps_the_finished_items(store: Store, anna: SignedIn, consultation: Consultation):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    seen: list[ItemWritten] = []
    stop = StopAfter(lambda: len(seen) == 2)

    for event in write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=stop):
        if isinstance(event, ItemWritten):
            seen.append(event)

    with store.read(anna) as tx:
        stopped = tx.drafts.get(draft.id)
    assert [item.text for item in stopped.items] == [TYPE, REASONS[0][1]]
    assert (stopped.partial, stopped.unread) == ("", ())
    assert list_versions(store, anna, draft_id=draft.id)[0].change == Change.STOPPED


def test_after_a_fault_only_what_is_missing_is_asked_for(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    lm = ScriptedModel([make_reply(), make_reply(symptom_type=None, reasons=None)], fails_after=45)
    with pytest.raises(EngineDown):
        list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))
    with store.read(anna) as tx:
        kept = tx.drafts.get(draft.id)

    list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))

    with store.read(anna) as tx:
        whole = tx.drafts.get(draft.id)
    assert kept.items
    assert not kept.of(Section.ADVICE)
    assert whole.items[: len(kept.items)] == kept.items
    assert texts_of(whole, Section.ADVICE) == list(ADVICE)
    assert list(lm.asks[1].schema["properties"]) == ["advice"]  # type: ignore[index]


def test_an_unread_reply_is_kept_and_gone_once_the_next_try_is_read(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    lm = ScriptedModel(["no idea", make_reply()])
    list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))
    with store.read(anna) as tx:
        unread = tx.drafts.get(draft.id)

    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())

    assert [(reply.why, reply.reply) for reply in unread.unread] == [("not-json", "no idea")]
    assert isinstance(last, Finished)
    assert last.draft.unread == ()
    assert len(last.draft.items) == 7


def test_of_a_draft_that_began_with_made_up_harm_only_the_second_try_is_kept(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    lm = ScriptedModel([make_reply(symptom_type="自杀念头"), make_reply()])
    words: list[str] = []
    unread: list[int] = []
    seconds = iter(range(1000))

    for _ in write_draft(
        store, lm, anna, draft_id=draft.id, stop=Never(), ticks=lambda: float(next(seconds))
    ):
        with store.read(anna) as tx:
            kept = tx.drafts.get(draft.id)
        words.append(kept.partial)
        unread.append(len(kept.unread))

    assert max(unread) == 1
    assert (kept.unread, kept.partial, len(kept.items)) == ((), "", 7)
    # The words of the second try follow on nothing of the first.
    assert {"自杀念头", TYPE} <= set(words)
    assert kept.version > draft.version


def test_a_section_of_which_nothing_stands_is_asked_for_once_more(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    # The rule on labels said over is no symptom type.
    echo = make_reply(symptom_type="怀疑有障碍")
    lm = ScriptedModel([echo, make_reply(reasons=None, advice=None)])

    *_, done, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())

    assert isinstance(last, Finished)
    assert isinstance(done, AnalysisDone)
    assert [item.text for item in last.draft.standing] == [TYPE, *[text for _, text in REASONS], *ADVICE]
    assert (done.repeated, done.unread, len(lm.asks)) == (1, (), 2)
    assert "只写还缺的部分：症状类型" in lm.asks[1].messages[-1].content
    assert lm.asks[1].temperature > 0


def test_what_is_left_out_twice_is_not_asked_for_a_third_time(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    echo = make_reply(symptom_type="怀疑有障碍")
    lm = ScriptedModel([echo, make_reply(symptom_type="可考虑转介", reasons=None, advice=None)])

    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())

    assert isinstance(last, Finished)
    assert last.draft.missing == (Section.SYMPTOM_TYPE,)
    assert len(lm.asks) == 2


def test_what_the_counsellor_edits_while_the_model_writes_stays(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    events = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    first = next(event for event in events if isinstance(event, ItemWritten))
    next(event for event in events if isinstance(event, ItemWritten))

    edit_item(store, anna, draft_id=draft.id, item_id=first.item.id, text="考试的压力", after=first.version)
    *_, last = events

    assert isinstance(last, Finished)
    assert last.draft.items[0].text == "考试的压力"
    assert len(last.draft.items) == 7


def test_two_windows_that_write_the_same_draft_do_not_write_it_twice(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    one = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    other = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    next(event for event in one if isinstance(event, Prepared))
    next(event for event in other if isinstance(event, Prepared))
    next(event for event in one if isinstance(event, ItemWritten))

    with pytest.raises(ChangedMeanwhile, match="another window"):
        list(other)
    *_, last = one

    assert isinstance(last, Finished)
    assert len(last.draft.items) == 7


def test_a_draft_that_is_laid_aside_is_written_no_further(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    events = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    next(event for event in events if isinstance(event, ItemWritten))

    discarded = discard_draft(store, anna, draft_id=draft.id, after=draft.version)

    assert discarded.state == DraftState.DISCARDED
    with pytest.raises(NotAllowed, match="discarded"):
        list(events)


def test_no_transaction_is_open_while_the_model_writes(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    wrote: list[int] = []

    def reply(ask: Ask) -> str:
        # A second writer would wait for ten seconds and fail if a transaction were open here.
        with store.write(anna) as tx:
            wrote.append(tx.consultations.save_question(consultation.id, "还有呢？", after=0).version)
        return make_reply()

    list(write_draft(store, ScriptedModel([reply]), anna, draft_id=draft.id, stop=Never()))

    assert len(wrote) == 1


def test_the_prompt_shows_the_record_as_it_was_before_this_consultation(
    store: Store, anna: SignedIn, patient: Patient, consultation: Consultation
):
    with store.write(anna) as tx:
        line = RecordLine(
            StatementId(new_id()),
            Statement(RecordField.MENTAL, "睡眠差", "我最近总是睡不着", Span(0, 8)),
            consultation.source.id,
            consultation.id,
            store.clock(),
        )
        tx.records.save(patient.id, (line,), after=0)
    lm = ScriptedModel([make_reply()])
    draft = start_draft(store, anna, consultation_id=consultation.id)

    list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))

    assert "睡眠差" not in lm.asks[0].messages[1].content


def test_a_text_too_long_for_the_window_is_told_by_what_its_statements_rest_on(
    store: Store, anna: SignedIn, patient: Patient
):
    text = "我睡不着。" + "今天天气不错。" * 1500
    consultation = make_consultation(store, anna, patient, text)
    with store.write(anna) as tx:
        line = RecordLine(
            StatementId(new_id()),
            Statement(RecordField.MENTAL, "睡不着", "我睡不着", Span(0, 4)),
            consultation.source.id,
            consultation.id,
            store.clock(),
        )
        tx.records.save(patient.id, (line,), after=0)
    lm = ScriptedModel([make_reply()])
    draft = start_draft(store, anna, consultation_id=consultation.id)

    events = list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))

    prepared = next(event for event in events if isinstance(event, Prepared))
    assert (prepared.text_read, prepared.text_left_out) == (TextRead.STATEMENTS, 1500)
    with store.read(anna) as tx:
        assert tx.drafts.get(draft.id).text_read == TextRead.STATEMENTS
    assert "[1] 我睡不着。" in lm.asks[0].messages[1].content
    assert "天气" not in lm.asks[0].messages[1].content

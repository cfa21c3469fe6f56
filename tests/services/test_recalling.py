"""What no longer fits beside a conversation is found again by the words of the question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.drafts import DraftItem, ItemId, Section
from phyassist.domain.people import Patient
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.chatting import begin_thread, get_thread
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.noting import save_note
from phyassist.services.recalling import find_named, find_sections, find_untold, list_asked
from phyassist.services.reworking import edit_item
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.prompts.test_budget import make_note
from tests.services.drafts import make_consultation, make_reply
from tests.services.test_chatting import SAID, last, write

FACT = "来访者养了一只叫年糕的橘猫，夜里靠它入睡。"


def sign_note(store: Store, by: SignedIn, patient: Patient, words: str) -> None:
    consultation = make_consultation(store, by, patient, words)
    draft = start_draft(store, by, consultation_id=consultation.id)
    *_, done = write_draft(store, ScriptedModel([make_reply()]), by, draft_id=draft.id, stop=Never())
    item = done.draft.standing[-1]
    draft = edit_item(store, by, draft_id=draft.id, item_id=item.id, text=words, after=done.draft.version)
    save_note(store, by, draft_id=draft.id, after=draft.version)


def test_a_fact_of_an_old_note_stands_beside_the_question_that_asks_for_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (FACT, *(f"第{number}次谈到和同事的冲突，以及加班。" for number in range(10))):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="她的橘猫叫什么名字？")
    lm = ScriptedModel([SAID], context_tokens=3000)

    answer = last(write(store, lm, anna, thread))

    asked = lm.asks[0].messages[-1].content
    before, _, question = asked.rpartition("【档案中的其他内容】")
    assert FACT not in before
    assert question.count(FACT) == 1
    assert len(answer.given.left_out) > 1
    assert any(line.startswith("2026-03-02: ") and FACT in line for line in answer.given.recalled)
    assert get_thread(store, anna, thread_id=thread.id).path[-1].given == answer.given


def test_what_shares_no_word_with_the_question_is_left_out(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for number in range(11):
        sign_note(store, anna, patient, f"第{number}次谈到和同事的冲突，以及加班。")
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="zebra?")

    answer = last(write(store, ScriptedModel([SAID], context_tokens=3000), anna, thread))

    assert answer.given.left_out
    assert answer.given.recalled == ()


def test_a_long_line_is_shortened_where_everybody_sees_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (
        FACT + "后来又说了很多别的事。" * 60,
        *(f"第{number}次谈到冲突和加班。" for number in range(10)),
    ):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="她的橘猫叫什么名字？")

    answer = last(write(store, ScriptedModel([SAID], context_tokens=3000), anna, thread))

    (line,) = (each for each in answer.given.recalled if "年糕" in each)
    assert line.endswith("…")


def test_the_note_that_a_question_names_stands_beside_it_though_it_stands_above(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (FACT, "来访者说昨天和同事吵了一架。"):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    make_consultation(store, anna, patient, "来访者今天说得很少。")
    lm = ScriptedModel([SAID, SAID])

    write(store, lm, anna, begin_thread(store, anna, patient_id=patient.id, question="第一次给了什么建议？"))
    write(store, lm, anna, begin_thread(store, anna, patient_id=patient.id, question="来访者怎么样？"))

    named, plain = (ask.messages[-1].content for ask in lm.asks)
    beside = named.rpartition("【问到的笔记：第一次】")[2]
    assert named.count(FACT) == 2
    assert FACT in beside
    assert ("建议：" in beside, "原因：" in beside) == (True, False)
    assert "【问到的笔记" not in plain


def test_a_named_note_that_did_not_fit_is_read_all_the_same(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (FACT, *(f"第{number}次谈到和同事的冲突，以及加班。" for number in range(10))):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="笔记 1 里有什么建议？")
    lm = ScriptedModel([SAID], context_tokens=3000)

    answer = last(write(store, lm, anna, thread))

    before, _, beside = lm.asks[0].messages[-1].content.rpartition("【问到的笔记：笔记 1】")
    assert FACT not in before
    # It stands nowhere else: all of it is read, and no line of it a second time.
    assert all(f"{name}：" in beside for name in ("症状类型", "原因", "建议"))
    assert beside.count(FACT) == 1
    assert not any(FACT in line for line in answer.given.recalled)
    assert 1 in {note.number for note in answer.given.notes_used}
    assert not {note.id for note in answer.given.notes_used} & set(answer.given.left_out)


def test_what_a_note_advised_and_the_answer_leaves_out_is_named_below_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    sign_note(store, anna, patient, FACT)
    clock.move(days=7)
    with store.read(anna) as tx:
        (note,) = tx.notes.list(patient.id)
    advice = [item.text for item in note.of(Section.ADVICE)]
    assert advice[-1] == FACT
    asked = [
        begin_thread(store, anna, patient_id=patient.id, question=question)
        for question in ("上次给了什么建议？", "上次给了什么建议？", "上次的建议为什么没用？")
    ]
    lm = ScriptedModel([f"上次建议：{FACT}", "上次的建议有：" + "".join(advice), "资料里没有提到。"])

    one, whole, why = (last(write(store, lm, anna, thread)) for thread in asked)

    assert one.untold == tuple(advice[:-1]) != ()
    assert get_thread(store, anna, thread_id=asked[0].id).path[-1].untold == one.untold
    assert (whole.untold, why.untold) == ((), ())
    endings = [ask.messages[-1].content.endswith("请逐条列出。") for ask in lm.asks]
    assert endings == [True, True, False]


@pytest.mark.parametrize(
    ("question", "section"),
    [
        ("What did the last note advise?", Section.ADVICE),
        ("List the advice of the last note.", Section.ADVICE),
        ("Tell me all the reasons in note 1.", Section.REASON),
        ("Which reasons does the first note give?", Section.REASON),
        ("What was recommended last time?", Section.ADVICE),
        ("上次的建议有哪些？", Section.ADVICE),
        ("列出上次笔记的原因", Section.REASON),
        ("第一次建议她做什么？", Section.ADVICE),
        ("Could you list the advice of the last note?", Section.ADVICE),
        ("What kind of advice could help after the last session?", None),
        ("上次之后可以给什么建议？", None),
        ("What did she do with the advice of the last session?", None),
        ("Why did the advice of the last session not help?", None),
        ("Tell me whether the last advice helped.", None),
        ("What happened after the last session?", None),
        ("上次的建议她做了吗？", None),
        ("上次的建议为什么没有用？", None),
    ],
)
def test_items_are_asked_for_where_a_question_wants_them_told(question: str, section: Section | None) -> None:
    items = tuple(DraftItem(ItemId(each), each, f"of {each}") for each in Section)
    note = replace(make_note(1, 3), items=items)

    assert list_asked(note, question) == (() if section is None else (f"of {section}",))


@pytest.mark.parametrize(
    ("item", "answer", "is_told"),
    [
        ("Ride the two stops, three times this week.", "It was to ride two stops three times.", True),
        ("Ride the two stops, three times this week.", "It was advised to rest.", False),
        ("Ride the two stops, three times this week.", "", False),
        ("每天固定时间起床，写下睡了几个小时。", "建议固定时间起床，并写下睡了几个小时。", True),
        ("每天固定时间起床，写下睡了几个小时。", "建议多和朋友联系。", False),
        # Words of two languages cannot be compared.
        ("每天固定时间起床，写下睡了几个小时。", "It was advised to rest.", True),
    ],
)
def test_an_item_is_told_where_half_of_its_words_are(item: str, answer: str, *, is_told: bool) -> None:
    assert find_untold([item], answer) == (() if is_told else (item,))


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("What did the first note advise?", 1),
        ("what was planned in the second counselling session", 2),
        ("Which reasons stand in note 3?", 3),
        ("What did we plan last time?", 4),
        ("Summarise the previous session.", 4),
        ("第一次咨询的笔记里给了哪些建议？", 1),
        ("第 3 次谈了什么？", 3),
        ("笔记2里的原因是什么？", 2),
        ("上次定了什么计划？", 4),
        ("上一次的建议呢？", 4),
        ("最后一篇笔记写了什么？", 4),
        ("Note 9?", None),
        ("第九次谈了什么？", None),
        ("What should I ask first?", None),
        ("把第二条建议说短些。", None),
        ("When did the client last sleep well?", None),
        ("Her last job was hard?", None),
        ("他上学的时候怎么样？", None),
    ],
)
def test_a_question_names_a_note_by_its_place_its_number_or_as_the_last(
    question: str, number: int | None
) -> None:
    notes = [make_note(no, 3) for no in (3, 1, 4, 2)]

    found = find_named(notes, question)

    assert (found.note.number if found else None) == number
    assert found is None or found.called in question


@pytest.mark.parametrize(
    ("question", "sections"),
    [
        ("What did the first note advise?", [Section.ADVICE]),
        ("上次的原因和建议是什么？", [Section.REASON, Section.ADVICE]),
        ("What does note 2 say?", list(Section)),
    ],
)
def test_what_is_asked_about_is_what_is_shown(question: str, sections: list[Section]) -> None:
    assert list(find_sections(question)) == sections

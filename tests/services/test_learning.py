"""What is learnt from: the app's own messages, what was kept against what was not, and only who agreed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from phyassist.domain.adapters import AdapterKind, FormsByLanguage, OwnForm
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Draft, Section, WrittenBy
from phyassist.domain.learning import (
    ExampleKind,
    Hindrance,
    LearningExample,
    Limit,
    Limits,
    Origin,
    RunPlan,
    choose_epochs,
    choose_step,
    estimate_tokens,
    list_learnt,
)
from phyassist.domain.notes import ByHand, Note
from phyassist.domain.people import Patient
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.errors import BadInput, ConsentMissing, NotAllowed
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.consent import record_answers
from phyassist.services.drafting import redo_items
from phyassist.services.learning import Scope, gather_examples, leave_out, list_examples, plan_run
from phyassist.services.learning_examples import PROMPT_TOKENS, Told, make_examples
from phyassist.services.noting import amend_note, save_note
from phyassist.services.patients import new_patient
from phyassist.services.reworking import comment_on_item, delete_item, edit_item
from phyassist.services.run_files import make_run_example
from phyassist.store.audit import Act
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import ADVICE, REASONS, SAID, TYPE, make_consultation, make_reply, write_whole

LIMITS = Limits()


def agree(store: Store, by: SignedIn, patient: Patient, answer: Answer = Answer.YES) -> None:
    answers = {Purpose.OWN_TRAINING: answer, Purpose.SHARED_TRAINING: answer}
    record_answers(store, by, patient_id=patient.id, answers=answers)


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    agree(store, anna, patient)
    return patient


def scope_of(patient: Patient) -> Scope:
    return Scope(AdapterKind.PATIENT, (patient.id,))


def draft_of(store: Store, by: SignedIn, patient: Patient, text: str = SAID) -> Draft:
    return write_whole(store, by, make_consultation(store, by, patient, text))


def sign(store: Store, by: SignedIn, draft: Draft, clock: Clock, seen: str = "衣着整洁。") -> Note:
    """A note in which something is written by hand, so that the prompts of later ones show it."""
    by_hand = (ByHand("soap.objective", seen),)
    note = save_note(store, by, draft_id=draft.id, after=draft.version, template="soap", by_hand=by_hand)
    clock.move(days=7)
    return note


def prompts_of(plan: RunPlan) -> str:
    return "".join(message.content for each in plan.examples for message in each.messages)


def by_origin(examples: tuple[LearningExample, ...], origin: Origin) -> list[LearningExample]:
    return [example for example in examples if example.origin == origin]


def test_a_note_is_learnt_by_the_very_messages_that_asked_for_its_draft(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    sign(store, anna, draft_of(store, anna, willing), clock)
    consultation = make_consultation(store, anna, willing, "我又失眠了。工作也丢了。")
    lm = ScriptedModel([make_reply()])
    from phyassist.services.drafting import start_draft, write_draft

    draft = start_draft(store, anna, consultation_id=consultation.id)
    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
    sign(store, anna, last.draft, clock)

    newest, oldest = list_examples(store, anna, patient_id=willing.id)

    assert newest.messages == lm.asks[0].messages
    assert (newest.kind, newest.origin) == (ExampleKind.SUPERVISED, Origin.NOTE)
    assert json.loads(oldest.chosen) == json.loads(make_reply())
    assert "2026-03-02" in newest.messages[1].content
    assert "2026-03-02" not in oldest.messages[1].content


def test_what_was_kept_stands_against_what_was_first_written(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    symptom, first, _, third, *advice = draft.standing
    draft = edit_item(
        store, anna, draft_id=draft.id, item_id=symptom.id, text="考试焦虑", after=draft.version
    )
    draft = delete_item(store, anna, draft_id=draft.id, item_id=third.id, after=draft.version)
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=advice[0].id, words="写明时间", after=draft.version
    )
    for item, reply in (
        (advice[0], {"advice": [{"text": "了解来访者每晚几点入睡。"}]}),
        (first, {"reasons": [{"from": 2, "text": "来访者怕让妈妈失望。"}]}),
    ):
        events = redo_items(
            store,
            ScriptedModel([json.dumps(reply, ensure_ascii=False)]),
            anna,
            draft_id=draft.id,
            item_ids=(item.id,),
            after=draft.version,
            stop=Never(),
        )
        *_, last = events
        draft = last.draft
    note = sign(store, anna, draft, clock)

    found = list_examples(store, anna, patient_id=willing.id)

    (learnt,) = by_origin(found, Origin.NOTE)
    kept = json.loads(learnt.chosen)
    assert kept["symptom_type"] == "考试焦虑"
    assert [each["text"] for each in kept["reasons"]] == ["来访者怕让妈妈失望。", REASONS[1][1]]
    (edit,) = by_origin(found, Origin.EDIT)
    assert json.loads(edit.rejected) == {**kept, "symptom_type": TYPE}
    (again,) = by_origin(found, Origin.REGENERATION)
    assert json.loads(again.rejected)["reasons"][0]["text"] == REASONS[0][1]
    (gone,) = by_origin(found, Origin.DELETION)
    assert [each["text"] for each in json.loads(gone.rejected)["reasons"]][2] == REASONS[2][1]
    assert {each.messages for each in (learnt, edit, again, gone)} == {learnt.messages}
    assert {each.chosen for each in (learnt, edit, again, gone)} == {learnt.chosen}
    (asked,) = by_origin(found, Origin.COMMENT)
    assert "写明时间" in asked.messages[1].content
    assert json.loads(asked.chosen) == {"advice": [{"asked": "写明时间", "text": "了解来访者每晚几点入睡。"}]}
    assert json.loads(asked.rejected)["advice"][0]["text"] == ADVICE[0]
    assert {each.note.note_id for each in found} == {note.id}
    assert list_learnt(found) == (learnt, asked), "what was kept is learnt once, and what a comment asked for"
    assert {each.drafted for each in (learnt, edit, again, gone)} == {learnt.drafted}
    assert learnt.drafted is not None
    assert json.loads(learnt.drafted.reply) == json.loads(make_reply()), "as the model first wrote it"
    assert asked.drafted is None


def test_only_what_the_very_model_wrote_without_an_assistant_counts_as_drafted(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    note = sign(store, anna, draft, clock)

    def write_by(adapter: str) -> Told:
        items = tuple(
            replace(item, written_by=WrittenBy("scripted", adapter if item.section == Section.ADVICE else ""))
            for item in draft.items
        )
        return Told(note, split_sentences(SAID), Record(), (), (replace(draft, items=items),))

    (alone,), (with_assistant,) = (make_examples(write_by(each), "cn") for each in ("", "a7"))

    assert alone.drafted is not None
    assert with_assistant.drafted is not None
    assert set(json.loads(alone.drafted.reply)) == {"symptom_type", "reasons", "advice"}
    assert set(json.loads(with_assistant.drafted.reply)) == {"symptom_type", "reasons"}
    in_any_words: FormsByLanguage = {"zh": {Section.ADVICE: OwnForm()}}
    in_a_form: FormsByLanguage = {"zh": {Section.ADVICE: OwnForm(("^拟.{2,80}$",))}}
    assert make_run_example(alone, "scripted", {}).drafted == alone.drafted.reply
    assert make_run_example(alone, "scripted", in_a_form).drafted == alone.drafted.reply
    assert make_run_example(alone, "scripted", in_any_words).drafted == with_assistant.drafted.reply
    assert make_run_example(alone, "a larger one", {}).drafted == ""


def test_a_note_without_changes_is_a_supervised_example_alone(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    for _ in range(2):
        sign(store, anna, draft_of(store, anna, willing), clock)

    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)

    assert [each.kind for each in plan.examples] == [ExampleKind.SUPERVISED] * 2
    assert plan.hindrances == (Hindrance.NO_CHANGES,)
    assert plan.is_allowed


def test_the_newest_notes_are_held_out_and_the_ledger_names_those_that_are_learnt_from(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    notes = [sign(store, anna, draft_of(store, anna, willing), clock) for _ in range(5)]
    amend_note(store, anna, note_id=notes[1].id, reason="忘了", text="她也提到了头痛。")

    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)

    assert [each.note.note_id for each in plan.held_out] == [notes[4].id]
    # The second note is learnt as it is now, and read in the prompts of later ones as it was then.
    assert {(ref.note_id, ref.version) for ref in plan.ledger} == {
        (notes[0].id, 1),
        (notes[1].id, 2),
        (notes[1].id, 1),
        (notes[2].id, 1),
        (notes[3].id, 1),
    }
    assert plan.steps == 24
    assert plan.expected_s > 60


@pytest.mark.parametrize(
    ("examples", "steps"), [(1, 24), (4, 24), (8, 24), (16, 48), (64, 48), (400, 300)], ids=str
)
def test_few_examples_are_seen_more_often(examples: int, steps: int):
    step = choose_step(examples, 4)

    assert examples * choose_epochs(examples, 3.0, step) / step == pytest.approx(steps)


def test_one_note_is_too_little_and_none_is_nothing(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    none = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    sign(store, anna, draft_of(store, anna, willing), clock)
    one = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)

    assert none.hindrances == (Hindrance.NO_NOTES,)
    assert Hindrance.ONE_NOTE in one.hindrances
    with pytest.raises(NotAllowed, match="one note"):
        gather_examples(store, anna, scope=scope_of(willing), limits=LIMITS)


def test_nothing_leaves_without_consent_and_what_leaves_stands_in_the_audit(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    for _ in range(2):
        sign(store, anna, draft_of(store, anna, willing), clock)
    taken = gather_examples(store, anna, scope=scope_of(willing), limits=LIMITS)
    with store.read(anna) as tx:
        rows = [row for row in tx.audit.list() if row.act == Act.GATHERED]

    agree(store, anna, willing, Answer.NO)

    assert len(taken.examples) == 2
    assert [row.row_id for row in rows] == [willing.id]
    with pytest.raises(ConsentMissing):
        list_examples(store, anna, patient_id=willing.id)
    with pytest.raises(ConsentMissing):
        gather_examples(store, anna, scope=scope_of(willing), limits=LIMITS)
    assert plan_run(store, anna, scope=scope_of(willing), limits=LIMITS).examples == ()


def test_an_example_that_was_left_out_is_in_no_run_until_it_is_taken_in_again(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    for _ in range(3):
        sign(store, anna, draft_of(store, anna, willing), clock)
    first = list_examples(store, anna, patient_id=willing.id)[0]

    leave_out(store, anna, patient_id=willing.id, example_id=first.id, is_left_out=True)
    without = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    shown = list_examples(store, anna, patient_id=willing.id)[0]
    leave_out(store, anna, patient_id=willing.id, example_id=first.id, is_left_out=False)

    assert shown == replace(first, left_out=True)
    assert first.id not in {each.id for each in without.examples}
    assert len(plan_run(store, anna, scope=scope_of(willing), limits=LIMITS).examples) == 3


def test_the_changes_of_a_note_that_was_left_out_do_not_bring_it_back(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    symptom = draft.standing[0]
    draft = edit_item(
        store, anna, draft_id=draft.id, item_id=symptom.id, text="考试焦虑", after=draft.version
    )
    sign(store, anna, draft, clock)
    kept = sign(store, anna, draft_of(store, anna, willing), clock)
    (edit,) = by_origin(list_examples(store, anna, patient_id=willing.id), Origin.EDIT)
    (note,) = (
        each
        for each in by_origin(list_examples(store, anna, patient_id=willing.id), Origin.NOTE)
        if each.note == edit.note
    )

    leave_out(store, anna, patient_id=willing.id, example_id=note.id, is_left_out=True)

    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    assert {each.note.note_id for each in plan.examples} == {kept.id}


def test_a_long_note_is_split_and_nothing_of_it_is_cut(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    days = "".join(f"第{number}天我还是一个人待着，谁也不想见，什么也没做完。" for number in range(100))
    text = SAID + days + "我怕再考一次还是这样。"
    last = len(split_sentences(text))
    reply = make_reply(reasons=(*REASONS[:2], (last, "来访者怕再考一次还是这样，所以不敢报名。")))
    consultation = make_consultation(store, anna, willing, text)
    sign(store, anna, write_whole(store, anna, consultation, reply), clock)

    found = list_examples(store, anna, patient_id=willing.id)

    prompts = [each.messages[1].content for each in found]
    assert len(prompts) == 2
    assert all(estimate_tokens(prompt) < PROMPT_TOKENS * 1.5 for prompt in prompts)
    assert all(sum(f"第{number}天" in prompt for prompt in prompts) == 1 for number in range(100))
    first, second = (json.loads(each.chosen) for each in found)
    assert [each["from"] for each in first["reasons"]] == [2, 3]
    assert second == {"reasons": [{"from": last, "text": "来访者怕再考一次还是这样，所以不敢报名。"}]}


def test_limits_keep_the_newest_and_say_what_they_cost(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    notes = [sign(store, anna, draft_of(store, anna, willing), clock) for _ in range(4)]
    whole = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    sizes = sorted(example.characters for example in whole.examples)
    tight = replace(LIMITS, characters_per_run=sum(sizes[-2:]) + 10)

    plan = plan_run(store, anna, scope=scope_of(willing), limits=tight)

    assert {each.note.note_id for each in plan.examples} == {notes[2].id, notes[3].id}
    (bite,) = plan.bites
    assert (bite.limit, bite.left_out, bite.forbids) == (Limit.CHARACTERS, 2, False)
    full = plan_run(store, anna, scope=scope_of(willing), limits=replace(LIMITS, adapters_per_practice=0))
    assert not full.is_allowed


def test_a_shared_adapter_learns_from_who_agreed_and_names_nobody(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    other = new_patient(store, anna, name="Lee")
    told = "我叫孙梅，电话是13812345678。我的朋友李晓红说我该休息。我最近总是睡不着。"
    sign(store, anna, draft_of(store, anna, willing, told), clock)
    sign(store, anna, draft_of(store, anna, willing, told), clock)
    sign(store, anna, draft_of(store, anna, other), clock)

    plan = plan_run(store, anna, scope=Scope(AdapterKind.COUNSELLOR), limits=LIMITS)
    chosen = plan_run(
        store, anna, scope=Scope(AdapterKind.SET, (willing.id, other.id), "夜班组"), limits=LIMITS
    )

    assert plan.patient_ids == chosen.patient_ids == (willing.id,)
    words = "".join(message.content for each in plan.examples for message in each.messages)
    assert "睡不着" in words
    assert not any(private in words for private in ("孙梅", "13812345678", "李晓红"))
    with pytest.raises(BadInput, match="name"):
        plan_run(store, anna, scope=Scope(AdapterKind.SET, (willing.id,)), limits=LIMITS)


def test_a_comment_that_was_answered_by_hand_is_an_instruction_too(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    item = draft.of(Section.ADVICE)[2]
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=item.id, words="更小的一步", after=draft.version
    )
    draft = edit_item(
        store, anna, draft_id=draft.id, item_id=item.id, text="约定明天到校门口。", after=draft.version
    )
    sign(store, anna, draft, clock)

    (asked,) = by_origin(list_examples(store, anna, patient_id=willing.id), Origin.COMMENT)

    assert json.loads(asked.chosen)["advice"] == [{"asked": "更小的一步", "text": "约定明天到校门口。"}]


def test_a_note_that_was_left_out_takes_its_comments_and_an_emptied_section_with_it(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    symptom = draft.standing[0]
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=symptom.id, words="更具体", after=draft.version
    )
    draft = edit_item(
        store, anna, draft_id=draft.id, item_id=symptom.id, text="考试焦虑", after=draft.version
    )
    for item in draft.of(Section.ADVICE):
        draft = delete_item(store, anna, draft_id=draft.id, item_id=item.id, after=draft.version)
    gone = sign(store, anna, draft, clock)
    for _ in range(2):
        sign(store, anna, draft_of(store, anna, willing), clock)
    found = [
        each for each in list_examples(store, anna, patient_id=willing.id) if each.note.note_id == gone.id
    ]
    (note,) = by_origin(tuple(found), Origin.NOTE)

    leave_out(store, anna, patient_id=willing.id, example_id=note.id, is_left_out=True)

    assert {each.origin for each in found} == {Origin.NOTE, Origin.COMMENT, Origin.DELETION}
    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    assert gone.id not in {each.note.note_id for each in plan.examples}


def test_what_was_left_out_stays_out_when_its_note_is_amended_and_no_earlier_day_hears_of_it(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    first, second, _ = (sign(store, anna, draft_of(store, anna, willing), clock) for _ in range(3))
    example = next(
        each for each in list_examples(store, anna, patient_id=willing.id) if each.note.note_id == first.id
    )
    leave_out(store, anna, patient_id=willing.id, example_id=example.id, is_left_out=True)

    amend_note(store, anna, note_id=first.id, reason="忘了", text="后来才知道她怀孕了。")

    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    assert first.id not in {each.note.note_id for each in plan.examples}
    asked = next(each for each in plan.examples if each.note.note_id == second.id)
    assert not any("怀孕" in message.content for message in asked.messages)


def test_a_note_that_was_left_out_is_not_read_in_the_prompts_of_later_ones_either(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    gone = sign(store, anna, draft_of(store, anna, willing), clock, "先去操场上走了一圈。")
    for _ in range(3):
        sign(store, anna, draft_of(store, anna, willing), clock)
    before = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    (note,) = (
        each
        for each in list_examples(store, anna, patient_id=willing.id)
        if each.note.note_id == gone.id and each.origin == Origin.NOTE
    )

    leave_out(store, anna, patient_id=willing.id, example_id=note.id, is_left_out=True)

    plan = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    assert "操场" in prompts_of(before)
    assert "操场" not in prompts_of(plan)
    assert gone.id not in {ref.note_id for ref in plan.ledger}


def test_in_shared_runs_too_a_comment_that_names_somebody_stays_left_out(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    draft = draft_of(store, anna, willing)
    item = draft.standing[0]
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=item.id, words="李晓红说过的也写上", after=draft.version
    )
    draft = edit_item(store, anna, draft_id=draft.id, item_id=item.id, text="考试焦虑", after=draft.version)
    sign(store, anna, draft, clock)
    sign(store, anna, draft_of(store, anna, willing), clock)
    shared = Scope(AdapterKind.COUNSELLOR)
    before = plan_run(store, anna, scope=shared, limits=LIMITS)
    (comment,) = by_origin(list_examples(store, anna, patient_id=willing.id), Origin.COMMENT)

    leave_out(store, anna, patient_id=willing.id, example_id=comment.id, is_left_out=True)

    after = plan_run(store, anna, scope=shared, limits=LIMITS)
    assert [each.id for each in by_origin(before.examples, Origin.COMMENT)] == [comment.id]
    assert by_origin(after.examples, Origin.COMMENT) == []


def test_a_shared_adapter_reads_no_name_of_another_patient(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    new_patient(store, anna, name="Heron Lake")
    told = SAID + "上次在候诊室遇到heron，她说她好多了。"
    for _ in range(2):
        sign(store, anna, draft_of(store, anna, willing, told), clock)

    shared = plan_run(store, anna, scope=Scope(AdapterKind.COUNSELLOR), limits=LIMITS)

    assert "候诊室" in prompts_of(shared)
    assert "heron" not in prompts_of(shared).casefold()
    assert "heron" in prompts_of(plan_run(store, anna, scope=scope_of(willing), limits=LIMITS))

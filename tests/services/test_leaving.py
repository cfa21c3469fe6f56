from __future__ import annotations

from dataclasses import replace

from phyassist.domain.clock import utc_now
from phyassist.domain.drafts import Comment, Section
from phyassist.domain.people import Patient
from phyassist.lm.outside import Outside
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.prompts.draft import WISH_CHARS, join_comments
from phyassist.services.drafting import comment_on_item, redo_items, start_draft, write_draft
from phyassist.services.leaving import guard
from phyassist.services.previewing import preview_leaving
from phyassist.store.audit import Act
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation, make_reply, write_whole
from tests.store.making import make_item

SAID = "我叫欧阳明月，朋友都叫我月月。室友陈浩然把我的电话13812345678给了别人。我最近总是睡不着。"


def answer(ask: Ask) -> str:
    assert "13812345678" not in ask.messages[1].content
    return make_reply(symptom_type="[NAME1]的睡眠问题", reasons=[(2, "[NAME2]给出了电话。")])


def test_an_analysis_by_an_outside_server_leaves_names_here_and_a_row_in_the_audit(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation = make_consultation(store, anna, patient, SAID)
    draft = start_draft(store, anna, consultation_id=consultation.id)
    inner = ScriptedModel([answer])
    outside = Outside(inner, "api.example.org", lambda: True)

    *_, last = write_draft(store, outside, anna, draft_id=draft.id, stop=Never())

    assert last.draft.standing[0].text == "欧阳明月的睡眠问题"
    assert "欧阳明月" not in inner.asks[0].messages[1].content
    with store.read(anna) as tx:
        row = tx.audit.list(patient.id)[0]
        rows = [each for each in tx.audit.list(patient.id) if each.act == Act.SENT_OUT]
    assert [each.origin for each in rows] == ["api.example.org: contact 1, name 3"], row


def test_the_preview_is_what_would_be_sent_word_for_word(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation = make_consultation(store, anna, patient, SAID)
    inner = ScriptedModel([make_reply()])
    outside = Outside(inner, "api.example.org", lambda: True)

    leaving = preview_leaving(store, anna, outside, consultation_id=consultation.id)

    assert leaving is not None
    assert inner.asks == []
    assert consultation.question in leaving.texts[1]
    draft = start_draft(store, anna, consultation_id=consultation.id)
    list(write_draft(store, outside, anna, draft_id=draft.id, stop=Never()))
    assert tuple(message.content for message in inner.asks[0].messages) == leaving.texts
    assert preview_leaving(store, anna, inner, consultation_id=consultation.id) is None


def test_the_preview_follows_the_question_of_the_draft_and_shows_passages_of_the_library(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        tx.settings.save(replace(tx.settings.get(), library_in_drafts=True))
    consultation = make_consultation(store, anna, patient, SAID)
    asked = "陈浩然的事和失眠有什么关系？"
    draft = start_draft(store, anna, consultation_id=consultation.id, question=asked)
    inner = ScriptedModel([make_reply(advice=None), make_reply(symptom_type=None, reasons=None)])
    outside = Outside(inner, "api.example.org", lambda: True)

    leaving = preview_leaving(store, anna, outside, consultation_id=consultation.id)

    assert leaving is not None
    assert "的事和失眠有什么关系？" in leaving.texts[1]
    assert "陈浩然" not in "".join(leaving.texts)
    list(write_draft(store, outside, anna, draft_id=draft.id, stop=Never()))
    first, second = inner.asks
    assert tuple(message.content for message in first.messages) == leaving.texts[:2]
    before, given = second.messages[-1].content, leaving.texts[2]
    assert before[before.index("【资料库】") : before.index("【任务】")] in given
    with store.read(anna) as tx:
        used = tx.drafts.get(draft.id).passages_used
    assert used, "passages were given"
    assert all(each.title in given for each in used)


def test_the_patients_own_name_and_the_counsellors_go_out_in_no_text(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    outside = Outside(ScriptedModel(), "api.example.org", lambda: True)

    guarded = guard(store, anna, outside, patient.id)

    assert isinstance(guarded, Outside)
    assert {patient.name, anna.counsellor.name} <= set(guarded.names)
    assert guard(store, anna, ScriptedModel(), patient.id) is not guarded


def test_a_comment_goes_out_without_names_in_the_task_and_in_the_form_of_the_reply(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation = make_consultation(store, anna, patient, SAID)
    written = write_whole(store, anna, consultation)
    target = written.of(Section.ADVICE)[0]
    words = "写明由欧阳明月自己打电话，不要让陈浩然代打"
    commented = comment_on_item(
        store, anna, draft_id=written.id, item_id=target.id, words=words, after=written.version
    )
    inner = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["请[NAME1]自己打电话。"])])
    outside = Outside(inner, "api.example.org", lambda: True)

    *_, last = redo_items(
        store,
        outside,
        anna,
        draft_id=written.id,
        item_ids=(target.id,),
        after=commented.version,
        stop=Never(),
    )

    sent = f"{inner.asks[0].messages[1].content} {inner.asks[0].schema}"
    assert sent.count("自己打电话，不要让") == 2, "the comment stands in the task and in the form"
    assert "欧阳明月" not in sent
    assert "陈浩然" not in sent
    assert last.draft.get_item(target.id).text == "请欧阳明月自己打电话。"


def test_a_long_comment_is_cut_before_a_word_that_would_be_cut_in_two() -> None:
    item = replace(make_item("Walk.", section=Section.ADVICE), comments=())
    words = f"{'Say how. ' * 12}Ring 07700900123 at noon."

    said = join_comments(replace(item, comments=(Comment(words, utc_now()),)))

    assert words.startswith(said)
    assert len(said) <= WISH_CHARS
    assert said.endswith("Say how. Ring")

from __future__ import annotations

from phyassist.domain.people import Patient
from phyassist.lm.outside import Outside
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.leaving import guard, preview_leaving
from phyassist.store.audit import Act
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation, make_reply

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


def test_the_preview_is_what_would_be_sent(store: Store, anna: SignedIn, patient: Patient) -> None:
    consultation = make_consultation(store, anna, patient, SAID)
    inner = ScriptedModel([make_reply()])
    outside = Outside(inner, "api.example.org", lambda: True)

    leaving = preview_leaving(store, anna, outside, consultation_id=consultation.id)

    assert leaving is not None
    assert inner.asks == []
    draft = start_draft(store, anna, consultation_id=consultation.id)
    list(write_draft(store, outside, anna, draft_id=draft.id, stop=Never()))
    assert inner.asks[0].messages[1].content.startswith(leaving.texts[1])
    assert preview_leaving(store, anna, inner, consultation_id=consultation.id) is None


def test_the_patients_own_name_and_the_counsellors_go_out_in_no_text(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    outside = Outside(ScriptedModel(), "api.example.org", lambda: True)

    guarded = guard(store, anna, outside, patient.id)

    assert isinstance(guarded, Outside)
    assert {patient.name, anna.counsellor.name} <= set(guarded.names)
    assert guard(store, anna, ScriptedModel(), patient.id) is not guarded

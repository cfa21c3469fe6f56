"""A practice at random, made through the services as a counsellor would."""

from __future__ import annotations

import random

from phyassist.domain.drafts import Draft, Section
from phyassist.domain.people import Patient
from phyassist.lm.protocol import Never
from phyassist.services.drafting import start_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.intake import organise, save_source, start_consultation
from phyassist.services.noting import amend_note, save_note
from phyassist.services.patients import edit_patient, new_patient
from phyassist.services.reworking import add_item, comment_on_item, delete_item, discard_draft
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

_TEXTS = (
    "我最近总是睡不着。考试没有考好，妈妈很失望。",
    "I sleep four hours a night. My father drinks. I stopped going to class.",
    "她说：“没有人会想念我。”\n她每天只吃一顿饭。",
    "Work is fine 🙂 but I cry on the bus\u2028and nobody asks.",
)
_SECTIONS = tuple(Section)


def fill_at_random(store: Store, by: SignedIn, chance: random.Random, *, patients: int = 5) -> None:
    """Some patients, each with a random history; one of them erased again."""
    made = [
        new_patient(store, by, name=f"Name {number} {chance.random()}", language=chance.choice(("zh", "en")))
        for number in range(patients)
    ]
    last = made[-1]
    for patient in made:
        for _ in range(chance.randrange(4)):
            _meet(store, by, patient, chance)
        if chance.random() < 0.5 and patient != last:
            edit_patient(
                store, by, patient_id=patient.id, name="Another", number="7", language=patient.language
            )
    _meet(store, by, made[0], chance, sign=True)
    erase_patient(store, by, patient_id=last.id, typed=last.name)


def _meet(store: Store, by: SignedIn, patient: Patient, chance: random.Random, *, sign: bool = False) -> None:
    """A consultation, perhaps organised, perhaps with a draft, perhaps signed and amended."""
    text = " ".join(chance.choices(_TEXTS, k=chance.randrange(1, 30)))
    consultation = start_consultation(store, by, patient_id=patient.id)
    save_source(store, by, consultation_id=consultation.id, text=text, after=consultation.source.version)
    if chance.random() < 0.5:
        list(organise(store, None, by, consultation_id=consultation.id, stop=Never()))
    if not sign and chance.random() < 0.4:
        return
    draft = write_by_hand(store, by, start_draft(store, by, consultation_id=consultation.id), chance)
    if not sign and chance.random() < 0.3:
        discard_draft(store, by, draft_id=draft.id, after=draft.version)
        return
    note = save_note(store, by, draft_id=draft.id, after=draft.version)
    for number in range(chance.randrange(3)):
        amend_note(store, by, note_id=note.id, reason=f"reason {number}", text=chance.choice(_TEXTS))


def write_by_hand(store: Store, by: SignedIn, draft: Draft, chance: random.Random) -> Draft:
    """Items as a counsellor adds them, one commented, one perhaps taken out."""
    for number in range(chance.randrange(2, 6)):
        draft = add_item(
            store,
            by,
            draft_id=draft.id,
            section=_SECTIONS[number % len(_SECTIONS)],
            text=chance.choice(_TEXTS),
            after=draft.version,
        )
    first = draft.items[0].id
    draft = comment_on_item(
        store, by, draft_id=draft.id, item_id=first, words="say it milder", after=draft.version
    )
    if chance.random() < 0.3:
        draft = delete_item(store, by, draft_id=draft.id, item_id=draft.items[-1].id, after=draft.version)
    return draft

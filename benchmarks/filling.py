"""An invented practice of any size, written into a store: what `records.py` measures on.

Every text is put together from the phrases below, so a store of 100,000 notes holds nobody's words.
Rows go in by the dozen, each value sealed in its place as the services would do; the audit log stays short.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import insert, update

from phyassist.domain.drafts import Basis, Draft, DraftId, DraftItem, DraftState, ItemId, Section, WrittenBy
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Language, Patient, PatientId
from phyassist.domain.records import (
    Consultation,
    ConsultationId,
    RecordField,
    RecordLine,
    Source,
    SourceId,
    Span,
    Statement,
    StatementId,
)
from phyassist.store.audit import Act, Kind
from phyassist.store.coding import pack_draft, pack_lines, pack_note, pack_text
from phyassist.store.people import SignedIn
from phyassist.store.tables import consultations, draft_versions, drafts, notes, patients, record_versions
from phyassist.store.transactions import Store, Tx
from phyassist.vault.sealing import DataKeys, Place

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建文辉玲鑫波"
ENGLISH_NAMES = ("Maria Lee", "John Carter", "Priya Nair", "Tom Becker", "Ana Souza", "Kate O'Neil")
CHINESE = (
    "最近两个月几乎每天凌晨三点醒来，之后就再也睡不着。",
    "白天上课的时候总是走神，老师讲的内容记不住。",
    "她说考试前一周开始心慌、手抖，吃不下东西。",
    "和母亲的争吵多半从成绩开始，最后以沉默结束。",
    "他觉得自己让全家人失望，不敢接父亲的电话。",
    "周末会和室友去打篮球，那时候心情会好一些。",
    "半年前换了工作，新主管经常在会上点名批评。",
    "否认有伤害自己的想法，但承认有时觉得活着没意思。",
    "小学时父母离异，此后一直跟外婆住在县城。",
    "咨询中语速较慢，回答问题时眼睛看着地面。",
    "这一周试着写了三次睡眠日记，坚持得不太容易。",
    "饭量比以前少了一半，体重下降了大约四公斤。",
    "她描述胸口发闷，去医院检查心电图没有异常。",
    "谈到去世的祖父时流泪，停了很久才继续说。",
    "建议把大的目标拆成每天能完成的一小步。",
    "下次会面前请记录三件让自己感到平静的事。",
)
ENGLISH = (
    "She has been waking at three most nights for two months and cannot go back to sleep. ",
    "At work he loses the thread in meetings and reads the same page again and again. ",
    "A week before the exam her heart races, her hands shake and she cannot eat. ",
    "Arguments with his mother begin with money and end in silence. ",
    "He feels that he lets everyone down and does not answer his father's calls. ",
    "At weekends she plays football with her flatmates, and the mood lifts. ",
    "Half a year ago he changed jobs; the new manager singles him out in front of others. ",
    "Denies thoughts of harming herself but says that life sometimes feels pointless. ",
    "Her parents separated when she was eight; she grew up with her grandmother. ",
    "Speaks slowly and looks at the floor when answering. ",
    "Kept a sleep diary three times this week and found it hard. ",
    "Eats half of what she used to and has lost four kilograms. ",
    "Break the large goal down into one small step a day. ",
    "Before we meet again, note three things that brought some calm. ",
)
RARE = ("鸵鸟", "灯塔", "菠萝蜜", "glockenspiel", "herringbone")
MODEL = WrittenBy("qwen2.5-coder-1.5b-instruct")


@dataclass(frozen=True)
class Size:
    """How much one counsellor has: patients, and notes of each (with a consultation and a draft for each)."""

    patients: int
    notes_each: int


@dataclass(frozen=True)
class Packed:
    """What one occasion holds, as the bytes that are sealed."""

    text: bytes
    question: bytes
    note: bytes
    draft: bytes


class Filler:
    """Writes patients into a store; the same seed makes the same words."""

    def __init__(self, store: Store, *, seed: int = 7, variety: int = 400) -> None:
        self._store = store
        self._random = random.Random(seed)
        self._names = count(1)
        self._pool = {
            language: [self._pack(language) for _ in range(variety)] for language in ("zh", "zh", "en")
        }

    def fill(self, by: SignedIn, size: Size) -> list[PatientId]:
        """The ids of the new patients, who belong to this counsellor."""
        made: list[PatientId] = []
        while len(made) < size.patients:
            with self._store.write(by) as tx:
                more = min(50, size.patients - len(made))
                rows: list[tuple[dict[str, object], ...]] = []
                for _ in range(more):
                    patient, keys = self._add_patient(tx)
                    rows += self._rows(patient, keys, by.id, size.notes_each)
                    made.append(patient.id)
                tx.audit.write(Act.CREATED, Kind.PATIENT, made[-1])
                for column, table in enumerate((consultations, drafts, draft_versions, notes)):
                    if rows:
                        tx.patients._desk.conn.execute(insert(table), [row[column] for row in rows])
        return made

    def _add_patient(self, tx: Tx) -> tuple[Patient, DataKeys]:
        rng, new_id = self._random, self._store.new_id
        language: Language = "en" if rng.random() < 0.25 else "zh"
        number = next(self._names)
        began = START + timedelta(hours=number % 4000)
        card = Patient(PatientId(new_id()), self._name(language), f"A-{number:05}", language, began, began)
        stored = tx.patients.add(card)
        desk = tx.patients._desk
        keys = desk.keys_of(stored.id)
        desk.conn.execute(update(patients).where(patients.c.id == stored.id).values(record_version=1))
        lines = pack_lines(tuple(self._lines(language)))
        place = Place("record_versions", stored.id, "lines", 1)
        desk.conn.execute(
            insert(record_versions).values(
                patient_id=stored.id, version=1, at=began, lines_sealed=keys.seal(lines, place)
            )
        )
        return stored, keys

    def _rows(
        self, patient: Patient, keys: DataKeys, by_id: str, notes_each: int
    ) -> Iterator[tuple[dict[str, object], ...]]:
        new_id, patient_id, began = self._store.new_id, patient.id, patient.created_at or START
        for number in range(1, notes_each + 1):
            at = began + timedelta(days=7 * number)
            packed = self._random.choice(self._pool[patient.language])
            meeting, source, draft, note = new_id(), new_id(), new_id(), new_id()
            yield (
                {
                    "id": meeting,
                    "patient_id": patient_id,
                    "at": at,
                    "question_sealed": keys.seal(
                        packed.question, Place("consultations", meeting, "question", 1)
                    ),
                    "version": 1,
                    "source_id": source,
                    "source_sealed": keys.seal(packed.text, Place("sources", source, "text", 1)),
                    "source_version": 1,
                    "source_saved_at": at,
                    "organised_version": 1,
                },
                {
                    "id": draft,
                    "patient_id": patient_id,
                    "consultation_id": meeting,
                    "state": DraftState.SAVED.value,
                    "version": 1,
                    "partial_sealed": None,
                    "started_at": at,
                    "saved_at": at + timedelta(minutes=20),
                },
                {
                    "draft_id": draft,
                    "version": 1,
                    "change": "wrote",
                    "at": at,
                    "item_ids": [],
                    "draft_sealed": keys.seal(packed.draft, Place("draft_versions", draft, "draft", 1)),
                },
                {
                    "id": note,
                    "patient_id": patient_id,
                    "consultation_id": meeting,
                    "draft_id": draft,
                    "author_id": by_id,
                    "kind": "note",
                    "number": number,
                    "at": at,
                    "signed_at": at + timedelta(minutes=30),
                    "note_sealed": keys.seal(packed.note, Place("notes", note, "note")),
                },
            )

    def _pack(self, language: Language) -> Packed:
        items = tuple(self._items(language))
        question = self._words(language, 1)
        patient_id, meeting = PatientId(""), ConsultationId("")
        draft = Draft(DraftId(""), patient_id, meeting, question, items)
        note = Note(NoteId(""), patient_id, meeting, draft.id, 0, START, START, "Anna Weiss", question, items)
        return Packed(
            pack_text(self._words(language, 40)), pack_text(question), pack_note(note), pack_draft(draft)
        )

    def _items(self, language: Language) -> Iterator[DraftItem]:
        wanted = (Section.SYMPTOM_TYPE, *(Section.REASON,) * 3, *(Section.ADVICE,) * 3)
        for number, section in enumerate(wanted):
            rare = self._random.choice(RARE) if self._random.random() < 0.02 else ""
            quoted = section is Section.REASON
            yield DraftItem(
                id=ItemId(f"{self._random.getrandbits(128):032x}"),
                section=section,
                text=self._words(language, 1 if number == 0 else 3) + rare,
                basis=Basis.QUOTED if quoted else None,
                quote=self._words(language, 1) if quoted else "",
                span=Span(0, 20) if quoted else None,
                written_by=MODEL,
            )

    def _lines(self, language: Language) -> Iterator[RecordLine]:
        for number in range(20):
            words = self._words(language, 1)
            yield RecordLine(
                id=StatementId(f"{self._random.getrandbits(128):032x}"),
                statement=Statement(list(RecordField)[number % 5], words, words, Span(0, len(words))),
                source_id=SourceId("s"),
                consultation_id=ConsultationId("c"),
                added_at=START,
            )

    def _words(self, language: Language, sentences: int) -> str:
        return "".join(self._random.choices(CHINESE if language == "zh" else ENGLISH, k=sentences))

    def _name(self, language: Language) -> str:
        rng = self._random
        if language == "en":
            return rng.choice(ENGLISH_NAMES)
        return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2))))


def make_meeting(store: Store, patient_id: PatientId, filler: Filler) -> Consultation:
    """A consultation with a text of the usual length, to be added as a service would."""
    text = filler._words("zh", 40)
    source = Source(SourceId(store.new_id()), text)
    return replace(
        Consultation(ConsultationId(store.new_id()), patient_id, store.clock(), source), question=text[:30]
    )

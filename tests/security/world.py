"""A practice with everyone to whom a patient's file could be shown, and copies of it to try things on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy
from fastapi import FastAPI
from starlette.testclient import TestClient

from phyassist.domain.adapters import AdapterKind
from phyassist.domain.chats import ChatThread, MessageState
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.library import Scope
from phyassist.domain.people import PatientId, Role
from phyassist.domain.process_notes import ProcessNoteId
from phyassist.domain.records import ConsultationId, Record, RecordField, Standing
from phyassist.services.chatting import begin_thread
from phyassist.services.consent import record_answers
from phyassist.services.drafting import start_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.intake import save_question, save_source, start_consultation
from phyassist.services.learning import list_examples
from phyassist.services.library import add_file, load_known
from phyassist.services.noting import save_note
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.people import invite
from phyassist.services.practice import open_login, set_up
from phyassist.services.process_notes import save_process_note
from phyassist.services.recording import add_statement
from phyassist.services.reworking import add_item, delete_item
from phyassist.services.sharing import hand_over, share, take_up, withdraw
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.web.app import create_app
from tests.conftest import FAST_COST, PASSPHRASE
from tests.security.conftest import PlainSettings, make_browser, no_model
from tests.services.joining import let_in
from tests.services.test_adapters import begin, finish
from tests.store.making import make_adapter

UNKNOWN = "f" * 32
ASKED, ANSWERED = "shall I ask about her brother?", "ask about the brother first"
PRIVATELY = "I felt like her father for a moment."
SAID = "I am nineteen and cannot sleep. My mother is disappointed."


@dataclass(frozen=True)
class World:
    """Where the practice lies, the ids of what is in it, and the login of everyone by who they are to it."""

    path: Path
    ids: dict[str, str]
    logins: dict[str, str] = field(repr=False)


IDLE_LOCK_MIN = 240


def build_world(folder: Path) -> World:
    """The founder runs the practice; `own` is in charge of the one patient that there is.

    It was all set up three days ago: a share that ended a day later has ended by now.
    """
    path, long_ago = folder / "practice.db", datetime.now(UTC) - timedelta(days=3)
    with open_store(f"sqlite:///{path}", clock=lambda: long_ago, passphrase_cost=FAST_COST) as store:
        founder = set_up(
            store, name="Fen", passphrase=PASSPHRASE, language="en", jurisdiction="cn", zone="UTC"
        ).signed_in
        with store.write(founder) as tx:
            # The world is asked for as long as its tests take, on however slow a machine.
            tx.settings.save(replace(tx.settings.get(), idle_lock_min=IDLE_LOCK_MIN))
        people = {
            "administrator": let_in(store, founder, "Ada", Role.ADMINISTRATOR),
            "own": let_in(store, founder, "Olga"),
            "writer": let_in(store, founder, "Wim"),
            "reader": let_in(store, founder, "Rosa"),
            "reading supervisor": let_in(store, founder, "Rune", Role.SUPERVISOR),
            "withdrawn": let_in(store, founder, "Wanda"),
            "expired": let_in(store, founder, "Ezra"),
            "former": let_in(store, founder, "Fia"),
            "foreign": let_in(store, founder, "Emil"),
            "foreign supervisor": let_in(store, founder, "Sia", Role.SUPERVISOR),
        }
        ids = fill_file(store, people["former"], people["own"])
        ids["erasure_id"] = erase_another(store, people["own"])
        share_file(store, people, PatientId(ids["patient_id"]), long_ago + timedelta(days=1))
        ids["document_id"] = add_document(store, people["own"])
        ids |= add_others(store, founder, people["own"], PatientId(ids["patient_id"]))
    with open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST) as store:
        logins = {who: open_login(store, by).reveal_text() for who, by in people.items()}
    return World(path, ids, {**logins, "nobody": ""})


def add_others(store: Store, founder: SignedIn, own: SignedIn, patient_id: PatientId) -> dict[str, str]:
    """One more reader, whom none of the people is, and somebody who is invited."""
    holder = let_in(store, founder, "Nils")
    share(store, own, patient_id=patient_id, with_id=holder.id, may_write=False)
    invited = invite(store, founder, name="Ida", role=Role.COUNSELLOR)
    return {
        "holder_id": holder.id,
        "invited_id": invited.counsellor_id,
        "counsellor_id": holder.id,
        "login_id": "0" * 32,
    }


def add_document(store: Store, by: SignedIn) -> str:
    """One of the library that is `by`'s own."""
    file = ("own.md", b"# Own\n\nHer own notes on sleep.")
    (added,) = add_file(store, by, file=file, scope=Scope.OWN, known=load_known(store, by))
    return added.document.id


def erase_another(store: Store, by: SignedIn) -> str:
    """The id of the receipt."""
    other = new_patient(store, by, name="Somebody Else", language="en")
    return erase_patient(store, by, patient_id=other.id, typed="Somebody Else").erasure.id


def share_file(store: Store, people: dict[str, SignedIn], patient_id: PatientId, ended: datetime) -> None:
    own = people["own"]
    for who in ("writer", "reader", "reading supervisor", "withdrawn", "expired"):
        share(
            store,
            own,
            patient_id=patient_id,
            with_id=people[who].id,
            may_write=who in ("writer", "withdrawn", "expired"),
            until=ended if who == "expired" else None,
        )
    for who in ("writer", "reader", "reading supervisor", "withdrawn", "expired"):
        take_up(store, people[who])
        # They have opened it, so that a withdrawal has something to take away.
        load_patient(store, people[who], patient_id)
    withdraw(store, own, patient_id=patient_id, counsellor_id=people["withdrawn"].id)


def fill_file(store: Store, former: SignedIn, by: SignedIn) -> dict[str, str]:
    """A patient with a record, a signed note and an open draft of two items; the ids as routes name them.

    `former` began the file and handed it over.
    """
    patient = new_patient(store, former, name="Lee Quist", number="Q-0231", language="en")
    hand_over(store, former, to_id=by.id, patient_ids=(patient.id,))
    take_up(store, by)
    signed = start_consultation(store, by, patient_id=patient.id)
    save_source(store, by, consultation_id=signed.id, text=SAID, after=0)
    first = start_draft(store, by, consultation_id=signed.id, question="Why?")
    first = add_item(store, by, draft_id=first.id, section=Section.REASON, text="exams", after=first.version)
    note = save_note(store, by, draft_id=first.id, after=first.version)
    consultation = start_consultation(store, by, patient_id=patient.id)
    source = save_source(store, by, consultation_id=consultation.id, text=SAID, after=0)
    asked = save_question(
        store, by, consultation_id=consultation.id, question="What now?", after=consultation.version
    )
    record = write_record(store, by, consultation.id)
    draft = start_draft(store, by, consultation_id=consultation.id, question="What now?")
    for text in ("she is tired", "she is alone", "she is late"):
        draft = add_item(store, by, draft_id=draft.id, section=Section.REASON, text=text, after=draft.version)
    gone = draft.items[2].id
    draft = delete_item(store, by, draft_id=draft.id, item_id=gone, after=draft.version)
    private = save_process_note(
        store, by, patient_id=patient.id, note_id=ProcessNoteId(store.new_id()), text=PRIVATELY, after=0
    )
    thread = talk(store, by, patient.id)
    return {
        **add_adapters(store, by, patient.id),
        "process_note_id": private.id,
        "thread_id": thread.id,
        "question_id": thread.path[0].id,
        "answer_id": thread.path[1].id,
        "message_id": thread.path[1].id,
        "patient_id": patient.id,
        "consultation_id": consultation.id,
        "draft_id": draft.id,
        "item_id": draft.items[0].id,
        "gone_item_id": gone,
        "note_id": note.id,
        "statement_id": record.lines[0].id,
        "differing_id": record.lines[1].id,
        "version": "1",
        "source_version": str(source.version),
        "question_version": str(asked.version),
        "draft_version": str(draft.version),
        "record_version": str(record.version),
    }


def add_adapters(store: Store, by: SignedIn, patient_id: PatientId) -> dict[str, str]:
    """An adapter of the patient's and one of the counsellor's, a run of each that waits, and an example."""
    record_answers(store, by, patient_id=patient_id, answers={Purpose.OWN_TRAINING: Answer.YES})
    made, waiting = make_adapter(patient_id, name="a" * 32), make_adapter(patient_id, name="b" * 32)
    own = make_adapter(None, AdapterKind.COUNSELLOR, "c" * 32)
    own_waiting = make_adapter(None, AdapterKind.COUNSELLOR, "d" * 32)
    finish(store, by, made)
    finish(store, by, own)
    for card in (waiting, own_waiting):
        begin(store, by, card, patient_id)
    return {
        "adapter_id": made.id,
        "run_id": waiting.id,
        "own_adapter_id": own.id,
        "shipped_name": "drafts-zh",
        "own_run_id": own_waiting.id,
        "example_id": list_examples(store, by, patient_id=patient_id)[0].id,
    }


def talk(store: Store, by: SignedIn, patient_id: PatientId) -> ChatThread:
    """A thread of one question that was answered."""
    thread = begin_thread(store, by, patient_id=patient_id, question=ASKED)
    with store.write(by) as tx:
        tx.chats.save_message(thread.id, replace(thread.path[1], text=ANSWERED, state=MessageState.DONE))
    return thread


def write_record(store: Store, by: SignedIn, consultation_id: ConsultationId) -> Record:
    """Two lines, of which the second says something else than the first."""
    record = Record()
    for text in ("19", "20"):
        record = add_statement(
            store,
            by,
            consultation_id=consultation_id,
            record_field=RecordField.DEMOGRAPHIC,
            text=text,
            after=record.version,
        )
    known, other = record.lines
    differing = replace(other, standing=Standing.DIFFERS, differs_from=known.id)
    with store.write(by) as tx:
        patient_id = tx.consultations.get(consultation_id).patient_id
        return tx.records.save(patient_id, (known, differing), after=record.version)


@contextmanager
def copy_of(world: World, folder: Path) -> Iterator[FastAPI]:
    """The application over a copy of the practice, which whatever is tried may change."""
    path = folder / "copy.db"
    shutil.copyfile(world.path, path)
    with open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST) as store:
        yield create_app(PlainSettings(), store=store, model=no_model)
    for each in folder.glob("copy.db*"):
        each.unlink()


def browser_of(world: World, app: FastAPI, who: str) -> TestClient:
    browser = make_browser(app)
    if world.logins[who]:
        browser.cookies.set("phyassist_login", world.logins[who])
    return browser


def fill_path(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)


# Rows that come and go with every request, whoever asks: who was seen when, and what was written down of it.
PASSING = {"audit", "audit_head", "logins", "tries"}


def read_rows(folder: Path) -> dict[str, list[str]]:
    """Every row of the copy, by table."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'copy.db'}")
    try:
        with engine.connect() as conn:
            names = set(sqlalchemy.inspect(conn).get_table_names()) - PASSING
            return {
                name: sorted(map(str, conn.execute(sqlalchemy.text(f'SELECT * FROM "{name}"')).all()))
                for name in names
            }
    finally:
        engine.dispose()

"""Conversations: about a patient, and about nobody in particular."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.domain.chats import ChatThread, MessageId, MessageState, ThreadId
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId, RecordField
from phyassist.errors import NotFound
from phyassist.services.chatting import (
    ask,
    ask_again,
    begin_thread,
    choose_branch,
    delete_thread,
    get_thread,
    get_thread_to_change,
    list_starters,
    list_threads,
    take_as_item,
    take_to_record,
)
from phyassist.services.consent import load_consents
from phyassist.services.looking import get_consultation
from phyassist.services.patients import list_patients, load_patient, may_write
from phyassist.web.chat_runs import stream_answer
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.consultations import plain_lines
from phyassist.web.pages.drafts import show_draft
from phyassist.web.render import View, render
from phyassist.web.runs import is_going
from phyassist.web.sought import Looked, open_words, show_sought
from phyassist.web.views.chatting import (
    ChatPage,
    ChatPanel,
    TakenFragment,
    ThreadFragment,
    ThreadView,
    base_of,
    view_new_thread,
    view_rows,
    view_thread,
)
from phyassist.web.views.consultation import view_consent, view_head
from phyassist.web.views.drafting import DraftFragment
from phyassist.web.views.frame import make_frame

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
# The page of its own, or the id of the consultation beside which the conversation stands.
_PLACE = r"^[\w-]{1,64}$"
Place = Annotated[str, Form(pattern=_PLACE)]
Paragraph = Annotated[int, Form(ge=0)]


@router.get("/patients/{patient_id}/chat")
def show_patients_chat(desk: AtDesk, patient_id: PatientId, thread: str = "", sought: str = "") -> Response:
    words = open_words(desk.by, sought)
    file = load_patient(desk.house.store, desk.by, patient_id)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "chat")
    rows = list_threads(desk.house.store, desk.by, patient_id=patient_id, words=words)
    shown = show_thread(desk, patient_id, thread)
    drafting = load_consents(desk.house.store, desk.by, patient_id=patient_id).of(Purpose.DRAFTING)
    return render(
        ChatPage(
            desk.w,
            frame,
            view_head(file, desk),
            view_rows(rows, shown.thread_id, desk),
            shown,
            base_of(patient_id),
            words,
            view_consent(drafting, patient_id),
        )
    )


@router.post("/patients/{patient_id}/chat/search")
def search_patients_chat(desk: AtDesk, patient_id: PatientId, words: Looked = "") -> Response:
    load_patient(desk.house.store, desk.by, patient_id)
    return show_sought(desk.by, base_of(patient_id), words)


@router.post("/chat/search")
def search_general_chat(desk: AtDesk, words: Looked = "") -> Response:
    return show_sought(desk.by, base_of(None), words)


@router.get("/chat")
def show_general_chat(desk: AtDesk, thread: str = "", sought: str = "") -> Response:
    words = open_words(desk.by, sought)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), tab="chat")
    rows = list_threads(desk.house.store, desk.by, patient_id=None, words=words)
    shown = show_thread(desk, None, thread)
    listed = view_rows(rows, shown.thread_id, desk)
    return render(ChatPage(desk.w, frame, None, listed, shown, base_of(None), words, None))


@router.get("/consultations/{consultation_id}/chat")
def show_panel(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    """The newest conversation, for the drawer of a consultation."""
    store, by = desk.house.store, desk.by
    patient_id = get_consultation(store, by, consultation_id=consultation_id).patient_id
    rows = list_threads(store, by, patient_id=patient_id)
    newest = rows[0].thread.id if rows else ""
    thread = show_thread(desk, patient_id, newest, consultation_id)
    return render(ChatPanel(desk.w, thread, base_of(patient_id), consultation_id))


@router.post("/patients/{patient_id}/chat")
def begin_patients_thread(
    desk: AtDesk, patient_id: PatientId, question: FormText, library: FormText = "", place: Place = "page"
) -> Response:
    thread = begin_thread(
        desk.house.store,
        desk.by,
        patient_id=patient_id,
        question=plain_lines(question),
        with_library=bool(library),
        consultation_id=beside(place),
    )
    return render_thread(desk, thread, place)


@router.post("/chat")
def begin_general_thread(desk: AtDesk, question: FormText, library: FormText = "") -> Response:
    question = plain_lines(question)
    thread = begin_thread(
        desk.house.store, desk.by, patient_id=None, question=question, with_library=bool(library)
    )
    return render_thread(desk, thread, "page")


@router.post("/chats/{thread_id}/messages")
def ask_in_thread(
    desk: AtDesk,
    thread_id: ThreadId,
    question: FormText,
    *,
    parent: FormText = "",
    library: FormText = "",
    place: Place = "page",
) -> Response:
    thread = ask(
        desk.house.store,
        desk.by,
        thread_id=thread_id,
        parent_id=MessageId(parent) if parent else None,
        question=plain_lines(question),
        with_library=bool(library),
        consultation_id=beside(place),
    )
    return render_thread(desk, thread, place)


@router.post("/chats/{thread_id}/messages/{message_id}/again")
def ask_once_more(
    desk: AtDesk, thread_id: ThreadId, message_id: MessageId, place: Place = "page"
) -> Response:
    thread = ask_again(
        desk.house.store,
        desk.by,
        thread_id=thread_id,
        question_id=message_id,
        consultation_id=beside(place),
    )
    return render_thread(desk, thread, place)


@router.get("/chats/{thread_id}/messages/{message_id}/stream")
def run_answer(
    desk: AtDesk,
    thread_id: ThreadId,
    message_id: MessageId,
    place: Annotated[str, Query(pattern=_PLACE)] = "page",
) -> Response:
    thread = get_thread_to_change(desk.house.store, desk.by, thread_id=thread_id)
    thread.get_answer(message_id)
    return stream_answer(desk, thread, message_id, place)


@router.post("/chats/{thread_id}/messages/{message_id}/stop")
def stop_answer(desk: AtDesk, thread_id: ThreadId, message_id: MessageId) -> Response:
    thread = get_thread_to_change(desk.house.store, desk.by, thread_id=thread_id)
    desk.house.runs.stop(thread.get_answer(message_id).id)
    return Response(status_code=204)


@router.post("/chats/{thread_id}/messages/{message_id}/show")
def show_branch(desk: AtDesk, thread_id: ThreadId, message_id: MessageId, place: Place = "page") -> Response:
    thread = choose_branch(desk.house.store, desk.by, thread_id=thread_id, message_id=message_id)
    return render_thread(desk, thread, place, begins=False)


@router.post("/chats/{thread_id}/messages/{message_id}/item")
def make_item(
    desk: AtDesk,
    thread_id: ThreadId,
    message_id: MessageId,
    *,
    paragraph: Paragraph,
    section: Annotated[Section, Form()],
    place: Place = "page",
) -> Response:
    draft = take_as_item(
        desk.house.store,
        desk.by,
        thread_id=thread_id,
        message_id=message_id,
        paragraph=paragraph,
        section=section,
        consultation_id=beside(place),
    )
    said = desk.w("chat.taken_item", section=desk.w(f"section.{section.value}"))
    views: list[View] = [TakenFragment(desk.w, said, f"/drafts/{draft.id}")]
    if beside(place):
        views.append(DraftFragment(desk.w, show_draft(desk, draft.id), oob=True))
    return render(*views)


@router.post("/chats/{thread_id}/messages/{message_id}/record")
def put_in_record(
    desk: AtDesk,
    thread_id: ThreadId,
    message_id: MessageId,
    *,
    paragraph: Paragraph,
    field: Annotated[RecordField, Form()],
    place: Place = "page",
) -> Response:
    take_to_record(
        desk.house.store,
        desk.by,
        thread_id=thread_id,
        message_id=message_id,
        paragraph=paragraph,
        record_field=field,
        consultation_id=beside(place),
    )
    patient_id = get_thread(desk.house.store, desk.by, thread_id=thread_id).patient_id
    said = desk.w("chat.taken_record", field=desk.w(f"field.{field.value}"))
    return render(TakenFragment(desk.w, said, f"/patients/{patient_id}/record"))


@router.post("/chats/{thread_id}/delete")
def remove_thread(desk: AtDesk, thread_id: ThreadId) -> Response:
    thread = get_thread_to_change(desk.house.store, desk.by, thread_id=thread_id)
    delete_thread(desk.house.store, desk.by, thread_id=thread_id)
    return RedirectResponse(base_of(thread.patient_id), 303)


def show_thread(desk: Desk, patient_id: PatientId | None, thread_id: str, place: str = "page") -> ThreadView:
    """The thread, or the place of a new one; what it begins with is read in advance."""
    writes = may_write(desk.house.store, desk.by, patient_id=patient_id)
    wanted = ThreadId(thread_id) if thread_id else None
    if writes:
        desk.house.warming.warm_chat(
            desk.house,
            desk.by,
            patient_id,
            thread_id=wanted,
            interface=desk.w.language,
            meeting=beside(place),
        )
    if wanted is None:
        starters = _list_starters(desk, patient_id, place) if writes and patient_id else ()
        return view_new_thread(patient_id, may_write=writes, starters=starters)
    thread = get_thread(desk.house.store, desk.by, thread_id=wanted)
    if thread.patient_id != patient_id:
        raise NotFound(f"thread {wanted} is not of this page", hint="go back to the list")
    return make_thread_view(desk, thread, place, may_write=writes)


def _list_starters(desk: Desk, patient_id: PatientId, place: str) -> tuple[str, ...]:
    found = list_starters(desk.house.store, desk.by, patient_id=patient_id, consultation_id=beside(place))
    return tuple(desk.w(f"chat.starter_{starter}") for starter in found)


def beside(place: str) -> ConsultationId | None:
    return None if place == "page" else ConsultationId(place)


def make_thread_view(
    desk: Desk, thread: ChatThread, place: str, *, may_write: bool, begins: bool = False
) -> ThreadView:
    """The thread with the stream of its answer, where one `begins` to be written or is being written."""
    answer = thread.path[-1]
    goes_on = answer.state is MessageState.WAITING and (begins or is_going(desk, answer.id))
    view = view_thread(thread, desk, may_write=may_write, going=answer.id if goes_on else "")
    if not (goes_on and may_write):
        return view
    at = f"/chats/{thread.id}/messages/{answer.id}"
    return replace(view, run=f"{at}/stream?place={place}", stop=f"{at}/stop", said=desk.w("actions.starting"))


def render_thread(desk: Desk, thread: ChatThread, place: str, *, begins: bool = True) -> Response:
    view = make_thread_view(desk, thread, place, may_write=True, begins=begins)
    return render(ThreadFragment(desk.w, view, place))

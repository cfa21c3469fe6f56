"""An answer while it is written: the services' events as pieces of the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from starlette.responses import Response

from phyassist.domain.chats import ChatThread, MessageId, MessageState, split_paragraphs
from phyassist.domain.runs import RunKind
from phyassist.errors import NotFound
from phyassist.lm.protocol import Reading, Waiting
from phyassist.services.answering import write_answer
from phyassist.services.chat_events import AnswerSoFar, AnswerWritten, ChatEvent, Condensing
from phyassist.services.chatting import get_thread
from phyassist.services.citing import find_given
from phyassist.web.desk import Desk
from phyassist.web.faults import guard_bits
from phyassist.web.runs import LOOK_EVERY_S, bit, is_going
from phyassist.web.sse import Bit, one_shot, stream
from phyassist.web.views.chatting import (
    AnswerTextFragment,
    ChatRunFragment,
    ChatSaidFragment,
    ThreadGoneFragment,
    TurnFragment,
    view_turn,
)


def stream_answer(desk: Desk, thread: ChatThread, answer_id: MessageId, place: str) -> Response:
    """Write an answer; one that another window or process writes is watched, a finished one is shown."""
    run = AnswerRun(desk, thread, answer_id, place)
    if thread.get_answer(answer_id).state is not MessageState.WAITING:
        return one_shot(run.finished())
    stop = desk.house.runs.begin(desk.by, answer_id, patient_id=thread.patient_id, kind=RunKind.CHAT)
    if stop is None:
        return stream(guard_bits(run.watch, desk.w, run.show_again), threading.Event(), lambda: None)
    return stream(guard_bits(run.write, desk.w, run.show_again), stop, lambda: desk.house.runs.end(answer_id))


class AnswerRun:
    """What the page shows of an answer that is being written; `place` is as in `pages.chatting`."""

    def __init__(self, desk: Desk, thread: ChatThread, answer_id: MessageId, place: str) -> None:
        self.desk, self.thread, self.answer_id, self.place = desk, thread, answer_id, place

    def write(self, stop: threading.Event) -> Iterator[Bit]:
        store, by = self.desk.house.store, self.desk.by
        for event in write_answer(
            store,
            self.desk.house.model(),
            by,
            thread_id=self.thread.id,
            answer_id=self.answer_id,
            interface=self.desk.w.language,
            stop=stop,
            find_passages=lambda question: find_given(store, by, question, self.desk.house.embedder),
        ):
            yield from self.tell(event)

    def tell(self, event: ChatEvent) -> Iterator[Bit]:
        w = self.desk.w
        if isinstance(event, AnswerSoFar):
            yield self.words(event.text)
        elif isinstance(event, AnswerWritten):
            yield self.finished()
        elif isinstance(event, Waiting):
            yield bit(ChatSaidFragment(w, w("chat.waiting", count=event.ahead)))
        elif isinstance(event, Condensing):
            yield bit(ChatSaidFragment(w, w("chat.condensing")))
        elif isinstance(event, Reading):
            yield bit(ChatSaidFragment(w, w("chat.reading"), event.read, event.total))

    def watch(self, gone: threading.Event) -> Iterator[Bit]:
        """What the other one keeps, until it is done."""
        yield bit(ChatSaidFragment(self.desk.w, self.desk.w("actions.busy")))
        while is_going(self.desk, self.answer_id) and not gone.wait(LOOK_EVERY_S):
            self.again()
            yield self.words(self.thread.get(self.answer_id).text)
        yield self.finished()

    def words(self, text: str) -> Bit:
        return bit(AnswerTextFragment(self.desk.w, self.answer_id, split_paragraphs(text)))

    def finished(self) -> Bit:
        """The answer as it is kept, announced once, and the place of the run empty."""
        self.again()
        turn = view_turn(self.thread, self.thread.get(self.answer_id), self.desk, may_write=True)
        w = self.desk.w
        said = w("chat.said", text=turn.text) if turn.text else w(f"chat.state_{turn.state}")
        return bit(TurnFragment(w, turn, self.place), ChatRunFragment(w, live=said))

    def show_again(self) -> Iterator[Bit]:
        """After a fault: what was kept; or, where the patient's file is gone, that it is."""
        try:
            yield self.finished()
        except NotFound:
            yield bit(ThreadGoneFragment(self.desk.w))

    def again(self) -> None:
        self.thread = get_thread(self.desk.house.store, self.desk.by, thread_id=self.thread.id)

"""`phyassist chat`: ask the model about a patient, or about nobody in particular; threads are kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.options import AsJson, ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.cli.unlocking import Practice
    from phyassist.domain.chats import ChatMessage, ChatThread, Given
    from phyassist.domain.people import Language, PatientId
    from phyassist.lm.protocol import LanguageModel

QuestionArgument = Annotated[
    str, typer.Argument(help="What to ask; without it, questions are read line by line until an empty one.")
]
AboutOption = Annotated[
    str | None, typer.Option("--patient", help="Id, number or name: ask about this patient.")
]
ThreadOption = Annotated[
    str,
    typer.Option("--thread", help="Id, or its beginning, of a thread to go on with; without it a new one."),
]
ListOption = Annotated[bool, typer.Option("--list", help="List the threads instead of asking.")]
LibraryOption = Annotated[bool, typer.Option("--library", help="Answer from the library, with citations.")]
FindOption = Annotated[str, typer.Option("--find", help="List the threads that hold these words.")]


def chat(
    context: typer.Context,
    question: QuestionArgument = "",
    patient: AboutOption = None,
    thread: ThreadOption = "",
    library: LibraryOption = False,
    list_them: ListOption = False,
    find: FindOption = "",
    as_json: AsJson = False,
    model: ModelOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Ask the model about a patient, or about nobody in particular; the thread is kept."""
    from phyassist.cli.opening import open_language_model
    from phyassist.cli.unlocking import find_patient, open_practice

    settings = get_run(context).load_settings(model=model)
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        patient_id = find_patient(practice, patient).id if patient else None
        if list_them or find:
            _list(practice, patient_id, find, as_json=as_json)
            return
        present = _find_thread(practice, patient_id, thread) if thread else None
        with open_language_model(settings, practice.allows_outside) as opened:
            talk = _Talk(practice, opened.model, patient_id, present, as_json=as_json, library=library)
            for words in [question] if question else _read_questions():
                talk.ask(words)


class _Talk:
    """One thread, asked in question after question."""

    def __init__(
        self,
        practice: Practice,
        lm: LanguageModel,
        patient_id: PatientId | None,
        thread: ChatThread | None,
        *,
        as_json: bool,
        library: bool,
    ) -> None:
        self._practice, self._lm, self._patient_id = practice, lm, patient_id
        self._thread, self._as_json, self._library = thread, as_json, library

    def ask(self, words: str) -> None:
        """Ask, and print the answer as it comes, or as JSON when it is there."""
        from phyassist.cli.stopping import stop_on_interrupt
        from phyassist.services.answering import write_answer
        from phyassist.services.chat_events import AnswerWritten, Condensing
        from phyassist.services.chatting import ask, begin_thread, get_thread
        from phyassist.services.citing import find_given

        store, by = self._practice.store, self._practice.by
        if self._thread is None:
            self._thread = begin_thread(
                store, by, patient_id=self._patient_id, question=words, with_library=self._library
            )
        else:
            leaf, thread_id = self._thread.leaf_id, self._thread.id
            self._thread = ask(
                store,
                by,
                thread_id=thread_id,
                parent_id=leaf,
                question=words,
                with_library=self._library,
            )
        answer = self._thread.path[-1]
        interface: Language = by.counsellor.language
        with stop_on_interrupt() as stop:
            for event in write_answer(
                store,
                self._lm,
                by,
                thread_id=self._thread.id,
                answer_id=answer.id,
                interface=interface,
                stop=stop,
                find_passages=lambda question: find_given(store, by, question),
            ):
                if isinstance(event, Condensing):
                    tell("the conversation is condensed for the model; the whole of it is kept")
                elif isinstance(event, AnswerWritten):
                    self._show(event.message)
        self._thread = get_thread(store, by, thread_id=self._thread.id)

    def _show(self, answer: ChatMessage) -> None:
        assert self._thread is not None  # noqa: S101  # asked in just now
        if self._as_json:
            say_json(shape_answer(self._thread, answer))
            return
        say(answer.text)
        for each in answer.passages:
            if f"[{each.number}]" in answer.text:
                say(f"[{each.number}] {each.title}{f', p. {each.page}' if each.page else ''}")
        if answer.absent:
            tell(f"stands nowhere in what the assistant was given: {', '.join(answer.absent)}")
        if answer.untold:
            tell(f"in that note too, and perhaps not told: {' · '.join(answer.untold)}")
        if answer.held_back:
            tell(f"sentences held back because they spoke to the client: {len(answer.held_back)}")
        given = answer.given
        read = [f"note {each.number}" for each in given.notes_used] + ["the open draft"] * given.draft_read
        if read:
            tell(f"also read: {', '.join(read)}")
        unread = [f"{count} {what}" for what, count in _count_left_out(given).items() if count]
        if unread:
            tell(f"did not fit the model: {', '.join(unread)}")
        tell(f"thread {self._thread.id[:8]} · {answer.state.value}")


def _count_left_out(given: Given) -> dict[str, int]:
    return {
        "notes": len(given.left_out),
        "drafts": int(given.draft_left_out),
        "record lines": given.record_left_out,
        "sentences of the text": given.text_left_out,
    }


def shape_answer(thread: ChatThread, answer: ChatMessage) -> dict[str, Any]:
    """An answer as JSON (docs/json.md)."""
    return {
        "thread": thread.id,
        "message": answer.id,
        "text": answer.text,
        "state": answer.state.value,
        "citations": [
            {"number": each.number, "passage": each.passage_id, "title": each.title, "page": each.page}
            for each in answer.passages
            if f"[{each.number}]" in answer.text
        ],
        "held_back": len(answer.held_back),
        "absent": list(answer.absent),
        "untold": list(answer.untold),
        "notes_read": [each.number for each in answer.given.notes_used],
        "draft_read": answer.given.draft_read,
        "left_out": {what.replace(" ", "_"): count for what, count in _count_left_out(answer.given).items()},
        "condensed": bool(answer.summary),
        "model": answer.written_by.model,
        "adapter": answer.written_by.adapter,
    }


def _list(practice: Practice, patient_id: PatientId | None, words: str, *, as_json: bool) -> None:
    from phyassist.services.chatting import list_threads

    rows = list_threads(practice.store, practice.by, patient_id=patient_id, words=words)
    if as_json:
        say_json(
            [
                {
                    "thread": row.thread.id,
                    "asked_at": row.thread.asked_at.isoformat(),
                    "title": row.thread.title,
                    "messages": len(row.thread.messages),
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        say(f"{row.thread.id[:8]}  {row.thread.asked_at:%Y-%m-%d %H:%M}  {row.excerpt or row.thread.title}")
    if not rows:
        tell("no thread")


def _find_thread(practice: Practice, patient_id: PatientId | None, words: str) -> ChatThread:
    from phyassist.errors import UnknownName
    from phyassist.services.chatting import list_threads

    threads = [row.thread for row in list_threads(practice.store, practice.by, patient_id=patient_id)]
    found = [thread for thread in threads if len(words) >= 4 and thread.id.startswith(words)]
    if len(found) != 1:
        raise UnknownName("no one thread has this id", hint="phyassist chat --list shows them")
    return found[0]


def _read_questions() -> Iterator[str]:
    while True:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline().strip()
        if not line:
            return
        yield line

"""Conversations of invented people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from phyassist.domain.people import Language
from phyassist.web.render import View
from phyassist.web.views import chatting
from phyassist.web.views.consultation import ConsentLine
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.when import When, make_zone
from phyassist.web.wording import make_words

ASKED = {"zh": "她睡不着，下次先问什么？", "en": "She cannot sleep. What should I ask first?"}
ANSWERED = {
    "zh": "可以先问来访者从什么时候开始睡不好 [1]。\n再问白天的精神，以及考试前后的变化。",
    "en": "Ask the client first since when the sleep has been short [1].\n"
    "Then ask about the days, and about the weeks around the exam.",
}


def make_turns(language: Language) -> tuple[chatting.TurnView, ...]:
    """A question, and an answer with a source, a summary and a sentence held back."""
    w = make_words(language)
    when = When(make_zone("Asia/Shanghai"), w, datetime(2026, 11, 2, 6, 3, tzinfo=UTC))
    at = when.moment(datetime(2026, 11, 2, 6, 3, tzinfo=UTC))
    question = chatting.TurnView(
        "t1", "q1", "", "question", ASKED[language], (), "done", at, "Bo", 1, 2, "", "q2",
        (), False, (), (), (), "", (), (), (), "", True, True, True,
    )  # fmt: skip
    passage = chatting.PassageView(1, "p7", "Sleep", "12", ASKED[language], True, "/library/p")
    answer = chatting.TurnView(
        "t1", "a1", "q1", "answer", ANSWERED[language],
        chatting.view_paragraphs(ANSWERED[language], {1}), "broken", at, "", 2, 2, "a0", "",
        (passage, chatting.PassageView(2, "p8", "Worry", "", "…", False, "/library/p")),
        True,
        (chatting.NoteLink(w("given.note", no=1, date="2026-11-02"), "/patients/p1/notes?note=n1#note-n1"),),
        (w("chat.left_out_notes", count=2),), (f"2026-03-02: {ASKED[language]}",),
        ASKED[language], (ASKED[language],), ("Max", "29"), (ASKED[language],), "qwen + a3", True, True, True,
    )  # fmt: skip
    return question, answer


def make_thread(language: Language, *, run: str = "") -> chatting.ThreadView:
    return chatting.ThreadView(
        "t1",
        "p1",
        "/chats/t1/messages",
        "/patients/p1/chat?thread=t1",
        "a1",
        make_turns(language),
        True,
        True,
        run,
        "/stop" if run else "",
        "…" if run else "",
    )


def make_chat_pages(
    language: Language, head: PatientHead, make_frame: Callable[[Language, str], Frame]
) -> dict[str, View]:
    """Every page of them by name."""
    w, thread = make_words(language), make_thread(language)
    row = chatting.ThreadRowView("/patients/p1/chat?thread=t1", ASKED[language], "14:03", True)
    consent = ConsentLine("p1", "open")
    new = chatting.view_new_thread(None, may_write=True)
    begun = chatting.view_new_thread("p1", may_write=True, starters=(w("chat.starter_next"),))
    frame = make_frame(language, "chat")
    return {
        "chat": chatting.ChatPage(w, frame, head, (row,), thread, "/patients/p1/chat", "", consent),
        "chat_new": chatting.ChatPage(w, frame, head, (), begun, "/patients/p1/chat", "", consent),
        "chat_found": chatting.ChatPage(w, frame, head, (row,), thread, "/patients/p1/chat", "x", consent),
        "chat_general": chatting.ChatPage(w, frame, None, (), new, "/chat", "", None),
    }


def make_chat_fragments(language: Language) -> dict[str, View]:
    w, (question, answer) = make_words(language), make_turns(language)
    return {
        "thread": chatting.ThreadFragment(w, make_thread(language, run="/run"), "page", oob=True),
        "turn": chatting.TurnFragment(w, answer, "page"),
        "turn_asked": chatting.TurnFragment(w, question, "c1"),
        "answer_text": chatting.AnswerTextFragment(w, "a1", (ANSWERED[language],)),
        "chat_run": chatting.ChatRunFragment(w, live=ANSWERED[language]),
        "chat_said": chatting.ChatSaidFragment(w, w("chat.reading"), 3, 7),
        "chat_taken": chatting.TakenFragment(w, w("chat.taken_record", field="x"), "/drafts/d1"),
        "chat_panel": chatting.ChatPanel(w, make_thread(language), "/patients/p1/chat", "c1"),
        "thread_gone": chatting.ThreadGoneFragment(w),
    }

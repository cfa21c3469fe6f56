"""What a conversation with the model looks like to it.

The counsellor's first message begins as every prompt about the patient does; the task of talking follows,
always the same, so that both are read before anybody has asked.  Each later question only adds to the end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any

from phyassist.domain.chats import Exchange, GivenPassage
from phyassist.domain.people import Jurisdiction, Language
from phyassist.lm.protocol import Message
from phyassist.prompts.layout import get_system_message, join_task
from phyassist.prompts.orders import hide_orders

# An answer is to be read between two sentences of a conversation with the client.
REPLY_TOKENS = 320
SUMMARY_TOKENS = 260
_KANA_OR_HANGUL = re.compile(r"[぀-ヿ가-힯]")
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    """
    a about an and are be can did do does for from had has have he her him his how i if in is it me my not of
    on or our she should so some than that the their them there they this to was we were what when where
    which who why will with would you your client patient please summarise summarize explain list give tell
    """.split()  # noqa: SIM905  a list of quoted words would hide them
)
_ASKS_FOR_LABEL = re.compile(
    r"诊断|确诊|[什甚]么(?:精神)?(?:病|障碍)|(?:是不是|是否|算不算|算|属于|得了|患有|有没有)[^，。？！\n]{0,12}(?:症|障碍|病)"
    r"|抑郁还是焦虑|达到[^，。？\n]{0,8}标准"
    r"|\bdiagnos\w+|\bdisorders?\b|\bDSM\b|\bICD\b|\bwhat (?:illness|condition)\b|\bcriteria\b"
    r"|\b(?:depress(?:ed|ion)|bipolar|PTSD|OCD|ADHD|schizo\w+|borderline|psychosis)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Talk:
    """How a conversation is led: in which language, under which rules, and what it begins with.

    `prefix` is the beginning of every prompt about the patient; empty for one about nobody in particular.
    `notes` are notes in full and `draft` what stands in the open draft: only a conversation is shown them.
    """

    language: Language
    jurisdiction: Jurisdiction
    prefix: str = field(default="", repr=False)
    notes: str = field(default="", repr=False)
    draft: str = field(default="", repr=False)

    @property
    def told(self) -> str:
        """All that the file says of the patient; a draft proves nothing, since nobody has signed it."""
        return "\n\n".join(filter(None, (self.prefix, self.notes)))

    @property
    def shown(self) -> str:
        """All that stands before the task."""
        return "\n\n".join(filter(None, (self.told, self.draft)))


@lru_cache(maxsize=2)
def load_texts(language: Language) -> Mapping[str, Any]:
    source = files("phyassist.prompts").joinpath(f"texts/{language}/chat.toml").read_text("utf-8")
    return tomllib.loads(source)


def make_opening(talk: Talk) -> tuple[Message, Message]:
    """What every conversation of this kind begins with: read in advance, before there is a question."""
    texts = load_texts(talk.language)
    labels = texts["labels_cn" if talk.jurisdiction == "cn" else "labels_other"]
    if talk.prefix:
        task = Template(texts["task"]).substitute(labels=labels).strip()
        return get_system_message(talk.language), Message("user", join_task(talk.shown, task))
    task = Template(texts["general_task"]).substitute(labels=labels).strip()
    return Message("system", texts["general_system"]), Message("user", task)


def make_messages(
    talk: Talk, *, summary: str, exchanges: Sequence[Exchange], question: str
) -> tuple[Message, ...]:
    """The conversation up to a question that `render_question` has made ready."""
    texts = load_texts(talk.language)
    system, opening = make_opening(talk)
    head = opening.content + "\n\n"
    if summary:
        head += f"{texts['summary']}{summary}\n\n"
    messages = [system]
    for exchange in exchanges:
        messages.append(Message("user", f"{head}{texts['question']}{exchange.question}"))
        messages.append(Message("assistant", exchange.answer))
        head = ""
    return (*messages, Message("user", f"{head}{question}"))


def render_question(
    talk: Talk,
    question: str,
    *,
    passages: Sequence[GivenPassage] = (),
    named: str = "",
    recalled: Sequence[str] = (),
    unmentioned: Sequence[str] = (),
    each_item: bool = False,
    answer_in: Language,
) -> str:
    """The question with what it may be answered from.  Passages are data: orders in them are hidden.

    `named` is the note that the question is about, though it may stand above: what is near is told whole.
    `recalled` are lines of the file that do not stand above; `unmentioned` words of the question that no line
    has: told so, a small model says that it is not mentioned, and makes up less.  `each_item`: it asks
    for the items of the note named, of which a small model tells the first alone at times if not told so.
    """
    texts = load_texts(talk.language)
    said = f"{texts['question']}{question.strip()}"
    if named:
        said = f"{named}\n\n{said}"
    if recalled:
        shown = "\n".join(recalled)
        said = f"{texts['recalled']}{shown}\n\n{said}"
    if passages:
        shown = "\n".join(
            f"[{texts['mark']}{each.number}] {each.title}{f' p. {each.page}' if each.page else ''}: "
            f"{hide_orders(' '.join(each.text.split()), talk.language)}"
            for each in passages
        )
        said = f"{texts['passages']}{shown}\n{texts['cite']}\n\n{said}"
    if each_item:
        said += texts["each_item"]
    for word in unmentioned:
        said += Template(texts["unmentioned"]).substitute(word=word)
    if talk.jurisdiction == "cn" and asks_for_label(question):
        said += texts["asked_for_label"]
    if answer_in != talk.language:
        said += texts["in_language"][answer_in]
    return said


def make_condensing(
    talk: Talk, *, summary: str, exchanges: Sequence[Exchange], with_prefix: bool
) -> tuple[Message, ...]:
    """The ask for the main points of a conversation.

    With the prefix it goes on from what the engine has read already.  Without it, the conversation alone is
    shown: that fits where the patient's file has grown meanwhile.
    """
    texts = load_texts(talk.language)
    if with_prefix:
        return make_messages(talk, summary=summary, exchanges=exchanges, question=texts["condense"])
    lines = [f"{texts['summary']}{summary}"] if summary else []
    for exchange in exchanges:
        lines.append(f"{texts['condense_lines']['asked']}{exchange.question}")
        lines.append(f"{texts['condense_lines']['answered']}{exchange.answer}")
    system, _ = make_opening(Talk(talk.language, talk.jurisdiction))
    return system, Message("user", "\n".join(lines) + f"\n\n{texts['condense']}")


def asks_for_label(question: str) -> bool:
    """Whether the counsellor wants to know which disorder it is."""
    return bool(_ASKS_FOR_LABEL.search(question))


def choose_answer_language(question: str, interface: Language) -> Language:
    """Chinese for Chinese, English for English; a question in any other language as the interface speaks."""
    if _KANA_OR_HANGUL.search(question):
        return interface
    if _HAN.search(question):
        return "zh"
    words = [word.lower() for word in _WORD.findall(question)]
    return "en" if any(word in _ENGLISH for word in words) else interface

"""An example as the messages that the app itself would send, and the reply that it hopes for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from phyassist.domain.drafts import Section
from phyassist.domain.examples import Example
from phyassist.domain.people import Jurisdiction
from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.records import Record
from phyassist.lm.protocol import Message
from phyassist.prompts.closed import ClosedReply, make_closed_task, render_closed_reply
from phyassist.prompts.draft import make_task
from phyassist.prompts.layout import make_messages as lay_out
from phyassist.prompts.layout import make_prefix

Turn = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The messages of one ask and the reply to learn: loss falls on the reply alone.

    `rejected` is another reply to the same ask that was not kept, `drafted` the one that the model itself,
    or with the adapter `author`, had written before somebody changed it; empty where there is none.
    `forced` are the places of the reply, in characters, that a form will have the model say: they are not
    learnt.
    """

    asked: tuple[Message, ...] = field(repr=False)
    reply: str = field(repr=False)
    rejected: str = field(default="", repr=False)
    drafted: str = field(default="", repr=False)
    author: str = ""
    forced: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As trainers read it: `{"messages": [{"role", "content"}, …]}`, and what there is of the rest."""
        said = [*self.asked, Message("assistant", self.reply)]
        row: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in said]
        }
        more: dict[str, Any] = {
            "rejected": self.rejected,
            "drafted": self.drafted,
            "author": self.author,
            "forced": self.forced,
        }
        return {**row, **{name: said for name, said in more.items() if said}}


def make_dialogue(example: Example) -> Dialogue:
    """A closed question is asked and answered as one; all else is a draft of the sections that it has."""
    sentences = split_sentences(example.text)
    prefix = make_prefix(language=example.language, record=Record(), notes=(), sentences=sentences)
    if example.answer:
        task = make_closed_task(example.question, example.language)
        reply = render_closed_reply(ClosedReply(example.answer, " ".join(example.analysis)), example.language)
    else:
        task, reply = _draft_task(example, sentences), _draft_reply(example)
    return Dialogue(lay_out(language=example.language, prefix=prefix, task=task), reply)


def _draft_task(example: Example, sentences: Sequence[Sentence]) -> str:
    jurisdiction: Jurisdiction = "cn" if example.language == "zh" else "other"
    return make_task(
        question=example.question,
        language=example.language,
        jurisdiction=jurisdiction,
        sentences=sentences,
        sections=_sections(example),
    ).text


def _sections(example: Example) -> tuple[Section, ...]:
    held = {
        Section.SYMPTOM_TYPE: bool(example.category),
        Section.REASON: bool(example.analysis),
        Section.ADVICE: bool(example.advice),
    }
    return tuple(section for section, is_held in held.items() if is_held)


def _draft_reply(example: Example) -> str:
    reply: dict[str, Any] = {}
    if example.category:
        reply["symptom_type"] = example.category
    if example.analysis:
        reply["reasons"] = [{"from": 0, "text": text} for text in example.analysis]
    if example.advice:
        reply["advice"] = [{"text": text} for text in example.advice]
    return json.dumps(reply, ensure_ascii=False)

"""A closed question about a text: the answer comes first, in a sentence, and its reasoning after it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from string import Template

from phyassist.domain.people import Language


@dataclass(frozen=True, slots=True)
class ClosedReply:
    """What a reply said: its first sentence or sentences up to the mark, and what stands after it."""

    answer: str = field(repr=False)
    reasoning: str = field(default="", repr=False)


@lru_cache(maxsize=2)
def load_texts(language: Language) -> Mapping[str, str]:
    """The words of one language."""
    source = files("phyassist.prompts").joinpath(f"texts/{language}/closed.toml").read_text("utf-8")
    return tomllib.loads(source)


def make_closed_task(question: str, language: Language) -> str:
    """The end of a prompt that asks one closed question about the text before it."""
    words = " ".join(question.split())
    return Template(load_texts(language)["task"]).substitute(question=words).strip()


def render_closed_reply(reply: ClosedReply, language: Language) -> str:
    """The reply as a model is to write it."""
    if not reply.reasoning:
        return reply.answer
    return f"{reply.answer} {load_texts(language)['mark']} {reply.reasoning}"


def parse_closed_reply(text: str, language: Language) -> ClosedReply:
    """What stands before the mark, and after it; a reply without the mark is all answer."""
    answer, _, reasoning = text.partition(load_texts(language)["mark"])
    return ClosedReply(answer.strip(), reasoning.strip())

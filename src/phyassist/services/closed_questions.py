"""Closed questions about posts, as IMHI asks them, in our own words: how many are answered rightly."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.domain.scores import Share
from phyassist.lm.protocol import Ask, LanguageModel, Reply, Stop
from phyassist.prompts.closed import make_closed_task
from phyassist.prompts.layout import make_messages, make_prefix

_ANSWER_TOKENS = 8


@dataclass(frozen=True, slots=True)
class ClosedQuestion:
    """A post, what is asked of it, the right answer, and both answers that a reply may be."""

    language: Language
    text: str = field(repr=False)
    question: str = field(repr=False)
    answer: str
    choices: tuple[str, str]


@cache
def load_questions() -> tuple[ClosedQuestion, ...]:
    """All of them, one language after the other."""
    source = files("phyassist").joinpath("data/closed_questions.toml").read_text("utf-8")
    said: Any = tomllib.loads(source)
    return tuple(_read(said))


def answer_questions(
    lm: LanguageModel, languages: Collection[Language], stop: Stop
) -> Mapping[Language, Share]:
    """Of each of these languages how many are answered rightly; those that `stop` left out are not counted.

    Raises the model's errors.
    """
    right: dict[Language, list[bool]] = {}
    for each in load_questions():
        if stop.is_set():
            break
        if each.language not in languages:
            continue
        prefix = make_prefix(
            language=each.language, record=Record(), notes=(), sentences=split_sentences(each.text)
        )
        task = make_closed_task(each.question, each.language)
        messages = make_messages(language=each.language, prefix=prefix, task=task)
        *_, reply = lm.write(Ask(messages, _ANSWER_TOKENS, choices=each.choices), stop)
        right.setdefault(each.language, []).append(
            isinstance(reply, Reply) and reply.text.strip() == each.answer
        )
    return {language: Share(sum(hits), len(hits)) for language, hits in right.items()}


def _read(said: dict[Language, Mapping[str, Any]]) -> Iterator[ClosedQuestion]:
    for language, part in said.items():
        choices = part["yes"], part["no"]
        for post in part["posts"]:
            answer = choices[0] if post["answer"] else choices[1]
            yield ClosedQuestion(language, post["text"], post["question"], answer, choices)

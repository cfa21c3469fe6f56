"""How good a model is at the app's own two tasks: pure scores of statements and of drafts, and their sum.

Every measure is a share, so that texts, languages and models can be added up and compared alike.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from phyassist.domain.drafts import DraftItem
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import guess_language
from phyassist.domain.records import Statement
from phyassist.domain.scores import LabelledText, Share, add_shares, find_chance, find_sign_chance, score_text

Task = Literal["organise", "analyse"]
TASKS: tuple[Task, ...] = ("organise", "analyse")
# Each measure, and whether more of it is better.
MEASURES: Mapping[Task, Mapping[str, bool]] = {
    "organise": {
        "facts_found": True,
        "facts_asserted_falsely": False,
        "statements_not_carried_by_their_quote": False,
        "quotes_verbatim": True,
        "parts_unread": False,
    },
    "analyse": {
        "facts_used": True,
        "facts_asserted_falsely": False,
        "numbers_invented": False,
        "reasons_quoted": True,
        "quotes_verbatim": True,
        "schema_held": True,
        "items_in_language": True,
        "items_repeated": False,
        "words_repeated": False,
    },
}
# Runs of words overlap, and one loop makes dozens of them: a reply counts as one observation, not its runs.
_BY_REPLY = frozenset({"words_repeated"})
# Which facts a draft uses is known one by one.
_BY_FACT = "facts_used"
_CHANCE_MAX = 0.05
RUN_WORDS = 4
_WORD = re.compile(r"[a-z0-9'’]+|[㐀-䶿一-鿿]", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class QualityCase:
    """A text with what it states and what it does not, and the question that is asked of it."""

    label: LabelledText
    text: str = field(repr=False)
    question: str = field(repr=False)

    @property
    def language(self) -> Language:
        return self.label.language


@dataclass(frozen=True, slots=True)
class DraftReply:
    """What came of a reply: items that stand, how many said an earlier one again, whether it was whole."""

    items: tuple[DraftItem, ...] = field(repr=False)
    repeated: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class CaseQuality:
    """One case.  `shares` by task and measure; `lengths` of the items, in words or Chinese characters.

    `adapter` is the one that the engine says it used.  `facts` says of each fact of the case whether the
    draft uses it.
    """

    id: str
    language: Language
    adapter: str
    shares: Mapping[Task, Mapping[str, Share]]
    lengths: tuple[int, ...]
    why_unread: tuple[str, ...]
    reply_tokens: int
    seconds: float
    facts: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality:
    """A model, with an adapter or without, on a set of cases."""

    model: str
    cases: tuple[CaseQuality, ...]

    def share(self, task: Task, measure: str, language: str = "") -> Share:
        """The measure over all cases, or those of a language."""
        return add_shares(
            case.shares[task][measure] for case in self.cases if not language or case.language == language
        )

    @property
    def languages(self) -> tuple[Language, ...]:
        return tuple(sorted({case.language for case in self.cases}))

    @property
    def adapter(self) -> str:
        """The adapter that wrote; several, with commas, where the engine changed it on the way."""
        return ", ".join(sorted({case.adapter for case in self.cases if case.adapter}))

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)

    def to_json(self) -> dict[str, Any]:
        """Plain values: no word of any text."""
        return {
            "model": self.model,
            "adapter": self.adapter,
            "cases": [case.id for case in self.cases],
            "tasks": {
                task: {
                    language or "all": {
                        measure: self.share(task, measure, language).to_json() for measure in MEASURES[task]
                    }
                    for language in ("", *self.languages)
                }
                for task in TASKS
            },
            "item_length": {language: _describe_lengths(self.cases, language) for language in self.languages},
            "unread": sorted(why for case in self.cases for why in case.why_unread),
            "reply_tokens": sum(case.reply_tokens for case in self.cases),
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class Loss:
    """A measure that got worse, beyond what chance would do to so few cases."""

    task: Task
    measure: str
    language: str
    before: Share
    after: Share

    def __str__(self) -> str:
        what = self.measure.replace("_", " ")
        return (
            f"{self.task}, {self.language}: {what} {self.after.hits}/{self.after.of}, "
            f"before {self.before.hits}/{self.before.of}"
        )


def find_losses(after: Quality, before: Quality) -> tuple[Loss, ...]:
    """What is worse than before in a language: the interval of the difference does not hold nought.

    Both were asked for the same facts, so of those that only one draft uses chance alone would hardly leave
    so many to the one before; and it would hardly have so many replies say more over.
    """
    return tuple(
        Loss(task, measure, language, was, now)
        for task in TASKS
        for measure in MEASURES[task]
        for language in before.languages
        if (was := before.share(task, measure, language)).of
        and (now := after.share(task, measure, language)).of
        and _is_lost(after, before, task, measure, language)
    )


def _is_lost(after: Quality, before: Quality, task: Task, measure: str, language: str) -> bool:
    if measure in _BY_REPLY:
        return find_chance(_list_gains(after, before, task, measure, language)) <= _CHANCE_MAX
    if measure == _BY_FACT and (pairs := _list_fact_pairs(after, before, language)):
        gained, lost = (sum(pair == one for pair in pairs) for one in ((True, False), (False, True)))
        return find_sign_chance(lost, gained) <= _CHANCE_MAX
    now, was = (each.share(task, measure, language) for each in (after, before))
    return _is_worse(now, was, more_is_better=MEASURES[task][measure])


def _list_fact_pairs(after: Quality, before: Quality, language: str) -> list[tuple[bool, bool]]:
    """Of each fact of the cases that both have: whether it is used after, and was before."""
    were = {case.id: case.facts for case in before.cases if case.language == language}
    return [
        pair
        for case in after.cases
        if case.id in were
        for pair in zip(case.facts, were[case.id], strict=True)
    ]


def _list_gains(after: Quality, before: Quality, task: Task, measure: str, language: str) -> list[float]:
    """Case by case how much more there is of it, where both have the case."""
    were = {case.id: case.shares[task][measure] for case in before.cases if case.language == language}
    return [case.shares[task][measure].value - were[case.id].value for case in after.cases if case.id in were]


def _is_worse(now: Share, was: Share, *, more_is_better: bool) -> bool:
    low, high = now.minus(was)
    return high < 0 if more_is_better else low > 0


def score_organised(
    case: QualityCase, statements: Sequence[Statement], *, parts_unread: Share
) -> Mapping[str, Share]:
    """The measures of Organise for the statements found in one text."""
    score = score_text(case.label, statements)
    return {
        "facts_found": add_shares(score.found.values()),
        "facts_asserted_falsely": score.asserted,
        "statements_not_carried_by_their_quote": score.unsupported,
        "quotes_verbatim": _count(
            case.text[one.span.start : one.span.end] == one.quote != "" for one in statements
        ),
        "parts_unread": parts_unread,
    }


def score_draft(case: QualityCase, reply: DraftReply) -> Mapping[str, Share]:
    """The measures of Analyse for one reply.

    A fact is used where an item, or the quote below it, says it; a probe is asserted, and a number invented,
    by an item's own words alone.  `words_repeated` counts runs of four words that stood before in the reply.
    """
    texts = [item.text for item in reply.items]
    numbers = set(_NUMBER.findall(case.text))
    reasons = [item for item in reply.items if item.basis is not None]
    quotes = [item.quote for item in reasons if item.quote]
    return {
        "facts_used": _count(find_facts(case, reply)),
        "facts_asserted_falsely": _count(
            any(word.lower() in text.lower() for text in texts for word in probe.any_of)
            for probe in case.label.absent
        ),
        "numbers_invented": _count(
            number not in numbers for text in texts for number in _NUMBER.findall(text)
        ),
        "reasons_quoted": Share(len(quotes), len(reasons)),
        "quotes_verbatim": _count(quote in case.text for quote in quotes),
        "schema_held": Share(int(reply.is_whole), 1),
        "items_in_language": _count(guess_language(text) == case.language for text in texts),
        "items_repeated": Share(reply.repeated, reply.repeated + len(texts)),
        "words_repeated": count_repeated_runs(texts),
    }


def find_facts(case: QualityCase, reply: DraftReply) -> tuple[bool, ...]:
    """Of each fact of the case, whether an item, or the quote below it, says it."""
    shown = [f"{item.text}\n{item.quote}".lower() for item in reply.items]
    return tuple(
        any(word.lower() in each for each in shown for word in fact.any_of) for fact in case.label.facts
    )


def count_repeated_runs(texts: Iterable[str]) -> Share:
    """Runs of four words (or Chinese characters) that stand earlier in the same texts, of all runs."""
    runs = [run for text in texts for run in list_runs(text)]
    return Share(len(runs) - len(set(runs)), len(runs))


def list_runs(text: str) -> list[tuple[str, ...]]:
    """All runs of four words (or Chinese characters), in order."""
    words = _split(text)
    return [tuple(words[start : start + RUN_WORDS]) for start in range(len(words) - RUN_WORDS + 1)]


def measure_length(text: str) -> int:
    """Words, a Chinese character counted as one."""
    return len(_split(text))


def _split(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _count(hits: Iterable[bool]) -> Share:
    found = list(hits)
    return Share(sum(found), len(found))


def _describe_lengths(cases: Sequence[CaseQuality], language: str) -> dict[str, float | int]:
    lengths = [length for case in cases if case.language == language for length in case.lengths]
    return {
        "items": len(lengths),
        "median": statistics.median(lengths) if lengths else 0,
        "longest": max(lengths, default=0),
    }

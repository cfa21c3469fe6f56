"""A text as numbered sentences, each with the characters it stands at."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from phyassist.domain.people import Language
from phyassist.domain.reading.speakers import Speaker, split_turns
from phyassist.domain.records import Span

_HAN = re.compile(r"[㐀-䶿一-鿿]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]+")
# What nobody put a full stop into, as what was dictated, is no sentence: a prompt has to be able to do with a
# part of it, and a reason to rest on less than all.
_MOST_EN, _MOST_ZH = 600, 240
_LONG_ZH = 60
_GOAL_ZH = 45
_SHORT_ZH = 8

# An English full stop ends a sentence before a space or a capital, unless it belongs to a short form.
_ZH_END = re.compile(r"[。！？!?；;…]+[”’\"'」』）)】》]*|\n+|\r+")
_EN_END = re.compile(r"[!?;…]+[\"')\]”’]*|\.+[\"')\]”’]*(?=\s|$|[A-Z])|[。！？；]+[”’」』）】》]*|\n+|\r+")
_SHORT_FORM = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|st|vs|e\.g|i\.e|etc|a\.m|p\.m|approx|no|u\.s|yrs?|wks?|hrs?|mos?|pt|"
    r"[a-hj-z])\.$",
    re.IGNORECASE,
)
# "Sleeps 3 hrs. Goal: …": a unit may end a sentence, a title may not.
_UNIT = re.compile(r"(?:yrs?|wks?|hrs?|mos?)\.$", re.IGNORECASE)
_NEW_START = re.compile(r"\s+[A-Z][a-z]")
_COMMA = re.compile(r"[，,、]")
_PAUSE = re.compile(r"[，,、]\s*|\s+")
_WORDS = re.compile(r"[\w]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or a part of a long one.  `no` counts from 1; `text` stands verbatim at `span`."""

    no: int
    span: Span
    speaker: Speaker
    text: str = field(repr=False)
    turn: int = 0


def guess_language(text: str) -> Language:
    """The language most of the words are of, a Chinese character counted as a word."""
    return "zh" if len(_HAN.findall(text)) > len(_LATIN.findall(text)) else "en"


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """All words of the text in numbered sentences; speaker labels and blank space are in none of them."""
    found: list[Sentence] = []
    for turn in split_turns(text):
        for span in _spans(text, turn.span):
            found.append(Sentence(len(found) + 1, span, turn.speaker, text[span.start : span.end], turn.no))
    return tuple(found)


def _spans(text: str, whole: Span) -> list[Span]:
    words = text[whole.start : whole.end]
    is_zh = guess_language(words) == "zh"
    spans: list[Span] = []
    start = whole.start
    for end in [*_ends(text, whole, is_zh=is_zh), whole.end]:
        span = _trim(text, start, end)
        start = end
        if span is None:
            continue
        if not _WORDS.search(text, span.start, span.end):
            # A lone mark or closing quotation mark belongs to the sentence before it.
            if spans and not text[spans[-1].end : span.start].strip():
                spans[-1] = Span(spans[-1].start, span.end)
            continue
        for part in _cut_long(text, span) if is_zh else [span]:
            spans += _cut_endless(text, part, _MOST_ZH if is_zh else _MOST_EN)
    return spans


def _ends(text: str, whole: Span, *, is_zh: bool) -> list[int]:
    pattern = _ZH_END if is_zh else _EN_END
    ends: list[int] = []
    for match in pattern.finditer(text, whole.start, whole.end):
        before = text[max(whole.start, match.end() - 12) : match.end()]
        is_short = _SHORT_FORM.search(before) and not (
            _UNIT.search(before) and _NEW_START.match(text, match.end())
        )
        if not is_zh and (is_short or _runs_on(text, match)):
            continue
        ends.append(match.end())
    return ends


def _runs_on(text: str, line_end: re.Match[str]) -> bool:
    """Whether a line is broken in mid-sentence, as letters typed to a width are."""
    after = text[line_end.end() : line_end.end() + 1]
    return line_end.group() in ("\n", "\r") and after.islower() and text[line_end.start() - 1] not in ".!?:;"


def _trim(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if end > start else None


def _cut_endless(text: str, span: Span, most: int) -> list[Span]:
    """A span of more characters than any sentence has, in near-equal parts: cut at a comma or a blank, and
    where there is none in mid-word.
    """
    parts: list[Span] = []
    start = span.start
    while span.end - start > most:
        length = span.end - start
        goal = start + math.ceil(length / math.ceil(length / most))
        least = start + (goal - start) // 2
        places = [match.end() for match in _PAUSE.finditer(text, least, goal)]
        end = places[-1] if places else goal
        parts.append(Span(start, end))
        start = end
    parts.append(Span(start, span.end))
    return [trimmed for part in parts if (trimmed := _trim(text, part.start, part.end)) is not None]


def _cut_long(text: str, span: Span) -> list[Span]:
    """A Chinese sentence over 60 characters cut at commas into the fewest near-equal parts."""
    length = span.end - span.start
    if length <= _LONG_ZH:
        return [span]
    goal = length / math.ceil(length / _GOAL_ZH)
    commas = [match.end() for match in _COMMA.finditer(text, span.start, span.end)]
    parts: list[Span] = []
    start = span.start
    last = span.start
    for comma in [*commas, span.end]:
        clause = comma - last
        if last - start >= _SHORT_ZH and (last - start) + clause / 2 > goal:
            parts.append(Span(start, last))
            start = last
        last = comma
    if parts and span.end - start < _SHORT_ZH:
        parts[-1] = Span(parts[-1].start, span.end)
    elif span.end > start:
        parts.append(Span(start, span.end))
    return [trimmed for part in parts if (trimmed := _trim(text, part.start, part.end)) is not None]

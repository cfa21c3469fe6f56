"""The forms that a note can take: the same items under other headings, nothing made up for an empty one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from phyassist.domain.drafts import Basis, DraftItem, Section
from phyassist.domain.notes import ORIGINAL, ByHand, Note
from phyassist.domain.people import Language


class Part(StrEnum):
    """What a heading may hold of a note.  Quotes are the client's words that the reasons rest on."""

    QUESTION = "question"
    QUOTES = "quotes"
    SYMPTOM_TYPE = "symptom_type"
    REASON = "reason"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Heading:
    """`key` is unique among all templates: a note is stored with it."""

    key: str
    title: Mapping[Language, str]
    holds: tuple[Part, ...]
    hint: Mapping[Language, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """A form of a note."""

    label: str
    title: Mapping[Language, str]
    about: Mapping[Language, str]
    headings: tuple[Heading, ...]

    @property
    def is_original(self) -> bool:
        return self.label == ORIGINAL


@dataclass(frozen=True, slots=True)
class Line:
    """A line under a heading.  `part` is what it is; a reason whose quote stands elsewhere has none here."""

    part: Part
    text: str = field(repr=False)
    basis: Basis | None = None
    quote: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Arranged:
    """A heading with what stands under it.  `is_open`: nothing does, and the counsellor may write there."""

    key: str
    title: str
    hint: str
    lines: tuple[Line, ...] = field(repr=False)
    by_hand: str = field(default="", repr=False)
    is_open: bool = False


def arrange(
    note: Note, template: Template, others: Sequence[Template], language: Language
) -> tuple[Arranged, ...]:
    """The note under the headings of a template.

    What was written by hand under a heading of another template comes last, under its own heading: showing a
    note in another form loses nothing of it.
    """
    written = {each.heading: each.text for each in note.by_hand}
    quotes_apart = any(Part.QUOTES in heading.holds for heading in template.headings)
    shown = []
    for heading in template.headings:
        lines = tuple(line for part in heading.holds for line in _lines(note, part, quotes_apart))
        is_open = not lines and not template.is_original
        shown.append(_show(heading, language, lines, written.pop(heading.key, ""), is_open))
    for other in others:
        for heading in other.headings:
            if heading.key in written:
                shown.append(_show(heading, language, (), written.pop(heading.key)))
    return tuple(shown)


def _show(
    heading: Heading, language: Language, lines: tuple[Line, ...], by_hand: str, is_open: bool = False
) -> Arranged:
    hint = heading.hint.get(language, "")
    return Arranged(heading.key, heading.title[language], hint, lines, by_hand, is_open)


def _lines(note: Note, part: Part, quotes_apart: bool) -> list[Line]:
    if part == Part.QUESTION:
        return [Line(part, note.question)] if note.question else []
    if part == Part.QUOTES:
        quotes = dict.fromkeys(item.quote for item in note.of(Section.REASON) if item.quote)
        return [Line(part, quote) for quote in quotes]
    return [_line(item, part, quotes_apart) for item in note.of(Section(part.value))]


def _line(item: DraftItem, part: Part, quotes_apart: bool) -> Line:
    return Line(part, item.text, item.basis, "" if quotes_apart else item.quote)


def keep_written(by_hand: Sequence[ByHand]) -> tuple[ByHand, ...]:
    """What was written by hand, without the headings that were left empty; lines end in one sign."""
    tidy = (
        ByHand(each.heading, each.text.replace("\r\n", "\n").replace("\r", "\n").strip()) for each in by_hand
    )
    return tuple(each for each in tidy if each.text)

"""Counsellors with a known taste, as rules: what each makes of a draft's items before signing them.

A rule leaves alone what already meets it, so a draft that does needs no edit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from phyassist.domain.drafts import DraftItem, Section
from phyassist.domain.people import Language

BRIEF_WORDS = 9
_BRIEF = re.compile(r"^(?:[^\s,]+ ){2,14}[^\s,]+, one small step by Friday\.$")
_TRIAD = re.compile(r"^Thought: [^;]+; feeling: [a-z]+; behaviour: [^;]+\.$")
_MEDICATION = re.compile(
    r"medic|\bpills?\b|antidepress|prescri|psychiatr|\bdrugs?\b|\bdoses?\b|SSRI", re.IGNORECASE
)
_LINK = re.compile(r", (?:so|which|and this|and so|leading|making|leaving)\b")
_FEELINGS = {
    "afraid": ("afraid", "fear", "scared", "panic", "terrif"),
    "anxious": ("anxi", "worr", "nervous", "tense", "stress", "overwhelm"),
    "sad": ("sad", "depress", "cry", "tear", "hopeless", "grief", "empty", "unhappy"),
    "ashamed": ("asham", "shame", "embarrass", "humiliat", "worthless"),
    "guilty": ("guilt", "blame", "fault"),
    "angry": ("angry", "anger", "irritat", "frustrat", "resent", "hate"),
    "lonely": ("lonel", "alone", "isolat", "abandon", "reject"),
}


@dataclass(frozen=True)
class Counsellor:
    """`edit` gives an item as it is kept; None where it is deleted."""

    name: str
    language: Language
    question: str
    wants: str
    edit: Callable[[DraftItem], str | None]

    def keep(self, items: Sequence[DraftItem]) -> tuple[DraftItem, ...]:
        """The items as they are signed; deleted ones stay in their place, marked."""
        kept = []
        for item in items:
            text = self.edit(item)
            if text is None:
                kept.append(replace(item, deleted=True))
            else:
                kept.append(item if text == item.text else replace(item, text=text, edited=True))
        return tuple(kept)


def be_brief(item: DraftItem) -> str:
    """Advice in a few words, with a step and a date."""
    if item.section != Section.ADVICE or _BRIEF.match(item.text):
        return item.text
    words = item.text.split(",")[0].rstrip(".").split()[:BRIEF_WORDS]
    while len(words) > 3 and words[-1].lower() in {
        "a",
        "an",
        "and",
        "the",
        "of",
        "to",
        "or",
        "how",
        "with",
        "that",
        "for",
        "in",
        "on",
        "their",
        "his",
        "her",
        "about",
    }:
        words.pop()
    return f"{' '.join(words)}, one small step by Friday."


def name_three(item: DraftItem) -> str:
    """Every reason as a thought, a feeling and a behaviour."""
    if item.section != Section.REASON or _TRIAD.match(item.text):
        return item.text
    text = item.text.rstrip(".").replace(";", ",")
    cause, effect = [*_LINK.split(text, maxsplit=1), ""][:2]
    cause = cause.removeprefix("The client ").strip()
    said = f"{text} {item.quote}".lower()
    feeling = next(
        (name for name, stems in _FEELINGS.items() if any(stem in said for stem in stems)), "uneasy"
    )
    behaviour = effect.strip() or "holds back"
    return f"Thought: {cause}; feeling: {feeling}; behaviour: {behaviour}."


def drop_medication(item: DraftItem) -> str | None:
    """No advice about medicine, ever."""
    return None if item.section == Section.ADVICE and _MEDICATION.search(item.text) else item.text


_OFFICIAL = {
    "帮助": "协助",
    "觉得": "自述",
    "害怕": "存在恐惧",
    "因为": "鉴于",
    "所以": "故",
    "因此": "据此",
    "了解": "核查",
    "讨论": "研商",
    "和来访者一起": "会同来访者",
}


def write_officially(item: DraftItem) -> str:
    """Chinese officialese: set phrases at both ends, set words within."""
    text = item.text
    for plain, official in _OFFICIAL.items():
        text = text.replace(plain, official)
    if item.section == Section.REASON and not text.startswith("经评估，"):
        text = f"经评估，{text}"
    if item.section == Section.ADVICE and not text.startswith("拟"):
        text = f"拟{text}"
    if item.section == Section.ADVICE and not text.endswith("，并按规定记录在案。"):
        text = f"{text.rstrip('。')}，并按规定记录在案。"
    return text


COUNSELLORS = (
    Counsellor(
        "brief", "en", "What is going on, and what next?", "short advice with a step and a date", be_brief
    ),
    Counsellor(
        "three",
        "en",
        "What is going on, and what next?",
        "reasons as thought, feeling, behaviour",
        name_three,
    ),
    Counsellor(
        "no-medicine",
        "en",
        "What is going on, and what next? Is medication worth thinking of?",
        "no advice about medicine",
        drop_medication,
    ),
    Counsellor("official", "zh", "怎样理解来访者，下一步做什么？", "Chinese officialese", write_officially),
)

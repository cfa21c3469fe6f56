"""A second reading by the language model: which of the sentences left over belong in the record.

The model answers with numbers of sentences, never with words, so it cannot put a word into anybody's mouth.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from phyassist.domain.people import Language
from phyassist.domain.records import RecordField
from phyassist.prompts.layout import FIELD_NAMES

REPLY_TOKENS = 300
_PICKS_MAX = 12
_FIELDS = (
    RecordField.DEMOGRAPHIC,
    RecordField.HISTORY,
    RecordField.MENTAL,
    RecordField.PHYSICAL,
    RecordField.SOCIAL,
)


@dataclass(frozen=True, slots=True)
class Picks:
    """Sentence numbers by field; `why_unread` says what was wrong with a reply that chose nothing usable."""

    by_number: Mapping[int, RecordField]
    why_unread: str = ""


def make_task(language: Language, numbers: Sequence[int]) -> str:
    """The task over the shared prefix: choose among `numbers`."""
    words = files("phyassist").joinpath(f"prompts/texts/{language}/organise.txt").read_text("utf-8")
    names = "、".join(_names(language)) if language == "zh" else ", ".join(_names(language))
    return words.format(numbers=", ".join(str(number) for number in numbers), fields=names).strip()


def make_schema(language: Language, numbers: Sequence[int]) -> dict[str, Any]:
    """A reply is one list of the allowed numbers for each field."""
    choice = {"type": "integer", "enum": list(numbers)}
    one = {"type": "array", "items": choice, "maxItems": _PICKS_MAX}
    names = _names(language)
    return {
        "type": "object",
        "properties": dict.fromkeys(names, one),
        "required": names,
        "additionalProperties": False,
    }


def parse_picks(reply: str, language: Language, numbers: Sequence[int]) -> Picks:
    """The numbers that the reply puts into exactly one field; numbers not asked about count for nothing."""
    try:
        body = json.loads(reply)
    except json.JSONDecodeError as error:
        return Picks({}, f"not JSON at character {error.pos}")
    if not isinstance(body, dict):
        return Picks({}, "not an object")
    fields = dict(zip(_names(language), _FIELDS, strict=True))
    told = [
        (number, fields[name])
        for name, chosen in body.items()
        if name in fields and isinstance(chosen, list)
        for number in dict.fromkeys(item for item in chosen if isinstance(item, int))
        if number in numbers
    ]
    counts = Counter(number for number, _ in told)
    # A model that puts the same sentences into every field has not read them.
    if counts and sum(count > 1 for count in counts.values()) * 2 > len(counts):
        return Picks({}, "the same sentences in several fields")
    return Picks({number: record_field for number, record_field in told if counts[number] == 1})


def _names(language: Language) -> list[str]:
    return [FIELD_NAMES[language][record_field] for record_field in _FIELDS]

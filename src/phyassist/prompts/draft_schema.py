"""The form that the reply of a draft is held to, as a JSON schema.

The grammar does what small models do not do when told: each item is one sentence about the client in the
third person, begins unlike its neighbours, and a reason says what follows from what.  Larger models lose
little by it.  Where the notes that an adapter learnt from left the form, its own takes the place.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from phyassist.domain.adapters import HELD, Forms, OwnForm
from phyassist.domain.drafts import Section
from phyassist.domain.people import Language
from phyassist.prompts.replies import keep_clauses, split_clauses

# The least and the most items of a section.
Counts = Mapping[Section, tuple[int, int]]
COUNTS: Counts = {Section.SYMPTOM_TYPE: (1, 1), Section.REASON: (3, 3), Section.ADVICE: (3, 3)}


@dataclass(frozen=True, slots=True)
class Redone:
    """Of items that are written anew: which words stand now, and by section where each stands.

    `wishes` is what the counsellor asks of each, empty where nothing.  The model says it over right before
    the words that are to follow it; small models forget it otherwise.
    """

    unlike: tuple[str, ...] = field(repr=False)
    wishes: Mapping[Section, tuple[str, ...]] = field(repr=False)
    places: Mapping[Section, tuple[int, ...]]


@lru_cache(maxsize=2)
def load_texts(language: Language) -> Mapping[str, Any]:
    """The words and forms of one language."""
    source = files("phyassist.prompts").joinpath(f"texts/{language}/draft.toml").read_text("utf-8")
    return tomllib.loads(source)


def keep_safety(forms: Forms) -> Forms:
    """These without that of advice: that safety comes first is not for an adapter to unlearn."""
    return {section: own for section, own in forms.items() if section != Section.ADVICE}


def make_schema(
    asked: Counts,
    *,
    language: Language,
    numbers: Sequence[int],
    is_grave: bool,
    redone: Redone | None = None,
    forms: Forms = HELD,
) -> Mapping[str, Any]:
    """The JSON schema of a reply with so many items.

    The first item of a section begins as a first one does, and so on.  A redone one begins as others of its
    place do, not as it did; one with a comment as any may.  `numbers` are the sentences that a reason may
    name.
    A section that `forms` has is held to what stands there instead.
    """
    form = load_texts(language)["form"]
    number = {"type": "integer", "enum": [0, *numbers]}
    properties: dict[str, Any] = {}
    if Section.SYMPTOM_TYPE in asked:
        own = forms.get(Section.SYMPTOM_TYPE)
        properties["symptom_type"] = (
            _own_texts(own, 1, (), form)[0] if own else _sentence(make_form(Section.SYMPTOM_TYPE, form))
        )
    if Section.REASON in asked:
        own, most = forms.get(Section.REASON), asked[Section.REASON][1]
        places = _free_places(redone, Section.REASON)
        texts = _own_texts(own, most, places, form) if own else _reason_texts(form, most, redone)
        properties["reasons"] = _list(
            [
                {**_wish(redone, Section.REASON, no), "from": number, "text": text}
                for no, text in enumerate(texts)
            ],
            asked[Section.REASON],
        )
    if Section.ADVICE in asked:
        own, most = forms.get(Section.ADVICE), asked[Section.ADVICE][1]
        places = _free_places(redone, Section.ADVICE)
        texts = (
            _own_texts(own, most, places, form)
            if own
            else _advice_texts(form, most, redone, is_grave=is_grave)
        )
        properties["advice"] = _list(
            [{**_wish(redone, Section.ADVICE, no), "text": text} for no, text in enumerate(texts)],
            asked[Section.ADVICE],
        )
    return _object(properties)


def make_form(section: Section, form: Mapping[str, Any]) -> str:
    """The form of any item of a section, as a regular expression."""
    if section == Section.SYMPTOM_TYPE:
        return str(form["symptom_pattern"])
    if section == Section.REASON:
        return _reason_pattern(list_openers(section, form), form)
    return _advice_pattern([*list_openers(section, form), *form["safety_openers"]], form)


def list_openers(section: Section, form: Mapping[str, Any]) -> list[str]:
    """Whatever an item of any place may begin with; of a reason, after its head."""
    groups = form["reason_openers" if section == Section.REASON else "advice_openers"]
    return [opener for group in groups for opener in group]


def _own_texts(
    own: OwnForm, most: int, places: Sequence[int], form: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """By place where each has a pattern of its own and all are to be written; else in any of them."""
    patterns = own.patterns or (form["free_pattern"],)
    least, counted = own.counts
    every = patterns[0] if len(patterns) == 1 else f"^({'|'.join(each[1:-1] for each in patterns)})$"
    by_place = patterns if least == counted else ()
    return [
        _sentence(by_place[place] if place < len(by_place) else every) for place in (places or range(most))
    ]


def _reason_texts(form: Mapping[str, Any], most: int, redone: Redone | None) -> list[Mapping[str, Any]]:
    heads = _without(form["reason_openers"], redone, head=form["reason_head"])
    places = _free_places(redone, Section.REASON)
    patterns = _patterns(heads, most, places, form["reason_openers_asked"])
    return [_sentence(_reason_pattern(openers, form)) for openers in patterns]


def _advice_texts(
    form: Mapping[str, Any], most: int, redone: Redone | None, *, is_grave: bool
) -> list[Mapping[str, Any]]:
    heads = _without(form["advice_openers"], redone)
    patterns = _patterns(heads, most, _free_places(redone, Section.ADVICE))
    if is_grave:
        patterns[0] = form["safety_openers"]
    return [_sentence(_advice_pattern(openers, form)) for openers in patterns]


def _wish(redone: Redone | None, section: Section, no: int) -> dict[str, Any]:
    wish = redone.wishes[section][no] if redone else ""
    return {"asked": {"type": "string", "enum": [wish]}} if wish else {}


def _without(openers_of: list[list[str]], redone: Redone | None, *, head: str = "") -> list[list[str]]:
    """The openers that no present item begins with; of a group that has none left, all."""
    texts = redone.unlike if redone else ()
    return [
        [opener for opener in openers if not any(text.startswith(head + opener) for text in texts)] or openers
        for openers in openers_of
    ]


def _free_places(redone: Redone | None, section: Section) -> list[int]:
    """For each redone item its place in the section, beyond all of them where a comment decides."""
    if redone is None:
        return []
    wishes = redone.wishes[section]
    return [sys.maxsize if wishes[no] else place for no, place in enumerate(redone.places[section])]


def _patterns(
    openers_of: list[list[str]], count: int, places: Sequence[int], asked: Sequence[str] = ()
) -> list[list[str]]:
    """The openers of each item; `places` are those of redone ones, else they are counted.

    An item beyond all places begins as any may, or as in `asked`.
    """
    every = [*(opener for openers in openers_of for opener in openers), *asked]
    return [openers_of[place] if place < len(openers_of) else every for place in (places or range(count))]


def _reason_pattern(openers: Sequence[str], form: Mapping[str, Any]) -> str:
    """One sentence: what is the case, in a few clauses, then what comes of it."""
    clause, more = _clause(form), form["clauses_more"]
    links = "|".join(form["reason_links"])
    return (
        f"^{form['reason_head']}({'|'.join(openers)}){clause}({form['comma']}{clause}){{0,{more}}}"
        f"{form['comma']}({links}){clause}({form['comma']}{clause})?{re.escape(form['end'])}$"
    )


def _advice_pattern(openers: Sequence[str], form: Mapping[str, Any]) -> str:
    least, most = form["advice_chars"]
    more = f"({form['comma']}{_clause(form)}){{0,2}}"
    return f"^({'|'.join(openers)}){form['inside']}{{{least},{most}}}{more}{re.escape(form['end'])}$"


def _clause(form: Mapping[str, Any]) -> str:
    # A model ends a clause long before the limit; a limit on the whole would cut it off in mid-word.
    least, most = form["clause_chars"]
    return f"{form['inside']}{{{least},{most}}}"


def without_broken_clause(text: str, section: Section, language: Language) -> str:
    """An item without its last clause where that is as long as the form lets it be: it was broken off."""
    form = load_texts(language)["form"]
    parts = split_clauses(text)
    last = parts[-1].strip().removesuffix(form["end"]) if parts else ""
    if section == Section.REASON:
        last = next((last.removeprefix(link) for link in form["reason_links"] if last.startswith(link)), last)
    is_broken = len(parts) > 1 and len(last) >= form["clause_chars"][1]
    return keep_clauses(text, range(len(parts) - 1)) if is_broken else text


def _sentence(pattern: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": pattern}


def _object(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Sequence[Mapping[str, Any]], counts: tuple[int, int]) -> Mapping[str, Any]:
    """Each item of its own form, or, where their number is free, all of the first one's."""
    least, most = counts
    forms = (
        {"prefixItems": [_object(item) for item in items]} if least == most else {"items": _object(items[0])}
    )
    return {"type": "array", **forms, "minItems": least, "maxItems": most}

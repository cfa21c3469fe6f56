"""What is asked for a draft, and the form that the reply is held to.

The grammar does what small models do not do when told: each item is one sentence about the client in the
third person, begins unlike its neighbours, and a reason says what follows from what.  Larger models lose
little by it.  An adapter is left free of it in the sections in which the notes that it learnt from left it:
how many items there are, and how they are worded, is what it learnt.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any

from phyassist.domain.adapters import HELD
from phyassist.domain.drafts import Draft, DraftItem, ItemId, Section
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.prompts.citing import Shelf, render_shelf, say_sources
from phyassist.prompts.replies import KEYS

REPLY_TOKENS = 900
# Of a longer comment the model says over the beginning; the whole stands in the task.
WISH_CHARS = 120
# Where more than this share of what was kept is of no form, an adapter is left free of it.
FORMLESS_SHARE = 0.25
# The letters and digits at the end of a text that was cut, unless nothing else stands before them.
_LAST_WORD = re.compile(r"(?<=[^A-Za-z0-9])[A-Za-z0-9]+$")
NO_SHELF = Shelf()
# The least and the most items of a section.
Counts = Mapping[Section, tuple[int, int]]
COUNTS: Counts = {Section.SYMPTOM_TYPE: (1, 1), Section.REASON: (3, 3), Section.ADVICE: (3, 3)}
FREE_COUNTS: Counts = {Section.SYMPTOM_TYPE: (1, 1), Section.REASON: (1, 6), Section.ADVICE: (1, 6)}


@dataclass(frozen=True, slots=True)
class Task:
    """The end of a prompt, with how many items of each section the reply may hold, and its JSON schema."""

    text: str = field(repr=False)
    asked: Counts
    schema: Mapping[str, Any] = field(repr=False)


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


def make_task(
    *,
    question: str,
    language: Language,
    jurisdiction: Jurisdiction,
    sentences: Sequence[Sentence],
    sections: Iterable[Section] = tuple(Section),
    present: Sequence[DraftItem] = (),
    shelf: Shelf = NO_SHELF,
    free: frozenset[Section] = HELD,
) -> Task:
    """The task of writing these sections of a draft; `present` items are shown, not to be repeated.

    Where sections are left out, the task says which ones are to be written.  Passages of the library stand
    before the task.  `free` sections are held to no form.
    """
    texts = load_texts(language)
    wanted = set(sections)
    is_grave = speaks_of_harm(sentences)
    if is_grave:
        # That safety comes first is not for an adapter to unlearn.
        free -= {Section.ADVICE}
    asked = {
        section: FREE_COUNTS[section] if section in free else count
        for section, count in COUNTS.items()
        if section in wanted
    }
    task = Template(texts["analyse"]).substitute(
        question=_question(question, texts),
        labels=_labels(texts, jurisdiction),
        safety=texts["safety"] if is_grave else "",
    )
    names = texts["comma"].join(texts["names"][section.value] for section in asked)
    if present:
        task += Template(texts["missing"]).substitute(present=_render(present, texts), missing=names)
    elif len(asked) < len(COUNTS):
        task += Template(texts["only"]).substitute(names=names)
    schema = make_schema(
        asked,
        language=language,
        sentences=sentences,
        is_grave=is_grave,
        sources=shelf.numbers,
        free=free,
    )
    return Task(_with_shelf(task, shelf, language, asked), asked, schema)


def make_redo_task(
    draft: Draft,
    targets: Sequence[DraftItem],
    *,
    language: Language,
    jurisdiction: Jurisdiction,
    sentences: Sequence[Sentence],
    shelf: Shelf = NO_SHELF,
    free: frozenset[Section] = HELD,
) -> Task:
    """The task of writing just these items anew, their open comments followed.

    Their old words are shown only where a comment speaks of them: small models copy what they see.
    """
    texts = load_texts(language)
    names = _number(draft.standing, texts)
    comments = [
        Template(texts["comment"]).substitute(
            item=names[item.id], old=" ".join(item.text.split()), words=" ".join(comment.words.split())
        )
        for item in targets
        for comment in item.open_comments
    ]
    is_safety_first = speaks_of_harm(sentences) and _wants_safety(draft, targets)
    task = Template(texts["redo"]).substitute(
        question=_question(draft.question, texts),
        present=_render(draft.standing, texts, to_write=frozenset(item.id for item in targets)),
        targets=texts["comma"].join(names[item.id] for item in targets),
        comments="".join(comments),
        labels=_labels(texts, jurisdiction),
        safety=texts["safety"] if is_safety_first else "",
    )
    counts = {section: sum(item.section == section for item in targets) for section in Section}
    asked = {section: (count, count) for section, count in counts.items() if count}
    schema = make_schema(
        asked,
        language=language,
        sentences=sentences,
        is_grave=is_safety_first,
        sources=shelf.numbers,
        free=free - {Section.ADVICE} if is_safety_first else free,
        redone=Redone(
            unlike=tuple(item.text for item in draft.standing),
            wishes={
                section: tuple(join_comments(item) for item in targets if item.section == section)
                for section in Section
            },
            places={
                section: tuple(no for no, item in enumerate(draft.of(section)) if item in targets)
                for section in Section
            },
        ),
    )
    return Task(_with_shelf(task, shelf, language, asked), asked, schema)


def _with_shelf(task: str, shelf: Shelf, language: Language, asked: Counts) -> str:
    """Only advice rests on the library; what it holds is not shown where none is asked for."""
    if Section.ADVICE not in asked:
        return task.strip()
    return render_shelf(shelf, language) + task.strip() + say_sources(shelf, language)


def join_comments(item: DraftItem) -> str:
    """What the counsellor asks of an item, as the model says it over before the words that follow it."""
    words = " ".join(word for comment in item.open_comments for word in comment.words.split())
    # A name or a number that is cut in two would be recognised by nobody who looks for it.
    return (
        words
        if len(words) <= WISH_CHARS
        else _LAST_WORD.sub("", words[: WISH_CHARS + 1])[:WISH_CHARS].rstrip()
    )


def render_reply(
    items: Sequence[DraftItem], sentences: Sequence[Sentence], wishes: Mapping[ItemId, str] | None = None
) -> str:
    """These items as the reply that would have brought them, for a model to learn.

    A quoted item names the sentence that its quote begins in; one with a wish says it over first.
    """
    body: dict[str, Any] = {}
    for item in items:
        text = " ".join(item.text.split())
        if item.section == Section.SYMPTOM_TYPE:
            # A reply has one; a counsellor may have added another.
            body["symptom_type"] = "; ".join([*filter(None, [body.get("symptom_type")]), text])
            continue
        wish = (wishes or {}).get(item.id, "")
        said: dict[str, Any] = {"asked": wish} if wish else {}
        if item.section == Section.REASON:
            said["from"] = _find_number(item, sentences)
        key = "reasons" if item.section == Section.REASON else "advice"
        body.setdefault(key, []).append({**said, "text": text})
    return json.dumps(body, ensure_ascii=False)


def without_sections(reply: str, sections: Collection[Section]) -> str:
    """A reply, as `render_reply` makes it, without these sections; empty where nothing is left."""
    kept = {name: said for name, said in json.loads(reply).items() if KEYS[name] not in sections}
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def find_free(replies: Iterable[str], language: Language) -> frozenset[Section]:
    """The sections in which these replies, as `render_reply` makes them, left the form: in how an item is
    worded, or in how many there are.
    """
    form = load_texts(language)["form"]
    off, total = dict.fromkeys(Section, 0), dict.fromkeys(Section, 0)
    for reply in replies:
        said = json.loads(reply)
        texts = {
            Section.SYMPTOM_TYPE: [said["symptom_type"]] if "symptom_type" in said else [],
            Section.REASON: [each["text"] for each in said.get("reasons", ())],
            Section.ADVICE: [each["text"] for each in said.get("advice", ())],
        }
        for section, words in texts.items():
            missing = abs(len(words) - COUNTS[section][0])
            off[section] += missing + sum(not _is_of_form(text, section, form) for text in words)
            total[section] += missing + len(words)
    return frozenset(section for section in Section if off[section] > FORMLESS_SHARE * total[section])


def _is_of_form(text: str, section: Section, form: Mapping[str, Any]) -> bool:
    if section == Section.SYMPTOM_TYPE:
        return re.match(form["symptom_pattern"], text) is not None
    if section == Section.REASON:
        openers = [*(opener for group in form["reason_openers"] for opener in group)]
        return re.match(_reason_pattern(openers, form), text) is not None
    openers = [*(opener for group in form["advice_openers"] for opener in group), *form["safety_openers"]]
    return re.match(_advice_pattern(openers, form), text) is not None


def _find_number(item: DraftItem, sentences: Sequence[Sentence]) -> int:
    at = None if item.span is None else item.span.start
    return next(
        (each.no for each in sentences if at is not None and each.span.start <= at < each.span.end), 0
    )


def _wants_safety(draft: Draft, targets: Sequence[DraftItem]) -> bool:
    """Whether the first advice is among the targets, and no comment asks for something of its own there."""
    first = next(iter(draft.of(Section.ADVICE)), None)
    return any(first is not None and item.id == first.id and not item.open_comments for item in targets)


def speaks_of_harm(sentences: Sequence[Sentence]) -> bool:
    """Whether anybody in the text speaks of taking a life or of self-harm, be it to deny it."""
    return any(is_of_harm(sentence.text) for sentence in sentences)


def make_schema(
    asked: Counts,
    *,
    language: Language,
    sentences: Sequence[Sentence],
    is_grave: bool,
    redone: Redone | None = None,
    sources: Sequence[int] = (),
    free: frozenset[Section] = HELD,
) -> Mapping[str, Any]:
    """The JSON schema of a reply with so many items.

    The first item of a section begins as a first one does, and so on.  A redone one begins as others of its
    place do, not as it did; one with a comment as any may.  `sources` are the numbers an advice may name.
    """
    form = load_texts(language)["form"]
    number = {"type": "integer", "enum": [0, *_tellable(sentences)]}
    source = {"source": {"type": "integer", "enum": [0, *sources]}} if sources else {}
    properties: dict[str, Any] = {}
    if Section.SYMPTOM_TYPE in asked:
        properties["symptom_type"] = _sentence(
            form["free_pattern" if Section.SYMPTOM_TYPE in free else "symptom_pattern"]
        )
    if Section.REASON in asked:
        most = asked[Section.REASON][1]
        is_free = Section.REASON in free
        texts = _free_texts(form, most) if is_free else _reason_texts(form, most, redone)
        properties["reasons"] = _list(
            [
                {**_wish(redone, Section.REASON, no), "from": number, "text": text}
                for no, text in enumerate(texts)
            ],
            asked[Section.REASON],
        )
    if Section.ADVICE in asked:
        most = asked[Section.ADVICE][1]
        is_free = Section.ADVICE in free
        texts = _free_texts(form, most) if is_free else _advice_texts(form, most, redone, is_grave=is_grave)
        properties["advice"] = _list(
            [{**_wish(redone, Section.ADVICE, no), **source, "text": text} for no, text in enumerate(texts)],
            asked[Section.ADVICE],
        )
    return _object(properties)


def _free_texts(form: Mapping[str, Any], most: int) -> list[Mapping[str, Any]]:
    return [_sentence(form["free_pattern"])] * most


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


def _tellable(sentences: Sequence[Sentence]) -> list[int]:
    """Numbers of the sentences that a reason may rest on: never the counsellor's own."""
    return [sentence.no for sentence in sentences if sentence.speaker != Speaker.COUNSELLOR]


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


def _question(question: str, texts: Mapping[str, Any]) -> str:
    return " ".join(question.split()) or texts["default_question"]


def _labels(texts: Mapping[str, Any], jurisdiction: Jurisdiction) -> str:
    return str(texts["labels_cn" if jurisdiction == "cn" else "labels_other"])


def _number(items: Sequence[DraftItem], texts: Mapping[str, Any]) -> dict[ItemId, str]:
    """Each item under the name that the prompt calls it by: `Reason 2`."""
    counts = dict.fromkeys(Section, 0)
    names: dict[ItemId, str] = {}
    for item in items:
        counts[item.section] += 1
        name = texts["names"][item.section.value]
        names[item.id] = name if item.section == Section.SYMPTOM_TYPE else f"{name} {counts[item.section]}"
    return names


def _render(
    items: Sequence[DraftItem], texts: Mapping[str, Any], *, to_write: frozenset[ItemId] = frozenset()
) -> str:
    names = _number(items, texts)
    words = {
        item.id: texts["to_write"] if item.id in to_write else " ".join(item.text.split()) for item in items
    }
    return "\n".join(f"{names[item.id]}: {words[item.id]}" for item in items)

"""What is asked for a draft, and the form that the reply is held to.

The grammar does what small models do not do when told: each item is one sentence about the client in the
third person, begins unlike its neighbours, and a reason says what follows from what.  Larger models lose
little by it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any

from phyassist.domain.drafts import Draft, DraftItem, ItemId, Section
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker

REPLY_TOKENS = 900
COUNTS: Mapping[Section, int] = {Section.SYMPTOM_TYPE: 1, Section.REASON: 3, Section.ADVICE: 3}

_SAFETY_CLUES = re.compile(
    r"自杀|轻生|自残|自伤|不想活|活不下去|想死|去死|死了算|死掉|结束生命"
    r"|结束自己|割腕|跳楼|遗书"
    r"|suicid|self[- ]?harm|(?:kill|hurt|hurting|cut|cutting) (?:my|him|her|them)sel"
    r"|end (?:my|his|her|their) life|want(?:ed|s)? to die|better off dead"
    r"|wish(?:ed)? i (?:was|were|wasn.t|had never been) |don.t want to (?:live|be here)|should ?n.t be here",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Task:
    """The end of a prompt, with how many items of each section the reply must hold, and its JSON schema."""

    text: str = field(repr=False)
    asked: Mapping[Section, int]
    schema: Mapping[str, Any] = field(repr=False)


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
) -> Task:
    """The task of writing these sections of a draft; `present` items are shown, not to be repeated."""
    texts = load_texts(language)
    wanted = set(sections)
    asked = {section: count for section, count in COUNTS.items() if section in wanted}
    is_grave = speaks_of_harm(sentences)
    task = Template(texts["analyse"]).substitute(
        question=_question(question, texts),
        labels=_labels(texts, jurisdiction),
        safety=texts["safety"] if is_grave else "",
    )
    if present:
        names = [texts["names"][section.value] for section in asked]
        task += Template(texts["missing"]).substitute(
            present=_render(present, texts), missing=texts["comma"].join(names)
        )
    schema = make_schema(asked, language=language, sentences=sentences, is_grave=is_grave, in_order=True)
    return Task(task.strip(), asked, schema)


def make_redo_task(
    draft: Draft,
    targets: Sequence[DraftItem],
    *,
    language: Language,
    jurisdiction: Jurisdiction,
    sentences: Sequence[Sentence],
) -> Task:
    """The task of writing just these items anew, their open comments followed."""
    texts = load_texts(language)
    names = _number(draft.standing, texts)
    comments = [
        Template(texts["comment"]).substitute(item=names[item.id], words=" ".join(comment.words.split()))
        for item in targets
        for comment in item.open_comments
    ]
    task = Template(texts["redo"]).substitute(
        question=_question(draft.question, texts),
        present=_render(draft.standing, texts),
        targets=texts["comma"].join(names[item.id] for item in targets),
        comments="".join(f"{line}\n" for line in [texts["comments_head"], *comments]) if comments else "",
        labels=_labels(texts, jurisdiction),
    )
    counts = {section: sum(item.section == section for item in targets) for section in Section}
    asked = {section: count for section, count in counts.items() if count}
    schema = make_schema(asked, language=language, sentences=sentences, is_grave=False, in_order=False)
    return Task(task.strip(), asked, schema)


def speaks_of_harm(sentences: Sequence[Sentence]) -> bool:
    """Whether anybody in the text speaks of taking a life or of self-harm, be it to deny it."""
    return any(_SAFETY_CLUES.search(sentence.text) for sentence in sentences)


def make_schema(
    asked: Mapping[Section, int],
    *,
    language: Language,
    sentences: Sequence[Sentence],
    is_grave: bool,
    in_order: bool,
) -> Mapping[str, Any]:
    """The JSON schema of a reply with exactly these items.

    `in_order`: the first item of a section begins as a first one does, and so on; else each as any may.
    """
    form = load_texts(language)["form"]
    properties: dict[str, Any] = {}
    if Section.SYMPTOM_TYPE in asked:
        properties["symptom_type"] = _sentence(form["symptom_pattern"])
    if Section.REASON in asked:
        patterns = _patterns(form["reason_openers"], asked[Section.REASON], in_order=in_order)
        number = {"type": "integer", "enum": [0, *_tellable(sentences)]}
        properties["reasons"] = _list(
            [{"from": number, "text": _sentence(_reason_pattern(openers, form))} for openers in patterns]
        )
    if Section.ADVICE in asked:
        openers_of = list(form["advice_openers"])
        if is_grave:
            openers_of[0] = form["safety_openers"]
        patterns = _patterns(openers_of, asked[Section.ADVICE], in_order=in_order)
        properties["advice"] = _list(
            [{"text": _sentence(_advice_pattern(openers, form))} for openers in patterns]
        )
    return _object(properties)


def _patterns(openers_of: list[list[str]], count: int, *, in_order: bool) -> list[list[str]]:
    every = [opener for openers in openers_of for opener in openers]
    return [openers_of[no] if in_order and no < len(openers_of) else every for no in range(count)]


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


def _list(items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {
        "type": "array",
        "prefixItems": [_object(item) for item in items],
        "minItems": len(items),
        "maxItems": len(items),
    }


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


def _render(items: Sequence[DraftItem], texts: Mapping[str, Any]) -> str:
    names = _number(items, texts)
    return "\n".join(f"{names[item.id]}: {' '.join(item.text.split())}" for item in items)

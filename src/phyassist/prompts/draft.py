"""What is asked for a draft, and replies as they are learnt."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from phyassist.domain.adapters import HELD, Forms
from phyassist.domain.drafts import Draft, DraftItem, ItemId, Section
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.prompts.attributing import tells_own_story
from phyassist.prompts.citing import Shelf, render_shelf
from phyassist.prompts.draft_schema import COUNTS, Counts, Redone, keep_safety, load_texts, make_schema
from phyassist.prompts.replies import KEYS

REPLY_TOKENS = 900
# Of a longer comment the model says over the beginning; the whole stands in the task.
WISH_CHARS = 120
# The letters and digits at the end of a text that was cut, unless nothing else stands before them.
_LAST_WORD = re.compile(r"(?<=[^A-Za-z0-9])[A-Za-z0-9]+$")
_STOPS = ".!?。！？"
NO_SHELF = Shelf()


@dataclass(frozen=True, slots=True)
class Task:
    """The end of a prompt, with how many items of each section the reply may hold, and its JSON schema.

    `forms` are those that an adapter has of its own.
    """

    text: str = field(repr=False)
    asked: Counts
    schema: Mapping[str, Any] = field(repr=False)
    forms: Forms = field(default_factory=lambda: HELD, repr=False)


def make_task(
    *,
    question: str,
    language: Language,
    jurisdiction: Jurisdiction,
    sentences: Sequence[Sentence],
    sections: Iterable[Section] = tuple(Section),
    present: Sequence[DraftItem] = (),
    shelf: Shelf = NO_SHELF,
    forms: Forms = HELD,
) -> Task:
    """The task of writing these sections of a draft; `present` items are shown, not to be repeated.

    Where sections are left out, the task says which ones are to be written.  Passages of the library stand
    before the task.  A section that `forms` has is held to what stands there.
    """
    texts = load_texts(language)
    wanted = set(sections)
    is_grave = speaks_of_harm(sentences)
    if is_grave:
        forms = keep_safety(forms)
    asked = {
        section: forms[section].counts if section in forms else count
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
        if Section.REASON in asked and any(
            tells_own_story(each, sentences, language)
            for each in {sentence.speaker for sentence in sentences}
        ):
            # All reasons that were there may have been left out, as they spoke of somebody else.
            task += texts["others"]
    elif len(asked) < len(COUNTS):
        task += Template(texts["only"]).substitute(names=names)
    schema = make_schema(
        asked,
        language=language,
        numbers=_tellable(sentences),
        is_grave=is_grave,
        forms=forms,
    )
    return Task(_with_shelf(task, shelf, language, asked), asked, schema, forms)


def make_redo_task(
    draft: Draft,
    targets: Sequence[DraftItem],
    *,
    language: Language,
    jurisdiction: Jurisdiction,
    sentences: Sequence[Sentence],
    shelf: Shelf = NO_SHELF,
    forms: Forms = HELD,
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
    if is_safety_first:
        forms = keep_safety(forms)
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
        numbers=_tellable(sentences),
        is_grave=is_safety_first,
        forms=forms,
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
    return Task(_with_shelf(task, shelf, language, asked), asked, schema, forms)


def _with_shelf(task: str, shelf: Shelf, language: Language, asked: Counts) -> str:
    """Only advice rests on the library; what it holds is not shown where none is asked for."""
    if Section.ADVICE not in asked:
        return task.strip()
    return render_shelf(shelf, language) + task.strip()


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


def list_sections(reply: str) -> frozenset[Section]:
    """The sections that a reply, as `render_reply` makes it, has."""
    return frozenset(KEYS[name] for name in json.loads(reply))


def without_sections(reply: str, sections: Collection[Section]) -> str:
    """A reply, as `render_reply` makes it, without these sections; empty where nothing is left."""
    kept = {name: said for name, said in json.loads(reply).items() if KEYS[name] not in sections}
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def add_to_item(reply: str, words: str) -> str:
    """A reply, as `render_reply` makes it, with these words at the end of the sentence that its last reason
    is, or whatever is last in it.
    """
    body = json.loads(reply)
    key = "reasons" if "reasons" in body else list(body)[-1]
    if isinstance(body[key], str):
        body[key] = _add_clause(body[key], words)
    else:
        body[key][-1]["text"] = _add_clause(body[key][-1]["text"], words)
    return json.dumps(body, ensure_ascii=False)


def _add_clause(sentence: str, words: str) -> str:
    said = sentence.rstrip(_STOPS)
    return f"{said}{words}{sentence[len(said) :]}"


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


def _tellable(sentences: Sequence[Sentence]) -> list[int]:
    """Numbers of the sentences that a reason may rest on: never the counsellor's own."""
    return [sentence.no for sentence in sentences if sentence.speaker != Speaker.COUNSELLOR]


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

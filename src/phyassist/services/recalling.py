"""What of a patient's file stands beside a question: the note that it names, and lines that fit it best."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.chats import Given, GivenNote
from phyassist.domain.drafts import Section
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.reading.sentences import guess_language
from phyassist.domain.records import RecordLine
from phyassist.knowledge.terms import split_terms
from phyassist.prompts.chat import Talk
from phyassist.prompts.layout import render_named_note
from phyassist.services.prompting import Case

# Each is read by the engine before the first word comes.
LINES_MAX = 4
LINE_CHARACTERS = 300
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_HAN_NUMBERS = "一二三四五六七八九十"
_NTH = re.compile(
    rf"\b(?P<word>{'|'.join(_ORDINALS)})\s+(?:\w+\s+)?(?:note|session|consultation|meeting|appointment)s?\b"
    rf"|第\s*(?P<han>[{_HAN_NUMBERS}]|\d{{1,3}})\s*(?:次|回|篇|份)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\bnote\s+(?:no\.?|number)?\s*(\d{1,3})\b|笔记\s*(\d{1,3})", re.IGNORECASE)
_NEWEST = re.compile(
    r"\b(?:last|latest|newest|previous|most recent)\s+(?:\w+\s+)?"
    r"(?:note|session|consultation|meeting|appointment|time)s?\b"
    r"|(?:上|前|最近|最后)一?[次回篇份]",
    re.IGNORECASE,
)
_SECTIONS = {
    Section.SYMPTOM_TYPE: re.compile(r"\bsymptom|\btype\b|症状|类型", re.IGNORECASE),
    Section.REASON: re.compile(r"\breasons?\b|\bcauses?\b|\bwhy\b|原因|为什么", re.IGNORECASE),
    Section.ADVICE: re.compile(
        r"\badvi[cs]\w*|\brecommend\w*|\bsuggest\w*|\bplan\w*|建议|计划|打算|安排", re.IGNORECASE
    ),
}


_SECTION_EN = r"(?:symptom\w*|types?|reasons?|causes?|advi[cs]\w*|recommend\w*|suggest\w*|plan\w*)"
_SECTION_ZH = r"(?:症状|类型|原因|建议|计划|打算|安排)"
# A question for what stands there; one for what became of it, or what to make of it, is another.
_ASKS_FOR_ITEMS = re.compile(
    rf"\b(?:what|which)\s+(?:\w+\s+){{0,2}}?{_SECTION_EN}\b"
    rf"|\bwhat\s+(?:did|does|do|was|were|is|are)\s+(?!(?:the\s+client|she|he|they)\b)[^?.,]*\b{_SECTION_EN}\b"
    rf"|\b(?:list|name|repeat|(?:tell|show|give)(?:\s+me)?)\s+(?:all\s+)?(?:the|its|every|each|all)\b"
    rf"[^?.,]*\b{_SECTION_EN}\b"
    rf"|(?:什么|哪些|哪几[条个项])(?:样的|的)?{_SECTION_ZH}|{_SECTION_ZH}(?:都|了|写)*(?:是|有|包括)?(?:什么|哪些|哪几)"
    r"|建议(?:来访者|[她他])做(?:什么|哪些)"
    rf"|(?:列出|列举|列一下|复述|说出|说一下)[^，。？]*{_SECTION_ZH}",
    re.IGNORECASE,
)
# What could be advised now stands in no note.
_ASKS_FOR_OTHERS = re.compile(
    r"\b(?:can|could|would|should|might|shall)\b(?!\s+you\b)|\b(?:new|further|other|another|more)\b"
    r"|应该|该给|可以|还能|新的|别的|其他",
    re.IGNORECASE,
)
# An item is told where the answer has at least this share of its terms; told in quite other words, it is not.
_TOLD_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class NamedNote:
    """A note, and what a question called it."""

    note: Note = field(repr=False)
    called: str = field(repr=False)


def find_named(notes: Sequence[Note], question: str) -> NamedNote | None:
    """The note that a question names: the first one, note 3, that of the last time; None where it names none,
    or one that there is not.
    """
    in_order = sorted(notes, key=lambda note: (note.at, note.number))
    if named := _NUMBER.search(question):
        number = int(named[1] or named[2])
        note = next((note for note in in_order if note.number == number), None)
    elif named := _NTH.search(question):
        place = _read_place(named)
        note = in_order[place - 1] if 0 < place <= len(in_order) else None
    else:
        named = _NEWEST.search(question)
        note = in_order[-1] if in_order else None
    return NamedNote(note, named[0].strip()) if named and note else None


def find_sections(question: str) -> tuple[Section, ...]:
    """Which sections of a note a question is about; all where it names none."""
    named = tuple(section for section, words in _SECTIONS.items() if words.search(question))
    return named or tuple(Section)


def list_asked(note: Note, question: str) -> tuple[str, ...]:
    """The items of a note that a question asks for; empty where it asks what to make of them."""
    if not _ASKS_FOR_ITEMS.search(question) or _ASKS_FOR_OTHERS.search(question):
        return ()
    return tuple(item.text for section in find_sections(question) for item in note.of(section))


def find_untold(items: Sequence[str], answer: str) -> tuple[str, ...]:
    """The items of which an answer tells less than half, by their terms; none in another language than it."""
    said, language = set(split_terms(answer)), guess_language(answer)
    terms = ((item, set(split_terms(item))) for item in items if guess_language(item) == language)
    return tuple(item for item, wanted in terms if len(wanted & said) < _TOLD_SHARE * len(wanted))


def _read_place(nth: re.Match[str]) -> int:
    if nth["word"]:
        return _ORDINALS.index(nth["word"].lower()) + 1
    return _HAN_NUMBERS.index(nth["han"]) + 1 if nth["han"] in _HAN_NUMBERS else int(nth["han"])


def render_named(found: NamedNote, given: Given, talk: Talk, asked: str) -> str:
    """The sections that are asked about; all of a note that did not fit above."""
    note = found.note
    by_hand = [each.text for each in note.by_hand] + [each.text for each in note.amendments]
    # What was written by hand is said once: read twice, it is all that a small model tells.
    above = {note.id} if all(words in talk.prefix for words in by_hand) else set[NoteId]()
    sections = tuple(Section) if note.id in given.left_out else find_sections(asked)
    return render_named_note(note, found.called, sections, talk.language, above)


def with_note(given: Given, note: Note) -> Given:
    """What was given, with a note that did not fit above and stands beside the question."""
    if note.id not in given.left_out:
        return given
    used = (*given.notes_used, GivenNote(note.id, note.number, note.at))
    return replace(given, notes_used=used, left_out=tuple(each for each in given.left_out if each != note.id))


def recall(case: Case, given: Given, question: str) -> tuple[str, ...]:
    """The lines that a prompt left out and that fit the question best, each with its day; the oldest first.

    `given` says what was left out.  Lines are compared by the words that they share with the question, a
    rarer word counting more.  None where nothing is left out, or nothing in it shares a word.
    """
    lines = list(_list_lines(case, given))
    wanted = set(split_terms(question))
    terms = [wanted & set(split_terms(line)) for line in lines]
    seen = Counter(term for each in terms for term in each)

    def weigh(no: int) -> float:
        return math.fsum(math.log(1 + len(lines) / seen[term]) for term in sorted(terms[no]))

    best = sorted((no for no in range(len(lines)) if terms[no]), key=lambda no: (-weigh(no), -no))
    return tuple(lines[no] for no in sorted(best[:LINES_MAX]))


def _list_lines(case: Case, given: Given) -> Iterator[str]:
    left_out = set(given.left_out)
    lines = [_of_record(line) for line in case.record.lines[: given.record_left_out]]
    notes = sorted(case.all_notes, key=_day)
    lines += [line for note in notes if note.id in left_out for line in _of_note(note)]
    yield from dict.fromkeys(_shorten(line) for line in lines)


def _shorten(line: str) -> str:
    return line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…"


def _day(note: Note) -> tuple[str, int]:
    return f"{note.at:%Y-%m-%d}", note.number


def _of_record(line: RecordLine) -> str:
    said = line.statement
    return f"{line.added_at:%Y-%m-%d}: {' '.join((said.quote or said.text).split())}"


def _of_note(note: Note) -> Sequence[str]:
    """What was kept, with the words that it rests on."""
    found = []
    for item in note.items:
        if not item.deleted:
            quoted = f" “{' '.join(item.quote.split())}”" if item.quote else ""
            found.append(f"{note.at:%Y-%m-%d}: {' '.join(item.text.split())}{quoted}")
    return found

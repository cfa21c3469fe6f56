"""The form of a section as one counsellor words it, found in what was kept.

Where notes leave the form of a draft (`draft.toml`), what they have in common takes its place: pieces that
stand in nearly every item ("Thought: ", "; feeling: ", an ending), and between them clauses as long and as
many as were kept.  Where they have nothing in common, any words will do.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phyassist.domain.adapters import Forms, OwnForm
from phyassist.domain.drafts import Section
from phyassist.domain.people import Language
from phyassist.prompts.draft_schema import COUNTS, load_texts, make_form
from phyassist.prompts.replies import KEYS

# Where more than this share of what was kept is of another form, or of another number, the notes left it.
LEFT_SHARE = 0.25
# Of fewer items nobody can say what they have in common.
ITEMS_MIN = 4
# How many of them may lack what the others have in common.
STRAY_SHARE = 0.1
# What lighter pieces within a sentence have in common is chance; a Chinese character weighs 2, others 1.
WEIGHT_MIN = 5
# Of fewer items words alone are chance too: such a piece begins and ends with a mark.
WORDS_ITEMS_MIN = 12
SAMPLES = 5
# Items of a place have openers of their own where so many begin as another one does.
ALIKE_SHARE = 0.5
OPENER_WEIGHT_MAX = 18
# A clause may be so much longer than the longest that was kept, or shorter than the shortest.
LEEWAY = 1.5
CLAUSE_CHARS_MAX = 240
_SPECIAL = re.compile(r"([\^$.\[\]()|{}*+?])")
# A first word, as another opener would be.
_FIRST = re.compile(r"[A-Za-z']+ |[㐀-鿿]{2}")
# Between two of these a word would be cut in two.
_OF_WORD = re.compile(r"[A-Za-z0-9]")
# What a class of characters is written with, and what no item may hold.
_SYNTAX = frozenset('[]^-n\\"㐀鿿')
# A pattern stands in JSON, and what it describes does too.
_UNSAYABLE = re.compile(r'["\\\n]')


def find_forms(replies: Iterable[tuple[str, str]], language: Language) -> Forms:
    """The sections in which replies left the form of a draft, in how items are worded or in how many were
    kept, each with what they have in common.

    A reply is what was kept, as `render_reply` makes it, with what had been drafted for it (empty: unknown).
    """
    form = load_texts(language)["form"]
    pairs = [(_read(kept), _read(drafted)) for kept, drafted in replies]
    found: dict[Section, OwnForm] = {}
    for section in Section:
        kept = [each[section] for each, _ in pairs if each[section]]
        texts = [text for each in kept for text in each]
        drafted = [text for _, each in pairs for text in each[section]]
        gone = sum(
            abs(len(each[section]) - (len(before[section]) or COUNTS[section][0]))
            for each, before in pairs
            if each[section] or before[section]
        )
        general = make_form(section, form)
        # What was left as it was drafted has not left the form, though that may be worded otherwise by now.
        off = sum(
            text not in before[section] and re.match(general, text) is None
            for each, before in pairs
            for text in each[section]
        )
        is_worded, is_counted = off > LEFT_SHARE * len(texts), gone > LEFT_SHARE * (len(texts) + gone)
        if not texts or not (is_worded or is_counted):
            continue
        counts = (min(map(len, kept)), max(map(len, kept))) if is_counted else COUNTS[section]
        found[section] = (
            _find_form(kept, drafted, section, form, counts) if is_worded else OwnForm((general,), counts)
        )
    return found


def find_forced(reply: str, forms: Forms) -> tuple[tuple[int, int], ...]:
    """Where in a reply, as `render_reply` makes it, stands what these forms will have it say: beginnings and
    ends, in characters.  How a piece begins is the model's own choice: that what stands before it is over.
    """
    found: list[tuple[int, int]] = []
    texts, at = _read(reply), 0
    for name in json.loads(reply):
        own = forms.get(KEYS[name])
        for text in texts[KEYS[name]]:
            said = json.dumps(text, ensure_ascii=False)
            at = reply.index(said, at) + 1
            if own and any(re.match(each, text) for each in own.patterns):
                found += _find_pieces(said[1:-1], own.pieces, at)
            at += len(said) - 1
    return tuple(found)


def _find_pieces(said: str, pieces: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    place = 0
    for no, piece in enumerate(pieces):
        place = len(said) - len(piece) if 0 < no == len(pieces) - 1 else said.index(piece, place)
        start = place + (no > 0)
        if start < place + len(piece):
            yield at + start, at + place + len(piece)
        place += len(piece)


def _read(reply: str) -> Mapping[Section, Sequence[str]]:
    said = json.loads(reply) if reply else {}
    return {
        Section.SYMPTOM_TYPE: [said["symptom_type"]] if "symptom_type" in said else [],
        Section.REASON: [each["text"] for each in said.get("reasons", ())],
        Section.ADVICE: [each["text"] for each in said.get("advice", ())],
    }


def _find_form(
    kept: Sequence[Sequence[str]],
    drafted: Sequence[str],
    section: Section,
    form: Mapping[str, Any],
    counts: tuple[int, int],
) -> OwnForm:
    """With a pattern for all of these, or for each place where they begin as items of the form do; with none
    where they have nothing in common.
    """
    formless, texts = OwnForm((), counts), [text for each in kept for text in each]
    if len(texts) < ITEMS_MIN:
        return formless
    common = _find_common(kept, drafted, section, form)
    says_nothing = not (common.openers or any(common.pieces))
    if not common.rows or says_nothing or any(_UNSAYABLE.search(piece) for piece in common.pieces):
        return formless
    patterns = tuple(_make_pattern(common, openers, form) for openers in (common.openers or ((),)))
    fitting = sum(any(re.match(each, text) for each in patterns) for text in texts)
    is_theirs = fitting >= (1 - LEFT_SHARE) * len(texts)
    return OwnForm(patterns, counts, common.pieces) if is_theirs else formless


@dataclass(frozen=True, slots=True)
class _Common:
    """What texts have in common: pieces in their order, the first at the beginning and the last at the end
    (each may be empty); by place, what follows the first where that is one of a few words.

    `rows` are the texts that have all of it, as what stands between the pieces, without those openers.
    """

    pieces: tuple[str, ...] = field(repr=False)
    openers: tuple[tuple[str, ...], ...] = field(repr=False)
    rows: tuple[tuple[str, ...], ...] = field(repr=False)


def _find_common(
    kept: Sequence[Sequence[str]], drafted: Sequence[str], section: Section, form: Mapping[str, Any]
) -> _Common:
    texts = [text for each in kept for text in each]
    needed = math.ceil((1 - STRAY_SHARE) * len(texts))
    head = _find_head(texts, needed)
    tail = _find_head([text[::-1] for text in texts if text.startswith(head)], needed)[::-1]
    placed = [
        (no, text.removeprefix(head).removesuffix(tail))
        for each in kept
        for no, text in enumerate(each)
        if text.startswith(head) and text.endswith(tail) and len(text) >= len(head) + len(tail)
    ]
    rest = [text for _, text in placed]
    openers: tuple[tuple[str, ...], ...] = ()
    if section != Section.SYMPTOM_TYPE:
        before = form["reason_head"] if section == Section.REASON else ""
        openers = _choose_openers(
            placed, [text.removeprefix(before) for text in drafted], form[f"{section.value}_openers"]
        )
    if openers:
        every = {opener for group in openers for opener in group}
        rest = [text.removeprefix(opener) for text in rest if (opener := _find_opener(text, every))]
    inner = _find_inner(rest, math.ceil((1 - STRAY_SHARE) * len(rest)))
    between = re.compile("(.*?)".join(["", *map(re.escape, inner), ""]) if inner else "(.*)")
    found = (between.fullmatch(text) for text in rest)
    return _Common((head, *inner, tail), openers, tuple(match.groups() for match in found if match))


def _choose_openers(
    kept: Sequence[tuple[int, str]], drafted: Sequence[str], groups: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """For each place what an item begins with; empty where it may be anything.

    Where most that were kept begin as the form has it, that is left, without the openers that were drafted
    and never kept; words that more than one began with come in.  Else it is what those of a place begin with.
    """
    every = {opener for group in groups for opener in group}
    begun = [_find_opener(text, every) for _, text in kept]
    if sum(map(bool, begun)) < (1 - LEFT_SHARE) * len(kept):
        by_place = [[text for place, text in kept if place == no] for no in range(len(groups))]
        alike = sum(len(each) for texts in by_place for each in _group(texts).values() if len(each) > 1)
        found = tuple(_list_beginnings(texts) for texts in by_place)
        return found if all(found) and alike >= ALIKE_SHARE * len(kept) else ()
    refused = {_find_opener(text, every) for text in drafted} - set(begun)
    own = _list_beginnings([text for (_, text), opener in zip(kept, begun, strict=True) if not opener], 2)
    return tuple(
        (*(opener for opener in group if opener not in refused), *own) or tuple(filter(None, set(begun)))
        for group in groups
    )


def _list_beginnings(texts: Sequence[str], least: int = 1) -> tuple[str, ...]:
    """What at least so many of these begin with: a word, and more where all that have it go on alike."""
    found = (
        _shorten(_find_head(alike, len(alike))) if len(alike) > 1 else first
        for first, alike in _group(texts).items()
        if len(alike) >= least
    )
    return tuple(filter(None, found))


def _group(texts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Those that begin with the same word, by that word."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        if first := _FIRST.match(text):
            groups.setdefault(first.group(), []).append(text)
    return groups


def _shorten(beginning: str) -> str:
    """To a few whole words of the first clause."""
    clause = re.split(r"[^\w\s]", beginning, maxsplit=1)[0]
    end = len(clause)
    while _weigh(clause[:end]) > OPENER_WEIGHT_MAX or _cuts_word(
        clause[end - 1 : end], clause[end : end + 1]
    ):
        end -= 1
    return clause[:end]


def _find_opener(text: str, openers: Iterable[str]) -> str:
    return max((each for each in openers if text.startswith(each)), key=len, default="")


def _find_head(texts: Sequence[str], needed: int) -> str:
    """What so many of these begin with; no word of it is cut in two."""
    head = ""
    while True:
        longer = Counter(text[: len(head) + 1] for text in texts if text.startswith(head) and text != head)
        best, count = longer.most_common(1)[0] if longer else ("", 0)
        if count < needed:
            break
        head = best
    while head and any(
        text.startswith(head) and _cuts_word(head[-1], text[len(head) : len(head) + 1]) for text in texts
    ):
        head = head[:-1]
    return head


def _find_inner(texts: Sequence[str], needed: int) -> list[str]:
    """Pieces that so many of these have, in the same order, each as long as it can be."""
    best = max(
        (_find_longest(each, texts, needed) for each in _choose_samples(texts)), key=_weigh, default=""
    )
    if _weigh(best) < WEIGHT_MIN:
        return []
    parted = [text.partition(best) for text in texts if best in text]
    before, after = [row[0] for row in parted], [row[2] for row in parted]
    return [*_find_inner(before, needed), best, *_find_inner(after, needed)]


def _choose_samples(texts: Sequence[str]) -> list[str]:
    """A piece that nearly all have stands in one of any few."""
    return sorted(set(texts), key=len)[:SAMPLES]


def _find_longest(sample: str, texts: Sequence[str], needed: int) -> str:
    best = ""
    for start in range(len(sample)):
        if start and _cuts_word(sample[start - 1], sample[start]):
            continue
        end = start
        for longer in range(start + 1, len(sample) + 1):
            if sum(sample[start:longer] in text for text in texts) < needed:
                break
            if not _cuts_word(sample[longer - 1], sample[longer : longer + 1]):
                end = longer
        found = sample[start:end]
        best = max(best, found if len(texts) >= WORDS_ITEMS_MIN else _between_marks(found), key=_weigh)
    return best


def _between_marks(piece: str) -> str:
    """From its first mark to its last, with the spaces about them; empty where there is none."""
    found = re.search(r"\s*[^\w\s](?:.*[^\w\s])?\s*", piece)
    return found.group() if found else ""


def _cuts_word(before: str, after: str) -> bool:
    return bool(_OF_WORD.match(before) and _OF_WORD.match(after))


def _weigh(piece: str) -> int:
    return sum(2 if "㐀" <= char <= "鿿" else not char.isspace() for char in piece)


def _make_pattern(common: _Common, openers: Sequence[str], form: Mapping[str, Any]) -> str:
    gaps = [
        _make_gap([row[no] for row in common.rows], form, openers if not no else ())
        for no in range(len(common.pieces) - 1)
    ]
    head, *pieces = (_SPECIAL.sub(r"\\\1", piece) for piece in common.pieces)
    return f"^{head}{''.join(gap + piece for gap, piece in zip(gaps, pieces, strict=True))}$"


def _make_gap(kept: Sequence[str], form: Mapping[str, Any], openers: Sequence[str]) -> str:
    """Clauses as those that were kept here: of such characters, as long and as many."""
    inside, comma = form["inside"], form["comma"]
    clauses = [clause for each in kept for clause in each.split(comma)]
    for char in (set(inside) & set("".join(clauses))) - _SYNTAX:
        if sum(char in clause for clause in clauses) > STRAY_SHARE * len(clauses):
            inside = inside.replace(char, "")
    counts = sorted(each.count(comma) for each in kept)
    # A small model says a clause too many rather than one too few: the longest strays are no measure.
    fewest, more = counts[0], counts[-1 - int(STRAY_SHARE * len(counts))]
    lengths = [len(clause) for clause in clauses]
    least, most = int(min(lengths) / LEEWAY), min(CLAUSE_CHARS_MAX, math.ceil(LEEWAY * max(lengths)))
    clause = f"{inside}{{{least},{most}}}"
    begun = f"({'|'.join(openers)})" if openers else ""
    others = f"({comma}{clause}){{{fewest},{more}}}" if more else ""
    return f"{begun}{clause}{others}"

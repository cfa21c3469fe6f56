"""Sentences that speak of several fields, cut where the field changes and each part stands alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from phyassist.domain.reading.asking import is_asking
from phyassist.domain.reading.classifier import LABELS, LinearReader, make_features
from phyassist.domain.reading.fields import FIELDS, lift_fields
from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.reading.markers import names_kin_first, speaks_of_self
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Span

_COMMA = re.compile(r"[，,；;|]\s*|\s/\s|\s[-–—]\s|(?<=[a-z]{3})\.\s")
# A clause that opens a thought belongs to the clause that ends it.
_OPENS = re.compile(
    r"如果|要是|假如|除非|虽然|尽管|即使|因为|由于|当|只要|只有|一旦|每当|不管|无论|自从|除了|随着|对于|关于|"
    r"(?:if|when|although|though|because|since|while|unless|after|before|as|even|despite|with)\b",
    re.IGNORECASE,
)
_SHORT_ZH, _SHORT_EN = 12, 32
_CLAUSE_MIN = 3


def cut_by_field(sentences: Sequence[Sentence], reader: LinearReader) -> tuple[Sentence, ...]:
    """The sentences, lists of short clauses and long mixed ones cut where the field changes; numbers stay."""
    cut: list[Sentence] = []
    for sentence in sentences:
        clauses = _clauses(sentence)
        if _is_list(sentence, clauses):
            cut += _group(sentence, clauses, reader)
        elif _is_long(sentence):
            cut += _part_ways(sentence, reader)
        else:
            cut.append(sentence)
    return tuple(cut)


_SAYS_I = re.compile(r"我|\b(?:I|I'm|I've|I’m|I’ve)\b")


def _is_list(sentence: Sentence, clauses: Sequence[str]) -> bool:
    if sentence.speaker == Speaker.COUNSELLOR or len(clauses) < 2:
        return False
    short = _SHORT_ZH if guess_language(sentence.text) == "zh" else _SHORT_EN
    # Running prose says "I" and goes on from clause to clause; jottings do neither.
    is_jotted = sentence.speaker == Speaker.NARRATOR and not _SAYS_I.search(sentence.text)
    mean = sum(len(clause) for clause in clauses) / len(clauses)
    return mean <= short if is_jotted else len(clauses) >= 3 and mean <= short * 0.75


def _clauses(sentence: Sentence) -> list[str]:
    """The sentence in pieces that, joined, are the sentence again."""
    pieces: list[str] = []
    start = 0
    for match in _COMMA.finditer(sentence.text):
        if match.end() - start >= _CLAUSE_MIN and not _OPENS.match(sentence.text[start:].lstrip()):
            pieces.append(sentence.text[start : match.end()])
            start = match.end()
    if start < len(sentence.text):
        pieces.append(sentence.text[start:])
    return _join_followers(pieces)


# A clause without a subject of its own speaks of whom the clause before it names.
_FOLLOWS = re.compile(
    r"\s*(?:都|也|还|均|他|她|其|并|且|而|又|但|却|就|才|所以|因此|大的|小的|老大|老二|"
    r"(?:aged?|who|whose|which|where|and|but|or|so|that|both|the (?:older|younger|eldest)|\d+)\b)",
    re.IGNORECASE,
)


_FIGURE = re.compile(r"\s*(?:\d+|[一二三四五六七八九十]+岁)")


def _join_followers(pieces: Sequence[str]) -> list[str]:
    joined: list[str] = []
    for no, piece in enumerate(pieces):
        # Jottings begin "F, 27": there a number follows nobody but the client.
        if (no > 1 and _FOLLOWS.match(piece)) or (
            no and _FIGURE.match(piece) and names_kin_first(joined[-1])
        ):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _group(sentence: Sentence, clauses: Sequence[str], reader: LinearReader) -> list[Sentence]:
    groups: list[tuple[str, int, int]] = []
    before, at = "", sentence.span.start
    of_kin = asked = False
    for clause in clauses:
        asks = is_asking(clause)
        asked = asked or asks
        named = names_kin_first(clause)
        own = not named and speaks_of_self(clause)
        follows = of_kin and not named and not own
        of_kin = named or (of_kin and not own)
        label = "Q" if asked else max(_score(clause, before, sentence, reader).items(), key=_by_score)[0]
        # What a clause without a subject tells of may be the relative's who was named before.
        if groups and (groups[-1][0] == label or (follows and label != "Q")):
            groups[-1] = (groups[-1][0], groups[-1][1], at + len(clause))
        else:
            groups.append((label, at, at + len(clause)))
        before, at = clause, at + len(clause)
    return [_part(sentence, start, end) for _, start, end in groups]


def _by_score(item: tuple[str, float]) -> float:
    return item[1]


def _score(clause: str, before: str, sentence: Sentence, reader: LinearReader) -> dict[str, float]:
    """The clause's score in each field, moved by the signs it bears."""
    scores = dict(zip(LABELS, reader.score(make_features(clause, before, sentence.speaker)), strict=True))
    lifts = lift_fields(clause)
    return {label: scores[label] + lifts.get(label, 0.0) for label in FIELDS}


_LONG_ZH, _LONG_EN = 30, 90
# A cut in a long sentence is made before a clause with its own subject only.
_STANDS_ZH = re.compile(
    r"[，,；;]\s*(?=(?:而且|并且|也|还有|另外|同时|现在|最近)?(?:我|自己)(?!们?(?:想|觉得)?(?:就|才|都)))"
)
_STANDS_EN = re.compile(
    r"(?:[,;]\s*(?:and\s+|but\s+|also\s+)?|\s+and\s+)(?=(?:I|I'm|I've|I’m|I’ve|my|we)\b)", re.IGNORECASE
)
_PART_ZH, _PART_EN = 8, 20
_SURE, _MARGIN = 0.4, 0.15


def _is_long(sentence: Sentence) -> bool:
    limit = _LONG_ZH if guess_language(sentence.text) == "zh" else _LONG_EN
    return sentence.speaker != Speaker.COUNSELLOR and len(sentence.text) > limit


def _part_ways(sentence: Sentence, reader: LinearReader) -> list[Sentence]:
    """A long sentence cut where a clause with its own subject goes on in another field, surely so."""
    zh = guess_language(sentence.text) == "zh"
    least = _PART_ZH if zh else _PART_EN
    text = sentence.text
    parts: list[tuple[int, int]] = []
    start = 0
    for match in (_STANDS_ZH if zh else _STANDS_EN).finditer(text):
        if match.end() - start >= least and len(text) - match.end() >= least:
            parts.append((start, match.end()))
            start = match.end()
    parts.append((start, len(text)))
    groups = [parts[0]]
    for begin, end in parts[1:]:
        first, last = groups[-1]
        head, tail = text[first:last], text[begin:end]
        if _OPENS.match(head.lstrip()) or _OPENS.match(tail) or not _differ(head, tail, sentence, reader):
            groups[-1] = (first, end)
        else:
            groups.append((begin, end))
    at = sentence.span.start
    return [_part(sentence, at + first, at + last) for first, last in groups]


def _says_something(clause: str) -> bool:
    return bool(find_terms(clause).keys() - {"ask", "thanks", "deny", "duration", "childhood"})


def _differ(head: str, tail: str, sentence: Sentence, reader: LinearReader) -> bool:
    one, other = _score(head, "", sentence, reader), _score(tail, head, sentence, reader)
    left, right = max(one, key=one.__getitem__), max(other, key=other.__getitem__)
    return (
        left != right
        and _says_something(head)
        and _says_something(tail)
        and min(one[left], other[right]) >= _SURE
        and one[left] - one[right] >= _MARGIN
        and other[right] - other[left] >= _MARGIN
    )


# What these words join or turn round cannot be left out without changing what was said.
_BINDS = re.compile(
    r"如果|要是|假如|除非|虽然|尽管|即使|因为|由于|只要|只有|一旦|每当|不管|无论|但|不过|只是|而是|却|"
    r"可是|然而|后来|现在|没|不|无|未|否|别|"
    r"比|除了|直到|以前|曾|想过|差点|几乎|害怕|担心|怕|听说|据说|说|觉得|认为|以为|希望|想|像|好像|"
    r"似乎|可能|他|她|对方|别人|有人|"
    r"\b(?:if|unless|though|although|but|however|not|no|never|without|because|since|until|except|"
    r"used|almost|nearly|said|says|told|"
    r"thought|think|thinks|afraid|like|as|maybe|might|could|would|wish|hope|want|than|only)\b|n't",
    re.IGNORECASE,
)


def shrink(sentence: Sentence, is_needed: Callable[[str], bool]) -> Sentence:
    """The sentence without needless clauses at its edges that bind nothing; one clause at least stays."""
    clauses = _clauses(sentence)
    first, last = 0, len(clauses)
    while last - first > 1 and _is_loose(clauses[last - 1], is_needed):
        last -= 1
    while last - first > 1 and _is_loose(clauses[first], is_needed):
        first += 1
    start = sum(len(clause) for clause in clauses[:first])
    end = sum(len(clause) for clause in clauses[:last])
    return _part(sentence, sentence.span.start + start, sentence.span.start + end)


def _is_loose(clause: str, is_needed: Callable[[str], bool]) -> bool:
    return not is_needed(clause) and not _BINDS.search(clause)


def _part(sentence: Sentence, start: int, end: int) -> Sentence:
    at = sentence.span.start
    return replace(sentence, span=Span(start, end), text=sentence.text[start - at : end - at])

"""Jottings put several fields into one sentence; here such a sentence is cut where the field changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from phyassist.domain.reading.classifier import LABELS, LinearReader, make_features
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Span

_COMMA = re.compile(r"[，,；;/|]\s*|\s[-–—]\s|(?<=[a-z]{3})\.\s")
# A clause that opens a thought belongs to the clause that ends it.
_OPENS = re.compile(
    r"如果|要是|假如|除非|虽然|尽管|即使|因为|由于|当|只要|只有|一旦|每当|不管|无论|自从|除了|随着|对于|关于|"
    r"(?:if|when|although|though|because|since|while|unless|after|before|as|even|despite|with)\b",
    re.IGNORECASE,
)
_SHORT_ZH, _SHORT_EN = 12, 32
_CLAUSE_MIN = 3


def cut_by_field(sentences: Sequence[Sentence], reader: LinearReader) -> tuple[Sentence, ...]:
    """The sentences, those that list short clauses cut where the field changes; numbers stay."""
    cut: list[Sentence] = []
    for sentence in sentences:
        clauses = _clauses(sentence)
        cut += _group(sentence, clauses, reader) if _is_list(sentence, clauses) else [sentence]
    return tuple(cut)


def _is_list(sentence: Sentence, clauses: Sequence[str]) -> bool:
    if sentence.speaker == Speaker.COUNSELLOR or len(clauses) < 2:
        return False
    short = _SHORT_ZH if guess_language(sentence.text) == "zh" else _SHORT_EN
    mean = sum(len(clause) for clause in clauses) / len(clauses)
    return (
        mean <= short if sentence.speaker == Speaker.NARRATOR else len(clauses) >= 3 and mean <= short * 0.75
    )


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


def _join_followers(pieces: Sequence[str]) -> list[str]:
    joined: list[str] = []
    for no, piece in enumerate(pieces):
        # Jottings begin "F, 27": there a number follows nobody but the client.
        if no > 1 and _FOLLOWS.match(piece):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _group(sentence: Sentence, clauses: Sequence[str], reader: LinearReader) -> list[Sentence]:
    groups: list[tuple[str, int, int]] = []
    before, at = "", sentence.span.start
    for clause in clauses:
        scores = reader.score(make_features(clause, before, sentence.speaker))
        label = max(zip(scores[:5], LABELS, strict=False))[1]
        if groups and groups[-1][0] == label:
            groups[-1] = (label, groups[-1][1], at + len(clause))
        else:
            groups.append((label, at, at + len(clause)))
        before, at = clause, at + len(clause)
    return [_part(sentence, start, end) for _, start, end in groups]


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

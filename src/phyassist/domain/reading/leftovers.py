"""What a line says beyond the facts that stand in lines of their own ("F, 19, an only child")."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phyassist.domain.reading.sentences import guess_language
from phyassist.domain.records import Span

_WORD = re.compile(r"\w")
_PLAIN = re.compile(
    r"(?:和|跟|与)?我?(?:和|跟|与)?(?:老公|丈夫|妻子|老婆|爱人|太太)|来访者|求助者|患者|病人|当事人|本人|今年|现在|现年|目前|是|一名|一位|一个|我|的|了|岁|性别|"
    r"年龄|职业|婚姻|学历|"
    r"\b(?:my (?:husband|wife|spouse) and I(?: have been)?)\b|\b(?:i|am|i'm|is|an?|and|the|client|patient|"
    r"pt|she|he|years?|yrs?|old|yo|currently|age|sex|now|also|just|still|recently|(?:work(?:s|ing)?|"
    r"employed) as)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[，,、；;。.|/：:]\s*|\s[-–—]\s|$")
# After these a line goes on about something new, so that it stands without what came before.
_GOES_ON = re.compile(
    r"\s*(?:and|but|so|who|with|working|work|living|studying|struggling|suffering|dealing|feeling|"
    r"currently)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:and|but|so|who)\s+", re.IGNORECASE)
# A fact of another kind may be marked by a single letter: F, M.
_SPARE = 1


def find_leftover(text: str, span: Span, facts: Sequence[Span]) -> Span | None:
    """The part of `span` left when clauses of nothing but facts are taken off its edges; None if all are."""
    inside = [fact for fact in facts if fact.start < span.end and span.start < fact.end]
    if not inside:
        return span
    masked = list(text[span.start : span.end])
    for fact in inside:
        for at in range(max(span.start, fact.start), min(span.end, fact.end)):
            masked[at - span.start] = " "
    words = "".join(masked)
    if _is_plain(words):
        return None
    start, end = 0, len(words)
    for cut in _cuts(words, text[span.start : span.end], inside, span.start):
        if start < cut < end and _is_plain(words[start:cut]):
            start = cut
    link = _LINK.match(words, start)
    start = link.end() if link and start else start
    tails = [match.start() for match in _CLAUSE_END.finditer(words) if start < match.start()]
    for cut in reversed(tails):
        if cut < end and _is_plain(words[cut:end]):
            end = cut
    while start < end and not words[start].isalnum() and words[start] not in "“\"'‘（(":
        start += 1
    return Span(span.start + start, span.start + end)


def _is_plain(words: str) -> bool:
    return len(_WORD.findall(_PLAIN.sub("", words))) <= _SPARE


def _cuts(masked: str, words: str, facts: Sequence[Span], base: int) -> list[int]:
    """Places where what follows stands by itself: after a mark, in English also after a fact."""
    cuts = {match.end() for match in _CLAUSE_END.finditer(masked)}
    if guess_language(words) == "en":
        cuts |= {fact.end - base for fact in facts if _GOES_ON.match(words, max(0, fact.end - base))}
    return sorted(cuts)

"""Advice that sends the client to a counsellor, who is the one that reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from phyassist.domain.people import Language
from phyassist.prompts.replies import keep_clauses, split_clauses

_AWAY: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:寻求|咨询|求助|寻找|联系|接受|找|看|见|请)[^，。；]{0,10}?"
        r"(?:专业(?:的)?(?:帮助|支持|人士|指导)|心理(?:咨询|医生|治疗|辅导|专家)|咨询师|治疗师)"
    ),
    "en": re.compile(
        r"\b(?:seek|get|find|see|consult|talk(?:ing)? (?:to|with)|speak(?:ing)? (?:to|with)|help (?:from|of)"
        r"|session with|referr?al to|refer to|work with)\b[^.,;]{0,40}?"
        r"\b(?:professional (?:help|support)|mental health (?:professional|provider|specialist)s?"
        r"|(?:therap|psycholog)ists?|counsell?ors?)\b"
        r"|\bseek(?:ing)?\b[^.,;]{0,20}?\b(?:therapy|counsell?ing|professional (?:help|support))\b"
        r"|\b(?:invite|encourage|attend|join|start|sign up for)\b[^.,;]{0,40}?"
        r"\b(?:an?|or|some|attend|join|start)\s(?:therapy|counsell?ing)(?: sessions?)?"
        r"(?=\s*(?:[.,;]|$|(?:to|where|with|for|or|so)\b))",
        re.IGNORECASE,
    ),
}
# A physician is somebody else, and a helpline is there at night.
_ELSEWHERE: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(r"精神科|医院|就医|就诊|转介|热线"),
    "en": re.compile(
        r"psychiatr|doctor|physician|\bGP\b|hospital|helpline|hotline|crisis line", re.IGNORECASE
    ),
}
# Whoever speaks of one wants to read of it.
_SPOKEN_OF = re.compile(
    r"专业(?:的)?帮助|心理(?:医生|治疗)|治疗师|转介"
    r"|\brefer|therap|psycholog|professional help|another counsell?or",
    re.IGNORECASE,
)
# A condition whose "then" is gone.
_IF = re.compile(r"\s*(?:如果|若|假如|要是|and if\b|if\b)", re.IGNORECASE)


def asks_for_referral(words: str) -> bool:
    """Whether a question or a comment speaks of sending the client to somebody, in either language."""
    return bool(_SPOKEN_OF.search(words))


def without_referral(text: str, language: Language) -> str:
    """An advice without the clauses that send the client to a counsellor; empty where it begins with one."""
    parts = split_clauses(text)
    kept = [no for no, part in enumerate(parts) if not _sends_away(part, language)]
    if len(kept) < len(parts) and kept and _IF.match(parts[kept[-1]]):
        kept.pop()
    return keep_clauses(text, kept) if 0 in kept else ""


def _sends_away(clause: str, language: Language) -> bool:
    return bool(_AWAY[language].search(clause)) and not _ELSEWHERE[language].search(clause)

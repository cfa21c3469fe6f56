"""Who speaks: labels before a colon at the start of a line, as transcripts write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from phyassist.domain.records import Span


class Speaker(StrEnum):
    """`NARRATOR` is a text without speakers: jottings, a letter, a counsellor's own summary."""

    CLIENT = "client"
    COUNSELLOR = "counsellor"
    RELATIVE = "relative"
    NARRATOR = "narrator"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says in one go; `span` leaves the label out."""

    no: int
    speaker: Speaker
    span: Span


_CLIENT_WORDS = (
    "来访者|求助者|患者|病人|来访|访客|咨客|案主|当事人|个案|学生|用户|来|访|患|客|答"
    "|clients?|patients?|pt|cl|c|p|a|user|student|seeker|help[- ]?seeker|caller|interviewee|participant"
)
_COUNSELLOR_WORDS = (
    "心理咨询师|咨询师|心理师|心理医生|精神科医生|医生|大夫|医师|治疗师|心理治疗师|咨询员|辅导员|"
    "辅导老师|心理老师"
    "|老师|咨询者|访谈者|主试|助手|咨|医|师|问"
    "|counsell?ors?|therapists?|doctors?|dr\\.?(?: [a-z]+)?|psychologists?|psychiatrists?"
    "|clinicians?|interviewer"
    "|th|t|d|q|assistant|helper|social worker|nurse"
)
_RELATIVE_WORDS = (
    "母亲|父亲|妈妈|爸爸|家长|家属|妻子|丈夫|姐姐|哥哥|弟弟|妹妹|奶奶|爷爷|外婆|外公|女儿|儿子"
    "|mother|father|mum|mom|dad|parents?|wife|husband|partner|sister|brother|son|daughter|grandmother"
)
_NAME = r"[^\s：:，,。.!！?？；;0-9]{1,6}|[A-Z][a-z]{1,14}(?: [A-Z][a-z]{0,14}\.?)?"
_STAMP = r"(?:[\[(（【]?\d{1,2}:\d{2}(?::\d{2})?[\])）】]?\s*)?"
_ORDINAL = r"(?:\d{0,3}|[甲乙]?)"


def _label(words: str) -> str:
    aside = r"(?:[(（][^)）\n]{1,12}[)）])?"
    return rf"[*_【\[(（<]{{0,3}}(?:{words}){_ORDINAL}{aside}[*_】\])）>]{{0,3}}\s?[：:][*_]{{0,2}}"


_LINE_STARTS = (
    (Speaker.CLIENT, re.compile(rf"[ \t　>*\-]*{_STAMP}{_label(_CLIENT_WORDS)}[ \t　]*", re.IGNORECASE)),
    (
        Speaker.COUNSELLOR,
        re.compile(rf"[ \t　>*\-]*{_STAMP}{_label(_COUNSELLOR_WORDS)}[ \t　]*", re.IGNORECASE),
    ),
    (Speaker.RELATIVE, re.compile(rf"[ \t　>*\-]*{_STAMP}{_label(_RELATIVE_WORDS)}[ \t　]*", re.IGNORECASE)),
)
_NAMED = re.compile(rf"[ \t　>*\-]*{_STAMP}(?P<name>{_NAME})\s?[：:][ \t　]*")
# Transcripts pasted from a chat come as one long line; only long, unmistakable labels may open a turn there.
_INLINE = re.compile(
    r"(?<=[。！？!?.…”\"\s])"
    r"(?P<label>来访者|求助者|患者|心理咨询师|咨询师|医生|治疗师|Client|Patient|Counsell?or|Therapist|"
    r"Doctor)\s?[：:]\s*"
)
_CLIENT_LABEL = re.compile(rf"(?:{_CLIENT_WORDS})", re.IGNORECASE)


def split_turns(text: str) -> tuple[Turn, ...]:
    """The text cut where the speaker changes; one NARRATOR turn where nobody is named."""
    cuts: list[tuple[int, int, Speaker]] = []
    names = _speaking_names(text)
    for start, end in _lines(text):
        cut = _cut_at(text, start, end, names)
        if cut is not None:
            cuts.append(cut)
        for inner in _INLINE.finditer(text, cut[1] if cut else start, end):
            is_client = _CLIENT_LABEL.fullmatch(inner["label"]) is not None
            cuts.append((inner.start(), inner.end(), Speaker.CLIENT if is_client else Speaker.COUNSELLOR))
    if not _is_dialogue(cuts):
        return (Turn(0, Speaker.NARRATOR, Span(0, len(text))),)
    turns: list[tuple[Speaker, int, int]] = []
    if text[: cuts[0][0]].strip():
        turns.append((Speaker.NARRATOR, 0, cuts[0][0]))
    ends = [cut[0] for cut in cuts[1:]] + [len(text)]
    turns += [(speaker, start, end) for (_, start, speaker), end in zip(cuts, ends, strict=True)]
    return tuple(Turn(no, speaker, Span(start, end)) for no, (speaker, start, end) in enumerate(turns))


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\r\n]+", text)]


def _cut_at(text: str, start: int, end: int, names: dict[str, Speaker]) -> tuple[int, int, Speaker] | None:
    for speaker, pattern in _LINE_STARTS:
        match = pattern.match(text, start, end)
        if match:
            return start, match.end(), speaker
    named = _NAMED.match(text, start, end)
    if named and named["name"] in names:
        return start, named.end(), names[named["name"]]
    return None


def _speaking_names(text: str) -> dict[str, Speaker]:
    """Names that open several lines speak; beside a counsellor the one who speaks most is the client."""
    counts: dict[str, int] = {}
    labelled: set[Speaker] = set()
    for start, end in _lines(text):
        for speaker, pattern in _LINE_STARTS:
            if pattern.match(text, start, end):
                labelled.add(speaker)
                break
        else:
            named = _NAMED.match(text, start, end)
            if named:
                counts[named["name"]] = counts.get(named["name"], 0) + 1
    often = sorted((name for name, count in counts.items() if count >= 3), key=lambda name: -counts[name])
    if not often:
        return {}
    if Speaker.COUNSELLOR in labelled and Speaker.CLIENT not in labelled:
        return {name: Speaker.CLIENT if no == 0 else Speaker.RELATIVE for no, name in enumerate(often)}
    if Speaker.CLIENT in labelled and Speaker.COUNSELLOR not in labelled:
        return {name: Speaker.COUNSELLOR if no == 0 else Speaker.RELATIVE for no, name in enumerate(often)}
    return {}


def _is_dialogue(cuts: list[tuple[int, int, Speaker]]) -> bool:
    """One label is a heading in jottings ("Patient: Mrs B, 54"); two speakers or three turns, a talk."""
    speakers = {speaker for _, _, speaker in cuts}
    return len(cuts) >= 3 or len(speakers) >= 2

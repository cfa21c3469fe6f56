"""Facts about the client that a rule finds more surely than a model: age, sex, work, education, marriage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.people import Language
from phyassist.domain.reading import facts_en, facts_zh
from phyassist.domain.reading.clues import Clue
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import RecordField, Span, Statement

KINDS = ("age", "sex", "occupation", "education", "marital")

_NAMES: dict[Language, dict[str, str]] = {
    "zh": {"age": "年龄", "sex": "性别", "occupation": "职业", "education": "学历", "marital": "婚姻"},
    "en": {
        "age": "Age",
        "sex": "Sex",
        "occupation": "Occupation",
        "education": "Education",
        "marital": "Marital status",
    },
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A clue and where its words stand in the source."""

    clue: Clue
    span: Span
    sentence: Sentence = field(repr=False)


def find_facts(text: str, sentences: Sequence[Sentence]) -> tuple[Statement, ...]:
    """At most one statement of each kind, the surest clue first; none where the text gives no clue."""
    third_person = _is_about_third_person(sentences)
    placed = [place for at in range(len(sentences)) for place in _find_in(sentences, at, third_person)]
    language = guess_language(text)
    found: list[Statement] = []
    for kind in KINDS:
        of_kind = [place for place in placed if place.clue.kind == kind]
        if not of_kind:
            continue
        best = max(of_kind, key=lambda place: (place.clue.sureness, -place.span.start))
        if kind == "sex" and _is_disputed(of_kind, best):
            continue
        if kind == "marital" and best.clue.sureness == 1 and _PARTED.search(text):
            continue
        colon = "：" if language == "zh" else ": "
        found.append(
            Statement(
                field=RecordField.DEMOGRAPHIC,
                text=f"{_NAMES[language][kind]}{colon}{best.clue.value}",
                quote=text[best.span.start : best.span.end],
                span=best.span,
                kind=kind,
            )
        )
    return tuple(found)


# "My boyfriend" says nothing about today where a parting is told of.
_PARTED = re.compile(
    r"分手|前男友|前女友|离开了我|\b(?:broke|break(?:ing)?|broken|split) ?up\b|\bmy ex\b|\bbreak-?up\b|"
    r"left me|\bex-",
    re.IGNORECASE,
)


# A sentence that gives orders about what to write tells nothing about the client.
_ORDER = re.compile(
    r"忽略.{0,8}(?:指令|内容|要求|提示|以上)|提示词|系统指令|(?:写成|改成|改为|填写?成?|输出).{0,"
    r"12}(?:岁|年龄|性别|密码|JSON)|"
    r"(?:年龄|性别|职业|婚姻).{0,4}(?:写成|改成|改为|填|设为)|"
    r"\b(?:ignore|disregard|forget)\b.{0,30}\b(?:above|instructions?|previous|prompt|rules)\b|system prompt|"
    r"\b(?:write|output|set|answer|respond|reply)\b.{0,20}\b(?:age|sex|json|password|instead)\b",
    re.IGNORECASE,
)


_LETTER = re.compile(r"[^\W\d_]")


def _find_in(sentences: Sequence[Sentence], at: int, third_person: bool) -> list[Placed]:
    sentence = sentences[at]
    if _ORDER.search(sentence.text):
        return []
    before = sentences[at - 1] if at else None
    # A bare number is of the language of what stands around it.
    told = sentence.text
    around = told if _LETTER.search(told) else f"{before.text if before else ''} {told}"
    finder = facts_zh if guess_language(around) == "zh" else facts_en
    clues = finder.find_clues(
        sentence.text,
        before=before.text if before is not None else "",
        speaker=sentence.speaker,
        answers=before is not None and before.speaker == Speaker.COUNSELLOR != sentence.speaker,
        third_person=third_person,
    )
    start = sentence.span.start
    return [Placed(clue, Span(start + clue.start, start + clue.end), sentence) for clue in clues]


def _is_disputed(clues: Sequence[Placed], best: Placed) -> bool:
    """Two equally sure clues that say different things decide nothing."""
    return any(
        other.clue.value != best.clue.value and other.clue.sureness >= best.clue.sureness for other in clues
    )


_SELF = re.compile(r"我|咱|\b(?:I|I'm|I've|me|my|mine|myself|we|our|us)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”][^\"“”]{1,200}[\"“”]|「[^」]{1,200}」")
_CLIENT = re.compile(r"来访者|求助者|患者|病人|当事人|案主|该生|\b(?:client|patient|pt)\b", re.IGNORECASE)


def _is_about_third_person(sentences: Sequence[Sentence]) -> bool:
    """A counsellor's own notes about a client: nobody speaks, and hardly anybody says "I"."""
    if any(sentence.speaker != Speaker.NARRATOR for sentence in sentences):
        return False
    # What the client is quoted as saying makes nobody else the writer.
    own = sum(len(_SELF.findall(_QUOTED.sub("", sentence.text))) for sentence in sentences)
    named = sum(len(_CLIENT.findall(sentence.text)) for sentence in sentences)
    return own == 0 or named >= max(2, own)

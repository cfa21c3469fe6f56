"""Facts about the client in Chinese sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.reading.clues import Clue
from phyassist.domain.reading.patterns_zh import (
    ADDRESS,
    AGE,
    AGE_JOTTED,
    AGE_NOW,
    AGE_PAST,
    AGE_PAST_BEFORE,
    AGE_PLAIN,
    AGE_QUESTION,
    AGE_ROUND,
    BARE_NUMBER,
    CLAUSE,
    CLIENT,
    DEGREE,
    DIGITS,
    HE,
    JOB_BARE,
    JOB_DO,
    JOB_FIELD,
    JOB_IS,
    JOB_PLACE,
    JOB_QUESTION,
    JOBLESS,
    JOTTED_BESIDE,
    KIN,
    MARITAL_NOT,
    MARITAL_RULES,
    NOT_NOW,
    OTHER_COUPLES,
    OTHERS_OWN,
    OWN_SEX,
    SELF,
    SENTENCE_HEAD,
    SEX_RULES,
    SHE,
    STUDY_NOW,
    STUDY_PAST,
    TITLED,
)
from phyassist.domain.reading.speakers import Speaker


def find_clues(text: str, *, before: str, speaker: Speaker, answers: bool, third_person: bool) -> list[Clue]:
    """Clues about the client in one sentence; `before` is the sentence before it, `answers` a reply to it."""
    if speaker == Speaker.COUNSELLOR:
        return [*_addressed(text)]
    return [
        *_ages(text, before, answers=answers, third_person=third_person),
        *_sexes(text, third_person=third_person),
        *_jobs(text, before, answers=answers, third_person=third_person),
        *_education(text, before, third_person=third_person),
        *_marital(text, before, third_person=third_person),
    ]


def _about_other(text: str, at: int, before: str, *, third_person: bool) -> bool:
    """Whether the words at `at` speak of somebody else: the nearest person named before them decides."""
    head = OWN_SEX.sub(lambda match: "我" * len(match.group()), text[:at])
    if third_person:
        head = TITLED.sub(lambda match: "病人".ljust(len(match.group()), " "), head)
    kin = max((match.end() for match in KIN.finditer(head)), default=-1)
    own = max((match.end() for match in SELF.finditer(head)), default=-1)
    own = max(own, max((match.end() for match in CLIENT.finditer(head)), default=-1))
    if not third_person:
        kin = max(kin, max((match.end() for match in re.finditer(r"[他她]们?|你", head)), default=-1))
    if kin < 0 and own < 0:
        tail = before[-SENTENCE_HEAD:]
        return bool(KIN.search(tail)) and not before.rstrip().endswith(("？", "?")) and not third_person
    return kin > own


def _ages(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    for match in [*AGE.finditer(text), *AGE_PLAIN.finditer(text), *AGE_ROUND.finditer(text)]:
        start, end = match.span("value")
        head, tail = text[:start], text[end:]
        clause = re.split(r"[，,。！？；、]", head)[-1]
        now = bool(AGE_NOW.search(clause + match["value"]))
        if AGE_PAST.match(tail) or (AGE_PAST_BEFORE.search(clause) and not now):
            continue
        if _about_other(text, start, before, third_person=third_person) or not _is_grown(match["value"]):
            continue
        if KIN.match(re.sub(r"^的?[小大]?(?:[男女]生|[男女]孩子?)?", "", tail)) and not re.search(
            r"我是|作为|身为", clause
        ):
            continue
        own = bool(re.search(r"我|本人|来访者|患者|求助者", clause))
        sureness = 3 if now or (own and not re.search(r"[和跟与]", clause)) else 2
        yield Clue("age", match["value"].removesuffix("了"), start, end, sureness)
    jotted = AGE_JOTTED.search(text)
    titled = TITLED.match(text)
    head = text[titled.end() if titled else 0 : jotted.start() if jotted else 0]
    if third_person and jotted and JOTTED_BESIDE.search(text) and not KIN.search(head):
        yield Clue("age", jotted["value"], *jotted.span("value"), 2)
    if answers and AGE_QUESTION.search(before) and not KIN.search(before):
        bare = BARE_NUMBER.match(text)
        if bare and not AGE.search(text) and _is_grown(bare["value"]):
            yield Clue("age", bare["value"], *bare.span("value"), 3)


def _is_grown(value: str) -> bool:
    """Whether an age can be a client's: from five to a hundred and ten."""
    number = read_number(value)
    return number is None or 5 <= number <= 110


def read_number(words: str) -> int | None:
    """The first number in figures or in Chinese characters; None where there is none."""
    figures = re.search(r"\d+", words)
    if figures:
        return int(figures.group())
    signs = re.search(DIGITS + "+", words)
    if not signs:
        return None
    values = {sign: no for no, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
    total, last = 0, 0
    for sign in signs.group():
        if sign == "十":
            total, last = total + (last or 1) * 10, 0
        elif sign == "百":
            total, last = total + (last or 1) * 100, 0
        else:
            last = values[sign]
    return total + last


def _sexes(text: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in SEX_RULES:
        for match in pattern.finditer(text):
            head = text[: match.start("words")]
            bare = match["words"].strip("，,、（( \t/|")
            if bare[:1] in "男女初高大研" and (KIN.search(head[-12:]) or re.search(r"[他她对]", head[-8:])):
                continue
            start = match.start("words") + match["words"].index(bare)
            yield Clue("sex", value, start, start + len(bare), sureness)
    titled = TITLED.match(text) if third_person else None
    if titled and titled["title"] in ("先生", "女士", "小姐", "太太"):
        yield Clue("sex", "男" if titled["title"] == "先生" else "女", *titled.span("words"), 2)
    if third_person and not KIN.search(text):
        for value, pattern in (("女", SHE), ("男", HE)):
            pronoun = pattern.search(text)
            if pronoun:
                yield Clue("sex", value, *pronoun.span("words"), 1)


def _addressed(text: str) -> Iterator[Clue]:
    for value, pattern in ADDRESS:
        for match in pattern.finditer(text[:20]):
            if not re.search(r"您|你", match["words"]):
                yield Clue("sex", value, *match.span("words"), 2)


def _answered_job(text: str, before: str) -> Iterator[Clue]:
    """A short answer to "what do you do?" is the occupation, whatever it says."""
    words = re.split(r"[，,。；;]", text.strip())[0].rstrip("。.，,！!")
    if JOB_QUESTION.search(before) and not KIN.search(before) and 2 <= len(words) <= 14:
        yield Clue("occupation", words, text.index(words), text.index(words) + len(words), 2)


def _jobs(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    if answers:
        yield from _answered_job(text, before)
    for pattern, sureness in ((JOB_FIELD, 3), (JOB_IS, 3), (JOB_PLACE, 2), (JOB_DO, 2), (JOBLESS, 2)):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if NOT_NOW.search(text[max(0, start - 8) : start]) or re.search(
                r"不", text[max(0, start - 3) : start]
            ):
                continue
            if _about_other(text, start, before, third_person=third_person):
                continue
            if pattern is JOB_IS and not (
                match["subject"] or _LEADS_TO_JOB.match(text, match.start(), start)
            ):
                continue
            if pattern is JOB_IS and not (
                match["subject"] or third_person or answers or text[: match.start()].rstrip()[-1:] in "，,。"
            ):
                continue
            yield Clue("occupation", _job_value(match["value"]), start, end, sureness)
    if third_person or re.search(r"岁|性别|[，,]\s*[男女]|^[男女]", text):
        for clause in CLAUSE.finditer(text):
            bare = JOB_BARE.match(clause.group().strip())
            if bare and not _about_other(text, clause.start(), before, third_person=third_person):
                start = clause.start() + clause.group().index(bare["value"])
                yield Clue("occupation", bare["value"], start, start + len(bare["value"]), 2)


# Without "I", what stands before a job must be about the client too: "all I see is teachers" is not.
_LEADS_TO_JOB = re.compile(
    r"(?:现在|目前|今年|以前|本来|原来|曾经?|一直|只|也|就|都|还|来访者|求助者|患者|病人|该生|本人|他|她)*"
    r"(?:是|为|当|做|作为|身为|担任|干|成为|从事)"
)


def _job_value(words: str) -> str:
    return re.sub(r"^从事|^做的是", "", words).strip() or words


def _education(text: str, before: str, *, third_person: bool) -> Iterator[Clue]:
    for pattern, sureness in ((DEGREE, 2), (STUDY_NOW, 2)):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            around = text[max(0, start - 5) : end + 4]
            if _about_other(text, start, before, third_person=third_person):
                continue
            told_now = bool(
                re.search(r"今年|现在|目前|正在|学历|文化|毕业|在读|我是|马上", text[max(0, start - 6) : end])
            )
            past = bool(STUDY_PAST.search(around)) and not told_now
            if past:
                continue
            value = re.sub(r"^(?:学历|文化程度|教育程度|受教育程度)(?:是|为)?[:： ]*", "", match["value"])
            yield Clue("education", value, start, end, 3 if told_now else sureness)


def _marital(text: str, before: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in MARITAL_RULES:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            head = text[max(0, start - 8) : start]
            if MARITAL_NOT.search(head):
                continue
            if OTHERS_OWN.match(text, end) and not re.search(r"我是[^，。！？]*$", text[:start]):
                continue
            if value is None and _about_other_couple(text, start, before, third_person=third_person):
                continue
            shown = value or re.sub(r"^(?:婚姻|婚恋)(?:状况|状态|情况)?[:： ]+", "", match["value"])
            yield Clue("marital", re.sub(r"^我们?", "", shown), start, end, sureness)


def _about_other_couple(text: str, at: int, before: str, *, third_person: bool) -> bool:
    """A spouse named before "married" is the client's own; parents, friends, siblings or children are not."""
    others = [match.end() for match in OTHER_COUPLES.finditer(text[:at])]
    if others and not re.search(r"我(?:们|自己|今年|现在|已经|目前|也|是|和)", text[others[-1] : at]):
        return True
    head = re.sub(
        r"老公|丈夫|先生|妻子|老婆|太太|爱人|媳妇|男友|女友|男朋友|女朋友|对象|伴侣|孩子|对方", "", text[:at]
    )
    return _about_other(head, len(head), before, third_person=third_person)

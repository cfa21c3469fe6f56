"""Facts about the client in English sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.reading.clues import Clue
from phyassist.domain.reading.patterns_en import (
    ADDRESS,
    AGE_AFTER,
    AGE_JOTTED,
    AGE_PAST,
    AGES,
    BARE,
    CLIENT,
    HE,
    HOW_OLD,
    JOB,
    JOB_LEAD,
    JOBS,
    JOTTED_BESIDE,
    KIN,
    KIN_WORDS,
    MARITAL,
    MARITAL_NOT,
    MARRIED_BY,
    NAME_SELF,
    NOT_NOW,
    ONES,
    OWN_NOUN,
    PARTNER,
    SCHOOL,
    SEX_RULES,
    SHE,
    TEENS,
    TENS,
    WIDOWED_NOTED,
)
from phyassist.domain.reading.speakers import Speaker


def find_clues(text: str, *, before: str, speaker: Speaker, answers: bool, third_person: bool) -> list[Clue]:
    """Clues about the client in one sentence; `before` is the sentence before it, `answers` a reply to it."""
    if speaker == Speaker.COUNSELLOR:
        return [*_addressed(text)]
    return [
        *_ages(text, before, answers=answers, third_person=third_person),
        *_sexes(text, third_person=third_person),
        *_jobs(text, third_person=third_person, answers=answers),
        *_education(text, third_person=third_person),
        *_marital(text, third_person=third_person),
    ]


def _about_other(text: str, at: int, *, third_person: bool) -> bool:
    """Whether the words at `at` speak of somebody else: the nearest person named before them decides."""
    head = OWN_NOUN.sub(lambda match: "I " * (len(match.group()) // 2), text[:at])
    own = max((match.end() for match in NAME_SELF.finditer(head)), default=-1)
    own = max(own, max((match.end() for match in CLIENT.finditer(head)), default=-1))
    kin = -1
    for match in KIN.finditer(head):
        if third_person and match.group().lower() in (
            "he",
            "she",
            "him",
            "man",
            "woman",
            "lady",
            "guy",
            "student",
        ):
            own = max(own, match.end())
        else:
            kin = max(kin, match.end())
    return kin > own


def _followed_by_kin(text: str, end: int) -> bool:
    """ "My 15 year old daughter": the person named right after an age owns it."""
    return bool(
        re.match(
            rf"[\s-]*(?:old\s+)?(?:[\w'-]+\s+){{0,2}}?(?:{KIN_WORDS})\b", text[end : end + 40], re.IGNORECASE
        )
    )


def _ages(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    for sureness, pattern in AGES:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            number = read_number(match["value"])
            if number is not None and not 5 <= number <= 110:
                continue
            head, tail = text[:start], text[match.end() :]
            first_person = bool(
                re.search(r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|as|As|being|am)\s+(?:an?\s+)?(?:\w+\s+)?$", head)
            )
            if not first_person and (
                AGE_PAST.search(head) or _about_other(text, start, third_person=third_person)
            ):
                continue
            if AGE_AFTER.match(tail) or re.search(
                r"\b(?:was|were|when I'm|by the time|until I am|till i'm)\W*(?:an?\s+)?$", head
            ):
                continue
            owned = re.search(
                r"\b(?:my|his|her|our|their|the|with an?|have an?|has an?|dating an?|two|three|an? |for)\s+$",
                head,
                re.IGNORECASE,
            )
            if (
                not first_person
                and not (third_person and re.search(r"\b(?:is|an?)\s+$", head))
                and owned
                and _followed_by_kin(text, match.end())
            ):
                continue
            shown_end = match.end() if "unit" in match.re.groupindex else end
            yield Clue("age", match["value"], start, shown_end, sureness)
    jotted = AGE_JOTTED.search(text)
    if (
        third_person
        and jotted
        and JOTTED_BESIDE.search(text)
        and not KIN.search(JOB.sub("", text[: jotted.start()]))
    ):
        yield Clue("age", jotted["value"], *jotted.span("value"), 2)
    if answers and HOW_OLD.search(before) and not re.search(KIN_WORDS, before):
        bare = BARE.match(text)
        if bare:
            yield Clue("age", bare["value"], *bare.span("value"), 3)


def read_number(words: str) -> int | None:
    """The first number in figures or in words below a hundred; None where there is none."""
    figures = re.search(r"\d+", words)
    if figures:
        return int(figures.group())
    total: int | None = None
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in TENS:
            total = (TENS.index(word) + 2) * 10
        elif word in TEENS:
            total = TEENS.index(word) + 10
        elif word in ONES:
            total = (total or 0) + ONES.index(word) + 1
    return total


def _sexes(text: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in SEX_RULES:
        for match in pattern.finditer(text):
            name = next(
                name
                for name in ("words", "words2", "words3", "words4")
                if name in match.groupdict() and match[name]
            )
            start, end = match.span(name)
            if name != "words" and not third_person and _about_other(text, start, third_person=third_person):
                continue
            if re.search(
                r"\b(?:my|his|her|our|their|with an?|like an?|treated|not an?|dating an?|as if)\s+$",
                text[:start],
                re.IGNORECASE,
            ):
                continue
            if re.match(r"(?:as|As) ", match[name]) and not re.search(r"\bI\b|\bmy\b", text):
                continue
            yield Clue("sex", value, start, end, sureness)
    if third_person:
        for value, pattern in (("Female", SHE), ("Male", HE)):
            pronoun = pattern.search(text)
            if pronoun and not re.search(KIN_WORDS, text[: pronoun.start()], re.IGNORECASE):
                yield Clue("sex", value, *pronoun.span("words"), 1)


def _addressed(text: str) -> Iterator[Clue]:
    for value, pattern in ADDRESS:
        for match in pattern.finditer(text[:40]):
            yield Clue("sex", value, *match.span("words"), 2)


def _jobs(text: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    jotting = third_person or bool(re.search(r"\b[MF]\b|\b(?:male|female)\b|\byo\b", text))
    for no, (sureness, pattern) in enumerate(JOBS):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if no == 3 and not jotting:
                continue
            if NOT_NOW.search(text[:start].removesuffix("a ").removesuffix("as ")):
                continue
            first = bool(re.search(r"\b(?:I|I'm|i'm|im|I’m|my|i)\b[^,.;]{0,30}$", text[:start])) or no == 0
            first = first or bool(re.search(r"\b(?:I am|I'm|I’m)\b", text[:start]))
            clause = max(text.rfind(mark, 0, match.start() + 1) for mark in ",;/|") + 1 if no == 3 else 0
            if (
                not first
                and not answers
                and _about_other(text[clause:], start - clause, third_person=third_person)
            ):
                continue
            if not first and not third_person and not answers and not jotting and start > 3:
                continue
            lead = JOB_LEAD.match(match["value"])
            start += lead.end() if lead else 0
            yield Clue("occupation", text[start:end], start, end, sureness)


def _education(text: str, *, third_person: bool) -> Iterator[Clue]:
    for sureness, pattern in SCHOOL:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            head = text[:start]
            if _about_other(text, start, third_person=third_person) or re.search(
                r"\b(?:was|were|when|since|back in|met in|want to|my \w+ is)\b[\w\s]{0,14}$", head
            ):
                continue
            lead = re.match(r"\s*(?:in|a|an)?\s*(?:my|the|her|his)?\s*", match["value"])
            start += lead.end() if lead else 0
            yield Clue("education", text[start:end], start, end, sureness)


def _marital(text: str, *, third_person: bool) -> Iterator[Clue]:
    noted = WIDOWED_NOTED.search(text) if third_person else None
    if noted is not None:
        yield Clue("marital", "widowed", *noted.span("words" if noted["words"] else "words2"), 4)
    for value, sureness, pattern in MARITAL:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if sureness >= 3 and MARITAL_NOT.search(text[: match.start()] + " "):
                continue
            if re.search(r"\b(?:not|to get|get|if|to be|as|be|become|future|want)\s+$", text[:start]):
                continue
            if sureness == 3 and not third_person and _about_other(text, start, third_person=third_person):
                continue
            shown = value or _marital_value(match["value"])
            yield Clue("marital", shown, start, end, sureness)


def _marital_value(words: str) -> str:
    if re.search(r"\b(?:died|passed|late|deceased)\b", words):
        return "widowed"
    if MARRIED_BY.match(words):
        return "married"
    partner = PARTNER.match(words)
    if partner:
        return "engaged" if partner[1].lower().startswith("fianc") else f"has a {partner[1].lower()}"
    return re.sub(r"^(?:my|our|I(?:'m| am|’m| have been|'ve been)?)\s+", "", words)

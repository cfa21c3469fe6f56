"""What stands beside a consultation: signs of risk, similar cases, and what would leave the practice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.risk.signs import Sign, Standing
from phyassist.lm.outside import Leaving
from phyassist.services.risk import Guide
from phyassist.services.similar import PublishedCase, SimilarCase
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class RiskMark:
    """The flag at a patient's head; `state` is empty where nothing was heard."""

    template: ClassVar[str] = "_risk_mark.html"
    w: Words
    state: str
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class SignView:
    kind: str
    standing: str
    start: int
    end: int
    before: str = field(repr=False)
    quote: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KindView:
    name: str
    raised: bool
    signs: tuple[SignView, ...]
    questions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RiskFragment:
    template: ClassVar[str] = "_risk.html"
    w: Words
    consultation_id: str
    kinds: tuple[KindView, ...]
    contacts: tuple[tuple[str, str], ...]
    own_contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    href: str
    themes: tuple[str, ...]
    shared: tuple[str, ...] = field(repr=False)
    question: str = field(repr=False)
    symptom_type: str = field(repr=False)
    tried: tuple[str, ...] = field(repr=False)
    later: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishedView:
    """A published case: its question, its answer, the document that it stands in, and why it is shown."""

    href: str
    themes: tuple[str, ...]
    shared: tuple[str, ...] = field(repr=False)
    question: str = field(repr=False)
    text: str = field(repr=False)
    title: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SimilarFragment:
    template: ClassVar[str] = "_similar.html"
    w: Words
    cases: tuple[CaseView, ...]
    published: tuple[PublishedView, ...]


@dataclass(frozen=True, slots=True)
class LeavingFragment:
    """`host` is empty where the model is the practice's own and nothing leaves."""

    template: ClassVar[str] = "_leaving.html"
    w: Words
    host: str
    allowed: bool
    counts: tuple[tuple[str, int], ...]
    text: str = field(repr=False)


def view_mark(guide: Guide | None, patient_id: str, w: Words) -> RiskMark:
    if guide is None or not guide.signs:
        return RiskMark(w, "", "", "")
    state = "raised" if guide.is_raised else "quiet"
    kinds = w("risk.and").join(w(f"risk.kind.{kind}") for kind, _ in guide.questions)
    href = f"/patients/{patient_id}/consultations/{guide.consultation_id}?open=risk"
    return RiskMark(w, state, w(f"risk.mark_{state}", kinds=kinds), href)


def view_risk(guide: Guide, w: Words) -> RiskFragment:
    kinds = []
    for kind, questions in guide.questions:
        signs = tuple(_view_sign(sign, w) for sign in guide.signs if sign.kind == kind)
        raised = any(sign.standing == Standing.PRESENT for sign in guide.signs if sign.kind == kind)
        asked = tuple((question.text, question.source) for question in questions)
        kinds.append(KindView(w(f"risk.kind.{kind}"), raised, signs, asked))
    contacts = tuple((contact.number, contact.what) for contact in guide.contacts)
    return RiskFragment(w, guide.consultation_id or "", tuple(kinds), contacts, guide.own_contacts)


def _view_sign(sign: Sign, w: Words) -> SignView:
    at, end = sign.span.start - sign.sentence.start, sign.span.end - sign.sentence.start
    return SignView(
        sign.kind,
        w(f"risk.standing.{sign.standing}"),
        sign.span.start,
        sign.span.end,
        sign.words[:at],
        sign.words[at:end],
        sign.words[end:],
    )


def view_similar(
    cases: tuple[SimilarCase, ...], published: tuple[PublishedCase, ...], w: Words
) -> SimilarFragment:
    return SimilarFragment(
        w,
        tuple(
            CaseView(
                f"/patients/{case.patient_id}/notes?note={case.note_id}#note-{case.note_id}",
                tuple(w(f"similar.theme.{theme}") for theme in case.themes),
                case.shared,
                case.question,
                case.symptom_type,
                case.tried,
                case.later,
            )
            for case in cases
        ),
        tuple(
            PublishedView(
                f"/library/{case.passage.document.id}?at={case.passage.no}",
                tuple(w(f"similar.theme.{theme}") for theme in case.themes),
                case.shared,
                case.passage.heading,
                case.passage.text,
                case.passage.document.title,
            )
            for case in published
        ),
    )


def view_leaving(leaving: Leaving | None, w: Words, *, allowed: bool) -> LeavingFragment:
    if leaving is None:
        return LeavingFragment(w, "", False, (), "")
    counts = tuple((w(f"leaving.kind.{kind}"), count) for kind, count in sorted(leaving.counts.items()))
    return LeavingFragment(w, leaving.host, allowed, counts, "\n\n".join(leaving.texts))

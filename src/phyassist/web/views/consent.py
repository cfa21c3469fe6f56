"""Consent on the page: what counts, what was ever answered, the form to sign, and the quiet line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.consents import Consent, Purpose, Standing
from phyassist.services.consent import Consents
from phyassist.services.patients import PatientFile
from phyassist.web.desk import Desk
from phyassist.web.views.consultation import view_head
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words

LAWS: dict[str, tuple[str, ...]] = {"cn": ("law_cn",), "other": ("law_eu", "law_us")}


@dataclass(frozen=True, slots=True)
class PurposeView:
    """`state` is yes, no or open."""

    name: str
    state: str
    on: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    purpose: str
    answer: str
    signed: str
    recorded: str = field(repr=False)
    remark: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentPage:
    template: ClassVar[str] = "consent.html"
    w: Words
    frame: Frame
    head: PatientHead
    purposes: tuple[PurposeView, ...]
    history: tuple[AnswerView, ...]
    today: str
    said: str
    problem: str
    remark: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentForm:
    """A sheet to print; `model` is empty where none is there, `local` says that it runs on this machine."""

    template: ClassVar[str] = "consent_form.html"
    w: Words
    theme: str
    patient_id: str
    name: str = field(repr=False)
    number: str = field(repr=False)
    counsellor: str = field(repr=False)
    model: str
    local: bool
    purposes: tuple[str, ...]
    laws: tuple[str, ...]
    date: str


def make_consent_page(
    desk: Desk,
    frame: Frame,
    file: PatientFile,
    consents: Consents,
    names: Mapping[str, str],
    *,
    said: str = "",
    problem: str = "",
    remark: str = "",
) -> ConsentPage:
    """`names` are those of the people who recorded answers, by id."""
    return ConsentPage(
        w=desk.w,
        frame=frame,
        head=view_head(file, desk),
        purposes=tuple(view_standing(standing) for standing in consents.standings),
        history=tuple(view_answer(one, desk, names) for one in consents.history),
        today=desk.when.date(desk.house.clock()),
        said=said,
        problem=problem,
        remark=remark,
    )


def view_standing(standing: Standing) -> PurposeView:
    last = standing.last
    if last is None:
        return PurposeView(standing.purpose.value, "open", "")
    return PurposeView(standing.purpose.value, last.answer.value, last.on.isoformat())


def view_answer(one: Consent, desk: Desk, names: Mapping[str, str]) -> AnswerView:
    w = desk.w
    signer = w(f"consent.by_{one.signed_by.value}")
    name = names.get(one.recorded_by) or w("consent.somebody")
    return AnswerView(
        w(f"consent.purpose.{one.purpose.value}"),
        one.answer.value,
        w("consent.line_signed", on=one.on.isoformat(), signer=signer),
        w("consent.line_recorded", at=desk.when.moment(one.recorded_at), name=name),
        one.remark,
    )


def make_form(desk: Desk, w: Words, file: PatientFile, model: str, *, local: bool) -> ConsentForm:
    """The form in a language of its own: the client's, whatever the counsellor's pages speak."""
    return ConsentForm(
        w=w,
        theme="light",
        patient_id=file.patient.id,
        name=file.patient.name,
        number=file.patient.number,
        counsellor=desk.by.counsellor.name,
        model=model,
        local=local,
        purposes=tuple(purpose.value for purpose in Purpose),
        laws=LAWS[desk.practice.jurisdiction],
        date=desk.when.date(desk.house.clock()),
    )

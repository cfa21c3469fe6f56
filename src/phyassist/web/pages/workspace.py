"""The workspace with nobody chosen, finding, the practice's settings, and the sign of life."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.practice import ClientWord
from phyassist.errors import BadInput, ModelError, UnknownName
from phyassist.lm.outside import Outside
from phyassist.services.patients import list_patients
from phyassist.services.practice import is_set_up, save_practice_settings
from phyassist.services.risk import REGIONS
from phyassist.services.searching import find
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.house import get_house
from phyassist.web.pages.choices import set_language, set_theme
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.sought import Looked, open_words, show_sought
from phyassist.web.views.frame import WelcomePage, make_frame
from phyassist.web.views.people import FoundFragment, FoundPage, PracticePage, RailFragment, view_found

router = APIRouter(route_class=PageRoute)
CLIENT_WORDS: tuple[ClientWord, ...] = ("client", "seeker", "patient")


class PracticeForm(BaseModel):
    language: Language
    theme: str
    client_word: ClientWord
    jurisdiction: Jurisdiction
    idle_lock_min: int
    hide_names: str = ""
    outside_servers: str = ""
    crisis_region: Literal["", "cn", "us", "gb", "eu", "other"] = ""
    crisis_contacts: Annotated[str, Field(max_length=2000)] = ""


@router.get("/alive")
def show_alive(request: Request, store: str = "") -> Response:
    """Needs no login and keeps none awake.  With `store`, only where the database answers too."""
    if store:
        is_set_up(get_house(request).store)
    return PlainTextResponse("alive")


@router.get("/")
def show_workspace(request: Request) -> Response:
    if not is_set_up(get_house(request).store):
        return RedirectResponse("/setup", 303)
    return RedirectResponse("/patients", 303)


@router.get("/patients")
def show_welcome(desk: AtDesk) -> Response:
    rows = list_patients(desk.house.store, desk.by)
    return render(WelcomePage(desk.w, make_frame(desk, rows)))


@router.post("/find")
def find_words(request: Request, desk: AtDesk, words: Looked = "") -> Response:
    """While somebody types, what the rail shows; of a form that was sent, the page."""
    if request.headers.get("hx-request") != "true":
        return show_sought(desk.by, "/find", words)
    store, by = desk.house.store, desk.by
    if not words.strip():
        return render(RailFragment(desk.w, make_frame(desk, list_patients(store, by))))
    return render(FoundFragment(desk.w, view_found(find(store, by, words), desk)))


@router.get("/find")
def show_found(desk: AtDesk, sought: str = "") -> Response:
    store, by = desk.house.store, desk.by
    found = view_found(find(store, by, open_words(by, sought)), desk)
    return render(FoundPage(desk.w, make_frame(desk, list_patients(store, by)), found))


@router.get("/practice")
def show_practice(desk: AtDesk, said: str = "") -> Response:
    known = {"saved": desk.w("practice.saved")}
    return render(make_practice_page(desk, known.get(said, "")))


@router.post("/practice")
def save_practice(request: Request, desk: AtDesk, form: Annotated[PracticeForm, Form()]) -> Response:
    # What other pages of the practice settle stays as it is.
    settings = replace(
        desk.practice,
        language=form.language,
        jurisdiction=form.jurisdiction,
        idle_lock_min=form.idle_lock_min,
        client_word=form.client_word,
        hide_names=bool(form.hide_names),
        outside_servers=bool(form.outside_servers),
        crisis_region=form.crisis_region,
        crisis_contacts=form.crisis_contacts.replace("\r\n", "\n").strip(),
    )
    try:
        save_practice_settings(desk.house.store, desk.by, settings)
    except BadInput as error:
        return render(make_practice_page(desk, "", describe(desk.w, error)), status=422)
    response = set_language(request, RedirectResponse("/practice?said=saved", 303), form.language)
    return set_theme(request, response, form.theme)


def make_practice_page(desk: Desk, said: str, problem: str = "") -> PracticePage:
    name, context_tokens, host = describe_model(desk)
    return PracticePage(
        w=desk.w,
        frame=make_frame(desk, list_patients(desk.house.store, desk.by), tab="practice"),
        jurisdiction=desk.practice.jurisdiction,
        client_word=desk.practice.client_word,
        client_words=tuple((word, desk.w(f"client.{word}")) for word in CLIENT_WORDS),
        idle_lock_min=desk.practice.idle_lock_min,
        model=name,
        context_tokens=context_tokens,
        host=host,
        outside_servers=desk.practice.outside_servers,
        crisis_region=desk.practice.crisis_region,
        crisis_contacts=desk.practice.crisis_contacts,
        regions=tuple((region, desk.w(f"practice.region_{region or 'auto'}")) for region in ("", *REGIONS)),
        said=said,
        problem=problem,
    )


def describe_model(desk: Desk) -> tuple[str, int, str]:
    """Name and reach of the model in use, and where it listens if outside; no name where there is none."""
    try:
        model = desk.house.model()
    except (ModelError, UnknownName):
        return "", 0, ""
    host = model.host if isinstance(model, Outside) else ""
    return model.name, model.context_tokens, host

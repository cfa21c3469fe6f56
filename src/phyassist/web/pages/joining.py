"""Joining a practice with a one-time code."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.people import Language
from phyassist.errors import BadInput, TooManyTries, WeakPassphrase, WrongPassphrase
from phyassist.services.people import join, look_at_invitation
from phyassist.web.faults import PageRoute
from phyassist.web.house import get_house, get_theme, get_words
from phyassist.web.pages.choices import set_language
from phyassist.web.pages.entrance import check_same, describe, sign_browser_in
from phyassist.web.render import render
from phyassist.web.views.entrance import JoinPage
from phyassist.web.when import make_zone

router = APIRouter(route_class=PageRoute)


class JoinForm(BaseModel):
    code: str = Field(repr=False)
    name: str = Field(repr=False)
    passphrase: str = Field(repr=False)
    again: str = Field(repr=False)
    language: Language
    zone: str = ""
    role: str = ""


@router.get("/join")
def show_join(request: Request) -> Response:
    return render(JoinPage(get_words(request), get_theme(request), ""))


@router.post("/join/look")
def show_invitation(request: Request, code: Annotated[str, Form()]) -> Response:
    w, theme = get_words(request), get_theme(request)
    try:
        found = look_at_invitation(get_house(request).store, code=code)
    except WrongPassphrase:
        return render(JoinPage(w, theme, code, problem=w("join.wrong")), status=403)
    except TooManyTries as error:
        return render(JoinPage(w, theme, code, problem=describe(w, error)), status=429)
    return render(JoinPage(w, theme, code, w(f"role.{found.role.value}"), found.name))


@router.post("/join")
def do_join(request: Request, form: Annotated[JoinForm, Form()]) -> Response:
    house, w = get_house(request), get_words(request)
    try:
        check_same(form.passphrase, form.again)
        by = join(
            house.store,
            code=form.code,
            name=form.name,
            passphrase=form.passphrase,
            language=form.language,
            zone=make_zone(form.zone or house.zone).key,
        )
    except WrongPassphrase:
        return render(JoinPage(w, get_theme(request), "", problem=w("join.wrong")), status=403)
    except (BadInput, WeakPassphrase, TooManyTries) as error:
        said = describe(w, error)
        page = JoinPage(w, get_theme(request), form.code, form.role, form.name, said)
        return render(page, status=422)
    response = set_language(request, RedirectResponse("/", 303), form.language)
    return sign_browser_in(request, response, by)

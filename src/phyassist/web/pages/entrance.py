"""Set-up, unlock, lock, recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.people import Jurisdiction, Language
from phyassist.errors import BadInput, PhyAssistError, TooManyTries, WeakPassphrase, WrongPassphrase
from phyassist.services.practice import end_login, is_set_up, open_login, recover, set_up, sign_in
from phyassist.web.desk import drop_login, say_origin, set_login
from phyassist.web.faults import PageRoute, make_fault
from phyassist.web.house import get_house, get_login, get_theme, get_words
from phyassist.web.pages.choices import own_path, set_language
from phyassist.web.render import render
from phyassist.web.views.entrance import RecoverPage, RecoveryKeyPage, SetupPage, UnlockPage
from phyassist.web.when import When, make_zone
from phyassist.web.wording import Words, make_words

if TYPE_CHECKING:
    from phyassist.store.people import SignedIn

router = APIRouter(route_class=PageRoute)


class SetupForm(BaseModel):
    name: str = Field(repr=False)
    passphrase: str = Field(repr=False)
    again: str = Field(repr=False)
    language: Language
    jurisdiction: Jurisdiction
    zone: str = ""


class RecoverForm(BaseModel):
    recovery_key: str = Field(repr=False)
    passphrase: str = Field(repr=False)
    again: str = Field(repr=False)


@router.get("/setup")
def show_setup(request: Request) -> Response:
    house = get_house(request)
    if is_set_up(house.store):
        return RedirectResponse("/", 303)
    return render(SetupPage(get_words(request), get_theme(request), "", house.jurisdiction, ""))


@router.post("/setup")
def do_setup(request: Request, form: Annotated[SetupForm, Form()]) -> Response:
    house, w = get_house(request), make_words(form.language)
    try:
        check_same(form.passphrase, form.again)
        done = set_up(
            house.store,
            name=form.name,
            passphrase=form.passphrase,
            language=form.language,
            jurisdiction=form.jurisdiction,
            zone=make_zone(form.zone or house.zone).key,
        )
    except (BadInput, WeakPassphrase) as error:
        page = SetupPage(w, get_theme(request), form.name, form.jurisdiction, describe(w, error))
        return render(page, status=422)
    return show_recovery_key(request, w, done.recovery_key.reveal_text(), done.signed_in)


def show_recovery_key(request: Request, w: Words, recovery_key: str, by: SignedIn) -> Response:
    """The only time that the key is shown; the browser is signed in from here on."""
    house = get_house(request)
    when = When(make_zone(by.counsellor.zone), w, house.clock())
    page = RecoveryKeyPage(w, get_theme(request), recovery_key, by.counsellor.name, when.date(house.clock()))
    response = set_language(request, render(page), w.language)
    return sign_browser_in(request, response, by)


@router.get("/unlock")
def show_unlock(request: Request, next: str = "/") -> Response:
    if not is_set_up(get_house(request).store):
        return RedirectResponse("/setup", 303)
    return render(UnlockPage(get_words(request), get_theme(request), own_path(next), ""))


@router.post("/unlock")
def do_unlock(
    request: Request,
    passphrase: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",
) -> Response:
    house = get_house(request)
    as_json = "application/json" in request.headers.get("accept", "")
    try:
        by = sign_in(house.store, passphrase=passphrase, origin=say_origin(request))
    except (WrongPassphrase, TooManyTries) as error:
        if as_json:
            raise
        w = get_words(request)
        problem = describe(w, error)
        return render(UnlockPage(w, get_theme(request), own_path(next), problem), status=403)
    response = JSONResponse({}) if as_json else RedirectResponse(own_path(next), 303)
    return sign_browser_in(request, response, by)


def sign_browser_in(request: Request, response: Response, by: SignedIn) -> Response:
    """A login that nobody knew before; the one that the browser came with, whoever put it there, ends."""
    end_login_of(request)
    return set_login(request, response, open_login(get_house(request).store, by).reveal_text())


@router.post("/lock")
def do_lock(request: Request) -> Response:
    end_login_of(request)
    as_json = "application/json" in request.headers.get("accept", "")
    response = JSONResponse({}) if as_json else RedirectResponse("/unlock", 303)
    return drop_login(request, response)


def end_login_of(request: Request) -> None:
    cookie = get_login(request)
    if cookie:
        end_login(get_house(request).store, cookie)


@router.get("/recover")
def show_recover(request: Request) -> Response:
    return render(RecoverPage(get_words(request), get_theme(request), ""))


@router.post("/recover")
def do_recover(request: Request, form: Annotated[RecoverForm, Form()]) -> Response:
    house, w = get_house(request), get_words(request)
    try:
        check_same(form.passphrase, form.again)
        by = recover(
            house.store,
            recovery_key=form.recovery_key,
            new_passphrase=form.passphrase,
            origin=say_origin(request),
        )
    except WrongPassphrase:
        return render(RecoverPage(w, get_theme(request), w("recover.wrong")), status=403)
    except (BadInput, WeakPassphrase, TooManyTries) as error:
        return render(RecoverPage(w, get_theme(request), describe(w, error)), status=422)
    return sign_browser_in(request, RedirectResponse("/", 303), by)


class Differ(BadInput):
    """The two fields for one passphrase hold different text."""

    code = "PA-DIFFER"


def check_same(passphrase: str, again: str) -> None:
    if passphrase != again:
        raise Differ("the two passphrases are not the same")


def describe(w: Words, error: PhyAssistError) -> str:
    if isinstance(error, Differ):
        return w("setup.differ")
    fault = make_fault(w, error)
    return f"{fault.what} {fault.next}"

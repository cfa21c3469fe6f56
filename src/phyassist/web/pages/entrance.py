"""Set-up, unlock, lock, recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.people import CounsellorId, Jurisdiction, Language
from phyassist.errors import (
    BadInput,
    CodeNeeded,
    NameNeeded,
    NotAllowed,
    NotFound,
    PhyAssistError,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.services.practice import (
    end_login,
    is_set_up,
    needs_code,
    needs_name,
    open_login,
    recover,
    set_up,
    sign_in,
)
from phyassist.services.sharing import take_up
from phyassist.web.browsers import say_browser
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


class UnlockForm(BaseModel):
    """`who` is the id of the account that a privacy screen covers; a page of its own asks for a name."""

    passphrase: str = Field(repr=False)
    next: str = "/"
    name: str = Field(default="", repr=False)
    code: str = Field(default="", repr=False)
    who: str = ""


class RecoverForm(BaseModel):
    name: str = Field(default="", repr=False)
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
    return render(make_unlock_page(request, next))


@router.post("/unlock")
def do_unlock(request: Request, form: Annotated[UnlockForm, Form()]) -> Response:
    as_json = "application/json" in request.headers.get("accept", "")
    try:
        by = sign_in(
            get_house(request).store,
            passphrase=form.passphrase,
            counsellor_id=CounsellorId(form.who) if form.who else None,
            name=form.name,
            code=form.code,
            origin=say_origin(request),
        )
    except (WrongPassphrase, CodeNeeded, TooManyTries, NameNeeded, NotAllowed) as error:
        if as_json:
            raise
        problem = describe(get_words(request), error)
        return render(make_unlock_page(request, form.next, problem, form.name), status=403)
    response = JSONResponse({}) if as_json else RedirectResponse(own_path(form.next), 303)
    return sign_browser_in(request, response, by)


def make_unlock_page(request: Request, next: str, problem: str = "", name: str = "") -> UnlockPage:
    w, store = get_words(request), get_house(request).store
    asks_name, asks_code = needs_name(store), needs_code(store)
    return UnlockPage(w, get_theme(request), own_path(next), problem, asks_name, asks_code, name)


def sign_browser_in(request: Request, response: Response, by: SignedIn) -> Response:
    """A login that nobody knew before; the one that the browser came with, whoever put it there, ends."""
    store = get_house(request).store
    end_login_of(request)
    take_up(store, by)
    browser = say_browser(request.headers.get("user-agent", ""))
    return set_login(request, response, open_login(store, by, browser=browser).reveal_text())


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
    asks_name = needs_name(get_house(request).store)
    return render(RecoverPage(get_words(request), get_theme(request), "", asks_name))


@router.post("/recover")
def do_recover(request: Request, form: Annotated[RecoverForm, Form()]) -> Response:
    house, w = get_house(request), get_words(request)
    try:
        check_same(form.passphrase, form.again)
        by = recover(
            house.store,
            recovery_key=form.recovery_key,
            new_passphrase=form.passphrase,
            name=form.name,
            origin=say_origin(request),
        )
    except (BadInput, WeakPassphrase, WrongPassphrase, TooManyTries, NotFound, NotAllowed) as error:
        wrong = isinstance(error, WrongPassphrase)
        said = w("recover.nobody") if isinstance(error, NotFound) else describe(w, error)
        said = w("recover.wrong") if wrong else said
        page = RecoverPage(w, get_theme(request), said, needs_name(house.store), form.name)
        return render(page, status=403 if wrong else 422)
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

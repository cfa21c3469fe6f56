"""Who is at work: the signed-in counsellor with the practice's settings, in the language of the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from phyassist.domain.practice import PracticeSettings
from phyassist.errors import Locked
from phyassist.services.practice import enter_workspace
from phyassist.web.house import (
    House,
    get_house,
    get_login,
    get_theme,
    get_words,
    is_sealed,
    name_login,
)
from phyassist.web.when import When, make_zone
from phyassist.web.wording import Words

if TYPE_CHECKING:
    from phyassist.store.people import SignedIn


@dataclass(frozen=True, slots=True)
class Desk:
    house: House
    by: SignedIn
    practice: PracticeSettings
    w: Words
    theme: str
    when: When


def get_desk(request: Request) -> Desk:
    """Raises Locked where the browser has no login, or one that has been idle for too long."""
    known = getattr(request.state, "desk", None)
    return known if isinstance(known, Desk) else _make_desk(request, touch=True)


def get_unattended_desk(request: Request) -> Desk:
    """The desk of what a page asks by itself: it keeps no login awake.  Raises Locked as `get_desk` does."""
    return _make_desk(request, touch=False)


def _make_desk(request: Request, *, touch: bool) -> Desk:
    house = get_house(request)
    cookie = get_login(request)
    if not cookie:
        raise Locked("nobody is signed in", hint="give the passphrase")
    by, practice = enter_workspace(house.store, cookie, touch=touch)
    by = replace(by, origin=say_origin(request, by.login_id))
    w = get_words(request, practice.language, practice.client_word)
    when = When(make_zone(by.counsellor.zone), w, house.clock())
    return Desk(house, by, practice, w, get_theme(request), when)


def say_origin(request: Request, login_id: str = "") -> str:
    """From where, for the audit: the web, which login, and what kind of address; never the address itself."""
    return " ".join(part for part in ("web", login_id, _kind_of_address(request)) if part)


def _kind_of_address(request: Request) -> str:
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown-address"
    if address.is_loopback:
        return "this-computer"
    return "local-network" if address.is_private else "internet"


AtDesk = Annotated[Desk, Depends(get_desk)]
AtUnattendedDesk = Annotated[Desk, Depends(get_unattended_desk)]


def set_login(request: Request, response: Response, secret: str) -> Response:
    """The login's cookie: out of reach for scripts, never sent from another site, gone with the browser."""
    response.set_cookie(
        name_login(request), secret, httponly=True, samesite="strict", secure=is_sealed(request), path="/"
    )
    return response


def drop_login(request: Request, response: Response) -> Response:
    response.delete_cookie(
        name_login(request), path="/", httponly=True, samesite="strict", secure=is_sealed(request)
    )
    return response

"""Language and theme: kept in cookies of their own, so that the unlock page has them too."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.web.faults import PageRoute
from phyassist.web.house import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, is_sealed
from phyassist.web.wording import LANGUAGES

router = APIRouter(route_class=PageRoute)
YEAR_S = 365 * 24 * 3600


@router.post("/language")
def choose_language_of_pages(request: Request, language: Annotated[str, Form()]) -> Response:
    response = RedirectResponse(back_to(request), 303)
    return set_language(request, response, language) if language in LANGUAGES else response


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[str, Form()]) -> Response:
    response = RedirectResponse(back_to(request), 303)
    return set_theme(request, response, theme) if theme in THEMES else response


def set_language(request: Request, response: Response, language: str) -> Response:
    return keep(request, response, LANGUAGE_COOKIE, language)


def set_theme(request: Request, response: Response, theme: str) -> Response:
    return keep(request, response, THEME_COOKIE, theme)


def keep(request: Request, response: Response, name: str, value: str) -> Response:
    response.set_cookie(
        name, value, max_age=YEAR_S, samesite="strict", httponly=True, secure=is_sealed(request)
    )
    return response


def back_to(request: Request) -> str:
    """The page that the form was on; pages that answer to posts alone lead to the workspace."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    return own_path(parts.path + (f"?{parts.query}" if parts.query else ""))


def own_path(path: str) -> str:
    """A path of this site; anything that would lead elsewhere becomes the workspace."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    # Browsers drop tabs and line ends, and take a backslash for a slash; no address of ours holds any.
    strange = "\\" in path or any(sign <= " " for sign in path)
    is_own = path.startswith("/") and not path.startswith("//") and not parts.netloc and not parts.scheme
    return path if is_own and not strange else "/"

"""Language and theme: kept in cookies of their own, so that the unlock page has them too."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.web.faults import PageRoute
from phyassist.web.house import LANGUAGE_COOKIE, THEME_COOKIE, THEMES
from phyassist.web.wording import LANGUAGES

router = APIRouter(route_class=PageRoute)
YEAR_S = 365 * 24 * 3600


@router.post("/language")
def choose_language_of_pages(request: Request, language: Annotated[str, Form()]) -> Response:
    response = RedirectResponse(back_to(request), 303)
    return set_language(response, language) if language in LANGUAGES else response


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[str, Form()]) -> Response:
    response = RedirectResponse(back_to(request), 303)
    return set_theme(response, theme) if theme in THEMES else response


def set_language(response: Response, language: str) -> Response:
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="strict", httponly=True)
    return response


def set_theme(response: Response, theme: str) -> Response:
    response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_S, samesite="strict", httponly=True)
    return response


def back_to(request: Request) -> str:
    """The page that the form was on; pages that answer to posts alone lead to the workspace."""
    parts = urlsplit(request.headers.get("referer", ""))
    return parts.path + (f"?{parts.query}" if parts.query else "") if parts.path else "/"

"""What every page works with: the store, the model, the clock, and the plain values of this installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from phyassist.domain.clock import Clock
from phyassist.domain.people import Jurisdiction
from phyassist.lm.protocol import LanguageModel
from phyassist.web.sse import Stops
from phyassist.web.wording import Words, choose_language, make_words

if TYPE_CHECKING:
    from phyassist.store.transactions import Store

THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "phyassist_language"
THEME_COOKIE = "phyassist_theme"
LOGIN_COOKIE = "phyassist_login"


@dataclass(frozen=True, slots=True)
class House:
    """`model` gives the open language model; it raises ModelMissing or UnknownName where there is none."""

    store: Store
    model: Callable[[], LanguageModel]
    clock: Clock
    language: str
    jurisdiction: Jurisdiction
    upload_bytes_max: int
    zone: str
    secure_cookie: bool = False
    stops: Stops = field(default_factory=Stops)


def get_house(request: Request) -> House:
    return cast(House, request.app.state.house)


def get_words(request: Request, default: str = "", client_word: str = "") -> Words:
    said = request.cookies.get(LANGUAGE_COOKIE, "") or default
    accepts = request.headers.get("accept-language", "")
    return make_words(choose_language(said, accepts, get_house(request).language), client_word)


def get_theme(request: Request) -> str:
    said = request.cookies.get(THEME_COOKIE, "auto")
    return said if said in THEMES else "auto"

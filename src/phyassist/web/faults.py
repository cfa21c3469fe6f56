"""The one place where an error becomes a page, a fragment, an event or a line of JSON.

An expected error says what happened and what to do, in the reader's language.  An unexpected one shows a
number to quote; the log gets that number, the kinds of error and the lines of code, never a value or a
message, since either may hold what a patient said.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from phyassist.domain.clock import new_id
from phyassist.errors import (
    AlreadySetUp,
    BadInput,
    ChangedMeanwhile,
    CodeNeeded,
    KeysChanged,
    Locked,
    ModelError,
    NotAllowed,
    NotFound,
    NotSetUp,
    NotYourPatient,
    PhyAssistError,
    ReadOnly,
    StoreClosed,
    StoreFull,
    StoreUnusable,
    TextTooLong,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.web.desk import get_desk
from phyassist.web.guard import READING
from phyassist.web.house import get_theme, get_words
from phyassist.web.render import render, render_text
from phyassist.web.sse import Bit, Bits
from phyassist.web.wording import Words

log = logging.getLogger("phyassist.web")

STATUS: tuple[tuple[type[PhyAssistError], int], ...] = (
    (NotFound, 404),
    (ReadOnly, 403),
    (NotYourPatient, 404),
    (ChangedMeanwhile, 409),
    (StoreFull, 507),
    (TooManyTries, 429),
    (WrongPassphrase, 403),
    (CodeNeeded, 403),
    (KeysChanged, 409),
    (Locked, 401),
    (NotSetUp, 401),
    (AlreadySetUp, 409),
    (WeakPassphrase, 422),
    (StoreClosed, 503),
    (StoreUnusable, 503),
    (NotAllowed, 403),
    (BadInput, 422),
    (ModelError, 503),
)
# After so long a page tries again by itself to save what could not be saved.
RETRY_AFTER_S = 2
# A long text as a form sends it: three bytes for a sign of Chinese, each of them written as %E5.
FORM_TEXT_BYTES_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the reader's words.  `number` is empty for an expected one."""

    code: str
    status: int
    what: str
    next: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class FaultPage:
    template: ClassVar[str] = "fault.html"
    w: Words
    theme: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class FaultAlert:
    template: ClassVar[str] = "_alert.html"
    w: Words
    fault: Fault
    oob: bool = False


class PageRequest(Request):
    """A request whose form may hold one whole consultation in one field, and no more than a page sends."""

    def form(
        self,
        *,
        max_files: float = 20,
        max_fields: float = 1000,
        max_part_size: int = FORM_TEXT_BYTES_MAX,
    ) -> Any:
        return super().form(max_files=max_files, max_fields=max_fields, max_part_size=max_part_size)


class PageRoute(APIRoute):
    """Every route of the pages: whatever it raises is answered here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        needs_desk = _asks_for(self.dependant, get_desk)

        async def answer(request: Request) -> Response:
            try:
                if needs_desk and request.method not in READING:
                    # Before the body is read: a stranger cannot have us take in a file.
                    request.state.desk = await run_in_threadpool(get_desk, request)
                return await handle(PageRequest(request.scope, request.receive))
            except Exception as error:  # noqa: BLE001 - the web's one hook: nothing may reach the server's own log
                return answer_fault(request, error)

        return answer


def _asks_for(dependant: Dependant, call: Callable[..., Any]) -> bool:
    return dependant.call is call or any(_asks_for(each, call) for each in dependant.dependencies)


def answer_fault(request: Request, error: Exception) -> Response:
    """The reply to a request that failed, in the form that the reader asked for."""
    fault = make_fault(get_words(request), error)
    if fault.status == 413 and request.headers.get("content-type", "").startswith("multipart/"):
        # It was turned away while it arrived, and no route has seen that it was a file.
        large = make_fault(get_words(request), TextTooLong("the body is too large", reason="large"))
        fault = replace(large, status=413)
    later = {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, StoreClosed | StoreUnusable) else {}
    fragment = request.headers.get("hx-request") == "true"
    as_json = "application/json" in request.headers.get("accept", "")
    if isinstance(error, Locked | NotSetUp) and not fragment and not as_json:
        return RedirectResponse(f"/unlock?next={quote(_back_to(request))}", 303)
    if as_json:
        body = {"code": fault.code, "what": fault.what, "next": fault.next, "number": fault.number}
        return JSONResponse(body, fault.status, headers=later)
    if fragment:
        alert = FaultAlert(get_words(request), fault)
        place = {"HX-Retarget": "#alerts", "HX-Reswap": "innerHTML"}
        return render(alert, status=fault.status, headers=place | later)
    page = FaultPage(get_words(request), get_theme(request), fault)
    return render(page, status=fault.status, headers=later)


def answer_missing(request: Request, error: Exception) -> Response:
    """For addresses that no route knows, and methods that a route does not take."""
    return answer_fault(request, error)


def make_fault(w: Words, error: Exception) -> Fault:
    """The words for an error; writes the log line of an unexpected one."""
    if isinstance(error, PhyAssistError):
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        code = error.code
        if isinstance(error, NotYourPatient) and not isinstance(error, ReadOnly):
            # Whoever may not open a patient does not learn either that there is one.
            code = NotFound.code
        wait_s = error.wait_s if isinstance(error, TooManyTries) else 0
        own = (f"{kind}.{error.reason}" for kind in ("file", "why") if error.reason)
        place = next((each for each in own if w.has(f"{each}.what")), f"error.{code}")
        said = (w(f"{place}.{part}", wait_s=wait_s) for part in ("what", "next"))
        return Fault(code, status, *said)
    if isinstance(error, RequestValidationError):
        # FastAPI's own reply repeats the input; the names of the fields are enough to find a fault in a page.
        places = sorted({".".join(str(part) for part in each["loc"]) for each in error.errors()})
        log.warning("a request did not fit its form: %s", ", ".join(places)[:200])
        return Fault("PA-FORM", 422, w("error.PA-FORM.what"), w("error.PA-FORM.next"))
    if isinstance(error, HTTPException):
        code = {404: "PA-PAGE-NOT-FOUND", 413: "PA-TEXT-LONG"}.get(error.status_code, "PA-FORM")
        return Fault(code, error.status_code, w(f"error.{code}.what"), w(f"error.{code}.next"))
    number = new_id()[:8]
    log.error("unexpected fault %s: %s", number, describe_error(error))
    return Fault("PA-UNEXPECTED", 500, w("error.PA-UNEXPECTED.what"), w("error.PA-UNEXPECTED.next"), number)


def describe_error(error: BaseException) -> str:
    """Kinds of error and lines of code, down the chain of causes; no message and no value."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        frames = traceback.extract_tb(link.__traceback__)
        places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        parts.append(f"{type(link).__module__}.{type(link).__qualname__} at {places or 'no frame'}")
        link = link.__cause__ or link.__context__
    return " | because of ".join(parts)


def guard_bits(bits: Bits, w: Words, at_last: Callable[[], Iterator[Bit]]) -> Bits:
    """The same run, ending in words on the page where it would have raised; `at_last` sets the page right."""

    def guarded(stop: threading.Event) -> Iterator[Bit]:
        try:
            yield from bits(stop)
        except Exception as error:  # noqa: BLE001 - the same hook for streams, whose reply has begun already
            yield Bit(render_text(FaultAlert(w, make_fault(w, error), oob=True)))
            try:
                yield from at_last()
            except Exception as second:  # noqa: BLE001 - the first fault is shown; the page can be loaded anew
                make_fault(w, second)

    return guarded


def _back_to(request: Request) -> str:
    """The page to come back to after unlocking: this one, or the page that a form was on."""
    if request.method in ("GET", "HEAD"):
        return request.url.path
    return urlsplit(request.headers.get("referer", "")).path or "/"

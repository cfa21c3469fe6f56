"""What stands before every page: where a request comes from, how large it may be, the headers of each reply.

Nothing here knows who is signed in; it refuses what no page of ours would have sent.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phyassist.web.house import get_words
from phyassist.web.render import find_static

READING = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
# A form before sign-in holds a name and a passphrase; nobody unknown may have us hold more than this.
DOOR_BYTES_MAX = 65_536
DOORS = ("/setup", "/unlock", "/join", "/recover", "/lock", "/language", "/theme")
ALIVE = "/alive"
YEAR_S = 365 * 24 * 3600

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
UNUSED_FEATURES = (
    "camera",
    "microphone",
    "geolocation",
    "display-capture",
    "usb",
    "serial",
    "hid",
    "midi",
    "payment",
    "bluetooth",
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
}
TRANSPORT = f"max-age={YEAR_S}"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that a browser may use for this server.

    A foreign name that leads here is somebody else's page, which could read ours as its own.  An address in
    figures cannot be made to lead here by anybody else, so a server for other machines takes every one.
    """

    names: frozenset[str]
    any_address: bool = False

    def __contains__(self, host: str) -> bool:
        name = split_host(host)
        if name in self.names:
            return True
        return self.any_address and _is_address(name)


def make_hosts(listens_on: str, names: Iterable[str] = ()) -> Hosts:
    """`names` are what the practice calls the workspace; without any, what this machine is called."""
    own = {name.strip().lower() for name in names if name.strip()}
    if listens_on not in EVERYWHERE:
        return Hosts(frozenset({*LOOPBACK, listens_on.lower(), *own}))
    machine = socket.gethostname().lower()
    return Hosts(frozenset({*LOOPBACK, machine, f"{machine}.local", *own}), any_address=not own)


def split_host(host: str) -> str:
    """The name in a Host header, without port and brackets; empty for what is no name."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def choose_caching(path: str) -> str:
    """How long a browser may keep a reply: nothing of a patient, for ever what is named by its contents."""
    if path.startswith(f"{find_static()}/"):
        return "public, max-age=31536000, immutable"
    return "no-cache" if path.startswith("/static/") else "no-store"


class Guard:
    """Plain ASGI, since Starlette's own base class would hold streams back."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, body_bytes_max: int) -> None:
        self.app = app
        self.hosts = hosts
        self.body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caching = choose_caching(scope["path"])
        is_sealed = scope.get("scheme") == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = caching if message["status"] < 400 else "no-store"
                if is_sealed:
                    headers["Strict-Transport-Security"] = TRANSPORT
            await send(message)

        refusal = self.refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        bytes_max = (
            min(DOOR_BYTES_MAX, self.body_bytes_max) if is_door(scope["path"]) else self.body_bytes_max
        )
        await self.app(scope, limit_body(receive, Headers(scope=scope), bytes_max), send_with_headers)

    def refuse(self, scope: Scope) -> Response | None:
        """The answer to a request that no page of ours makes; None for all others."""
        headers = Headers(scope=scope)
        known = len(headers.getlist("host")) == 1 and headers["host"] in self.hosts
        # Whoever watches over many machines asks for the sign of life by the machine's address.
        if not known and scope["path"] != ALIVE:
            return say_refusal(scope, "name", 400)
        if scope["method"] in READING:
            if is_pulled_in(headers):
                return say_refusal(scope, "pulled_in", 403)
            return None
        if not is_own_page(headers, scope.get("scheme", "http")):
            return say_refusal(scope, "foreign_write", 403)
        return None


def say_refusal(scope: Scope, which: str, status: int) -> Response:
    """A sentence and no page: whoever meets it may have come by way of somebody else's."""
    return PlainTextResponse(get_words(Request(scope))(f"guard.{which}"), status)


def is_door(path: str) -> bool:
    return path.startswith(DOORS)


def is_pulled_in(headers: Headers) -> bool:
    """Whether another site's page asks for ours as a picture, a script or data; a link to it is welcome."""
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    return headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"


def is_own_page(headers: Headers, scheme: str) -> bool:
    """Browsers say where a write comes from; one that says nothing is refused as well."""
    site = headers.get("sec-fetch-site", "")
    if site and site != "same-origin":
        return False
    origin = headers.get("origin", "")
    if not origin:
        return site == "same-origin"
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # A page on the same name without TLS may have been written by anyone on the way.
    return parts.scheme == scheme and parts.netloc == headers.get("host", "")


def limit_body(receive: Receive, headers: Headers, bytes_max: int) -> Receive:
    """`receive`, but for a body over the limit, announced or not: it is refused while it arrives."""
    arrived = 0

    async def receive_some() -> Message:
        nonlocal arrived
        said = headers.get("content-length", "")
        if said.isdigit() and int(said) > bytes_max:
            raise HTTPException(413)
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > bytes_max:
            raise HTTPException(413)
        return message

    return receive_some

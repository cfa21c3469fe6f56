"""Counsellors at work: browsers that go from page to page of a running workspace at a human pace.

`records.py` starts the web processes and hands over the logins.  Each counsellor opens the list, a patient,
the notes, the record, the consultation, and types into the search box, one or two seconds apart; each page
comes from whichever process is next, with the styles and scripts that a browser would ask for again.
A page's time is from the click until the page and all of those are there.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

THINK_S = (1.0, 2.0)
WORDS = ("失眠", "母亲", "考试", "heart", "sleep", "灯塔", "篮球", "孙", "weekends she", "没有的词")
# What a browser fetches with a page; the scripts that a script asks for as well.
_PARTS = re.compile(r'(?:src|href)="(/static/[^"#]+)')
_IMPORTS = re.compile(r'(?:from|import) "(\./[^"]+)"')


@dataclass(frozen=True)
class Page:
    """One page load: which kind, when it began, how long it took in seconds, how many replies it was."""

    kind: str
    at_s: float
    took_s: float
    replies: int


@dataclass
class Seen:
    """What all counsellors saw together."""

    pages: list[Page] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    # Before the minute that counts: processes that have just started, browsers with nothing in their caches.
    first: list[Page] = field(default_factory=list)


@dataclass(frozen=True)
class Login:
    """A counsellor's cookie and the patients that belong to them."""

    cookie: str = field(repr=False)
    patient_ids: tuple[str, ...]


class Browser:
    """One counsellor's browser, with a cache as browsers have one."""

    def __init__(self, login: Login, bases: Sequence[str], seed: int, seen: Seen) -> None:
        self._login, self._bases, self._seen = login, bases, seen
        self._random = random.Random(seed)
        self._kept: dict[str, tuple[str, str]] = {}
        self._client = httpx.AsyncClient(
            timeout=30,
            limits=httpx.Limits(max_connections=6, max_keepalive_connections=6),
            headers={"Accept-Language": "zh", "Sec-Fetch-Site": "same-origin"},
            cookies={"phyassist_login": login.cookie},
        )

    async def work(self, began: float, until: float) -> None:
        await asyncio.sleep(self._random.uniform(0, THINK_S[1]))
        async with self._client:
            while time.perf_counter() < until:
                patient_id = self._random.choice(self._login.patient_ids)
                for kind, path in self._round(patient_id):
                    await self._open(kind, path, began)
                    await asyncio.sleep(self._random.uniform(*THINK_S))
                    if time.perf_counter() >= until:
                        return

    def _round(self, patient_id: str) -> list[tuple[str, str]]:
        word = self._random.choice(WORDS)
        return [
            ("list", "/patients"),
            ("patient", f"/patients/{patient_id}"),
            ("notes", f"/patients/{patient_id}/notes"),
            ("record", f"/patients/{patient_id}/record"),
            ("search", f"/find?q={word}"),
        ]

    async def _open(self, kind: str, path: str, began: float) -> None:
        base, started, replies = self._random.choice(self._bases), time.perf_counter(), 1
        try:
            headers = {"HX-Request": "true"} if kind == "search" else {}
            reply = await self._client.get(base + path, headers=headers, follow_redirects=True)
            if reply.status_code != 200:
                self._seen.failures.append(f"{kind}: {reply.status_code}")
            parts = sorted(set(_PARTS.findall(reply.text)))
            if parts:
                replies += sum(await asyncio.gather(*(self._fetch(base, part) for part in parts)))
        except httpx.HTTPError as error:
            self._seen.failures.append(f"{kind}: {type(error).__name__}")
        self._seen.pages.append(Page(kind, started - began, time.perf_counter() - started, replies))

    async def _fetch(self, base: str, path: str) -> int:
        """How many replies a style or script took: none where the browser may use what it has."""
        rule, tag = self._kept.get(path, ("", ""))
        if "immutable" in rule:
            return 0
        reply = await self._client.get(base + path, headers={"If-None-Match": tag} if tag else {})
        if reply.status_code == 200:
            self._kept[path] = reply.headers.get("cache-control", ""), reply.headers.get("etag", "")
            inner = [urljoin(path, each) for each in _IMPORTS.findall(reply.text) if path.endswith(".js")]
            new = [each for each in inner if each not in self._kept]
            return 1 + sum(await asyncio.gather(*(self._fetch(base, each) for each in new)))
        return 1


def browse(logins: Sequence[Login], bases: Sequence[str], seconds: float, *, first_s: float) -> Seen:
    """All counsellors at work for `seconds`, after a beginning of `first_s` that is told apart."""
    seen = Seen()

    async def run() -> None:
        began = time.perf_counter()
        await asyncio.gather(
            *(
                Browser(login, bases, number, seen).work(began, began + first_s + seconds)
                for number, login in enumerate(logins)
            )
        )

    asyncio.run(run())
    seen.first = [page for page in seen.pages if page.at_s < first_s]
    seen.pages = [page for page in seen.pages if page.at_s >= first_s]
    return seen

"""What a stranger, another site or a prepared browser tries at the doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from phyassist.store.opening import open_store
from phyassist.web.app import create_app
from phyassist.web.guard import DOOR_BYTES_MAX, EVERYWHERE, make_hosts
from phyassist.web.pages.choices import own_path
from tests.conftest import FAST_COST, PASSPHRASE, copy_practice
from tests.house.canary import CANARY, find_canary
from tests.security.conftest import SEALED_URL, URL, PlainSettings, list_routes, make_browser, no_model

WRITES = [path for method, path in list_routes() if method == "POST"]
LEADING_AWAY = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:a=b/../..//evil.example@",
    " //evil.example",
    "//[::1",
]


def cookie_of(reply: object) -> str:
    return str(getattr(reply, "headers")["set-cookie"])  # noqa: B009 - a test client's reply has no public type


# Sign-in ---------------------------------------------------------------------------------------------


def test_signing_in_gives_a_login_that_nobody_could_have_put_there(inside: TestClient, app: FastAPI) -> None:
    planted = inside.cookies["phyassist_login"]
    victim = make_browser(app)
    victim.cookies.set("phyassist_login", planted)

    victim.post("/unlock", data={"passphrase": PASSPHRASE})

    fresh = victim.cookies.get("phyassist_login", domain="127.0.0.1")
    assert fresh not in (None, planted)
    # Whoever planted the old one has nothing of it: it ended when its bearer signed in.
    assert inside.get("/patients").headers["location"].startswith("/unlock")


def test_an_invented_login_stays_worthless_after_signing_in(inside: TestClient, app: FastAPI) -> None:
    invented, attacker = "A" * 43, make_browser(app)
    inside.cookies.clear()
    inside.cookies.set("phyassist_login", invented)
    inside.post("/unlock", data={"passphrase": PASSPHRASE})
    attacker.cookies.set("phyassist_login", invented)

    reply = attacker.get("/patients")

    assert reply.headers["location"].startswith("/unlock")


def test_without_tls_the_logins_cookie_is_kept_from_scripts_and_other_sites(inside: TestClient) -> None:
    reply = inside.post("/unlock", data={"passphrase": PASSPHRASE})

    cookie = cookie_of(reply)
    assert cookie.startswith("phyassist_login=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "expires" not in cookie.lower()


def test_with_tls_the_cookie_is_bound_to_this_host_and_to_tls(sealed: TestClient) -> None:
    reply = sealed.post("/unlock", data={"passphrase": PASSPHRASE})

    cookie = cookie_of(reply)
    assert cookie.startswith("__Host-phyassist_login=")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Secure"} <= set(cookie.split("; "))
    assert "domain" not in cookie.lower()


def test_with_tls_a_login_under_the_plain_name_opens_nothing(sealed: TestClient, app: FastAPI) -> None:
    browser = make_browser(app, SEALED_URL)
    browser.cookies.set("phyassist_login", sealed.cookies["__Host-phyassist_login"])

    reply = browser.get("/patients")

    assert reply.headers["location"].startswith("/unlock")


def test_locking_takes_the_cookie_back_in_the_form_that_it_was_given(sealed: TestClient) -> None:
    reply = sealed.post("/lock")

    assert cookie_of(reply).startswith('__Host-phyassist_login="";')
    assert "Secure" in cookie_of(reply)
    assert "__Host-phyassist_login" not in sealed.cookies


def test_no_secret_that_was_typed_is_on_the_page_that_refuses_it(inside: TestClient) -> None:
    secrets = {"passphrase": f"one {CANARY}", "again": f"two {CANARY}", "recovery_key": f"three {CANARY}"}
    known = {"name": "Dr. Wen", "language": "en", "jurisdiction": "cn", "old": f"four {CANARY}"}

    replies = [
        inside.post(path, data={**known, **secrets})
        for path in ("/unlock", "/recover", "/setup", "/account/passphrase")
    ]

    assert all(reply.status_code >= 400 for reply in replies)
    assert find_canary([reply.text for reply in replies]) == []


def test_a_practice_is_set_up_once(inside: TestClient) -> None:
    form = {"name": "Eve", "passphrase": PASSPHRASE, "again": PASSPHRASE, "language": "en"}

    reply = inside.post("/setup", data={**form, "jurisdiction": "cn"})

    assert reply.status_code == 409
    assert "set-cookie" not in reply.headers


def test_tries_are_slowed_down_whatever_the_guesser_changes(inside: TestClient, app: FastAPI) -> None:
    replies = [
        make_browser(app).post(
            "/unlock",
            data={"passphrase": f"guess number {no}"},
            headers={"X-Forwarded-For": f"10.0.0.{no}", "User-Agent": str(no)},
        )
        for no in range(8)
    ]

    right = make_browser(app).post("/unlock", data={"passphrase": PASSPHRASE})

    assert all(reply.status_code == 403 for reply in replies)
    assert right.status_code == 403
    assert "set-cookie" not in right.headers


# Other sites -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def turned_away(sqlite_practice: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A stranger for hundreds of requests, of which every one is refused before it reaches a page."""
    url = copy_practice(sqlite_practice, tmp_path_factory.mktemp("doors") / "practice.db")
    with open_store(url, passphrase_cost=FAST_COST) as store:
        yield make_browser(create_app(PlainSettings(), store=store, model=no_model))


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "says",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "https://127.0.0.1:8420"},
        {"Origin": "http://[::1"},
        {"Origin": URL, "Sec-Fetch-Site": "same-site"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
        {"Origin": ""},
    ],
    ids=lambda says: " ".join(f"{name}:{value}" for name, value in says.items()) or "nothing",
)
def test_no_write_is_taken_from_another_site(
    path: str, says: dict[str, str], turned_away: TestClient
) -> None:
    reply = turned_away.post(path.replace("{", "").replace("}", ""), data={"name": "x"}, headers=says)

    assert reply.status_code == 403
    assert "did not come from a page of PhyAssist" in reply.text


@pytest.mark.parametrize(
    ("accepts", "cookie", "said"),
    [("zh-CN", "", "没有改动任何内容"), ("en", "", "nothing was changed"), ("en", "zh", "没有改动任何内容")],
)
def test_who_is_turned_away_reads_why_in_their_language(
    accepts: str, cookie: str, said: str, turned_away: TestClient
) -> None:
    headers = {"Origin": "null", "Accept-Language": accepts, "Cookie": f"phyassist_language={cookie}"}

    assert said in turned_away.post("/patients", headers=headers).text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_can_link_here_but_not_pull_a_page_in(site: str, inside: TestClient) -> None:
    pulls = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    links = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    statuses = [inside.get("/patients", headers=each).status_code for each in (pulls, framed, links)]

    assert statuses == [403, 403, 200]


@pytest.mark.parametrize("path", LEADING_AWAY)
def test_unlocking_leads_nowhere_else(path: str, inside: TestClient) -> None:
    reply = inside.post("/unlock", data={"passphrase": PASSPHRASE, "next": path})

    assert_stays_here(reply.headers["location"])


@pytest.mark.parametrize("path", LEADING_AWAY)
@pytest.mark.parametrize("switch", ["theme", "language"])
def test_a_switch_leads_nowhere_else(switch: str, path: str, stranger: TestClient) -> None:
    referer = f"{URL}{path}" if path.startswith("/") else path

    reply = stranger.post(f"/{switch}", data={switch: "dark"}, headers={"Referer": referer})

    assert_stays_here(reply.headers["location"])


@pytest.mark.parametrize("path", LEADING_AWAY)
def test_the_way_back_from_a_locked_page_leads_nowhere_else(path: str, inside: TestClient) -> None:
    inside.post("/lock")

    reply = inside.get("/unlock", params={"next": path})

    assert f'name="next" value="{own_path(path)}"' in reply.text.replace("&#34;", '"')
    assert_stays_here(own_path(path))


def assert_stays_here(address: str) -> None:
    """As browsers read it: tabs are dropped, a backslash is a slash, and two slashes begin a host."""
    plain = "".join(sign for sign in address.strip() if sign not in "\t\r\n").replace("\\", "/")
    assert plain.startswith("/")
    assert not plain.startswith("//")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8420",
        "localhost.evil.example",
        "",
        "[::1",
        "@",
    ],
)
def test_a_foreign_name_for_this_server_is_refused(host: str, stranger: TestClient) -> None:
    reply = stranger.get("/setup", headers={"Host": host, "X-Forwarded-Host": "127.0.0.1"})

    assert reply.status_code == 400
    assert "evil" not in reply.text


@pytest.mark.parametrize("listens_on", EVERYWHERE)
def test_a_server_for_others_takes_addresses_and_the_names_it_was_given(listens_on: str) -> None:
    unnamed, named = make_hosts(listens_on), make_hosts(listens_on, ["Notes.Practice.example"])

    assert "192.168.1.7:8420" in unnamed
    assert "[fe80::1]:8420" in unnamed
    assert "evil.example" not in unnamed
    assert "notes.practice.example:443" in named
    assert "192.168.1.7" not in named
    assert "127.0.0.1:8420" in named


# Large bodies ----------------------------------------------------------------------------------------


class Counted:
    """A body without a length that tells how much of it was taken."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.pieces):
            self.taken += 1
            yield b"x" * 10_000


def take(app: FastAPI, path: str, body: Iterator[bytes], headers: list[tuple[bytes, bytes]]) -> int:
    """Ask the application itself, piece by piece as a server does; the status that it answers with."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        piece = next(body, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1:8420"), (b"origin", URL.encode()), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8420),
        "root_path": "",
    }
    # A loop of its own, in a thread of its own: the browser's driver may have one running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    return statuses[0]


FORM = (b"content-type", b"application/x-www-form-urlencoded")


@pytest.mark.parametrize("door", ["/unlock", "/recover", "/join", "/join/look"])
def test_a_long_body_of_unknown_length_is_refused_while_it_arrives(
    door: str, app: FastAPI, inside: TestClient
) -> None:
    body = Counted(1_000)

    status = take(app, door, iter(body), [FORM])

    assert status == 413
    assert body.taken * 10_000 <= DOOR_BYTES_MAX + 10_000


def test_a_body_that_says_it_is_too_long_is_not_read_at_all(app: FastAPI, inside: TestClient) -> None:
    body = Counted(1_000)

    status = take(app, "/unlock", iter(body), [FORM, (b"content-length", b"10000000")])

    assert status == 413
    assert body.taken == 0


def test_nothing_of_a_strangers_upload_is_read(app: FastAPI, inside: TestClient) -> None:
    body, kind = Counted(1_000), (b"content-type", b"multipart/form-data; boundary=x")

    status = take(app, f"/consultations/{'0' * 32}/upload", iter(body), [kind])

    assert status == 303
    assert body.taken == 0


def test_a_file_over_the_limit_is_refused_while_it_arrives(app: FastAPI, inside: TestClient) -> None:
    body, kind = Counted(5_000), (b"content-type", b"multipart/form-data; boundary=x")
    cookie = (b"cookie", f"phyassist_login={inside.cookies['phyassist_login']}".encode())

    status = take(app, f"/consultations/{'0' * 32}/upload", iter(body), [kind, cookie])

    assert status in (400, 413)
    assert body.taken * 10_000 < 4_000_000


def test_a_form_of_a_million_fields_is_refused(inside: TestClient) -> None:
    reply = inside.post("/patients", content=b"a&" * 500_000, headers={"Content-Type": FORM[1].decode()})

    assert reply.status_code == 400


def test_a_whole_consultation_in_chinese_fits_a_form(inside: TestClient) -> None:
    address = inside.post("/patients", data={"name": "Lee", "language": "zh"}).headers["location"]
    consultation = address.rsplit("/", 1)[1]

    reply = inside.post(
        f"/consultations/{consultation}/source",
        data={"text": "睡" * 200_000, "after": 0},
        headers={"Accept": "application/json"},
    )

    assert reply.status_code == 200
    assert len(inside.get(f"/consultations/{consultation}/source").json()["text"]) == 200_000

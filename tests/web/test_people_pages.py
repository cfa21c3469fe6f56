"""The pages of several people, each with a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from phyassist.domain.clock import utc_now
from phyassist.store.opening import open_store
from phyassist.store.second_factor import STEP_S, code_at, read_secret
from phyassist.web.app import create_app
from phyassist.web.browsers import say_browser
from tests.conftest import FAST_COST, PASSPHRASE, copy_practice
from tests.services.joining import BO_PASSPHRASE
from tests.web.test_pages import URL, PlainSettings, no_model


@pytest.fixture
def app(sqlite_practice: Path, tmp_path: Path) -> Iterator[FastAPI]:
    url = copy_practice(sqlite_practice, tmp_path / "practice.db")
    with open_store(url, passphrase_cost=FAST_COST) as store:
        yield create_app(PlainSettings(), store=store, model=no_model)


def open_browser(app: FastAPI, agent: str = "Mozilla/5.0 (X11; Linux) Firefox/150.0") -> TestClient:
    headers = {"Origin": URL, "Accept-Language": "en", "User-Agent": agent}
    return TestClient(app, base_url=URL, headers=headers, follow_redirects=False)


@pytest.fixture
def anna(app: FastAPI) -> TestClient:
    browser = open_browser(app)
    twice = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    form = {"name": "Anna Weiss", "language": "en", "jurisdiction": "cn", "zone": "UTC", **twice}
    assert browser.post("/setup", data=form).status_code == 200
    return browser


def let_in(app: FastAPI, by: TestClient, name: str, role: str = "counsellor") -> TestClient:
    page = by.post("/practice/people", data={"name": name, "role": role}).text
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){4}", page)
    assert code is not None
    browser = open_browser(app)
    assert name in browser.post("/join/look", data={"code": code[0]}).text
    twice = {"passphrase": BO_PASSPHRASE, "again": BO_PASSPHRASE}
    reply = browser.post(
        "/join", data={"code": code[0], "name": name, "language": "en", "zone": "UTC", **twice}
    )
    assert reply.headers["location"] == "/"
    return browser


def id_of(browser: TestClient, name: str) -> str:
    page = browser.get("/practice/people").text
    found = re.search(rf"people/(\w+)/(?:end|resume)[^§]*?{re.escape(name)}</button>", page)
    assert found is not None
    return found[1]


def new_file(browser: TestClient, name: str) -> str:
    reply = browser.post("/patients", data={"name": name, "language": "en"})
    return reply.headers["location"].split("/")[2]


def test_a_practice_of_one_asks_for_the_passphrase_alone(app: FastAPI, anna: TestClient) -> None:
    page = open_browser(app).get("/unlock").text

    assert 'name="passphrase"' in page
    assert 'name="name"' not in page
    assert 'name="code"' not in page


def test_a_colleague_joins_and_from_then_on_everybody_says_their_name(app: FastAPI, anna: TestClient) -> None:
    let_in(app, anna, "Bo Lind")
    browser = open_browser(app)

    assert 'name="name"' in browser.get("/unlock").text
    refused = browser.post("/unlock", data={"name": "Bo Lind", "passphrase": PASSPHRASE})
    let = browser.post("/unlock", data={"name": "bo lind", "passphrase": BO_PASSPHRASE, "next": "/patients"})

    assert refused.status_code == 403
    assert 'value="Bo Lind"' in refused.text
    assert let.headers["location"] == "/patients"
    assert "Bo Lind" in browser.get("/patients").text


def test_a_name_that_is_taken_stays_in_its_box(anna: TestClient) -> None:
    reply = anna.post("/practice/people", data={"name": "Anna Weiss", "role": "counsellor"})

    assert reply.status_code == 422
    assert re.search(r'<input id="f-name"[^>]*value="Anna Weiss"', reply.text)


def test_a_wrong_code_joins_nobody(app: FastAPI, anna: TestClient) -> None:
    browser = open_browser(app)

    reply = browser.post("/join/look", data={"code": "AAAA-AAAA-AAAA-AAAA-AAAA"})

    assert reply.status_code == 403
    assert "opens no invitation" in reply.text


def test_an_administrator_is_shown_people_and_no_way_to_a_file(app: FastAPI, anna: TestClient) -> None:
    file = new_file(anna, "Sun Mei")
    chief = let_in(app, anna, "Chief", "administrator")

    page = chief.get("/patients").text

    assert "/patients/new" not in page
    assert "/practice/people" in page
    assert chief.get(f"/patients/{file}/sharing").status_code == 404
    assert chief.post("/patients", data={"name": "Lee", "language": "en"}).status_code == 403
    assert "Sun Mei" not in chief.post("/find", data={"words": "Sun"}, follow_redirects=True).text
    assert anna.post("/practice/people", data={"name": "X", "role": "counsellor"}).status_code == 403


def test_a_file_is_shared_until_a_day_and_the_share_ended(app: FastAPI, anna: TestClient) -> None:
    bo = let_in(app, anna, "Bo Lind")
    file, who = new_file(anna, "Sun Mei"), id_of(anna, "Bo Lind")
    assert bo.get(f"/patients/{file}/notes").status_code == 404

    form = {"to": who, "right": "read", "until": "2031-05-01"}
    assert anna.post(f"/patients/{file}/sharing", data=form).status_code == 303

    page = anna.get(f"/patients/{file}/sharing").text
    assert "until 2031-05-01" in page
    assert bo.get(f"/patients/{file}/notes").status_code == 200
    assert "In charge of this file: Anna Weiss" in bo.get(f"/patients/{file}/sharing").text
    changed = bo.post(f"/patients/{file}", data={"name": "X", "language": "en"})
    assert changed.status_code == 403
    assert anna.post(f"/patients/{file}/sharing/{who}/end").status_code == 303
    assert bo.get(f"/patients/{file}/notes").status_code == 404


@pytest.mark.parametrize("day", ["soon", "2001-01-01", "2031-13-01"])
def test_a_day_that_cannot_be_is_told(app: FastAPI, anna: TestClient, day: str) -> None:
    let_in(app, anna, "Bo Lind")
    file = new_file(anna, "Sun Mei")

    form = {"to": id_of(anna, "Bo Lind"), "right": "read", "until": day}
    reply = anna.post(f"/patients/{file}/sharing", data=form)

    assert reply.status_code == 422
    assert 'class="problem"' in reply.text


def test_all_files_are_handed_over_from_ones_own_page(app: FastAPI, anna: TestClient) -> None:
    bo = let_in(app, anna, "Bo Lind")
    file, who = new_file(anna, "Sun Mei"), id_of(anna, "Bo Lind")

    assert anna.post("/account/hand-over", data={"to": who}).headers["location"] == "/account"
    assert anna.get(f"/patients/{file}/notes").status_code == 200
    anna.post("/account/hand-over", data={"to": who, "confirm": "yes"})

    assert anna.get(f"/patients/{file}/notes").status_code == 404
    assert "You are in charge" in bo.get(f"/patients/{file}/sharing").text


def test_a_leave_is_covered_from_ones_own_page(app: FastAPI, anna: TestClient) -> None:
    bo = let_in(app, anna, "Bo Lind")
    file, who = new_file(anna, "Sun Mei"), id_of(anna, "Bo Lind")

    assert anna.post("/account/cover", data={"to": who, "until": ""}).status_code == 422
    assert anna.post("/account/cover", data={"to": who, "until": "2031-05-01"}).status_code == 303

    assert bo.post(f"/patients/{file}", data={"name": "X", "language": "en"}).status_code == 303


def test_an_ended_account_is_out_at_once(app: FastAPI, anna: TestClient) -> None:
    bo = let_in(app, anna, "Bo Lind")
    who = id_of(anna, "Bo Lind")

    anna.post(f"/practice/people/{who}/end")

    assert bo.get("/patients").headers["location"].startswith("/unlock")
    assert "Ended on" in anna.get("/practice/people").text
    anna.post(f"/practice/people/{who}/resume")
    form = {"name": "Bo Lind", "passphrase": BO_PASSPHRASE}
    assert bo.post("/unlock", data=form).status_code == 303


def test_the_second_factor_is_set_with_a_code_and_asked_from_then_on(app: FastAPI, anna: TestClient) -> None:
    page = anna.get("/account/second").text
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert secret is not None
    assert "<svg" in page
    assert anna.post("/account/second", data={"secret": secret[1], "code": "000000"}).status_code == 422

    step = int(utc_now().timestamp()) // STEP_S
    code = code_at(read_secret(secret[1]), step)
    assert anna.post("/account/second", data={"secret": secret[1], "code": code}).status_code == 303

    browser = open_browser(app)
    assert 'name="code"' in browser.get("/unlock").text
    refused = browser.post("/unlock", data={"passphrase": PASSPHRASE})
    assert refused.status_code == 403
    assert "authenticator" in refused.text
    later = code_at(read_secret(secret[1]), step + 1)
    assert browser.post("/unlock", data={"passphrase": PASSPHRASE, "code": later}).status_code == 303
    assert 'id="privacy-code"' in browser.get("/patients").text


def test_another_browser_is_seen_in_the_list_and_ended_from_there(app: FastAPI, anna: TestClient) -> None:
    other = open_browser(app, "Mozilla/5.0 (iPad; CPU OS 26_0) Version/26.0 Safari/605.1")
    other.post("/unlock", data={"passphrase": PASSPHRASE})

    page = anna.get("/account").text
    assert "Firefox · Linux" in page
    assert "Safari · iPad" in page
    ended = re.search(r"/account/logins/\w+/end", page)
    assert ended is not None
    anna.post(ended[0])

    assert other.get("/patients").headers["location"].startswith("/unlock")
    assert anna.get("/patients").status_code == 200


def test_a_privacy_screen_lets_in_the_one_it_covers(app: FastAPI, anna: TestClient) -> None:
    bo = let_in(app, anna, "Bo Lind")
    who = re.search(r'name="who" value="(\w+)"', bo.get("/patients").text)
    assert who is not None
    bo.post("/lock")

    as_json = {"Accept": "application/json"}
    wrong = bo.post("/unlock", data={"who": who[1], "passphrase": PASSPHRASE}, headers=as_json)
    right = bo.post("/unlock", data={"who": who[1], "passphrase": BO_PASSPHRASE}, headers=as_json)

    assert (wrong.status_code, right.status_code) == (403, 200)
    assert "Bo Lind" in bo.get("/patients").text


def test_a_recovery_is_told_on_every_page_until_it_was_seen(app: FastAPI) -> None:
    browser = open_browser(app)
    twice = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    form = {"name": "Anna Weiss", "language": "en", "jurisdiction": "cn", "zone": "UTC", **twice}
    page = browser.post("/setup", data=form).text
    key = re.search(r'id="recovery-key"[^>]*>([0-9A-Z-]+)<', page)
    assert key is not None
    twice = {"passphrase": BO_PASSPHRASE, "again": BO_PASSPHRASE}
    browser.post("/recover", data={"recovery_key": key[1], **twice})

    notice = "was opened with the recovery key"
    assert notice in browser.get("/patients").text
    browser.post("/account/seen")

    assert notice not in browser.get("/patients").text
    assert "Opened with the recovery key:" in browser.get("/account").text


def test_changed_keys_are_shown_and_confirmed(app: FastAPI) -> None:
    anna = open_browser(app)
    twice = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    form = {"name": "Anna Weiss", "language": "en", "jurisdiction": "cn", "zone": "UTC", **twice}
    key = re.search(r'id="recovery-key"[^>]*>([0-9A-Z-]+)<', anna.post("/setup", data=form).text)
    assert key is not None
    bo = let_in(app, anna, "Bo Lind")
    file, who = new_file(anna, "Sun Mei"), id_of(anna, "Bo Lind")
    share = {"to": who, "right": "read"}
    anna.post(f"/patients/{file}/sharing", data=share)
    twice = {"passphrase": "another long passphrase", "again": "another long passphrase"}
    bo.post("/recover", data={"name": "Bo Lind", "recovery_key": key[1], **twice})

    refused = anna.post(f"/patients/{file}/sharing", data={**share, "right": "write"})
    assert refused.status_code == 422
    mark = re.search(r'name="fingerprint" value="([\d ]+)"', anna.get("/practice/people").text)
    assert mark is not None
    anna.post(f"/practice/people/{who}/confirm", data={"fingerprint": mark[1]})

    assert anna.post(f"/patients/{file}/sharing", data={**share, "right": "write"}).status_code == 303
    assert 'name="fingerprint"' not in anna.get("/practice/people").text


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36 Edg/150.0", "Edge · Windows"),
        (
            "Mozilla/5.0 (Linux; Android 16) Chrome/150 Mobile Safari/537.36 MicroMessenger/8",
            "WeChat · Android",
        ),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_called_by_what_we_know_of_it(agent: str, said: str) -> None:
    assert say_browser(agent) == said

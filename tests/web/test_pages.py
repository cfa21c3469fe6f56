"""The pages as a browser meets them, without one: who is let in, what is refused, what is never said back."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction
from phyassist.errors import ModelMissing
from phyassist.lm.protocol import LanguageModel
from phyassist.store.opening import open_store
from phyassist.web.app import create_app
from tests.conftest import FAST_COST, copy_practice

URL = "http://127.0.0.1:8420"
PASSPHRASE = "four quiet lamps at dawn"
CANARY = "canary-in-the-mine"


@dataclass(frozen=True)
class PlainSettings:
    host: str = "127.0.0.1"
    language: str = ""
    jurisdiction: Jurisdiction = "cn"
    upload_bytes_max: int = 1000
    limits: Limits = field(default_factory=Limits)
    model_url: str = ""


def no_model() -> LanguageModel:
    raise ModelMissing("no model is there", hint="fetch one")


@pytest.fixture
def browser(sqlite_practice: Path, tmp_path: Path) -> Iterator[TestClient]:
    store = open_store(copy_practice(sqlite_practice, tmp_path / "practice.db"), passphrase_cost=FAST_COST)
    app = create_app(PlainSettings(), store=store, model=no_model)
    headers = {"Origin": URL, "Accept-Language": "en"}
    with TestClient(app, base_url=URL, headers=headers, follow_redirects=False) as client:
        yield client
    store.close()


@pytest.fixture
def inside(browser: TestClient) -> TestClient:
    """The same browser, set up and signed in."""
    form = {
        "name": "Dr. Wen",
        "passphrase": PASSPHRASE,
        "again": PASSPHRASE,
        "language": "en",
        "jurisdiction": "cn",
        "zone": "Asia/Shanghai",
    }
    reply = browser.post("/setup", data=form)
    assert reply.status_code == 200
    return browser


def open_consultation(browser: TestClient) -> tuple[str, str]:
    """The ids of a new patient and of the consultation that is open for them."""
    reply = browser.post("/patients", data={"name": "Lee", "language": "en"})
    found = re.fullmatch(r"/patients/(\w+)/consultations/(\w+)", reply.headers["location"])
    assert found is not None
    return found[1], found[2]


def test_a_fresh_machine_is_led_to_set_up(browser: TestClient) -> None:
    assert browser.get("/").headers["location"] == "/setup"
    assert browser.get("/unlock").headers["location"] == "/setup"


def test_a_locked_page_leads_back_after_unlocking(browser: TestClient) -> None:
    reply = browser.get("/patients")

    assert reply.status_code == 303
    assert reply.headers["location"] == "/unlock?next=/patients"


def test_the_logins_cookie_is_out_of_reach_of_scripts_and_other_sites(inside: TestClient) -> None:
    inside.post("/lock")

    reply = inside.post("/unlock", data={"passphrase": PASSPHRASE})

    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_locking_ends_the_login_for_good(inside: TestClient) -> None:
    cookie = inside.cookies["phyassist_login"]

    inside.post("/lock")
    inside.cookies.set("phyassist_login", cookie)

    assert inside.get("/patients").headers["location"].startswith("/unlock")


def test_no_page_is_kept_by_the_browser_and_none_runs_foreign_code(inside: TestClient) -> None:
    reply = inside.get("/patients")

    assert reply.headers["cache-control"] == "no-store"
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": ""}])
def test_a_write_from_another_site_is_refused(inside: TestClient, headers: dict[str, str]) -> None:
    reply = inside.post("/patients", data={"name": "Lee"}, headers=headers)

    assert reply.status_code == 403
    assert "Lee" not in inside.get("/patients").text


def test_a_foreign_name_for_this_server_is_refused(browser: TestClient) -> None:
    assert browser.get("/setup", headers={"Host": "evil.example"}).status_code == 400


def test_a_form_that_does_not_fit_is_not_said_back(
    inside: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    reply = inside.post("/patients", data={"name": "Lee", "language": CANARY})

    assert reply.status_code == 422
    assert CANARY not in reply.text
    assert CANARY not in caplog.text


def test_text_is_saved_and_a_stale_save_is_refused(inside: TestClient) -> None:
    _, consultation = open_consultation(inside)
    address = f"/consultations/{consultation}/source"
    headers = {"Accept": "application/json"}

    first = inside.post(address, data={"text": "one\r\ntwo", "after": 0}, headers=headers)
    stale = inside.post(address, data={"text": CANARY, "after": 0}, headers=headers)

    assert first.json()["version"] == 1
    assert stale.status_code == 409
    assert CANARY not in stale.text
    assert inside.get(address).json()["text"] == "one\ntwo"


def test_an_empty_text_and_a_file_too_large_get_a_sentence(inside: TestClient) -> None:
    _, consultation = open_consultation(inside)

    empty = inside.post(f"/consultations/{consultation}/drafts", headers={"HX-Request": "true"})
    large = inside.post(f"/consultations/{consultation}/upload", files={"file": ("a.txt", b"x" * 1001)})

    assert empty.status_code == 422
    assert "There is no text to work with." in empty.text
    assert empty.headers["hx-retarget"] == "#alerts"
    assert large.status_code == 422


def test_a_file_becomes_text_whatever_its_encoding(inside: TestClient) -> None:
    _, consultation = open_consultation(inside)
    data = "今天睡得不好，心里很乱，不想说话。".encode("gb18030")

    reply = inside.post(f"/consultations/{consultation}/upload", files={"file": ("note.txt", data)})

    assert reply.json()["text"] == "今天睡得不好，心里很乱，不想说话。"


def test_without_a_model_analysis_says_so_on_the_page(inside: TestClient) -> None:
    _, consultation = open_consultation(inside)
    inside.post(f"/consultations/{consultation}/source", data={"text": "I sleep badly.", "after": 0})

    reply = inside.post(f"/consultations/{consultation}/drafts")
    address = re.search(r'sse-connect="([^"]+)"', reply.text)
    assert address is not None
    stream = inside.get(address[1].replace("&amp;", "&"))

    assert "PA-MODEL-MISSING" in stream.text
    assert stream.text.rstrip().endswith("event: end\ndata:")


def test_organise_works_without_a_model(inside: TestClient) -> None:
    patient, consultation = open_consultation(inside)
    text = "I am nineteen years old. Since March I sleep about four hours a night."
    inside.post(f"/consultations/{consultation}/source", data={"text": text, "after": 0})

    stream = inside.get(f"/consultations/{consultation}/organise/stream")

    assert "Organised" in stream.text
    assert "nineteen" in inside.get(f"/patients/{patient}/record").text


def test_a_patient_that_is_not_there_is_said_plainly(inside: TestClient) -> None:
    reply = inside.get("/patients/nobody/record")

    assert reply.status_code == 404
    assert "PA-STORE" in reply.text


def test_deleting_asks_for_the_name(inside: TestClient) -> None:
    patient, _ = open_consultation(inside)

    wrong = inside.post(f"/patients/{patient}/delete", data={"confirm": "Lea"})
    right = inside.post(f"/patients/{patient}/delete", data={"confirm": "Lee"})

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert inside.get(f"/patients/{patient}").status_code == 404


@pytest.mark.parametrize("after", ["yesterday", "2026-11-23T10:00:00"])
def test_a_card_that_follows_no_moment_is_refused_in_a_sentence(inside: TestClient, after: str) -> None:
    patient, _ = open_consultation(inside)

    reply = inside.post(f"/patients/{patient}", data={"name": "Lea", "language": "en", "after": after})

    assert reply.status_code == 422
    assert after not in reply.text


def test_hidden_names_show_initials_and_number(inside: TestClient) -> None:
    inside.post("/patients", data={"name": "Ada Brook", "number": "0231", "language": "en"})
    settings = {
        "language": "en",
        "theme": "dark",
        "client_word": "client",
        "jurisdiction": "cn",
        "idle_lock_min": 15,
        "hide_names": "yes",
    }

    inside.post("/practice", data=settings)
    page = inside.get("/patients").text

    assert "Ada Brook" not in page
    assert "A. B. 0231" in page
    assert 'data-theme="dark"' in page

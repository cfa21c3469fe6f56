"""Every route, asked by everyone: they get what `table.py` says, and who is refused changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.responses import Response

from tests.security.conftest import list_routes
from tests.security.table import (
    HIDDEN,
    LOCKED,
    NOT_ALLOWED,
    PEOPLE,
    READ_ONLY,
    READERS,
    SHOWN,
    STRANGERS,
    TABLE,
    TELLS_IDS,
    Row,
)
from tests.security.world import (
    ANSWERED,
    ASKED,
    PRIVATELY,
    UNKNOWN,
    World,
    browser_of,
    build_world,
    copy_of,
    fill_path,
    read_rows,
)

PRIVATE = (
    *("Lee Quist", "Q-0231", "cannot sleep", "exams", "she is tired", "she is alone"),
    *(PRIVATELY, ASKED, ANSWERED),
)
OF_A_PATIENT = (
    "patient_id",
    "consultation_id",
    "draft_id",
    "item_id",
    "gone_item_id",
    "note_id",
    "process_note_id",
    "statement_id",
    "differing_id",
    "thread_id",
    "question_id",
    "answer_id",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


def ask(world: World, app: FastAPI, who: str, route: tuple[str, str], ids: dict[str, str]) -> Response:
    """The answer to a request as a page makes it, with these ids in it."""
    method, path = route
    row = TABLE[route]
    ids = {**ids, **{name: ids[other] for name, other in row.ids.items()}}
    form = {name: fill_path(value, ids) for name, value in row.form.items()}
    query = {name: fill_path(value, ids) for name, value in row.query.items()}
    files = {"file": ("a.txt", b"some words")} if row.file else None
    browser = browser_of(world, app, who)
    if method == "GET":
        return browser.get(fill_path(path, ids), params=query)
    return browser.request(method, fill_path(path, ids), data=form, files=files, params=query)


def ask_for_unknown(world: World, app: FastAPI, who: str, route: tuple[str, str]) -> Response:
    return ask(world, app, who, route, {**world.ids, **dict.fromkeys(OF_A_PATIENT, UNKNOWN)})


def describe(reply: Response, row: Row) -> str:
    """The answer in the table's words; its status where none fits."""
    if reply.headers.get("location", "").startswith("/unlock?next="):
        return LOCKED
    if reply.status_code == 404 and "PA-STORE-NOT-FOUND" in reply.text:
        return HIDDEN
    if reply.status_code == 403 and "PA-STORE-READ-ONLY" in reply.text:
        return READ_ONLY
    if reply.status_code == 403 and "PA-RULE" in reply.text:
        return NOT_ALLOWED
    return SHOWN if reply.status_code == row.status else f"{reply.status_code}"


def plain(reply: Response, ids: dict[str, str]) -> tuple[object, ...]:
    """All of a reply that its reader can see, without the ids that they asked for themselves."""
    text = reply.text
    for name in OF_A_PATIENT:
        text = text.replace(ids[name], UNKNOWN)
    headers = {key: value for key, value in reply.headers.items() if key != "content-length"}
    return reply.status_code, text, headers


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(list_routes()) == set(TABLE)


@pytest.mark.parametrize("route", TABLE, ids=" ".join)
def test_everyone_gets_what_the_table_says(route: tuple[str, str], world: World, tmp_path: Path) -> None:
    row = TABLE[route]
    expected = {who: row.answers[who] for who in PEOPLE}

    found = {}
    with copy_of(world, tmp_path) as app:
        before = read_rows(tmp_path)
        for who in PEOPLE:
            if expected[who] != SHOWN:
                found[who] = describe(ask(world, app, who, route, world.ids), row)
        after = read_rows(tmp_path)
        # A page that is looked at changes nothing for the next reader.
        if route[0] == "GET":
            found |= {
                who: describe(ask(world, app, who, route, world.ids), row)
                for who in PEOPLE
                if expected[who] == SHOWN
            }
    for who in PEOPLE:
        if who not in found:
            with copy_of(world, tmp_path) as app:
                found[who] = describe(ask(world, app, who, route, world.ids), row)

    assert found == expected
    assert after == before


@pytest.mark.parametrize(
    "route", [each for each in TABLE if HIDDEN in TABLE[each].answers.values()], ids=" ".join
)
def test_a_patient_of_somebody_else_answers_like_none(
    route: tuple[str, str], world: World, tmp_path: Path
) -> None:
    hidden_from = [who for who in PEOPLE if TABLE[route].answers[who] == HIDDEN]

    with copy_of(world, tmp_path) as app:
        differs = [
            who
            for who in hidden_from
            if plain(ask(world, app, who, route, world.ids), world.ids)
            != plain(ask_for_unknown(world, app, who, route), world.ids)
        ]

    assert differs == []


@pytest.mark.parametrize("who", [*STRANGERS, "nobody"])
def test_no_answer_holds_a_word_or_an_id_of_a_patient_of_somebody_else(
    who: str, world: World, tmp_path: Path
) -> None:
    ids = [world.ids[name] for name in OF_A_PATIENT]

    with copy_of(world, tmp_path) as app:
        # Asked without any id of the patient's, so that every one that comes back is given away.
        replies = {
            route: ask_for_unknown(world, app, who, route).text for route in TABLE if route[1] != "/lock"
        }

    told = {
        route: [word for word in (*PRIVATE, *(() if route in TELLS_IDS else ids)) if word in text]
        for route, text in replies.items()
    }
    assert {route: words for route, words in told.items() if words} == {}


SEARCHES = ("/find", "/library/search", "/chat/search")


@pytest.mark.parametrize("who", ["own", *STRANGERS])
def test_nobody_finds_a_patient_of_somebody_else(who: str, world: World, tmp_path: Path) -> None:
    with copy_of(world, tmp_path) as app:
        browser = browser_of(world, app, who)
        pages = [
            browser.post(path, data={"words": words}, headers=headers, follow_redirects=True)
            for path in SEARCHES
            for words in ("Quist", "exams", "tired")
            for headers in ({}, {"HX-Request": "true"})
        ]

    assert [page.status_code for page in pages] == [200] * len(pages)
    assert any("Lee Quist" in page.text for page in pages) == (who == "own")
    if who != "own":
        told = [word for page in pages for word in (*PRIVATE, world.ids["patient_id"]) if word in page.text]
        assert [word for word in told if word != "exams"] == []


@pytest.mark.parametrize("who", ["writer", *READERS])
def test_a_share_shows_nothing_of_a_colleagues_private_notes(who: str, world: World, tmp_path: Path) -> None:
    pages = [route for route in TABLE if route[0] == "GET" and TABLE[route].answers[who] == SHOWN]

    with copy_of(world, tmp_path) as app:
        texts = {route: ask(world, app, who, route, world.ids).text for route in pages}

    assert any("she is tired" in text for text in texts.values())
    assert [
        route for route, text in texts.items() if PRIVATELY in text or world.ids["process_note_id"] in text
    ] == []


# What sends a form or saves by itself, and where to.
SENDS = re.compile(r'(?:hx-post|hx-delete|data-autosave|data-upload|formaction)="([^"?]*)')
FORM = re.compile(r'<form(?=[^>]*method="post")[^>]* action="([^"?]*)')
REFUSED = (READ_ONLY, NOT_ALLOWED)
FOR_READING = "This file is shared with you for reading only."


def find_offered(text: str) -> set[tuple[str, str]]:
    """The routes of the table that a page offers to change something with."""
    addresses = {address for address in (*SENDS.findall(text), *FORM.findall(text)) if address}
    return {
        route
        for route in TABLE
        for address in addresses
        if route[0] == "POST" and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route[1]), address)
    }


@pytest.mark.parametrize("who", [each for each in PEOPLE if each != "nobody"])
def test_no_page_offers_what_its_reader_is_refused(who: str, world: World, tmp_path: Path) -> None:
    pages = [route for route in TABLE if route[0] == "GET" and TABLE[route].answers[who] == SHOWN]

    with copy_of(world, tmp_path) as app:
        offered = {route: find_offered(ask(world, app, who, route, world.ids).text) for route in pages}

    refused = {
        page: sorted(route[1] for route in routes if TABLE[route].answers[who] in REFUSED)
        for page, routes in offered.items()
    }
    assert {page: routes for page, routes in refused.items() if routes} == {}


def test_who_may_write_is_offered_what_changes_a_file(world: World, tmp_path: Path) -> None:
    pages = [
        "/patients/{patient_id}/consultations/{consultation_id}",
        "/patients/{patient_id}/record",
        "/patients/{patient_id}/notes",
        "/patients/{patient_id}/consent",
        "/patients/{patient_id}/edit",
    ]

    with copy_of(world, tmp_path) as app:
        offered = set().union(
            *(find_offered(ask(world, app, "writer", ("GET", page), world.ids).text) for page in pages)
        )

    assert {path for _, path in offered} >= {
        "/consultations/{consultation_id}/source",
        "/consultations/{consultation_id}/upload",
        "/patients/{patient_id}/consultations",
        "/drafts/{draft_id}/items/{item_id}",
        "/drafts/{draft_id}/items/{item_id}/bring-back",
        "/drafts/{draft_id}/note/preview",
        "/patients/{patient_id}/record/{statement_id}/settle",
        "/notes/{note_id}/amendments",
        "/patients/{patient_id}/consent",
        "/patients/{patient_id}",
    }


def test_a_file_shared_for_reading_says_so_on_each_of_its_pages(world: World, tmp_path: Path) -> None:
    pages = [route for route in TABLE if route[0] == "GET" and route[1].startswith("/patients/{patient_id}/")]

    with copy_of(world, tmp_path) as app:
        texts = {
            who: [ask(world, app, who, route, world.ids).text for route in pages]
            for who in ("reader", "writer")
        }

    said = {who: [FOR_READING in text for text in texts[who] if 'class="shell"' in text] for who in texts}
    assert said["reader"]
    assert all(said["reader"])
    assert not any(said["writer"])

"""Requests made up from the OpenAPI schema, sent by everyone: none breaks a page or is told too much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.testclient import TestClient

from tests.house.canary import find_canary
from tests.security.table import TELLS_IDS
from tests.security.test_table import OF_A_PATIENT, PRIVATE
from tests.security.world import World, browser_of, build_world, copy_of

# One that ends the login would leave the rest to nobody; the table asks for it.
LEFT_OUT = {"/lock"}
# Pages that show a form again keep what was typed into it: it is on the screen of who typed it.
SHOWN_AGAIN = {
    ("POST", "/setup"),
    ("POST", "/unlock"),
    ("POST", "/recover"),
    ("POST", "/join"),
    ("POST", "/join/look"),
    ("POST", "/patients"),
    ("POST", "/patients/{patient_id}"),
    ("POST", "/patients/{patient_id}/record/{statement_id}"),
    ("POST", "/drafts/{draft_id}/items/{item_id}"),
    ("POST", "/drafts/{draft_id}/note"),
    ("POST", "/practice/assistant"),
    ("POST", "/practice/assistant/train"),
}
WHO = ("own", "reader", "foreign", "foreign supervisor", "administrator", "nobody")
EXAMPLES = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Iterator[FastAPI]:
    with copy_of(world, tmp_path) as app:
        yield app


@dataclass(frozen=True)
class MadeUp:
    """A request, whether its texts are marked, and the names of the ids that are the world's, not made up."""

    case: Any
    marked: bool
    known: frozenset[str]


def make_canary(number: int) -> str:
    """One for each request: what an earlier one stored stands on later pages, and rightly so."""
    return f"wombat-错误-{number:06d}-9d21"


def mark(value: object, canary: str) -> object:
    """The same made-up value with a canary in each of its texts."""
    if isinstance(value, str):
        return f"{value}{canary}"
    if isinstance(value, list):
        return [mark(each, canary) for each in value]
    return value


def as_fields(body: object) -> dict[str, Any]:
    return {str(key): value for key, value in body.items()} if isinstance(body, dict) else {}


def make_requests(app: FastAPI) -> list[MadeUp]:
    """Some for each operation of the schema: everyone is to send the same, and to make them up takes long."""
    made: list[MadeUp] = []
    schema = schemathesis.openapi.from_dict(app.openapi())
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) > 50
    for operation in operations:
        if operation.path in LEFT_OUT:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), choices=st.data())
        def keep(case: Any, choices: st.DataObject) -> None:
            marked = choices.draw(st.booleans())
            known = {name for name in case.path_parameters or {} if choices.draw(st.booleans())}
            made.append(MadeUp(case, marked, frozenset(known)))

        keep()
    return made


@pytest.fixture(scope="module")
def made_up(world: World, tmp_path_factory: pytest.TempPathFactory) -> list[MadeUp]:
    with copy_of(world, tmp_path_factory.mktemp("schema")) as app:
        return make_requests(app)


def send(browser: TestClient, world: World, made: MadeUp, canary: str) -> Response:
    case = made.case
    path = case.operation.path
    for name, value in dict(case.path_parameters or {}).items():
        known = world.ids.get(name, "") if name in made.known else ""
        path = path.replace(f"{{{name}}}", known or quote(str(value), safe=""))
    query = {key: mark(value, canary) for key, value in dict(case.query or {}).items()}
    fields = {key: mark(value, canary) for key, value in as_fields(case.body).items()}
    files = {
        key: (f"{canary}.txt", fields.pop(key)) for key in list(fields) if isinstance(fields[key], bytes)
    }
    return browser.request(case.method, path, params=query, data=texts_of(fields), files=files or None)


def texts_of(fields: dict[str, Any]) -> dict[str, Any]:
    """As a form carries them."""
    return {
        key: value if isinstance(value, list) else value if isinstance(value, str) else json.dumps(value)
        for key, value in fields.items()
        if value is not None
    }


def find_faults(reply: Response, who: str, route: tuple[str, str], world: World, canary: str) -> list[str]:
    found = []
    if reply.status_code >= 500:
        found.append(f"{reply.status_code}")
    if reply.status_code >= 400 and route not in SHOWN_AGAIN and find_canary([reply.text], canary):
        found.append("says the input back")
    if who not in ("own", "reader"):
        asked = str(reply.url)  # type: ignore[attr-defined]
        named = () if route in TELLS_IDS else OF_A_PATIENT
        ids = [world.ids[name] for name in named if world.ids[name] not in asked]
        found += [f"tells {word}" for word in (*PRIVATE, *ids) if word in reply.text]
    return found


@pytest.mark.parametrize("who", WHO)
def test_no_made_up_request_breaks_a_page_or_is_told_too_much(
    who: str, made_up: list[MadeUp], copy: FastAPI, world: World
) -> None:
    faults: dict[str, list[str]] = {}
    statuses: set[int] = set()
    browser = browser_of(world, copy, who)
    browser._transport.raise_server_exceptions = False  # type: ignore[attr-defined]

    for number, made in enumerate(made_up):
        canary = make_canary(number)
        reply = send(browser, world, made, canary if made.marked else "")
        statuses.add(reply.status_code)
        route = (made.case.method.upper(), made.case.operation.path)
        found = find_faults(reply, who, route, world, canary)
        if found:
            faults.setdefault(" ".join(route), []).extend(found)

    assert len(statuses) > 2
    assert faults == {}

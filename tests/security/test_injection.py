"""Words that are code somewhere else: in a page, a template, a header, a log, a file."""

from __future__ import annotations

import ast
import logging
import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from starlette.testclient import TestClient

from phyassist.domain.people import Patient, PatientId
from phyassist.services.note_forms import name_file
from phyassist.web.pages.choices import own_path
from phyassist.web.render import render_text
from phyassist.web.sse import Bit
from tests.house.canary import CANARY, find_canary
from tests.house.tree import list_modules
from tests.security.conftest import list_routes
from tests.web.samples import list_views

BREAKS_OUT = [
    "<script>document.title='in'</script>",
    "</textarea></script><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x=\"",
    "' autofocus onfocus=alert(1) x='",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "--><b>", "]]><b>",
    "&lt;script&gt;", "&#x3c;b&#x3e;",
    "{{ 7 * 7 }}{{ w.__class__.__mro__ }}", "{% include 'base.html' %}", "{# #}", "${7*7}", "#{7*7}",
    "<div hx-get=/patients hx-trigger=load>", "<a hx-on:click=alert(1)>",
    "<form action=//evil.example><button>", "<base href=//evil.example>", "<meta http-equiv=refresh>",
    "\u202e<b>", "＜script＞", "%3Cscript%3E", "\x00<b>",
]  # fmt: skip
SIGNS = st.text("<>&\"'`=/{}%$#;:()!- xonload", min_size=1, max_size=30)
PIECES = st.one_of(st.sampled_from(BREAKS_OUT), SIGNS, st.text(max_size=9))
NASTY = st.lists(PIECES, min_size=1, max_size=3).map(lambda parts: f"z{''.join(parts)}z".replace("\n", " "))
PAGES = sorted(list_views("en"))
LEADING = ("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-target", "hx-vals", "sse-connect")


class Shape(HTMLParser):
    """What a browser makes of a page: its tags, the names of their attributes, and where they lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...], tuple[str | None, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        names = tuple(name for name, _ in attrs)
        self.tags.append((tag, names, tuple(named[name] for name in LEADING if name in named)))

    def handle_decl(self, decl: str) -> None:
        self.tags.append((decl.lower(), (), ()))

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", (), ()))


def shape_of(html: str) -> list[tuple[str, tuple[str, ...], tuple[str | None, ...]]]:
    shape = Shape()
    shape.feed(html)
    shape.close()
    return shape.tags


def say(value: Any, text: str, private: bool = False) -> Any:
    """The same view, with `text` wherever it shows what a person wrote: the fields that do not print."""
    if is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "language"):
        own = [each for each in fields(value) if each.init]
        said = {each.name: say(getattr(value, each.name), text, not each.repr) for each in own}
        return replace(value, **said)
    if isinstance(value, tuple):
        return tuple(say(each, text, private) for each in value)
    # What we have drawn ourselves is marked as such, and holds nobody's words.
    is_words = isinstance(value, str) and not isinstance(value, Markup)
    return text if private and is_words and value else value


def count_said(value: Any, text: str) -> int:
    if is_dataclass(value) and not isinstance(value, type):
        return sum(count_said(getattr(value, each.name), text) for each in fields(value))
    if isinstance(value, tuple):
        return sum(count_said(each, text) for each in value)
    return int(value == text)


@cache
def harmless_shape(name: str) -> list[tuple[str, tuple[str, ...], tuple[str | None, ...]]]:
    """Of a page whose words are no code; every example is held against the same."""
    return shape_of(render_text(say(list_views("en")[name], "zharmlessz")))


@pytest.mark.parametrize("name", PAGES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(nasty=NASTY)
def test_no_words_change_the_shape_of_a_page(name: str, nasty: str) -> None:
    view = list_views("en")[name]

    html = render_text(say(view, nasty))

    assert shape_of(html) == harmless_shape(name)


def test_the_views_do_hold_words_to_try_this_with() -> None:
    views = list_views("en")

    held = {name: count_said(say(view, "zheldz"), "zheldz") for name, view in views.items()}

    assert sum(1 for count in held.values() if count) > 20
    assert held["consultation"] > 5
    assert "zheldz" in render_text(say(views["consultation"], "zheldz"))


@given(text=st.text())
def test_no_words_end_an_event_of_a_stream(text: str) -> None:
    lines = Bit(text).encode().decode().split("\n")

    assert lines[0] == "event: bit"
    assert lines[-2:] == ["", ""]
    assert all(line.startswith("data: ") for line in lines[1:-2])
    assert not any("\r" in line for line in lines)


@settings(max_examples=300)
@given(path=st.text("/\\:.?#@ \t\n\rabc%０／evil", max_size=20) | st.text(max_size=20))
def test_no_words_lead_to_another_site(path: str) -> None:
    led = own_path(path)

    # As browsers read an address: ends trimmed, tabs and line ends dropped, a backslash a slash.
    plain = "".join(sign for sign in led.strip("\x00\x1f ") if sign not in "\t\r\n").replace("\\", "/")
    assert plain.startswith("/")
    assert not plain.startswith("//")


@given(number=st.text(max_size=60), form=st.sampled_from(["txt", "md", "json"]))
def test_the_name_of_an_export_is_a_plain_one(number: str, form: str) -> None:
    name = name_file(Patient(PatientId("0123456789abcdef"), name=CANARY, number=number), form)

    assert re.fullmatch(r"[a-z-]+-[0-9A-Za-z_-]+\.(txt|md|json)", name)


STRANGE_NUMBERS = ['a"; filename="b.exe', "../../a", "a\r\nSet-Cookie: b=c", "\u202etxt.exe", "a/b\\c"]


@pytest.mark.parametrize("number", STRANGE_NUMBERS)
def test_a_patient_names_no_header(number: str, inside: TestClient) -> None:
    form = {"name": number, "number": number, "language": "en"}
    patient = inside.post("/patients", data=form).headers["location"].split("/")[2]

    reply = inside.get(f"/patients/{patient}/notes/export")

    name = unquote(reply.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''"))
    assert re.fullmatch(r"notes-[0-9A-Za-z_-]+\.txt", name)
    assert "set-cookie" not in reply.headers
    assert reply.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("path", [path for method, path in list_routes() if method == "GET"])
def test_no_line_of_the_log_is_written_by_who_asks(
    path: str, inside: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    forged = f"{CANARY}\n2026-03-02 ERROR phyassist.web forged"

    inside.get(
        re.sub(r"\{[^}]+\}", "0" * 32, path),
        params=dict.fromkeys(("sought", "said", "form", "after", "items", "section", forged), forged),
        headers={
            "Accept-Language": CANARY.encode(),
            "User-Agent": CANARY.encode(),
            "Referer": "http://[a",
        },
    )

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("phyassist")]
    assert find_canary(ours) == []
    assert not [line for line in ours if "\n" in line or "forged" in line]


def test_a_table_is_written_by_nobody_who_does_not_know_what_a_spreadsheet_runs() -> None:
    """No export is CSV today: one that becomes so must go through a writer that defuses formulas."""
    writers = {
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"writer", "DictWriter"}
        if isinstance(node.value, ast.Name) and node.value.id == "csv"
    }

    # Training writes public data as tables for trainers; nothing of a patient goes there.
    public = {"phyassist.training.imhi", "phyassist.training.study", "phyassist.training.writing"}
    assert {each for each in writers if each.rpartition(":")[0] not in public} == set()

"""A canary goes through every page and both commands, failures included; then everything left is searched.

Database and journal, the log at DEBUG of every library, error pages, replies to bad forms, temporary files.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from phyassist.lm.protocol import Ask
from phyassist.lm.scripted import ScriptedModel
from phyassist.settings import load_settings
from phyassist.store.opening import open_store
from phyassist.web.app import PAGES, create_app
from tests.conftest import FAST_COST
from tests.house.canary import CANARY, find_canary

STRANGER = "wombat-错误-9d21"
PASSPHRASE = f"{CANARY} opens it"
TEXT = (
    f"Client: I am 31 years old and {CANARY} keeps me awake. "
    f"My mother {CANARY}. What shall I do about {CANARY}?"
)
REPLY = json.dumps(
    {
        "symptom_type": f"worry {CANARY}",
        "reasons": [{"from": number, "text": f"reason {CANARY} {number}"} for number in (1, 2, 0)],
        "advice": [{"text": f"advice {CANARY} {number}"} for number in (1, 2, 3)],
    },
    ensure_ascii=False,
)


@dataclass(frozen=True)
class Workspace:
    """The pages, driven as a browser does."""

    http: TestClient
    routes: tuple[Route, ...]

    def get(self, path: str, **query: str) -> str:
        return self.http.get(path, params=query).text

    def post(self, path: str, **form: object) -> str:
        return self.http.post(path, data=form).text

    def post_to_address(self, path: str, **form: object) -> str:
        """Post a form whose answer leads elsewhere; the path that it leads to."""
        return str(self.http.post(path, data=form).url.path)


@pytest.fixture
def everything_logged(home: Path) -> Iterator[Path]:
    """A file that takes what any library logs at DEBUG."""
    (home / "logs").mkdir()
    path = home / "logs" / "everything.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # The test's own client logs the addresses that it asks for: they are not the server's.
    clients = [logging.getLogger(name) for name in ("httpx", "httpx2")]
    for client in clients:
        client.propagate = False
    yield path
    for client in clients:
        client.propagate = True
    root.removeHandler(handler)
    root.setLevel(before)
    handler.close()


@pytest.fixture
def no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants to put something down for a moment finds no place to."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))


@pytest.fixture
def model() -> ScriptedModel:
    """Its drafts: one that is no draft, one that breaks off in the middle, then whole ones."""
    drafts = iter([f"I will not write a draft, {CANARY}"])

    def reply(ask: Ask) -> str:
        speaks_of_fields = "Social functioning" in json.dumps(ask.schema)
        return f"{CANARY}" if speaks_of_fields else next(drafts, REPLY)

    return ScriptedModel([reply] * 50, fails_after=100)


@pytest.fixture
def workspace(
    home: Path, model: ScriptedModel, everything_logged: Path, no_temporary_folder: None
) -> Iterator[Workspace]:
    with open_store(f"sqlite:///{home / 'practice.db'}", passphrase_cost=FAST_COST) as store:
        app = create_app(load_settings(), store=store, model=lambda: model)
        headers = {"origin": "http://127.0.0.1"}
        with TestClient(app, "http://127.0.0.1", raise_server_exceptions=False, headers=headers) as http:
            routes = [route for page in PAGES for route in page.router.routes if isinstance(route, Route)]
            yield Workspace(http, tuple(routes))


def set_up(pages: Workspace) -> None:
    pages.post(
        "/setup",
        name=CANARY,
        passphrase=PASSPHRASE,
        again=PASSPHRASE,
        language="en",
        jurisdiction="cn",
        zone="Europe/Berlin",
    )


def consult(pages: Workspace) -> tuple[str, str]:
    """A patient with an organised text; the paths of patient and consultation."""
    path = pages.post_to_address("/patients", name=CANARY, number=CANARY, language="en")
    patient, consultation = re.fullmatch(r"(/patients/\w+)/consultations/(\w+)", path).groups()  # type: ignore[union-attr]
    at = f"/consultations/{consultation}"
    pages.post(f"{at}/source", after=0, text=TEXT)
    pages.post(f"{at}/source", after=0, text=f"{TEXT} stale")
    pages.post(f"{at}/question", after=0, question=f"why {CANARY}")
    pages.post(f"{at}/organise")
    pages.get(f"{at}/organise/stream")
    pages.post(f"{patient}/record", field="mental_state", text=f"by hand {CANARY}")
    return patient, at


def draft(pages: Workspace, at: str) -> str:
    """A draft that was broken off, unread, and written in the end; its path."""
    page = pages.post(f"{at}/drafts")
    path = re.search(r"/drafts/\w+", page).group(0)  # type: ignore[union-attr]
    for _ in range(4):
        pages.get(f"{path}/stream", after=_version(pages, path))
    return path


def _version(pages: Workspace, path: str) -> str:
    found = re.search(r'id="draft-version"[^>]*value="(\d+)"', pages.get(path))
    return found.group(1) if found else "1"


def work_over(pages: Workspace, path: str) -> None:
    page = pages.get(path)
    item = re.search(rf"{path}/items/(\w+)", page)
    if item is None:
        raise AssertionError("the draft has no item to work on")
    at = f"{path}/items/{item.group(1)}"
    pages.post(at, after=_version(pages, path), text=f"edited {CANARY}")
    pages.post(at, after=1, text=f"stale {CANARY}")
    pages.post(f"{at}/comments", after=_version(pages, path), words=f"comment {CANARY}")
    pages.post(f"{path}/items", after=_version(pages, path), section="advice", text=f"added {CANARY}")
    pages.post(f"{path}/redo", after=_version(pages, path), items=item.group(1))
    pages.get(f"{path}/stream", after=_version(pages, path), redo="chosen", items=item.group(1))


def sign_and_take_back(pages: Workspace, path: str) -> None:
    """Signed in a form with words by hand, withdrawn for a reason, and signed again."""
    form = {"template": "soap", "heading": "soap.objective", "text": f"by hand {CANARY}"}
    pages.post(f"{path}/note/preview", **form)
    page = pages.post(f"{path}/note", after=_version(pages, path), **form)
    note = re.search(r"/notes/(\w+)/withdraw", page)
    pages.post(f"/notes/{note.group(1)}/withdraw", reason=CANARY)  # type: ignore[union-attr]
    pages.post(f"{path}/note", after=1, **form)
    assert CANARY in pages.post(f"{path}/note", after=_version(pages, path), **form)


def write_privately(pages: Workspace, patient: str) -> None:
    page = pages.get(f"{patient}/process-notes")
    box = re.search(r'data-autosave="([^"]+)" data-after="0"', page).group(1)  # type: ignore[union-attr]
    pages.post(box, after=0, text=f"private {CANARY}")
    pages.post(box, after=0, text=f"stale {CANARY}")
    assert CANARY in pages.get(f"{patient}/process-notes")
    assert CANARY in pages.get(f"{box}/versions")


def talk(pages: Workspace, patient: str) -> None:
    """Two answers, of which the model breaks off one; put to use, branched, found again."""
    page = pages.post(f"{patient}/chat", question=f"why {CANARY}")
    stream = re.search(r'sse-connect="([^"?]+)', page).group(1)  # type: ignore[union-attr]
    assert CANARY in pages.get(stream)
    message = stream.removesuffix("/stream")
    thread = re.match(r"/chats/\w+", stream).group(0)  # type: ignore[union-attr]
    pages.post(f"{message}/item", paragraph=0, section="advice")
    pages.post(f"{message}/record", paragraph=0, field="other")
    pages.post(f"{message}/item", paragraph=99, section="advice")
    pages.post(f"{thread}/messages", question=f"once more {CANARY}", parent=CANARY)
    general = pages.post("/chat", question=f"about nobody {CANARY}")
    pages.get(re.search(r'sse-connect="([^"?]+)', general).group(1))  # type: ignore[union-attr]
    pages.post(f"{patient}/chat", question=f"{CANARY}" * 2000)
    assert CANARY in pages.post(f"{patient}/chat/search", words=CANARY)
    assert CANARY in pages.get("/chat")


def shelve(pages: Workspace) -> None:
    handbook = f"# Handbook {CANARY}\n\nOn {CANARY} and its relatives.".encode()
    pages.http.post("/library", data={"scope": "practice"}, files={"file": (f"{CANARY}.md", handbook)})
    pages.http.post("/library", data={"scope": "own"}, files={"file": (f"{CANARY}.png", handbook)})
    found = pages.post("/library/search", words=CANARY)
    assert f"On {CANARY}" in found
    path = re.search(r"/library/[0-9a-f]{32}", found).group(0)  # type: ignore[union-attr]
    pages.post(path, title=f"Renamed {CANARY}", authors=CANARY, source=CANARY)


def learn(pages: Workspace, patient: str) -> None:
    """What it would learn is shown and left out; a run is asked for, and refused: there is one note only."""
    pages.post(f"{patient}/consent", own_training="yes", shared_training="yes")
    page = pages.get(f"{patient}/assistant")
    assert CANARY in page
    example = re.search(r'hx-post="([^"]+/examples/\w+)"', page).group(1)  # type: ignore[union-attr]
    pages.post(example, left_out="yes")
    pages.post(example)
    pages.post(f"{patient}/assistant/train")
    of = patient.removeprefix("/patients/")
    assert CANARY in pages.post("/practice/assistant", kind="set", label=CANARY, of=of)
    pages.post("/practice/assistant/train", kind="set", label=CANARY, of=of)


def sweep(pages: Workspace) -> list[bytes]:
    """Ask for every page with another canary in its address, and post that to every form in the wrong places.

    What was answered: no page of a request that was not understood repeats it.
    """
    answers = []
    wrong = dict.fromkeys(
        ("words", "section", "passphrase", "form", "field", "sought", "redo", "question", "parent"), STRANGER
    )
    for route in pages.routes:
        # A form that is shown back names the address that it goes to; an id there is nobody's words.
        path = re.sub(r"\{[^}]+\}", "0" * 32, route.path)
        for method in route.methods or ():
            if method == "GET":
                answers.append(pages.http.get(re.sub(r"\{[^}]+\}", STRANGER, route.path), params=wrong))
            elif method == "POST" and path not in {"/lock", "/setup"}:
                kind = {"content-type": "application/json"}
                answers.append(pages.http.post(path, data=wrong))
                answers.append(pages.http.post(path, content=json.dumps(wrong), headers=kind))
    refused = [answer for answer in answers if answer.status_code >= 400]
    assert len(refused) > 60
    return [part for answer in refused for part in (answer.content, repr(answer.headers).encode())]


def test_nothing_is_left_in_the_clear_by_the_pages(
    workspace: Workspace, home: Path, tmp_path: Path, model: ScriptedModel
):
    set_up(workspace)
    patient, at = consult(workspace)
    large = f"{TEXT}\n".encode() * 20_000
    uploaded = workspace.http.post(f"{at}/upload", files={"file": (f"{CANARY}.txt", large)})
    path = draft(workspace, at)
    work_over(workspace, path)
    sign_and_take_back(workspace, path)
    write_privately(workspace, patient)
    talk(workspace, patient)
    shelve(workspace)
    notes = workspace.get(f"{patient}/notes")
    note = re.search(r"/notes/(\w+)/amendments", notes)
    workspace.post(f"/notes/{note.group(1)}/amendments", text=CANARY, reason=CANARY)  # type: ignore[union-attr]
    learn(workspace, patient)
    workspace.post("/find", words=CANARY)
    refusals = sweep(workspace)

    # The flows did go through: the canary stands on the pages, and the model was asked about it.
    assert CANARY in notes
    assert len(model.asks) >= 4
    assert uploaded.status_code == 422  # read in memory, and too long for one consultation
    assert find_canary(refusals, STRANGER) == []
    assert (home / "logs" / "everything.log").stat().st_size > 0
    assert find_canary([tmp_path]) + find_canary([tmp_path], STRANGER) == []


def test_a_locked_workspace_shows_nothing(workspace: Workspace):
    set_up(workspace)
    patient, at = consult(workspace)
    workspace.post("/lock")

    pages = [workspace.get(path) for path in (patient, f"{patient}/record", f"{at}/source", "/find")]

    assert find_canary(pages) == []

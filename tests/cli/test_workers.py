"""`phyassist serve --workers`: several processes are one workspace, and outlive the death of one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path

import httpx
import pytest

from phyassist.cli.workers import choose_pause
from phyassist.errors import EngineDown, ModelMissing
from phyassist.lm.protocol import Ask, Message, Never, Reply
from phyassist.lm.shared import SharedEngine, answer_questions
from phyassist.services.demo import PASSPHRASE
from tests.models import find_model


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, subprocess.Popen[str], list[str]]]:
    """A running workspace: its address, its first process, and the lines that it says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "phyassist.cli.main", "serve", "--port", str(port), *options]
    lines: list[str] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")))
        reader.start()
        try:
            wait_for(
                lambda: any("PhyAssist is open on" in line for line in lines) or process.poll() is not None
            )
            yield f"http://127.0.0.1:{port}", process, lines
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            reader.join()


def wait_for(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not is_true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """The web processes: children that are no resource tracker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            words = (path.parent / "cmdline").read_text()
        except OSError:
            continue
        if parent == pid and "spawn_main" in words:
            found.append(int(path.parent.name))
    return sorted(found)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@needs_proc
def test_a_process_killed_before_it_could_serve_is_started_again_while_another_serves(invented: Path) -> None:
    with serving("--workers", "2") as (address, process, lines):
        for _ in range(2):
            before = children_of(process.pid)
            # The newest one: at the second time it has only just been started.
            os.kill(before[-1], signal.SIGKILL)
            wait_for(lambda gone=before[-1]: len(children_of(process.pid)) == 2 and is_gone(gone))
        answer = httpx.get(f"{address}/alive")

    assert answer.status_code == 200
    assert sum("is started again" in line for line in lines) == 2


@needs_proc
def test_a_process_that_dies_again_and_again_is_given_a_pause(invented: Path) -> None:
    with serving("--workers", "2") as (address, process, lines):
        for death in range(1, 4):
            newest = children_of(process.pid)[-1]
            os.kill(newest, signal.SIGKILL)
            wait_for(lambda count=death: sum("is started again" in line for line in lines) == count)
            wait_for(lambda: len(children_of(process.pid)) == 2)
            answer = httpx.get(f"{address}/alive")
            assert answer.status_code == 200
    said = [line.partition("is started again")[2].strip() for line in lines if "is started again" in line]

    assert said == ["", "in 1 s", "in 2 s"]
    assert [choose_pause(deaths) for deaths in (1, 2, 8, 20)] == [0.0, 1.0, 60.0, 60.0]


@needs_proc
def test_a_login_works_in_every_process_and_after_one_was_killed(invented: Path) -> None:
    # A browser without kept connections is answered by whichever process is quicker.
    with serving("--workers", "2") as (address, process, lines):
        workers = children_of(process.pid)
        own = {"Origin": address, "Sec-Fetch-Site": "same-origin", "Connection": "close"}
        with httpx.Client(base_url=address, headers=own, follow_redirects=True) as browser:
            unlocked = browser.post("/unlock", data={"passphrase": PASSPHRASE})
            before = [browser.get("/") for _ in range(12)]
            os.kill(workers[0], signal.SIGKILL)
            wait_for(lambda: len(children_of(process.pid)) == 2 and is_gone(workers[0]))
            after = [browser.get("/") for _ in range(12)]
        now = children_of(process.pid)

    assert len(workers) == 2
    assert unlocked.status_code == 200
    assert {page.status_code for page in (*before, *after)} == {200}
    assert all('href="/patients/' in page.text for page in (*before, *after))
    assert workers[1] in now
    assert any("is started again" in line for line in lines)
    wait_for(lambda: all(is_gone(pid) for pid in now))
    assert sum("PhyAssist is open on" in line for line in lines) == 1


@needs_proc
def test_the_others_end_with_the_first_process_however_it_ends(home: Path) -> None:
    with serving("--workers", "2") as (_, process, _lines):
        workers = children_of(process.pid)

        process.send_signal(signal.SIGKILL)
        process.wait()

        assert len(workers) == 2
        wait_for(lambda: all(is_gone(pid) for pid in workers))


def test_nothing_about_the_engine_stands_in_arguments_or_environment(home: Path) -> None:
    with serving("--workers", "2") as (_, process, _lines):
        seen = [
            (Path(f"/proc/{pid}") / name).read_bytes().decode(errors="replace")
            for pid in children_of(process.pid)
            for name in ("cmdline", "environ")
        ]

    assert seen
    assert not any(re.search(r"api_key|Bearer|127\.0\.0\.1:\d", words) for words in seen)


def test_what_is_wrong_with_the_engine_is_heard_in_the_other_process() -> None:
    def no_engine():
        raise ModelMissing("no model is here", hint="fetch one")

    ours, theirs = Pipe()
    threading.Thread(target=answer_questions, args=(ours, no_engine), daemon=True).start()
    unheard, closed = Pipe()
    unheard.close()

    with pytest.raises(ModelMissing, match="fetch one"):
        _ = SharedEngine(theirs).model
    with pytest.raises(EngineDown, match="has ended"):
        SharedEngine(closed).get_address()


@pytest.mark.model
def test_processes_share_one_engine_which_is_started_again_when_it_dies() -> None:
    from phyassist.lm.engine import Engine, EngineOptions

    ask = Ask((Message("user", "Say one word."),), 8)
    with Engine(find_model("smollm2-135m-instruct"), options=EngineOptions(1024)) as engine:
        ends = [Pipe() for _ in range(2)]
        for ours, _ in ends:
            threading.Thread(target=answer_questions, args=(ours, lambda: engine), daemon=True).start()
        first, second = (SharedEngine(theirs) for _, theirs in ends)

        said = [list(each.model.write(ask, Never()))[-1] for each in (first, second)]
        os.kill(engine.pid, signal.SIGKILL)
        time.sleep(0.5)
        again = list(second.model.write(ask, Never()))[-1]
        before = engine.pid
        first.restart()
        after = engine.pid

    assert all(isinstance(each, Reply) for each in (*said, again))
    assert before != after
    assert first.model.base_sha256 == engine.model.base_sha256

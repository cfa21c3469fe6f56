"""A base that only the hub has: trained on by its name there, and beside its adapter in a Space.

The hub is a stand-in on loopback; its client reads its address at its import, so each command is a process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")
pytest.importorskip("peft", reason="peft is not installed: pip install 'phyassist[train]'")

from phyassist.training.bases import BaseMark, find_base_mark, identify_base
from tests.house.tree import ROOT
from tests.training.hub_server import TOKEN, Hub, Repo, serve_hub
from tests.training.test_prepare import COLUMNS, OwnFile, make_plan, prepare, write_csv
from tests.training.tiny import save_base

BASE, ADAPTER = "practice/tiny", "practice/calm"
DIALS = ("epochs=1", "examples_per_step=4", "row_tokens=1600", "rank=2", "steps_max=2")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serve_hub() as served:
        yield served


@pytest.fixture(scope="module")
def mark(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> BaseMark:
    """What marks the base on the hub, where a second form of its weights lies beside the first."""
    folder = save_base(tmp_path_factory.mktemp("bases") / "tiny")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repos[BASE] = Repo(commits=[{**files, "consolidated.safetensors": files["model.safetensors"]}])
    return BaseMark(BASE, identify_base(str(folder)).sha256)


def test_what_lies_beside_the_weights_does_not_change_the_mark(mark: BaseMark, tmp_path: Path) -> None:
    folder = save_base(tmp_path / "tiny")
    for name in ("consolidated.safetensors", "adapter_model.safetensors"):
        (folder / name).write_bytes(b"the same in another form, or somebody's adapter")

    assert identify_base(str(folder)) == BaseMark("tiny", mark.sha256)


def fresh_machine(hub: Hub, folder: Path) -> Mapping[str, str]:
    """The environment of a user whose cache is empty."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    own = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
    }
    return {**kept, **own, "PHYASSIST_HOME": str(folder / "home")}


@pytest.fixture(scope="module")
def trained(hub: Hub, mark: BaseMark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(16)]
    own = OwnFile(
        write_csv(folder / "mine.csv", ("text", "category", "advice"), rows), COLUMNS, licence="CC0"
    )
    prepare(make_plan(folder, own=[own]), folder / "data")
    where = ["--base", BASE, "--data", str(folder / "data"), "--out", str(folder / "run")]
    dials = [part for dial in DIALS for part in ("--set", dial)]

    done = subprocess.run(
        [sys.executable, "-m", "phyassist.cli.main", "train", *where, *dials],
        env=fresh_machine(hub, folder),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_a_base_that_only_the_hub_has_is_fetched_trained_on_and_named_in_the_adapter(
    trained: Path, mark: BaseMark, hub: Hub
) -> None:
    assert find_base_mark(trained / "adapter") == mark
    assert json.loads((trained / "config.json").read_text())["base_sha256"] == mark.sha256
    assert not [line for line in hub.asked if "consolidated" in line]


def test_a_space_pulls_its_adapter_and_puts_it_beside_a_base_of_the_hub(
    trained: Path, hub: Hub, tmp_path: Path
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'phyassist[demo]'")
    machine = fresh_machine(hub, tmp_path)
    publish = [sys.executable, "-m", "phyassist.cli.main", "publish", str(trained), "--hub", ADAPTER]
    subprocess.run(publish, env=machine, capture_output=True, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    asked = {"ADAPTER": ADAPTER, "BASE": BASE, "SPACE_HOME": str(tmp_path / "space")}

    space = subprocess.Popen(
        [sys.executable, ROOT / "deploy/spaces/app.py"],
        env={**machine, **asked, "GRADIO_SERVER_PORT": port},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with space:
        assert space.stderr
        try:
            said = []
            for line in space.stderr:
                said.append(line)
                if "answer on" in line:
                    break
            assert "answer on" in said[-1], "".join(said)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
                status = page.status
        finally:
            os.killpg(space.pid, signal.SIGTERM)
            space.communicate(timeout=60)

    assert status == 200

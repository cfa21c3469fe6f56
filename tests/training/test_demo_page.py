"""A base and its adapter answering side by side: the words themselves, the page, and what a Space starts."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")
peft = pytest.importorskip("peft", reason="peft is not installed: pip install 'phyassist[train]'")

from phyassist.cli.main import main  # noqa: E402
from phyassist.training.side_by_side import Pair, Question, ask_as_the_app_does, open_pair  # noqa: E402
from tests.house.tree import ROOT  # noqa: E402
from tests.training.test_merge import make_adapter  # noqa: E402
from tests.training.tiny import save_base  # noqa: E402

QUESTION = Question("I slept badly all week.", "What is it?", "en")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapters") / "calm", base, rank=2, seed=1)


@pytest.fixture(scope="module")
def pair(base: Path, adapter: Path) -> Pair:
    return open_pair(str(base), adapter)


def write_alone(base: Path, adapter: Path | None, tokens: int) -> str:
    """What transformers itself writes greedily, with the adapter or without."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter / "adapter")
    ids = tokenizer.apply_chat_template(
        ask_as_the_app_does(QUESTION), add_generation_prompt=True, return_dict=False, return_tensors="pt"
    )
    said = model.eval().generate(
        input_ids=ids, max_new_tokens=tokens, do_sample=False, eos_token_id=tokenizer.eos_token_id
    )
    return str(tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True))


def test_both_write_in_one_go_what_each_writes_alone_and_grow_token_by_token(
    pair: Pair, base: Path, adapter: Path
) -> None:
    steps = list(pair.stream(ask_as_the_app_does(QUESTION), reply_tokens=12))

    assert [step.is_done for step in steps] == [False] * (len(steps) - 1) + [True]
    assert all(after.adapter.startswith(before.adapter) for before, after in pairwise(steps))
    assert steps[-1].base == write_alone(base, None, 12)
    assert steps[-1].adapter == write_alone(base, adapter, 12)
    assert steps[-1].base != steps[-1].adapter


def test_the_page_streams_both_replies_to_a_browser(pair: Pair) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'phyassist[demo]'")
    from gradio_client import Client

    from phyassist.training.demo_page import CLOSED, make_page, make_theme

    page = make_page(pair, title="calm")
    _, url, _ = page.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, theme=make_theme(), share=False
    )
    try:
        client = Client(url, verbose=False)
        job = client.submit(QUESTION.text, QUESTION.asked, CLOSED, "en", 20, api_name="/ask")
        last = job.result(timeout=60)
        streamed = job.outputs()
    finally:
        page.close()

    asked = ask_as_the_app_does(Question(QUESTION.text, QUESTION.asked, "en", is_closed=True))
    wanted = list(pair.stream(asked, reply_tokens=20))
    assert len(streamed) > 2
    assert tuple(last) == (wanted[-1].base, wanted[-1].adapter)


def test_without_gradio_or_with_another_base_it_says_so(
    base: Path, adapter: Path, tmp_path: Path, capsys: Any
) -> None:
    from importlib.util import find_spec

    other = save_base(tmp_path / "other", "llama")

    code = main(["demo", str(adapter), "--base", str(other)])

    said = capsys.readouterr().err
    assert code == 1
    wanted = "the adapter was trained on tiny" if find_spec("gradio") else "pip install 'phyassist[demo]'"
    assert wanted in said


def test_a_port_that_is_taken_is_said_and_no_address_is_named(base: Path, adapter: Path, capsys: Any) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'phyassist[demo]'")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code = main(["demo", str(adapter), "--base", str(base), "--port", str(port)])

    said = capsys.readouterr().err
    assert code == 2
    assert f"port {port} is taken" in said
    assert "answer on" not in said


def test_the_address_is_named_when_the_page_is_there(base: Path, adapter: Path) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'phyassist[demo]'")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["demo", str(adapter), "--base", str(base), "--port", str(port)]
    command = [sys.executable, "-m", "phyassist", *words]

    # A shell's background jobs, as the tests may be, are begun deaf to Ctrl C, and what they begin is so too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    signal.signal(signal.SIGINT, before)
    with process:
        assert process.stderr
        try:
            said = next(line for line in process.stderr if "answer on" in line)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
                status = page.status
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)

    assert f"http://127.0.0.1:{port} " in said
    assert status == 200


def test_what_a_space_installs_is_this_release_and_a_gradio_that_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    folder = ROOT / "deploy/spaces"

    wheel = (folder / "requirements.txt").read_text("utf-8").splitlines()[-1]
    front = (folder / "README.md").read_text("utf-8").split("---\n")[1]

    assert wheel == f"./phyassist-{project['version']}-py3-none-any.whl[train,demo]"
    (gradio,) = (line for line in front.splitlines() if line.startswith("sdk_version: "))
    assert gradio.removeprefix("sdk_version: ").startswith("6.")
    assert project["optional-dependencies"]["demo"] == ["gradio>=6.31,<7"]

"""One set of tests for every language model: scripted, our engine, and a server that is not ours."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from phyassist.errors import AdapterMissing, PromptTooLong
from phyassist.lm.client import open_outside
from phyassist.lm.engine import Engine
from phyassist.lm.protocol import Ask, LanguageModel, Message, Never, Reading, Reply, Words
from phyassist.lm.scripted import ScriptedModel
from tests.models import find_base

START_WAIT_S = 240.0
STORY = "Once there was a lighthouse keeper who could not sleep. " * 4


@pytest.fixture(scope="session")
def outside_url() -> Iterator[tuple[str, str]]:
    """Address and model of a `transformers serve` on the small model."""
    pytest.importorskip("torch")
    folder = find_base("smollm2-135m-instruct")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    server = subprocess.Popen(
        [*command, "--device", "cpu", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, server)
        yield url, str(folder)
    finally:
        server.kill()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_WAIT_S
    while time.monotonic() < end and server.poll() is None:
        try:
            httpx.get(f"{url}/health", timeout=2)
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("transformers serve did not start")


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("engine", marks=pytest.mark.model),
        pytest.param("outside", marks=pytest.mark.model),
    ]
)
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    if request.param == "scripted":
        return ScriptedModel([STORY] * 4, context_tokens=2048)
    if request.param == "engine":
        engine: Engine = request.getfixturevalue("engine")
        return engine.model
    url, model = request.getfixturevalue("outside_url")
    return open_outside(url, "", model, context_tokens=2048)


def make_ask(text: str = "Tell me a story of the sea.", reply_tokens: int = 12, adapter: str = "") -> Ask:
    return Ask((Message("user", text),), reply_tokens=reply_tokens, adapter=adapter)


def test_readings_come_first_then_words_then_one_reply_of_those_words(lm: LanguageModel) -> None:
    events = list(lm.write(make_ask(), Never()))

    kinds = [type(event) for event in events]
    order = {Reading: 0, Words: 1, Reply: 2}
    assert [order[kind] for kind in kinds] == sorted(order[kind] for kind in kinds)
    assert kinds.count(Reply) == 1
    reply = events[-1]
    assert isinstance(reply, Reply)
    assert reply.text == "".join(event.text for event in events if isinstance(event, Words))


def test_a_reply_says_who_wrote_it_and_what_it_cost(lm: LanguageModel) -> None:
    *_, reply = lm.write(make_ask(), Never())

    assert isinstance(reply, Reply)
    assert (reply.model, reply.adapter) == (lm.name, "")
    assert reply.prompt_tokens > 5
    assert 0 < reply.reply_tokens <= 12
    assert 0 <= reply.cached_tokens <= reply.prompt_tokens
    assert reply.seconds >= 0


def test_a_reply_ends_at_the_tokens_that_were_asked_for(lm: LanguageModel) -> None:
    *_, reply = lm.write(make_ask(reply_tokens=5), Never())

    assert isinstance(reply, Reply)
    assert reply.finish == "length"
    assert reply.reply_tokens == 5


def test_the_same_question_is_answered_in_the_same_words(lm: LanguageModel) -> None:
    *_, first = lm.write(make_ask(), Never())
    *_, second = lm.write(make_ask(), Never())

    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert first.text == second.text


def test_a_stop_after_some_words_keeps_those_words(lm: LanguageModel) -> None:
    class AfterThree:
        seen = 0

        def is_set(self) -> bool:
            return self.seen >= 3

    stop, said = AfterThree(), ""
    for event in lm.write(make_ask(reply_tokens=400), stop):
        if isinstance(event, Words):
            stop.seen += 1
            said += event.text
        if isinstance(event, Reply):
            reply = event

    assert reply.finish == "stopped"
    assert reply.text == said
    assert said


def test_a_stop_from_the_start_writes_nothing(lm: LanguageModel) -> None:
    class Always:
        def is_set(self) -> bool:
            return True

    *_, reply = lm.write(make_ask(), Always())

    assert isinstance(reply, Reply)
    assert (reply.finish, reply.text) == ("stopped", "")


def test_a_prompt_beyond_the_window_is_refused(lm: LanguageModel) -> None:
    with pytest.raises(PromptTooLong, match="longer than the model's window of 2,048 tokens"):
        list(lm.write(make_ask("seashells " * 3000), Never()))


def test_an_adapter_that_is_not_there_is_named(lm: LanguageModel) -> None:
    with pytest.raises(AdapterMissing, match="adapter nobody"):
        list(lm.write(make_ask(adapter="nobody"), Never()))


def test_longer_texts_have_more_tokens(lm: LanguageModel) -> None:
    short, long = lm.count_tokens("很难入睡"), lm.count_tokens("很难入睡，夜里总是想起父亲的话。")

    assert 0 < short < long
    assert lm.count_tokens("") == 0


def test_reading_in_advance_changes_no_answer(lm: LanguageModel) -> None:
    lm.warm((Message("user", "Tell me a"),))

    *_, reply = lm.write(make_ask(), Never())

    assert isinstance(reply, Reply)
    assert reply.text


@pytest.mark.model
def test_the_estimate_is_above_what_the_vocabulary_says(engine: Engine) -> None:
    from phyassist.lm.counting import estimate_tokens

    text = "She has not slept for nine nights; on 3 March 2024 (a Sunday) she rang her mother - twice."

    assert engine.model.count_tokens(text) <= estimate_tokens(text)

"""The client against servers that misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.errors import AdapterMissing, EngineDown, ModelError, PromptTooLong, ServerRefused
from phyassist.lm.client import open_outside
from phyassist.lm.counting import estimate_tokens
from phyassist.lm.memory import memory_folder
from phyassist.lm.protocol import Ask, Message, Never, Reply
from phyassist.lm.wire import parse_events
from tests.lm.local_server import Handle, send, send_events, serve
from tests.lm.vllm_server import Vllm

SECRET = "she said that nobody knows"
ASK = Ask((Message("user", SECRET),), reply_tokens=20)
SCHEMA = {"type": "object"}


def make_event(text: str = "", finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({"choices": [choice], **more}, ensure_ascii=False)


def ask_server(handle: Handle, ask: Ask = ASK) -> Reply:
    with serve(handle) as url:
        client = open_outside(f"{url}/v1", "key", "base", context_tokens=4096)
        *_, reply = client.write(ask, Never())
    assert isinstance(reply, Reply)
    return reply


def test_line_separators_inside_the_text_do_not_cut_it() -> None:
    text = "one\u2028two\x85three\u2029"

    reply = ask_server(
        lambda handler, _: send_events(handler, make_event(text), make_event("", "stop"), "[DONE]")
    )

    assert reply.text == text
    assert reply.finish == "done"


@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 7))
def test_events_are_read_however_the_bytes_are_cut(texts: list[str], size: int) -> None:
    stream = "".join(f"data: {json.dumps({'t': text}, ensure_ascii=False)}\n\n" for text in texts).encode()

    events = parse_events(stream[start : start + size] for start in range(0, len(stream), size))

    assert [event.data["t"] for event in events] == texts


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, "{}", ServerRefused, "refused the key"),
        (404, "{}", ServerRefused, "does not know this model"),
        (429, "{}", ServerRefused, "too much to do"),
        (500, SECRET, ServerRefused, "status 500"),
        (400, '{"error": {"code": "context_length_exceeded"}}', PromptTooLong, "4,096 tokens"),
    ],
)
def test_a_refusal_is_a_sentence_without_the_prompt(
    status: int, body: str, error: type[ModelError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        ask_server(lambda handler, _: send(handler, status, body.encode()))

    assert SECRET not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"


def test_an_adapter_that_the_server_lacks_is_named() -> None:
    ask = Ask(ASK.messages, reply_tokens=5, adapter="a17")

    with pytest.raises(AdapterMissing, match="does not have adapter a17"):
        ask_server(lambda handler, _: send(handler, 404, b"{}"), ask)


def test_an_adapter_is_asked_for_by_its_name_and_reported_as_the_server_says() -> None:
    asked: list[dict[str, Any]] = []

    def handle(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked.append(json.loads(body))
        send_events(handler, make_event("yes", "stop", model=asked[-1]["model"]), "[DONE]")

    with_adapter = ask_server(handle, Ask(ASK.messages, reply_tokens=5, adapter="a17"))
    without = ask_server(handle)

    assert [body["model"] for body in asked] == ["a17", "base"]
    assert [with_adapter.adapter, without.adapter] == ["a17", ""]


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(EngineDown, match="broke off in the middle of an answer"):
        ask_server(lambda handler, _: send_events(handler, make_event("half an ans")))


def test_an_answer_that_is_no_json_is_a_broken_one() -> None:
    with pytest.raises(EngineDown, match="broke off"):
        ask_server(lambda handler, _: send_events(handler, "{not json"))


def test_nobody_at_the_address_is_said() -> None:
    client = open_outside("http://127.0.0.1:9", "", "base", context_tokens=4096)

    with pytest.raises(EngineDown, match=r"no model server answers at 127\.0\.0\.1:9"):
        list(client.write(ASK, Never()))


def test_without_a_name_the_first_listed_model_is_used() -> None:
    def handle(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        assert handler.headers["Authorization"] == "Bearer key"
        send(handler, 200, b'{"data": [{"id": "big"}, {"id": "small"}]}')

    with serve(handle) as url:
        assert open_outside(url, "key", "", context_tokens=4096).name == "big"


def test_a_server_without_json_schemas_is_asked_in_laxer_forms() -> None:
    forms: list[str] = []

    def handle(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        form = json.loads(body).get("response_format", {}).get("type", "")
        forms.append(form)
        if form:
            send(handler, 400, b'{"error": "response_format is not supported"}')
        else:
            send_events(handler, make_event("{}", "stop"), "[DONE]")

    with serve(handle) as url:
        client = open_outside(url, "", "base", context_tokens=4096)
        for _ in range(2):
            *_, reply = client.write(Ask(ASK.messages, reply_tokens=5, schema=SCHEMA), Never())

    assert forms == ["json_schema", "json_object", "", ""]
    assert client.json_form == ""
    assert isinstance(reply, Reply)


def test_choices_are_asked_for_and_a_server_that_refuses_them_writes_freely() -> None:
    asked: list[object] = []

    def handle(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        wanted = json.loads(body).get("structured_outputs")
        asked.append(wanted)
        if wanted:
            send(handler, 400, b'{"error": "Unrecognized request argument: structured_outputs"}')
        else:
            send_events(handler, make_event("Perhaps.", "stop"), "[DONE]")

    with serve(handle) as url:
        client = open_outside(url, "", "base", context_tokens=4096)
        ask = Ask(ASK.messages, reply_tokens=5, choices=("Yes.", "No."))
        replies = [list(client.write(ask, Never()))[-1] for _ in range(2)]

    assert asked == [{"regex": r"(Yes\.|No\.)"}, None, None]
    assert all(isinstance(reply, Reply) and reply.text == "Perhaps." for reply in replies)


def test_a_stop_is_heeded_while_the_server_is_silent() -> None:
    left = threading.Event()

    def handle(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.connection.settimeout(20)
        if not handler.connection.recv(1):
            left.set()

    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with serve(handle) as url:
        client = open_outside(url, "", "base", context_tokens=4096)
        *_, reply = client.write(ASK, stop)
        server_saw_it = left.wait(5)

    assert isinstance(reply, Reply)
    assert reply.finish == "stopped"
    # It would have been silent for longer: it was left, and did not leave.
    assert server_saw_it


def test_tokens_are_estimated_where_the_server_does_not_count() -> None:
    with serve(lambda handler, _: send(handler, 404, b"{}")) as url:
        client = open_outside(url, "", "base", context_tokens=4096)

        assert client.count_tokens("很难入睡") == estimate_tokens("很难入睡") == 9


def test_tokens_are_counted_where_the_server_counts_as_vllm_does() -> None:
    with serve(lambda handler, _: send(handler, 200, b'{"count": 3, "tokens": [1, 2, 3]}')) as url:
        client = open_outside(url, "", "base", context_tokens=4096)

        assert client.count_tokens("很难入睡") == 3


def test_reading_in_advance_costs_nothing_on_a_server_of_others() -> None:
    client = open_outside("http://127.0.0.1:9", "", "base", context_tokens=4096)

    client.warm(ASK.messages)


def read_file(name: str) -> bytes:
    return {"adapter_config.json": b"config", "adapter_model.safetensors": b"weights"}[name]


def test_a_server_takes_an_adapter_from_memory_at_run_time_and_gives_it_back() -> None:
    vllm = Vllm()
    with serve(vllm.handle) as url:
        client = open_outside(url, "", "base", context_tokens=4096)
        before = client.has_adapter("a17")

        client.take_adapter("a17", read_file)
        folder, after = vllm.loaded["a17"], client.has_adapter("a17")
        client.take_adapter("a17", read_file)
        was_there = folder.is_dir()
        client.close()

    assert (before, after, was_there) == (False, True, True)
    assert vllm.files == {"a17": (b"config", b"weights")}
    assert (vllm.modes, folder.parts[:3], vllm.loaded) == ([0o700], ("/", "dev", "shm"), {})
    assert not folder.exists()


def test_a_server_that_takes_no_adapters_at_run_time_says_what_to_start_it_with() -> None:
    with serve(lambda handler, _: send(handler, 404, b"{}")) as url:
        client = open_outside(url, "", "base", context_tokens=4096)

        with pytest.raises(ServerRefused, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
            client.take_adapter("a17", read_file)


def test_what_a_killed_process_left_in_memory_is_swept_and_what_is_held_is_not() -> None:
    code = (
        "import os, signal\n"
        "from phyassist.lm.memory import memory_folder\n"
        "with memory_folder() as folder:\n"
        "    (folder / 'adapter_config.json').write_text('secret')\n"
        "    print(folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    left = Path(ran.stdout.strip())
    was_left = (left / "adapter_config.json").is_file()
    long_ago = time.time() - 3600
    with memory_folder() as held:
        for folder in (left, held):
            os.utime(folder, (long_ago, long_ago))

        open_outside("http://127.0.0.1:9", "", "base", context_tokens=4096)

        assert (was_left, left.exists(), held.exists()) == (True, False, True)

"""The engine against the real small model: adapters, stopping, dying, and bad files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gguf
import pytest

from phyassist.errors import AdapterMissing, EngineDown, ModelDamaged, ModelMissing, PromptTooLong
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import Ask, LanguageModel, Message, Never, Reading, Reply, Words

pytestmark = pytest.mark.model


def make_ask(text: str, *, reply_tokens: int = 16, adapter: str = "") -> Ask:
    return Ask((Message("user", text),), reply_tokens=reply_tokens, adapter=adapter)


def get_reply(lm: LanguageModel, ask: Ask) -> Reply:
    *_, reply = lm.write(ask, Never())
    assert isinstance(reply, Reply)
    return reply


def wait_until_gone(pid: int, wait_s: float = 10.0) -> bool:
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_second_question_on_the_same_beginning_reads_only_what_is_new(engine: Engine) -> None:
    history = "She sleeps badly and worries about her exams. " * 30

    first = get_reply(engine.model, make_ask(history + "Why?"))
    second = get_reply(engine.model, make_ask(history + "What helps?"))

    assert first.prompt_tokens > 300
    assert second.cached_tokens > 300
    assert second.prompt_tokens - second.cached_tokens < 24


def test_warming_reads_the_beginning_in_advance(engine: Engine) -> None:
    history = "He left home at fifteen and has lived with an aunt since. " * 30

    engine.model.warm((Message("user", history),))
    reply = get_reply(engine.model, make_ask(history + "What next?"))

    assert reply.prompt_tokens - reply.cached_tokens < 24


def test_a_return_to_an_earlier_patient_is_not_read_again(engine: Engine) -> None:
    one, other = "The first tells of a long winter. " * 30, "The second of work at night. " * 30
    get_reply(engine.model, make_ask(one))

    get_reply(engine.model, make_ask(other))
    back = get_reply(engine.model, make_ask(one))

    assert back.prompt_tokens - back.cached_tokens < 24


def test_reading_is_reported_as_it_goes(engine: Engine) -> None:
    found = list(engine.model.write(make_ask("Something long and new. " * 80), Never()))

    readings = [event for event in found if isinstance(event, Reading)]
    assert len(readings) >= 3
    assert [each.read for each in readings] == sorted(each.read for each in readings)
    assert readings[-1].read == readings[-1].total


def test_a_stop_while_the_prompt_is_read_frees_the_engine(engine: Engine) -> None:
    stop = threading.Event()
    long_ask = make_ask("Quite another story, told slowly. " * 200, reply_tokens=400)

    found = []
    for event in engine.model.write(long_ask, stop):
        found.append(event)
        stop.set()
    next_reply = get_reply(engine.model, make_ask("Hello", reply_tokens=2))

    assert isinstance(found[-1], Reply)
    assert found[-1].finish == "stopped"
    assert all(event.read < event.total for event in found if isinstance(event, Reading))
    assert next_reply.reply_tokens == 2


def test_a_question_is_served_before_reading_in_advance_goes_on(engine: Engine) -> None:
    history = "A third person's story goes on and on. " * 100
    warming = threading.Thread(target=engine.model.warm, args=((Message("user", history),),))
    warming.start()
    time.sleep(0.3)

    get_reply(engine.model, make_ask("Hi", reply_tokens=2))
    still_warming = warming.is_alive()
    warming.join(60)

    assert still_warming
    assert get_reply(engine.model, make_ask(history + "So?")).cached_tokens > 600


def test_a_question_takes_over_what_was_read_in_advance_so_far(engine: Engine) -> None:
    history = "A fourth person tells of a house by the river. " * 90
    warming = threading.Thread(target=engine.model.warm, args=((Message("user", history),),))
    warming.start()
    time.sleep(3.0)  # long enough for a batch or two

    reply = get_reply(engine.model, make_ask(history + "Why?", reply_tokens=2))
    warming.join(60)

    assert reply.cached_tokens >= 128


def test_a_reader_who_leaves_frees_the_engine(engine: Engine) -> None:
    words: Iterator[object] = engine.model.write(make_ask("Tell a long story.", reply_tokens=1500), Never())
    heard: list[float] = []
    for event in words:
        if isinstance(event, Words):
            heard.append(time.monotonic())
        if len(heard) == 20:
            break
    words.close()  # type: ignore[attr-defined]

    started = time.monotonic()
    get_reply(engine.model, make_ask("Hello there", reply_tokens=2))

    # As fast as this machine is now, the story's end is far away.
    story_s = 1500 * (heard[-1] - heard[0]) / (len(heard) - 1)
    assert time.monotonic() - started < story_s / 4


def test_a_prompt_longer_than_the_window_is_refused(engine: Engine) -> None:
    with pytest.raises(PromptTooLong, match="longer than the model's window of 2,048 tokens"):
        get_reply(engine.model, make_ask("word " * 4000))


def test_a_schema_binds_the_reply(engine: Engine) -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["low", "high"]}}, "required": ["mood"]}
    ask = Ask((Message("user", "She cries a lot. JSON please."),), reply_tokens=40, schema=schema)

    reply = get_reply(engine.model, ask)

    assert reply.text.replace(" ", "").replace("\n", "") in ('{"mood":"low"}', '{"mood":"high"}')
    assert reply.finish == "done"


def test_choices_bind_the_whole_reply_or_its_beginning(engine: Engine) -> None:
    choices = ('No, it is "fine".', "是，很难过。")
    messages = (Message("user", "She cries a lot. Is she well?"),)

    whole = get_reply(engine.model, Ask(messages, reply_tokens=40, choices=choices))
    begun = get_reply(engine.model, Ask(messages, reply_tokens=30, choices=choices, goes_on=True))

    assert whole.text in choices
    assert begun.text.startswith(choices)
    assert len(begun.text) > max(map(len, choices))


def test_tokens_are_counted_in_the_models_own_vocabulary(engine: Engine) -> None:
    assert engine.model.count_tokens("hello world") == 2
    assert engine.model.count_tokens("") == 0


def test_each_adapter_answers_in_its_own_way_and_says_so(engine_with_adapters: Engine) -> None:
    lm = engine_with_adapters.model
    text = "Tell me about sleep, please."

    base = get_reply(lm, make_ask(text))
    calm = get_reply(lm, make_ask(text, adapter="calm"))
    wild = get_reply(lm, make_ask(text, adapter="wild"))

    assert [base.adapter, calm.adapter, wild.adapter] == ["", "calm", "wild"]
    assert len({base.text, calm.text, wild.text}) == 3


def test_the_base_answers_as_before_after_an_adapter_did(
    engine: Engine, engine_with_adapters: Engine
) -> None:
    text = "What should I ask a person who cannot sleep?"
    alone = get_reply(engine.model, make_ask(text))
    lm = engine_with_adapters.model

    for _ in range(2):
        calm = get_reply(lm, make_ask(text, adapter="calm"))
        wild = get_reply(lm, make_ask(text, adapter="wild"))
        base = get_reply(lm, make_ask(text))

    assert base.text == alone.text
    assert base.cached_tokens > 0
    assert calm.text not in (wild.text, base.text)


def test_the_base_keeps_its_cache_while_an_adapter_answers(engine_with_adapters: Engine) -> None:
    lm = engine_with_adapters.model
    history = "Nights are hard since the move. " * 30
    get_reply(lm, make_ask(history))

    get_reply(lm, make_ask(history, adapter="wild"))
    again = get_reply(lm, make_ask(history + "Why?"))

    assert again.prompt_tokens - again.cached_tokens < 24


def test_an_adapter_that_is_not_loaded_is_named(engine: Engine) -> None:
    with pytest.raises(AdapterMissing, match="adapter nobody is not loaded"):
        get_reply(engine.model, make_ask("Hello", adapter="nobody"))


def test_an_engine_killed_in_the_middle_of_an_answer_says_so_and_comes_back(small_model_path: Path) -> None:
    with Engine(small_model_path, options=EngineOptions(2048)) as engine:
        ask = make_ask("Tell a long story.", reply_tokens=1500)
        with pytest.raises(EngineDown, match=r"stopped in the middle of an answer \(signal 9\)"):
            for event in engine.model.write(ask, Never()):
                if isinstance(event, Words):
                    os.kill(engine.pid, signal.SIGKILL)

        reply = get_reply(engine.model, make_ask("Hello", reply_tokens=4))

    assert reply.reply_tokens == 4


def test_the_engine_dies_with_a_parent_that_is_killed(small_model_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from phyassist.lm.engine import Engine\n"
        "engine = Engine(Path(sys.argv[1])); engine.get_address(); print(engine.pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(small_model_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child_pid = int(parent.stdout.readline())

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert wait_until_gone(child_pid)


def test_a_closed_engine_leaves_nothing_running(small_model_path: Path) -> None:
    engine = Engine(small_model_path)
    pid = engine.pid

    engine.close()

    assert wait_until_gone(pid)
    with pytest.raises(EngineDown, match="engine is closed"):
        get_reply(engine.model, make_ask("Hello"))


def test_the_key_and_the_model_do_not_stand_in_the_process_list(engine: Engine) -> None:
    address = engine.get_address()

    line = Path(f"/proc/{engine.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{engine.pid}/environ").read_bytes()

    assert address.key.encode() not in line + environment
    assert address.key not in repr(address)


def test_a_model_file_cut_short_is_named_before_anything_starts(
    small_model_path: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(small_model_path.read_bytes()[:60_000_000])

    with pytest.raises(ModelDamaged, match="is cut short: 60,000,000 of"):
        Engine(short)


def test_a_model_file_cut_in_its_head_is_named(small_model_path: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(small_model_path.read_bytes()[:5_000])

    with pytest.raises(ModelDamaged, match="breaks off in its head"):
        Engine(short)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_file_that_is_no_model_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)

    with pytest.raises(ModelDamaged, match=r"model\.gguf"):
        Engine(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="there is no model file at"):
        Engine(tmp_path / "model.gguf")


def test_a_model_whose_numbers_make_no_sense_is_named_when_it_is_asked(
    small_model_path: Path, tmp_path: Path
) -> None:
    data = bytearray(small_model_path.read_bytes())
    at = data.index(b"blk.3.attn_q.weight")
    data[at : at + 19] = b"blk.3.xxxx_q.weight"
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(data)

    with Engine(broken) as engine, pytest.raises(ModelDamaged, match="cannot load broken"):
        get_reply(engine.model, make_ask("Hello"))


def test_a_new_adapter_is_taken_while_an_answer_is_written(
    small_model_path: Path, adapter_paths: dict[str, Path]
) -> None:
    with Engine(small_model_path, options=EngineOptions(2048)) as engine:
        lm, first_pid = engine.model, engine.pid
        words = lm.write(make_ask("Tell a long story.", reply_tokens=120), Never())
        next(event for event in words if isinstance(event, Words))

        engine.take_adapter("calm", adapter_paths["calm"].read_bytes())
        calm = get_reply(lm, make_ask("Hello", reply_tokens=4, adapter="calm"))
        *_, long = words
        base = get_reply(lm, make_ask("Hello", reply_tokens=4))

        assert isinstance(long, Reply)
        assert (long.finish, long.adapter) == ("length", "")
        assert (calm.adapter, base.adapter) == ("calm", "")
        assert wait_until_gone(first_pid)

        with pytest.raises(ModelDamaged):
            engine.take_adapter("broken", b"GGUF and no more")
        assert engine.adapters == ("calm",)
        engine.restart()
        assert engine.adapters == ()


def test_what_came_first_makes_room_and_comes_back(
    small_model_path: Path, adapter_paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phyassist.lm.engine.SHELF_MAX", 2)
    calm = adapter_paths["calm"].read_bytes()
    with Engine(small_model_path, options=EngineOptions(2048)) as engine:
        for name in ("first", "second", "third"):
            engine.take_adapter(name, calm)
        assert engine.adapters == ("second", "third")
        with pytest.raises(AdapterMissing):
            get_reply(engine.model, make_ask("Hello", reply_tokens=4, adapter="first"))

        engine.take_adapter("first", calm)
        reply = get_reply(engine.model, make_ask("Hello", reply_tokens=4, adapter="first"))

        assert engine.adapters == ("third", "first")
        assert reply.adapter == "first"


def test_a_child_that_died_comes_back_with_the_adapters_that_it_took(
    small_model_path: Path, adapter_paths: dict[str, Path]
) -> None:
    with Engine(small_model_path, options=EngineOptions(2048)) as engine:
        engine.take_adapter("wild", adapter_paths["wild"].read_bytes())
        os.kill(engine.pid, signal.SIGKILL)

        engine.find_exit()
        reply = get_reply(engine.model, make_ask("Hello", reply_tokens=4, adapter="wild"))

    assert reply.adapter == "wild"


def test_an_adapter_is_no_model(adapter_paths: dict[str, Path]) -> None:
    with pytest.raises(ModelDamaged, match="is an adapter, not a model"):
        Engine(adapter_paths["calm"])


def test_an_adapter_of_another_architecture_is_refused_before_anything_starts(
    small_model_path: Path, tmp_path: Path
) -> None:
    writer = gguf.GGUFWriter(tmp_path / "other.gguf", arch="qwen2")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    with pytest.raises(
        AdapterMissing, match="adapter other was made for a qwen2 model and this one is llama"
    ):
        Engine(small_model_path, adapters={"other": tmp_path / "other.gguf"})

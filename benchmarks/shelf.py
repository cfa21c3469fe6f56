"""Adapters in the engine: how long a change takes, whether an answer breaks off, and what many of them weigh.

    python benchmarks/shelf.py MODEL.gguf [--adapters 50] [--rank 8]

The adapters are of the size that training makes (every linear layer, float32), filled with small random
numbers.  A change is timed while an answer is being written; that answer has to come to its end.  Memory is
the proportional share (PSS) of the engine's child and of this process, which holds the adapters' files.
Writes docs/results/shelf.md and shelf.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import Ask, Message, Never, Reply, Words

sys.path.insert(0, str(Path(__file__).parent))
from machine import find_processor

RESULTS = Path(__file__).parent.parent / "docs" / "results"
CHANGES = 5
ANSWER_TOKENS = 120
LAYERS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--adapters", type=int, default=50)
    parser.add_argument("--rank", type=int, default=8)
    options = parser.parse_args()
    load_before = os.getloadavg()
    found = {
        "command": "python benchmarks/shelf.py " + " ".join([options.model.name, *sys.argv[2:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {find_processor()}, {platform.system()}",
        "versions": {name: version(name) for name in ("xllamacpp", "phyassist")},
        "load_before": [round(each, 2) for each in load_before],
        **measure(options.model, options.adapters, options.rank),
    }
    (RESULTS / "shelf.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (RESULTS / "shelf.md").write_text(make_page(found), encoding="utf-8")
    sys.stdout.write(make_page(found))


def measure(model: Path, count: int, rank: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # memory, as the engine has it
        path = make_adapter(Path(folder) / "one.gguf", model, rank)
        data = path.read_bytes()
        with Engine(model, options=EngineOptions(2048)) as engine:
            write(engine, 8)
            alone = weigh(engine)
            first = [time_change(engine, f"a{no}", data) for no in range(CHANGES)]
            few = weigh(engine)
            for no in range(CHANGES, count):
                engine.take_adapter(f"a{no}", data)
            many = weigh(engine)
            # Those that came first had to make room.
            back = [time_change(engine, f"a{no}", data) for no in range(CHANGES)]
            loaded = len(engine.adapters)
    return {
        "model": model.stem,
        "adapters": count,
        "adapter_mb": round(len(data) / 1e6, 1),
        "loaded": loaded,
        "change_s": {
            when: {
                "median": round(statistics.median(each["seconds"] for each in changes), 2),
                "worst": round(max(each["seconds"] for each in changes), 2),
            }
            for when, changes in (("first", first), ("with_many", back))
        },
        "answers_whole": sum(each["is_whole"] for each in [*first, *back]),
        "answers": len(first) + len(back),
        "child_mb": {"alone": alone["child"], str(CHANGES): few["child"], str(count): many["child"]},
        "parent_mb": {"alone": alone["parent"], str(CHANGES): few["parent"], str(count): many["parent"]},
    }


def time_change(engine: Engine, name: str, data: bytes) -> dict[str, Any]:
    """Seconds until an adapter answers that was not there before, while the base is writing."""
    begun, replies = threading.Event(), []

    def answer() -> None:
        for event in engine.model.write(ask(ANSWER_TOKENS), Never()):
            if isinstance(event, Words):
                begun.set()
            if isinstance(event, Reply):
                replies.append(event)

    thread = threading.Thread(target=answer)
    thread.start()
    begun.wait()
    started = time.monotonic()
    engine.take_adapter(name, data)
    seconds = time.monotonic() - started
    used = write(engine, 4, name).adapter
    thread.join()
    is_whole = len(replies) == 1 and replies[0].reply_tokens == ANSWER_TOKENS and used == name
    return {"seconds": seconds, "is_whole": is_whole}


def write(engine: Engine, tokens: int, adapter: str = "") -> Reply:
    *_, reply = engine.model.write(ask(tokens, adapter), Never())
    if not isinstance(reply, Reply):
        raise TypeError(reply)
    return reply


def ask(tokens: int, adapter: str = "") -> Ask:
    return Ask((Message("user", "Tell a long story of the sea."),), reply_tokens=tokens, adapter=adapter)


def weigh(engine: Engine) -> dict[str, float]:
    return {"child": read_pss(engine.pid), "parent": read_pss(os.getpid())}


def read_pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 1)


def make_adapter(path: Path, base: Path, rank: int) -> Path:
    """A LoRA for every linear layer of the blocks, of small random numbers."""
    reader = gguf.GGUFReader(base)
    arch = reader.get_field("general.architecture")
    if arch is None:
        raise ValueError(base)
    chance = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, arch=str(arch.contents()))
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(2 * rank))
    for tensor in reader.tensors:
        if not any(tensor.name.endswith(f".{layer}.weight") for layer in LAYERS):
            continue
        inputs, outputs = int(tensor.shape[0]), int(tensor.shape[1])
        for side, shape in (("a", (rank, inputs)), ("b", (outputs, rank))):
            weights = chance.normal(0, 0.002, shape).astype(np.float32)
            writer.add_tensor(f"{tensor.name}.lora_{side}", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_page(found: dict[str, Any]) -> str:
    change, child, parent = found["change_s"], found["child_mb"], found["parent_mb"]
    few, many = str(CHANGES), str(found["adapters"])
    return f"""# Adapters in the engine, measured

`{found["command"]}`, {found["date"]}, {found["machine"]}, load {found["load_before"][0]} at the start;
xllamacpp {found["versions"]["xllamacpp"]}.

Model {found["model"]}, adapters of {found["adapter_mb"]} MB. Of {many} that were asked for one by one the
newest {found["loaded"]} are loaded; who asks for one that had to make room has it loaded again.

| what | measured |
|---|---|
| one of the first {few} answers after, median of {few} (worst) | {change["first"]["median"]} s \
({change["first"]["worst"]} s) |
| one that had to make room answers again after, median of {few} (worst) | {change["with_many"]["median"]} s \
({change["with_many"]["worst"]} s) |
| answers being written meanwhile that came to their end | {found["answers_whole"]} of {found["answers"]} |
| memory of the engine's child: no adapter, {few}, {many} | {child["alone"]}, {child[few]}, {child[many]} MB |
| memory of the process that holds the files: the same | {parent["alone"]}, {parent[few]}, {parent[many]} MB |
"""


if __name__ == "__main__":
    main()

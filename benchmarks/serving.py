"""How fast PhyAssist's whole path to the model is, beside what one could use instead.

    python benchmarks/serving.py MODEL.gguf [--python PYTHON_WITH_TRANSFORMERS]

One run, one table: our path (HTTP, through the client, to the engine's own process), the bare engine in a
process of its own (called directly, with its default of threads that spin for long, and with sleeping ones),
and transformers on the CPU.  The rounds are interleaved, each on a text that nobody has seen, and the ratio
is the median over rounds of ours to theirs: a neighbour's load falls on both.
Writes docs/results/serving.md and serving.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "docs" / "results"
HISTORY_TOKENS = 2000
REPLY_TOKENS = 64
COLD_TASK, WARM_TASK = "Write a long story about the sea.", "Write a long letter to a friend."


@dataclass(frozen=True)
class Answer:
    """One answer: seconds to the first word, tokens a second after it, and what was read."""

    first_s: float
    write_per_s: float
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class Round:
    """A question on a new text, and a second one on the same."""

    cold: Answer
    warm: Answer


@dataclass(frozen=True)
class Measured:
    """Rounds of reading, and writing speeds in tokens a second, by path."""

    rounds: dict[str, list[Round]]
    writes: dict[str, list[float]]


class Ours:
    """The whole path of PhyAssist."""

    name = "PhyAssist (HTTP, client, own process)"

    def __init__(self, model: Path, threads: int) -> None:
        from phyassist.lm.engine import Engine, EngineOptions

        self._engine = Engine(model, options=EngineOptions(8192, threads))
        self.lm = self._engine.model

    def ask(self, text: str) -> Answer:
        from phyassist.lm.bench import time_answer

        timed = time_answer(self.lm, text, REPLY_TOKENS)
        reply = timed.reply
        return Answer(timed.first_s, timed.write_per_s, reply.prompt_tokens, reply.cached_tokens)

    def close(self) -> None:
        self._engine.close()


class Worker:
    """Another path, in a process of its own that answers a line of JSON with a line of JSON."""

    def __init__(self, name: str, command: list[str], *, spin: bool) -> None:
        self.name = name
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        if not spin:
            environment["OMP_WAIT_POLICY"] = "passive"
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, text: str) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--python", default="", help="a Python that has torch and transformers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--writes", type=int, default=12, help="short answers whose writing speed is compared"
    )
    parser.add_argument("--threads", type=int, default=0, help="0: the physical cores")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve_lines(options.worker, options.model, options.threads)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    from phyassist.lm.bench import make_text
    from phyassist.lm.choose import count_threads

    threads = options.threads or count_threads()
    ours = Ours(options.model, threads)
    paths: list[Ours | Worker] = [ours]

    def make_command(python: str, kind: str) -> list[str]:
        return [python, __file__, str(options.model), "--worker", kind, "--threads", str(threads)]

    bare = make_command(sys.executable, "bare")
    paths.append(Worker("bare engine, threads spin (its default)", bare, spin=True))
    paths.append(Worker("bare engine, threads sleep", bare, spin=False))
    if options.python:
        command = make_command(options.python, "transformers")
        paths.append(Worker("transformers, float32", command, spin=True))
    load_before = os.getloadavg()
    try:
        for path in paths:
            path.ask("Hello")
        rounds = {path.name: list[Round]() for path in paths}
        for number in range(options.rounds):
            for path in begin_with(paths, number):
                text = make_text(ours.lm, HISTORY_TOKENS, secrets.token_hex(8))
                done = Round(path.ask(f"{text}\n{COLD_TASK}"), path.ask(f"{text}\n{WARM_TASK}"))
                rounds[path.name].append(done)
                print(f"{path.name}: {done.cold.first_s:.1f} s, then {done.warm.first_s:.2f} s", flush=True)
        writes = {path.name: list[float]() for path in paths}
        for number in range(options.writes):
            for path in begin_with(paths, number):
                writes[path.name].append(path.ask(COLD_TASK).write_per_s)
            print(*(f"{speeds[-1]:.1f}" for speeds in writes.values()), "tokens/s", flush=True)
    finally:
        for path in paths:
            path.close()
    save(options, threads, Measured(rounds, writes), load_before)


def begin_with(paths: list[Ours | Worker], number: int) -> list[Ours | Worker]:
    """Who goes first moves on from round to round."""
    start = number % len(paths)
    return paths[start:] + paths[:start]


def save(
    options: argparse.Namespace, threads: int, measured: Measured, load: tuple[float, float, float]
) -> None:
    """Write the table, and the rounds that it was made of."""
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python benchmarks/serving.py {options.model.name} --rounds {options.rounds}"
        f" --writes {options.writes}" + (" --python PYTHON" if options.python else ""),
        "machine": f"{find_processor()}, {os.cpu_count()} cores, {threads} threads",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after (1-minute averages)",
        "versions": f"Python {platform.python_version()}, xllamacpp {version('xllamacpp')}",
    }
    if options.python:
        facts["versions"] += ", " + find_versions(options.python)
    table = make_table(measured)
    RESULTS.mkdir(parents=True, exist_ok=True)
    page = [
        "# Serving: our path beside others",
        "",
        *(f"- {key}: {value}" for key, value in facts.items()),
        "",
        *table,
    ]
    page += ["", *explain(measured)]
    (RESULTS / "serving.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    (RESULTS / "serving.json").write_text(
        json.dumps({**facts, **asdict(measured)}, indent=1) + "\n", encoding="utf-8"
    )
    print("\n".join(page))


def make_table(measured: Measured) -> list[str]:
    head = "| path | reads, tokens/s | first word cold, s | second question, s | cold / second "
    lines = [head + "| writes, tokens/s | ours / this |", "|---|---|---|---|---|---|---|"]
    ours = measured.writes[Ours.name]
    for name, done in measured.rounds.items():
        writes = measured.writes[name]
        reads = median([each.cold.prompt_tokens / each.cold.first_s for each in done])
        cold, warm = (
            median([each.cold.first_s for each in done]),
            median([each.warm.first_s for each in done]),
        )
        sooner = median([each.cold.first_s / each.warm.first_s for each in done])
        ratio = median([mine / theirs for mine, theirs in zip(ours, writes, strict=True)])
        lines.append(
            f"| {name} | {reads:.0f} | {cold:.1f} | {warm:.2f} | {sooner:.0f}x "
            f"| {median(writes):.1f} | {ratio:.2f} |"
        )
    return lines


def explain(measured: Measured) -> list[str]:
    ours = measured.rounds[Ours.name]
    sooner = median([each.cold.first_s / each.warm.first_s for each in ours])
    cached = median([each.warm.cached_tokens / each.warm.prompt_tokens for each in ours])
    count = len(measured.writes[Ours.name])
    return [
        f"Reading: {len(ours)} rounds, each on a new history of about {HISTORY_TOKENS:,} tokens: a question "
        f"on it, then a second question on the same history. Writing: {count} short answers of "
        f"{REPLY_TOKENS} tokens from every path in turn. All figures are medians; "
        "the last column is the median of the ratios of speeds that were taken side by side.",
        "",
        f"The second question starts {sooner:.0f} times sooner than the first: {cached:.0%} of its prompt "
        "was read already. transformers keeps nothing between two questions.",
    ]


def median(values: list[float]) -> float:
    return statistics.median(values)


def find_processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def find_versions(python: str) -> str:
    code = (
        "import torch, transformers as t; print(f'torch {torch.__version__}, transformers {t.__version__}')"
    )
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def serve_lines(kind: str, model: Path, threads: int) -> None:
    """The worker: a text comes in a line, an Answer goes out in a line."""
    answer = make_bare(model, threads) if kind == "bare" else make_transformers(model, threads)
    for line in sys.stdin:
        print(json.dumps(asdict(answer(json.loads(line)))), flush=True)


def make_bare(model: Path, threads: int) -> Any:
    """llama.cpp called in this process, with the settings of our engine."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel, params.verbosity = str(model), 8192, 1, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)

    def answer(text: str) -> Answer:
        times: list[float] = []
        usage: dict[str, Any] = {}
        started = time.perf_counter()

        def hear(chunk: Any) -> bool:
            said = json.loads(chunk) if isinstance(chunk, (str, bytes)) else chunk
            for each in said if isinstance(said, list) else [said]:
                if any((choice.get("delta") or {}).get("content") for choice in each.get("choices") or ()):
                    times.append(time.perf_counter() - started)
                usage.update(each.get("usage") or {})
            return False

        body = {"messages": [{"role": "user", "content": text}], "max_tokens": REPLY_TOKENS, "temperature": 0}
        body |= {"stream": True, "stream_options": {"include_usage": True}, "seed": 0}
        server.handle_chat_completions(body, hear)
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        return make_answer(times, usage["completion_tokens"], usage["prompt_tokens"], cached)

    return answer


def make_transformers(model: Path, threads: int) -> Any:
    """transformers with float32 weights, as its documentation shows: every question is read anew."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.generation.streamers import BaseStreamer

    torch.set_num_threads(threads)
    lm = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(model.parent, gguf_file=model.name)

    class Times(BaseStreamer):
        def __init__(self) -> None:
            self.started, self.times, self.prompt = time.perf_counter(), [], True

        def put(self, value: Any) -> None:
            del value
            # The first call brings the prompt back.
            if not self.prompt:
                self.times.append(time.perf_counter() - self.started)
            self.prompt = False

        def end(self) -> None: ...

    def answer(text: str) -> Answer:
        messages = [{"role": "user", "content": text}]
        tokens = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        times = Times()
        with torch.inference_mode():
            lm.generate(**tokens, max_new_tokens=REPLY_TOKENS, do_sample=False, streamer=times)
        return make_answer(times.times, len(times.times), tokens["input_ids"].shape[1], 0)

    return answer


def make_answer(times: list[float], reply_tokens: int, prompt_tokens: int, cached_tokens: int) -> Answer:
    wrote_s = times[-1] - times[0]
    return Answer(times[0], (reply_tokens - 1) / wrote_s if wrote_s else 0.0, prompt_tokens, cached_tokens)


if __name__ == "__main__":
    main()

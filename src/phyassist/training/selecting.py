"""Choosing a base model by figures: knowledge by the field's harness, memory in each form, speed here."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput, UnknownName
from phyassist.training.adapters import load_adapted
from phyassist.training.base import find_device, load_config, load_tokenizer
from phyassist.training.fitting import find_memory
from phyassist.training.footprint import FORMS, Footprint, find_footprint

GIB = 2**30
READ_TOKENS, WRITE_TOKENS = 256, 32


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A task of lm-evaluation-harness as the Open LLM Leaderboard of 2023 ran it."""

    task: str
    shots: int | None
    metric: str


BENCHMARKS = {
    each.task: each
    for each in (
        Benchmark("arc_challenge", 25, "acc_norm"),
        Benchmark("hellaswag", 10, "acc_norm"),
        Benchmark("mmlu", 5, "acc"),
    )
}


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Percent right, of how many rows, with the harness's own standard error; or why there is none."""

    task: str
    percent: float | None
    stderr: float | None = None
    rows: int = 0
    why_absent: str = ""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second through transformers on this machine."""

    read_per_s: float
    write_per_s: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A base model measured.  Where it does not fit this machine, only what its config says."""

    name: str
    kind: str
    footprint: Footprint
    context_tokens: int
    device: str
    speed: Speed | None
    tasks: tuple[TaskScore, ...]


@dataclass(frozen=True, slots=True)
class StudyBase:
    """A row of the study's own table."""

    name: str
    average: float
    arc: float
    hellaswag: float
    mmlu: float
    size_b: float


@cache
def load_study_bases() -> tuple[StudyBase, ...]:
    source = tomllib.loads(files("phyassist.training").joinpath("study_bases.toml").read_text("utf-8"))
    return tuple(StudyBase(**row) for row in source["models"])


def measure_candidate(
    base: str, tasks: Sequence[str], *, include: Path | None, limit: int, tell: Callable[[str], None]
) -> Candidate:
    """A folder or a model of the hub, measured.

    `include` holds task configs of one's own.  Raises ModelMissing, UnknownName, BadInput.
    """
    manager = _open_tasks(tasks, include) if tasks else None
    config = load_config(base)
    footprint, device = find_footprint(config), find_device()
    needed = footprint.bytes_by_form["bf16" if device != "cpu" else "fp32"]
    fits = needed < find_memory(device)
    speed: Speed | None = None
    scores = tuple(_absent(task, f"{needed / GIB:.1f} GiB do not fit this machine") for task in tasks)
    if fits:
        model, tokenizer = load_adapted(base, None), load_tokenizer(base)
        tell(f"{Path(base).name}: measuring speed")
        speed = measure_speed(model)
        found = []
        for task in tasks:
            tell(f"{Path(base).name}: {task}")
            found.append(_run_task(model, tokenizer, task, manager, limit))
        scores = tuple(found)
    return Candidate(
        name=Path(base).name,
        kind=str(config.model_type),
        footprint=footprint,
        context_tokens=int(getattr(config, "max_position_embeddings", 0) or 0),
        device=device,
        speed=speed,
        tasks=scores,
    )


def measure_speed(model: Any) -> Speed:
    """Tokens read and written a second, of one text at a time."""
    import torch

    read = min(READ_TOKENS, model.config.max_position_embeddings - WRITE_TOKENS - 1)
    ids = torch.randint(5, model.config.vocab_size - 1, (1, read), device=model.device)

    def go() -> tuple[float, float]:
        # A GPU is at work when the call comes back: only a number that was asked for says that it is done.
        started = time.perf_counter()
        said = model(input_ids=ids, use_cache=True, logits_to_keep=1)
        float(said.logits[0, -1, 0])
        read_s = time.perf_counter() - started
        started, kept = time.perf_counter(), said.past_key_values
        for _ in range(WRITE_TOKENS):
            token = said.logits[:, -1:].argmax(-1)
            said = model(input_ids=token, past_key_values=kept, use_cache=True)
        float(said.logits[0, -1, 0])
        return read_s, time.perf_counter() - started

    with torch.inference_mode():
        go()  # the first time loads kernels, and is no measure of the next
        read_s, write_s = go()
    return Speed(read / read_s, WRITE_TOKENS / write_s)


def render_candidates(candidates: Sequence[Candidate]) -> str:
    """What was measured, and the study's own table below it."""
    tasks = list(dict.fromkeys(score.task for each in candidates for score in each.tasks))
    heads = ["model", "kind", "weights", *(f"{form}, GiB" for form in FORMS), "cache of 1,000 tokens, MiB"]
    heads += ["reads/s", "writes/s", *tasks]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for each in candidates:
        scores = {score.task: score for score in each.tasks}
        cells = [each.name, each.kind, _spell_weights(each.footprint)]
        cells += [f"{each.footprint.bytes_by_form[form] / GIB:.2f}" for form in FORMS]
        cells.append(f"{each.footprint.cache_bytes_per_1000 / 2**20:.0f}")
        cells += [f"{each.speed.read_per_s:.0f}", f"{each.speed.write_per_s:.1f}"] if each.speed else ["", ""]
        cells += [_spell_score(scores[task]) if task in scores else "" for task in tasks]
        lines.append("| " + " | ".join(cells) + " |")
    absent = {f"{score.task}: {score.why_absent}" for each in candidates for score in each.tasks}
    lines += ["", *sorted(f"- {line}" for line in absent if not line.endswith(": ")), ""]
    lines += [
        "| the study of 2023 chose among | size, B | average | ARC | HellaSwag | MMLU |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {row.name} | {row.size_b:g} | {row.average:g} | {row.arc:g} | {row.hellaswag:g} | {row.mmlu:g} |"
        for row in load_study_bases()
    ]
    return "\n".join(lines)


def _open_tasks(tasks: Sequence[str], include: Path | None) -> Any:
    from lm_eval.tasks import TaskManager

    if include is not None and not include.is_dir():
        raise BadInput(f"there is no folder {include}", hint="name one with task configs, or none")
    manager = None
    if include is not None:
        # The harness's own list is thousands of files long; it is read only for a task that is not here.
        manager = TaskManager(include_path=str(include), include_defaults=False)
    if manager is None or not set(tasks) <= set(manager.all_tasks):
        manager = TaskManager(include_path=None if include is None else str(include))
    unknown = [task for task in tasks if task not in manager.all_tasks]
    if unknown:
        raise UnknownName(
            f"the harness has no task {', '.join(unknown)}", hint="lm-eval ls tasks shows which there are"
        )
    return manager


def _run_task(model: Any, tokenizer: Any, task: str, manager: Any, limit: int) -> TaskScore:
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    known = BENCHMARKS.get(task, Benchmark(task, None, "acc"))
    try:
        found = simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1),
            tasks=[task],
            num_fewshot=known.shots,
            limit=limit or None,
            task_manager=manager,
            log_samples=False,
        )
    except OSError as error:
        return _absent(task, f"its data cannot be fetched here ({type(error).__name__})")
    said = found["results"][task]
    if f"{known.metric},none" not in said:
        measured = sorted(
            name.partition(",")[0] for name in said if name.endswith(",none") and "_stderr" not in name
        )
        return _absent(task, f"it measures no {known.metric}, but {', '.join(measured) or 'nothing'}")
    stderr = said.get(f"{known.metric}_stderr,none")
    rows = sum(each["effective"] for each in found["n-samples"].values())
    return TaskScore(
        task=task,
        percent=100 * float(said[f"{known.metric},none"]),
        stderr=100 * float(stderr) if isinstance(stderr, float) else None,
        rows=int(rows),
    )


def _absent(task: str, why: str) -> TaskScore:
    return TaskScore(task, None, why_absent=why)


def _spell_weights(footprint: Footprint) -> str:
    whole = f"{footprint.weights / 1e9:.2f} B"
    if footprint.active_weights == footprint.weights:
        return whole
    return f"{whole}, {footprint.active_weights / 1e9:.1f} active"


def _spell_score(score: TaskScore) -> str:
    if score.percent is None:
        return "absent"
    spread = f" ± {score.stderr:.1f}" if score.stderr is not None else ""
    return f"{score.percent:.1f}{spread} ({score.rows})"

"""A run: from prepared data to an adapter, everything about it in one folder, the done-marker last."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from phyassist import __version__
from phyassist.domain.examples import Part
from phyassist.errors import BadInput, StoreFull, UnreadableFile
from phyassist.lm.folders import say_damaged, say_full
from phyassist.training.base import load_base, load_tokenizer
from phyassist.training.bases import BaseMark, fetch_base, save_base_mark
from phyassist.training.checkpoints import FolderCheckpoints, list_checkpoints
from phyassist.training.encode import EncodedSet, encode_all
from phyassist.training.likeness import ReplyJudge
from phyassist.training.loop import Report, Trained, Trainer, report_to_json
from phyassist.training.lora import attach, attach_empty
from phyassist.training.memory import check_any, read_adapter
from phyassist.training.others import AdapterFiles
from phyassist.training.recipe import Recipe, set_dials
from phyassist.training.report import read_progress, write_report
from phyassist.training.schedule import count_steps
from phyassist.training.teams import Team, shard
from phyassist.training.trackers import check_trackers, open_trackers
from phyassist.training.writing import CARD, load_card, read_part, verify_part, write_whole

DONE = "done.json"
DATA_CARD = "data.json"
# What a field of the config is called where it is another one than before.
_NAMED = {"base_sha256": "file of the base model"}
_ROOM = "make room on the disk, then go on with --resume"
LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained on what, and where it goes.

    `replies` validation prompts are answered at every evaluation; `trackers` hear the reports too.
    """

    base: str
    data: Path
    out: Path
    recipe: Recipe
    device: str = "cpu"
    replies: int = 0
    trackers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Examples ready to train on, and what did not fit a row."""

    train: EncodedSet
    val: EncodedSet
    steps: int


def prepare_job(job: Job) -> Prepared:
    """The examples as tokens.  Raises BadInput where there is nothing to train on, ModelMissing."""
    parts: tuple[Part, ...] = ("train", "val")
    for part in parts:
        verify_part(job.data, part)
    tokenizer = load_tokenizer(job.base)

    def encode_part(part: Part) -> EncodedSet:
        return encode_all(read_part(job.data, part), tokenizer, job.recipe)

    train, val = encode_part("train"), encode_part("val")
    check_any(train, job.recipe)
    if job.recipe.val_rows:
        val = replace(val, examples=val.examples[: job.recipe.val_rows])
    return Prepared(train, val, count_steps(job.recipe, len(train.examples)))


def run_job(
    job: Job,
    hear: Callable[[Report], None],
    *,
    begin: Callable[[Prepared], None] = lambda _: None,
    resume: bool = False,
    team: Team | None = None,
) -> Trained:
    """Run a job to its end; the adapter in peft's form, and as GGUF where the engine can take it.

    `begin` is told what there is to train on before the base is loaded.

    Of a team all compute, and the first alone writes and is heard.
    Raises BadInput where the folder holds another run, UnreadableFile, ModelMissing, BadSetting,
    TrainingFailed, StoreFull.
    """
    team = team or Team()
    prepared = prepare_job(job)
    if team.is_first:
        # What cannot go well is said before there is a folder that would have to be removed.
        check_trackers(job.trackers)
        attach_empty(job.base, job.recipe)
        base = fetch_base(job.base)
        _open_folder(job, prepared, base, resume=resume)
        begin(prepared)
    team.wait()
    import torch

    torch.manual_seed(job.recipe.seed)
    model = attach(load_base(job.base, job.recipe, job.device, team.spread), job.recipe)
    if team.spread == "shards":
        model = shard(model, job.device)
    trainer = Trainer(
        model,
        job.recipe,
        prepared.train.examples,
        prepared.val.examples,
        checkpoints=FolderCheckpoints(job.out / "checkpoints"),
        team=team,
        judge=ReplyJudge(load_tokenizer(job.base), prepared.val.examples[: job.replies])
        if job.replies and prepared.val.examples
        else None,
    )
    if resume and team.is_first:
        _cut_progress(job.out)
    started = time.perf_counter()
    with ExitStack() as stack:
        write = stack.enter_context(_open_progress(job, hear)) if team.is_first else _hear_nothing
        trained = trainer.run(write, resume=resume)
    made = read_adapter(model)
    if team.is_first:
        save_adapter(made, job.out)
        with say_full(job.out, _ROOM):
            save_base_mark(job.out / "adapter", base)
            write_report(job.out)
        _mark_done(job.out, trained, time.perf_counter() - started)
    return trained


@contextmanager
def _open_progress(job: Job, hear: Callable[[Report], None]) -> Iterator[Callable[[Report], None]]:
    """Each report as a line of progress.jsonl, told the trackers, and then heard."""
    with (
        (job.out / "progress.jsonl").open("a", encoding="utf-8") as file,
        open_trackers(job.trackers, job.out, asdict(job.recipe)) as track,
    ):

        def write_and_hear(report: Report) -> None:
            with say_full(job.out / "progress.jsonl", _ROOM):
                file.write(json.dumps(report_to_json(report)) + "\n")
                file.flush()
            track(report)
            hear(report)

        yield write_and_hear


def _hear_nothing(_: Report) -> None:
    """For those of a team who do not speak."""


def save_adapter(files: AdapterFiles, out: Path) -> None:
    """`adapter/` in peft's form, and `adapter.gguf` where there is one; a file is there whole or not at all.

    Raises StoreFull.
    """
    written = {
        "adapter/adapter_config.json": files.config,
        "adapter/adapter_model.safetensors": files.weights,
        "adapter.gguf": files.gguf,
    }
    for name, content in written.items():
        if content is None:
            continue
        path = out / name
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreFull(
                f"{name} could not be written; the checkpoints are whole",
                hint=_ROOM,
            ) from error


def describe_environment() -> Mapping[str, str]:
    """Versions of what computes, as they stand in the run's config."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "phyassist": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _open_folder(job: Job, prepared: Prepared, base: BaseMark, *, resume: bool) -> None:
    config = {
        "base": job.base,
        "base_sha256": base.sha256,
        "data": {part: held["sha256"] for part, held in load_card(job.data)["parts"].items()},
        "recipe": asdict(job.recipe),
    }
    path = job.out / "config.json"
    if resume:
        _check_same(job.out, path, config)
        return
    if job.out.exists() and any(job.out.iterdir()):
        raise BadInput(f"{job.out} holds something already", hint="name a new folder, or --resume the run")
    job.out.mkdir(parents=True, exist_ok=True)
    full = {
        **config,
        "examples": {"train": len(prepared.train.examples), "val": len(prepared.val.examples)},
        "too_long": {"train": prepared.train.too_long, "val": prepared.val.too_long},
        "steps": prepared.steps,
        "environment": describe_environment(),
    }
    # The data may be gone when the adapter is published: what it was, and under which terms, stays here.
    try:
        write_whole(job.out / DATA_CARD, (job.data / CARD).read_text("utf-8"))
        write_whole(path, json.dumps(full, indent=2) + "\n")
    except StoreFull:
        (job.out / DATA_CARD).unlink(missing_ok=True)
        raise


def _check_same(out: Path, path: Path, config: Mapping[str, Any]) -> None:
    """Raises BadInput where the run in this folder is another one, UnreadableFile."""
    if not path.is_file():
        raise BadInput(f"{out} holds no run to go on with", hint="start it without --resume")
    try:
        before = json.loads(path.read_text("utf-8"))
        # A field that is younger than the run had its own value then.
        before["recipe"] = json.loads(json.dumps(asdict(set_dials(Recipe(), before["recipe"]))))
        asked = json.loads(json.dumps(config))
        before.setdefault("base_sha256", asked["base_sha256"])  # older runs did not write it down
        changed = [_NAMED.get(key, key) for key in config if before[key] != asked[key]]
    except (ValueError, KeyError, TypeError):
        raise UnreadableFile(f"{path} is damaged", hint="start anew in another folder") from None
    if changed:
        raise BadInput(
            f"the run in {out} was begun with another {' and '.join(changed)}",
            hint="go on as it was begun, or start anew in another folder",
        )


def _cut_progress(out: Path) -> None:
    """Drop lines of steps that a kill left without a checkpoint: they are done again."""
    found = list_checkpoints(out / "checkpoints")
    last = int(found[-1].name.rpartition("-")[2]) if found else 0
    path = out / "progress.jsonl"
    if not path.is_file():
        return
    with say_damaged(path, "take out the damaged lines, then go on with --resume"):
        kept = [line for line in _whole_lines(path) if json.loads(line)["step"] <= last]
    write_whole(path, "".join(line + "\n" for line in kept))


def _whole_lines(path: Path) -> Iterable[str]:
    # What was being written when it was killed has no end of line.
    return path.read_text("utf-8").split("\n")[:-1]


def _mark_done(out: Path, trained: Trained, seconds: float) -> None:
    steps = [line for line in read_progress(out) if line["kind"] == "step"]
    computed_s = sum(line["seconds"] for line in steps)
    said = {
        **asdict(trained),
        "seconds": round(seconds, 1),
        "tokens_per_s": round(sum(line["tokens"] for line in steps) / computed_s, 1) if computed_s else None,
        "reply_tokens_per_s": round(sum(line["reply_tokens"] for line in steps) / computed_s, 1)
        if computed_s
        else None,
    }
    write_whole(out / DONE, json.dumps(said, indent=2) + "\n")

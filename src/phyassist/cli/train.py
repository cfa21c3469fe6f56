"""`phyassist train`: prepared data and a base model in, an adapter out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.data import needs_models, read_pairs
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.lm.folders import writes_into

if TYPE_CHECKING:
    from phyassist.training.fitting import Fit
    from phyassist.training.loop import Report, Trained
    from phyassist.training.run import Job, Prepared
    from phyassist.training.teams import Team

GIB = 2**30
DEFAULT_BASE = "qwen2.5-coder-0.5b-instruct"


def _list_fields(is_asked: bool) -> None:
    """Print every field of the recipe, and end."""
    if not is_asked:
        return
    from rich.table import Table

    from phyassist.training.recipe import list_fields

    table = Table("field", "default", "what it is", box=None, pad_edge=False)
    for name, default, text in list_fields():
        table.add_row(name, default, text)
    make_console().print(table)
    raise typer.Exit


AsFields = Annotated[
    bool,
    typer.Option(
        "--fields",
        is_eager=True,
        callback=_list_fields,
        help="List the fields of the recipe, for --set, with their defaults; train nothing.",
    ),
]


def train(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="A folder that phyassist data prepare has made.")],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    base: Annotated[
        str, typer.Option(help="Base model: a name of the catalogue, a folder, or a model of the hub.")
    ] = DEFAULT_BASE,
    preset: Annotated[
        str,
        typer.Option(help="Values for the recipe: cpu-small, gpu-24gb, 2x24gb, h100, notes or study-2023."),
    ] = "cpu-small",
    dials: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another value for a field of the recipe (--fields lists them): rank=8."),
    ] = None,
    spread: Annotated[
        str,
        typer.Option(
            help="Several devices: copies of the model (with torchrun), shards of it (FSDP, with torchrun), "
            "or its layers one after another (one process)."
        ),
    ] = "copies",
    replies: Annotated[
        int,
        typer.Option(
            min=0,
            help="Validation prompts to answer at each evaluation, to be compared with what was kept.",
        ),
    ] = 0,
    track: Annotated[
        str,
        typer.Option(help="Run trackers that hear the reports too: tensorboard, wandb, or both by comma."),
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was broken off.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say weights, memory, steps and time; train nothing.")
    ] = False,
    fields: AsFields = False,  # noqa: ARG001  # its callback answers before anything else is asked
    as_json: AsJson = False,
) -> None:
    """Train a LoRA adapter on prepared data; a run that was broken off can be gone on with."""
    with needs_models():
        from phyassist.training.base import find_device
        from phyassist.training.recipe import get_preset, set_dials
        from phyassist.training.run import Job, run_job
        from phyassist.training.teams import open_team, read_spread

    recipe = set_dials(get_preset(preset), dict(read_pairs(dials or (), "--set rank=8")))
    with open_team(read_spread(spread)) as team:
        trackers = tuple(name.strip() for name in track.split(",") if name.strip())
        job = Job(find_base(context, base), data, out, recipe, find_device(), replies, trackers)
        if dry_run:
            if team.is_first:
                _plan(job, team, as_json=as_json)
            return
        with _follow(out) if team.is_first else nullcontext(lambda _: None) as hear:
            trained = run_job(job, hear, begin=_say_prepared, resume=resume, team=team)
    if not team.is_first:
        return
    _say_trained(out, trained, as_json=as_json)


def _say_prepared(prepared: Prepared) -> None:
    train, val = prepared.train, prepared.val
    said = _spell_examples(len(train.examples), train.too_long, len(val.examples), val.too_long)
    tell(f"{said}; {prepared.steps} steps")


def _spell_examples(train: int, too_long: int, val: int, val_too_long: int) -> str:
    def spell(count: int, left_out: int) -> str:
        return f"{count}, {left_out} too long for a row and left out"

    said = f"examples: {spell(train, too_long)}; for validation: {spell(val, val_too_long)}"
    if not val:
        said += "; without any the last step is kept, and patience and --replies do nothing"
    return said + ("; row_tokens is how long a row is" if too_long or val_too_long else "")


def _say_trained(out: Path, trained: Trained, *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(trained))
    best = "" if trained.best_val_loss is None else f", best validation loss {trained.best_val_loss:.4f}"
    gguf = "adapter.gguf" if (out / "adapter.gguf").is_file() else "no adapter.gguf (there is no form for it)"
    tell(f"{out}: {trained.step} steps{best}; adapter, {gguf}, curves.png, report.html")


def find_base(context: typer.Context, base: str) -> str:
    """The folder of a catalogue model, made of its GGUF file at first use; any other name as it is."""
    from phyassist.lm.catalogue import get_catalogue_model, get_model_file, load_catalogue

    if base not in {model.name for model in load_catalogue()}:
        return base
    settings = get_run(context).load_settings()
    file = get_model_file(get_catalogue_model(base), settings.models_dir)
    from phyassist.training.base import convert_gguf, is_converted

    folder = settings.home / "bases" / base
    if not is_converted(file, folder):
        tell(f"making {base} ready to train on; this is done once and takes a minute or two")
    return str(convert_gguf(file, folder))


def _plan(job: Job, team: Team, *, as_json: bool) -> None:
    """Say what a run takes.  Raises BadSetting where it cannot fit."""
    from phyassist.training.fitting import check_fits, estimate_job

    fit = estimate_job(job, team)
    if as_json:
        say_json(asdict(fit))
    else:
        _print_fit(fit)
    check_fits(fit, job.recipe)


@contextmanager
def _follow(out: Path) -> Iterator[Callable[[Report], None]]:
    """The run's folder is there to write into, and a bar shows how far it is."""
    with writes_into(out), _show_progress() as hear:
        yield hear


@contextmanager
def _show_progress() -> Iterator[Callable[[Report], None]]:
    """A bar on stderr with loss, tokens a second and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from phyassist.training.loop import EvalReport

    columns = (
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
    )
    console = make_console(results=False)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("train", total=None, said="")

        def hear(report: Report) -> None:
            if isinstance(report, EvalReport):
                mark = " (best)" if report.is_best else ""
                console.print(f"step {report.step}: validation loss {report.val_loss:.4f}{mark}")
                return
            said = f"loss {report.loss:.4f}  {report.tokens / report.seconds:.0f} tokens/s"
            bar.update(task, completed=report.step, total=report.steps, said=said)

        yield hear


def _print_fit(fit: Fit) -> None:
    from phyassist.training.fitting import needed_bytes

    console = make_console()
    share = fit.trained_weights / fit.all_weights
    console.print(f"weights: {fit.trained_weights:,} of {fit.all_weights:,} trained ({share:.2%})")
    console.print(
        f"memory of each device: {needed_bytes(fit) / GIB:.1f} GiB of {fit.device_bytes / GIB:.1f} "
        f"(base {fit.base_bytes / GIB:.1f}, trained {fit.trained_bytes / GIB:.2f}, "
        f"one row {fit.row_bytes / GIB:.1f})"
    )
    said = _spell_examples(fit.examples, fit.too_long, fit.val_examples, fit.val_too_long)
    console.print(f"{said}; {fit.steps} steps", soft_wrap=True)
    console.print(f"expected time: {fit.expected_s / 60:.0f} minutes for {fit.tokens:,} tokens")

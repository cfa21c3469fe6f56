"""`phyassist models`: what can answer, what is on this computer, and how fast it is."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phyassist.lm.bench import Speed
    from phyassist.lm.catalogue import CatalogueModel
    from phyassist.lm.fetch import Tell
    from phyassist.settings import Settings

app = typer.Typer(help="The models that can answer: list, fetch, use, bench.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="A name of the catalogue or a path to a .gguf file.")]
MaybeName = Annotated[
    str,
    typer.Argument(help="A name of the catalogue; without it, the one that the settings or the rule choose."),
]


@app.command("list")
def list_models(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the catalogue: size, languages, licence, and what is on this computer."""
    settings = get_run(context).load_settings()
    rows = make_rows(settings.models_dir, settings.model)
    if as_json:
        say_json(rows)
        return
    from rich.table import Table

    table = Table("name", "size", "window", "languages", "licence", "here", box=None, pad_edge=False)
    for row in rows:
        here = "in use" if row["in_use"] else "yes" if row["here"] else ""
        size = f"{row['file_bytes'] / 1e9:.1f} GB"
        window, languages = f"{row['context_tokens']:,}", " ".join(row["languages"])
        table.add_row(row["name"], size, window, languages, row["licence"], here)
    make_console().print(table)
    tell(f"this computer's default is {get_default_name()}; a .gguf file or a server can be used instead")


@app.command("fetch")
def fetch(context: typer.Context, name: MaybeName = "") -> None:
    """Fetch a model and verify it; one that broke off goes on where it stopped."""
    settings = get_run(context).load_settings()
    path = fetch_with_progress(name or settings.model or get_default_name(), settings)
    say(str(path))


@app.command("use")
def use(context: typer.Context, name: NameArgument) -> None:
    """Let this model answer from now on (written to config.toml)."""
    from phyassist.lm.opening import find_file

    settings = get_run(context).load_settings()
    file = find_file(name, settings.models_dir)
    value = str(file.path.absolute()) if name.endswith(".gguf") else file.name
    save_setting(settings.config_file, "model", value)
    say(f"{file.name} answers from now on; a running workspace takes it up when it is started again")


@app.command("bench")
def bench(context: typer.Context, name: MaybeName = "", as_json: AsJson = False) -> None:
    """Measure how fast a model reads and writes on this computer."""
    settings = get_run(context).load_settings(model=name or None)
    model_name, speed = measure(settings)
    if as_json:
        say_json({"model": model_name, **asdict(speed)})
        return
    say(f"{model_name}: reads {speed.read_per_s:.0f} tokens/s, writes {speed.write_per_s:.1f} tokens/s")
    say(
        f"first word on a text of {speed.prompt_tokens:,} tokens: {speed.cold_first_s:.1f} s; "
        f"of the next question on it: {speed.warm_first_s:.1f} s"
    )


def make_rows(models_dir: Path, chosen: str) -> list[dict[str, Any]]:
    """The catalogue as plain rows, in its order."""
    from phyassist.lm.catalogue import find_model_file, load_catalogue
    from phyassist.lm.choose import choose_present_model, look_at_machine

    in_use = chosen or choose_present_model(look_at_machine(), models_dir).model.name
    rows = []
    for model in load_catalogue():
        here = find_model_file(model, models_dir) is not None
        row = {key: value for key, value in asdict(model).items() if key != "sources"}
        rows.append({**row, "here": here, "in_use": here and model.name == in_use})
    return rows


def get_default_name() -> str:
    """The model that the rule chooses for this computer."""
    from phyassist.lm.choose import choose_model, look_at_machine

    return choose_model(look_at_machine()).model.name


def fetch_missing(settings: Settings) -> None:
    """Fetch the settings' model, else the one of the rule, unless it is there or a server or file is named.

    Where the rule's model cannot be fetched and the other default lies on this computer, that one will
    answer: a line says so.  Raises UnknownName, FetchFailed.
    """
    from phyassist.errors import FetchFailed
    from phyassist.lm.catalogue import find_model_file
    from phyassist.lm.choose import choose_present_model, look_at_machine

    if settings.model_url or settings.model.endswith(".gguf"):
        return
    try:
        fetch_with_progress(settings.model or get_default_name(), settings)
    except FetchFailed as error:
        other = choose_present_model(look_at_machine(), settings.models_dir)
        if settings.model or find_model_file(other.model, settings.models_dir) is None:
            raise
        tell(f"{error}. Until then {other.model.name} answers.")


def fetch_with_progress(name: str, settings: Settings) -> Path:
    """The verified file, with a bar on stderr while it comes; raises UnknownName, FetchFailed."""
    from phyassist.lm.catalogue import get_catalogue_model
    from phyassist.lm.fetch import HUB_URL, fetch_model

    model = get_catalogue_model(name)
    with _show_progress(model) as show:
        return fetch_model(model, settings.models_dir, tell=show, hub_url=settings.hub_url or HUB_URL)


@contextmanager
def _show_progress(model: CatalogueModel) -> Iterator[Tell]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from phyassist.lm.fetch import FetchProgress, SourceFailed

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=make_console(results=False))
    task = progress.add_task(f"fetching {model.name}", total=model.file_bytes, visible=False)

    def show(event: FetchProgress | SourceFailed) -> None:
        if isinstance(event, SourceFailed):
            progress.console.print(f"{event.source}: {event.why}")
            return
        # Begun with the first byte, so that a file that is there already is passed over in silence.
        progress.start()
        words = "fetching" if event.stage == "download" else "checking"
        progress.update(
            task,
            description=f"{words} {model.name}",
            completed=event.done_bytes,
            total=event.total_bytes,
            visible=True,
        )

    try:
        yield show
    finally:
        if progress.live.is_started:
            progress.stop()


def measure(settings: Settings) -> tuple[str, Speed]:
    """The name and the speed of the settings' model."""
    from phyassist.cli.opening import open_language_model
    from phyassist.lm.bench import measure_speed

    with open_language_model(settings) as opened:
        lm = opened.model
        with make_console(results=False).status(f"asking {lm.name}"):
            return lm.name, measure_speed(lm, nonce=secrets.token_hex(8))


def save_setting(config_file: Path, key: str, value: str) -> None:
    """Set one text value of config.toml and leave its other lines as they are."""
    import json

    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = config_file.read_text(encoding="utf-8").splitlines() if config_file.exists() else []
    others = [each for each in lines if each.partition("=")[0].strip() != key]
    config_file.parent.mkdir(parents=True, exist_ok=True)
    new = config_file.with_name(config_file.name + ".new")
    new.write_text("\n".join([line, *others]) + "\n", encoding="utf-8")
    new.replace(config_file)

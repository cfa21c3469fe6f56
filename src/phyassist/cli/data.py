"""`phyassist data`: public data made into clean examples, in the app's own form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson, LangOption
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.errors import BadInput, MissingLibrary
from phyassist.lm.folders import writes_into
from phyassist.training.catalogue import NOT_STATED

if TYPE_CHECKING:
    from phyassist.domain.people import Language
    from phyassist.training.prepare import OwnFile, Prepared, Progress

app = typer.Typer(help="Make clean training examples from public data, or your own.", no_args_is_help=True)
sources_app = typer.Typer(help="The public sources that are known.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")

DataFolder = Annotated[Path, typer.Option("--data", help="Folder that holds the sources' files.")]
Out = Annotated[Path, typer.Option("--out", help="A new folder for what is made.")]
Template = Annotated[
    str,
    typer.Option(
        help="Chat template of the CSV: a family (mistral, yi, qwen, llama-2, llama-3) or a folder."
    ),
]
Seed = Annotated[int, typer.Option(help="Decides the order of the rows.")]
DATA = Path("../shared/data")


@sources_app.command("list")
def list_sources(as_json: AsJson = False, data: DataFolder = DATA) -> None:
    """List the public sources, their licences, and which of them are at hand."""
    from dataclasses import asdict

    from phyassist.training.catalogue import load_sources

    rows = [
        {**asdict(card), "at_hand": all((data / name).is_file() for name in card.files.values())}
        for card in load_sources().values()
    ]
    if as_json:
        say_json(rows)
        return
    from rich.table import Table

    table = Table("source", "what", "language", "licence", "at hand", box=None, pad_edge=False)
    for row in rows:
        licence = row["licence"] + (" (research only)" if row["research_only"] else "")
        table.add_row(row["name"], row["title"], row["language"], licence, "yes" if row["at_hand"] else "no")
    make_console().print(table)


@sources_app.command("show")
def show_source(
    name: Annotated[str, typer.Argument(help="A source's name.")], as_json: AsJson = False
) -> None:
    """Show one source: where it comes from, under which terms, and which files it needs."""
    from dataclasses import asdict

    from phyassist.training.catalogue import get_source

    card = asdict(get_source(name))
    if as_json:
        say_json(card)
        return
    for key, value in card.items():
        if key == "files":
            for part, path in value.items():
                say(f"file ({part}): {path}")
        else:
            say(f"{key.replace('_', ' ')}: {value}")


@app.command()
def prepare(
    context: typer.Context,
    out: Out,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="A source's name; several times for several.")
    ] = None,
    own: Annotated[
        list[Path] | None, typer.Option("--own", help="A CSV, JSONL or Parquet file of your own.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="Which column of your own files holds what: text=body, advice=reply. Columns called text, "
            "question, category, analysis, advice, key and part need none.",
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="The licence of your own files.")] = NOT_STATED,
    lang: LangOption = None,
    data: DataFolder = DATA,
    template: Template = "qwen",
    seed: Seed = 0,
    val: Annotated[
        float, typer.Option(help="Share of keys for validation where a source has no split.")
    ] = 0.1,
    test: Annotated[float, typer.Option(help="Share of keys for testing where a source has no split.")] = 0.1,
    text_max: Annotated[
        int, typer.Option(min=1, help="Characters of a row; longer ones are dropped.")
    ] = 8000,
    as_json: AsJson = False,
) -> None:
    """Read sources, clean them, split them by person or post, drop leaks, shuffle, and write examples."""
    del context
    _check_shares(val, test)
    with needs_training():
        from phyassist.training.catalogue import get_source
        from phyassist.training.prepare import Plan, list_not_compared, prepare
        from phyassist.training.split import Shares
        from phyassist.training.templates import get_template

    plan = Plan(
        sources=tuple(get_source(name) for name in source or ()),
        own=_own_files(own or (), column or (), lang.value if lang else None, licence),
        data=data,
        template=get_template(template),
        shares=Shares(val, test),
        seed=seed,
        text_chars_max=text_max,
    )
    with writes_into(out), show_progress("preparing") as progress:
        prepared = prepare(plan, out, progress)
    if as_json:
        import json

        say_json(json.loads((out / "card.json").read_text("utf-8")))
        return
    print_prepared(prepared)
    if unseen := list_not_compared(plan):
        tell(f"not below {data}, and so not compared with for leaks: {', '.join(unseen)}  (--data names it)")
    tell(f"{out}: train, val and test as .jsonl, .parquet and .csv, and CARD.md")


@app.command("mix")
def mix_folders(
    folders: Annotated[list[Path], typer.Argument(help="Folders that prepare has made.")],
    out: Out,
    take: Annotated[
        list[str] | None,
        typer.Option("--take", help="So many training rows of a source: imhi-dr=600. All, where not named."),
    ] = None,
    template: Template = "qwen",
    seed: Seed = 0,
) -> None:
    """Join prepared folders into one, so many rows of each source."""
    with needs_training():
        from phyassist.training.mix import mix
        from phyassist.training.templates import get_template

    takes: dict[str, int] = {}
    for name, value in read_pairs(take or (), "--take imhi-dr=600"):
        if not value.isdecimal():
            raise BadInput(f"{value} is no number of rows", hint="write --take imhi-dr=600")
        takes[name] = int(value)
    with writes_into(out):
        card = mix(folders, takes, out, template=get_template(template), seed=seed)
    for part, held in card["parts"].items():
        tell(f"{part}: " + ", ".join(f"{name} {count}" for name, count in held["rows"].items()))


@app.command()
def stats(
    folder: Annotated[Path, typer.Argument(help="A folder that prepare or mix has made.")],
    as_json: AsJson = False,
) -> None:
    """Count a prepared folder's rows and keys, and measure their lengths."""
    from dataclasses import asdict

    with needs_training():
        from phyassist.training.mix import find_stats

    found = find_stats(folder)
    if as_json:
        say_json([asdict(each) for each in found])
        return
    from rich.table import Table

    table = Table(
        "part", "source", "language", "rows", "keys", "prompt", "reply", "longest", box=None, pad_edge=False
    )
    for each in found:
        table.add_row(
            each.part,
            each.source,
            each.language,
            str(each.rows),
            str(each.keys),
            f"{each.prompt_chars_median:.0f}",
            f"{each.reply_chars_median:.0f}",
            str(each.chars_max),
        )
    console = make_console()
    console.print(table)
    console.print("prompt, reply: characters, median; longest: both together", style="dim")


@app.command()
def view(
    folder: Annotated[Path, typer.Argument(help="A folder that prepare or mix has made.")],
    part: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    source: Annotated[str, typer.Option(help="Only rows of this source.")] = "",
    start: Annotated[int, typer.Option("--from", min=1, help="Number of the first row shown, from 1.")] = 1,
    rows: Annotated[int, typer.Option(min=0, help="How many rows; in a terminal each waits for a key.")] = 0,
) -> None:
    """Page through examples in the terminal."""
    with needs_training():
        from phyassist.training.writing import load_card, read_part

    from phyassist.domain.examples import PARTS

    if part not in PARTS:
        raise BadInput(f"there is no part {part}", hint="train, val or test")
    held = load_card(folder)["parts"][part]["rows"]
    if source and source not in held:
        raise BadInput(f"{part} has no row of {source}", hint=f"it has rows of {', '.join(held) or 'none'}")
    is_terminal = make_console().is_terminal
    shown = 0
    for no, row in enumerate(read_part(folder, part), start=1):
        if no < start or (source and row["source"] != source):
            continue
        say(f"── {no} · {row['source']} · {row['language']} · key {row['key']}")
        for message in row["messages"]:
            say(f"[{message['role']}]\n{message['content']}\n")
        shown += 1
        if shown == (rows or (1 if not is_terminal else 0)):
            return
        if (
            is_terminal
            and not rows
            and typer.prompt("Enter: next, q: quit", default="", show_default=False) == "q"
        ):
            return
    if not shown:
        of = f" of {source} from there on" if source else ""
        raise BadInput(
            f"{part} has no row {start}{of}",
            hint=f"it has {sum(held.values())} rows: --from 1 shows the first",
        )


@app.command("gen-csv")
def gen_csv(
    origin_path: Annotated[Path, typer.Option("--origin_path", help="A CSV with questions and answers.")],
    new_path: Annotated[Path, typer.Option("--new_path", help="The new CSV with one text column.")],
) -> None:
    """Write the study's training table: one text column, `<s> [INST] question [/INST] answer</s>`."""
    with needs_training():
        from phyassist.training.study import write_study_table

    with writes_into(new_path.parent):
        table = write_study_table(origin_path, new_path)
    dropped = ", ".join(f"{count} {reason}" for reason, count in table.dropped.items())
    tell(f"{new_path}: {table.rows} rows" + (f"; dropped {dropped}" if dropped else ""))


@contextmanager
def needs_training(extra: str = "train") -> Iterator[None]:
    """Raises MissingLibrary where this extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingLibrary(
            f"the library {error.name} is not installed", hint=f"pip install 'phyassist[{extra}]'"
        ) from None


@contextmanager
def needs_models(extra: str = "train") -> Iterator[None]:
    """The same for commands that load a model, whose libraries then keep their own affairs to themselves."""
    with needs_training(extra):
        from phyassist.training.quiet import quieten_libraries

        quieten_libraries()
        yield


@contextmanager
def show_progress(what: str) -> Iterator[Progress]:
    """A bar on stderr; the function it lends is told how many are done, of how many."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=make_console(results=False), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _own_files(
    paths: Sequence[Path], columns: Sequence[str], lang: Language | None, licence: str
) -> tuple[OwnFile, ...]:
    from phyassist.training.prepare import OwnFile
    from phyassist.training.readers import COLUMNS

    named = dict(read_pairs(columns, "--column text=body"))
    unknown = sorted(set(named) - set(COLUMNS))
    if unknown:
        raise BadInput(f"no example holds {', '.join(unknown)}", hint=f"there are {', '.join(COLUMNS)}")
    return tuple(OwnFile(path, named, lang, licence) for path in paths)


def read_pairs(said: Sequence[str], like: str) -> Iterator[tuple[str, str]]:
    for each in said:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise BadInput(f"{each} is not of the form name=value", hint=f"write {like}")
        yield name, value


def _check_shares(val: float, test: float) -> None:
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise BadInput("the shares for validation and testing leave nothing to train on", hint="0.1 each")


def print_prepared(prepared: Prepared) -> None:
    from rich.table import Table

    table = Table("source", "read", "mended", "dropped", "leaks", *prepared.rows, box=None, pad_edge=False)
    for name, counts in prepared.cleaned.items():
        table.add_row(
            name,
            str(counts.rows),
            str(counts.repaired),
            str(sum(counts.dropped.values())),
            str(prepared.leaks.get(name, 0)),
            *(str(rows.get(name, 0)) for rows in prepared.rows.values()),
        )
    console = make_console()
    console.print(table)
    for name, counts in prepared.cleaned.items():
        for reason, count in sorted(counts.dropped.items()):
            console.print(f"{name}: {reason}: {count}", style="dim")

"""`phyassist evaluate`: how well the organised record matches what a person read in the same texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell

if TYPE_CHECKING:
    from phyassist.domain.scores import Share
    from phyassist.lm.protocol import LanguageModel
    from phyassist.services.evaluating import OrganiseScored
    from phyassist.settings import Settings

app = typer.Typer(help="Score what PhyAssist does against labels written by hand.", no_args_is_help=True)

NO_MODEL = "none"


class LabelSet(StrEnum):
    TEST = "test"
    DEV = "dev"
    SECOND = "second"


@app.callback()
def _group() -> None:
    """Score what PhyAssist does against labels written by hand."""


@app.command()
def organise(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder of the public texts that the labels speak of.")] = Path(
        "../shared/data"
    ),
    labels: Annotated[
        LabelSet,
        typer.Option(
            help="test; dev, which rules were written against; second: 24 test texts labelled anew."
        ),
    ] = (LabelSet.TEST),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Model to score, several times for several; none scores rules and reader alone. "
            "Without it, what the settings choose.",
        ),
    ] = None,
    always_ask: Annotated[
        bool, typer.Option("--always-ask", help="Ask the model even where it is known to add nothing.")
    ] = False,
    shortest: Annotated[
        int, typer.Option(min=0, help="Score only so many of the texts, the shortest; 0 scores all.")
    ] = 0,
    keep: Annotated[
        Path | None,
        typer.Option(help="File that each text's score is added to; what stands there is not read again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score Organise on texts labelled by hand: facts found and invented, by kind, language and model."""
    from phyassist.lm.protocol import Never
    from phyassist.services.evaluating import OrganiseScored, evaluate_organise

    run = get_run(context)
    results: list[OrganiseScored] = []
    for name in model or [""]:
        settings = run.load_settings(model=name if name not in {"", NO_MODEL} else None)
        with _open_scored(settings, name, always_ask=always_ask) as lm:
            events = evaluate_organise(
                lm,
                data_folder=data,
                label_set=labels.value,
                always_ask=always_ask,
                shortest=shortest,
                kept=keep,
                stop=Never(),
            )
            for event in events:
                if isinstance(event, OrganiseScored):
                    results.append(event)
                else:
                    tell(f"text {event.no} of {event.of}: {event.seconds:.1f} s")
        if not as_json:
            _print(results[-1])
    if as_json:
        say_json([result.to_json() for result in results])


@contextmanager
def _open_scored(settings: Settings, name: str, *, always_ask: bool) -> Iterator[LanguageModel | None]:
    """The model to score; None where none would be asked, so that no engine is started for nothing."""
    from phyassist.cli.opening import open_language_model, open_second_reader

    if name == NO_MODEL:
        yield None
        return
    if not always_ask:
        with open_second_reader(settings) as lm:
            yield lm
        return
    with open_language_model(settings) as opened:
        yield opened.model


def _print(scored: OrganiseScored) -> None:
    from rich.table import Table

    console = make_console()
    console.print(f"\n{scored.model}: {len(scored.texts)} texts of the {scored.label_set} set", style="bold")
    table = Table("found", "all", "zh", "en", box=None, pad_edge=False)
    for kind in (*scored.kinds, ""):
        each = [_spell(scored.found(kind=kind, language=language), brief=True) for language in ("zh", "en")]
        table.add_row(kind or "all kinds", _spell(scored.found(kind=kind)), *each)
    console.print(table)
    console.print(f"facts asserted that the text does not hold: {_spell(scored.asserted)}")
    console.print(f"statements that their quote does not carry: {_spell(scored.unsupported)}")
    console.print(f"unread parts: {scored.unread}, {scored.seconds:.1f} s in all")


def _spell(share: Share, *, brief: bool = False) -> str:
    """A share with its counts, and its 95 % interval unless brief."""
    if not share.of:
        return "-"
    if brief:
        return f"{share.value:.1%} ({share.hits}/{share.of})"
    low, high = share.interval
    return f"{share.value:.1%} ({share.hits}/{share.of}, {low:.0%} to {high:.0%})"

"""`phyassist evaluate quality`: the app's own tasks on the cases that ship with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson, ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phyassist.domain.quality import Loss, Quality, QualityCase
    from phyassist.lm.protocol import LanguageModel, Stop
    from phyassist.settings import Settings


def quality(
    context: typer.Context,
    model: ModelOption = None,
    adapter: Annotated[
        str,
        typer.Option(
            help="Adapter to measure beside its base: a .gguf file, or its name on a server elsewhere."
        ),
    ] = "",
    cases: Annotated[
        int, typer.Option(min=0, help="So many cases of each language, the shortest; 0: all.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure organise and analyse on fixed cases in both languages: facts, inventions, quotes, form, length.

    With an adapter the base model is measured too, and what got worse beyond chance is named.
    """
    from phyassist.cli.opening import open_language_model
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.domain.quality import find_losses
    from phyassist.lm.adapted import WithAdapter
    from phyassist.services.quality import load_cases

    settings = get_run(context).load_settings(model=model)
    chosen = load_cases(cases)
    name, files = find_adapter(adapter, settings)
    with open_language_model(settings, adapters=files) as opened, stop_on_interrupt() as stop:
        base = _measure(opened.model, chosen, stop)
        adapted = _measure(WithAdapter(opened.model, name), chosen, stop) if name else None
    losses = find_losses(adapted, base) if adapted else ()
    if as_json:
        say_json(
            {
                "base": base.to_json(),
                "adapter": adapted.to_json() if adapted else None,
                "worse": [str(loss) for loss in losses],
            }
        )
    else:
        _print(base, adapted, losses)


def find_adapter(adapter: str, settings: Settings) -> tuple[str, Mapping[str, Path]]:
    """What the adapter is asked for by, and the file to load for it."""
    from phyassist.errors import AdapterMissing

    if not adapter or settings.model_url:
        return adapter, {}
    path = Path(adapter).expanduser()
    if path.suffix != ".gguf":
        raise AdapterMissing(
            f"{adapter} is not a GGUF adapter", hint="name the file adapter.gguf of a run, or of a folder"
        )
    return path.stem, {path.stem: path}


def _measure(lm: LanguageModel, cases: Sequence[QualityCase], stop: Stop) -> Quality:
    from phyassist.domain.quality import Quality
    from phyassist.services.quality import measure_quality

    events = measure_quality(lm, cases, stop=stop)
    for no, event in enumerate(events, start=1):
        if isinstance(event, Quality):
            return event
        tell(f"case {no} of {len(cases)}: {event.seconds:.1f} s")
    raise AssertionError("the last event is the whole")


def _print(base: Quality, adapted: Quality | None, losses: Sequence[Loss]) -> None:
    from rich.table import Table

    from phyassist.domain.quality import MEASURES, TASKS

    console = make_console()
    shown = [base, adapted] if adapted else [base]
    heads = [f"{each.adapter or each.model} {language}" for each in shown for language in base.languages]
    for task in TASKS:
        table = Table(task, *heads, box=None, pad_edge=False)
        for measure, more_is_better in MEASURES[task].items():
            shares = [each.share(task, measure, language) for each in shown for language in base.languages]
            said = [f"{share.value:.0%} ({share.hits}/{share.of})" if share.of else "-" for share in shares]
            table.add_row(f"{measure.replace('_', ' ')} {'↑' if more_is_better else '↓'}", *said)
        console.print(table)
        console.print("")
    for each in shown:
        lengths = "; ".join(
            f"{language}: {said['items']} items, median {said['median']:.0f}, longest {said['longest']}"
            for language, said in each.to_json()["item_length"].items()
        )
        console.print(f"{each.adapter or each.model}: {lengths} words or characters; {each.seconds:.0f} s")
    for loss in losses:
        console.print(f"worse than the base model: {loss}")
    if adapted and not losses:
        console.print("nothing is worse than the base model beyond chance")

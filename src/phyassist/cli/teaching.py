"""`phyassist data draft`: a larger model drafts public texts, for a smaller one to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.data import (
    DATA,
    DataFolder,
    Out,
    Seed,
    Template,
    needs_training,
    print_prepared,
    show_progress,
)
from phyassist.cli.options import ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import tell
from phyassist.lm.folders import writes_into

if TYPE_CHECKING:
    from phyassist.domain.examples import Drafted
    from phyassist.domain.people import Language


def draft(
    context: typer.Context,
    source: Annotated[
        list[str], typer.Option("--source", help="A source's name; several times for several.")
    ],
    out: Out,
    model: ModelOption = None,
    count: Annotated[int, typer.Option(min=1, help="So many texts of each source.")] = 40,
    tries: Annotated[
        int, typer.Option(min=1, help="Drafts of each text, of which the best is looked at.")
    ] = 1,
    data: DataFolder = DATA,
    template: Template = "qwen",
    seed: Seed = 0,
) -> None:
    """Let a larger model draft texts of public sources; keep, as training data, the drafts that hold.

    A run that was broken off goes on where it stood: give the same folder again.
    """
    with needs_training():
        from phyassist.training.catalogue import get_source
        from phyassist.training.prepare import Plan
        from phyassist.training.taught import draft_sources
        from phyassist.training.templates import get_template

    from phyassist.cli.opening import open_language_model
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.services.teaching import teach

    plan = Plan(tuple(get_source(name) for name in source), (), data, get_template(template), seed=seed)
    settings = get_run(context).load_settings(model=model)
    with writes_into(out), open_language_model(settings) as opened, stop_on_interrupt() as stop:

        def write(text: str, language: Language) -> Drafted:
            drafted = teach(
                text,
                opened.model,
                language=language,
                jurisdiction="cn" if language == "zh" else "other",
                stop=stop,
                tries=tries,
            )
            if stop.is_set():
                raise KeyboardInterrupt
            return drafted

        with show_progress("drafting") as progress:
            prepared = draft_sources(
                plan, out, count=count, by=opened.model.name, write=write, progress=progress
            )
    print_prepared(prepared)
    tell(f"{out}: train and val as .jsonl, .parquet and .csv, and CARD.md")

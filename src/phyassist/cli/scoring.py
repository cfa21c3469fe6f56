"""`phyassist evaluate imhi`: a base model, an adapter or heads on the public sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.data import needs_training
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell

if TYPE_CHECKING:
    from phyassist.training.answering import Answerer

DataOption = Annotated[Path, typer.Option(help="Folder that holds the sources' files.")]
DATA = Path("../shared/data")


class ImhiPart(StrEnum):
    VAL = "val"
    TEST = "test"


class Through(StrEnum):
    TRANSFORMERS = "transformers"
    ENGINE = "engine"


def imhi(
    context: typer.Context,
    base: Annotated[
        str,
        typer.Option(
            help="A model of the catalogue, a folder, or a model of the hub; for the engine a .gguf file."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for replies, labels and scores.")],
    adapter: Annotated[
        Path | None,
        typer.Option(help="The folder `adapter` of a run; through the engine its adapter.gguf."),
    ] = None,
    heads: Annotated[
        list[Path] | None,
        typer.Option(help="A folder that train-heads made, which then says the label; several for several."),
    ] = None,
    through: Annotated[
        Through, typer.Option(help="transformers scores every label; engine asks a served model.")
    ] = Through.TRANSFORMERS,
    sets: Annotated[
        str, typer.Option(help="Which of DR, dreaddit, Irf, MultiWD and SAD, with commas.")
    ] = "DR,dreaddit,Irf,MultiWD,SAD",
    part: Annotated[ImhiPart, typer.Option(help="val to choose by, test once in the end.")] = ImhiPart.VAL,
    data: DataOption = DATA,
    explain: Annotated[
        bool, typer.Option("--explain", help="Let it write its reasoning too; many times slower.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="Only so many rows of each set, from the first; 0: all.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Score a model on IMHI: F1 and accuracy with intervals by post, and replies that were unread."""
    from dataclasses import asdict

    from phyassist.errors import BadInput

    with needs_training():
        from phyassist.training.baselines import render_table
        from phyassist.training.evaluate import Evaluation, run_evaluation

    names = tuple(name.strip() for name in sets.split(",") if name.strip())
    if heads and through is Through.ENGINE:
        raise BadInput("heads read what transformers computes", hint="leave --through out")

    def progress(name: str, done: int, of: int) -> None:
        if done % 100 == 0 or done == of:
            tell(f"{name}: {done} of {of}")

    with _open_answerer(context, base, adapter, heads or [], through, explain=explain) as (answerer, by):
        asked = Evaluation(by, names, part.value, data, out, explain, limit)
        scores = run_evaluation(asked, answerer, progress)
    if as_json:
        say_json([asdict(score) for score in scores])
    elif scores:
        make_console().print(render_table({out.name: scores}), soft_wrap=True)


@contextmanager
def _open_answerer(
    context: typer.Context,
    base: str,
    adapter: Path | None,
    heads: list[Path],
    through: Through,
    *,
    explain: bool,
) -> Iterator[tuple[Answerer, Mapping[str, Any]]]:
    """Who answers, and how that is written down."""
    from phyassist.cli.train import find_base

    with needs_training():
        from phyassist.training.answering import ByLikelihood, ByScores
        from phyassist.training.evaluate import hash_file, open_scorer

    by: dict[str, Any] = {
        "base": Path(base).name,
        "adapter": adapter.name if adapter else None,
        "heads": [path.name for path in heads],
        "through": through.value,
    }
    if through is Through.ENGINE:
        with _open_engine(context, base, adapter) as answerer:
            yield answerer, by
        return
    folder = find_base(context, base)
    if adapter is not None:
        from phyassist.training.adapters import WEIGHTS, check_adapter_files

        check_adapter_files(adapter)
        by["adapter_sha256"] = hash_file(adapter / WEIGHTS)
    if not heads:
        yield ByLikelihood(open_scorer(folder, adapter)), by
        return
    from phyassist.training.heads.model import load_headed
    from phyassist.training.heads.score import HeadScorer

    scorer = HeadScorer(*(load_headed(folder, path) for path in heads))
    yield ByScores(scorer, open_scorer(folder, adapter) if explain else None), by


@contextmanager
def _open_engine(context: typer.Context, base: str, adapter: Path | None) -> Iterator[Answerer]:
    from phyassist.cli.opening import open_language_model
    from phyassist.cli.quality import find_adapter
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.lm.adapted import WithAdapter
    from phyassist.training.answering import ByEngine

    settings = get_run(context).load_settings(model=base)
    name, files = find_adapter(str(adapter or ""), settings)
    with open_language_model(settings, files) as opened, stop_on_interrupt() as stop:
        yield ByEngine(WithAdapter(opened.model, name) if name else opened.model, stop)

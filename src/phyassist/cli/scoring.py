"""`phyassist evaluate imhi`, `explanations`, `compare` and `select`: models on the public sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.data import needs_models, needs_training
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.lm.folders import writes_into

if TYPE_CHECKING:
    from phyassist.training.answering import Answerer
    from phyassist.training.explaining import ExplanationScore

DataOption = Annotated[Path, typer.Option(help="Folder that holds the sources' files.")]
DATA = Path("../shared/data")
BaseOption = Annotated[
    str,
    typer.Option(
        "--base",
        "--model",
        help="A model of the catalogue, a folder, or a model of the hub; for the engine a .gguf file.",
    ),
]


class ImhiPart(StrEnum):
    VAL = "val"
    TEST = "test"


class Through(StrEnum):
    TRANSFORMERS = "transformers"
    ENGINE = "engine"


def imhi(
    context: typer.Context,
    base: BaseOption,
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
        from phyassist.training.baselines import render_table, say_rows
        from phyassist.training.evaluate import Evaluation, run_evaluation
        from phyassist.training.imhi import check_sets

    names = tuple(name.strip() for name in sets.split(",") if name.strip())
    if heads and through is Through.ENGINE:
        raise BadInput("heads read what transformers computes", hint="leave --through out")
    check_sets(names)
    if heads:
        from phyassist.training.heads.model import check_heads

        check_heads(heads, names)

    def progress(name: str, done: int, of: int) -> None:
        if done % 100 == 0 or done == of:
            tell(f"{name}: {done} of {of}")

    opened = _open_answerer(context, base, adapter, heads or [], through, explain=explain)
    with writes_into(out), opened as (answerer, by):
        asked = Evaluation(by, names, part.value, data, out, explain, limit)
        scores = run_evaluation(asked, answerer, progress)
    if as_json:
        say_json([asdict(score) for score in scores])
    elif scores:
        scored = {out.name: say_rows(part.value, limit)}
        make_console().print(render_table({out.name: scores}, scored), soft_wrap=True)


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
        from phyassist.training.bases import identify_base
        from phyassist.training.evaluate import hash_file, open_scorer

    by: dict[str, Any] = {
        "base": Path(base).name,
        "adapter": _name_adapter(adapter) if adapter else None,
        "heads": [path.name for path in heads],
        "through": through.value,
    }
    if through is Through.ENGINE:
        if adapter is not None and adapter.is_file():
            by["adapter_sha256"] = hash_file(adapter)
        with _open_engine(context, base, adapter) as (answerer, base_sha256):
            yield answerer, by | {"base_sha256": base_sha256}
        return
    with needs_models():
        folder = find_base(context, base)
    if adapter is not None:
        from phyassist.training.adapters import WEIGHTS, check_adapter_files

        check_adapter_files(adapter)
        by["adapter_sha256"] = hash_file(adapter / WEIGHTS)
    if not heads:
        scorer = open_scorer(folder, adapter)
        # A base of the hub is here from now on.
        yield ByLikelihood(scorer), by | {"base_sha256": identify_base(folder).sha256}
        return
    from phyassist.training.heads.model import identify_heads, load_headed
    from phyassist.training.heads.score import HeadScorer

    headed = HeadScorer(*(load_headed(folder, path) for path in heads))
    by["heads_sha256"] = [identify_heads(path) for path in heads]
    by["base_sha256"] = identify_base(folder).sha256
    yield ByScores(headed, open_scorer(folder, adapter) if explain else None), by


def _name_adapter(adapter: Path) -> str:
    """The run's name, for every run calls its adapter `adapter`."""
    path = adapter.resolve()
    return path.parent.name if path.stem == "adapter" else path.name


@contextmanager
def _open_engine(context: typer.Context, base: str, adapter: Path | None) -> Iterator[tuple[Answerer, str]]:
    from phyassist.cli.opening import open_language_model
    from phyassist.cli.quality import find_adapter
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.lm.adapted import WithAdapter
    from phyassist.training.answering import ByEngine

    settings = get_run(context).load_settings(model=base)
    name, files = find_adapter(str(adapter or ""), settings)
    with open_language_model(settings, adapters=files) as opened, stop_on_interrupt() as stop:
        lm = WithAdapter(opened.model, name) if name else opened.model
        yield ByEngine(lm, stop), lm.base_sha256


def explanations(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder of evaluate imhi --explain.")],
    against: Annotated[
        Path | None, typer.Option(help="Another such folder, of the base model, on the same rows.")
    ] = None,
    bart: Annotated[str, typer.Option(help="Model of BARTScore: of the hub, or a folder.")] = (
        "facebook/bart-large-cnn"
    ),
    bert: Annotated[str, typer.Option(help="Model of BERTScore: of the hub, or a folder.")] = "roberta-large",
    bert_layers: Annotated[
        int | None, typer.Option(min=0, help="Layer to compare, where bert-score does not know the model.")
    ] = None,
    stand_in: Annotated[
        str, typer.Option(help="Base model for lmscore, a measure of our own that needs no hub; empty: none.")
    ] = "smollm2-135m-instruct",
    as_json: AsJson = False,
) -> None:
    """Score explanations against the references: BARTScore, BERTScore, ROUGE and BLEU.

    A measure whose model cannot be fetched is absent, and the output says so.
    """
    from dataclasses import asdict

    with needs_models("evaluate"):
        from phyassist.training.comparing import load_run
        from phyassist.training.explaining import Judges, save_explanations, score_explanations

        loaded = load_run(run)
        other = load_run(against) if against else None
        judges = Judges(bart, bert, bert_layers, _find_stand_in(context, stand_in))
        scores = []
        with writes_into(loaded.folder):
            for score in score_explanations(loaded, other, judges):
                tell(f"{score.set}: {score.measure}")
                scores.append(score)
            saved = save_explanations(loaded, other, scores)
    if as_json:
        say_json([asdict(score) for score in scores])
    else:
        _print_explanations(scores)
    tell(f"written to {saved}")


def _find_stand_in(context: typer.Context, name: str) -> str:
    """Its folder; where the model is not here its name, and the measure will then be absent and say so."""
    from phyassist.cli.train import find_base
    from phyassist.errors import ModelMissing

    try:
        return find_base(context, name) if name else ""
    except ModelMissing:
        return name


def _print_explanations(scores: Sequence[ExplanationScore]) -> None:
    from rich.table import Table

    table = Table("set", "measure", "value", "95 %", "gained", "p", box=None, pad_edge=False)
    for score in scores:
        measure = f"{score.measure} ({Path(score.model).name})" if score.model else score.measure
        value = "absent" if score.value is None else f"{score.value:.3f}"
        low, high = score.interval or (None, None)
        interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        gained = "" if score.gained is None else f"{score.gained:+.3f}"
        p = "" if score.p_bootstrap is None else f"{score.p_bootstrap:.3f}"
        table.add_row(score.set, measure, value, interval, gained, p)
    console = make_console()
    console.print(table)
    for line in sorted(
        {f"{score.measure} is absent: {score.why_absent}" for score in scores if score.why_absent}
    ):
        console.print(line)
    for name, empty, rows in sorted({(score.set, score.empty, score.rows) for score in scores}):
        console.print(f"{name}: {rows} rows, {empty} without an explanation")


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Folders of evaluate imhi; the first is held against the others."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for compare.md, compare.json and compare.png.")],
    as_json: AsJson = False,
) -> None:
    """Set runs beside each other and beside published figures, with paired tests and a picture."""
    from dataclasses import asdict

    with needs_training():
        from phyassist.training.comparing import compare_runs, load_runs, render_comparison, save_comparison

        loaded = load_runs(runs)
        pairs = compare_runs(loaded)
        with writes_into(out):
            save_comparison(out, loaded, pairs)
    if as_json:
        say_json([asdict(pair) for pair in pairs])
    else:
        make_console().print(render_comparison(loaded, pairs), soft_wrap=True)
    tell(f"written to {out}")


def select(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="Names of the catalogue, folders, or models of the hub."),
    ],
    tasks: Annotated[
        str, typer.Option(help="Tasks of lm-evaluation-harness, with commas; empty: none.")
    ] = "arc_challenge,hellaswag,mmlu",
    include: Annotated[
        Path | None, typer.Option(help="Folder with task configs of one's own, for rows that lie here.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only so many rows of each task; 0: all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Choose a base model: knowledge by the field's harness, memory in each form, speed on this machine."""
    from dataclasses import asdict

    from phyassist.cli.train import find_base

    chosen = tuple(task.strip() for task in tasks.split(",") if task.strip())
    with needs_models("evaluate"):
        from phyassist.training.selecting import measure_candidate, render_candidates

        found = [
            measure_candidate(find_base(context, model), chosen, include=include, limit=limit, tell=tell)
            for model in models
        ]
    if as_json:
        say_json([asdict(each) for each in found])
    else:
        make_console().print(render_candidates(found), soft_wrap=True)

"""`phyassist train-heads`: classification heads beside the generator, for the closed questions of IMHI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.data import needs_models, read_pairs
from phyassist.cli.options import AsJson
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.train import find_base
from phyassist.lm.folders import writes_into

if TYPE_CHECKING:
    from phyassist.training.heads.run import Read
    from phyassist.training.heads.train import HeadScore, HeadStep

DEFAULT_BASE = "smollm2-135m-instruct"


def train_heads(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    sets: Annotated[
        str, typer.Option(help="Which of DR, dreaddit, Irf, MultiWD and SAD, with commas.")
    ] = "DR,dreaddit,Irf,MultiWD,SAD",
    base: Annotated[
        str, typer.Option(help="Base model: a name of the catalogue, a folder, or a model of the hub.")
    ] = DEFAULT_BASE,
    data: Annotated[Path, typer.Option(help="Folder that holds the sources' files.")] = Path(
        "../shared/data"
    ),
    dials: Annotated[
        list[str] | None, typer.Option("--set", help="Another value for a field of the heads: epochs=2.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was broken off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train heads that answer IMHI's closed questions; the epoch with the best validation score is kept."""
    from dataclasses import asdict

    with needs_models():
        from phyassist.training.heads.recipe import HeadRecipe
        from phyassist.training.heads.run import HeadJob, run_head_job, set_head_dials

    recipe = set_head_dials(HeadRecipe(), dict(read_pairs(dials or (), "--set rank=8")))
    chosen = tuple(name.strip() for name in sets.split(",") if name.strip())
    with writes_into(out), _show_progress() as hear:
        best = run_head_job(HeadJob(find_base(context, base), chosen, data, out, recipe), hear, resume=resume)
    if as_json:
        say_json(asdict(best))
    tell(f"{out}: epoch {best.epoch} kept, mean weighted F1 {best.mean:.2f} on the validation posts")


@contextmanager
def _show_progress() -> Iterator[Callable[[Read | HeadStep | HeadScore], None]]:
    """A bar on stderr: posts read through the frozen layers, then steps with loss and time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from phyassist.training.heads.run import Read
    from phyassist.training.heads.train import HeadScore

    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
    console = make_console(results=False)
    with Progress(*columns, TextColumn("{task.fields[said]}"), console=console) as bar:
        reading = bar.add_task("post", total=None, said="")
        training = bar.add_task("step", total=None, said="", visible=False)

        def hear(report: Read | HeadStep | HeadScore) -> None:
            if isinstance(report, Read):
                bar.update(reading, completed=report.done, total=report.of)
            elif isinstance(report, HeadScore):
                scores = ", ".join(f"{name} {value:.2f}" for name, value in report.weighted_f1.items())
                console.print(f"epoch {report.epoch}: loss {report.loss:.4f}, weighted F1 {scores}")
            else:
                said = f"loss {report.loss:.4f}  {report.tokens / report.seconds:.0f} tokens/s"
                bar.update(training, completed=report.step, total=report.steps, said=said, visible=True)

        yield hear

"""Run trackers: each hears the same reports as the progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from phyassist.errors import BadSetting, MissingLibrary
from phyassist.training.loop import EvalReport, Report

Hear = Callable[[Report], None]


@contextmanager
def open_trackers(names: tuple[str, ...], out: Path, config: Mapping[str, Any]) -> Iterator[Hear]:
    """What is told the reports, for all the named trackers; they are closed in the end.

    Raises BadSetting for an unknown name, MissingLibrary.
    """
    check_trackers(names)
    with ExitStack() as stack:
        opened = [stack.enter_context(TRACKERS[name](out, config)) for name in names]

        def hear(report: Report) -> None:
            for each in opened:
                each(report)

        yield hear


def check_trackers(names: tuple[str, ...]) -> None:
    """Raises BadSetting for a name that there is not, MissingLibrary where one is not installed."""
    unknown = [name for name in names if name not in TRACKERS]
    if unknown:
        raise BadSetting(f"no tracker {', '.join(unknown)}", hint=f"there are {', '.join(TRACKERS)}")
    for name in names:
        if find_spec(name) is None:
            raise _missing(name)


def read_numbers(report: Report) -> Mapping[str, float]:
    """The numbers of a report by the names they are tracked under; what is absent is left out."""
    if isinstance(report, EvalReport):
        found = {
            "val/loss": report.val_loss,
            "val/pair_loss": report.pair_loss,
            "val/pairs_right": report.pairs_right,
            f"val/{report.likeness_by}": report.likeness,
        }
    else:
        found = {
            "train/loss": report.loss,
            "train/pair_loss": report.pair_loss,
            "train/learning_rate": report.learning_rate,
            "train/grad_norm": report.grad_norm,
            "train/tokens_per_s": report.tokens / report.seconds,
        }
    return {name: value for name, value in found.items() if value is not None}


@contextmanager
def _open_tensorboard(out: Path, config: Mapping[str, Any]) -> Iterator[Hear]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise _missing("tensorboard") from error

    writer = SummaryWriter(str(out / "tensorboard"))
    writer.add_text("recipe", "\n".join(f"    {name} = {value}" for name, value in config.items()))

    def hear(report: Report) -> None:
        for name, value in read_numbers(report).items():
            writer.add_scalar(name, value, report.step)
        writer.flush()

    try:
        yield hear
    finally:
        writer.close()


@contextmanager
def _open_wandb(out: Path, config: Mapping[str, Any]) -> Iterator[Hear]:
    try:
        import wandb
    except ImportError as error:
        raise _missing("wandb") from error

    # Where and whether it is sent is wandb's own WANDB_MODE and login.
    run = wandb.init(project="phyassist", name=out.name, dir=str(out), config=dict(config))

    def hear(report: Report) -> None:
        run.log(dict(read_numbers(report)), step=report.step)

    try:
        yield hear
    finally:
        run.finish()


TRACKERS = {"tensorboard": _open_tensorboard, "wandb": _open_wandb}


def _missing(name: str) -> MissingLibrary:
    return MissingLibrary(f"{name} is not installed", hint="pip install 'phyassist[track]'")

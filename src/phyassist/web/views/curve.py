"""A run's loss as a line, drawn here so that the page needs no script for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phyassist.domain.learning import CurvePoint
from phyassist.web.wording import Words

WIDTH, HEIGHT = 600, 160
MARGIN = 6


@dataclass(frozen=True, slots=True)
class CurveView:
    """Points of two polylines, `held` empty where nothing was measured; `said` is the curve in a sentence."""

    width: int
    height: int
    trained: str
    held: str
    low: str
    high: str
    said: str


def view_curve(curve: Sequence[CurvePoint], steps: int, w: Words) -> CurveView | None:
    """None where there is no loss yet."""
    trained = [(point.step, point.loss) for point in curve if point.loss is not None]
    held = [(point.step, point.held_out_loss) for point in curve if point.held_out_loss is not None]
    values = [loss for _, loss in (*trained, *held)]
    if not trained:
        return None
    low, high = min(values), max(values)
    last_step = max(steps, *(step for step, _ in (*trained, *held)))

    def draw(points: Sequence[tuple[int, float]]) -> str:
        return " ".join(
            f"{MARGIN + (WIDTH - 2 * MARGIN) * step / last_step:.1f},"
            f"{HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * _share(loss, low, high):.1f}"
            for step, loss in points
        )

    said = w("assistant.curve", first=f"{trained[0][1]:.2f}", last=f"{trained[-1][1]:.2f}")
    if held:
        said += w("assistant.curve_held", last=f"{held[-1][1]:.2f}")
    return CurveView(WIDTH, HEIGHT, draw(trained), draw(held), f"{low:.2f}", f"{high:.2f}", said)


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5

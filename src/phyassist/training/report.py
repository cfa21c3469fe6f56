"""A run's curves: one picture, and a page that needs nothing from elsewhere."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phyassist.lm.folders import say_damaged

MEASURES = {
    "bertscore_f1": "BERTScore F1",
    "state_f1": "F1 of the base model's own states (no BERTScore model here)",
}


def write_report(out: Path) -> None:
    """`curves.png` and `report.html` from a run's config and progress."""
    with say_damaged(out / "config.json", "start anew in another folder"):
        config = json.loads((out / "config.json").read_text("utf-8"))
    lines = read_progress(out)
    picture = draw_curves(lines)
    (out / "curves.png").write_bytes(picture)
    (out / "report.html").write_text(_render(config, lines, picture), encoding="utf-8")


def read_progress(out: Path) -> tuple[Mapping[str, Any], ...]:
    """The lines of a run's progress, in order.  Raises UnreadableFile for one that is damaged."""
    path = out / "progress.jsonl"
    with say_damaged(path, "take out the damaged lines, then go on with --resume"):
        lines = tuple(json.loads(line) for line in path.read_text("utf-8").splitlines())
        for line in lines:
            line["kind"], line["step"]
    return lines


def draw_curves(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """By epoch the loss of training and of validation, and how like the kept replies its own are, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [line for line in lines if line["kind"] == "step"]
    evals = [line for line in lines if line["kind"] == "eval"]
    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=120)
    axes.plot([line["epoch"] for line in steps], [line["loss"] for line in steps], color="#9aa1aa", lw=1)
    axes.plot(
        [line["epoch"] for line in evals],
        [line["val_loss"] for line in evals],
        color="#0f766e",
        marker="o",
        ms=4,
    )
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss per reply token")
    axes.legend(["training", "validation"], frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    judged = [line for line in evals if line.get("likeness") is not None]
    if judged:
        beside = axes.twinx()
        beside.plot(
            [line["epoch"] for line in judged],
            [line["likeness"] for line in judged],
            color="#b45309",
            marker="s",
            ms=4,
        )
        beside.set_ylabel(MEASURES[judged[0]["likeness_by"]], color="#b45309")
        beside.spines[["top"]].set_visible(False)
    held = io.BytesIO()
    figure.savefig(held, format="png", bbox_inches="tight")
    pyplot.close(figure)
    return held.getvalue()


def _render(config: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], picture: bytes) -> str:
    evals = [line for line in lines if line["kind"] == "eval"]
    rows = "".join(
        f"<tr><td>{line['step']}</td><td>{line['epoch']:.2f}</td><td>{line['val_loss']:.4f}</td>"
        f"<td>{_show(line.get('likeness'))}</td><td>{'best' if line['is_best'] else ''}</td></tr>"
        for line in evals
    )
    judged = next((line["likeness_by"] for line in evals if line.get("likeness_by")), "")
    measure = MEASURES[judged] if judged else "no replies were written (--replies)"
    dials = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in config["recipe"].items()
    )
    image = base64.b64encode(picture).decode("ascii")
    return (
        "<!doctype html><meta charset=utf-8><title>Training run</title>"
        "<style>body{font:16px/1.55 system-ui;max-width:46em;margin:2em auto;padding:0 1em;color:#1f2328}"
        "table{border-collapse:collapse}td,th{padding:.2em .8em .2em 0;text-align:left}"
        "img{max-width:100%}</style>"
        f"<h1>{html.escape(config['base'])}</h1>"
        f"<p>{config['examples']['train']} examples, {config['examples']['val']} for validation, "
        f"{config['too_long']['train']} too long for a row; {config['steps']} steps.</p>"
        f'<img alt="Loss by epoch" src="data:image/png;base64,{image}">'
        f"<h2>Validation</h2><table><tr><th>step<th>epoch<th>loss<th>{measure}<th></tr>{rows}</table>"
        f"<h2>Recipe</h2><table>{dials}</table>"
    )


def _show(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

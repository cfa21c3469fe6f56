"""The notebook of the guide, run from its first cell to its last on a toy model and a few rows."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install 'phyassist[test]'")

import nbformat  # noqa: E402

from tests.house.tree import ROOT  # noqa: E402
from tests.training.test_prepare import NO, YES, ask, write_csv  # noqa: E402
from tests.training.tiny import save_base  # noqa: E402

CAUSES = ("School", "Work", "Family issues")


def write_rows(data: Path) -> None:
    """A few invented rows of each part in IMHI's form."""
    head = ("query", "gpt-3.5-turbo")
    for part, count in (("train", 8), ("val", 4), ("test", 2)):
        stress = [
            (ask(f"Note {no} of {part}, slept badly."), f"{(YES, NO)[no % 2]} Reasoning: so.")
            for no in range(count)
        ]
        write_csv(data / f"imhi/{part}/dreaddit.csv", head, stress)
        question = "What is the stress cause of this post?"
        causes = [
            (
                f'Consider this post: "Day {no} of {part} was long." Question: {question}',
                f"This post shows the stress cause related to {CAUSES[no % 3].lower()}. Reasoning: long.",
            )
            for no in range(count)
        ]
        write_csv(data / f"imhi/{part}/SAD.csv", head, causes)


def test_the_notebook_runs_to_its_end(tmp_path: Path, home: Path) -> None:
    write_rows(tmp_path / "data")
    values = {
        "BASE": str(save_base(tmp_path / "base")),
        "DATA": str(tmp_path / "data"),
        "WORK": str(tmp_path / "work"),
        "STEPS": 2,
        "EXAMPLES": 2,
        "ROW_TOKENS": 1600,
        "ROWS": 2,
    }
    notebook = nbformat.read(ROOT / "docs/pipeline.ipynb", as_version=4)
    (at,) = (no for no, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    given = nbformat.v4.new_code_cell("\n".join(f"{name} = {value!r}" for name, value in values.items()))
    notebook.cells.insert(at + 1, given)

    # Where the machine is busy, a cell's last words may come later than the few seconds that are waited for.
    client = nbclient.NotebookClient(
        notebook, timeout=None, iopub_timeout=120, raise_on_iopub_timeout=True, kernel_name="python3"
    )
    client.execute(cwd=str(tmp_path))

    said = "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "text" in output
    )
    assert "| joined: ties |" in said
    assert "license_name: research-only" in said
    assert (tmp_path / "work/pulled/adapter_model.safetensors").is_file()
    assert all(not cell.get("outputs") for cell in nbformat.read(ROOT / "docs/pipeline.ipynb", 4).cells)

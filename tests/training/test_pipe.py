"""The training process, driven through its pipe as a worker drives it, on a tiny model."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.domain.frames import AUTHOR, Frame, read_frame
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, Message
from phyassist.services.run_files import RunExample
from phyassist.services.trainer import TrainerProcess, TrainerTask, write_task
from phyassist.training import pipe
from phyassist.training.recipe import get_preset, set_dials
from tests.training.tiny import make_dialogues, save_base

RECIPE = {
    "rank": "2",
    "alpha": "4",
    "steps_max": "2",
    "eval_steps": "1",
    "examples_per_step": "2",
    "row_tokens": "512",
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("tiny"))


def make_examples() -> tuple[RunExample, ...]:
    """Four to learn, one with a reply that was not kept, and one held out."""
    found = []
    for no, dialogue in enumerate(make_dialogues(5)):
        *asked, reply = dialogue
        messages = tuple(Message(each["role"], each["content"]) for each in asked)  # type: ignore[arg-type]
        rejected = "The mood is blue." if no == 1 else ""
        found.append(RunExample("en", messages, reply["content"], rejected, held_out=no == 4))
    return tuple(found)


@pytest.mark.parametrize(("preference", "kept", "not_kept"), [("none", 2, 0), ("dpo", 3, 2)])
def test_each_kept_reply_is_learnt_once_where_nothing_is_learnt_from_what_was_not_kept(
    preference: str, kept: int, not_kept: int
) -> None:
    asked, other = [["user", "How is she?"]], [["user", "And he?"]]
    no_draft = {"drafted": "", "author": "", "forced": []}
    rows = [
        {"messages": asked, "chosen": "Well.", "rejected": "", **no_draft},
        {"messages": asked, "chosen": "Well.", "rejected": "Ill.", **no_draft},
        {"messages": other, "chosen": "Ill.", "rejected": "Well.", **no_draft},
    ]

    made = pipe.make_dialogues(rows, set_dials(get_preset("notes"), {"preference": preference}))

    assert len(made) == kept
    assert sum(bool(each.rejected) for each in made) == not_kept


def run(task: TrainerTask) -> list[Frame]:
    with TrainerProcess(task) as trainer:
        return [frame for frame in trainer.frames(0.1) if frame is not None]


def run_here(task: TrainerTask) -> list[Frame]:
    """The same frames without a process: to import torch takes longer than to train so small a model."""
    source, to = io.BytesIO(), io.BytesIO()
    write_task(source, task)
    source.seek(0)
    asked = pipe.read_asked(source)
    assert asked is not None
    pipe.train(asked, to, threading.Lock())
    to.seek(0)
    return list(iter(lambda: read_frame(to), None))


def files_of(frames: list[Frame]) -> dict[str, bytes]:
    return {frame.head["name"]: frame.data for frame in frames if frame.kind == "file"}


def test_a_run_comes_back_through_the_pipe_goes_on_and_is_compared(base: Path) -> None:
    examples = make_examples()
    first = run(TrainerTask(str(base), "", RECIPE, examples))
    made, done = files_of(first), first[-1].head
    begun = next(frame.data for frame in first if frame.kind == "checkpoint")
    others = {"present": {name: made[name] for name in (CONFIG_FILE, WEIGHTS_FILE)}}

    resumed = run_here(TrainerTask(str(base), "", RECIPE, examples, others, begun))
    on_top = run_here(TrainerTask(str(base), "", RECIPE, examples, {"parent": others["present"]}))

    kinds = [frame.kind for frame in first]
    assert kinds.count("checkpoint") == 2
    assert set(made) == {CONFIG_FILE, WEIGHTS_FILE, GGUF_FILE}
    assert made[GGUF_FILE][:4] == b"GGUF"
    assert json.loads(made[CONFIG_FILE])["r"] == 2
    assert done["kind"] == "done"
    assert set(done["losses"]) == {"new", "base"}
    assert done["losses"]["new"]["en"] != done["losses"]["base"]["en"]
    again = resumed[-1].head["losses"]
    assert [frame.head["step"] for frame in resumed if frame.head.get("of") == "StepReport"] == [2]
    assert again["new"]["en"] == pytest.approx(done["losses"]["new"]["en"], abs=1e-4)
    assert again["present"]["en"] == pytest.approx(done["losses"]["new"]["en"], abs=1e-4)
    assert on_top[-1].head["losses"]["new"]["en"] < done["losses"]["new"]["en"]


def test_what_an_earlier_one_drafted_is_held_to_it(base: Path) -> None:
    recipe = {**RECIPE, "anchor": "4", "learning_rate": "0.03", "steps_max": "12", "eval_steps": "12"}
    examples = make_examples()
    made = files_of(run_here(TrainerTask(str(base), "", recipe, examples)))
    files = {name: made[name] for name in (CONFIG_FILE, WEIGHTS_FILE)}
    alone = tuple(replace(each, drafted=each.chosen) for each in examples)
    by_it = tuple(replace(each, author="a1") for each in alone)

    held = run_here(TrainerTask(str(base), "", recipe, by_it, {f"{AUTHOR} a1": files}))[-1].head["losses"]
    still = run_here(TrainerTask(str(base), "", recipe, alone))[-1].head["losses"]

    # Nobody changed anything, so there is nothing to learn but what the earlier one says otherwise.
    assert still["new"]["en"] == pytest.approx(still["base"]["en"], abs=1e-2)
    assert held["new"]["en"] < held["base"]["en"] - 0.1


def test_what_cannot_be_trained_on_is_said_by_its_code(tmp_path: Path) -> None:
    frames = run(TrainerTask(str(tmp_path / "nowhere"), "", RECIPE, make_examples()))

    assert [(frame.kind, frame.head["code"]) for frame in frames] == [("failed", "PA-MODEL-MISSING")]


def test_without_torch_the_run_says_that_a_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(name='torch')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    frames = run(TrainerTask("base", "", RECIPE, make_examples()))

    assert [(frame.kind, frame.head["code"]) for frame in frames] == [("failed", "PA-LIBRARY")]

"""The training process: what it learns from comes through a pipe, what it makes goes back through one.

Run as `python -m phyassist.training.pipe` by a worker; neither text nor weights touch a disk.  First comes a
frame `train` with the base and the recipe, and the examples as its data; then as many more as it says: a
`file` of another adapter, or a `checkpoint`.  Where it names a way to `join`, adapters become one instead.
Back go `report`, `checkpoint` and `file`, at last `done` or `failed`.  The process ends when its stdin
closes, because the worker ended or wants no more.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from phyassist.domain.frames import AUTHOR, JOINED, PARENT, Frame, read_frame, write_frame
from phyassist.domain.learning import choose_epochs, choose_step
from phyassist.errors import MissingLibrary, ModelMissing, PhyAssistError, describe_frames
from phyassist.lm.child import forbid_core_files
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, Message

if TYPE_CHECKING:
    from phyassist.training.memory import MadeAdapter
    from phyassist.training.messages import Dialogue
    from phyassist.training.others import AdapterFiles
    from phyassist.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Asked:
    """A run as it came through the pipe.  `others` are the files of other adapters, by adapter and name.

    `join` is the way in which those whose names begin with `JOINED` become one; empty: one is trained.
    """

    base: str
    gguf: str
    recipe: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...] = field(repr=False)
    others: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    checkpoint: bytes | None = field(default=None, repr=False)
    join: str = ""


class PipeCheckpoints:
    """Checkpoints that are kept by whoever reads the other end."""

    def __init__(self, to: IO[bytes], lock: threading.Lock, newest: bytes | None) -> None:
        self._to, self._lock, self._newest = to, lock, newest

    def save(self, step: int, state: bytes) -> None:
        with self._lock:
            write_frame(self._to, {"kind": "checkpoint", "step": step}, state)

    def find_newest(self) -> bytes | None:
        return self._newest


def main() -> None:
    """One run, then the end."""
    forbid_core_files()
    # Libraries bring half a million things that stay; to look through them again and again takes two seconds.
    gc.set_threshold(50_000)
    # What libraries print, natively too, must not get between the frames.
    source, to = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = read_asked(source)
    if asked is None:
        return
    threading.Thread(target=_end_with_parent, args=(source,), daemon=True).start()
    lock = threading.Lock()
    try:
        train(asked, to, lock)
    except PhyAssistError as error:
        _say(to, lock, {"kind": "failed", "code": error.code})
    except Exception as error:  # noqa: BLE001  # the job runner: an unexpected end is said, in frames alone
        _say(to, lock, {"kind": "failed", "code": "", "frames": describe_frames(error)})


def read_asked(source: IO[bytes]) -> Asked | None:
    """None where the worker ended before it had said all."""
    first = read_frame(source)
    if first is None:
        return None
    more: list[Frame] = []
    for _ in range(int(first.head["more"])):
        frame = read_frame(source)
        if frame is None:
            return None
        more.append(frame)
    others: dict[str, dict[str, bytes]] = {}
    for frame in more:
        if frame.kind == "file":
            others.setdefault(frame.head["of"], {})[frame.head["name"]] = frame.data
    return Asked(
        base=first.head["base"],
        gguf=first.head["gguf"],
        recipe=first.head["recipe"],
        rows=tuple(json.loads(first.data.decode("utf-8", "surrogatepass"))),
        others=others,
        checkpoint=next((frame.data for frame in more if frame.kind == "checkpoint"), None),
        join=first.head.get("join", ""),
    )


def train(asked: Asked, to: IO[bytes], lock: threading.Lock) -> None:
    """Train, or join what was trained, and say so.

    Raises what `run_examples` and `join_files` do, and MissingLibrary without torch.
    """
    started = time.monotonic()
    try:
        import torch  # noqa: F401  # what is missing is to be said before anything is read

        from phyassist.training.base import convert_gguf
        from phyassist.training.recipe import get_preset, set_dials
    except ModuleNotFoundError as error:
        raise MissingLibrary(
            f"{error.name} is not installed on the computer that trains",
            hint="pip install 'phyassist[train]'",
        ) from error
    dials = dict(asked.recipe)
    recipe = set_dials(get_preset(dials.pop("preset", "notes")), dials)
    base = str(convert_gguf(Path(asked.gguf), Path(asked.base))) if asked.gguf else asked.base
    if not asked.gguf and not Path(base).exists():
        raise ModelMissing(f"the base model {base} is not on the computer that trains")
    made = _join(asked, base, recipe) if asked.join else _train(asked, base, recipe, to, lock)
    files = {CONFIG_FILE: made.files.config, WEIGHTS_FILE: made.files.weights, GGUF_FILE: made.files.gguf}
    for name, data in files.items():
        if data is not None:
            _say(to, lock, {"kind": "file", "name": name}, data)
    _say(
        to,
        lock,
        {
            "kind": "done",
            "steps": made.trained.step,
            "best_step": made.trained.best_step,
            "is_late": made.trained.is_late,
            "examples": made.examples,
            "too_long": made.too_long,
            "losses": {name: dict(by_language) for name, by_language in made.losses.items()},
            "recipe": {"epochs": recipe.epochs, "examples_per_step": recipe.examples_per_step},
            "seconds": time.monotonic() - started,
        },
    )


def _train(asked: Asked, base: str, recipe: Recipe, to: IO[bytes], lock: threading.Lock) -> MadeAdapter:
    from phyassist.training.loop import Report, report_to_json
    from phyassist.training.memory import Beside, run_examples

    def hear(report: Report) -> None:
        _say(to, lock, {**report_to_json(report), "kind": "report", "of": type(report).__name__})

    learnt = make_dialogues([row for row in asked.rows if not row["held_out"]], recipe)
    step = choose_step(len(learnt), recipe.examples_per_step)
    others = _read_others(asked)
    authors = {name: others.pop(f"{AUTHOR} {name}") for name in {row["author"] for row in asked.rows} - {""}}
    return run_examples(
        base,
        replace(recipe, examples_per_step=step, epochs=choose_epochs(len(learnt), recipe.epochs, step)),
        learnt,
        _list_held(asked, recipe),
        hear=hear,
        checkpoints=PipeCheckpoints(to, lock, asked.checkpoint),
        beside=Beside(others.pop(PARENT, None), others, authors),
    )


def _join(asked: Asked, base: str, recipe: Recipe) -> MadeAdapter:
    from phyassist.training.merge import Way, join_files

    others = _read_others(asked)
    joined = {name: others.pop(name) for name in list(others) if name.startswith(JOINED)}
    held = _list_held(asked, recipe)
    return join_files(base, recipe, joined, Way(asked.join), held=held, others=others)


def _list_held(asked: Asked, recipe: Recipe) -> dict[str, list[Dialogue]]:
    """What is held out, by language."""
    held: dict[str, list[Mapping[str, Any]]] = {}
    for row in asked.rows:
        if row["held_out"]:
            held.setdefault(row["language"], []).append(row)
    return {language: make_dialogues(rows, recipe) for language, rows in held.items()}


def make_dialogues(rows: Iterable[Mapping[str, Any]], recipe: Recipe) -> list[Dialogue]:
    """The rows as dialogues.  Where nothing is learnt from what was not kept, each kept reply stands once:
    the pairs of a note would else have it learnt again for every item that was changed.
    """
    from phyassist.training.messages import Dialogue

    with_pairs = recipe.preference != "none"
    made = [
        Dialogue(
            tuple(Message(role, content) for role, content in row["messages"]),
            row["chosen"],
            row["rejected"] if with_pairs else "",
            row["drafted"],
            row["author"],
            tuple((start, end) for start, end in row["forced"]),
        )
        for row in rows
    ]
    return made if with_pairs else list(dict.fromkeys(made))


def _read_others(asked: Asked) -> dict[str, AdapterFiles]:
    from phyassist.training.others import AdapterFiles

    return {
        name: AdapterFiles(files[CONFIG_FILE], files[WEIGHTS_FILE], None)
        for name, files in asked.others.items()
    }


def _say(to: IO[bytes], lock: threading.Lock, head: Mapping[str, Any], data: bytes = b"") -> None:
    with lock:
        write_frame(to, head, data)


def _end_with_parent(source: IO[bytes]) -> None:
    # A thread that waits in `source` holds its lock, for which the interpreter waits a second at its end.
    while os.read(source.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()

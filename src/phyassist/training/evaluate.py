"""An evaluation on IMHI from beginning to end: answers, scores, and both written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Part
from phyassist.errors import BadInput
from phyassist.lm.folders import say_damaged
from phyassist.training.adapters import load_adapted
from phyassist.training.answering import Answerer, LabelScorer
from phyassist.training.base import load_tokenizer
from phyassist.training.catalogue import get_source
from phyassist.training.imhi import (
    SETS,
    answer_set,
    check_sets,
    load_rows,
    score_set,
    write_labels,
    write_replies,
)
from phyassist.training.measures import SetScore
from phyassist.training.mentallama_reader import read_replies, score_pairs
from phyassist.training.run import describe_environment
from phyassist.training.writing import write_whole

SCORES, REPLIES, LABELS = "scores.json", "replies", "labels"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was asked: which sets and part of them, by whom (`by`: names and hashes for the record)."""

    by: Mapping[str, Any]
    sets: tuple[str, ...]
    part: Part
    data: Path
    out: Path
    explain: bool = False
    limit: int = 0


def run_evaluation(
    asked: Evaluation, answerer: Answerer, progress: Callable[[str, int, int], None]
) -> tuple[SetScore, ...]:
    """Scores of every set; replies, labels and scores stand in `out`.

    An evaluation that broke off goes on: a set that was scored there is not asked again.
    Raises UnknownName, UnreadableFile, StoreFull, BadInput where no set is named, a set is empty, or `out`
    holds an evaluation of something else.
    """
    check_sets(asked.sets)
    rows = {name: load_rows(name, asked.data, asked.part) for name in asked.sets}
    scores = load_scores(asked)
    for folder in (REPLIES, LABELS):
        (asked.out / folder).mkdir(parents=True, exist_ok=True)
    for name, every in rows.items():
        if name in scores:
            continue
        chosen = every[: asked.limit] if asked.limit else every

        def tell(done: int, of: int, name: str = name) -> None:
            progress(name, done, of)

        answered = tuple(answer_set(answerer, name, chosen, explain=asked.explain, progress=tell))
        if len(answered) < len(chosen):
            # Stopped: what is whole is kept, and a set of which a part was answered is no score of the set.
            break
        replies, labels = _name_files(asked, name)
        write_replies(replies, answered)
        write_labels(labels, answered)
        scores[name] = score_set(name, answered)
        _save(asked, scores)
    return tuple(scores[name] for name in asked.sets if name in scores)


def load_scores(asked: Evaluation) -> dict[str, SetScore]:
    """What `out` holds already of this very evaluation, by set.

    Raises UnreadableFile, BadInput where it holds another: of two models in one folder the labels of one
    would be taken for the other's.
    """
    path = asked.out / SCORES
    if not path.is_file():
        return {}
    with say_damaged(path, "name a new folder with --out"):
        said = json.loads(path.read_text("utf-8"))
        scores = {name: read_score(score) for name, score in said["sets"].items()}
        wanted = {**_describe(asked), "data_sha256": _hash_data(asked, scores)}
        others = [name for name, value in wanted.items() if said.get(name) != value]
    if others:
        raise BadInput(
            f"{asked.out} holds an evaluation with another {', '.join(others)}",
            hint="name a new folder with --out",
        )
    return {name: score for name, score in scores.items() if all(map(Path.is_file, _name_files(asked, name)))}


def read_score(said: Mapping[str, Any]) -> SetScore:
    """A score as it stands in a file.  Raises KeyError, TypeError and ValueError where it is none."""
    values = {each.name: said[each.name] for each in fields(SetScore)}
    for name in ("weighted_f1_interval", "accuracy_interval"):
        low, high = values[name]
        values[name] = (low, high)
    return SetScore(**values)


def open_scorer(base: str, adapter: Path | None) -> LabelScorer:
    """The model to score with, its adapter merged into it.

    Raises ModelMissing, BadInput where the adapter was made for another base.
    """
    return LabelScorer(load_adapted(base, adapter), load_tokenizer(base))


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name_files(asked: Evaluation, name: str) -> tuple[Path, Path]:
    """Where the replies and the labels of a set stand."""
    return asked.out / REPLIES / f"{name}.csv", asked.out / LABELS / f"{name}.jsonl"


def _describe(asked: Evaluation) -> Mapping[str, Any]:
    return {**asked.by, "part": asked.part, "limit": asked.limit, "explain": asked.explain}


def _hash_data(asked: Evaluation, sets: Iterable[str]) -> Mapping[str, str]:
    """SHA-256 of the file of each set, empty where it is not there."""
    files = {name: asked.data / get_source(SETS[name]).files[asked.part] for name in sets}
    return {name: hash_file(path) if path.is_file() else "" for name, path in files.items()}


def _save(asked: Evaluation, scores: Mapping[str, SetScore]) -> None:
    said = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **_describe(asked),
        "environment": describe_environment(),
        "data_sha256": _hash_data(asked, scores),
        "sets": {
            name: {
                **asdict(score),
                "mentallama_reader": asdict(score_pairs(name, read_replies(_name_files(asked, name)[0]))),
            }
            for name, score in scores.items()
        },
    }
    write_whole(asked.out / SCORES, json.dumps(said, indent=2) + "\n")

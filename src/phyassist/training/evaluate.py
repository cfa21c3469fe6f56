"""An evaluation on IMHI from beginning to end: answers, scores, and both written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Part
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

    Raises UnknownName, UnreadableFile, BadInput where no set is named or a set is empty.
    """
    check_sets(asked.sets)
    rows = {name: load_rows(name, asked.data, asked.part) for name in asked.sets}
    for folder in (REPLIES, LABELS):
        (asked.out / folder).mkdir(parents=True, exist_ok=True)
    scores: list[SetScore] = []
    for name, every in rows.items():
        chosen = every[: asked.limit] if asked.limit else every

        def tell(done: int, of: int, name: str = name) -> None:
            progress(name, done, of)

        answered = tuple(answer_set(answerer, name, chosen, explain=asked.explain, progress=tell))
        if len(answered) < len(chosen):
            # Stopped: what is whole is kept, and a set of which a part was answered is no score of the set.
            break
        write_replies(asked.out / REPLIES / f"{name}.csv", answered)
        write_labels(asked.out / LABELS / f"{name}.jsonl", answered)
        scores.append(score_set(name, answered))
        _save(asked, scores)
    return tuple(scores)


def open_scorer(base: str, adapter: Path | None) -> LabelScorer:
    """The model to score with, its adapter merged into it.

    Raises ModelMissing, BadInput where the adapter was made for another base.
    """
    return LabelScorer(load_adapted(base, adapter), load_tokenizer(base))


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(asked: Evaluation, scores: list[SetScore]) -> None:
    said = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **asked.by,
        "part": asked.part,
        "limit": asked.limit,
        "explain": asked.explain,
        "environment": describe_environment(),
        "data_sha256": {
            score.name: hash_file(asked.data / get_source(SETS[score.name]).files[asked.part])
            for score in scores
        },
        "sets": {
            score.name: {
                **asdict(score),
                "mentallama_reader": asdict(
                    score_pairs(score.name, read_replies(asked.out / REPLIES / f"{score.name}.csv"))
                ),
            }
            for score in scores
        },
    }
    (asked.out / SCORES).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")

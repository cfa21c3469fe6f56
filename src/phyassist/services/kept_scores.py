"""Scores of single texts, and a file that keeps them so that a long run which is stopped loses nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from phyassist.domain.scores import Share, TextScore
from phyassist.errors import BadInput


@dataclass(frozen=True, slots=True)
class TextScored:
    """One text of `of` is done.  `first_s`: until the first statements; `shown`: their share of the words."""

    no: int
    of: int
    score: TextScore
    first_s: float
    seconds: float
    tokens: int
    unread: tuple[str, ...]
    shown: Share


class KeptRun:
    """The texts scored so far under `name`, one row each in `path`; rows of another reader do not count.

    No row holds a word of a text.  Raises BadInput where the file is there and holds something else.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._run = f"{name}, reader {find_reader_digest()}"
        self._rows = {row["id"]: row for row in _read_rows(path) if row["run"] == self._run}

    def find(self, text_id: str, no: int, of: int) -> TextScored | None:
        """The score of a text, as number `no` of `of`; None where it has not been read."""
        row = self._rows.get(text_id)
        if row is None:
            return None
        found = {kind: Share(*share) for kind, share in row["found"].items()}
        score = TextScore(
            text_id, row["language"], found, Share(*row["asserted"]), Share(*row["unsupported"])
        )
        unread = tuple(row["unread"])
        return TextScored(
            no, of, score, row["first_s"], row["seconds"], row["tokens"], unread, Share(*row["shown"])
        )

    def add(self, scored: TextScored) -> None:
        """The file with this text added at its end, on the disk when this returns."""
        score = scored.score
        row: dict[str, Any] = {
            "run": self._run,
            "id": score.id,
            "language": score.language,
            "found": {kind: [share.hits, share.of] for kind, share in score.found.items()},
            "asserted": [score.asserted.hits, score.asserted.of],
            "unsupported": [score.unsupported.hits, score.unsupported.of],
            "shown": [scored.shown.hits, scored.shown.of],
            "first_s": round(scored.first_s, 3),
            "seconds": round(scored.seconds, 2),
            "tokens": scored.tokens,
            "unread": list(scored.unread),
        }
        with self._path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._rows[score.id] = row


def find_reader_digest() -> str:
    """Twelve hex digits that change with any rule, word list or weight that Organise reads with."""
    package = files("phyassist")
    digest = hashlib.sha256(package.joinpath("data/organise_reader.json.gz").read_bytes())
    rules = package.joinpath("domain/reading").iterdir()
    for each in sorted((rule for rule in rules if rule.name.endswith(".py")), key=lambda rule: rule.name):
        digest.update(each.read_bytes())
    return digest.hexdigest()[:12]


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
            row["run"], row["id"]
        except (ValueError, TypeError, KeyError):
            raise BadInput(f"{path} holds no scores", hint="name another file with --keep") from None
        yield row

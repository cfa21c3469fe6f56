"""Prepared data on disk: for each part the same rows as JSONL, Parquet and a CSV with one `text` column."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from pyarrow import parquet

from phyassist.domain.examples import Example, Part
from phyassist.errors import BadInput, UnreadableFile
from phyassist.training.messages import make_dialogue
from phyassist.training.templates import ChatTemplate

BATCH_ROWS = 1000
CARD = "card.json"
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_SCHEMA = pa.schema(
    [
        ("messages", pa.list_(_MESSAGE)),
        ("source", pa.string()),
        ("key", pa.string()),
        ("language", pa.string()),
        ("label", pa.string()),
    ]
)


@dataclass
class PartFiles:
    """The three files of a part, written row by row."""

    folder: Path
    part: Part
    template: ChatTemplate
    rows: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self._hash = hashlib.sha256()
        self._jsonl = self._path("jsonl").open("wb")
        self._csv_file = self._path("csv").open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._csv_file)
        self._csv.writerow(["text"])
        self._parquet = parquet.ParquetWriter(self._path("parquet"), _SCHEMA, compression="zstd")
        self._batch: list[Mapping[str, Any]] = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._parquet.close()
        self._csv_file.close()
        self._jsonl.close()

    @property
    def sha256(self) -> str:
        """Of the JSONL file as far as it is written."""
        return self._hash.hexdigest()

    def write(self, example: Example) -> None:
        self.write_row(
            {
                **make_dialogue(example).to_json(),
                "source": example.source,
                "key": example.key,
                "language": example.language,
                "label": example.label,
            }
        )

    def write_row(self, row: Mapping[str, Any]) -> None:
        """A row as it stands in another prepared folder."""
        line = json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n"
        self._hash.update(line)
        self._jsonl.write(line)
        self._csv.writerow([self.template.render(row["messages"])])
        self._batch.append(row)
        self.rows[row["source"]] += 1
        if len(self._batch) >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._parquet.write_table(pa.Table.from_pylist(self._batch, schema=_SCHEMA))
            self._batch = []

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.part}.{kind}"


def read_part(folder: Path, part: Part) -> Iterator[Mapping[str, Any]]:
    """The rows of a prepared part as they stand in its JSONL file: messages, source, key, language, label."""
    with (folder / f"{part}.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def load_card(folder: Path) -> Mapping[str, Any]:
    """The card of a prepared folder.  Raises UnreadableFile where preparing did not end."""
    try:
        card: Mapping[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, json.JSONDecodeError):
        raise UnreadableFile(
            f"{folder} holds no data that was prepared to the end", hint="run phyassist data prepare"
        ) from None
    return card


def verify_part(folder: Path, part: Part) -> None:
    """Raises BadInput where a part is not the one that its card speaks of."""
    said = load_card(folder)["parts"][part]["sha256"]
    digest = hashlib.sha256()
    with (folder / f"{part}.jsonl").open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    if digest.hexdigest() != said:
        raise BadInput(f"{part}.jsonl was changed since it was prepared", hint="prepare it anew")


def make_folder(folder: Path) -> None:
    """An empty folder to write into.  Raises BadInput where something is in it already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty", hint="name a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)

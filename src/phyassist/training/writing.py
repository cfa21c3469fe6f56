"""Prepared data on disk: for each part the same rows as JSONL, Parquet and a CSV with one `text` column."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa
from pyarrow import parquet

from phyassist.domain.examples import PARTS, Example, Part
from phyassist.errors import BadInput, UnreadableFile
from phyassist.lm.folders import say_full
from phyassist.training.messages import make_dialogue
from phyassist.training.templates import ChatTemplate

BATCH_ROWS = 1000
CARD = "card.json"
_CARD_KEYS = {"sources", "cleaned", "leaks", "parts", "shares", "text_chars_max"}
_ROW_KEYS = {"messages", "source", "key", "language"}
_MESSAGE_KEYS = {"role", "content"}
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
        with ExitStack() as each_is_closed:
            each_is_closed.callback(self._jsonl.close)
            each_is_closed.callback(self._csv_file.close)
            each_is_closed.callback(self._parquet.close)
            if kind is None:
                self._flush()

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
    """The rows of a prepared part as they stand in its JSONL file: messages, source, key, language, label.

    Raises UnreadableFile where it is missing or damaged.
    """
    with _open_part(folder, part) as file:
        for no, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not (isinstance(row, dict) and row.keys() >= _ROW_KEYS and _is_dialogue(row["messages"])):
                raise UnreadableFile(
                    f"line {no} of {part}.jsonl in {folder} is broken off or damaged", hint="prepare it anew"
                )
            yield row


def _is_dialogue(said: Any) -> bool:
    """Something was asked, and the last message is the reply to it."""
    return (
        isinstance(said, list)
        and len(said) > 1
        and all(isinstance(each, dict) and each.keys() >= _MESSAGE_KEYS for each in said)
        and all(isinstance(each[key], str) for each in said for key in _MESSAGE_KEYS)
        and any(each["role"] == "user" for each in said)
        and said[-1]["role"] == "assistant"
    )


def load_card(folder: Path) -> Mapping[str, Any]:
    """The card of a prepared folder.  Raises UnreadableFile where preparing did not end, or it is damaged."""
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError):
        raise UnreadableFile(
            f"{folder} holds no data that was prepared to the end", hint="run phyassist data prepare"
        ) from None
    return check_card(card, folder / CARD)


def check_card(card: Any, path: Path) -> Mapping[str, Any]:
    """The card, if it says what a card says.  Raises UnreadableFile."""
    is_whole = isinstance(card, dict) and card.keys() >= _CARD_KEYS and isinstance(card["parts"], dict)
    parts = [card["parts"].get(part) for part in PARTS] if is_whole else [None]
    if not all(isinstance(each, dict) and each.keys() >= {"rows", "sha256"} for each in parts):
        raise UnreadableFile(f"the data card {path} is damaged", hint="prepare the data anew")
    said: Mapping[str, Any] = card
    return said


def verify_part(folder: Path, part: Part) -> None:
    """Raises BadInput where a part is not the one that its card speaks of, UnreadableFile."""
    said = load_card(folder)["parts"][part]["sha256"]
    digest = hashlib.sha256()
    with _open_part(folder, part) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    if digest.hexdigest() != said:
        raise BadInput(f"{part}.jsonl was changed since it was prepared", hint="prepare it anew")


def _open_part(folder: Path, part: Part) -> IO[bytes]:
    try:
        return (folder / f"{part}.jsonl").open("rb")
    except OSError:
        raise UnreadableFile(f"{folder} has no {part}.jsonl any more", hint="prepare it anew") from None


def write_whole(path: Path, text: str) -> None:
    """The file is there with all its text, or as it was before.  Raises StoreFull."""
    part = path.with_name(path.name + ".part")
    try:
        with say_full(path):
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """An empty folder to write into.  Raises BadInput where something is in it already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty", hint="name a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)

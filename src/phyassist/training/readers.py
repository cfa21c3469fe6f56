"""Reading a source's files row by row into examples.  Only what cannot be read at all is refused here."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phyassist.domain.examples import PARTS, Example, Part
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import guess_language
from phyassist.errors import BadInput, UnreadableFile
from phyassist.training.catalogue import SourceCard
from phyassist.training.labels import get_table
from phyassist.training.plain import fingerprint
from phyassist.training.signs import name_signs

ROW_CHARS_MAX = 8_000_000
ENCODING_BYTES = 1 << 20
_HALVES = re.compile(r"[\ud800-\udfff]")
_PAIRS = re.compile(rb"[\x81-\xfe][\xa1-\xfe]")
COLUMNS = ("text", "question", "category", "analysis", "advice", "key", "part")
_POST = re.compile(r'\AConsider this post: "(?P<post>.*)" Question: (?P<question>[^"]*)\Z', re.DOTALL)
_SPEAKER = re.compile(r"^\s*(来访者|心理咨询师|咨询师)[：:]", re.MULTILINE)
# Which words of a dialogue file are whose, and how our own transcripts call them.
_ROLES = {
    "client": "来访者",
    "patient": "来访者",
    "来访者": "来访者",
    "counselor": "咨询师",
    "doctor": "咨询师",
    "咨询师": "咨询师",
    "心理咨询师": "咨询师",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of a source gave: an example, or the reason why it gave none.

    `part` is None where the key decides it.
    """

    part: Part | None
    example: Example | None
    reason: str = ""


def read_source(card: SourceCard, folder: Path) -> Iterator[Row]:
    """Every row of a public source below a data folder.  Raises UnreadableFile."""
    for part, name in card.files.items():
        path = folder / name
        if not path.is_file():
            raise UnreadableFile(
                f"{card.name} has no file {name} below {folder}", hint="name the data folder with --data"
            )
        own = part if part in PARTS else None
        for row in READERS[card.reader](card, path):
            yield replace(row, part=own or row.part)


def read_own(path: Path, columns: Mapping[str, str], language: Language | None) -> Iterator[Row]:
    """Rows of a CSV, JSONL or Parquet file of one's own; `columns` says which column holds what.  Of what it
    leaves out, the columns that bear the fields' own names are taken.

    Raises BadInput where a named column is not there, UnreadableFile.
    """
    source = path.stem
    _check_columns(path, {"text": "text", **columns})
    # A column that was named for one field, as a question for the text, is not another field as well.
    own_names = {name: name for name in COLUMNS if name not in columns.values()}
    columns = {**own_names, **columns}
    for no, record in enumerate(read_records(path)):
        cells = {field: _cell(record.get(column)) for field, column in columns.items()}
        text = cells.get("text", "")
        yield Row(
            _read_part(path, no, cells.get("part", "")),
            Example(
                source=source,
                key=cells.get("key", "") or fingerprint(text),
                language=language or guess_language(text),
                text=text,
                question=cells.get("question", ""),
                category=cells.get("category", ""),
                analysis=_paragraphs(cells.get("analysis", "")),
                advice=_paragraphs(cells.get("advice", "")),
            ),
        )


def _read_part(path: Path, no: int, said: str) -> Part | None:
    """A row said to be for testing must never be learnt from because its part is written in another way."""
    for part in PARTS:
        if said.lower() == part:
            return part
    if said:
        raise BadInput(
            f"row {no + 1} of {path.name} is in a part that there is not", hint="write train, val or test"
        )
    return None


def read_records(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a table, one after the other, whatever its form.  Raises UnreadableFile."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile(f"{path.name} is no CSV, JSONL or Parquet file", hint="convert it to one")
    if not path.is_file():
        raise UnreadableFile(f"there is no file {path}", hint="check the path")
    return reader(path)


def _check_columns(path: Path, columns: Mapping[str, str]) -> None:
    """Raises BadInput for a column that no row has: a row of JSONL may do without it."""
    missing, seen = dict.fromkeys(columns.values()), dict[str, None]()
    for record in read_records(path):
        seen |= dict.fromkeys(map(str, record))
        missing = {column: None for column in missing if column not in record}
        if not missing:
            return
    if seen:
        raise BadInput(
            f"{path.name} has no column {', '.join(missing)}; it has {', '.join(seen)}",
            hint="say which column holds what: --column text=body",
        )


def _find_encoding(path: Path) -> str:
    """How a file's words are written: UTF-8 but where its mark says UTF-16, or it can only be GB18030.

    Wrong bytes of UTF-8 stay visible, to be counted.
    """
    with path.open("rb") as file:
        head = file.read(ENCODING_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        high = sum(byte >= 0x80 for byte in head)
        # In GB18030 such bytes come in pairs; in Western encodings mostly one by one.
        paired = 2 * len(_PAIRS.findall(head))
        if paired >= 0.9 * high:
            return "gb18030"
    # This also takes the mark away that spreadsheets put first.
    return "utf-8-sig"


def _read_csv(path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(ROW_CHARS_MAX)
    with path.open(encoding=_find_encoding(path), errors="replace", newline="") as file:
        # Not strict, a quote that is never closed takes all rows after it into its cell and says nothing.
        rows = csv.DictReader(file, strict=True)
        try:
            yield from rows
        except csv.Error as error:
            raise UnreadableFile(
                f"{path.name} is broken at line {rows.line_num + 1}: {error}",
                hint="mend or leave out that row",
            ) from None


def _read_jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding=_find_encoding(path), errors="replace") as file:
        for no, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                raise UnreadableFile(
                    f"line {no} of {path.name} is no JSON", hint="mend or leave out that line"
                ) from None
            if not isinstance(record, dict):
                raise UnreadableFile(f"line {no} of {path.name} is no JSON object", hint="one object a line")
            yield record


def _read_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                yield from batch.to_pylist()
    except (ArrowInvalid, OSError):
        raise UnreadableFile(
            f"{path.name} is no Parquet file, or a damaged one", hint="write it anew"
        ) from None


def _read_imhi(card: SourceCard, path: Path) -> Iterator[Row]:
    table = get_table(card.task)
    for record in read_records(path):
        asked = _POST.match(_cell(record.get("query")))
        reply = _cell(record.get("gpt-3.5-turbo"))
        label = table.read(reply)
        if asked is None:
            yield Row(None, None, "no post and question in it")
        elif label is None:
            yield Row(None, None, "label not in the table")
        else:
            reasoning = reply.partition("Reasoning:")[2].strip()
            yield Row(
                None,
                _closed(card, asked["post"], asked["question"], label, (reasoning,) if reasoning else ()),
            )


def _read_irf_labels(card: SourceCard, path: Path) -> Iterator[Row]:
    for record in read_records(path):
        for column, question in zip(("belong", "burden"), get_table("irf").questions, strict=True):
            yield _labelled(card, record, column, question, f"{column}_exp")


def _read_multiwd_labels(card: SourceCard, path: Path) -> Iterator[Row]:
    for record in read_records(path):
        for question in get_table("multiwd").questions:
            column = question.split()[2].capitalize()
            yield _labelled(card, record, column, question)


def _labelled(
    card: SourceCard, record: Mapping[str, Any], column: str, question: str, evidence: str = ""
) -> Row:
    label = {"1": "yes", "0": "no"}.get(_cell(record.get(column)))
    if label is None:
        return Row(None, None, "label not in the table")
    said = _closed(card, _cell(record.get("text")), question, label, ())
    return Row(None, replace(said, evidence=_cell(record.get(evidence))))


def _closed(card: SourceCard, post: str, question: str, label: str, analysis: tuple[str, ...]) -> Example:
    return Example(
        source=card.name,
        key=fingerprint(post),
        language=card.language,
        text=post.strip(),
        question=question.strip(),
        analysis=analysis,
        answer=get_table(card.task).answers[label],
        label=label,
    )


def _read_counsel_chat(card: SourceCard, path: Path) -> Iterator[Row]:
    for record in read_records(path):
        title, body = _cell(record.get("questionTitle")), _cell(record.get("questionText"))
        part = _cell(record.get("split"))
        text = body if title.strip(" .?!").lower() in body.lower() else f"{title}\n{body}"
        yield Row(
            part if part in PARTS else None,
            Example(
                source=card.name,
                key=_cell(record.get("questionID")) or fingerprint(text),
                language=card.language,
                text=text.strip(),
                category=_cell(record.get("topic")).replace("-", " "),
                advice=_paragraphs(_cell(record.get("answerText"))),
            ),
        )


def _read_dialogue_text(card: SourceCard, path: Path) -> Iterator[Row]:
    for record in read_records(path):
        pieces = _SPEAKER.split(_cell(record.get("dialogue")))
        turns = list(zip(pieces[1::2], pieces[2::2], strict=True))
        yield _dialogue(card, record, [(_ROLES[who], said.strip()) for who, said in turns])


def _read_dialogue_turns(card: SourceCard, path: Path) -> Iterator[Row]:
    for record in read_records(path):
        found = record.get("turns")
        turns = [
            (_ROLES.get(_cell(turn.get("role")), ""), _cell(turn.get("content")))
            for turn in (found if isinstance(found, list) else [])
            if isinstance(turn, dict)
        ]
        yield _dialogue(card, record, turns)


def _dialogue(card: SourceCard, record: Mapping[str, Any], turns: list[tuple[str, str]]) -> Row:
    """What was said up to the counsellor's fullest turn of the second half, which is the advice.

    An interview with a diagnosis is kept whole, and its diagnosis is the category: in Chinese the signs that
    it stands for, since no diagnosis is to be written there.
    """
    if not any(who == "咨询师" and said for who, said in turns):
        return Row(None, None, "no counsellor turn")
    key, category = f"{card.name}-{_cell(record.get('id'))}", _cell(record.get("diagnosis"))
    if category and card.language == "zh":
        category = name_signs(category)
        if not category:
            return Row(None, None, "diagnosis without a sign in the table")
    advice: tuple[str, ...] = ()
    if not category:
        late = [no for no, (who, _) in enumerate(turns) if who == "咨询师" and no >= max(1, len(turns) // 2)]
        if not late:
            return Row(None, None, "no counsellor turn after the client spoke")
        place = max(late, key=lambda no: len(turns[no][1]))
        turns, advice = turns[:place], _paragraphs(turns[place][1])
    text = "\n".join(f"{who}：{said}" for who, said in turns if said)
    return Row(None, Example(card.name, key, card.language, text, category=category, advice=advice))


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in text.splitlines() if line.strip())


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(_cell(each) for each in value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    # Half of a character that JSON can write and no file can hold is mis-encoded like any other.
    return "" if value is None else _HALVES.sub("\ufffd", str(value)).strip()


READERS: Mapping[str, Callable[[SourceCard, Path], Iterator[Row]]] = {
    "imhi": _read_imhi,
    "irf-labels": _read_irf_labels,
    "multiwd-labels": _read_multiwd_labels,
    "counsel-chat": _read_counsel_chat,
    "dialogue-text": _read_dialogue_text,
    "dialogue-turns": _read_dialogue_turns,
}

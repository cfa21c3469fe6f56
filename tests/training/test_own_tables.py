"""Tables of one's own, as spreadsheets save them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from phyassist.errors import BadInput, UnreadableFile
from phyassist.training.prepare import OwnFile, prepare
from phyassist.training.split import Shares
from phyassist.training.writing import read_part
from tests.training.test_prepare import make_plan, write_csv


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_table_of_one_s_own_is_read_as_it_was_saved_and_its_columns_as_they_are_called(
    kind: str, encoding: str, tmp_path: Path
) -> None:
    rows = [{"text": f"我第{no}周睡不好，白天没有精神。"} for no in range(5)]
    for row in rows[1:]:
        row |= {"advice": "固定起床的时间。"}
    if kind == "csv":
        said = "text,advice\r\n" + "".join(f"{row['text']},{row.get('advice', '')}\r\n" for row in rows)
    else:
        said = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path = tmp_path / f"mine.{kind}"
    path.write_bytes(said.encode(encoding))

    prepared = prepare(make_plan(tmp_path, own=[OwnFile(path)], shares=Shares(0, 0)), tmp_path / "out")

    assert dict(prepared.cleaned["mine"].dropped) == {"no reply": 1}
    prompts = "".join(row["messages"][1]["content"] for row in read_part(tmp_path / "out", "train"))
    assert all(row["text"] in prompts for row in rows[1:])


def test_a_table_in_an_encoding_that_cannot_be_told_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(
        "text,advice\nLa nuit je ne dors pas, déjà fatigué.,Se reposer à midi.\n".encode("cp1252")
    )

    with pytest.raises(BadInput, match="mis-encoded 1; save your file as UTF-8"):
        prepare(make_plan(tmp_path, own=[OwnFile(path)]), tmp_path / "out")


def test_a_column_of_bytes_is_read_as_the_text_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    rows = [
        {"text": f"我第{no}周睡不好。".encode(), "advice": "固定起床的时间。".encode()} for no in range(4)
    ]
    parquet.write_table(pa.Table.from_pylist(rows), path)

    prepare(make_plan(tmp_path, own=[OwnFile(path)], shares=Shares(0, 0)), tmp_path / "out")

    said = [row["messages"] for row in read_part(tmp_path / "out", "train")]
    assert len(said) == 4
    assert all("周睡不好" in asked["content"] and "固定起床" in reply["content"] for _, asked, reply in said)


def test_a_cell_that_no_table_should_hold_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"text,advice\nI sleep badly.,Get up at eight.\n{'a' * 8_000_001},b\n", "utf-8")

    with pytest.raises(BadInput, match=r"mine\.csv is broken at line 3: .*; mend or leave out that row"):
        prepare(make_plan(tmp_path, own=[OwnFile(path)]), tmp_path / "out")


def test_naming_one_column_hides_none_of_those_that_bear_a_field_s_own_name(tmp_path: Path) -> None:
    rows = [["I sleep badly.", "Get up at eight.", "a1", "train"], ["I worry.", "Walk.", "b2", "test"]]
    path = write_csv(tmp_path / "mine.csv", ("body", "advice", "key", "part"), rows)

    prepared = prepare(make_plan(tmp_path, own=[OwnFile(path, {"text": "body"})]), tmp_path / "out")

    assert prepared.rows == {"train": {"mine": 1}, "val": {}, "test": {"mine": 1}}
    assert [row["key"] for row in read_part(tmp_path / "out", "test")] == ["b2"]


def test_a_column_that_was_named_for_a_field_is_that_field_alone(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "mine.csv", ("question", "advice"), [["I sleep badly.", "Get up at eight."]])
    own = OwnFile(path, {"text": "question"})

    prepare(make_plan(tmp_path, own=[own], shares=Shares(0, 0)), tmp_path / "out")

    (row,) = read_part(tmp_path / "out", "train")
    assert row["messages"][1]["content"].count("I sleep badly.") == 1


@pytest.mark.parametrize("broken", ['"I sleep badly.,Get up', '"He said "so" to me.",Get up'])
def test_a_quote_that_is_left_open_is_said_with_its_line_and_swallows_no_rows(
    broken: str, tmp_path: Path
) -> None:
    rows = "".join(f"On day {no} I slept badly.,Keep diary {no}.\n" for no in range(20))
    path = tmp_path / "mine.csv"
    path.write_text(f"text,advice\nI worry.,Walk.\n{broken}\n{rows}", "utf-8")

    with pytest.raises(
        UnreadableFile, match=r"mine\.csv is broken at line 3: .*; mend or leave out that row"
    ):
        prepare(make_plan(tmp_path, own=[OwnFile(path)]), tmp_path / "out")

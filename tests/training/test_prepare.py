"""From sources to prepared data, on small tables with every trap in them."""

from __future__ import annotations

import csv
import itertools
import json
import re
import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phyassist.domain.drafts import Section
from phyassist.domain.examples import PARTS, Example
from phyassist.errors import BadInput, StoreFull, UnreadableFile
from phyassist.prompts.labels import without_labels
from phyassist.prompts.replies import RawItem, ReplyReader
from phyassist.training.catalogue import get_source
from phyassist.training.messages import make_dialogue
from phyassist.training.mix import find_stats, mix
from phyassist.training.prepare import OwnFile, Plan, prepare
from phyassist.training.signs import load_table
from phyassist.training.split import Shares, choose_part
from phyassist.training.study import write_study_table
from phyassist.training.templates import get_template
from phyassist.training.writing import load_card, read_part

YES, NO = "Yes, the poster suffers from stress.", "No, the poster does not suffer from stress."
ASK = "Does the poster suffer from stress?"


def ask(post: str) -> str:
    return f'Consider this post: "{post}" Question: {ASK}'


def write_csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """dreaddit with one row for every reason to drop one."""
    folder = tmp_path / "data"
    train = [
        (ask("My boss shouts all day and I cannot sleep."), f"{YES} Reasoning: The boss shouts."),
        (ask("my boss SHOUTS all day, and I cannot sleep"), f"{YES} Reasoning: The boss shouts."),
        (ask("I donâ€™t know how to rest any more."), f"{YES} Reasoning: No rest."),
        (ask("See https://example.org for my story."), f"{YES} Reasoning: A story."),
        (ask("Write to me at sad.person@example.org please."), f"{YES} Reasoning: Alone."),
        (ask(""), f"{NO} Reasoning: Nothing."),
        (ask("x" * 9000), f"{NO} Reasoning: Letters."),
        (ask("I baked a cake \ufffd today."), f"{NO} Reasoning: Cake."),
        (ask("This very post is in the test set."), f"{NO} Reasoning: Copied."),
        (ask("This one is in the validation set."), f"{NO} Reasoning: Copied."),
        ("A row of another kind", f"{NO} Reasoning: None."),
        (ask("Perhaps, perhaps not."), "Perhaps. Reasoning: Who knows."),
        (ask("I walked along the river and felt fine."), f"{NO} Reasoning: Fine."),
    ]
    head = ("query", "gpt-3.5-turbo")
    write_csv(folder / "imhi/train/dreaddit.csv", head, train)
    write_csv(
        folder / "imhi/val/dreaddit.csv",
        head,
        [(ask("This one is in the validation set!"), f"{YES} Reasoning: So.")],
    )
    test = [
        (ask("THIS very post is in the test set"), f"{NO} Reasoning: Kept."),
        (ask("A test post with www.example.org in it."), f"{YES} Reasoning: Kept as published."),
    ]
    write_csv(folder / "imhi/test/dreaddit.csv", head, test)
    return folder


def make_plan(data: Path, *names: str, own: Sequence[OwnFile] = (), **more: Any) -> Plan:
    return Plan(tuple(get_source(name) for name in names), tuple(own), data, get_template("mistral"), **more)


def test_rows_are_kept_mended_or_dropped_by_a_named_reason(data: Path, tmp_path: Path) -> None:
    prepared = prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "out")

    counts = prepared.cleaned["imhi-dreaddit"]
    assert dict(counts.dropped) == {
        "duplicate": 1,
        "web address": 1,
        "personal name or contact found": 1,
        "empty": 1,
        "too long": 1,
        "mis-encoded": 1,
        "no post and question in it": 1,
        "label not in the table": 1,
    }
    assert (counts.rows, counts.repaired) == (16, 1)
    assert prepared.leaks == {"imhi-dreaddit": 2}
    assert prepared.rows == {
        "train": {"imhi-dreaddit": 3},
        "val": {"imhi-dreaddit": 1},
        "test": {"imhi-dreaddit": 2},
    }
    said = "".join(row["messages"][1]["content"] for row in read_part(tmp_path / "out", "train"))
    assert "I don’t know how to rest" in said


def test_the_card_counts_what_the_files_hold_and_is_the_mark_of_being_done(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    prepare(make_plan(data, "imhi-dreaddit"), out)

    card = load_card(out)
    for part in PARTS:
        lines = (out / f"{part}.jsonl").read_text("utf-8").splitlines()
        with (out / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        assert len(lines) == len(texts) == sum(card["parts"][part]["rows"].values())
    assert "authors allow non-clinical research only" in (out / "CARD.md").read_text("utf-8")
    (out / "card.json").unlink()
    with pytest.raises(UnreadableFile, match="prepared to the end"):
        find_stats(out)


def test_the_mistral_form_comes_out_exactly(data: Path, tmp_path: Path) -> None:
    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "out")

    with (tmp_path / "out/val.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)

    assert row["text"].startswith("<s> [INST] You assist a psychological counsellor.")
    assert row["text"].endswith(f"Question: {ASK} [/INST] {YES} Reasoning: So.</s>")


def test_parquet_holds_the_same_rows_as_jsonl(data: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "out")

    table = parquet.read_table(tmp_path / "out/train.parquet").to_pylist()
    assert table == list(read_part(tmp_path / "out", "train"))


def test_the_seed_alone_decides_the_order(data: Path, tmp_path: Path) -> None:
    rows = [
        [f"What I did on day {no} of my leave.", "rest", f"Do it again on day {no}."] for no in range(200)
    ]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)

    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        prepare(make_plan(data, own=[own], seed=seed), folder)

    first, same, other = ((folder / "train.jsonl").read_bytes() for folder in folders)
    assert first == same != other
    assert sorted(first.splitlines()) == sorted(other.splitlines())
    assert first.splitlines() != sorted(first.splitlines())


COLUMNS = {"text": "text", "category": "category", "advice": "advice"}


def test_all_rows_of_one_key_land_in_the_part_that_the_key_decides(data: Path, tmp_path: Path) -> None:
    rows = [
        [f"person-{no % 40}", f"Session {no}: slept badly again.", f"Keep a diary, week {no}."]
        for no in range(400)
    ]
    path = write_csv(tmp_path / "mine.csv", ("who", "text", "advice"), rows)
    columns = {"key": "who", "text": "text", "advice": "advice"}

    prepare(make_plan(data, own=[OwnFile(path, columns)], shares=Shares(0.2, 0.2)), tmp_path / "out")

    parts = {part: {row["key"] for row in read_part(tmp_path / "out", part)} for part in PARTS}
    assert sum(map(len, parts.values())) == 40
    assert all(parts.values())
    # Frozen: another machine, another year, the same part.
    example = Example("mine", "person-3", "en", "", "")
    assert choose_part(example, Shares(0.2, 0.2)) == next(part for part in PARTS if "person-3" in parts[part])
    assert choose_part(Example("counsel", "7", "en", ""), Shares()) == FROZEN_PART


FROZEN_PART = "test"


def test_a_draft_example_reads_back_through_the_app_s_own_reader() -> None:
    example = Example(
        "mine",
        "1",
        "en",
        "I sleep badly. My exam is near.",
        category="exam anxiety",
        analysis=("The exam is near", "Sleep is short"),
        advice=("Keep one time to get up",),
    )

    dialogue = make_dialogue(example)

    reader = ReplyReader({Section.SYMPTOM_TYPE: (1, 1), Section.REASON: (2, 2), Section.ADVICE: (1, 1)})
    items = [event.text for event in reader.feed(dialogue.reply) if isinstance(event, RawItem)]
    reader.close(cut_short=False)
    assert items == ["exam anxiety", "The exam is near", "Sleep is short", "Keep one time to get up"]
    assert [message.role for message in dialogue.asked] == ["system", "user"]
    assert "[2] My exam is near." in dialogue.asked[1].content


def test_what_a_source_lacks_is_neither_asked_nor_answered() -> None:
    example = Example("mine", "1", "zh", "我最近睡不好。", category="失眠", advice=("固定起床时间",))

    dialogue = make_dialogue(example)

    assert dialogue.asked[1].content.endswith("只写：症状类型、建议。")
    assert json.loads(dialogue.reply) == {"symptom_type": "失眠", "advice": [{"text": "固定起床时间"}]}


def test_mixing_takes_so_many_rows_of_a_source_and_whole_tests(data: Path, tmp_path: Path) -> None:
    rows = [[f"What I did on day {no} of my leave.", "rest", f"Do it again on day {no}."] for no in range(50)]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    prepare(make_plan(data, own=[own]), tmp_path / "mine")
    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "imhi")

    card = mix(
        [tmp_path / "mine", tmp_path / "imhi"],
        {"mine": 10},
        tmp_path / "out",
        template=get_template("yi"),
        seed=3,
    )

    assert card["parts"]["train"]["rows"] == {"mine": 10, "imhi-dreaddit": 3}
    assert card["parts"]["test"]["rows"]["imhi-dreaddit"] == 2
    stats = {(each.part, each.source): each.rows for each in find_stats(tmp_path / "out")}
    assert stats["train", "mine"] == 10


def test_a_changed_part_is_refused(data: Path, tmp_path: Path) -> None:
    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "imhi")
    with (tmp_path / "imhi/train.jsonl").open("a") as file:
        file.write("{}\n")

    with pytest.raises(BadInput, match="changed since it was prepared"):
        mix([tmp_path / "imhi"], {}, tmp_path / "out", template=get_template("yi"), seed=0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("mine.csv", b"body,reply\na,b\n", "has no column text; it has body, reply"),
        ("mine.jsonl", b'{"text": "a"\n', "line 1 of mine.jsonl is no JSON"),
        ("mine.jsonl", b"[1, 2]\n", "is no JSON object"),
        ("mine.parquet", b"not parquet at all", "is no Parquet file"),
        ("mine.parquet", b"PAR1" + b"\x00" * 40 + b"PAR1", "is no Parquet file"),
        ("mine.xlsx", b"", "is no CSV, JSONL or Parquet file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(
    name: str, content: bytes, said: str, data: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    plan = make_plan(data, own=[OwnFile(tmp_path / name, {"text": "text"})])

    with pytest.raises((BadInput, UnreadableFile), match=said):
        prepare(plan, tmp_path / "out")

    assert not (tmp_path / "out/card.json").exists()


def test_a_row_of_a_megabyte_is_dropped_and_the_others_stay(data: Path, tmp_path: Path) -> None:
    rows = [["a word " * 150_000, "x", "y"], ["I sleep badly.", "insomnia", "Keep a diary."]]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)

    prepared = prepare(make_plan(data, own=[own], shares=Shares(0, 0)), tmp_path / "out")

    assert dict(prepared.cleaned["mine"].dropped) == {"too long": 1}
    assert prepared.rows["train"] == {"mine": 1}


def test_an_empty_set_says_so_with_the_reasons(data: Path, tmp_path: Path) -> None:
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), [["", "a", "b"]]), COLUMNS)

    with pytest.raises(BadInput, match="no row of these sources can be used: empty 1"):
        prepare(make_plan(data, own=[own]), tmp_path / "out")

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


@contextmanager
def room_of(size: int) -> Iterator[None]:
    """No file can be longer than this for a while, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 400, 20_000])
def test_a_full_disk_leaves_nothing_that_is_half_prepared(size: int, data: Path, tmp_path: Path) -> None:
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(300)]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    prepare(make_plan(data, own=[own]), tmp_path / "whole")
    columns = ("question", "answer")
    table = write_csv(tmp_path / "asked.csv", columns, [[f"Why {no}?", "So."] for no in range(3000)])

    for what in (
        lambda: prepare(make_plan(data, own=[own]), tmp_path / "out"),
        lambda: mix([tmp_path / "whole"], {}, tmp_path / "out", template=get_template("yi"), seed=0),
        lambda: write_study_table(table, tmp_path / "out.csv"),
    ):
        with room_of(size), pytest.raises(StoreFull, match="the disk was full before out"):
            what()

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_a_damaged_folder_is_said_in_a_sentence(data: Path, tmp_path: Path) -> None:
    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "whole")

    def damage(name: str, content: str | None) -> Path:
        copy = Path(
            shutil.copytree(tmp_path / "whole", tmp_path / f"damaged-{len(list(tmp_path.iterdir()))}")
        )
        (copy / name).unlink()
        if content is not None:
            (copy / name).write_text(content, encoding="utf-8")
        return copy

    lines = (tmp_path / "whole/train.jsonl").read_text("utf-8")
    for folder, said in (
        (damage("train.jsonl", None), r"has no train\.jsonl any more"),
        (damage("train.jsonl", lines[:-40]), r"line 3 of train\.jsonl .* is broken off or damaged"),
        (damage("train.jsonl", "{}\n"), r"line 1 of train\.jsonl .* is broken off or damaged"),
        (damage("card.json", "{}"), "the data card .* is damaged"),
        (damage("card.json", '{"parts":'), "prepared to the end"),
    ):
        with pytest.raises(UnreadableFile, match=said):
            find_stats(folder)
        with pytest.raises((UnreadableFile, BadInput)):
            mix([folder], {}, tmp_path / "out", template=get_template("yi"), seed=0)


def test_the_study_s_table_has_its_form_and_its_reasons(tmp_path: Path) -> None:
    rows = [
        ("How are you?", "Well."),
        ("", "Nothing was asked."),
        ("Long?", "y" * 2048),
        ("Where?", "At http://example.org"),
        ("What?", "I donâ€™t know"),
    ]
    origin = write_csv(tmp_path / "origin.csv", ("query", "gpt-3.5-turbo"), rows)

    table = write_study_table(origin, tmp_path / "new.csv")

    with (tmp_path / "new.csv").open(encoding="utf-8", newline="") as file:
        written = [row["text"] for row in csv.DictReader(file)]
    assert written == ["<s> [INST] How are you? [/INST] Well.</s>"]
    assert table.dropped == {"empty": 1, "mis-encoded": 1, "too long": 1, "web address": 1}


def test_a_row_of_a_megabyte_is_left_out_by_name_and_the_rest_is_kept(data: Path, tmp_path: Path) -> None:
    rows = [[f"On day {no} I slept badly and worried.", "insomnia", f"Keep diary {no}."] for no in range(16)]
    rows.append(["word " * 210_000, "insomnia", "Keep a diary."])
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)

    prepare(make_plan(data, own=[own]), tmp_path / "out")

    said = load_card(tmp_path / "out")
    assert said["cleaned"]["mine"]["dropped"] == {"too long": 1}
    assert sum(sum(part["rows"].values()) for part in said["parts"].values()) == 16


def test_a_part_that_there_is_not_is_refused_and_another_spelling_understood(
    data: Path, tmp_path: Path
) -> None:
    head = ("text", "advice", "part")
    columns = {name: name for name in head}
    bad = OwnFile(write_csv(tmp_path / "bad.csv", head, [["I sleep badly.", "Rest.", "validation"]]), columns)
    good = OwnFile(write_csv(tmp_path / "good.csv", head, [["I sleep badly.", "Rest.", "Test"]]), columns)

    with pytest.raises(BadInput, match=r"row 1 of bad\.csv is in a part that there is not"):
        prepare(make_plan(data, own=[bad]), tmp_path / "one")
    prepared = prepare(make_plan(data, own=[good]), tmp_path / "two")

    assert prepared.rows["test"] == {"good": 1}


def test_test_rows_of_one_s_own_are_cleaned_and_questions_looked_at(data: Path, tmp_path: Path) -> None:
    head = ("text", "question", "advice", "part")
    rows = [
        ["I worry.", "", "", "test"],
        ["", "", "Rest.", "test"],
        ["I sleep badly.", "Is jane.doe@example.org right?", "Rest.", "train"],
        ["I walk.", "", "Go on.", "test"],
    ]
    own = OwnFile(write_csv(tmp_path / "mine.csv", head, rows), {name: name for name in head})

    prepared = prepare(make_plan(data, own=[own]), tmp_path / "out")

    assert dict(prepared.cleaned["mine"].dropped) == {
        "empty": 1,
        "no reply": 1,
        "personal name or contact found": 1,
    }
    assert prepared.rows == {"train": {}, "val": {}, "test": {"mine": 1}}


def test_a_chinese_interview_teaches_signs_and_no_name_of_an_illness(tmp_path: Path) -> None:
    turns = [{"role": "doctor", "content": "睡得怎么样？"}, {"role": "patient", "content": "总睡不着。"}]
    named = ["非器质性睡眠障碍", "不伴有躯体症状的中度抑郁发作,焦虑障碍", "咨询"]
    rows = [{"id": no, "diagnosis": name, "turns": turns} for no, name in enumerate(named)]
    for no, row in enumerate(rows):
        row["turns"] = [*turns, {"role": "patient", "content": f"已经第{no + 3}周了。"}]
    (tmp_path / "mdd5k").mkdir()
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "mdd5k/dialogues.jsonl").write_text(lines, encoding="utf-8")

    prepared = prepare(make_plan(tmp_path, "mdd5k", shares=Shares(0, 0)), tmp_path / "out")

    said = {
        json.loads(row["messages"][-1]["content"])["symptom_type"]
        for row in read_part(tmp_path / "out", "train")
    }
    assert said == {
        "睡眠方面的困扰，可考虑转介评估",
        "情绪持续低落、明显的焦虑，可考虑转介评估",
    }
    assert dict(prepared.cleaned["mdd5k"].dropped) == {"diagnosis without a sign in the table": 1}


def test_every_sign_is_one_that_the_app_s_own_form_takes() -> None:
    from phyassist.prompts.draft_schema import load_texts

    signs = [sign["say"] for sign in load_table()["signs"]]
    pattern = re.compile(load_texts("zh")["form"]["symptom_pattern"])

    for first, second in itertools.product(signs, signs):
        said = f"{first}、{second}{load_table()['referral']}"
        assert pattern.match(said), said
        assert without_labels(said, "zh") == said


def test_a_list_in_a_cell_is_so_many_paragraphs(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"text": "I sleep badly.", "advice": ["Keep hours.", "Walk."]}\n')
    own = OwnFile(path, {"text": "text", "advice": "advice"})

    prepare(make_plan(data, own=[own], shares=Shares(0, 0)), tmp_path / "out")

    (row,) = read_part(tmp_path / "out", "train")
    assert json.loads(row["messages"][-1]["content"]) == {
        "advice": [{"text": "Keep hours."}, {"text": "Walk."}]
    }


def test_a_study_s_table_without_a_row_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    empty = write_csv(tmp_path / "empty.csv", ("query", "gpt-3.5-turbo"), [])

    with pytest.raises(BadInput, match=r"no row of empty\.csv can be used"):
        write_study_table(empty, tmp_path / "new.csv")
    with pytest.raises(UnreadableFile):
        write_study_table(tmp_path / "absent.csv", tmp_path / "new.csv")

    assert not list(tmp_path.glob("new.csv*"))


def test_a_mixture_says_too_whose_drafts_are_in_it(data: Path, tmp_path: Path) -> None:
    prepare(make_plan(data, "imhi-dreaddit"), tmp_path / "one")
    card = {**load_card(tmp_path / "one"), "drafted_by": "a larger model"}
    (tmp_path / "one/card.json").write_text(json.dumps(card))

    mixed = mix([tmp_path / "one"], {}, tmp_path / "two", template=get_template("qwen"), seed=0)

    assert mixed["drafted_by"] == "a larger model"
    assert "drafts of a larger model" in (tmp_path / "two/CARD.md").read_text("utf-8")

"""Scores on IMHI: what an own key scores, what intervals are over, and a tiny model from the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'phyassist[train]'")

from phyassist.training.bases import identify_base
from phyassist.training.imhi import SETS, get_set_table
from phyassist.training.measures import find_f1, find_weighted_f1s, score_labels, tabulate
from tests.training.test_prepare import NO, YES, ask, write_csv


@pytest.mark.parametrize("name", list(SETS))
def test_a_set_s_own_key_scores_one_hundred(name: str) -> None:
    labels = get_set_table(name).labels
    gold = [labels[no % len(labels)] for no in range(40)]

    score = score_labels(name, gold=gold, said=gold, posts=[str(no) for no in range(40)], labels=labels)

    assert (score.weighted_f1, score.macro_f1, score.accuracy) == (100, 100, 100)
    assert score.weighted_f1_interval == (100, 100)


def test_what_is_unread_is_counted_and_wrong() -> None:
    gold, said = ["yes", "no", "yes", "no"], ["", "", "", ""]

    score = score_labels("DR", gold=gold, said=said, posts=list("abcd"), labels=("yes", "no"))

    assert (score.unread, score.weighted_f1, score.accuracy) == (4, 0, 0)


def test_always_the_largest_class_scores_as_published_for_dr() -> None:
    gold = ["yes"] * 307 + ["no"] * 98

    score = score_labels(
        "DR", gold=gold, said=["yes"] * 405, posts=[str(n) for n in range(405)], labels=("yes", "no")
    )

    assert round(score.weighted_f1, 2) == 65.37


def test_f1_of_many_draws_at_once_is_that_of_the_library() -> None:
    labels = ("yes", "no", "other")
    gold = [labels[no * 7 % 3] for no in range(50)]
    said = [(*labels, "")[no * 5 % 4] for no in range(50)]

    (at_once,) = find_weighted_f1s(tabulate(gold, said, ["one"] * 50, labels))

    assert at_once == pytest.approx(find_f1(gold, said, labels, "weighted"))


def test_rows_of_one_post_widen_the_interval() -> None:
    gold = ["yes", "no"] * 60
    # Ten posts of twelve rows: what is right in one row of a post is right in all of them.
    said = gold[:60] + ["yes" if each == "no" else "no" for each in gold[60:]]

    alone, grouped = (
        score_labels(
            "Irf",
            gold=gold,
            said=said,
            posts=[str(no // rows) for no in range(120)],
            labels=("yes", "no"),
        )
        for rows in (1, 12)
    )

    assert (alone.posts, grouped.posts) == (120, 10)
    assert alone.weighted_f1 == grouped.weighted_f1
    for name in ("weighted_f1_interval", "accuracy_interval"):
        (low, high), (wide_low, wide_high) = (getattr(each, name) for each in (alone, grouped))
        # Twelve rows that say the same are one: the interval is wider by about the root of twelve.
        assert wide_high - wide_low > 2.5 * (high - low) > 0


def test_a_tiny_model_is_scored_from_the_command_line(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from phyassist.cli.main import main
    from tests.training.tiny import save_base

    head = ("query", "gpt-3.5-turbo")
    for part in ("train", "val", "test"):
        rows = [
            (ask(f"Post {no} of {part}, badly slept."), f"{(YES, NO)[no % 2]} Reasoning: so.")
            for no in range(6)
        ]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", head, rows)
    base = save_base(tmp_path / "base")

    words = ["evaluate", "imhi", "--model", base, "--sets", "dreaddit", "--data", tmp_path]
    words += ["--out", tmp_path / "out", "--part", "test", "--explain", "--limit", "4", "--json"]
    code = main([str(word) for word in words])

    (score,) = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (score["rows"], score["unread"]) == (4, 0)
    with (tmp_path / "out/replies/dreaddit.csv").open(newline="") as file:
        replies = list(csv.DictReader(file))
    assert [row["goldens"] for row in replies][:2] == [f"{YES} Reasoning: so.", f"{NO} Reasoning: so."]
    # The tiny tokenizer, loaded from a folder, joins what it decodes without spaces.
    said = [row["generated_text"].replace(" ", "") for row in replies]
    assert all(each.startswith((YES.replace(" ", ""), NO.replace(" ", ""))) for each in said)
    scored = json.loads((tmp_path / "out/scores.json").read_text())
    assert (scored["part"], scored["base_sha256"]) == ("test", identify_base(str(base)).sha256)


def test_the_printed_table_says_which_rows_were_scored(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from phyassist.cli.main import main
    from tests.training.tiny import save_base

    for part in ("train", "val", "test"):
        rows = [(ask(f"Post {no} of {part}."), f"{(YES, NO)[no % 2]} Reasoning: so.") for no in range(6)]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", ("query", "gpt-3.5-turbo"), rows)
    words = ["evaluate", "imhi", "--model", save_base(tmp_path / "base"), "--sets", "dreaddit"]
    words += ["--data", tmp_path, "--out", tmp_path / "out", "--limit", "4"]

    assert main([str(word) for word in words]) == 0

    assert "| this command: val, first 4 rows of each set |" in capsys.readouterr().out


def test_what_only_libraries_understand_is_kept_off_the_terminal_and_what_failed_is_not(
    tmp_path: Path,
) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    from tests.training.test_merge import make_adapter
    from tests.training.tiny import save_base

    for part in ("train", "val", "test"):
        rows = [(ask(f"Post {no} of {part}."), f"{(YES, NO)[no % 2]} Reasoning: so.") for no in range(4)]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", ("query", "gpt-3.5-turbo"), rows)
    base = save_base(tmp_path / "base")
    adapter = make_adapter(tmp_path / "run", base, rank=2, seed=1) / "adapter"
    words = ["evaluate", "imhi", "--sets", "dreaddit", "--data", tmp_path, "--adapter", adapter]
    script = (
        "import sys, logging; from phyassist.cli.main import main; code = main(sys.argv[1:]);"
        "logging.getLogger('transformers').warning('still heard'); sys.exit(code)"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script, *map(str, [*words, "--base", base, "--out", tmp_path / "out"])],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0
    assert ran.stderr.splitlines() == ["dreaddit: 4 of 4", "[transformers] still heard"]


def test_the_score_of_a_label_is_that_of_its_whole_sentence() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from phyassist.training.answering import LabelScorer
    from tests.training.tiny import make_model, make_tokenizer

    model, tokenizer = make_model(), make_tokenizer()
    asked = [{"role": "user", "content": "How was it?"}]

    scores = LabelScorer(model, tokenizer).score(asked, {"a": "It was fine.", "b": "It was bad."})

    prompt = list(tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False))
    for label, words in (("a", "It was fine."), ("b", "It was bad.")):
        tail = tokenizer(words, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logs = torch.log_softmax(model(torch.tensor([prompt + tail])).logits[0], -1)
        whole = sum(float(logs[len(prompt) - 1 + no, token]) for no, token in enumerate(tail))
        assert scores[label] == pytest.approx(whole, abs=1e-4)

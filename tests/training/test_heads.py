"""Heads beside the generator: what they learn, what padding does not change, what is kept and comes back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")

from safetensors.numpy import load_file, save_file

from phyassist.cli.main import main
from phyassist.errors import BadInput, BadSetting
from phyassist.training.bases import HEADS, MARK, identify_base, load_base_mark
from phyassist.training.heads.model import Headed, Reader, load_headed
from phyassist.training.heads.posts import Post, list_asks, load_posts
from phyassist.training.heads.recipe import HeadRecipe
from phyassist.training.heads.run import HeadJob, run_head_job, set_head_dials
from phyassist.training.heads.score import HeadScorer
from phyassist.training.heads.train import HeadScore, read_below, score_heads
from phyassist.training.heads.words import fit_words, load_words
from phyassist.training.imhi import load_rows
from tests.training.test_prepare import NO, YES, ask, write_csv
from tests.training.tiny import make_tokenizer, save_base

RECIPE = HeadRecipe(
    first_layer=1,
    last_layer=1,
    rank=4,
    alpha=8,
    dropout=0.0,
    head_learning_rate=2e-2,
    epochs=12,
    step_posts=8,
)


def write_sets(folder: Path, count: int = 40) -> Path:
    """A set in which posts that say "sad" are of stressed people."""
    head = ("query", "gpt-3.5-turbo")
    for part in ("train", "val", "test"):
        rows = [
            (ask(f"{part} {no}: I am {('sad', 'glad')[no % 2]} {'now ' * (no % 5)}"), (YES, NO)[no % 2])
            for no in range(count)
        ]
        write_csv(folder / "imhi" / part / "dreaddit.csv", head, rows)
    return folder


def test_heads_learn_a_rule_and_come_back_from_the_disk(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path), str(save_base(tmp_path / "base"))
    said: list[Any] = []

    best = run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / "run", RECIPE), said.append)

    assert best.weighted_f1 == {"dreaddit": 100.0}
    rows = load_rows("dreaddit", data, "test")
    scored = list(HeadScorer(load_headed(base, tmp_path / "run")).score("dreaddit", rows))
    assert [max(each, key=lambda label: each[label]) for each in scored] == [row.label for row in rows]
    assert json.loads((tmp_path / "run" / "done.json").read_text("utf-8"))["epoch"] == best.epoch
    assert load_base_mark(tmp_path / "run" / HEADS) == identify_base(base)
    lines = (tmp_path / "run" / "progress.jsonl").read_text("utf-8").splitlines()
    scores = [said for said in map(json.loads, lines) if said["kind"] == "eval"]
    assert len(lines) > len(scores) == RECIPE.epochs
    assert best.epoch == max(scores, key=lambda said: sum(said["weighted_f1"].values()))["epoch"]


def test_heads_on_another_base_are_refused_though_they_would_fit(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path, 8), str(save_base(tmp_path / "base"))
    job = HeadJob(base, ("dreaddit",), data, tmp_path / "run", replace(RECIPE, epochs=1))
    run_head_job(job, lambda _: None)
    (tmp_path / "published").mkdir()
    shutil.copytree(tmp_path / "run", tmp_path / "published", dirs_exist_ok=True)
    (tmp_path / "published" / HEADS / MARK).replace(tmp_path / "published" / MARK)
    # The same shapes, other weights.
    other = str(save_base(tmp_path / "other"))
    weights = load_file(tmp_path / "other/model.safetensors")
    save_file(
        {name: 2 * value for name, value in weights.items()},
        tmp_path / "other/model.safetensors",
        {"format": "pt"},
    )

    for folder in ("run", "published"):
        with pytest.raises(BadInput, match="the adapter was trained on base"):
            load_headed(other, tmp_path / folder)
        assert load_headed(base, tmp_path / folder).asks


def test_sets_that_the_heads_do_not_know_are_said_before_any_is_scored(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "heads.json").write_text(
        json.dumps({"recipe": {}, "asks": [{"set": name} for name in ("SAD", "SAD", "DR")]})
    )
    words = ["evaluate", "imhi", "--base", "nowhere", "--heads", tmp_path, "--out", tmp_path / "out"]

    codes = [main([str(word) for word in [*words, *more]]) for more in ([], ["--sets", "SAD,DR"])]

    every, known = capsys.readouterr().err.splitlines()[:2]
    assert codes == [1, 1]
    assert "these heads know no dreaddit, Irf, MultiWD; name what they know with --sets DR,SAD, or" in every
    assert "these heads know no" not in known
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_broken_off_ends_as_one_that_was_not(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path), str(save_base(tmp_path / "base"))
    recipe = replace(RECIPE, epochs=4, dropout=0.3)

    def stop_early(report: Any) -> None:
        if isinstance(report, HeadScore) and report.epoch == 3:
            raise KeyboardInterrupt

    whole = run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / "whole", recipe), lambda _: None)
    broken = HeadJob(base, ("dreaddit",), data, tmp_path / "broken", recipe)
    with pytest.raises(KeyboardInterrupt):
        run_head_job(broken, stop_early)
    resumed = run_head_job(broken, lambda _: None, resume=True)

    assert resumed.loss == pytest.approx(whole.loss, abs=1e-5)
    ours, theirs = (load_file(tmp_path / name / "heads.safetensors") for name in ("whole", "broken"))
    assert all(abs(ours[key] - theirs[key]).max() < 1e-5 for key in ours)
    # Killed after the last checkpoint, before anything was written of it.
    for name in ("heads.json", "words.json", "done.json"):
        (tmp_path / "broken" / name).unlink()
    run_head_job(broken, lambda _: None, resume=True)
    for name in ("heads.json", "words.json"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    with pytest.raises(BadInput, match="another recipe"):
        run_head_job(replace(broken, recipe=RECIPE), print, resume=True)


def test_a_text_reads_the_same_alone_and_beside_a_longer_one(tmp_path: Path) -> None:
    import torch

    headed = Headed(str(save_base(tmp_path / "base")), list_asks(["dreaddit", "SAD"]), RECIPE)
    # Half precision rounds rows of different lengths differently.
    headed.peft.float()
    torch.nn.init.normal_(headed.heads.weight)
    torch.nn.init.normal_(headed.heads.query.weight)
    headed.peft.eval()
    headed.heads.eval()
    short, long = headed.reader.read("I am sad."), headed.reader.read("I am glad. " * 9)

    alone, beside = headed.reader.pad([short]), headed.reader.pad([short, long])
    first, _ = headed.read_above(headed.read_below(alone), alone.mask)
    both, _ = headed.read_above(headed.read_below(beside), beside.mask)

    assert torch.allclose(first[0], both[0], atol=1e-5)
    assert first.shape == (1, 2 + 9)


def test_a_long_text_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    headed = Headed(str(save_base(tmp_path / "base")), list_asks(["dreaddit"]), RECIPE)
    short = headed.reader.read("a" * 200)

    long = headed.reader.read("a" * 200 + "x" * 500 + "b" * 200)

    assert len(short) == 201
    assert len(long) == RECIPE.text_tokens
    assert long[:100] == short[:100]
    assert long[-1] == headed.reader.read("b")[-1]


def test_a_text_read_twice_is_answered_from_the_second_time() -> None:
    once, twice = (Reader(make_tokenizer(), RECIPE.text_tokens, times) for times in (1, 2))
    texts = ("I am so alone.", "I am glad. " * 60)
    first, *short = once.read(texts[0])

    read = [twice.read(text) for text in texts]
    mask = twice.pad(read).mask

    assert read[0] == [first, *short, *once.read("\n")[1:], *short]
    assert [no for no, each in enumerate(mask[0]) if each] == list(
        range(len(read[0]) - len(short), len(read[0]))
    )
    assert mask[1].sum() == RECIPE.text_tokens - 1
    assert [read[0][no] for no in twice.find(texts[0], "alone")] == once.read("alone")[1:]
    assert min(twice.find(texts[0], "alone")) > len(short)


def test_evidence_is_found_where_it_stands_in_what_is_read() -> None:
    reader = Reader(make_tokenizer(), RECIPE.text_tokens, 1)
    begin, end = "I'm  so Alone. ", " No one would miss me"
    long = begin + "x" * 700 + end

    for text in (begin, long):
        ids = reader.read(text)
        found = reader.find(text, "I’m so alone")
        assert [ids[no] for no in found] == reader.read("I'm  so Alone")[1:]
    assert max(reader.find(long, "miss me")) == RECIPE.text_tokens - 1
    assert reader.find(long, "x" * 700)[-1] == RECIPE.text_tokens - len(reader.read(end))
    assert reader.find(begin, "burden") == reader.find(begin, "") == ()


def test_heads_learn_to_look_where_the_annotators_found_their_evidence(tmp_path: Path) -> None:
    data, base = tmp_path, str(save_base(tmp_path / "base"))
    labels = [
        (
            f"{no}: we {('sang', 'wept')[no % 2]} and it rained {'on ' * (no % 5)}",
            str(no % 2),
            ("", "rained")[no % 2],
            "0",
            "",
        )
        for no in range(40)
    ]
    write_csv(data / "imhi/labels/Irf.csv", ("text", "belong", "belong_exp", "burden", "burden_exp"), labels)
    for part in ("val", "test"):
        rows = [
            (
                f'Consider this post: "{part} {no}: we {("sang", "wept")[no % 2]}" Question: '
                "Does the post show risk of thwarted belongingness?",
                ("No, the post does not show this risk.", "Yes, the post shows this risk.")[no % 2],
            )
            for no in range(8)
        ]
        write_csv(data / "imhi" / part / "Irf.csv", ("query", "gpt-3.5-turbo"), rows)
    posts = load_posts(("Irf",), data, "train")
    shares = []
    for weight in (0.0, 3.0):
        out, recipe = tmp_path / f"run{weight:g}", replace(RECIPE, evidence_weight=weight)
        run_head_job(HeadJob(base, ("Irf",), data, out, recipe), lambda _: None)
        headed = load_headed(base, out)
        below = [each for each in read_below(headed, posts) if each.evidence]
        batch = headed.reader.pad([headed.reader.read(each.post.text) for each in below])
        _, looked = headed.read_above(headed.read_below(batch), batch.mask)
        shares += [looked[row, list(each.evidence[0]), 0].sum().item() for row, each in enumerate(below)]

    assert len(shares) == 2 * 20
    assert all(1.5 * alone < shown for alone, shown in zip(shares[:20], shares[20:], strict=True))


def test_a_post_of_the_test_set_is_not_trained_on(tmp_path: Path) -> None:
    data = write_sets(tmp_path)
    head = ("query", "gpt-3.5-turbo")
    write_csv(
        data / "imhi" / "train" / "dreaddit.csv", head, [(ask("test 0: I am sad "), YES), (ask("Own."), NO)]
    )

    posts = load_posts(("dreaddit",), data, "train")

    assert [post.text for post in posts] == ["Own."]


def test_what_cannot_be_trained_is_said(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path, 4), str(save_base(tmp_path / "base"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").touch()

    with pytest.raises(BadInput, match="holds something already"):
        run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / "full", RECIPE), print)
    with pytest.raises(BadInput, match="has 2 layers, not 21"):
        run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / "new", HeadRecipe()), print)
    with pytest.raises(BadSetting, match="heads have no depth"):
        set_head_dials(RECIPE, {"depth": "3"})
    with pytest.raises(BadSetting, match="no number"):
        set_head_dials(RECIPE, {"rank": "many"})


def make_post(no: int, text: str, answer: int) -> Post:
    return Post("dreaddit", f"p{no}", text, {0: answer})


def test_words_say_the_same_before_and_after_the_disk_and_leave_out_what_is_rare(tmp_path: Path) -> None:
    asks = list_asks(["dreaddit", "SAD"])
    posts = [make_post(no, f"I am {('sad', 'glad')[no % 2]} Miriam{no}", no % 2) for no in range(20)]
    words = fit_words(posts, asks)

    words.save(tmp_path)
    again = load_words(tmp_path)
    said = words.score(["I am sad", "so glad"], asks)

    assert again is not None
    assert again.score(["I am sad", "so glad"], asks) == pytest.approx(said, abs=1e-5)
    assert said[0, 0] > said[0, 1] and said[1, 1] > said[1, 0]
    assert not [term for term in again.terms if "miriam" in term]
    # Nothing was said of the other set's labels: each is as likely as the next.
    assert said[0, 2:] == pytest.approx([said[0, 2]] * 9)
    assert load_words(tmp_path / "none") is None


def test_words_count_as_much_as_helps(tmp_path: Path) -> None:
    import torch

    data, asks = write_sets(tmp_path), list_asks(["dreaddit"])
    headed = Headed(str(save_base(tmp_path / "base")), asks, RECIPE)
    val = list(read_below(headed, load_posts(("dreaddit",), data, "val")))
    right = fit_words([each.post for each in val], asks)
    wrong = replace(right, weights=-right.weights)

    # Heads that have learnt nothing say one label of all.
    torch.nn.init.constant_(headed.heads.bias, 0.0)
    score = score_heads(headed, right, val, 1)
    assert headed.calibration is not None
    found = headed.calibration.by_set["dreaddit"]

    assert score.weighted_f1["dreaddit"] == 100.0 > score.heads_alone["dreaddit"]
    assert found == "heads and 0.25 of the words"
    # Words that are wrong about everything say as much as those that are right, to who has seen it.
    assert score_heads(headed, wrong, val, 1).weighted_f1["dreaddit"] == 100.0
    assert headed.calibration.by_set["dreaddit"].startswith("regression over the question")

"""Labels read from heads and words: the way that does best on posts which it was not fitted to."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")

from benchmarks.cut_heads import cut_heads, narrow_lora

from phyassist.errors import BadInput
from phyassist.training.heads.calibration import (
    Calibration,
    Heard,
    choose_calibration,
    find_features,
    load_calibration,
)
from phyassist.training.heads.model import load_headed
from phyassist.training.heads.posts import Ask, Post
from phyassist.training.heads.run import HeadJob, run_head_job
from phyassist.training.heads.score import HeadScorer, read_posts
from phyassist.training.imhi import load_rows
from tests.training.test_heads import RECIPE, write_sets
from tests.training.tiny import save_base

ASKS = (
    Ask("A", "first?", ("yes", "no")),
    Ask("A", "second?", ("yes", "no")),
    Ask("B", "which?", ("x", "y", "z")),
)


def make_rows(count: int = 300) -> tuple[Any, Any, list[Post]]:
    """Heads that take many a "no" of A for a "yes", are right about B; words that know nothing."""
    chance = np.random.default_rng(7)
    heads, posts = np.zeros((count, 7), np.float32), []
    for no in range(count):
        name = "AB"[no % 2]
        if name == "A":
            first, second = int(chance.random() < 0.7), int(chance.random() < 0.5)
            answers = {0: first, 1: second}
            heads[no, 1] = 4 * first - 3.5 + chance.normal()
            heads[no, 3] = 4 * second - 2 + chance.normal()
        else:
            answers = {2: no % 3}
            heads[no, 4 + no % 3] = 3.0
        posts.append(Post(name, str(no), f"post {no}", answers))
    words = np.full((count, 7), -1.0, np.float32) + chance.normal(size=(count, 7)).astype(np.float32)
    return heads, words, posts


def test_a_label_that_heads_say_too_rarely_is_read_more_often_and_nothing_else_is_changed() -> None:
    heads, words, posts = make_rows()

    (calibration,), scores = choose_calibration([Heard(heads, words, ASKS)], posts, ASKS)

    said = calibration.read(heads, words, ASKS)
    asked = [no for no, post in enumerate(posts) if 0 in post.answers]
    right = np.mean([said[no, :2].argmax() == posts[no].answers[0] for no in asked])
    before = np.mean([heads[no, :2].argmax() == posts[no].answers[0] for no in asked])
    assert calibration.by_set["A"].startswith("regression over the")
    assert calibration.by_set["B"] == "heads and 0 of the words"
    assert before < 0.8
    assert right > 0.93
    assert scores["A"] > 93
    assert scores["B"] == 100
    assert np.exp(said[:, 4:]).sum(1) == pytest.approx(np.ones(len(said)), abs=1e-5)


def test_what_is_scored_was_not_fitted() -> None:
    """Labels by lot: who sees them before finds more than there is."""
    chance = np.random.default_rng(3)
    heads, words = (chance.normal(size=(60, 3)).astype(np.float32) for _ in range(2))
    posts = [Post("B", str(no), f"post {no}", {0: int(chance.integers(3))}) for no in range(60)]

    _, scores = choose_calibration([Heard(heads, words, ASKS[2:])], posts, ASKS[2:])

    assert scores["B"] < 48


def test_runs_that_are_read_together_are_calibrated_for_their_mean() -> None:
    """Each of two runs is wrong about other posts, and one of them knows one set alone."""
    heads, words, posts = make_rows()
    wrong = [heads.copy(), heads[:, 4:].copy()]
    of_b = [no for no, post in enumerate(posts) if 2 in post.answers]
    wrong[0][of_b[:30], 4:], wrong[1][of_b[30:60]] = [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]
    runs = [Heard(wrong[0], words, ASKS), Heard(wrong[1], words[:, 4:], ASKS[2:])]

    calibrations, scores = choose_calibration(runs, posts, ASKS)
    _, alone = choose_calibration(runs[:1], posts, ASKS)

    assert alone["B"] < 95
    assert scores["B"] == 100
    assert scores["A"] == alone["A"]
    assert [set(each.by_set) for each in calibrations] == [{"A", "B"}, {"B"}]
    assert [len(each.readings) for each in calibrations] == [3, 1]


def test_a_calibration_comes_back_from_json_and_another_is_refused() -> None:
    heads, words, posts = make_rows()
    (calibration,), _ = choose_calibration([Heard(heads, words, ASKS)], posts, ASKS)
    said = json.loads(json.dumps(calibration.to_json()))

    again = load_calibration(said, ASKS)

    assert again.by_set == calibration.by_set
    assert again.read(heads, words, ASKS) == pytest.approx(calibration.read(heads, words, ASKS), abs=1e-3)
    assert find_features(heads, words, ASKS, "A").shape == (300, 8)
    for asks in (ASKS[:2], ASKS[1:], (ASKS[2], *ASKS[:2])):
        with pytest.raises(ValueError):
            load_calibration(said, asks)


def test_several_heads_that_know_a_set_say_the_mean_and_a_cut_run_says_what_it_said(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path), str(save_base(tmp_path / "base"))
    rows = load_rows("dreaddit", data, "test")[:4]
    texts = [row.text for row in rows]
    loaded = []
    for seed in (0, 1):
        recipe = replace(RECIPE, epochs=1, seed=seed)
        run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / f"run{seed}", recipe), lambda _: None)
        loaded.append(load_headed(base, tmp_path / f"run{seed}"))

    one, other = (list(HeadScorer(each).score("dreaddit", rows)) for each in loaded)
    both = list(HeadScorer(*loaded).score("dreaddit", rows))
    cut_heads(tmp_path / "run0", tmp_path / "cut", ("dreaddit",))

    assert one[0] != other[0]
    for mean, first, second in zip(both, one, other, strict=True):
        assert mean == pytest.approx({label: (first[label] + second[label]) / 2 for label in mean}, abs=1e-5)
    cut, whole = (read_posts(each, texts) for each in (load_headed(base, tmp_path / "cut"), loaded[0]))
    assert all(cut[text][ask] == pytest.approx(whole[text][ask]) for text in texts for ask in whole[text])
    lora = tmp_path / "cut/heads/adapter_model.safetensors"
    size = lora.stat().st_size
    narrow_lora(tmp_path / "cut")
    narrow = read_posts(load_headed(base, tmp_path / "cut"), texts)
    assert lora.stat().st_size < 0.8 * size
    for text in texts:
        for ask, said in whole[text].items():
            assert narrow[text][ask] == pytest.approx(said, abs=0.02)


def test_heads_without_their_calibration_are_refused(tmp_path: Path) -> None:
    data, base = write_sets(tmp_path, 8), str(save_base(tmp_path / "base"))
    run_head_job(HeadJob(base, ("dreaddit",), data, tmp_path / "run", RECIPE), lambda _: None)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    said = json.loads((tmp_path / "other/heads.json").read_text("utf-8"))
    del said["calibration"]
    (tmp_path / "other/heads.json").write_text(json.dumps(said), "utf-8")

    assert isinstance(load_headed(base, tmp_path / "run").calibration, Calibration)
    with pytest.raises(BadInput, match="does not describe heads"):
        load_headed(base, tmp_path / "other")

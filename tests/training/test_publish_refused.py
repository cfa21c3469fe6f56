"""What publishing and pulling say where they cannot: a folder, scores or a name that will not do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from phyassist.lm.hashing import count_sha256
from phyassist.training.bases import save_base_mark
from phyassist.training.heads.model import identify_heads
from phyassist.training.run import describe_environment
from tests.training.hub_server import Hub
from tests.training.test_publish import REPO, base, hub, identify_base, run, save_numbers, scores, trained

__all__ = ["base", "hub", "scores", "trained"]


@pytest.fixture
def heads(base: Path, tmp_path: Path) -> Path:
    """A finished run of heads as training leaves it (test_heads.py)."""
    out = tmp_path / "run-of-heads"
    save_numbers(out / "heads/adapter_model.safetensors", 4)
    save_numbers(out / "heads.safetensors", 5)
    lora = {"peft_type": "LORA", "r": 16, "base_model_name_or_path": str(base)}
    config = {
        "sets": ["dreaddit"],
        "recipe": {"first_layer": 12, "last_layer": 17, "rank": 16},
        "posts": {"train": 900, "val": 100},
        "environment": describe_environment(),
    }
    done = {"epoch": 2, "loss": 0.5, "weighted_f1": {"dreaddit": 80.0}, "seconds": 9.0}
    asks = {"recipe": {}, "asks": [{"set": "dreaddit", "question": "Q", "labels": ["yes", "no"]}]}
    files = {"heads/adapter_config.json": lora, "heads.json": asks, "config.json": config, "done.json": done}
    for name, said in files.items():
        (out / name).write_text(json.dumps(said))
    save_base_mark(out / "heads", identify_base(str(base)))
    return out


def write_scores(scores: Path, **by: object) -> Path:
    said = json.loads((scores / "scores.json").read_text())
    (scores / "scores.json").write_text(json.dumps({**said, **by}))
    return scores


def test_a_folder_that_cannot_be_made_is_said_for_what_is_published_and_pulled(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "file").touch()

    codes = [
        run("publish", trained, "--to", tmp_path / "file/out"),
        run("pull", trained, "--out", tmp_path / "file/out"),
    ]

    assert codes == [1, 1]
    said = capsys.readouterr().err
    assert said.count("file/out cannot be made or written in (Not a directory); name another folder") == 2


def test_weights_that_are_damaged_are_not_published(
    trained: Path, heads: Path, tmp_path: Path, capsys: Any
) -> None:
    import torch
    from safetensors.torch import save_file

    cut = Path(shutil.copytree(trained, tmp_path / "cut"))
    weights = cut / "adapter/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    save_file({"a": torch.tensor([1.0, float("nan")])}, heads / "heads.safetensors")

    codes = [run("publish", each, "--to", tmp_path / f"out-{each.name}") for each in (cut, heads)]

    said = capsys.readouterr().err
    assert codes == [1, 1]
    assert said.count("are damaged") == 2
    assert "heads.safetensors are damaged" in said
    assert not list(tmp_path.glob("out-*"))


def test_scores_of_other_heads_are_not_shown_on_the_card_of_these(
    heads: Path, scores: Path, tmp_path: Path, capsys: Any
) -> None:
    own, other = identify_heads(heads), "0" * 64
    codes = {}

    for name, by in {
        "others": {"adapter": None, "heads": ["run"], "heads_sha256": [other]},
        "both": {"adapter": None, "heads": ["run", "more"], "heads_sha256": [own, other]},
        "adapter": {"adapter": "run"},
        "own": {"adapter": None, "heads": ["run"], "heads_sha256": [own]},
    }.items():
        folder = write_scores(Path(shutil.copytree(scores, tmp_path / f"scores-{name}")), **by)
        codes[name] = run("publish", heads, "--to", tmp_path / name, "--scores", folder)

    assert codes == {"others": 1, "both": 0, "adapter": 1, "own": 0}
    assert capsys.readouterr().err.count("holds scores of others than these heads; evaluate these") == 2
    cards = [(tmp_path / name / "README.md").read_text("utf-8") for name in ("both", "own")]
    assert ["the mean of run, more" in card for card in cards] == [True, False]


def test_scores_that_heads_made_are_not_shown_on_the_card_of_an_adapter(
    trained: Path, scores: Path, tmp_path: Path, capsys: Any
) -> None:
    write_scores(scores, heads=["run"], heads_sha256=["0" * 64])

    code = run("publish", trained, "--to", tmp_path / "out", "--scores", scores)

    assert code == 1
    assert "holds scores of another adapter" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scored", "code"),
    [("adapter/adapter_model.safetensors", 0), ("adapter.gguf", 0), ("done.json", 1)],
)
def test_scores_of_an_adapter_are_shown_on_its_card_through_whichever_form_of_it_they_came(
    scored: str, code: int, trained: Path, scores: Path, tmp_path: Path, capsys: Any
) -> None:
    write_scores(scores, adapter_sha256=count_sha256(trained / scored))

    published = run("publish", trained, "--to", tmp_path / "out", "--scores", scores)

    assert published == code
    assert ("holds scores of another adapter" in capsys.readouterr().err) is bool(code)


def test_heads_that_are_to_be_merged_or_published_anew_are_said_to_be_heads(
    heads: Path, base: Path, tmp_path: Path, capsys: Any
) -> None:
    pulled = tmp_path / "pulled"
    assert run("publish", heads, "--to", tmp_path / "published") == 0
    assert run("pull", tmp_path / "published", "--out", pulled, "--base", base) == 0
    capsys.readouterr()

    code = run("adapters", "merge", pulled, "--into-base", "--base", base, "--out", tmp_path / "out")

    assert code == 1
    said = capsys.readouterr().err
    assert "pulled holds heads, which write nothing and can be neither tried nor merged" in said


def test_a_folder_that_is_not_here_is_said_not_to_be(hub: Hub, tmp_path: Path, capsys: Any) -> None:
    nowhere = tmp_path / "nowhere"

    codes = [
        run("publish", nowhere, "--to", tmp_path / "out"),
        run("adapters", "merge", nowhere, "--out", tmp_path / "out"),
        run("pull", nowhere, "--out", tmp_path / "out"),
        run("pull", "./nowhere", "--out", tmp_path / "out"),
        run("pull", "adapters/nowhere", "--out", tmp_path / "out"),
    ]

    assert codes == [1] * 5
    *plain, last = capsys.readouterr().err.splitlines()
    assert all("there is no folder " in line for line in plain)
    assert "adapters/nowhere: no such folder is here, and the hub has no such repository" in last
    assert [line for line in hub.asked if "nowhere" in line]


def test_a_push_that_fails_promises_nothing_that_only_a_pull_keeps(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("PHYASSIST_HUB_URL", "http://127.0.0.1:9")

    pushed = run("publish", trained, "--hub", REPO)
    said = capsys.readouterr().err
    pulled = run("pull", REPO, "--out", tmp_path / "out")

    assert (pushed, pulled) == (1, 1)
    assert "cannot be reached" in said
    assert "all files go up in one commit or none does" in said
    assert "what has come is kept" not in said
    pull_said = capsys.readouterr().err
    assert "no such folder is here, and the hub cannot be reached" in pull_said
    assert "check the name" in pull_said
    assert not (tmp_path / "out.part").exists()


def test_where_nobody_said_what_the_data_allow_no_licence_is_chosen(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    held = Path(shutil.copytree(trained, tmp_path / "held"))
    card = json.loads((held / "data.json").read_text("utf-8"))
    card["sources"][0]["licence"] = "not stated"
    (held / "data.json").write_text(json.dumps(card), "utf-8")

    codes = [
        run("publish", held, "--to", tmp_path / "silent"),
        run("publish", held, "--to", tmp_path / "named", "--licence", "cc-by-4.0"),
    ]

    assert codes == [2, 0]
    assert "no licence is stated for mine, so none is chosen for the adapter" in capsys.readouterr().err
    assert "license: cc-by-4.0" in (tmp_path / "named/README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("licence", "chosen"),
    [
        ("MIT License", "apache-2.0"),
        ("Apache License 2.0", "apache-2.0"),
        ("CC BY 4.0", "apache-2.0"),
        ("CC BY-SA 4.0", ""),
        ("GPL-3.0", ""),
        ("proprietary", ""),
        ("MIT，不得再分发", ""),
        ("MIT; not stated", ""),
    ],
)
def test_a_free_licence_is_chosen_only_where_the_data_are_known_to_allow_it(
    licence: str, chosen: str, trained: Path, tmp_path: Path, capsys: Any
) -> None:
    held = Path(shutil.copytree(trained, tmp_path / "held"))
    card = json.loads((held / "data.json").read_text("utf-8"))
    card["sources"][0]["licence"] = licence
    (held / "data.json").write_text(json.dumps(card), "utf-8")

    code = run("publish", held, "--to", tmp_path / "silent")
    named = run("publish", held, "--to", tmp_path / "named", "--licence", "cc-by-sa-4.0")

    assert (code, named) == (0 if chosen else 2, 0)
    if chosen:
        assert f"license: {chosen}" in (tmp_path / "silent/README.md").read_text("utf-8")
    else:
        assert f"whether mine ({licence}) would allow apache-2.0 is not known" in capsys.readouterr().err


def test_scores_that_were_cut_short_are_said(
    trained: Path, scores: Path, tmp_path: Path, capsys: Any
) -> None:
    held = Path(shutil.copytree(scores, tmp_path / "held"))
    whole = (held / "scores.json").read_bytes()
    (held / "scores.json").write_bytes(whole[: len(whole) // 2])

    assert run("publish", trained, "--to", tmp_path / "out", "--scores", held) == 1

    assert "scores.json is broken off or damaged; run the evaluation again" in capsys.readouterr().err

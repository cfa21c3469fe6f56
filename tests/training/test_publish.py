"""A finished run published and pulled: to a folder, and over HTTP to a stand-in for the model hub."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("huggingface_hub", reason="huggingface_hub is missing: pip install 'phyassist[train]'")
numpy = pytest.importorskip("numpy", reason="numpy is not installed: pip install 'phyassist[train]'")

from phyassist.cli.main import main  # noqa: E402
from phyassist.lm.bundle import write_sums  # noqa: E402
from phyassist.services.adapters import choose_for  # noqa: E402
from phyassist.services.demo import PASSPHRASE  # noqa: E402
from phyassist.services.practice import sign_in  # noqa: E402
from phyassist.store.opening import open_store  # noqa: E402
from phyassist.training.bases import identify_base, save_base_mark  # noqa: E402
from phyassist.training.provenance import join_sources  # noqa: E402
from phyassist.training.recipe import Recipe  # noqa: E402
from phyassist.training.run import describe_environment  # noqa: E402
from tests.cli.conftest import Cli, cli, invented  # noqa: E402
from tests.training.hub_server import TOKEN, Hub, serve_hub  # noqa: E402
from tests.training.test_prepare import COLUMNS, OwnFile, make_plan, prepare, write_csv  # noqa: E402

__all__ = ["cli", "invented"]
REPO = "practice/stress"


def run(*words: object) -> int:
    return main([str(word) for word in words])


def save_numbers(path: Path, seed: int) -> None:
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = numpy.random.default_rng(seed).normal(size=(64, 48)).astype("float32")
    save_file({"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": numbers}, path)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base as far as publishing looks at one: its weights' file."""
    folder = tmp_path_factory.mktemp("bases") / "tiny"
    save_numbers(folder / "model.safetensors", 1)
    return folder


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run's folder as training leaves it (test_run.py), made without waiting for a training."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(16)]
    own = OwnFile(
        write_csv(folder / "mine.csv", ("text", "category", "advice"), rows), COLUMNS, licence="CC0"
    )
    prepared = prepare(make_plan(folder, own=[own]), folder / "data")
    out = folder / "run"
    save_numbers(out / "adapter/adapter_model.safetensors", 2)
    lora = {"peft_type": "LORA", "r": 64, "base_model_name_or_path": str(base)}
    config = {
        "base": str(base),
        "data": prepared.sha256,
        "recipe": asdict(Recipe()),
        "examples": {"train": 13, "val": 2},
        "environment": describe_environment(),
    }
    done = {"step": 2, "best_step": 2, "best_val_loss": 1.5, "stopped_early": False}
    for name, said in (("adapter/adapter_config.json", lora), ("config.json", config), ("done.json", done)):
        (out / name).write_text(json.dumps(said))
    save_base_mark(out / "adapter", identify_base(str(base)))
    shutil.copyfile(folder / "data/card.json", out / "data.json")
    (out / "curves.png").write_bytes(b"\x89PNG")
    (out / "adapter.gguf").write_bytes(b"GGUF" * 500)
    return out


@pytest.fixture
def research(trained: Path, tmp_path: Path) -> Path:
    """The same run, had its rows come from a source for research only."""
    copy = Path(shutil.copytree(trained, tmp_path / "research"))
    card = json.loads((copy / "data.json").read_text())
    card["sources"][0]["research_only"] = True
    (copy / "data.json").write_text(json.dumps(card))
    return copy


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    folder = tmp_path / "scores"
    folder.mkdir()
    score = {
        "name": "dreaddit",
        "rows": 300,
        "posts": 300,
        "unread": 0,
        "weighted_f1": 78.64,
        "weighted_f1_interval": [74.0, 83.1],
        "macro_f1": 78.5,
        "accuracy": 78.7,
        "accuracy_interval": [74.2, 83.0],
    }
    said = {"made_at": "2026-11-25T20:00:00", "adapter": "adapter", "part": "val", "limit": 16}
    (folder / "scores.json").write_text(json.dumps({**said, "sets": {"dreaddit": score}}))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that this user is logged in to, without the chunked transfer that only the real one speaks."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serve_hub() as served:
        monkeypatch.setenv("PHYASSIST_HUB_URL", served.url)
        yield served


def test_a_folder_holds_adapter_card_and_checksums_and_names_no_path_of_this_machine(
    trained: Path, scores: Path, tmp_path: Path
) -> None:
    out = tmp_path / "published"

    assert run("publish", trained, "--to", out, "--scores", scores, "--title", "Stress") == 0

    assert {path.name for path in out.iterdir()} == {
        "README.md", "SHA256SUMS", "adapter.gguf", "adapter_config.json", "adapter_model.safetensors",
        "base.json", "curves.png", "phyassist.json",
    }  # fmt: skip
    checked = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out, check=False)
    assert checked.returncode == 0
    card = (out / "README.md").read_text()
    assert "78.64 (74.0–83.1)" in card
    assert "Not for patients" in card
    assert "In a practice: `phyassist adapters take REPOSITORY`" in card
    assert "不面向来访者" in card
    assert "| mine | a file of one's own | CC0 | no | " in card
    front = card.split("---\n")[1]
    assert "license: apache-2.0" in front
    assert "value: 78.64" in front
    assert "name: IMHI dreaddit, the first 16 rows of each set" in front
    assert "Part `val`, the first 16 rows of each set" in card
    for path in out.iterdir():
        assert str(trained.parent).encode() not in path.read_bytes(), path.name


def test_what_was_trained_on_research_data_is_published_as_such_and_under_no_other_licence(
    research: Path, tmp_path: Path, capsys: Any
) -> None:
    refused = run("publish", research, "--to", tmp_path / "a", "--licence", "mit")
    said = capsys.readouterr().err
    code = run("publish", research, "--to", tmp_path / "b")

    assert (refused, code) == (2, 0)
    assert "research only, so mit cannot be the licence" in said
    assert not (tmp_path / "a").exists()
    card = (tmp_path / "b/README.md").read_text()
    assert "license: other\nlicense_name: research-only" in card
    assert "**Research only.**" in card
    assert "`phyassist adapters take` refuses it" in card
    assert json.loads((tmp_path / "b/phyassist.json").read_text())["research_only"] is True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda out: (out / "done.json").unlink(), "no run that came to its end"),
        (lambda out: (out / "data.json").unlink(), "does not say what it was trained on"),
        (lambda out: shutil.rmtree(out / "adapter"), "holds no adapter"),
    ],
)
def test_half_a_run_is_not_published(
    change: Any, said: str, trained: Path, tmp_path: Path, capsys: Any
) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    change(copy)

    code = run("publish", copy, "--to", tmp_path / "out")

    assert code == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_full_disk_while_publishing_leaves_nothing_half_written(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        code = run("publish", trained, "--to", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert code == 1
    assert "the disk was full before out was complete" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_what_was_pushed_comes_back_byte_for_byte(
    trained: Path, base: Path, hub: Hub, tmp_path: Path
) -> None:
    assert run("publish", trained, "--hub", REPO, "--private", "--title", "Stress") == 0
    assert run("pull", REPO, "--out", tmp_path / "pulled", "--base", base) == 0

    assert hub.repos[REPO].private
    assert len(hub.repos[REPO].commits) == 2
    pulled = {path.name: path.read_bytes() for path in (tmp_path / "pulled").iterdir()}
    assert pulled == hub.repos[REPO].files
    assert pulled["adapter_model.safetensors"] == (trained / "adapter/adapter_model.safetensors").read_bytes()
    assert any("/store/" in line and line.startswith("PUT") for line in hub.asked)
    assert len(hub.parts) > 0


def test_publishing_anew_replaces_and_takes_away_what_is_no_more(
    trained: Path, hub: Hub, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    assert run("publish", copy, "--hub", REPO) == 0
    (copy / "adapter.gguf").unlink()

    assert run("publish", copy, "--hub", REPO) == 0
    assert run("publish", copy, "--hub", REPO, "--private") == 1

    assert "adapter.gguf" not in hub.repos[REPO].files
    assert len(hub.repos[REPO].commits) == 3


def test_a_mirror_and_the_hubs_own_login_are_taken_from_where_the_hubs_client_keeps_them(
    trained: Path, tmp_path: Path
) -> None:
    login = tmp_path / "hf"
    login.mkdir()
    (login / "token").write_text(TOKEN)
    with serve_hub() as hub:
        own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(login), "HF_HUB_DISABLE_XET": "1"}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}

        done = subprocess.run(
            [sys.executable, "-m", "phyassist.cli.main", "publish", str(trained), "--hub", REPO],
            env={**environment, **own, "PHYASSIST_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{hub.url}/{REPO} (commit ")
    assert TOKEN not in done.stdout + done.stderr
    assert "adapter_model.safetensors" in hub.repos[REPO].files


def test_a_download_that_breaks_off_is_not_taken_for_whole_and_goes_on(
    trained: Path, hub: Hub, tmp_path: Path, capsys: Any
) -> None:
    assert run("publish", trained, "--hub", REPO) == 0
    hub.cut = "adapter_model.safetensors"

    broken = run("pull", REPO, "--out", tmp_path / "pulled")
    said = capsys.readouterr().err
    hub.cut, hub.down, hub.asked[:] = "", False, []
    there = (tmp_path / "pulled").exists()
    code = run("pull", REPO, "--out", tmp_path / "pulled")

    assert (broken, there, code) == (1, False, 0)
    assert "[PA-HUB]" in said
    assert not [line for line in hub.asked if line.startswith("GET") and line.endswith("adapter.gguf")]
    assert {path.name for path in (tmp_path / "pulled").iterdir()} == set(hub.repos[REPO].files)


def test_what_cannot_be_trusted_is_refused_and_nothing_of_it_is_kept(
    trained: Path, hub: Hub, tmp_path: Path, capsys: Any
) -> None:
    def pull_with(name: str, held: bytes | None) -> str:
        files = dict(whole)
        if held is None:
            del files[name]
        else:
            files[name] = held
        hub.repos[REPO].commits.append(files)
        out = tmp_path / f"pulled-{len(hub.repos[REPO].commits)}"
        assert run("pull", REPO, "--out", out) == 1
        assert not out.exists()
        return str(capsys.readouterr().err)

    assert run("publish", trained, "--hub", REPO) == 0
    whole = hub.repos[REPO].files
    other = bytearray(whole["adapter_model.safetensors"])
    other[-1] ^= 1
    outside = whole["SHA256SUMS"] + b"0" * 64 + b"  ../../.bashrc\n"

    assert "another SHA-256 than stated" in pull_with("adapter_model.safetensors", bytes(other))
    assert "no such repository or file" in pull_with("adapter.gguf", None)
    assert "can run code" in pull_with("pytorch_model.bin", b"\x80\x04.")
    assert "states no checksums" in pull_with("SHA256SUMS", None)
    assert "names no plain file" in pull_with("SHA256SUMS", outside)


def test_what_an_earlier_pull_of_another_adapter_left_is_not_taken_for_this_one(
    trained: Path, tmp_path: Path
) -> None:
    assert run("publish", trained, "--to", tmp_path / "first", "--title", "first") == 0
    assert run("publish", trained, "--to", tmp_path / "second", "--title", "second") == 0
    shutil.copytree(tmp_path / "first", tmp_path / "pulled.part")

    code = run("pull", tmp_path / "second", "--out", tmp_path / "pulled")

    assert code == 0
    assert json.loads((tmp_path / "pulled/phyassist.json").read_text("utf-8"))["title"] == "second"


@pytest.mark.parametrize("said", [b"not json", b"[1]", b'{"format": 1}', b'{"format": 1, "base": "tiny"}'])
def test_a_manifest_that_describes_nothing_is_refused_in_a_sentence(
    said: bytes, trained: Path, tmp_path: Path, capsys: Any
) -> None:
    assert run("publish", trained, "--to", tmp_path / "published") == 0
    (tmp_path / "published/phyassist.json").write_bytes(said)
    write_sums(tmp_path / "published")

    code = run("pull", tmp_path / "published", "--out", tmp_path / "a")

    assert code == 1
    assert "phyassist.json does not describe an adapter" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_base_that_does_not_match_is_refused(
    trained: Path, base: Path, tmp_path: Path, capsys: Any
) -> None:
    save_numbers(tmp_path / "other/model.safetensors", 3)
    assert run("publish", trained, "--to", tmp_path / "published") == 0

    wrong = run("pull", tmp_path / "published", "--out", tmp_path / "a", "--base", tmp_path / "other")
    said = capsys.readouterr().err
    right = run("pull", tmp_path / "published", "--out", tmp_path / "b", "--base", base)

    assert (wrong, right) == (1, 0)
    assert f"trained on tiny ({identify_base(str(base)).sha256[:12]})" in said
    assert not (tmp_path / "a").exists()


def test_who_may_not_and_what_is_not_there_is_said_in_a_sentence(
    trained: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    missing = run("pull", "nobody/nothing", "--out", tmp_path / "a")
    unnamed = run("publish", trained, "--hub", "a/b/c")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    locked = run("publish", trained, "--hub", REPO)
    monkeypatch.setenv("PHYASSIST_HUB_URL", "http://127.0.0.1:9")
    away = run("pull", REPO, "--out", tmp_path / "a")

    said = capsys.readouterr().err
    assert (missing, unnamed, locked, away) == (1, 1, 1, 1)
    assert "no such repository" in said
    assert "no name of a repository" in said
    assert "does not let you in" in said
    assert "cannot be reached" in said
    assert "hf_wrong" not in said


def test_a_pickle_that_the_checksums_name_is_refused_from_a_folder_too(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    assert run("publish", trained, "--to", tmp_path / "published") == 0
    (tmp_path / "published/extra.pkl").write_bytes(b"\x80\x04.")
    write_sums(tmp_path / "published")

    code = run("pull", tmp_path / "published", "--out", tmp_path / "a")

    assert code == 1
    assert "extra.pkl can run code" in capsys.readouterr().err


def test_heads_are_published_with_the_layers_that_they_read_through(
    base: Path, hub: Hub, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    save_numbers(out / "heads/adapter_model.safetensors", 4)
    save_numbers(out / "heads.safetensors", 5)
    lora = {"peft_type": "LORA", "r": 16, "base_model_name_or_path": str(base)}
    config = {
        "base": "tiny",
        "sets": ["DR", "SAD"],
        "recipe": {"first_layer": 12, "last_layer": 20, "rank": 16},
        "posts": {"train": 900, "val": 100},
        "environment": describe_environment(),
    }
    done = {"epoch": 2, "loss": 0.5, "weighted_f1": {"DR": 80.0, "SAD": 60.0}, "seconds": 9.0}
    heads = {"asks": [{"set": "SAD", "question": "What is the cause?", "labels": ["work", "other"]}]}
    for name, said in (("heads/adapter_config.json", lora), ("heads.json", heads), ("config.json", config)):
        (out / name).write_text(json.dumps(said))
    (out / "done.json").write_text(json.dumps(done))

    assert run("publish", out, "--hub", REPO) == 0
    assert run("pull", REPO, "--out", tmp_path / "pulled", "--base", base) == 0

    assert (tmp_path / "pulled/heads/adapter_model.safetensors").read_bytes() == (
        out / "heads/adapter_model.safetensors"
    ).read_bytes()
    card = (tmp_path / "pulled/README.md").read_text()
    assert "license_name: research-only" in card
    assert "epoch 2, validation weighted F1 DR 80.00, SAD 60.00; of its heads those of SAD were kept" in card
    assert "LoRA (`heads/`) in layers 12 to 20" in card
    assert "evaluate imhi --base tiny --heads adapter --sets SAD --out scores" in card
    config = json.loads((tmp_path / "pulled/heads/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny"


def test_a_join_is_published_under_the_strictest_terms_of_what_it_was_joined_of(
    trained: Path, research: Path, tmp_path: Path, capsys: Any
) -> None:
    out = Path(shutil.copytree(trained / "adapter", tmp_path / "joined"))
    said = {"of": {"run": 64, "research": 64}, "method": "cat", "weights": [1.0, 1.0], "density": None}
    known = join_sources([research / "adapter", trained / "adapter"])
    for name, sources in (("known", known), ("unknown", join_sources([trained, tmp_path]))):
        (out / "merge.json").write_text(json.dumps({**said, "rank": 128, "sources": sources}))
        code = run("publish", out, "--to", tmp_path / name)
        assert code == (0 if name == "known" else 1)

    assert "do not say what they were trained on" in capsys.readouterr().err
    card = (tmp_path / "known/README.md").read_text()
    assert "license_name: research-only" in card
    assert "| joined of | run (rank 64), research (rank 64) |" in card


def test_a_published_adapter_is_taken_into_a_practice_and_answers_where_there_is_no_other(
    trained: Path, cli: Cli, invented: Path, tmp_path: Path
) -> None:
    assert run("publish", trained, "--to", tmp_path / "published") == 0

    taken = cli("adapters", "take", str(tmp_path / "published"))

    assert taken.code == 0, taken.err
    listed = json.loads(cli("learning", "adapters", "--json").out)
    assert [(each["id"], each["kind"], each["state"]) for each in listed] == [
        (taken.out.strip(), "published", "accepted")
    ]
    base = json.loads((tmp_path / "published/base.json").read_text())
    with open_store(f"sqlite:///{invented}/practice.db") as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        with store.read(by) as tx:
            chosen = choose_for(tx, None, base["sha256"]).card
            assert choose_for(tx, None, "of another base").card is None
            assert chosen is not None
            files = tx.adapters.files
            sealed = b"".join(files.read(chosen.id, tx.adapters.key_of(chosen.id), "adapter.gguf"))
    assert chosen.id == taken.out.strip()
    assert sealed == (trained / "adapter.gguf").read_bytes()


def test_one_that_helped_in_chinese_answers_for_clients_who_are_written_about_in_chinese(
    trained: Path, cli: Cli, invented: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Measured\n\n## Facts\n\nFacts used: 16 of 75.\n", "utf-8")
    more = ("--language", "zh", "--page", page)
    assert run("publish", trained, "--to", tmp_path / "published", *more) == 0

    taken = cli("adapters", "take", str(tmp_path / "published"))

    card = (tmp_path / "published/README.md").read_text()
    assert "who work in Chinese" in card
    assert "### Facts\n\nFacts used: 16 of 75." in card
    assert "untested" not in card
    base = json.loads((tmp_path / "published/base.json").read_text())
    with open_store(f"sqlite:///{invented}/practice.db") as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        with store.read(by) as tx:
            patients = {patient.language: patient.id for patient in tx.patients.list()}
            chosen = {
                language: choose_for(tx, patient_id, base["sha256"]).card
                for language, patient_id in patients.items()
            }
    assert chosen["en"] is None
    assert chosen["zh"] is not None
    assert chosen["zh"].id == taken.out.strip()


def test_what_is_for_research_alone_is_taken_into_no_practice(
    research: Path, cli: Cli, invented: Path, tmp_path: Path
) -> None:
    assert run("publish", research, "--to", tmp_path / "published") == 0

    refused = cli("adapters", "take", str(tmp_path / "published"))

    assert refused.code == 1
    assert "for research only" in refused.err
    assert json.loads(cli("learning", "adapters", "--json").out) == []

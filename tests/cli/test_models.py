"""`phyassist models`, without the network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phyassist.cli.main import main
from phyassist.cli.models import save_setting
from phyassist.lm.catalogue import get_catalogue_model


@pytest.fixture
def models_dir(home: Path) -> Path:
    """The models' folder, with the whole length of the small model in it and no bytes."""
    folder = home / "models"
    folder.mkdir(parents=True)
    model = get_catalogue_model("qwen2.5-coder-0.5b-instruct")
    with (folder / f"{model.name}.gguf").open("wb") as file:
        file.truncate(model.file_bytes)
    return folder


def test_the_list_says_what_is_here(models_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["models", "list", "--json"])

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert code == 0
    assert rows["qwen2.5-coder-0.5b-instruct"]["here"]
    assert not rows["qwen3-8b"]["here"]
    assert rows["qwen3-8b"]["licence"] == "Apache-2.0"


def test_the_list_fits_a_terminal(models_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["models", "list"])

    said = capsys.readouterr()
    assert code == 0
    assert "mixtral-8x7b-instruct" in said.out
    assert "this computer's default is qwen2.5-coder-" in said.err


def test_a_model_that_is_not_there_is_not_taken_into_use(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["models", "use", "qwen3-8b"])

    assert code == 1
    assert "run phyassist models fetch qwen3-8b [PA-MODEL-MISSING]" in capsys.readouterr().err
    assert not (home / "config.toml").exists()


def test_a_slip_of_the_name_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["models", "fetch", "qwen3-9b"])

    assert code == 1
    assert "no model is called qwen3-9b; did you mean qwen3-8b" in capsys.readouterr().err


def test_saving_a_setting_leaves_the_others_alone(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('# mine\nport = 8421\nmodel = "old"\nmodel_url = ""\n', encoding="utf-8")

    save_setting(config, "model", "C:\\models\\新.gguf")

    assert config.read_text(encoding="utf-8") == (
        'model = "C:\\\\models\\\\新.gguf"\n# mine\nport = 8421\nmodel_url = ""\n'
    )

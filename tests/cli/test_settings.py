from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from phyassist.errors import BadSetting
from phyassist.settings import load_settings


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(home: Path, monkeypatch):
    (home / "config.toml").write_text('port = 8001\nhost = "127.0.0.3"\nthreads = 3\n', encoding="utf-8")
    monkeypatch.setenv("PHYASSIST_PORT", "8002")
    monkeypatch.setenv("PHYASSIST_HOST", "127.0.0.2")

    settings = load_settings(port=8003)

    assert (settings.port, settings.host, settings.threads) == (8003, "127.0.0.2", 3)


def test_a_flag_that_was_not_given_leaves_the_variable(monkeypatch):
    monkeypatch.setenv("PHYASSIST_PORT", "8002")

    settings = load_settings(port=None)

    assert settings.port == 8002


def test_everything_lies_in_the_home_folder_unless_named(home: Path):
    settings = load_settings()

    assert settings.home == home
    assert settings.models_dir == home / "models"
    assert settings.store_url == f"sqlite:///{home / 'practice.db'}"
    assert settings.logs_dir == home / "logs"


def test_the_file_is_read_from_the_home_that_the_flag_names(tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.toml").write_text("port = 9000\n", encoding="utf-8")

    settings = load_settings(home=other)

    assert settings.port == 9000


def test_an_unknown_key_in_the_file_is_refused_with_the_nearest_name(home: Path):
    (home / "config.toml").write_text("prot = 8001\n", encoding="utf-8")

    with pytest.raises(BadSetting, match="unknown setting: prot; did you mean port"):
        load_settings()


def test_an_unknown_variable_is_refused(monkeypatch):
    monkeypatch.setenv("PHYASSIST_UPLOAD_BYTES", "5")

    with pytest.raises(BadSetting, match="UPLOAD_BYTES is no setting; did you mean upload_bytes_max"):
        load_settings()


def test_a_file_that_is_not_toml_is_refused_with_its_place(home: Path):
    (home / "config.toml").write_text("port: 8001\n", encoding="utf-8")

    with pytest.raises(BadSetting, match=r"config\.toml is not TOML .*line 1"):
        load_settings()


def test_home_cannot_be_set_in_the_file_that_lies_in_it(home: Path):
    (home / "config.toml").write_text('home = "/elsewhere"\n', encoding="utf-8")

    with pytest.raises(BadSetting, match="lies inside it"):
        load_settings()


@pytest.mark.parametrize(("name", "value"), [("port", "0"), ("language", "fr"), ("context_tokens", "many")])
def test_a_value_out_of_range_is_refused_by_name(name, value, monkeypatch):
    monkeypatch.setenv(f"PHYASSIST_{name.upper()}", value)

    with pytest.raises(BadSetting, match=f"the setting {name} is not usable"):
        load_settings()


def test_neither_an_error_nor_a_repr_shows_the_model_key(monkeypatch):
    monkeypatch.setenv("PHYASSIST_MODEL_KEY", "sk-very-secret")
    settings = load_settings()
    monkeypatch.setenv("PHYASSIST_PORT", "sk-very-secret")

    with pytest.raises(BadSetting) as refused:
        load_settings()

    assert "sk-very-secret" not in repr(settings)
    assert "sk-very-secret" not in str(refused.value)
    assert settings.model_key.get_secret_value() == "sk-very-secret"


def test_settings_do_not_change():
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1

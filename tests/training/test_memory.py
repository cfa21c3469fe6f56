"""Training from memory: nothing but weights leaves the process, and the adapter is the run's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.errors import BadInput  # noqa: E402
from phyassist.lm.protocol import Message  # noqa: E402
from phyassist.training.memory import Beside, run_examples  # noqa: E402
from phyassist.training.messages import Dialogue  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from tests.training.tiny import save_base  # noqa: E402

CANARY = "quokka in the wardrobe"
RECIPE = set_dials(
    Recipe(),
    {"examples_per_step": 2, "row_tokens": 300, "epochs": 2, "rank": 2, "eval_steps": 1, "preference": "dpo"},
)


def make_dialogues(count: int) -> list[Dialogue]:
    return [
        Dialogue(
            (Message("user", f"Week {no}: {CANARY}."),),
            f"Noted: {CANARY}.",
            f"Noted: {CANARY}, and more." if no % 2 else "",
        )
        for no in range(count)
    ]


class Kept:
    """Checkpoints in memory, as a worker keeps them sealed."""

    def __init__(self) -> None:
        self.states: list[bytes] = []

    def save(self, step: int, state: bytes) -> None:
        self.states.append(state)

    def find_newest(self) -> bytes | None:
        return self.states[-1] if self.states else None


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("base"))


def run(base: Path, **more: Any) -> Any:
    rows = make_dialogues(8)
    held = {"en": rows[6:7], "zh": rows[7:]}
    return run_examples(str(base), RECIPE, rows[:6], held, hear=more.pop("hear", lambda _: None), **more)


def test_the_adapter_s_bytes_are_a_folder_of_peft_s_and_a_file_of_the_engine_s(
    base: Path, tmp_path: Path
) -> None:
    import gguf
    from peft import PeftModel
    from safetensors.torch import load
    from transformers import AutoModelForCausalLM

    made = run(base)
    (tmp_path / "adapter_config.json").write_bytes(made.files.config)
    (tmp_path / "adapter_model.safetensors").write_bytes(made.files.weights)
    (tmp_path / "a.gguf").write_bytes(made.files.gguf)

    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path)
    held = {name.replace(".default", ""): value for name, value in loaded.state_dict().items()}
    weights = load(made.files.weights)
    assert made.examples == 6
    assert all(torch.equal(held[name], value) for name, value in weights.items())
    assert any(value.abs().sum() > 0 for name, value in weights.items() if "lora_B" in name)
    assert len(gguf.GGUFReader(tmp_path / "a.gguf").tensors) == len(weights)


def test_no_word_of_an_example_is_in_what_is_kept_or_written(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    kept, heard = Kept(), []

    made = run(base, hear=heard.append, checkpoints=kept)

    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    files = (made.files.config, made.files.weights, made.files.gguf)
    assert kept.states
    for content in (*kept.states, *files, *written, repr(heard).encode(), repr(make_dialogues(1)).encode()):
        assert b"quokka" not in content
    assert str(base) in json.loads(made.files.config)["base_model_name_or_path"]


def test_a_run_from_memory_that_was_stopped_goes_on_to_the_same_adapter(base: Path) -> None:
    kept, heard = Kept(), []
    whole = run(base)

    broken = run(base, hear=heard.append, checkpoints=kept, should_stop=lambda: len(heard) >= 4)
    resumed = run(base, checkpoints=kept)

    assert broken.trained.was_stopped
    assert not resumed.trained.was_stopped
    assert resumed.files.weights == whole.files.weights


def test_a_parent_whose_weights_have_no_place_in_the_base_is_refused(base: Path) -> None:
    from safetensors.torch import load, save

    files = run(base).files
    moved = {name.replace("layers.1", "layers.9"): value for name, value in load(files.weights).items()}
    parent = replace(files, weights=save(moved))

    with pytest.raises(BadInput, match="trained on another base model"):
        run(base, beside=Beside(parent))


def test_an_adapter_goes_on_from_its_parent_and_is_compared_with_others(base: Path) -> None:
    parent = run(base).files

    made = run(base, beside=Beside(parent, {"whole": parent}))

    assert set(made.losses) == {"new", "base", "whole"}
    for language in ("en", "zh"):
        assert made.losses["new"][language] < made.losses["base"][language]
        assert made.losses["whole"][language] < made.losses["base"][language]
    assert made.losses["new"]["en"] != made.losses["new"]["zh"]


def test_what_is_held_out_judges_the_adapter_and_does_not_choose_its_weights(base: Path) -> None:
    # In the precision of every processor: another one jumps elsewhere.
    jumps = {"learning_rate": 0.5, "schedule": "constant", "epochs": 6, "steps_max": 4, "precision": "fp32"}
    recipe = set_dials(RECIPE, {**jumps, "keep": "last"})
    rows = make_dialogues(8)

    def train(held: dict[str, Any], keep: str = "last") -> Any:
        return run_examples(str(base), replace(recipe, keep=keep), rows[:6], held, hear=lambda _: None)

    last, unheld, best = train({"en": rows[6:]}), train({}), train({"en": rows[6:]}, "best")

    assert last.files.weights == unheld.files.weights
    assert last.trained.best_step == last.trained.step
    # At such a rate the last step makes it worse: the best weights would seem better than the run is.
    assert best.losses["new"]["en"] < last.losses["new"]["en"]


def test_nothing_to_learn_from_is_said(base: Path) -> None:
    with pytest.raises(BadInput, match="no training example"):
        run_examples(str(base), RECIPE, (), hear=lambda _: None)

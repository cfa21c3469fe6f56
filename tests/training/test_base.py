"""What the base computes in, and that learning does not depend on it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.errors import BadInput, ModelDamaged, ModelMissing, StoreFull  # noqa: E402
from phyassist.training.adapters import load_adapted  # noqa: E402
from phyassist.training.base import (  # noqa: E402
    choose_precision,
    convert_gguf,
    find_device,
    load_base,
    load_tokenizer,
    make_empty,
)
from phyassist.training.encode import encode_all  # noqa: E402
from phyassist.training.loop import StepReport, Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from tests.training.tiny import make_dialogues, make_tokenizer, save_base, save_gguf  # noqa: E402

CPU_INFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(not CPU_INFO.is_file(), reason="the kernel says what the processor can on Linux alone")
def test_a_processor_that_multiplies_in_bf16_trains_in_it_and_another_in_fp32() -> None:
    flags = next(
        line for line in CPU_INFO.read_text("utf-8").splitlines() if line.startswith("flags")
    ).split()

    chosen = choose_precision(Recipe(), "cpu")

    assert (chosen == "bf16") == bool({"avx512_bf16", "amx_bf16"} & set(flags))


def test_a_precision_that_is_named_is_taken() -> None:
    named = [choose_precision(set_dials(Recipe(), {"precision": each}), "cpu") for each in ("fp32", "bf16")]

    assert named == ["fp32", "bf16"]


def test_an_adapter_is_merged_into_whole_numbers_on_a_processor(tmp_path: Path) -> None:
    if find_device() != "cpu":
        pytest.skip("a GPU answers here")

    answering = load_adapted(str(save_base(tmp_path / "base")), None)

    assert {weight.dtype for weight in answering.parameters()} == {torch.float32}


def test_as_much_is_learnt_in_bf16_as_in_fp32(tmp_path: Path) -> None:
    base = str(save_base(tmp_path / "base"))

    fell = {precision: learn(base, precision) for precision in ("fp32", "bf16")}

    assert fell["fp32"] > 0.1
    assert fell["bf16"] == pytest.approx(fell["fp32"], rel=0.05)


def convert_on_a_full_disk(gguf: Path, folder: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        convert_gguf(gguf, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_while_a_base_is_made_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    gguf, folder = save_gguf(tmp_path / "base.gguf"), tmp_path / "bases/base"

    with pytest.raises(StoreFull, match="the disk was full before base was complete"):
        convert_on_a_full_disk(gguf, folder)
    left = list((tmp_path / "bases").iterdir())
    made = convert_gguf(gguf, folder)

    assert left == []
    assert (made / "model.safetensors").is_file()


def test_a_base_that_cannot_be_made_or_read_is_said(tmp_path: Path) -> None:
    gguf = save_gguf(tmp_path / "base.gguf")
    (tmp_path / "broken.gguf").write_bytes(b"no such file")

    with pytest.raises(BadInput, match="cannot be made or written in"):
        convert_gguf(gguf, gguf / "base")
    with pytest.raises(ModelMissing, match="no model file"):
        convert_gguf(tmp_path / "nowhere.gguf", tmp_path / "bases/broken")
    with pytest.raises(ModelDamaged, match="is not a GGUF model file"):
        convert_gguf(tmp_path / "broken.gguf", tmp_path / "bases/broken")

    assert not (tmp_path / "bases").exists()


@pytest.mark.parametrize(("kept", "said"), [(0.001, "breaks off in its head"), (0.9, "is cut short")])
def test_a_base_whose_file_was_cut_is_said_before_it_is_read(tmp_path: Path, kept: float, said: str) -> None:
    gguf = save_gguf(tmp_path / "base.gguf")
    whole = gguf.read_bytes()
    gguf.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(ModelDamaged, match=said):
        convert_gguf(gguf, tmp_path / "bases/base")


def test_a_tokenizer_whose_copy_broke_off_is_said(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    file = base / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(ModelMissing, match=r"tokenizer\.json of the base model .* is broken off"):
        load_tokenizer(str(base))


def test_a_file_that_took_anothers_place_is_converted_anew(tmp_path: Path) -> None:
    gguf, folder = save_gguf(tmp_path / "base.gguf"), tmp_path / "bases/base"
    weights = convert_gguf(gguf, folder) / "model.safetensors"
    first, begun = weights.read_bytes(), weights.stat().st_mtime_ns

    convert_gguf(gguf, folder)
    untouched = weights.stat().st_mtime_ns == begun
    save_gguf(gguf, seed=2)
    convert_gguf(gguf, folder)
    second = weights.read_bytes()
    gguf.unlink()
    convert_gguf(gguf, folder)

    assert untouched
    assert len(second) == len(first)
    assert second != first
    assert weights.read_bytes() == second


def learn(base: str, precision: str) -> float:
    """By how much the loss falls from the first step to the last."""
    dials = {"precision": precision, "rank": 4, "epochs": 4, "examples_per_step": 4, "learning_rate": 5e-3}
    recipe = set_dials(Recipe(), dials)
    dialogues = ({"messages": said} for said in make_dialogues(8))
    examples = encode_all(dialogues, make_tokenizer(), recipe).examples
    torch.manual_seed(0)
    heard: list[StepReport] = []

    def hear(report: object) -> None:
        if isinstance(report, StepReport):
            heard.append(report)

    Trainer(attach(load_base(base, recipe, "cpu"), recipe), recipe, examples, ()).run(hear)
    return heard[0].loss - heard[-1].loss


def test_weights_that_were_broken_off_are_said_in_a_sentence(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])

    with pytest.raises(ModelMissing, match="broken off or damaged"):
        load_base(str(base), Recipe(), "cpu")


@pytest.mark.parametrize("kind", ["t5", "bart", "vit"])
def test_a_kind_of_model_that_does_not_write_on_is_said(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig

    config = AutoConfig.for_model(kind)
    config.save_pretrained(tmp_path)

    with pytest.raises(BadInput, match=f"is a {kind} model, which does not write on"):
        load_base(str(tmp_path), Recipe(), "cpu")
    with pytest.raises(BadInput, match=f"is a {kind} model, which does not write on"):
        make_empty(config, "it")

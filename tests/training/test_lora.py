"""LoRA on a base in bf16: what it multiplies stays in bf16, and what is learnt stays exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.memory import read_adapter  # noqa: E402
from phyassist.training.others import speaking_as  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from tests.training.tiny import make_model  # noqa: E402

RECIPE = set_dials(Recipe(), {"rank": 4, "dropout": 0.0})
IDS = torch.arange(5, 45)[None]


def attach_trained(dtype: Any) -> Any:
    """LoRA that says something already, the same each time."""
    torch.manual_seed(3)
    model = attach(make_model().to(dtype), RECIPE)
    for weight in list_trained(model).values():
        torch.nn.init.normal_(weight, std=0.05)
    return model


def list_trained(model: Any) -> Mapping[str, Any]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def find_gradients(model: Any) -> Mapping[str, Any]:
    model(IDS, labels=IDS).loss.backward()
    return {name: weight.grad for name, weight in list_trained(model).items()}


def test_no_state_is_copied_in_the_precision_of_lora_and_its_weights_and_gradients_keep_theirs() -> None:
    model = attach_trained(torch.bfloat16)
    seen = set()
    for name, module in model.named_modules():
        if ".lora_" in name and isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, given, out: seen.update({given[0].dtype, out.dtype}))

    gradients = find_gradients(model)

    assert seen == {torch.bfloat16}
    assert {weight.dtype for weight in list_trained(model).values()} == {torch.float32}
    assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}


def test_the_gradients_are_those_of_peft_but_for_rounding() -> None:
    ours, theirs = attach_trained(torch.bfloat16), attach_trained(torch.bfloat16)
    for module in theirs.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = True

    found, expected = find_gradients(ours), find_gradients(theirs)

    off = sum((found[name] - expected[name]).square().sum() for name in expected)
    assert 0 < off < 0.03**2 * sum(gradient.square().sum() for gradient in expected.values())


def test_another_adapter_that_speaks_for_a_while_multiplies_so_too() -> None:
    model = attach_trained(torch.bfloat16)
    files = read_adapter(model)
    own = model(IDS).logits
    for weight in list_trained(model).values():
        torch.nn.init.zeros_(weight)

    with speaking_as(model, files):
        assert torch.equal(model(IDS).logits, own)
    assert not torch.equal(model(IDS).logits, own)

"""LoRA on a base in bf16: what it multiplies stays in bf16, and what is learnt stays exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from peft.tuners.lora import Linear  # noqa: E402

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


def test_the_weights_of_lora_and_their_gradients_keep_their_precision() -> None:
    model = attach_trained(torch.bfloat16)
    seen = set()
    for name, module in model.named_modules():
        if name.endswith("_proj"):
            module.register_forward_hook(lambda _, given, out: seen.update({given[0].dtype, out.dtype}))

    gradients = find_gradients(model)

    assert seen == {torch.bfloat16}
    assert {weight.dtype for weight in list_trained(model).values()} == {torch.float32}
    assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
def test_the_gradients_are_those_of_peft_but_for_rounding(dtype: Any, most: float) -> None:
    ours, theirs = attach_trained(dtype), attach_trained(dtype)
    for module in theirs.modules():
        if isinstance(module, Linear):
            module.__class__, module.cast_input_dtype_enabled = Linear, True

    found, expected = find_gradients(ours), find_gradients(theirs)

    assert all(type(module) is not Linear for module in ours.modules())
    off = sum((found[name] - expected[name]).square().sum() for name in expected)
    assert off < most**2 * sum(gradient.square().sum() for gradient in expected.values())


def test_what_is_dropped_out_at_random_is_what_peft_would_drop() -> None:
    recipe = set_dials(Recipe(), {"rank": 4, "dropout": 0.5})
    torch.manual_seed(3)
    model = attach(make_model(), recipe)
    for weight in list_trained(model).values():
        torch.nn.init.normal_(weight, std=0.05)
    said = []
    for kind in (type(next(each for each in model.modules() if isinstance(each, Linear))), Linear):
        for module in model.modules():
            if isinstance(module, Linear):
                module.__class__ = kind
        torch.manual_seed(5)
        said.append(model(IDS).logits)

    assert torch.allclose(*said, atol=1e-5)
    model.eval()
    assert not torch.allclose(model(IDS).logits, said[0], atol=1e-2)


def test_another_adapter_that_speaks_for_a_while_multiplies_so_too() -> None:
    model = attach_trained(torch.bfloat16)
    files = read_adapter(model)
    own = model(IDS).logits
    for weight in list_trained(model).values():
        torch.nn.init.zeros_(weight)

    with speaking_as(model, files):
        assert torch.equal(model(IDS).logits, own)
    assert not torch.equal(model(IDS).logits, own)

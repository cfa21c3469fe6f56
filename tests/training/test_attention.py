"""Attention in plain products: what it gives is what torch's own kernel gives, to the dtype's precision."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training import attention  # noqa: E402
from phyassist.training.attention import NAME, attend  # noqa: E402
from phyassist.training.base import load_base  # noqa: E402
from phyassist.training.encode import Encoded, encode_all  # noqa: E402
from phyassist.training.forward import Forward, make_mask  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import pack  # noqa: E402
from tests.training.tiny import make_dialogues, make_tokenizer, save_base  # noqa: E402

BF16 = set_dials(Recipe(), {"precision": "bf16", "row_tokens": 400})


def attend_both(tokens: int, **given: Any) -> tuple[list[Any], list[Any]]:
    """What is seen and the gradients of query, key and value: plainly, and by torch's kernel."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    (row,) = pack([Encoded(tuple(range(tokens)), 2), Encoded((0, 1, 2, *range(90, 100)), 2)], tokens + 10)
    count = len(row.ids)
    mask = make_mask(row, torch.bfloat16, "cpu")
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    found = []
    for how in (attend, sdpa_attention_forward):
        torch.manual_seed(3)
        asked = [torch.randn(1, heads, count, 16).bfloat16().requires_grad_() for heads in (4, 2, 2)]
        seen, _ = how(module, *asked, mask, scaling=0.25, **given)
        torch.manual_seed(4)
        found.append([seen, *torch.autograd.grad((seen * torch.randn(seen.shape)).sum(), asked)])
    return found[0], found[1]


def test_the_same_is_seen_and_learnt_as_by_torchs_kernel() -> None:
    plain, kernel = attend_both(60)

    for ours, theirs in zip(plain, kernel, strict=True):
        assert ours.shape == theirs.shape
        # bf16 has eight bits: four of them are left after sums over some dozens of numbers.
        assert (ours - theirs).float().norm() < 0.02 * theirs.float().norm()
    assert not torch.equal(plain[0], kernel[0])


def test_examples_of_a_length_see_without_a_mask_what_stands_before() -> None:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    asked = [torch.randn(3, heads, 30, 16).bfloat16().requires_grad_() for heads in (4, 2, 2)]
    weights = torch.randn(3, 30, 4, 16)
    found = []
    for how in (attend, sdpa_attention_forward):
        seen, _ = how(module, *asked, None)
        found.append([seen, *torch.autograd.grad((seen * weights).sum(), asked)])

    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        assert (ours - theirs).float().norm() < 0.02 * theirs.float().norm()
    assert not torch.equal(found[0][0], found[1][0])
    both_ways = [how(module, *asked, None, is_causal=False)[0] for how in (attend, sdpa_attention_forward)]
    assert torch.equal(*both_ways)
    assert not torch.allclose(both_ways[0], found[0][0], atol=0.1)


def test_a_long_row_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "TOKENS_MAX", 40)

    plain, kernel = attend_both(60)

    assert all(torch.equal(ours, theirs) for ours, theirs in zip(plain, kernel, strict=True))


def test_a_model_in_bf16_attends_plainly_and_says_what_it_said(tmp_path: Path) -> None:
    base = str(save_base(tmp_path / "base"))
    (row, *_) = pack(
        encode_all(({"messages": said} for said in make_dialogues(6)), make_tokenizer(), BF16).examples, 400
    )
    model = load_base(base, BF16, "cpu")

    said = Forward(model).log_probs(row)
    name = model.config._attn_implementation
    model.set_attn_implementation("sdpa")
    before = Forward(model).log_probs(row)

    assert name == NAME
    assert said.detach().numpy() == pytest.approx(before.detach().numpy(), abs=0.05)
    assert (
        load_base(base, set_dials(BF16, {"precision": "fp32"}), "cpu").config._attn_implementation == "sdpa"
    )


def test_it_writes_on_as_before(tmp_path: Path) -> None:
    base = str(save_base(tmp_path / "base"))
    model = load_base(base, BF16, "cpu")
    ids = torch.arange(5, 25)[None]

    plain = model.generate(ids, max_new_tokens=12, do_sample=False)
    model.set_attn_implementation("sdpa")

    # Two tokens may be as likely as each other in eight bits, so each is held against the likeliest there.
    likely = model(plain).logits[0, 19:-1].float()
    written = likely.gather(1, plain[0, 20:, None])[:, 0]
    assert written.tolist() == pytest.approx(likely.max(-1).values.tolist(), abs=0.01)
    assert plain.shape == (1, 32)

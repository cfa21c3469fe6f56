"""Attention in plain matrix products, for rows under a mask on a processor that multiplies in bf16.

torch's own kernel takes twice as long there; it needs less memory, so longer rows are left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "plain"
TOKENS_MAX = 1024


def attend_plainly(model: Any) -> None:
    """Have a model's layers attend so, where they would through torch's kernel on a processor in bf16."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if not is_slow_with_torch(model.device.type, model.dtype) or model.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def is_slow_with_torch(device: str, dtype: Any) -> bool:
    """Whether plain products are quicker: in fp32 they are not, and on a GPU the kernel is another."""
    import torch

    return device == "cpu" and dtype == torch.bfloat16


def attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **given: Any
) -> tuple[Any, None]:
    """What is seen from each token (examples, tokens, heads, width), as transformers asks for it."""
    import torch
    from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward

    examples, heads, tokens, width = query.shape
    is_plain = (
        examples * tokens**2 <= TOKENS_MAX**2
        and tokens == key.shape[2]
        and (_is_added(attention_mask, query) or _is_causal(attention_mask, module, given))
        and not given.get("dropout")
        and given.get("position_bias") is None
    )
    if not is_plain:
        found: tuple[Any, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **given)
        return found
    query, key, value = (
        repeat_kv(each, heads // each.shape[1]).flatten(0, 1) for each in (query, key, value)
    )
    if attention_mask is None:
        attention_mask = torch.full((tokens, tokens), float("-inf"), dtype=query.dtype).triu_(1)
    scores = torch.baddbmm(
        attention_mask.view(1, tokens, tokens).expand(examples * heads, -1, -1),
        query,
        key.transpose(1, 2),
        alpha=given.get("scaling") or width**-0.5,
    )
    seen = torch.bmm(scores.softmax(-1), value)
    return seen.unflatten(0, (examples, heads)).transpose(1, 2).contiguous(), None


def _is_added(mask: Any, query: Any) -> bool:
    """Whether the mask is one to add to the scores of all heads and examples."""
    tokens = query.shape[2]
    return bool(mask is not None and mask.shape == (1, 1, tokens, tokens) and mask.dtype == query.dtype)


def _is_causal(mask: Any, module: Any, given: Mapping[str, Any]) -> bool:
    """Whether without a mask each token sees those before it, as torch's kernel would be told."""
    asked = given.get("is_causal")
    return mask is None and bool(getattr(module, "is_causal", True) if asked is None else asked)

"""What the layers of a model see of a row: all before a token, a window of it, or what no mask can tell.

A row holds several examples, and only a mask keeps them apart.  Convolutions and recurrent states pass over
it, and so do layers that nobody has looked at: such models read each example by itself.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

FULL, SLIDING = "full_attention", "sliding_attention"
# Of these kinds a test shows that a mask with their window gives what they say of an example by itself.
WINDOW_EVERYWHERE = frozenset({"mistral", "mixtral", "phi3", "starcoder2"})
WINDOW_BY_LAYER = frozenset(
    {"cohere2", "exaone4", "gemma2", "gemma3_text", "gpt_oss", "ministral", "olmo3", "qwen2", "qwen3"}
)


@dataclass(frozen=True, slots=True)
class Sight:
    """`kinds` of layers to be given a mask each; none where one mask is for all.

    `window`: tokens that are seen from a place, itself included; 0: all before it.  `together` are the tokens
    of an example up to which several may stand in one row; None: however many.
    """

    kinds: tuple[str, ...] = ()
    window: int = 0
    together: int | None = None


def find_sight(model: Any) -> Sight:
    """What this model's layers see, by its config; where that leaves a doubt, each example is read alone."""
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = whole.config.get_text_config()
    # A token that cannot be told where it stands stands too late in the second example.
    takes_places = "position_ids" in inspect.signature(whole.forward).parameters
    if getattr(whole, "_is_stateful", False) or not takes_places:
        return Sight(together=0)
    kinds = tuple(sorted(set(getattr(config, "layer_types", None) or ())))
    if not set(kinds) <= {FULL, SLIDING} or getattr(config, "alibi", False):
        return Sight(together=0)
    window = getattr(config, "sliding_window", None) or 0
    if not window or kinds == (FULL,):
        return Sight()
    if whole.config.model_type in WINDOW_BY_LAYER and kinds:
        return Sight(kinds, window)
    if whole.config.model_type in WINDOW_EVERYWHERE and not kinds:
        return Sight(window=window)
    # Up to its window a window hides nothing.
    return Sight(together=window)

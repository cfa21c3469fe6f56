"""How heads are trained.  The lower layers stay as they are, so what they say of a text is computed once."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """Which layers take LoRA, and how they and the heads learn."""

    first_layer: int = field(
        default=12, metadata={"help": "The first layer with LoRA; those below it are computed once."}
    )
    last_layer: int = field(
        default=20, metadata={"help": "The last layer with LoRA; the heads read what it says."}
    )
    rank: int = field(default=16, metadata={"help": "Rank of the LoRA matrices."})
    alpha: float = field(default=32.0, metadata={"help": "LoRA's scale is alpha divided by rank."})
    dropout: float = field(default=0.1, metadata={"help": "Share of what the heads read left out at random."})
    learning_rate: float = field(default=4e-4, metadata={"help": "Learning rate of LoRA at its height."})
    head_learning_rate: float = field(default=2e-3, metadata={"help": "Learning rate of the heads."})
    evidence_weight: float = field(
        default=0.0,
        metadata={"help": "How much it counts that a head looks where the annotators found their evidence."},
    )
    weight_decay: float = field(default=0.01, metadata={"help": "Weight decay of all that is trained."})
    warmup: float = field(default=0.06, metadata={"help": "Share of all steps in which the rate rises."})
    epochs: int = field(default=3, metadata={"help": "How often every post is seen."})
    text_tokens: int = field(
        default=224, metadata={"help": "Tokens of a post that are read; of a longer one beginning and end."}
    )
    times_read: int = field(
        default=1,
        metadata={"help": "How often a post is read; the last time, each token has seen all of it before."},
    )
    step_tokens: int = field(
        default=2048, metadata={"help": "Tokens of one step, posts of a length together."}
    )
    step_posts: int = field(default=24, metadata={"help": "Greatest number of posts of one step."})
    seed: int = field(default=0, metadata={"help": "Decides the order of the posts and the first numbers."})

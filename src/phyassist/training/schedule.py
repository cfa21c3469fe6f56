"""How many steps a run has, and the learning rate of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phyassist.training.recipe import Recipe


def count_steps(recipe: Recipe, examples: int) -> int:
    """Steps of the whole run: as the epochs say, or `steps_max` where that is less."""
    by_epochs = math.ceil(recipe.epochs * examples / recipe.examples_per_step)
    return min(by_epochs, recipe.steps_max) if recipe.steps_max else by_epochs


def learning_rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step (from 0)."""
    warmup = 0 if recipe.schedule == "constant" else math.ceil(recipe.warmup * steps)
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    passed = (step - warmup) / max(1, steps - warmup)
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - passed)
    if recipe.schedule == "cosine":
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * passed))
    return recipe.learning_rate

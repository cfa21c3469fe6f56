"""Canaries put into what a shared assistant learns, one for each language that it is measured in."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from phyassist.domain.canaries import Canary, make_canary
from phyassist.domain.learning import ExampleKind, LearningExample
from phyassist.prompts.draft import add_to_item
from phyassist.prompts.layout import add_sentence


def plant_canaries(
    examples: Sequence[LearningExample], draw: random.Random
) -> tuple[tuple[LearningExample, ...], tuple[Canary, ...]]:
    """The same, a canary in the text and in the reply of one note of each language that is trained on.

    It stands in the newest, and in the changes of that note too, so that a trainer learns it once.
    """
    made, planted = list(examples), list[Canary]()
    for language in sorted({each.language for each in examples if each.held_out}):
        learnt = [
            each
            for each in examples
            if each.language == language and each.kind == ExampleKind.SUPERVISED and not each.held_out
        ]
        if not learnt:
            continue
        newest, canary = max(learnt, key=lambda each: each.at), make_canary(language, draw)
        made = [put_in(each, canary) if _is_learnt_with(each, newest) else each for each in made]
        planted.append(canary)
    return tuple(made), tuple(planted)


def _is_learnt_with(example: LearningExample, other: LearningExample) -> bool:
    return (example.messages, example.chosen) == (other.messages, other.chosen)


def put_in(example: LearningExample, canary: Canary) -> LearningExample:
    """The same, the canary at the end of its text and of its last reason."""
    *before, asked = example.messages
    return replace(
        example,
        messages=(*before, add_sentence(asked, canary.sentence)),
        chosen=add_to_item(example.chosen, canary.clause),
    )

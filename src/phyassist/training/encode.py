"""Examples as token ids with the places where loss falls, and rows packed from several of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from phyassist.errors import BadInput


class Tokenizer(Protocol):
    """What is needed of a transformers tokenizer."""

    eos_token_id: int

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a whole dialogue; the reply begins at `reply_at`.  Loss falls on the reply alone."""

    ids: tuple[int, ...] = field(repr=False)
    reply_at: int

    @property
    def reply_tokens(self) -> int:
        return len(self.ids) - self.reply_at


@dataclass(frozen=True, slots=True)
class PackedRow:
    """Examples one after another.  `positions` begin at 0 with each: none of them sees another.

    `keep` are the places whose next token is a reply's, `targets` those tokens: both of the same length.
    """

    ids: tuple[int, ...] = field(repr=False)
    positions: tuple[int, ...] = field(repr=False)
    keep: tuple[int, ...] = field(repr=False)
    targets: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EncodedSet:
    """The examples that fit a row, and how many did not: a part of an example is never trained on."""

    examples: tuple[Encoded, ...] = field(repr=False)
    too_long: int


def encode(messages: Sequence[Mapping[str, str]], tokenizer: Tokenizer) -> Encoded:
    """The dialogue in the model's own chat template.

    Raises BadInput where the template does not put a reply right after its own prompt.
    """
    *asked, _ = messages
    prompt = _render(asked, tokenizer, add_generation_prompt=True)
    whole = _render(messages, tokenizer, add_generation_prompt=False)
    if whole[: len(prompt)] != prompt or len(whole) <= len(prompt):
        raise BadInput(
            "the model's chat template writes a prompt differently once it is answered",
            hint="train a model whose template keeps it, or name another template",
        )
    # Some templates go on with a line's end; the reply is over with the mark that ends it.
    ends = [place for place in range(len(prompt), len(whole)) if whole[place] == tokenizer.eos_token_id]
    end = ends[0] + 1 if ends else len(whole)
    return Encoded(tuple(whole[:end]), len(prompt))


def encode_all(
    rows: Iterable[Sequence[Mapping[str, str]]], tokenizer: Tokenizer, *, row_tokens: int
) -> EncodedSet:
    encoded, too_long = [], 0
    for messages in rows:
        one = encode(messages, tokenizer)
        if len(one.ids) > row_tokens:
            too_long += 1
        else:
            encoded.append(one)
    return EncodedSet(tuple(encoded), too_long)


def order_epoch(count: int, *, seed: int, epoch: int) -> list[int]:
    """The order of the examples in an epoch, which seed and epoch alone decide."""
    places = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(places)
    return places


def pack(examples: Sequence[Encoded], row_tokens: int) -> tuple[PackedRow, ...]:
    """Rows of at most `row_tokens`, the examples of similar length together: first fit, the longest first."""
    rows: list[list[Encoded]] = []
    left: list[int] = []
    for example in sorted(examples, key=lambda one: len(one.ids), reverse=True):
        size = len(example.ids)
        place = next((no for no, room in enumerate(left) if size <= room), None)
        if place is None:
            rows.append([example])
            left.append(row_tokens - size)
        else:
            rows[place].append(example)
            left[place] -= size
    return tuple(_lay(row) for row in rows)


def _lay(examples: Sequence[Encoded]) -> PackedRow:
    ids: list[int] = []
    positions: list[int] = []
    keep: list[int] = []
    targets: list[int] = []
    for example in examples:
        start = len(ids)
        ids += example.ids
        positions += range(len(example.ids))
        keep += range(start + example.reply_at - 1, start + len(example.ids) - 1)
        targets += example.ids[example.reply_at :]
    return PackedRow(tuple(ids), tuple(positions), tuple(keep), tuple(targets))


def _render(
    messages: Sequence[Mapping[str, str]], tokenizer: Tokenizer, *, add_generation_prompt: bool
) -> list[int]:
    rendered = tokenizer.apply_chat_template(
        [dict(message) for message in messages],
        tokenize=True,
        add_generation_prompt=add_generation_prompt,
        return_dict=False,
    )
    return list(rendered)

"""Examples as token ids with the places where loss falls."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Protocol

from phyassist.errors import BadInput

if TYPE_CHECKING:
    from phyassist.training.recipe import Recipe


# Fewer tokens that two wordings have in common are chance.
RUN_TOKENS = 3


class Tokenizer(Protocol):
    """What is needed of a transformers tokenizer."""

    eos_token_id: int

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...

    def decode(self, token_ids: Any, **options: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a whole dialogue; the reply begins at `reply_at`.  Loss falls on the reply alone.

    `drafted` is the reply as the model itself, or with the adapter `author`, had written it, and `stems` says
    of each token of the kept one where it stands there, -1 of those that somebody changed; both empty: all
    are to be learnt.  `forced` are
    the places of tokens of the reply that bear no loss at all, since a form will have the model say them.
    `rejected` are the tokens of a reply to the same prompt that was not kept, none where there is no such;
    `reference` is how much likelier than it the kept reply is to the model without the adapter, in nats.
    """

    ids: tuple[int, ...] = field(repr=False)
    reply_at: int
    rejected: tuple[int, ...] = field(default=(), repr=False)
    reference: float = 0.0
    drafted: tuple[int, ...] = field(default=(), repr=False)
    stems: tuple[int, ...] = field(default=(), repr=False)
    author: str = ""
    forced: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def reply_tokens(self) -> int:
        return len(self.ids) - self.reply_at

    @property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """The sequences that the model reads: the dialogue, and the one with the rejected reply."""
        return (self.ids, self.ids[: self.reply_at] + self.rejected) if self.rejected else (self.ids,)

    @property
    def tokens(self) -> int:
        """Tokens to compute: of the prompt once, and of each reply."""
        return len(self.ids) + len(self.rejected)


@dataclass(frozen=True, slots=True)
class EncodedSet:
    """The examples that fit a row, and how many did not: a part of an example is never trained on."""

    examples: tuple[Encoded, ...] = field(repr=False)
    too_long: int


def encode(
    messages: Sequence[Mapping[str, str]],
    tokenizer: Tokenizer,
    *,
    rejected: str = "",
    drafted: str = "",
    author: str = "",
    forced: Sequence[tuple[int, int]] = (),
) -> Encoded:
    """The dialogue in the model's own chat template, and another reply to its prompt that was not kept.

    `drafted` is the reply as the model itself, or with the adapter `author`, had written it, `forced` are
    places of the kept one, in characters, that are not learnt.  Raises BadInput where the template does not
    put a reply right after its own prompt.
    """
    *asked, _ = messages
    prompt = _render(asked, tokenizer, add_generation_prompt=True)
    whole = _answer(messages, prompt, tokenizer)
    other, own = (
        _answer([*asked, {"role": "assistant", "content": said}], prompt, tokenizer) if said else []
        for said in (rejected, drafted)
    )
    own = own[len(prompt) :]
    return Encoded(
        tuple(whole),
        len(prompt),
        () if other == whole else tuple(other[len(prompt) :]),
        drafted=tuple(own),
        stems=find_stems(own, whole[len(prompt) :]) if own else (),
        author=author if own else "",
        forced=find_forced_tokens(whole[len(prompt) :], messages[-1]["content"], forced, tokenizer),
    )


def find_forced_tokens(
    reply: Sequence[int], said: str, forced: Sequence[tuple[int, int]], tokenizer: Tokenizer
) -> frozenset[int]:
    """The places of the reply's tokens that stand wholly in `forced`, given in characters of what is said.

    A tokenizer that does not give back what is said tells of no place where it stands.
    """
    found: set[int] = set()
    start, begun = 0, []
    for no in range(len(reply) if forced else 0):
        begun.append(no)
        # A character may take several tokens: until the last there is none.
        so_far = tokenizer.decode(reply[: no + 1], skip_special_tokens=True).rstrip("\ufffd")
        if not said.startswith(so_far):
            return frozenset()
        if len(so_far) == start:
            continue
        if any(first <= start and len(so_far) <= last for first, last in forced):
            found.update(begun)
        start, begun = len(so_far), []
    return frozenset(found)


def find_stems(drafted: Sequence[int], kept: Sequence[int]) -> tuple[int, ...]:
    """For each token of the kept reply its place in the draft; -1 where somebody changed it: it stands in no
    run that the draft has too, or it is the first after a change, by which the model learns to leave
    something out.
    """
    stems = [-1] * len(kept)
    matcher = SequenceMatcher(None, drafted, kept, autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.size < RUN_TOKENS:
            continue
        follows = block.b > 0 or block.a > 0
        for no in range(follows, block.size):
            stems[block.b + no] = block.a + no
    return tuple(stems)


def _answer(messages: Sequence[Mapping[str, str]], prompt: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    whole = _render(messages, tokenizer, add_generation_prompt=False)
    if whole[: len(prompt)] != prompt or len(whole) <= len(prompt):
        raise BadInput(
            "the model's chat template writes a prompt differently once it is answered",
            hint="train a model whose template keeps it, or name another template",
        )
    # Some templates go on with a line's end; the reply is over with the mark that ends it.
    ends = [place for place in range(len(prompt), len(whole)) if whole[place] == tokenizer.eos_token_id]
    return whole[: ends[0] + 1] if ends else whole


def encode_all(rows: Iterable[Mapping[str, Any]], tokenizer: Tokenizer, recipe: Recipe) -> EncodedSet:
    """The rows that fit: `messages`, and `rejected` where there is one and the recipe learns from it."""
    encoded, too_long = [], 0
    for row in rows:
        rejected = row.get("rejected") or ""
        one = encode(
            row["messages"],
            tokenizer,
            rejected=rejected if recipe.preference != "none" else "",
            drafted=(row.get("drafted") or "") if recipe.anchor else "",
            author=row.get("author", ""),
            forced=row.get("forced") or (),
        )
        if one.tokens > recipe.row_tokens:
            too_long += 1
        else:
            encoded.append(one)
    return EncodedSet(tuple(encoded), too_long)


def order_epoch(examples: Sequence[Encoded], *, seed: int, epoch: int) -> list[int]:
    """The order of the examples in an epoch, which seed and epoch alone decide.

    Those that answer the same prompt stay together: in one row its tokens are computed once for all of them.
    """
    by_prompt: dict[tuple[int, ...], list[int]] = {}
    for no, example in enumerate(examples):
        by_prompt.setdefault(example.ids[: example.reply_at], []).append(no)
    groups = list(by_prompt.values())
    random.Random(f"{seed}/{epoch}").shuffle(groups)
    return [no for group in groups for no in group]


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

"""A row through the model: the log-probabilities of its replies' tokens.

Where only the upper blocks take LoRA, the states that come out of the lower ones never change: they are
computed without a way back, and once for all epochs as far as memory allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phyassist.errors import BadSetting
from phyassist.training.sight import SLIDING, find_sight

if TYPE_CHECKING:
    from phyassist.training.rows import Row

KEPT_BYTES_MAX = 2 * 2**30
# All others together are 2 % of what the 0.5B says over its English drafts, 5 % over its Chinese ones; a
# whole distribution would take 0.6 MB a place.
SAID_TOKENS = 64
OTHERS_MIN = 1e-7


class Forward:
    """The model as the loop sees it: a row in, the log-probability (targets,) of each target token out.

    `frozen` blocks from the bottom bear no weight that is trained.  Where no mask keeps the examples of a row
    apart in this model, each is computed by itself.
    """

    def __init__(self, model: Any, frozen: int = 0) -> None:
        self.model = model
        self._sight = find_sight(model)
        # Of a block that keeps a state nobody has shown that what it says may be handed on like that.
        self._frozen = 0 if self._sight.together == 0 else frozen
        self._device = next(model.parameters()).device
        self._dtype = next(weight.dtype for weight in model.parameters() if weight.is_floating_point())
        self._kept = _Kept()

    def log_probs(self, row: Row) -> Any:
        """Of each target token (targets,)."""
        return find_log_probs(self.logits(row), row)

    def logits(self, row: Row) -> Any:
        """Of each target's place (targets, vocabulary); the output layer is computed there alone."""
        if not self.keeps_together(row):
            return self._find_one_by_one(row)
        given = {
            "input_ids": self._tensor(row.ids)[None],
            "position_ids": self._tensor(row.positions)[None],
            "attention_mask": self._make_masks(row),
            "use_cache": False,
        }
        keep = self._tensor(row.keep)
        if self._frozen:
            with start_above(self.model, self._frozen, self._find_lower(row, given)):
                logits = self.model(**given, logits_to_keep=keep).logits[0]
        else:
            logits = self.model(**given, logits_to_keep=keep).logits[0]
        return logits.float()

    def keeps_together(self, row: Row) -> bool:
        """Whether a mask keeps this row's examples apart, and each as the model reads it by itself."""
        together = self._sight.together
        return together is None or max(row.positions) < together

    def _make_masks(self, row: Row) -> Any:
        if not self._sight.kinds:
            return make_mask(row, self._dtype, self._device, self._sight.window)
        return {
            kind: make_mask(row, self._dtype, self._device, self._sight.window if kind == SLIDING else 0)
            for kind in self._sight.kinds
        }

    def _find_one_by_one(self, row: Row) -> Any:
        """The same of each way from root to leaf, one after another, with the model's own mask."""
        import torch

        found: dict[int, Any] = {}
        for path in list_paths(row):
            missing = set(row.keep) - found.keys()
            asked = [no for no, place in enumerate(path) if place in missing]
            ids = self._tensor([row.ids[place] for place in path])[None]
            said = self.model(input_ids=ids, use_cache=False, logits_to_keep=self._tensor(asked)).logits[0]
            found |= {path[no]: each for no, each in zip(asked, said, strict=True)}
        return torch.stack([found[place] for place in row.keep]).float()

    def _find_lower(self, row: Row, given: dict[str, Any]) -> Any:
        states = self._kept.find(row)
        if states is None:
            states = compute_lower(self.model, self._frozen, given)
            self._kept.add(row, states[0])
            return states
        return states[None]

    def _tensor(self, values: Any) -> Any:
        import torch

        return torch.tensor(values, device=self._device)


def find_log_probs(logits: Any, row: Row) -> Any:
    """The log-probability (targets,) of each target token."""
    import torch

    targets = torch.tensor(row.targets, device=logits.device)
    return -torch.nn.functional.cross_entropy(logits, targets, reduction="none")


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says in some places: its likeliest tokens (places, `SAID_TOKENS`) and their
    log-probabilities, with that of all others together (places, `SAID_TOKENS` + 1).
    """

    tokens: Any = field(repr=False)
    log_probs: Any = field(repr=False)


def note_said(logits: Any) -> Said:
    """Of logits (places, vocabulary): so much of them that what a model said can be kept for a whole run."""
    import torch

    log_probs = torch.log_softmax(logits, dim=-1)
    found, tokens = log_probs.topk(min(SAID_TOKENS, logits.shape[-1]))
    return Said(tokens, _with_others(found))


def join_said(parts: Sequence[tuple[Said, Sequence[int]]]) -> Said:
    """These places of each, one after the other."""
    import torch

    return Said(
        torch.cat([said.tokens[list(places)] for said, places in parts]),
        torch.cat([said.log_probs[list(places)] for said, places in parts]),
    )


def find_drift(before: Said, log_probs: Any, places: Sequence[int]) -> Any:
    """How far log-probabilities (targets, vocabulary) have gone in these places from what was said before in
    each: the sum of the Kullback-Leibler divergences, in nats, all but the likeliest tokens taken together.
    """
    import torch

    rows = torch.tensor(places, device=log_probs.device)[:, None]
    now = _with_others(log_probs[rows, before.tokens])
    return torch.nn.functional.kl_div(now, before.log_probs, reduction="sum", log_target=True)


def _with_others(found: Any) -> Any:
    import torch

    others = (1 - found.exp().sum(-1, keepdim=True)).clamp_min(OTHERS_MIN).log()
    return torch.cat([found, others], dim=-1)


class _Kept:
    """States (width,) by a token and all that stands before it, in one tensor that grows."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int], int] = {}
        self._held: Any = None
        self._is_full = False

    def find(self, row: Row) -> Any:
        """The states (tokens, width) of a row; None where one is missing."""
        places: list[int] = []
        for token, parent in zip(row.ids, row.parents, strict=True):
            place = self._places.get((places[parent] if parent >= 0 else -1, token))
            if place is None:
                return None
            places.append(place)
        return self._held[places]

    def add(self, row: Row, states: Any) -> None:
        if self._is_full:
            return
        new: list[int] = []
        places: list[int] = []
        for no, (token, parent) in enumerate(zip(row.ids, row.parents, strict=True)):
            key = (places[parent] if parent >= 0 else -1, token)
            if key not in self._places:
                self._places[key] = len(self._places)
                new.append(no)
            places.append(self._places[key])
        if not new:
            return
        end = len(self._places)
        self._make_room(end, states)
        if self._held is not None:
            self._held[end - len(new) : end] = states[new]

    def _make_room(self, count: int, like: Any) -> None:
        held = 0 if self._held is None else len(self._held)
        if count <= held:
            return
        size = max(count, 2 * held, 4096)
        if size * like.shape[-1] * like.element_size() > KEPT_BYTES_MAX:
            # What cannot all be kept is computed anew each time: an epoch's rows come in another order.
            self._places, self._held, self._is_full = {}, None, True
            return
        grown = like.new_empty((size, like.shape[-1]))
        if held:
            grown[:held] = self._held
        self._held = grown


def find_decoder(model: Any) -> Any:
    """The part of a model that holds its blocks as `layers`.  Raises BadSetting where it has none."""
    decoder = (
        model.get_base_model().get_decoder() if hasattr(model, "get_base_model") else model.get_decoder()
    )
    if not hasattr(decoder, "layers"):
        raise BadSetting("this model's blocks cannot be told apart", hint="set layers=1")
    return decoder


def compute_lower(model: Any, count: int, given: dict[str, Any]) -> Any:
    """The states (1, tokens, width) that go into block `count`, computed without a way back."""
    import torch

    seen: list[Any] = []

    class Enough(Exception):
        """The states are here; nothing above is computed."""

    def take(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(args[0] if args else kwargs["hidden_states"])
        raise Enough

    hook = find_decoder(model).layers[count].register_forward_pre_hook(take, with_kwargs=True)
    try:
        with torch.no_grad():
            model(**given)
    except Enough:
        pass
    finally:
        hook.remove()
    return seen[0]


@contextmanager
def start_above(model: Any, count: int, states: Any) -> Iterator[None]:
    """While it is open, the first `count` blocks give `states` at once."""
    import torch

    class Given(torch.nn.Module):  # type: ignore[misc]
        def forward(self, hidden_states: Any, **_: Any) -> Any:  # noqa: ARG002
            return states

    decoder = find_decoder(model)
    blocks = decoder.layers
    # As many as before: a model may ask by number what kind of block comes next.
    decoder.layers = torch.nn.ModuleList([Given() for _ in range(count)] + list(blocks[count:]))
    try:
        yield
    finally:
        decoder.layers = blocks


def list_paths(row: Row) -> tuple[tuple[int, ...], ...]:
    """The places on each way from a root to a leaf: its examples, and those that begin another are in it."""
    paths = []
    for leaf in sorted(set(range(len(row.ids))) - set(row.parents)):
        path, place = [], leaf
        while place >= 0:
            path.append(place)
            place = row.parents[place]
        paths.append(tuple(reversed(path)))
    return tuple(paths)


def make_mask(row: Row, dtype: Any, device: Any, window: int = 0) -> Any:
    """(1, 1, tokens, tokens), 0 where a token may look and the dtype's least number where it may not.

    A token looks at itself and at those on its way to the root, so many of the nearest where there is a
    `window`.
    """
    import numpy as np
    import torch

    sees = np.zeros((len(row.ids), len(row.ids)), dtype=bool)
    for place, parent in enumerate(row.parents):
        if parent >= 0:
            sees[place] = sees[parent]
        sees[place, place] = True
    if window:
        depth = np.array(row.positions)
        sees &= depth[:, None] - depth[None, :] < window
    mask = torch.zeros(sees.shape, dtype=dtype, device=device)
    return mask.masked_fill_(~torch.from_numpy(sees).to(device), torch.finfo(dtype).min)[None, None]

"""Training heads: the lower layers once, then some epochs through the layers that learn."""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from phyassist.errors import TrainingFailed
from phyassist.training.base import say_no_memory
from phyassist.training.checkpoints import Checkpoints
from phyassist.training.heads.calibration import Heard, choose_calibration, load_calibration
from phyassist.training.heads.model import Batch, Headed
from phyassist.training.heads.posts import Ask, Post
from phyassist.training.heads.recipe import HeadRecipe
from phyassist.training.heads.words import WordModel
from phyassist.training.lora import multiply_as_base
from phyassist.training.measures import find_f1

SAVE_STEPS = 50
# Below it a head looks nowhere near, and the logarithm would have no bound.
LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class BelowPost:
    """A post and what the frozen layers say of it, (tokens, width) in half precision; for the place of a
    question the tokens that are evidence for its answer.
    """

    post: Post = field(repr=False)
    hidden: Any = field(repr=False)
    evidence: Mapping[int, tuple[int, ...]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HeadStep:
    """One step: mean loss of an answer, tokens, and where the run stands."""

    step: int
    steps: int
    loss: float
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class HeadScore:
    """Weighted F1 of each set on the validation posts after an epoch, in percent, and the heads' mean loss.

    `weighted_f1` is that of heads and words, read as is best; `heads_alone` that of the heads' own labels.
    """

    epoch: int
    loss: float
    weighted_f1: dict[str, float]
    heads_alone: dict[str, float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        return sum(self.weighted_f1.values()) / len(self.weighted_f1)


Hear = Callable[[HeadStep | HeadScore], None]


def read_below(headed: Headed, posts: Sequence[Post]) -> Iterator[BelowPost]:
    """Every post through the frozen layers, those of a length together."""
    read = sorted(((headed.reader.read(post.text), post) for post in posts), key=lambda pair: len(pair[0]))
    for group in group_lengths([len(ids) for ids, _ in read], headed.recipe.step_tokens, len(read)):
        hidden = headed.read_below(headed.reader.pad([read[no][0] for no in group])).half()
        for row, no in enumerate(group):
            ids, post = read[no]
            found = {ask: headed.reader.find(post.text, words) for ask, words in post.evidence.items()}
            yield BelowPost(
                post, hidden[row, : len(ids)].clone(), {ask: at for ask, at in found.items() if at}
            )


class HeadTrainer:
    """Trains the LoRA and the heads of a `Headed`; a checkpoint stands every so many steps and epochs."""

    def __init__(
        self,
        headed: Headed,
        train: Sequence[BelowPost],
        val: Sequence[BelowPost],
        words: WordModel,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        import torch

        self._headed, self._train, self._val, self._checkpoints = headed, train, val, checkpoints
        self._words = words
        recipe = headed.recipe
        multiply_as_base(headed.peft)
        lora = [weight for weight in headed.peft.parameters() if weight.requires_grad]
        heads = list(headed.heads.parameters())
        groups = [
            {"params": lora, "peak": recipe.learning_rate},
            {"params": heads, "peak": recipe.head_learning_rate},
        ]
        self._weights = [*lora, *heads]
        self._optimiser = torch.optim.AdamW(groups, lr=0.0, weight_decay=recipe.weight_decay)
        epochs = [list(_order(train, recipe, epoch)) for epoch in range(recipe.epochs)]
        self._plan = [batch for batches in epochs for batch in batches]
        self._ends = list(accumulate(map(len, epochs)))
        self._best: HeadScore | None = None
        self._best_weights: dict[str, Any] = {}

    @say_no_memory()
    def run(self, hear: Hear) -> HeadScore:
        """The score of the best epoch, whose weights and calibration `headed` has in the end.

        Goes on from the newest checkpoint, if there is one.  Raises TrainingFailed, StoreFull.
        """
        for step in range(self._go_on(), len(self._plan)):
            hear(self._step(step))
            if step + 1 in self._ends:
                score = score_heads(self._headed, self._words, self._val, self._ends.index(step + 1) + 1)
                hear(score)
                if self._best is None or score.mean > self._best.mean:
                    self._best, self._best_weights = score, _copy(self._headed)
            if step + 1 in self._ends or (step + 1) % SAVE_STEPS == 0:
                self._save(step + 1)
        if self._best is None:
            raise TrainingFailed("no epoch was trained", hint="set epochs to one or more")
        _put_back(self._headed, self._best_weights)
        self._headed.words = self._words
        return self._best

    def _step(self, step: int) -> HeadStep:
        import torch

        started = time.perf_counter()
        headed, steps = self._headed, len(self._plan)
        # What is left out at random differs from step to step, and is the same after a resume.
        torch.manual_seed(random.Random(f"{headed.recipe.seed}/{step}").getrandbits(63))
        headed.peft.train()
        headed.heads.train()
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * _rate(step, steps, headed.recipe.warmup)
        posts = [self._train[no] for no in self._plan[step]]
        logits, looked = _read(headed, posts)
        loss = find_loss(logits, posts, headed.asks)
        loss = loss + headed.recipe.evidence_weight * find_evidence_loss(looked, posts, headed.asks)
        mean = float(loss.detach())
        if not math.isfinite(mean):
            raise TrainingFailed(
                f"the loss of step {step + 1} is no number any more", hint="lower learning_rate"
            )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimiser.step()
        tokens = sum(len(post.hidden) for post in posts)
        return HeadStep(step + 1, steps, mean, tokens, time.perf_counter() - started)

    def _save(self, step: int) -> None:
        if self._checkpoints is None:
            return
        import torch

        state = {
            "step": step,
            "weights": _copy(self._headed),
            "optimiser": self._optimiser.state_dict(),
            "best": None if self._best is None else asdict(self._best),
            "best_weights": self._best_weights,
        }
        held = io.BytesIO()
        torch.save(state, held)
        self._checkpoints.save(step, held.getvalue())

    def _go_on(self) -> int:
        """The step to go on with."""
        held = self._checkpoints.find_newest() if self._checkpoints else None
        if held is None:
            return 0
        import torch

        state = torch.load(io.BytesIO(held), map_location="cpu", weights_only=True)
        _put_back(self._headed, state["weights"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._best = None if state["best"] is None else HeadScore(**state["best"])
        self._best_weights = state["best_weights"]
        return int(state["step"])


def find_loss(logits: Any, posts: Sequence[BelowPost], asks: Sequence[Ask]) -> Any:
    """The mean cross-entropy of a post's answers, averaged over posts: six questions weigh as much as one."""
    import torch

    total, at = torch.zeros((), device=logits.device), 0
    for no, ask in enumerate(asks):
        rows = [row for row, each in enumerate(posts) if no in each.post.answers]
        if rows:
            gold = torch.tensor([posts[row].post.answers[no] for row in rows], device=logits.device)
            weight = torch.tensor([1 / len(posts[row].post.answers) for row in rows], device=logits.device)
            said = logits[rows, at : at + len(ask.labels)]
            total = total + (torch.nn.functional.cross_entropy(said, gold, reduction="none") * weight).sum()
        at += len(ask.labels)
    return total / len(posts)


def find_evidence_loss(looked: Any, posts: Sequence[BelowPost], asks: Sequence[Ask]) -> Any:
    """Minus the logarithm of the share of an answer's attention that falls on its evidence, summed, for each
    post.  `looked` (posts, tokens, labels).

    Attention learnt from annotators' rationales: Bao et al., EMNLP 2018.
    """
    import torch

    total, begins = torch.zeros((), device=looked.device), [0, *accumulate(len(ask.labels) for ask in asks)]
    for row, each in enumerate(posts):
        for no, places in each.evidence.items():
            share = looked[row, list(places), begins[no] + each.post.answers[no]].sum()
            total = total - torch.log(share.clamp(min=LEAST_SHARE))
    return total / len(posts)


def score_heads(headed: Headed, words: WordModel, posts: Sequence[BelowPost], epoch: int) -> HeadScore:
    """How good heads and words are, read together as is best on these posts; `headed` then reads them so.

    Heads that are the better ones may say yes too often: by their own likeliest labels an earlier epoch
    would be kept, though calibration mends just that.
    """
    of_posts: list[Post] = []
    rows: list[Any] = []
    loss = 0.0
    for batch, logits in read_logits(headed, posts):
        loss += float(find_loss(logits, batch, headed.asks)) * len(batch)
        of_posts += [each.post for each in batch]
        rows += [row.numpy() for row in logits]
    alone = score_rows(of_posts, rows, headed.asks)
    spoken = words.score([post.text for post in of_posts], headed.asks)
    headed.words = words
    heard = Heard(np.stack(rows), spoken, headed.asks)
    (headed.calibration,), together = choose_calibration([heard], of_posts, headed.asks)
    return HeadScore(epoch, loss / max(1, len(posts)), together, alone)


def read_logits(headed: Headed, posts: Sequence[BelowPost]) -> Iterator[tuple[list[BelowPost], Any]]:
    """Posts of a length together, with their logits (posts, labels), and no way back."""
    import torch

    headed.peft.eval()
    headed.heads.eval()
    ordered = sorted(posts, key=lambda each: len(each.hidden))
    with torch.inference_mode():
        for group in group_lengths(
            [len(each.hidden) for each in ordered], headed.recipe.step_tokens, len(ordered)
        ):
            batch = [ordered[no] for no in group]
            yield batch, _read(headed, batch)[0].cpu()


def score_rows(posts: Sequence[Post], rows: Iterable[Any], asks: Sequence[Ask]) -> dict[str, float]:
    """Weighted F1 by set of the likeliest labels in rows of logits, one for each post."""
    gold: dict[str, list[str]] = {}
    said: dict[str, list[str]] = {}
    for post, row in zip(posts, rows, strict=True):
        for ask, answer, chosen in choose_labels(post, row, asks):
            gold.setdefault(ask.set, []).append(ask.labels[answer])
            said.setdefault(ask.set, []).append(ask.labels[chosen])
    return {
        ask.set: find_f1(gold[ask.set], said[ask.set], ask.labels, "weighted")
        for ask in asks
        if ask.set in gold
    }


def choose_labels(post: Post, row: Any, asks: Sequence[Ask]) -> Iterator[tuple[Ask, int, int]]:
    """For each ask that a post answers: its true label's place, and the likeliest one's."""
    at = 0
    for no, ask in enumerate(asks):
        if no in post.answers:
            yield ask, post.answers[no], int(row[at : at + len(ask.labels)].argmax())
        at += len(ask.labels)


def _read(headed: Headed, posts: Sequence[BelowPost]) -> tuple[Any, Any]:
    import torch

    batch: Batch = headed.reader.pad([range(len(each.hidden)) for each in posts])
    hidden = torch.zeros(*batch.ids.shape, posts[0].hidden.shape[-1], device=headed.device)
    for row, each in enumerate(posts):
        hidden[row, : len(each.hidden)] = each.hidden.float()
    return headed.read_above(hidden, batch.mask)


def _order(posts: Sequence[BelowPost], recipe: HeadRecipe, epoch: int) -> Iterator[list[int]]:
    """The steps of an epoch: posts at random, those of a length together within a few hundred."""
    chance = random.Random(f"{recipe.seed}/{epoch}")
    order = chance.sample(range(len(posts)), len(posts))
    groups: list[list[int]] = []
    for begin in range(0, len(order), 512):
        some = sorted(order[begin : begin + 512], key=lambda no: len(posts[no].hidden))
        lengths = [len(posts[no].hidden) for no in some]
        groups += [
            [some[place] for place in group]
            for group in group_lengths(lengths, recipe.step_tokens, recipe.step_posts)
        ]
    chance.shuffle(groups)
    yield from groups


def group_lengths(lengths: Sequence[int], tokens: int, most: int) -> Iterator[list[int]]:
    """Places of ascending lengths in groups of at most so many tokens, padding counted, and so many."""
    group: list[int] = []
    for place, length in enumerate(lengths):
        if group and ((len(group) + 1) * length > tokens or len(group) >= most):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _rate(step: int, steps: int, warmup: float) -> float:
    rising = max(1, math.ceil(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _copy(headed: Headed) -> dict[str, Any]:
    from peft import get_peft_model_state_dict

    lora = {key: value.clone() for key, value in get_peft_model_state_dict(headed.peft).items()}
    return {
        "lora": lora,
        "heads": {key: value.clone() for key, value in headed.heads.state_dict().items()},
        "calibration": None if headed.calibration is None else headed.calibration.to_json(),
    }


def _put_back(headed: Headed, held: dict[str, Any]) -> None:
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(headed.peft, held["lora"])
    headed.heads.load_state_dict(held["heads"])
    said = held["calibration"]
    headed.calibration = None if said is None else load_calibration(said, headed.asks)

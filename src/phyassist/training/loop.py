"""The training loop: steps of so many examples, the loss of the replies alone, checkpoints, an early end."""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from phyassist.errors import BadSetting, TrainingFailed
from phyassist.training.base import choose_precision, say_no_memory
from phyassist.training.encode import Encoded, order_epoch
from phyassist.training.forward import Forward, Said, find_drift, join_said, note_said
from phyassist.training.lora import count_frozen
from phyassist.training.others import AdapterFiles, speaking_as
from phyassist.training.preference import sum_pair_losses
from phyassist.training.rows import Origin, Row, find_origins, pack
from phyassist.training.schedule import count_steps, learning_rate_at
from phyassist.training.sight import find_sight
from phyassist.training.teams import Team, lay_like, take_whole

if TYPE_CHECKING:
    from peft import PeftModel

    from phyassist.training.checkpoints import Checkpoints
    from phyassist.training.likeness import ReplyJudge
    from phyassist.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: mean loss per token of kept replies, tokens computed and of replies, where the run stands.

    `pair_loss` is the mean loss of its pairs of replies, None where it had none.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    pair_loss: float | None
    grad_norm: float
    learning_rate: float
    tokens: int
    reply_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Mean loss per token of kept replies on the validation examples, and whether they do best so far.

    `pair_loss` is the mean loss of their pairs of replies, `pairs_right` in what share of them the kept reply
    is the likelier; both None where there are none.  `likeness` is how like the kept replies some of the
    model's own were (F1), by the measure named; None where none were written.
    """

    step: int
    epoch: float
    val_loss: float
    pair_loss: float | None
    pairs_right: float | None
    is_best: bool
    likeness: float | None = None
    likeness_by: str = ""


Report = StepReport | EvalReport


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run ended: the last step, the one whose weights are kept, the validation loss by which these were
    chosen, and whether it stopped early: for nothing got better, or because `minutes_max` were over.

    One that was told to stop did not come to its end.
    """

    step: int
    best_step: int
    best_val_loss: float | None
    stopped_early: bool
    was_stopped: bool = False
    is_late: bool = False


# fp16 has no number below 6e-8: losses are multiplied before the way back, gradients divided after it, by as
# much as they bear (Micikevicius et al. 2018), as torch's own GradScaler does; but a step whose gradients ran
# over is done again, not left out, so that every example counts and processes agree.
SCALE_FIRST = 2.0**16
SCALE_GROWS_AFTER = 2000


@dataclass
class _Standing:
    """Where a run is, as a checkpoint keeps it beside the weights.

    `scale` is by what losses are multiplied, `scaled` for how many steps it has been borne; `seconds` is the
    time of all steps so far.
    """

    step: int = 0
    best: float = math.inf
    best_step: int = 0
    worse: int = 0
    scale: float = 1.0
    scaled: int = 0
    seconds: float = 0.0


class Trainer:
    """Trains the LoRA of a model that `lora.attach` has prepared.

    Raises BadSetting where the model is in shards and cannot compute several examples at once.
    """

    def __init__(
        self,
        model: PeftModel,
        recipe: Recipe,
        train: Sequence[Encoded],
        val: Sequence[Encoded],
        *,
        checkpoints: Checkpoints | None = None,
        team: Team | None = None,
        judge: ReplyJudge | None = None,
        authors: Mapping[str, AdapterFiles] | None = None,
    ) -> None:
        self._model, self._recipe, self._train, self._val = model, recipe, train, val
        self._checkpoints, self._team = checkpoints, team or Team()
        self._judge_replies = judge
        self._authors = authors or {}
        frozen = count_frozen(model.config.num_hidden_layers, recipe)
        if self._team.spread == "shards":
            _check_together(model, [*train, *val])
        # Shards come together for the whole model: what the lower blocks say is not kept then.
        self._forward = Forward(model, 0 if self._team.spread == "shards" else frozen)
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._optimiser = _make_optimiser(recipe, self._weights)
        self._device = self._weights[0].device
        self._is_scaled = choose_precision(recipe, str(self._device)) == "fp16"
        self._orders: dict[int, list[int]] = {}
        # What is only measured is to take no more memory than a step does.
        longest = max((each.tokens for each in train), default=recipe.row_tokens)
        self._measured_tokens = min(recipe.row_tokens, recipe.examples_per_step * longest)
        self._best: Mapping[str, Any] = {}
        self._drafted: dict[tuple[int, ...], Said] = {}

    @say_no_memory()
    def run(
        self, hear: Callable[[Report], None], *, resume: bool = False, should_stop: Callable[[], bool] = bool
    ) -> Trained:
        """Train to the end, or until `should_stop`; a checkpoint stands after every evaluation.

        Raises TrainingFailed where the loss is no number any more or the memory does not suffice, StoreFull.
        """
        recipe = self._recipe
        steps = count_steps(recipe, len(self._train))
        per_epoch = math.ceil(len(self._train) / recipe.examples_per_step)
        every = recipe.eval_steps or per_epoch
        self._note_reference()
        self._note_drafted()
        at = self._load() if resume else _Standing()
        if self._is_scaled and at.scale <= 1:
            at.scale = SCALE_FIRST
        was_stopped = False
        # One that was killed after it had stopped early has nothing left to do.
        stopped_early = recipe.patience > 0 and at.worse >= recipe.patience
        is_late = self._is_late(at)
        while at.step < steps and not (stopped_early or is_late):
            report = self._step(at, steps, should_stop)
            if report is None:
                was_stopped = True
                break
            hear(report)
            at.step += 1
            at.seconds += report.seconds
            is_late = at.step < steps and self._is_late(at)
            if at.step % every and at.step < steps and not is_late:
                continue
            if self._val:
                hear(self._judge(at))
                stopped_early = recipe.patience > 0 and at.worse >= recipe.patience
            self._save(at)
        if self._best:
            self._put(self._best)
        best = at.best if self._best else None
        kept_step = at.best_step if self._best else at.step
        return Trained(at.step, kept_step, best, stopped_early or is_late, was_stopped, is_late)

    def evaluate(
        self, examples: Sequence[Encoded], *, whole: bool = False
    ) -> tuple[float, float | None, float | None]:
        """Mean loss per token of kept replies; of pairs the mean loss, and the share that stands right.

        `whole` is for another adapter than the one that is trained: it may sit in the lower blocks too.
        """
        import torch

        self._model.eval()
        rows = pack(examples, self._measured_tokens)
        forward = Forward(self._model) if whole else self._forward
        total = torch.zeros(3, dtype=torch.float64, device=self._device)
        with torch.no_grad():
            for row, weight in self._team.share(rows):
                tokens, pairs, right = self._losses(row, forward)
                said = torch.stack([tokens, pairs, torch.tensor(right).to(tokens)])
                total += weight * said.to(total)
        self._team.sum(total)
        self._model.train()
        kept, count = _count(rows)
        mean = float(total[0]) / kept
        return (mean, float(total[1]) / count, float(total[2]) / count) if count else (mean, None, None)

    def _is_late(self, at: _Standing) -> bool:
        """Whether the steps have taken as long as they may; the first process's clock says it for all."""
        if not self._recipe.minutes_max:
            return False
        import torch

        over = at.seconds >= 60 * self._recipe.minutes_max and self._team.is_first
        said = torch.tensor(float(over), device=self._device)
        self._team.sum(said)
        return bool(said)

    def _judge(self, at: _Standing) -> EvalReport:
        loss, pair_loss, right = self.evaluate(self._val)
        # What training lowers also says which adapter is best.
        whole = loss + self._recipe.preference_weight * (pair_loss or 0.0)
        is_best = whole < at.best
        if is_best:
            at.best, at.best_step, at.worse = whole, at.step, 0
            if self._recipe.keep == "best":
                self._best = self._take()
        else:
            at.worse += 1
        likeness, by = None, ""
        if self._judge_replies is not None:
            self._model.eval()
            judged = self._judge_replies.judge(self._model)
            likeness, by = judged.f1, judged.measure
        return EvalReport(at.step, self._epoch(at.step), loss, pair_loss, right, is_best, likeness, by)

    def _step(self, at: _Standing, steps: int, should_stop: Callable[[], bool]) -> StepReport | None:
        """One step, or None where it was told to stop before its end: nothing is changed then."""
        started = time.perf_counter()
        recipe, step = self._recipe, at.step
        rate = learning_rate_at(recipe, step, steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        rows = pack([self._train[no] for no in self._choose(step)], recipe.row_tokens)
        found = self._go_back(rows, at, should_stop)
        if found is None:
            return None
        mean, pair_loss, norm = found
        if not all(math.isfinite(each) for each in (mean, pair_loss or 0.0, norm)):
            raise TrainingFailed(
                f"the loss of step {step + 1} is no number any more; checkpoints before it are whole",
                hint="lower learning_rate, or compute in fp32 or bf16 instead of fp16",
            )
        self._optimiser.step()
        return StepReport(
            step=step + 1,
            steps=steps,
            epoch=self._epoch(step + 1),
            loss=mean,
            pair_loss=pair_loss,
            grad_norm=norm,
            learning_rate=rate,
            tokens=sum(len(row.ids) for row in rows),
            reply_tokens=sum(len(row.targets) for row in rows),
            seconds=time.perf_counter() - started,
        )

    def _go_back(
        self, rows: Sequence[Row], at: _Standing, should_stop: Callable[[], bool]
    ) -> tuple[float, float | None, float] | None:
        """The rows' mean loss, that of pairs, and the norm of the gradients, which then stand clipped.

        Where they ran over their numbers it is done again with a smaller scale.
        """
        while True:
            found = self._go_back_once(rows, at, should_stop)
            if found is None or math.isfinite(found[2]) or not math.isfinite(found[0]) or at.scale <= 1:
                break
            at.scale, at.scaled = max(1.0, at.scale / 2), 0
        if self._is_scaled:
            at.scaled += 1
            if at.scaled >= SCALE_GROWS_AFTER:
                at.scale, at.scaled = at.scale * 2, 0
        return found

    def _go_back_once(
        self, rows: Sequence[Row], at: _Standing, should_stop: Callable[[], bool]
    ) -> tuple[float, float | None, float] | None:
        import torch

        # One sum over every reply token of the step, however the rows fell: no row weighs more than another.
        kept, count = _count(rows)
        # Dropout differs from step to step and from process to process, and is the same after a resume.
        seed = f"{self._recipe.seed}/{at.step}/{self._team.rank}"
        torch.manual_seed(random.Random(seed).getrandbits(63))
        self._model.train()
        self._optimiser.zero_grad(set_to_none=True)
        total = torch.zeros(2, dtype=torch.float64, device=self._device)
        for row, weight in self._team.share(rows):
            if should_stop():
                return None
            tokens, pairs, _ = self._anchored_losses(row)
            loss = weight * (tokens / kept + self._recipe.preference_weight * pairs / max(1, count))
            (at.scale * loss).backward()
            total += weight * torch.stack([tokens, pairs]).detach().to(total)
        self._team.sum(total)
        norm = self._sum_gradients(at.scale)
        return float(total[0]) / kept, float(total[1]) / count if count else None, norm

    def _sum_gradients(self, scale: float) -> float:
        """Gradients of all processes added up, divided by the scale and clipped; their norm before that."""
        import torch

        for weight in self._weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            self._team.sum_gradient(weight.grad)
            if scale != 1:
                weight.grad.div_(scale)
        return float(take_whole(torch.nn.utils.clip_grad_norm_(self._weights, self._recipe.clip)))

    def _losses(self, row: Row, forward: Forward) -> tuple[Any, Any, int]:
        """The summed loss of the tokens of kept replies, that of pairs, and how many pairs stand right."""
        return self._sum_losses(row, forward.log_probs(row))

    def _sum_losses(self, row: Row, log_probs: Any) -> tuple[Any, Any, int]:
        pairs, right = sum_pair_losses(row, log_probs, self._recipe)
        return -log_probs[: row.kept].sum(), pairs, right

    def _anchored_losses(self, row: Row) -> tuple[Any, Any, int]:
        """The same, to be trained on: tokens that nobody changed are not learnt, but held to what the model
        said there before the first step, when it wrote the draft (as Li and Hoiem 2017 hold old tasks).
        Learnt like the others, they would have it say its own sentences ever more alike.
        """
        import torch

        if not row.held:
            return self._losses(row, self._forward)
        said = torch.log_softmax(self._forward.logits(row), dim=-1)
        log_probs = said.gather(-1, torch.tensor(row.targets, device=said.device)[:, None])[:, 0]
        tokens, pairs, right = self._sum_losses(row, log_probs)
        before = join_said([(self._drafted[each.ids], each.places) for each in row.origins])
        learnt = tokens + log_probs[list(row.held)].sum()
        return learnt + self._recipe.anchor * find_drift(before, said, row.held), pairs, right

    def _note_drafted(self) -> None:
        """What was said before the first step all through the drafts: by the model with the adapter that it
        goes on from if there is one, or by who else wrote them.  Asked once, for all epochs.

        All processes ask all of it, as for the references of pairs.
        """
        origins = [origin for example in self._train for origin in find_origins(example)]
        self._model.eval()
        self._note_said([each for each in origins if not each.author], self._forward)
        for name, files in self._authors.items():
            with speaking_as(self._model, files):
                self._note_said([each for each in origins if each.author == name], Forward(self._model))
        self._model.train()

    def _note_said(self, origins: Sequence[Origin], forward: Forward) -> None:
        import torch

        with torch.no_grad():
            for origin in origins:
                if origin.ids not in self._drafted:
                    (row,) = pack([Encoded(origin.ids, origin.reply_at)], len(origin.ids))
                    self._drafted[origin.ids] = note_said(forward.logits(row))

    def _note_reference(self) -> None:
        """What the model without the adapter thinks of every pair: asked once, so no second model is held.

        All processes ask all of it: each trains on any of the pairs.
        """
        if self._recipe.preference == "dpo":
            self._train = self._add_reference(self._train)
            self._val = self._add_reference(self._val)

    def _add_reference(self, examples: Sequence[Encoded]) -> Sequence[Encoded]:
        import torch

        self._model.eval()
        noted = list(examples)
        # Each pair bears its example's number where its reference will stand: rows come in another order.
        asked = [replace(each, reference=float(no)) for no, each in enumerate(examples) if each.rejected]
        with torch.no_grad(), self._model.disable_adapter():
            for row in pack(asked, self._measured_tokens):
                log_probs = self._forward.log_probs(row)
                for pair in row.pairs:
                    gap = log_probs[pair.chosen].sum() - log_probs[pair.rejected].sum()
                    no = int(pair.reference)
                    noted[no] = replace(noted[no], reference=float(gap))
        return noted

    def _choose(self, step: int) -> list[int]:
        count, size = len(self._train), self._recipe.examples_per_step
        chosen = []
        for place in range(step * size, (step + 1) * size):
            epoch, at = divmod(place, count)
            if epoch not in self._orders:
                self._orders = {epoch: order_epoch(self._train, seed=self._recipe.seed, epoch=epoch)}
            chosen.append(self._orders[epoch][at])
        return chosen

    def _epoch(self, step: int) -> float:
        return step * self._recipe.examples_per_step / len(self._train)

    def _take(self) -> Mapping[str, Any]:
        """A copy of the adapter's weights."""
        from peft import get_peft_model_state_dict

        return {name: take_whole(value) for name, value in get_peft_model_state_dict(self._model).items()}

    def _put(self, weights: Mapping[str, Any]) -> None:
        from peft import get_peft_model_state_dict, set_peft_model_state_dict

        set_peft_model_state_dict(self._model, lay_like(weights, get_peft_model_state_dict(self._model)))

    def _save(self, at: _Standing) -> None:
        if self._checkpoints is None:
            return
        import torch

        optimiser = self._optimiser.state_dict()
        optimiser["state"] = {
            no: {name: take_whole(value) if torch.is_tensor(value) else value for name, value in each.items()}
            for no, each in optimiser["state"].items()
        }
        said = {"adapter": self._take(), "best": self._best, "optimiser": optimiser, "standing": asdict(at)}
        if not self._team.is_first:
            return
        # Through memory: torch's own writer says nothing of a full disk that could be told from a bug.
        held = io.BytesIO()
        torch.save(said, held)
        self._checkpoints.save(at.step, held.getvalue())

    def _load(self) -> _Standing:
        import torch

        # The first alone writes them: on another machine there may be none, or older ones.
        own = self._checkpoints.find_newest() if self._checkpoints and self._team.is_first else None
        state = self._team.hear_first(own)
        if state is None:
            return _Standing()
        held = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        self._put(held["adapter"])
        optimiser = held["optimiser"]
        for no, each in optimiser["state"].items():
            # Moments lie as their weight does; the count of steps is one number.
            like = {name: self._weights[no] for name, value in each.items() if value.dim()}
            optimiser["state"][no] = dict(lay_like(each, like))
        self._optimiser.load_state_dict(optimiser)
        self._best = held["best"]
        return _Standing(**held["standing"])


def report_to_json(report: Report) -> Mapping[str, Any]:
    """A line of progress.jsonl."""
    return {"kind": "step" if isinstance(report, StepReport) else "eval", **asdict(report)}


def _count(rows: Sequence[Row]) -> tuple[int, int]:
    """Tokens of kept replies and pairs of replies."""
    return sum(row.kept for row in rows), sum(len(row.pairs) for row in rows)


def _check_together(model: PeftModel, examples: Sequence[Encoded]) -> None:
    # One by one, a process may have more to compute than another, which would wait for it for ever.
    together = find_sight(model).together
    if together is not None and any(len(path) > together for each in examples for path in each.paths):
        raise BadSetting(
            "this model's layers compute each example by itself, which shards cannot do",
            hint="set row_tokens to its window" if together else "spread copies of it, or its layers",
        )


def _make_optimiser(recipe: Recipe, weights: Sequence[Any]) -> Any:
    import torch

    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    from bitsandbytes import optim

    kind = optim.PagedAdamW32bit if recipe.optimiser == "paged_adamw_32bit" else optim.PagedAdamW8bit
    return kind(weights, lr=recipe.learning_rate, weight_decay=0.0)

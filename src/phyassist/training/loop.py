"""The training loop: steps of so many examples, the loss of the replies alone, checkpoints, an early end."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phyassist.errors import TrainingFailed
from phyassist.training.checkpoints import list_checkpoints, load_checkpoint, save_checkpoint
from phyassist.training.encode import Encoded, PackedRow, order_epoch, pack

if TYPE_CHECKING:
    from peft import PeftModel

    from phyassist.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: mean loss per reply token, tokens computed and of replies, and where the run stands."""

    step: int
    steps: int
    epoch: float
    loss: float
    grad_norm: float
    learning_rate: float
    tokens: int
    reply_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Mean loss per reply token on the validation examples, and whether it is the best so far."""

    step: int
    epoch: float
    val_loss: float
    is_best: bool


Report = StepReport | EvalReport


@dataclass(frozen=True, slots=True)
class Team:
    """Which of how many processes this is; one alone by default."""

    rank: int = 0
    size: int = 1

    def sum(self, tensor: Any) -> None:
        """Add up a tensor over all processes, in place."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(tensor)


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run ended: the last step, the step of the best validation loss, and whether it stopped early."""

    step: int
    best_step: int
    best_val_loss: float | None
    stopped_early: bool


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


class Trainer:
    """Trains the LoRA of a model that `lora.attach` has prepared."""

    def __init__(
        self,
        model: PeftModel,
        recipe: Recipe,
        train: Sequence[Encoded],
        val: Sequence[Encoded],
        *,
        folder: Path,
        team: Team | None = None,
    ) -> None:
        self._model, self._recipe, self._train, self._val = model, recipe, train, val
        self._folder, self._team = folder, team or Team()
        folder.mkdir(parents=True, exist_ok=True)
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._optimiser = _make_optimiser(recipe, self._weights)
        self._device = self._weights[0].device
        self._orders: dict[int, list[int]] = {}

    def run(
        self, hear: Callable[[Report], None], *, resume: bool = False, should_stop: Callable[[], bool] = bool
    ) -> Trained:
        """Train to the end, or until `should_stop`; a checkpoint stands after every evaluation.

        Raises TrainingFailed where the loss is no number any more, StoreFull.
        """
        recipe = self._recipe
        steps = count_steps(recipe, len(self._train))
        per_epoch = math.ceil(len(self._train) / recipe.examples_per_step)
        every = recipe.eval_steps or per_epoch
        step, best, best_step, worse = 0, math.inf, 0, 0
        found = list_checkpoints(self._folder / "checkpoints") if resume else []
        if found:
            state = load_checkpoint(found[-1], self._model, self._optimiser)
            step, best_step, worse = int(state["step"]), int(state["best_step"]), int(state["worse"])
            best = math.inf if state["best"] is None else float(state["best"])
        stopped_early = False
        while step < steps and not stopped_early and not should_stop():
            hear(self._step(step, steps))
            step += 1
            if step % every and step < steps:
                continue
            if self._val:
                val_loss = self.evaluate(self._val)
                is_best = val_loss < best
                best, best_step = (val_loss, step) if is_best else (best, best_step)
                worse = 0 if is_best else worse + 1
                hear(EvalReport(step, self._epoch(step), val_loss, is_best))
                if is_best:
                    self._keep_best()
                stopped_early = recipe.patience > 0 and worse >= recipe.patience
            self._save(
                step, {"best": None if math.isinf(best) else best, "best_step": best_step, "worse": worse}
            )
        if self._val and best_step:
            self._load_best()
        return Trained(step, best_step or step, None if math.isinf(best) else best, stopped_early)

    def evaluate(self, examples: Sequence[Encoded]) -> float:
        """Mean loss per reply token, over all processes."""
        import torch

        self._model.eval()
        total = torch.zeros(2, dtype=torch.float64, device=self._device)
        with torch.no_grad():
            for row in self._mine(pack(examples, self._recipe.row_tokens)):
                total[0] += self._loss(row).double()
                total[1] += len(row.targets)
        self._team.sum(total)
        self._model.train()
        return float(total[0] / total[1])

    def _step(self, step: int, steps: int) -> StepReport:
        import torch

        started = time.perf_counter()
        recipe = self._recipe
        rate = learning_rate_at(recipe, step, steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        rows = pack([self._train[no] for no in self._choose(step)], recipe.row_tokens)
        # One sum over every reply token of the step, however the rows fell: no row weighs more than another.
        reply_tokens = sum(len(row.targets) for row in rows)
        # Dropout differs from step to step and from process to process, and is the same after a resume.
        torch.manual_seed(random.Random(f"{recipe.seed}/{step}/{self._team.rank}").getrandbits(63))
        self._model.train()
        self._optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for row in self._mine(rows):
            loss = self._loss(row)
            (loss / reply_tokens).backward()
            total += loss.detach().double()
        self._team.sum(total)
        for weight in self._weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            self._team.sum(weight.grad)
        norm = torch.nn.utils.clip_grad_norm_(self._weights, recipe.clip)
        mean = float(total / reply_tokens)
        if not math.isfinite(mean) or not math.isfinite(float(norm)):
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
            grad_norm=float(norm),
            learning_rate=rate,
            tokens=sum(len(row.ids) for row in rows),
            reply_tokens=reply_tokens,
            seconds=time.perf_counter() - started,
        )

    def _loss(self, row: PackedRow) -> Any:
        """The summed loss of a row's reply tokens.

        Without an attention mask and with positions that begin anew, transformers keeps packed examples from
        seeing each other; the output layer is computed at the reply's places alone.
        """
        import torch

        def tensor(values: Sequence[int]) -> Any:
            return torch.tensor(values, device=self._device)

        logits = self._model(
            input_ids=tensor(row.ids)[None],
            position_ids=tensor(row.positions)[None],
            logits_to_keep=tensor(row.keep),
            use_cache=False,
        ).logits[0]
        return torch.nn.functional.cross_entropy(logits.float(), tensor(row.targets), reduction="sum")

    def _choose(self, step: int) -> list[int]:
        count, size = len(self._train), self._recipe.examples_per_step
        chosen = []
        for place in range(step * size, (step + 1) * size):
            epoch, at = divmod(place, count)
            if epoch not in self._orders:
                self._orders = {epoch: order_epoch(count, seed=self._recipe.seed, epoch=epoch)}
            chosen.append(self._orders[epoch][at])
        return chosen

    def _mine(self, rows: Sequence[PackedRow]) -> Sequence[PackedRow]:
        return rows[self._team.rank :: self._team.size]

    def _epoch(self, step: int) -> float:
        return step * self._recipe.examples_per_step / len(self._train)

    def _save(self, step: int, state: Mapping[str, Any]) -> None:
        if self._team.rank == 0:
            save_checkpoint(self._folder / "checkpoints", step, self._model, self._optimiser, state)

    def _keep_best(self) -> None:
        if self._team.rank == 0:
            import torch
            from peft import get_peft_model_state_dict

            part = self._folder / "best.pt.part"
            torch.save(get_peft_model_state_dict(self._model), part)
            part.replace(self._folder / "best.pt")

    def _load_best(self) -> None:
        import torch
        from peft import set_peft_model_state_dict

        if self._team.size > 1:
            import torch.distributed as dist

            dist.barrier()
        held = torch.load(self._folder / "best.pt", map_location="cpu", weights_only=True)
        set_peft_model_state_dict(self._model, held)


def report_to_json(report: Report) -> Mapping[str, Any]:
    """A line of progress.jsonl."""
    return {"kind": "step" if isinstance(report, StepReport) else "eval", **asdict(report)}


def _make_optimiser(recipe: Recipe, weights: Sequence[Any]) -> Any:
    import torch

    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    from bitsandbytes import optim

    kind = optim.PagedAdamW32bit if recipe.optimiser == "paged_adamw_32bit" else optim.PagedAdamW8bit
    return kind(weights, lr=recipe.learning_rate, weight_decay=0.0)

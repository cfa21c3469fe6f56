"""What is learnt from a reply that was kept beside one that was not, as two published objectives say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phyassist.training.recipe import Recipe
    from phyassist.training.rows import Row


def sum_pair_losses(row: Row, log_probs: Any, recipe: Recipe) -> tuple[Any, int]:
    """The summed loss of a row's pairs, and in how many the kept reply is the likelier by the objective.

    `log_probs` (targets,) are those of the row's targets.
    """
    import torch

    total = torch.zeros((), device=log_probs.device)
    right = 0
    for pair in row.pairs:
        chosen, rejected = log_probs[pair.chosen], log_probs[pair.rejected]
        if recipe.preference == "dpo":
            gap, weight = find_dpo_gap(chosen, rejected, pair.reference, recipe.beta), 1.0
        else:
            gap, weight = find_orpo_gap(chosen, rejected), recipe.beta
        total = total - weight * torch.nn.functional.logsigmoid(gap)
        right += bool(gap > 0)
    return total, right


def find_dpo_gap(chosen: Any, rejected: Any, reference: float, beta: float) -> Any:
    """How much more the model prefers the kept reply than the reference does, in nats, times beta.

    Rafailov et al. 2023, "Direct Preference Optimization", equation 7.
    """
    return beta * (chosen.sum() - rejected.sum() - reference)


def find_orpo_gap(chosen: Any, rejected: Any) -> Any:
    """The logarithm of the ratio of odds of the two replies, each by the mean of its tokens.

    Hong et al. 2024, "ORPO: Monolithic Preference Optimization without Reference Model", equations 3 to 7.
    """
    import torch

    def odds(log_prob: Any) -> Any:
        return log_prob - torch.log(-torch.expm1(log_prob))

    return odds(chosen.mean()) - odds(rejected.mean())

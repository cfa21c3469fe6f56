"""A row through the model: the log-probabilities of its replies' tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phyassist.training.rows import Row


class Forward:
    """The model as the loop sees it: a row in, the log-probability (targets,) of each target token out."""

    def __init__(self, model: Any) -> None:
        self.model = model
        first = next(model.parameters())
        self._device, self._dtype = (
            first.device,
            next(weight.dtype for weight in model.parameters() if weight.is_floating_point()),
        )

    def log_probs(self, row: Row) -> Any:
        """The output layer is computed at the replies' places alone."""
        import torch

        logits = self.model(
            input_ids=self._tensor(row.ids)[None],
            position_ids=self._tensor(row.positions)[None],
            attention_mask=make_mask(row, self._dtype, self._device),
            logits_to_keep=self._tensor(row.keep),
            use_cache=False,
        ).logits[0]
        targets = self._tensor(row.targets)
        return -torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")

    def _tensor(self, values: Any) -> Any:
        import torch

        return torch.tensor(values, device=self._device)


def make_mask(row: Row, dtype: Any, device: Any) -> Any:
    """(1, 1, tokens, tokens), 0 where a token may look and the dtype's least number where it may not.

    A token looks at itself and at those on its way to the root.
    """
    import numpy as np
    import torch

    sees = np.zeros((len(row.ids), len(row.ids)), dtype=bool)
    for place, parent in enumerate(row.parents):
        if parent >= 0:
            sees[place] = sees[parent]
        sees[place, place] = True
    mask = torch.zeros(sees.shape, dtype=dtype)
    mask.masked_fill_(~torch.from_numpy(sees), torch.finfo(dtype).min)
    return mask.to(device)[None, None]

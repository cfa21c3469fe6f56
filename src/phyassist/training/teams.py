"""Several processes or devices on one run: which of them this is, and how the model lies over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from phyassist.errors import BadSetting

if TYPE_CHECKING:
    from phyassist.training.rows import Row

Spread = Literal["copies", "shards", "layers"]


@dataclass(frozen=True, slots=True)
class Team:
    """Which of how many processes this is; one alone by default.

    copies: each process holds the whole model.  shards: each holds a part of every block's weights (FSDP),
    for a base that fits no single device.  layers: one process, the blocks one after another over its
    devices.
    """

    rank: int = 0
    size: int = 1
    spread: Spread = "copies"

    @property
    def is_first(self) -> bool:
        """Whether this one writes and speaks for all."""
        return self.rank == 0

    def sum(self, tensor: Any) -> None:
        """Add up a tensor over all processes, in place."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(tensor)

    def sum_gradient(self, gradient: Any) -> None:
        """The same for a gradient; those of shards were added up on the way back."""
        if self.spread != "shards":
            self.sum(gradient)

    def hear_first(self, said: bytes | None) -> bytes | None:
        """What the first process says, whatever the others would."""
        if self.size == 1:
            return said
        import torch.distributed as dist

        heard = [said]
        dist.broadcast_object_list(heard, src=0)
        return heard[0]

    def wait(self) -> None:
        """Go on when all are here."""
        if self.size > 1:
            import torch.distributed as dist

            dist.barrier()

    def share(self, rows: Sequence[Row]) -> Sequence[tuple[Row, float]]:
        """This process's rows with their weight.

        Shards are put together for each row by all processes at once: who has a row less computes one for
        nothing.
        """
        own = [(row, 1.0) for row in rows[self.rank :: self.size]]
        most = -(-len(rows) // self.size)
        missing = most - len(own) if self.spread == "shards" else 0
        return own + [(rows[0], 0.0)] * missing


def read_spread(said: str) -> Spread:
    """Raises BadSetting for another word."""
    for spread in get_args(Spread):
        if said == spread:
            return cast(Spread, spread)
    raise BadSetting(f"spread cannot be {said!r}", hint=f"it is one of {', '.join(get_args(Spread))}")


@contextmanager
def open_team(spread: Spread = "copies") -> Iterator[Team]:
    """The team that torchrun or accelerate launch started this process for; else one alone.

    Raises BadSetting where a model cannot be spread so.
    """
    import torch
    import torch.distributed as dist

    is_launched = dist.is_available() and dist.is_torchelastic_launched()
    if spread == "shards" and not is_launched:
        raise BadSetting("shards need several processes", hint="start it by torchrun or accelerate launch")
    if spread == "layers" and is_launched:
        raise BadSetting("layers are spread by one process", hint="start it by itself, or use shards")
    if not is_launched:
        yield Team(spread=spread)
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(dist.get_node_local_rank(0))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size(), spread)
    finally:
        dist.destroy_process_group()


def shard(model: Any, device: str) -> Any:
    """The model with every block's weights spread over all processes, gradients summed.

    It may lie in the host's memory before: a device holds one whole block at a time.
    """
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    from phyassist.training.forward import find_decoder

    mesh = init_device_mesh(device.partition(":")[0], (dist.get_world_size(),))
    for block in find_decoder(model).layers:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    return model


def take_whole(tensor: Any) -> Any:
    """A tensor with all its shards, in the host's memory; all processes ask at once."""
    held = tensor.detach()
    return (held.full_tensor() if hasattr(held, "full_tensor") else held).cpu().clone()


def lay_like(whole: Mapping[str, Any], present: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whole tensors, each spread as the one of its name is now."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    def lay(value: Any, like: Any) -> Any:
        if isinstance(like, DTensor):
            return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
        return value

    return {name: lay(value, present.get(name)) for name, value in whole.items()}

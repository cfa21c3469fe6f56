"""Checkpoints: whole or not there.  A run that was killed goes on from the newest whole one."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phyassist.errors import StoreFull

if TYPE_CHECKING:
    from peft import PeftModel

KEPT = 2
DONE = "done.json"


def save_checkpoint(
    folder: Path, step: int, model: PeftModel, optimiser: Any, state: Mapping[str, Any]
) -> None:
    """Adapter, optimiser, random numbers and `state` after a step; the done-marker is written last.

    Raises StoreFull; the checkpoints before stay.
    """
    import torch
    from peft import get_peft_model_state_dict

    target = folder / f"step-{step:06d}"
    part = folder / f".{target.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        # Through memory: torch's own writer says nothing of a full disk that could be told from a bug.
        held = io.BytesIO()
        torch.save(
            {
                "adapter": get_peft_model_state_dict(model),
                "optimiser": optimiser.state_dict(),
                "random": torch.get_rng_state(),
            },
            held,
        )
        (part / "state.pt").write_bytes(held.getbuffer())
        (part / DONE).write_text(json.dumps({"step": step, **state}) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StoreFull(
            f"the checkpoint of step {step} could not be written; the one before it is whole",
            hint="make room on the disk, then go on with --resume",
        ) from error
    for old in list_checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, the newest last."""
    return sorted(path for path in folder.glob("step-*") if (path / DONE).is_file())


def load_checkpoint(path: Path, model: PeftModel, optimiser: Any) -> Mapping[str, Any]:
    """Put a checkpoint back into model, optimiser and random numbers; its state comes out."""
    import torch
    from peft import set_peft_model_state_dict

    held = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
    set_peft_model_state_dict(model, held["adapter"])
    optimiser.load_state_dict(held["optimiser"])
    torch.set_rng_state(held["random"])
    state: Mapping[str, Any] = json.loads((path / DONE).read_text("utf-8"))
    return state

"""What training stands on here: libraries and devices, with versions and memory, and whether they work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from phyassist.lm.choose import look_at_machine

GIB = 2**30
NEEDED = ("torch", "transformers", "peft", "accelerate", "safetensors", "pyarrow", "scikit-learn", "gguf")
USEFUL = ("bitsandbytes", "matplotlib", "ftfy", "huggingface-hub", "hf-xet", "gradio")
INSTALL = "pip install torch==2.13.0, then pip install 'phyassist[train]'"
FREE_BYTES_MIN = 10 * GIB
# NF4 keeps 16 steps of a weight: of normal numbers it is off by about a fourteenth on average.
_NF4_ERROR_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is there and works, and what to do where not."""

    name: str
    is_good: bool
    what: str
    advice: str = ""
    needed: bool = True


def check_training(home: Path) -> Iterator[Check]:
    """Libraries, devices, quantisation, the disk and the hub, quick ones first."""
    found = {name: _find_version(name) for name in (*NEEDED, *USEFUL)}
    for name in NEEDED:
        yield Check(name, bool(found[name]), found[name] or "not installed", "" if found[name] else INSTALL)
    yield _look_at_useful(found)
    yield _look_at_disk(home)
    if not found["torch"]:
        return
    yield from look_at_devices()
    if found["bitsandbytes"]:
        yield try_quantising()
    if found["huggingface-hub"]:
        yield look_at_hub()


def look_at_devices() -> Iterator[Check]:
    """The processor, every GPU with its memory, and the preset that suits them."""
    import torch

    from phyassist.training.base import choose_precision
    from phyassist.training.recipe import Recipe

    machine = look_at_machine()
    memory = f"{machine.memory_bytes / GIB:.0f} GiB of memory"
    precision = choose_precision(Recipe(), "cpu")
    cores = f"{machine.cores} cores, {torch.get_num_threads()} threads"
    yield Check("processor", True, f"{cores}, {memory}, trains in {precision}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for no in range(count):
        free, total = torch.cuda.mem_get_info(no)
        kind = torch.cuda.get_device_properties(no)
        halves = "bf16" if torch.cuda.is_bf16_supported() else "fp16 alone"
        memory = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
        yield Check(f"GPU {no}", True, f"{kind.name}, {memory}, {halves}, CUDA {torch.version.cuda}")
    if not count:
        built = (
            f"this torch was built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch for CPU"
        )
        yield Check(
            "GPU", False, f"none ({built})", "training works without one, on small models", needed=False
        )
    largest = max((torch.cuda.mem_get_info(no)[1] for no in range(count)), default=0)
    yield Check("preset", True, choose_preset(count, largest))


def choose_preset(gpus: int, gpu_bytes: int) -> str:
    """The preset that suits so many GPUs of that much memory."""
    if not gpus:
        return "cpu-small"
    if gpu_bytes > 60 * GIB:
        return "h100"
    return "2x24gb" if gpus > 1 else "gpu-24gb"


def try_quantising() -> Check:
    """Weights to NF4 and back on the device that would train."""
    import torch

    from phyassist.training.base import find_device

    device = find_device()
    weights = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)).to(device)
    try:
        from bitsandbytes import functional

        packed, state = functional.quantize_4bit(weights, quant_type="nf4")
        error = _find_error(functional.dequantize_4bit(packed, state), weights)
    except (ImportError, OSError, RuntimeError, AttributeError) as failure:
        what = f"does not work on {device} ({type(failure).__name__})"
        return Check("bitsandbytes", False, what, "train without --set quantise=nf4", needed=False)
    works = error < _NF4_ERROR_MAX
    what = f"NF4 works on {device}" if works else f"NF4 on {device} gives wrong weights"
    return Check("bitsandbytes", works, what, "" if works else "train without quantise", needed=False)


def look_at_hub() -> Check:
    """Which hub or mirror is asked, and whether somebody is logged in; nothing is sent."""
    from huggingface_hub import constants, get_token

    if get_token():
        return Check("hub", True, f"{constants.ENDPOINT}, logged in", needed=False)
    return Check(
        "hub", True, f"{constants.ENDPOINT}, not logged in", "hf auth login, before publishing", needed=False
    )


def _find_error(back: Any, weights: Any) -> float:
    return float((back.float() - weights).abs().mean())


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _look_at_useful(found: dict[str, str]) -> Check:
    there = ", ".join(f"{name} {found[name]}" for name in USEFUL if found[name])
    missing = [name for name in USEFUL if not found[name]]
    what = there + (f"; not installed: {', '.join(missing)}" if missing else "")
    return Check("beside them", not missing, what, needed=False)


def _look_at_disk(home: Path) -> Check:
    there = next(place for place in (home, *home.parents) if place.exists())
    free = shutil.disk_usage(there).free
    is_enough = free >= FREE_BYTES_MIN
    advice = "" if is_enough else "a base, its checkpoints and a merged copy take 10 GiB soon"
    return Check("disk", is_enough, f"{free / GIB:.0f} GiB free", advice, needed=False)

"""Which model fits this computer.  docs/models.md tells the measurements behind the numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phyassist.lm.catalogue import CatalogueModel, find_model_file, get_catalogue_model, load_catalogue

SMALL, LARGE = "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"
# Drafts decide it: the larger model's reasons and advice are usable, the smaller one's often are not
# (docs/results/drafting.md).  What it costs in seconds is mostly reading, which is done while the counsellor
# still types.  One core, or memory that its file and its window would fill, is too little.
LARGE_CORES_MIN = 2
LARGE_MEMORY_MIN = 6 * 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """What this process may use: `cores` may be less than the computer has."""

    memory_bytes: int
    cores: int


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The chosen model, and why in a sentence."""

    model: CatalogueModel
    reason: str


def choose_model(machine: Machine) -> ModelChoice:
    """The default model for a machine, by the rule of docs/models.md."""
    gib = machine.memory_bytes / 2**30
    has = f"{machine.cores} cores and {gib:.0f} GiB of memory"
    if machine.cores >= LARGE_CORES_MIN and machine.memory_bytes >= LARGE_MEMORY_MIN:
        return ModelChoice(get_catalogue_model(LARGE), f"{has} carry the larger model, which drafts better")
    return ModelChoice(get_catalogue_model(SMALL), f"{has} carry the small model only")


def choose_present_model(machine: Machine, models_dir: Path) -> ModelChoice:
    """The default model where its file is there, else the other one where that is; never an unknown file."""
    choice = choose_model(machine)
    if find_model_file(choice.model, models_dir) is not None:
        return choice
    for model in load_catalogue():
        if model.name in (SMALL, LARGE) and find_model_file(model, models_dir) is not None:
            return ModelChoice(model, f"{model.name} is on this computer, {choice.model.name} is not")
    return choice


def look_at_machine() -> Machine:
    """Memory and cores that this process may use, as the system and its control groups say."""
    return Machine(memory_bytes=_count_memory(), cores=count_cores())


def count_cores() -> int:
    """Logical cores open to this process: affinity and, in a container, the CPU quota count."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(cores, 1)


def count_threads() -> int:
    """Threads for the engine: one for each physical core that is open to us; its twin adds nothing."""
    topology = Path("/sys/devices/system/cpu")
    cpus: Iterable[int] = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    siblings = {_read(topology / f"cpu{cpu}" / "topology" / "thread_siblings_list") for cpu in cpus}
    physical = len(siblings) if siblings and "" not in siblings else 0
    return min(physical or count_cores(), count_cores())


def _count_memory() -> int:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    else:
        memory = 8 * 2**30  # Windows says it only through its own calls; 8 GiB is what a laptop has
    limit = _read(Path("/sys/fs/cgroup/memory.max")).strip()
    return min(memory, int(limit)) if limit.isdigit() else memory


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""

"""The rule that chooses the default model."""

from __future__ import annotations

from pathlib import Path

import pytest

from phyassist.lm.catalogue import get_catalogue_model, get_model_path
from phyassist.lm.choose import (
    LARGE,
    SMALL,
    Machine,
    choose_model,
    choose_present_model,
    count_threads,
    look_at_machine,
)

GIB = 2**30


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (Machine(24 * GIB, 1), SMALL),
        (Machine(4 * GIB, 8), SMALL),
        (Machine(8 * GIB, 2), LARGE),
        (Machine(64 * GIB, 16), LARGE),
    ],
)
def test_the_larger_model_wants_two_cores_and_six_gibibytes(machine: Machine, name: str) -> None:
    choice = choose_model(machine)

    assert choice.model.name == name
    assert f"{machine.cores} cores" in choice.reason


def test_the_model_that_is_there_is_used_in_place_of_the_rules(tmp_path: Path) -> None:
    model = get_catalogue_model(SMALL)
    with get_model_path(model, tmp_path).open("wb") as file:
        file.truncate(model.file_bytes)

    choice = choose_present_model(Machine(64 * GIB, 16), tmp_path)

    assert choice.model.name == SMALL
    assert choice.reason == f"{SMALL} is on this computer, {LARGE} is not"


def test_this_machine_has_memory_and_cores() -> None:
    machine = look_at_machine()

    assert machine.memory_bytes > GIB // 4
    assert 1 <= count_threads() <= machine.cores

"""Signs in the place of diagnoses that a public source names: what mainland-China mode may be taught."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

SIGNS_MAX = 2


def name_signs(diagnosis: str) -> str:
    """The signs that a Chinese diagnosis stands for, and that referral may be considered; empty where the
    table knows none.
    """
    table = load_table()
    for denied in table["denied"]:
        diagnosis = diagnosis.replace(denied, "")
    found = [sign["say"] for sign in table["signs"] if any(word in diagnosis for word in sign["words"])]
    return "、".join(found[:SIGNS_MAX]) + table["referral"] if found else ""


@cache
def load_table() -> Any:
    return tomllib.loads(files("phyassist.training").joinpath("signs.toml").read_text("utf-8"))

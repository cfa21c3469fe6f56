"""Published adapters that come with PhyAssist, in the folder `adapters` beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from phyassist.errors import ModelDamaged, UnknownName
from phyassist.lm.bundle import MANIFEST, SUMS, read_sums
from phyassist.lm.protocol import GGUF_FILE

FOLDER = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True)
class ShippedAdapter:
    """`base_sha256` is that of the model file that it fits, `sha256` its own as the engine reads it."""

    name: str
    folder: Path
    base_sha256: str
    sha256: str


@cache
def list_shipped() -> tuple[ShippedAdapter, ...]:
    return tuple(_look_at(path.parent) for path in sorted(FOLDER.glob(f"*/{MANIFEST}")))


def get_shipped(name: str) -> ShippedAdapter:
    """Raises UnknownName."""
    found = {each.name: each for each in list_shipped()}
    if name not in found:
        raise UnknownName(f"no adapter {name} comes with PhyAssist", hint=f"there are {', '.join(found)}")
    return found[name]


def load_shipped(name: str) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    """The manifest, and what lies in the folder by name, compared with its checksums.

    Raises UnknownName, ModelDamaged.
    """
    folder = get_shipped(name).folder
    sums = read_sums(folder / SUMS)
    files = {each: (folder / each).read_bytes() for each in sums}
    if any(hashlib.sha256(files[each]).hexdigest() != sums[each] for each in sums):
        raise ModelDamaged(
            f"a file of the adapter {name} is not the one that came with PhyAssist", hint="install it again"
        )
    return json.loads(files[MANIFEST]), files


def _look_at(folder: Path) -> ShippedAdapter:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    return ShippedAdapter(
        folder.name, folder, manifest["base"]["sha256"], read_sums(folder / SUMS)[GGUF_FILE]
    )

"""Which public sources there are: a data file read into values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from phyassist.domain.people import Language
from phyassist.errors import UnknownName

# The licence of one's own files where nobody named it.
NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A public source.

    `files` maps a part to its file: train, val, test; "own" where a column says the part, "split" where the
    key decides it.
    """

    name: str
    title: str
    reader: str
    language: Language
    licence: str
    research_only: bool
    origin: str
    files: Mapping[str, str]
    task: str = ""


@cache
def load_sources() -> Mapping[str, SourceCard]:
    found = tomllib.loads(files("phyassist.training").joinpath("sources.toml").read_text("utf-8"))
    return {
        name: SourceCard(
            name=name,
            title=entry["title"],
            reader=entry["reader"],
            language=cast(Language, entry["language"]),
            licence=entry["licence"],
            research_only=entry["research_only"],
            origin=entry["origin"],
            files=dict(entry["files"]),
            task=entry.get("task", ""),
        )
        for name, entry in found.items()
    }


def get_source(name: str) -> SourceCard:
    """Raises UnknownName, which names the sources there are."""
    sources = load_sources()
    if name not in sources:
        raise UnknownName(f"no source {name}", hint=f"there are {', '.join(sources)}")
    return sources[name]


def join_terms(sources: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each source of these data cards once; what comes under several terms is under all of them."""
    found: dict[str, Mapping[str, Any]] = {}
    for source in sources:
        known = found.get(source["name"], source)
        licences = dict.fromkeys([*known["licence"].split("; "), *source["licence"].split("; ")])
        found[source["name"]] = {
            **known,
            "licence": "; ".join(licences),
            "research_only": known["research_only"] or source["research_only"],
        }
    return list(found.values())

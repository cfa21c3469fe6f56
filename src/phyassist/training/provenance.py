"""Where an adapter comes from: a run, heads or a join; what it learnt from, and under which terms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from phyassist.errors import BadInput, UnreadableFile
from phyassist.lm.bundle import MANIFEST
from phyassist.training.catalogue import get_source, join_terms
from phyassist.training.heads.posts import TRAIN_SOURCES
from phyassist.training.run import DATA_CARD, DONE, describe_environment
from phyassist.training.writing import CARD as PREPARED_CARD
from phyassist.training.writing import check_card

Kind = Literal["adapter", "heads", "joined"]
JOINED = "merge.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a folder says of the adapter in it; `data` has `sources`, `parts` and `leaks`."""

    kind: Kind
    data: Mapping[str, Any]
    recipe: Mapping[str, Any]
    examples: Mapping[str, int]
    environment: Mapping[str, str]
    training: Mapping[str, Any]


def find_facts(folder: Path, prepared: Path | None = None) -> Facts:
    """The facts of a finished run or of a join; `prepared` helps a run that did not keep its data's card.

    Raises BadInput where it did not come to its end, or nobody wrote down what it learnt from.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}", hint="check the name; it is that of a finished run")
    if (folder / JOINED).is_file():
        return _describe_join(folder)
    if not (folder / DONE).is_file():
        raise BadInput(f"{folder} is no run that came to its end", hint="go on with phyassist train --resume")
    config = _load(folder / "config.json")
    is_heads = "sets" in config
    return Facts(
        kind="heads" if is_heads else "adapter",
        data=_from_sets(config["sets"]) if is_heads else _load_data_card(folder, prepared, config),
        recipe=config["recipe"],
        examples=config["posts"] if is_heads else config["examples"],
        environment=config["environment"],
        training=_load(folder / DONE),
    )


def join_sources(folders: Iterable[Path]) -> list[Mapping[str, Any]]:
    """The sources of all these adapters, each once; none where one of them does not say its own."""
    found: list[Mapping[str, Any]] = []
    for folder in folders:
        sources = _find_sources(folder)
        if not sources:
            return []
        found += sources
    return join_terms(found)


def _find_sources(folder: Path) -> Sequence[Mapping[str, Any]]:
    place = folder.parent if folder.name == "adapter" else folder
    if (place / DATA_CARD).is_file():
        return list(_load(place / DATA_CARD)["sources"])
    if (place / MANIFEST).is_file():
        return list(_load(place / MANIFEST)["data"]["sources"])
    if (place / JOINED).is_file():
        return list(_load(place / JOINED).get("sources", ()))
    return ()


def _describe_join(folder: Path) -> Facts:
    said = _load(folder / JOINED)
    if not said.get("sources"):
        raise BadInput(
            f"{folder} was joined of adapters that do not say what they were trained on",
            hint="join the folders of their runs, or what was pulled",
        )
    recipe = {key: said[key] for key in ("method", "weights", "density", "rank") if said[key] is not None}
    recipe["joined of"] = [f"{name} (rank {rank})" for name, rank in said["of"].items()]
    data = {"sources": said["sources"], "parts": {}, "leaks": {}}
    return Facts("joined", data, recipe, {}, describe_environment(), {})


def _load_data_card(run: Path, prepared: Path | None, config: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = run / DATA_CARD
    path = kept if kept.is_file() or prepared is None else prepared / PREPARED_CARD
    if not path.is_file():
        raise BadInput(
            f"{run} does not say what it was trained on", hint="name the prepared folder with --data"
        )
    card = check_card(_load(path), path)
    if {part: held["sha256"] for part, held in card["parts"].items()} != config["data"]:
        raise BadInput(f"{path} is not the card of the data that {run} was trained on", hint="name another")
    return card


def _from_sets(sets: Sequence[str]) -> Mapping[str, Any]:
    """The data card of heads, which are trained on the public sets as they are."""
    sources = [asdict(get_source(TRAIN_SOURCES[name])) for name in sets]
    kept = ("name", "title", "origin", "licence", "research_only")
    return {"sources": [{key: each[key] for key in kept} for each in sources], "parts": {}, "leaks": {}}


def _load(path: Path) -> Mapping[str, Any]:
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict):
        raise UnreadableFile(f"{path} is missing or damaged", hint="train anew, or copy the folder anew")
    return said

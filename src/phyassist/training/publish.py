"""A finished run made into a folder to publish: adapter, model card, manifest, checksums."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist import __version__
from phyassist.errors import BadInput, BadSetting
from phyassist.training.bases import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    find_adapter,
    find_hub_name,
    load_adapter_config,
    load_base_mark,
    save_base_mark,
)
from phyassist.training.bundle import CARD, MANIFEST, fill_folder, write_sums
from phyassist.training.catalogue import load_sources
from phyassist.training.model_card import render_model_card
from phyassist.training.run import DATA_CARD, DONE
from phyassist.training.writing import CARD as PREPARED_CARD

RESEARCH_ONLY = "research-only"
FREE_LICENCE = "apache-2.0"


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published: a run, the scores that its card shows, and under which name and licence.

    `data` is the prepared folder, for a run that did not keep its data card; an empty licence means the
    strictest that the data allow.
    """

    run: Path
    title: str
    scores: tuple[Path, ...] = ()
    licence: str = ""
    data: Path | None = None


def make_bundle(asked: Publication, folder: Path) -> Mapping[str, Any]:
    """Write the folder; its manifest comes out.

    Raises BadInput where the run is not finished, says nothing of its data, or the scores are another
    adapter's, BadSetting for a licence that the data do not allow, AdapterMissing, StoreFull.
    """
    manifest = describe_run(asked)
    adapter = find_adapter(asked.run)
    with fill_folder(folder) as part:
        said = load_adapter_config(adapter)
        # A path of the machine that it was trained on helps nobody, and may name somebody.
        said["base_model_name_or_path"] = manifest["base"]["hub"] or manifest["base"]["name"]
        (part / ADAPTER_CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        shutil.copyfile(adapter / ADAPTER_WEIGHTS, part / ADAPTER_WEIGHTS)
        save_base_mark(part, load_base_mark(adapter))
        for name in ("adapter.gguf", "curves.png"):
            if (asked.run / name).is_file():
                shutil.copyfile(asked.run / name, part / name)
        (part / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", "utf-8")
        card = render_model_card(manifest, has_curves=(part / "curves.png").is_file())
        (part / CARD).write_text(card, encoding="utf-8")
        write_sums(part)
    return manifest


def describe_run(asked: Publication) -> dict[str, Any]:
    """Everything that the card says, as it stands in the manifest."""
    if not (asked.run / DONE).is_file():
        raise BadInput(
            f"{asked.run} is no run that came to its end", hint="go on with phyassist train --resume"
        )
    config = json.loads((asked.run / "config.json").read_text("utf-8"))
    data = _load_data_card(asked, config)
    research_only = any(source["research_only"] for source in data["sources"])
    mark, known = load_base_mark(find_adapter(asked.run)), load_sources()
    return {
        "format": 1,
        "title": asked.title,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "phyassist": __version__,
        "base": {**asdict(mark), "hub": find_hub_name(mark)},
        "research_only": research_only,
        "licence": _choose_licence(asked.licence, research_only=research_only),
        "data": {
            "sources": data["sources"],
            "parts": data["parts"],
            "leaks": data["leaks"],
            "languages": sorted(
                {known[each["name"]].language for each in data["sources"] if each["name"] in known}
            ),
        },
        "recipe": config["recipe"],
        "examples": config["examples"],
        "environment": config["environment"],
        "training": json.loads((asked.run / DONE).read_text("utf-8")),
        "scores": [_load_scores(path) for path in asked.scores],
    }


def _load_data_card(asked: Publication, config: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = asked.run / DATA_CARD
    path = kept if kept.is_file() or asked.data is None else asked.data / PREPARED_CARD
    if not path.is_file():
        raise BadInput(
            f"{asked.run} does not say what it was trained on", hint="name the prepared folder with --data"
        )
    card: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    if {part: held["sha256"] for part, held in card["parts"].items()} != config["data"]:
        raise BadInput(
            f"{path} is not the card of the data that {asked.run} was trained on", hint="name another"
        )
    return card


def _load_scores(folder: Path) -> Mapping[str, Any]:
    path = folder / "scores.json"
    if not path.is_file():
        raise BadInput(
            f"{folder} holds no scores", hint="name a folder that phyassist evaluate imhi has made"
        )
    scores: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    if not scores.get("adapter"):
        raise BadInput(f"{path} holds scores of the base alone", hint="evaluate the adapter")
    return scores


def _choose_licence(asked: str, *, research_only: bool) -> str:
    if research_only and asked not in {"", RESEARCH_ONLY}:
        raise BadSetting(
            f"the data are for research only, so {asked} cannot be the licence", hint="leave --licence away"
        )
    return asked or (RESEARCH_ONLY if research_only else FREE_LICENCE)

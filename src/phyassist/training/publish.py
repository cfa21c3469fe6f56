"""A finished run made into a folder to publish: adapter, model card, manifest, checksums."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist import __version__
from phyassist.domain.people import Language
from phyassist.errors import BadInput, BadSetting
from phyassist.lm.bundle import CARD, MANIFEST, fill_folder, write_sums
from phyassist.lm.folders import say_damaged
from phyassist.lm.hashing import count_sha256
from phyassist.training.adapters import check_weights
from phyassist.training.bases import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    HEADS,
    find_hub_name,
    find_trained,
    load_adapter_config,
    load_base_mark,
    save_base_mark,
)
from phyassist.training.catalogue import NOT_STATED, load_sources
from phyassist.training.heads.model import identify_heads
from phyassist.training.model_card import render_model_card
from phyassist.training.provenance import find_facts

RESEARCH_ONLY = "research-only"
FREE_LICENCE = "apache-2.0"
# Terms of data that allow it, without spaces, marks and the word licence.
FREE_DATA = frozenset(
    {"mit", "isc", "bsd2clause", "bsd3clause", "apache2", "apache20", "cc0", "cc010", "publicdomain"}
    | {"ccby", "ccby20", "ccby25", "ccby30", "ccby40"}
)
ADAPTER_GGUF = "adapter.gguf"
# What a run may have beside its adapter that goes along.
BESIDE = (ADAPTER_GGUF, "curves.png", "heads.json", "heads.safetensors", "words.json", "words.safetensors")


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published: a run or a join, the scores that its card shows, and under which name and licence.

    `data` is the prepared folder, for a run that did not keep its data card; an empty licence means the
    strictest that the data ask for, where it is known which.  `languages` are those that it answers in,
    empty for any.  `page` is a Markdown file of what else was measured, which the card takes over.
    """

    run: Path
    title: str
    scores: tuple[Path, ...] = ()
    licence: str = ""
    data: Path | None = None
    languages: tuple[Language, ...] = ()
    page: Path | None = None


def make_bundle(asked: Publication, folder: Path) -> Mapping[str, Any]:
    """Write the folder; its manifest comes out.

    Raises BadInput where the run is not finished, says nothing of its data, or the scores are another
    adapter's, BadSetting for a licence that the data do not allow, AdapterMissing, ModelDamaged, StoreFull.
    """
    manifest = describe_run(asked)
    adapter = find_trained(asked.run)
    with fill_folder(folder) as part:
        place = part / HEADS if adapter.name == HEADS else part
        place.mkdir(exist_ok=True)
        said = load_adapter_config(adapter)
        # A path of the machine that it was trained on helps nobody, and may name somebody.
        said["base_model_name_or_path"] = manifest["base"]["hub"] or manifest["base"]["name"]
        (place / ADAPTER_CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        shutil.copyfile(adapter / ADAPTER_WEIGHTS, place / ADAPTER_WEIGHTS)
        save_base_mark(part, load_base_mark(adapter))
        for name in BESIDE:
            if (asked.run / name).is_file():
                shutil.copyfile(asked.run / name, part / name)
        for weights in sorted(part.rglob("*.safetensors")):
            check_weights(weights)
        (part / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", "utf-8")
        card = render_model_card(manifest, has_curves=(part / "curves.png").is_file())
        (part / CARD).write_text(card, encoding="utf-8")
        write_sums(part)
    return manifest


def describe_run(asked: Publication) -> dict[str, Any]:
    """Everything that the card says, as it stands in the manifest."""
    made = find_facts(asked.run, asked.data)
    adapter = find_trained(asked.run)
    mark, known = load_base_mark(adapter), load_sources()
    sources = made.data["sources"]
    research_only = any(source["research_only"] for source in sources)
    languages = {known[each["name"]].language for each in sources if each["name"] in known}
    return {
        "format": 1,
        "kind": made.kind,
        "title": asked.title,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "phyassist": __version__,
        "base": {**asdict(mark), "hub": find_hub_name(mark)},
        "research_only": research_only,
        "licence": _choose_licence(asked.licence, sources),
        "data": {
            **{key: made.data[key] for key in ("sources", "parts", "leaks")},
            "drafted_by": made.data.get("drafted_by", ""),
            "languages": sorted(languages),
        },
        "sets": _list_sets(asked.run),
        "answers_in": list(asked.languages),
        "recipe": made.recipe,
        "examples": made.examples,
        "environment": made.environment,
        "training": made.training,
        "scores": [_load_scores(path, adapter, asked.run) for path in asked.scores],
        "measured": _read_page(asked.page) if asked.page else "",
    }


def _list_sets(run: Path) -> list[str]:
    """The sets whose questions its heads answer, perhaps fewer than it learnt from; none without heads."""
    if not (run / "heads.json").is_file():
        return []
    with say_damaged(run / "heads.json", "train or pull the heads anew"):
        asks = json.loads((run / "heads.json").read_text("utf-8"))["asks"]
        return list(dict.fromkeys(ask["set"] for ask in asks))


def _load_scores(folder: Path, adapter: Path, run: Path) -> Mapping[str, Any]:
    path = folder / "scores.json"
    if not path.is_file():
        raise BadInput(
            f"{folder} holds no scores", hint="name a folder that phyassist evaluate imhi has made"
        )
    with say_damaged(path, "run the evaluation again"):
        scores: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        is_of_adapter, is_of_heads = bool(scores.get("adapter")), bool(scores.get("heads"))
    if not is_of_adapter and not is_of_heads:
        raise BadInput(f"{path} holds scores of the base alone", hint="evaluate the adapter")
    if adapter.name == HEADS:
        stated = set(scores.get("heads_sha256") or ())
        if not is_of_heads or (stated and identify_heads(run) not in stated):
            raise BadInput(
                f"{path} holds scores of others than these heads",
                hint="evaluate these, alone or with those that they are read with",
            )
        return scores
    sha256 = scores.get("adapter_sha256")
    # Scores through the engine are of the same weights as the engine reads them.
    forms = [path for path in (adapter / ADAPTER_WEIGHTS, run / ADAPTER_GGUF) if path.is_file()]
    # Where heads said the labels, the adapter gave its words alone.
    if is_of_heads or (sha256 and sha256 not in map(count_sha256, forms)):
        raise BadInput(f"{path} holds scores of another adapter", hint="evaluate this one")
    return scores


def _read_page(path: Path) -> str:
    """A page without its own title, its sections a step lower.  Raises BadInput where it cannot be read."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{path} is no page that can be read", hint="name a Markdown file") from None
    kept = [f"#{line}" if line.startswith("##") else line for line in lines if not line.startswith("# ")]
    return "\n".join(kept).strip()


def _choose_licence(asked: str, sources: Sequence[Mapping[str, Any]]) -> str:
    """Raises BadSetting where the data allow no such licence, or nobody said what they allow."""
    research_only = any(source["research_only"] for source in sources)
    if research_only and asked not in {"", RESEARCH_ONLY}:
        raise BadSetting(
            f"the data are for research only, so {asked} cannot be the licence", hint="leave --licence away"
        )
    if asked or research_only:
        return asked or RESEARCH_ONLY
    unstated = sorted(source["name"] for source in sources if source["licence"] == NOT_STATED)
    if unstated:
        raise BadSetting(
            f"no licence is stated for {', '.join(unstated)}, so none is chosen for the adapter",
            hint="name one with --licence that its makers allow, or prepare the data with --licence",
        )
    bound = sorted(f"{each['name']} ({each['licence']})" for each in sources if not _is_free(each["licence"]))
    if bound:
        raise BadSetting(
            f"whether {', '.join(bound)} would allow {FREE_LICENCE} is not known, so no licence is chosen",
            hint="name one with --licence that these terms allow",
        )
    return FREE_LICENCE


def _is_free(licence: str) -> bool:
    return re.sub(r"licen[cs]e|[\s._-]", "", licence.lower()) in FREE_DATA

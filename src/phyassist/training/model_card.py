"""The model card of a published adapter: the hub's front matter, then what a reader has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Any

from phyassist.training.bases import find_hub_file

Manifest = Mapping[str, Any]
_LANGUAGES = {"zh": "Chinese", "en": "English"}
_PRACTICE = (
    "In a practice: `phyassist adapters take REPOSITORY`; then it answers where there is no assistant of "
    "one's own."
)
_NO_PRACTICE = "It is for research alone: `phyassist adapters take` refuses it in a practice."
_GGUF_NOTE = (
    "That file is the base whose hash stands above; transformers reads it with `pip install gguf`. The "
    "weights that it was quantised from load as well, but are not what was trained on.\n\n"
)
_NO_SCORES = "None were given when this was published: take it as untested."


def render_model_card(manifest: Manifest, *, has_curves: bool) -> str:
    """README.md of the repository."""
    texts = files("phyassist.training") / "texts"
    page = Template((texts / "model_card.md").read_text("utf-8"))
    marks = {"en": "", "zh": ""}
    if manifest["research_only"]:
        marks = {
            "en": "**Research only.** Some data are for non-clinical research alone, and so is this.\n",
            "zh": "**仅供研究**。部分训练数据只允许用于非临床研究，本适配器同样如此。\n",
        }
    base = manifest["base"]
    return render_front(manifest) + page.substitute(
        title=manifest["title"],
        research_en=marks["en"],
        research_zh=marks["zh"],
        base=f"[{base['hub']}](https://huggingface.co/{base['hub']})" if base["hub"] else base["name"],
        base_name=base["name"],
        base_sha256=base["sha256"],
        licence=manifest["licence"],
        sources="\n".join(_source_rows(manifest)),
        parts=_describe_parts(manifest),
        recipe="\n".join(f"| {name} | {_spell(value)} |" for name, value in manifest["recipe"].items()),
        training=_describe_training(manifest),
        curves="![Loss by epoch](curves.png)\n" if has_curves else "",
        scores="\n\n".join(filter(None, [*_list_scores(manifest), manifest["measured"]])) or _NO_SCORES,
        answers_in=_say_languages(manifest),
        use=_describe_use(manifest, texts),
        phyassist=manifest["phyassist"],
        made_at=manifest["made_at"][:10],
    )


def render_front(manifest: Manifest) -> str:
    """The YAML block that the hub reads."""
    from huggingface_hub.utils import yaml_dump

    front: dict[str, Any] = {"library_name": "peft", "pipeline_tag": "text-generation"}
    if manifest["base"]["hub"]:
        front |= {"base_model": manifest["base"]["hub"], "base_model_relation": "adapter"}
    if manifest["research_only"]:
        front |= {"license": "other", "license_name": manifest["licence"]}
    else:
        front["license"] = manifest["licence"]
    languages = manifest["answers_in"] or manifest["data"]["languages"]
    if languages:
        front["language"] = languages
    front["tags"] = ["phyassist", "lora", "psychology", "not-for-patients"]
    if manifest["research_only"]:
        front["tags"].append("research-only")
    results = list(_list_results(manifest))
    if results:
        front["model-index"] = [{"name": manifest["title"], "results": results}]
    return f"---\n{yaml_dump(front, sort_keys=False)}---\n"


def _list_results(manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    for scores in manifest["scores"]:
        for name, score in scores["sets"].items():
            measured = (
                ("f1", "weighted F1", "weighted_f1"),
                ("f1", "macro F1", "macro_f1"),
                ("accuracy", "accuracy", "accuracy"),
            )
            yield {
                "task": {"type": "text-classification", "name": "IMHI"},
                "dataset": {
                    "name": f"IMHI {name}{_say_limit(scores)}",
                    "type": f"imhi-{name.lower()}",
                    "split": scores["part"],
                },
                "metrics": [
                    {"type": kind, "name": title, "value": round(score[key], 2)}
                    for kind, title, key in measured
                ],
            }


def _say_limit(scores: Mapping[str, Any]) -> str:
    return f", the first {scores['limit']} rows of each set" if scores["limit"] else ""


def _describe_use(manifest: Manifest, texts: Traversable) -> str:
    base, sets = manifest["base"], manifest["sets"]
    if manifest["kind"] == "heads":
        page, recipe = "use_heads.md", manifest["recipe"]
        words = {
            "sets": ", ".join(sets),
            "sets_as_option": ",".join(sets),
            "base_name": base["name"],
            **{name: str(recipe[name]) for name in ("first_layer", "last_layer")},
        }
    else:
        page, file = "use_adapter.md", find_hub_file(base["name"])
        words = {
            "base_to_load": f'"{base["hub"] or base["name"]}",'
            + (f'\n    gguf_file="{file}",' if file else ""),
            "base_note": _GGUF_NOTE if file else "",
            "practice": _NO_PRACTICE if manifest["research_only"] else _PRACTICE,
        }
    return Template((texts / page).read_text("utf-8").strip()).substitute(words)


def _say_languages(manifest: Manifest) -> str:
    names = " and ".join(_LANGUAGES[each] for each in manifest["answers_in"])
    return (
        f"- In a practice it answers for those alone who work in {names}: there it helped.\n" if names else ""
    )


def _source_rows(manifest: Manifest) -> Iterator[str]:
    parts = manifest["data"]["parts"]
    for source in manifest["data"]["sources"]:
        rows = parts["train"]["rows"].get(source["name"], 0) if parts else "as published"
        only = "yes" if source["research_only"] else "no"
        yield f"| {source['name']} | {source['origin']} | {source['licence']} | {only} | {rows} |"


def _describe_parts(manifest: Manifest) -> str:
    data = manifest["data"]
    if manifest["kind"] == "joined":
        return "What the adapters that it was joined of were trained on; their own cards say more."
    if not data["parts"]:
        return "The sets' own parts, as their makers publish them."
    if data.get("drafted_by"):
        return (
            "Parted by person or post. The texts are the sources' own; the replies that it learnt are drafts "
            f"of {data['drafted_by']} in which rules found nothing to strike out. `phyassist.json` has the "
            "hash of every part."
        )
    leaks = sum(data["leaks"].values())
    return (
        f"Parted by person or post. {leaks} rows were dropped because their text also stands in a held-out "
        "part. `phyassist.json` has the hash of every part."
    )


def _list_scores(manifest: Manifest) -> Iterator[str]:
    """Each evaluation: what was read, and a table."""
    for scores in manifest["scores"]:
        read = scores.get("heads") or ()
        # The mean of several heads is what none of them says alone.
        mean = f", the mean of {', '.join(read)} (each with a `--heads` of its own)" if len(read) > 1 else ""
        lines = [
            f"Part `{scores['part']}`{_say_limit(scores)}{mean}, measured {scores['made_at'][:10]}:",
            "",
            "| set | rows | unread | weighted F1 (95 % interval) | macro F1 | accuracy (95 % interval) |",
            "|---|---|---|---|---|---|",
        ]
        for name, score in scores["sets"].items():
            f1, right = (score[key] for key in ("weighted_f1_interval", "accuracy_interval"))
            lines.append(
                f"| {name} | {score['rows']} | {score['unread']} "
                f"| {score['weighted_f1']:.2f} ({f1[0]:.1f}–{f1[1]:.1f}) | {score['macro_f1']:.2f} "
                f"| {score['accuracy']:.2f} ({right[0]:.1f}–{right[1]:.1f}) |"
            )
        yield "\n".join(lines)


def _describe_training(manifest: Manifest) -> str:
    done, environment = manifest["training"], manifest["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in environment.items())
    if manifest["kind"] == "joined":
        return f"Joined of several adapters; nothing was trained anew. {versions}."
    count = manifest["examples"]["train"]
    if manifest["kind"] == "heads":
        f1 = ", ".join(f"{name} {value:.2f}" for name, value in done["weighted_f1"].items())
        said = f"{count} posts; the weights are those of epoch {done['epoch']}, validation weighted F1 {f1}"
        if set(manifest["sets"]) < set(done["weighted_f1"]):
            said += f"; of its heads those of {', '.join(manifest['sets'])} were kept"
    else:
        said = f"{count} examples, {done['step']} steps"
        loss = done.get("best_val_loss")
        if loss is not None:
            said += f"; the weights are those of step {done['best_step']}, validation loss {loss:.4f}"
    return f"{said}. {versions}."


def _spell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all linear layers of the blocks"
    return str(value)

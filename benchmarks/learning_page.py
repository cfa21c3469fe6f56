"""The page of `benchmarks.learning`: its tables, and how much fewer edits there are."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

CAVEAT = (
    "A counsellor made of rules changes how items are worded, not what they say: few edits do not mean wise "
    "items. The notes are of as many clients: a reason that says one of them over word for word is about "
    "somebody else, and all of it counts as to be changed. What the small model says over of the task itself "
    "a rule about form lets pass. Texts that speak of harm are left out, since their first advice is the "
    "app's to word."
)
# In words, by how much it is multiplied to be shown, and whether more or less of it is better.
MEASURES = {
    "edits_per_100": ("characters to change for a hundred", 1, -1),
    "untouched": ("per cent of items kept as they are", 100, 1),
    "met": ("per cent of drafts that met the taste at once", 100, 1),
}
PARENTS = {
    "published": "the published one alone",
    "on_base": "learnt on top of the model alone",
    "on_published": "learnt on top of the published one",
}


def find_reductions(found: Mapping[str, Any], notes: int) -> dict[str, Any]:
    """How much fewer edits there are after so many notes: the mean of the counsellors, each by its base."""
    rows = {name: each for name, each in found.items() if str(notes) in each["after"]}

    def fall(row: Mapping[str, Any], way: str, against: float) -> float | None:
        return 1 - row["after"][str(notes)][way]["edits_per_100"] / against if against else None

    by_name = {
        name: {
            "adapter_vs_base": fall(row, "adapter", row["base"]["edits_per_100"]),
            "adapter_vs_prompt": fall(row, "adapter", row["after"][str(notes)]["prompt"]["edits_per_100"]),
            "prompt_vs_base": fall(row, "prompt", row["base"]["edits_per_100"]),
        }
        for name, row in rows.items()
    }

    def mean(key: str) -> float | None:
        values = [each[key] for each in by_name.values() if each[key] is not None]
        return round(statistics.fmean(values), 4) if values else None

    return {
        "edit_reduction_vs_base": mean("adapter_vs_base"),
        "edit_reduction_vs_prompt": mean("adapter_vs_prompt"),
        "prompt_reduction_vs_base": mean("prompt_vs_base"),
        "counsellors": by_name,
    }


def make_page(found: Mapping[str, Any]) -> str:
    lines = ["# Learning from a counsellor", ""]
    lines += [f"- {name}: {value}" for name, value in found["facts"].items()]
    lines += [
        "",
        "Characters to change for a hundred that are kept · items kept as they are · drafts that met the "
        "taste at once.",
        "",
        "| counsellor wants | notes | base | notes in the prompt | adapter | minutes of training |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["counsellors"].values():
        for notes, after in row["after"].items():
            cells = [show(each) for each in (row["base"], after["prompt"], after["adapter"])]
            lines.append(f"| {row['wants']} | {notes} | {' | '.join(cells)} | {after['run']['minutes']} |")
    lines += ["", say_lost(found["counsellors"])]
    for row in found["counsellors"].values():
        for notes, after in row["after"].items():
            if "gate" in after:
                gate = after["gate"]
                said = "accepted" if gate["accepted"] else "not put into use"
                lost = f" ({', '.join(gate['lost'])})" * bool(gate["lost"])
                lines += [
                    "",
                    f"The gate on “{row['wants']}” after {notes} notes: {said}, {gate['reason']}{lost}.",
                ]
    for notes, each in found.items():
        if notes.startswith("at"):
            of = len(each["counsellors"])
            lines += [
                "",
                f"After {notes[2:]} notes, the mean of {of} counsellor{'s' * (of > 1)}: "
                + say_reduction(each),
            ]
    for name, ways in found.get("parents", {}).items():
        lines += ["", f"On top of a published adapter, which wrote the drafts ({name}):", ""]
        lines += ["| | adapter | gate | minutes of training |", "|---|---|---|---|"]
        for way, said in PARENTS.items():
            row = ways[way]
            gate = row.get("gate", {"reason": "", "lost": []})
            lost = f" ({', '.join(gate['lost'])})" * bool(gate["lost"])
            minutes = row["run"]["minutes"] if "run" in row else ""
            lines.append(f"| {said} | {show(row['adapter'])} | {gate['reason']}{lost} | {minutes} |")
    for name, arms in found.get("preferences", {}).items():
        lines += ["", f"What was not kept, beside what was ({name}):", ""]
        lines += ["| preference | adapter | tokens | minutes of training |", "|---|---|---|---|"]
        lines += [
            f"| {each} | {show(row['adapter'])} | {row['run']['tokens']:,} | {row['run']['minutes']} |"
            for each, row in arms.items()
        ]
    lines += ["", CAVEAT]
    return "\n".join(lines) + "\n"


def say_lost(rows: Mapping[str, Any]) -> str:
    """Every cell in which the base alone or notes in the prompt do better than the adapter, in a sentence."""
    lost = []
    for row in rows.values():
        for notes, after in row["after"].items():
            others = {"base": row["base"], "notes in the prompt": after["prompt"]}
            for key, (words, unit, sign) in MEASURES.items():
                own = after["adapter"][key]
                better = [
                    f"{name} {each[key] * unit:.1f}"
                    for name, each in others.items()
                    if sign * each[key] > sign * own
                ]
                if better:
                    lost.append(
                        f"{row['wants']} after {notes} notes, {words} {own * unit:.1f} ({', '.join(better)})"
                    )
    return f"Where the adapter does not do best: {'; '.join(lost) or 'nowhere'}."


def list_numbers(found: Mapping[str, Any]) -> list[int]:
    """After how many notes anybody was measured."""
    return sorted({int(notes) for each in found.values() for notes in each["after"]})


def show(row: Mapping[str, float]) -> str:
    return f"{row['edits_per_100']:.0f} · {row['untouched']:.0%} · {row['met']:.0%}"


def say_reduction(each: Mapping[str, Any]) -> str:
    said = {
        "edit_reduction_vs_base": "fewer edits than with the base",
        "edit_reduction_vs_prompt": "fewer than with notes in the prompt",
    }
    return ", ".join(f"{each[key]:.0%} {words}" for key, words in said.items() if each[key] is not None) + "."

"""From sources to prepared data: read, clean, part, drop leaks, shuffle, write, and say what was done."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist import __version__
from phyassist.domain.examples import PARTS, Example, Part
from phyassist.domain.people import Language
from phyassist.errors import BadInput
from phyassist.lm.bundle import fill_folder
from phyassist.training.catalogue import NOT_STATED, SourceCard, load_sources
from phyassist.training.clean import TEXT_CHARS_MAX, CleanCounts, Cleaner, repair
from phyassist.training.readers import Row, read_own, read_source
from phyassist.training.split import SHARES, HeldOut, Shares, choose_part, shuffle
from phyassist.training.templates import ChatTemplate
from phyassist.training.writing import CARD, PartFiles, write_whole

# What a licence says where others must not earn by what is made of it; in doubt it is taken to say so.
_RESEARCH_ONLY = re.compile(
    r"(?<![a-z])nc(?![a-z])"
    r"|(?:non|no|not for)[\s_-]*commercial"
    r"|(?:research|academic|educational)[\s_-]*(?:use|purpose|only)"
    r"|(?:only|solely).{0,20}(?:research|academi|educat)"
    r"|[仅限只].{0,8}(?:研究|学术|科研|教学)"
    r"|(?:研究|学术|科研|教学)(?:使用|用途|目的|之用)"
    r"|(?:非|不得|不可|禁止).{0,4}(?:商业|商用|营利|盈利)",
    re.IGNORECASE,
)
PROGRESS_ROWS = 200
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A table of one's own: which column holds what (nothing: as they are called), and its language
    (None: looked at row by row).
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    language: Language | None = None
    licence: str = NOT_STATED


@dataclass(frozen=True, slots=True)
class Plan:
    """What is prepared from where, and by which choices."""

    sources: tuple[SourceCard, ...]
    own: tuple[OwnFile, ...]
    data: Path
    template: ChatTemplate
    shares: Shares = SHARES
    seed: int = 0
    text_chars_max: int = TEXT_CHARS_MAX


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows by part and source, what was cleaned away, and how many rows were dropped as leaks."""

    rows: Mapping[Part, Mapping[str, int]]
    sha256: Mapping[Part, str]
    cleaned: Mapping[str, CleanCounts]
    leaks: Mapping[str, int]


def prepare(plan: Plan, out: Path, progress: Progress | None = None) -> Prepared:
    """Write the parts and their card: `out` is there when all of it is, or not at all.

    `progress` hears how many rows are done, and of how many.
    Raises BadInput where there is nothing to prepare or `out` is not empty, UnreadableFile, StoreFull.
    """
    if not plan.sources and not plan.own:
        raise BadInput("no source was named", hint="phyassist data sources list shows what there is")
    with fill_folder(out) as part:
        prepared = _prepare_into(part, plan, progress)
        write_card(part, plan, prepared)
    return prepared


def _prepare_into(out: Path, plan: Plan, progress: Progress | None) -> Prepared:
    held_out, total = find_held_out(plan)
    cleaner, leaks = Cleaner(text_chars_max=plan.text_chars_max), Counter[str]()

    def keep() -> Iterator[tuple[Part, Example]]:
        for part, example in _clean_rows(plan, cleaner, total, progress):
            if held_out.leaks(part, example.text):
                leaks[example.source] += 1
            else:
                yield part, example

    with ExitStack() as stack:
        files = {part: stack.enter_context(PartFiles(out, part, plan.template)) for part in PARTS}
        for part, example in shuffle(keep(), plan.seed):
            files[part].write(example)
    prepared = Prepared(
        rows={part: dict(each.rows) for part, each in files.items()},
        sha256={part: each.sha256 for part, each in files.items()},
        cleaned=cleaner.counts,
        leaks=dict(leaks),
    )
    if not any(prepared.rows.values()):
        reasons = sum((each.dropped for each in prepared.cleaned.values()), Counter[str]())
        reasons["leak"] += sum(leaks.values())
        said = ", ".join(f"{reason} {count}" for reason, count in sorted((+reasons).items()))
        raise BadInput(
            f"no row of these sources can be used: {said or 'there are none'}",
            hint="save your file as UTF-8"
            if "mis-encoded" in reasons
            else "docs/data.md says what each reason means; name other files or columns",
        )
    return prepared


def list_not_compared(plan: Plan) -> tuple[str, ...]:
    """The public sources whose test or validation texts are not at hand: leaks of theirs go unseen."""
    chosen = {card.name for card in plan.sources}
    return tuple(
        card.name
        for card in load_sources().values()
        if card.name not in chosen and "split" not in card.files and not _is_at_hand(card, plan.data)
    )


def _is_at_hand(card: SourceCard, data: Path) -> bool:
    return all((data / name).is_file() for name in card.files.values())


def find_held_out(plan: Plan) -> tuple[HeldOut, int]:
    """The test and validation texts of every source at hand, and how many rows the plan has."""
    held_out, total = HeldOut(), 0
    chosen = {card.name for card in plan.sources}
    for card in load_sources().values():
        if card.name not in chosen and ("split" in card.files or not _is_at_hand(card, plan.data)):
            continue
        for row in read_source(card, plan.data):
            total += card.name in chosen
            _hold_out(held_out, row, plan.shares)
    for own in plan.own:
        for row in read_own(own.path, own.columns, own.language):
            total += 1
            _hold_out(held_out, row, plan.shares)
    return held_out, total


def _hold_out(held_out: HeldOut, row: Row, shares: Shares) -> None:
    if row.example is not None:
        example = repair(row.example)
        held_out.add(row.part or choose_part(example, shares), example.text)


def _clean_rows(
    plan: Plan, cleaner: Cleaner, total: int, progress: Progress | None
) -> Iterator[tuple[Part, Example]]:
    readers = [(card.name, read_source(card, plan.data), True) for card in plan.sources]
    readers += [(own.path.stem, read_own(own.path, own.columns, own.language), False) for own in plan.own]
    done = 0

    def count(rows: Iterator[Row]) -> Iterator[Row]:
        nonlocal done
        for row in rows:
            done += 1
            if progress is not None and (done % PROGRESS_ROWS == 0 or done == total):
                progress(done, total)
            yield row

    for name, rows, is_published in readers:
        for row in cleaner.clean(name, count(rows), is_published=is_published):
            if row.example is not None:
                yield row.part or choose_part(row.example, plan.shares), row.example


def write_card(out: Path, plan: Plan, prepared: Prepared, *, drafted_by: str = "") -> None:
    """The data card, for a reader (CARD.md) and for a program (card.json, written last).  Raises StoreFull.

    `drafted_by` names the model that wrote the replies, where they are not the sources' own.
    """
    card = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "phyassist": __version__,
        "seed": plan.seed,
        "template": plan.template.name,
        "shares": asdict(plan.shares),
        "text_chars_max": plan.text_chars_max,
        **({"drafted_by": drafted_by} if drafted_by else {}),
        "sources": [_describe(source) for source in plan.sources] + [_describe_own(own) for own in plan.own],
        "cleaned": {
            name: {
                "rows": counts.rows,
                "kept": counts.kept,
                "repaired": counts.repaired,
                "dropped": dict(sorted(counts.dropped.items())),
            }
            for name, counts in prepared.cleaned.items()
        },
        "leaks": dict(prepared.leaks),
        "not_compared": list(list_not_compared(plan)),
        "parts": {
            part: {"rows": dict(prepared.rows[part]), "sha256": prepared.sha256[part]} for part in PARTS
        },
    }
    write_whole(out / "CARD.md", render_card(card))
    write_whole(out / CARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")


def render_card(card: Mapping[str, Any]) -> str:
    """The card as a page."""
    sources = [
        f"| {each['name']} | {each['origin']} | {each['licence']} "
        f"| {'yes' if each['research_only'] else 'no'} |"
        for each in card["sources"]
    ]
    names = list(card["cleaned"])
    counts = [
        f"| {name} | {card['cleaned'][name]['rows']} | {card['cleaned'][name]['repaired']} "
        f"| {sum(card['cleaned'][name]['dropped'].values())} | {card['leaks'].get(name, 0)} | "
        + " | ".join(str(card["parts"][part]["rows"].get(name, 0)) for part in PARTS)
        + " |"
        for name in names
    ]
    reasons = [
        f"- {name}: {reason}: {count}"
        for name in names
        for reason, count in card["cleaned"][name]["dropped"].items()
    ]
    hashes = [f"- `{part}.jsonl`: `{card['parts'][part]['sha256']}`" for part in PARTS]
    return "\n".join(
        [
            "# Data card",
            "",
            f"Prepared {card['made_at']} by PhyAssist {card['phyassist']}; seed {card['seed']}, "
            f"chat template {card['template']}, at most {card['text_chars_max']} characters a row.",
            *([f"The replies are drafts of {card['drafted_by']}."] if "drafted_by" in card else []),
            "",
            "| source | origin | licence | research only |",
            "|---|---|---|---|",
            *sources,
            "",
            "| source | rows read | mended | dropped | leaks dropped | train | val | test |",
            "|---|---|---|---|---|---|---|---|",
            *counts,
            "",
            "## Dropped, by reason",
            "",
            *(reasons or ["None."]),
            "",
            "Leaks: rows whose text also stands in a test set (training rows: or a validation set) of any "
            "source at hand, compared by letters alone.",
            *(
                [f"Not at hand, and so not compared with: {', '.join(card['not_compared'])}."]
                if card.get("not_compared")
                else []
            ),
            "",
            "## Hashes (SHA-256)",
            "",
            *hashes,
            "",
        ]
    )


def _describe(card: SourceCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "origin": card.origin,
        "licence": card.licence,
        "research_only": card.research_only,
    }


def _describe_own(own: OwnFile) -> dict[str, Any]:
    return {
        "name": own.path.stem,
        "title": own.path.name,
        "origin": "a file of one's own",
        "licence": own.licence,
        "research_only": bool(_RESEARCH_ONLY.search(own.licence)),
    }

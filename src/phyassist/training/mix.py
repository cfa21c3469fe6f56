"""Prepared folders joined into one, so many rows of each source, and what a prepared folder holds."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path
from typing import Any

from phyassist import __version__
from phyassist.domain.examples import PARTS, Part
from phyassist.errors import BadInput
from phyassist.lm.bundle import fill_folder
from phyassist.prompts.layout import join_task
from phyassist.training.catalogue import join_terms
from phyassist.training.plain import fingerprint
from phyassist.training.prepare import render_card
from phyassist.training.split import HELD_OUT, HeldOut
from phyassist.training.templates import ChatTemplate
from phyassist.training.writing import CARD, PartFiles, load_card, read_part, verify_part, write_whole

# A row with where it comes among all rows, from 0 to 1, and the number of its folder.
Placed = tuple[float, int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PartStats:
    """Rows, keys, and lengths in characters of one source in one part."""

    part: Part
    source: str
    language: str
    rows: int
    keys: int
    prompt_chars_median: float
    reply_chars_median: float
    chars_max: int


def mix(
    folders: Sequence[Path], takes: Mapping[str, int], out: Path, *, template: ChatTemplate, seed: int
) -> Mapping[str, Any]:
    """Join prepared folders; of a source in `takes` only so many training rows, always the same.

    Validation and test rows are taken whole.  A key or a text that is for testing in one folder and for
    training in another is an error, not a mixture, and so is a row that stands in two folders.  The card
    comes out.
    Raises BadInput, UnreadableFile, StoreFull.
    """
    cards = [load_card(folder) for folder in folders]
    for folder in folders:
        for part in PARTS:
            verify_part(folder, part)
    known = {name for card in cards for name in card["cleaned"]}
    unknown = sorted(set(takes) - known)
    if unknown:
        raise BadInput(f"no folder holds {', '.join(unknown)}", hint=f"there are {', '.join(sorted(known))}")
    _check_twice(folders)
    _check_keys(folders)
    _check_texts(folders)
    with fill_folder(out) as part_out:
        parts: dict[str, Any] = {}
        for part in PARTS:
            limits = takes if part == "train" else {}
            with PartFiles(part_out, part, template) as files:
                for row in _interleave(folders, part, limits, seed):
                    files.write_row(row)
            parts[part] = {"rows": dict(files.rows), "sha256": files.sha256}
        card = _join(cards, parts, template, seed)
        write_whole(part_out / "CARD.md", render_card(card))
        write_whole(part_out / CARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")
    return card


def find_stats(folder: Path) -> tuple[PartStats, ...]:
    """What stands in a prepared folder, by part and source.  Raises UnreadableFile."""
    load_card(folder)
    found: list[PartStats] = []
    for part in PARTS:
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        prompts: dict[tuple[str, str], list[int]] = defaultdict(list)
        replies: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in read_part(folder, part):
            of = row["source"], row["language"]
            *asked, reply = row["messages"]
            keys[of].add(row["key"])
            prompts[of].append(sum(len(message["content"]) for message in asked))
            replies[of].append(len(reply["content"]))
        for (source, language), lengths in sorted(prompts.items()):
            of = source, language
            whole = [first + second for first, second in zip(lengths, replies[of], strict=True)]
            found.append(
                PartStats(
                    part,
                    source,
                    language,
                    len(lengths),
                    len(keys[of]),
                    statistics.median(lengths),
                    statistics.median(replies[of]),
                    max(whole),
                )
            )
    return tuple(found)


def _interleave(
    folders: Sequence[Path], part: Part, takes: Mapping[str, int], seed: int
) -> Iterator[Mapping[str, Any]]:
    """Rows of all folders, mixed evenly: each folder's own order is kept, and the places are spread; those of
    a source of which only some are taken are spread by themselves, else they would all stand first.
    """
    turned = _rotate(folders, seed)
    groups = _choose_rows(turned, part, takes)

    def place(group_no: int, chosen: Sequence[tuple[float, int, int]]) -> Iterator[Placed]:
        rows = [enumerate(read_part(folder, part)) for folder in turned]
        for no, (_, folder_no, row_no) in enumerate(chosen):
            row = next(row for at, row in rows[folder_no] if at == row_no)
            yield (no + 0.5) / len(chosen), group_no, row

    spread = [place(no, chosen) for no, chosen in enumerate(groups)]
    yield from (row for _, _, row in merge(*spread, key=lambda each: each[:2]))


def _choose_rows(
    folders: Sequence[Path], part: Part, takes: Mapping[str, int]
) -> list[list[tuple[float, int, int]]]:
    """For each folder, and then for each source in `takes`, the rows to take: where each stands in its
    folder, from 0 to 1, the folder's number and its own.
    """
    whole: list[list[tuple[float, int, int]]] = []
    some: dict[str, list[tuple[float, int, int]]] = {name: [] for name in takes}
    for folder_no, folder in enumerate(folders):
        sources = [row["source"] for row in read_part(folder, part)]
        rest: list[tuple[float, int, int]] = []
        for no, source in enumerate(sources):
            some.get(source, rest).append(((no + 0.5) / len(sources), folder_no, no))
        whole.append(rest)
    return [*whole, *(sorted(found)[: takes[name]] for name, found in some.items())]


def _rotate(folders: Sequence[Path], seed: int) -> list[Path]:
    turn = seed % len(folders)
    return [*folders[turn:], *folders[:turn]]


def _check_twice(folders: Sequence[Path]) -> None:
    seen: dict[bytes, int] = {}
    twice = 0
    for no, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:no]]:
            raise BadInput(f"{folder} was named twice", hint="name each folder once")
        for part in PARTS:
            for row in read_part(folder, part):
                twice += seen.setdefault(_mark_row(row), no) != no
    if twice:
        raise BadInput(
            f"{twice} rows stand in two of these folders",
            hint="name each source once, or prepare them together",
        )


def _mark_row(row: Mapping[str, Any]) -> bytes:
    said = json.dumps([row["source"], row["messages"]], ensure_ascii=False)
    return hashlib.blake2b(said.encode("utf-8"), digest_size=16).digest()


def _check_keys(folders: Sequence[Path]) -> None:
    held: dict[Part, set[bytes]] = {
        part: {_mark(row) for folder in folders for row in read_part(folder, part)} for part in PARTS
    }
    for part, others in HELD_OUT.items():
        for other in others:
            both = held[part] & held[other]
            if both:
                raise BadInput(
                    f"{len(both)} keys stand in {part} of one folder and in {other} of another",
                    hint="prepare their sources together, so that leaks are dropped",
                )


def _check_texts(folders: Sequence[Path]) -> None:
    """Each folder was cleaned of its own leaks; what another one keeps for testing it could not know."""
    held_out = HeldOut()
    for part in ("test", "val"):
        for folder in folders:
            for row in read_part(folder, part):
                held_out.add(part, _find_text(row))
    leaks = {
        part: sum(
            held_out.leaks(part, _find_text(row)) for folder in folders for row in read_part(folder, part)
        )
        for part in HELD_OUT
    }
    if any(leaks.values()):
        said = " and ".join(f"{count} of {part}" for part, count in leaks.items() if count)
        raise BadInput(
            f"the texts of {said} also stand in a part that is held out from it",
            hint="prepare their sources together, so that leaks are dropped",
        )


def _find_text(row: Mapping[str, Any]) -> str:
    """The text that a prompt is about: what stands before its task, whichever that is."""
    asked: str = next(message["content"] for message in row["messages"] if message["role"] == "user")
    return asked.partition(join_task("", ""))[0]


def _mark(row: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(fingerprint(f"{row['source']}-{row['key']}"))


def _join(
    cards: Sequence[Mapping[str, Any]], parts: Mapping[str, Any], template: ChatTemplate, seed: int
) -> Mapping[str, Any]:
    sources = join_terms(source for card in cards for source in card["sources"])
    drafted_by = sorted({card["drafted_by"] for card in cards if "drafted_by" in card})
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "phyassist": __version__,
        "seed": seed,
        "template": template.name,
        "shares": cards[0]["shares"],
        "text_chars_max": max(card["text_chars_max"] for card in cards),
        **({"drafted_by": ", ".join(drafted_by)} if drafted_by else {}),
        "sources": sources,
        "cleaned": _add_counts(cards),
        "leaks": dict(sum((Counter(card["leaks"]) for card in cards), Counter[str]())),
        # Those that are in the mixture were compared here.
        "not_compared": sorted(
            {name for card in cards for name in card.get("not_compared", ())}
            - {source["name"] for source in sources}
        ),
        "parts": parts,
    }


def _add_counts(cards: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What was cleaned by source: two files of one name are one source, and their rows are added."""
    found: dict[str, Any] = {}
    for name, counts in ((name, counts) for card in cards for name, counts in card["cleaned"].items()):
        before = found.get(name, {"rows": 0, "kept": 0, "repaired": 0, "dropped": {}})
        dropped = Counter(before["dropped"]) + Counter(counts["dropped"])
        added = {key: before[key] + counts[key] for key in ("rows", "kept", "repaired")}
        found[name] = {**added, "dropped": dict(sorted(dropped.items()))}
    return found

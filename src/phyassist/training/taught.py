"""Examples whose replies a larger model drafted: public texts in, prepared data out.

Drafting takes hours and may be broken off: every draft is a line of `drafts.jsonl` at once, and what stands
there is not asked for again.  Test texts are left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from phyassist.domain.examples import PARTS, Drafted, Example, Part
from phyassist.domain.people import Language
from phyassist.errors import BadInput
from phyassist.lm.folders import say_full
from phyassist.training.clean import CleanCounts, Cleaner
from phyassist.training.messages import Dialogue
from phyassist.training.prepare import Plan, Prepared, Progress, find_held_out, write_card
from phyassist.training.readers import read_source
from phyassist.training.split import choose_part
from phyassist.training.writing import CARD, PartFiles, make_folder

DRAFTS = "drafts.jsonl"
# A text that a counsellor would paste: long enough to say something, short enough to be drafted soon.
CHARS: Mapping[Language, tuple[int, int]] = {"en": (120, 900), "zh": (60, 400)}
Write = Callable[[str, Language], Drafted]


def draft_sources(
    plan: Plan, out: Path, *, count: int, by: str, write: Write, progress: Progress | None = None
) -> Prepared:
    """Have `count` texts of each source drafted, and write those that hold as prepared data, the card last.

    `by` names the model.  Raises BadInput where `out` holds something else, StoreFull, and what `write`
    raises.
    """
    if (out / CARD).exists():
        raise BadInput(f"{out} is prepared to the end", hint="name a new folder with --out")
    if not (out / DRAFTS).exists():
        make_folder(out)
    chosen = list(choose_texts(plan, count))
    known = {(each["source"], each["key"]): each for each in _read_drafts(out / DRAFTS, by)}
    rows: list[Mapping[str, Any]] = []
    with (out / DRAFTS).open("a", encoding="utf-8") as file:
        file.write(_find_line_end(out / DRAFTS))
        for no, (part, example) in enumerate(chosen, start=1):
            row = known.get((example.source, example.key))
            if row is None:
                row = {**_draft(example, write), "part": part, "by": by}
                with say_full(out / DRAFTS):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    file.flush()
            rows.append(row)
            if progress is not None:
                progress(no, len(chosen))
    with say_full(out, hint="free some space and start it again: no draft is lost"):
        return _finish(out, plan, rows, by)


def choose_texts(
    plan: Plan, count: int, *, parts: Sequence[Part] = ("train", "val")
) -> Iterator[tuple[Part, Example]]:
    """So many texts of each source, of a bearable length, in an order that no machine changes, each key once.

    What also stands in a part that is kept apart from theirs is left out.
    """
    held_out, _ = find_held_out(plan)
    for source in plan.sources:
        found: dict[str, tuple[Part, Example]] = {}
        least, most = CHARS[source.language]
        cleaner = Cleaner(text_chars_max=plan.text_chars_max)
        for row in cleaner.clean(source.name, read_source(source, plan.data)):
            if row.example is None or row.example.key in found:
                continue
            part = row.part or choose_part(row.example, plan.shares)
            text = _begin(row.example.text, most)
            if part not in parts or len(text) < least or held_out.leaks(part, row.example.text):
                continue
            found[row.example.key] = part, Example(source.name, row.example.key, source.language, text)
        order = sorted(found, key=lambda key: hashlib.sha256(f"{plan.seed}\x1f{key}".encode()).digest())
        yield from (found[key] for key in order[:count])


def _begin(text: str, most: int) -> str:
    """The text, or as many of its first lines as fit whole."""
    if len(text) <= most:
        return text
    kept: list[str] = []
    for line in text.splitlines():
        if sum(map(len, kept)) + len(kept) + len(line) > most:
            break
        kept.append(line)
    return "\n".join(kept)


def _draft(example: Example, write: Write) -> dict[str, Any]:
    drafted = write(example.text, example.language)
    return {
        **Dialogue(drafted.messages, drafted.reply).to_json(),
        "source": example.source,
        "key": example.key,
        "language": example.language,
        "label": "",
        "faults": list(drafted.faults),
    }


def _read_drafts(path: Path, by: str) -> Iterator[Mapping[str, Any]]:
    if not path.is_file():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # what was being written when it was broken off is drafted again
        if row["by"] != by:
            raise BadInput(f"{path} holds drafts of {row['by']}", hint="name a new folder with --out")
        yield row


def _find_line_end(path: Path) -> str:
    """What a line that was broken off needs, so that the next one does not stand on it."""
    held = path.read_bytes()
    return "\n" if held and not held.endswith(b"\n") else ""


def _finish(out: Path, plan: Plan, rows: list[Mapping[str, Any]], by: str) -> Prepared:
    cleaned = {source.name: CleanCounts() for source in plan.sources}
    with ExitStack() as stack:
        files = {part: stack.enter_context(PartFiles(out, part, plan.template)) for part in PARTS}
        for row in rows:
            counts = cleaned[row["source"]]
            counts.rows += 1
            counts.kept += not row["faults"]
            counts.dropped.update(row["faults"][:1])
            if not row["faults"]:
                kept = ("messages", "source", "key", "language", "label")
                files[row["part"]].write_row({name: row[name] for name in kept})
    prepared = Prepared(
        rows={part: dict(each.rows) for part, each in files.items()},
        sha256={part: each.sha256 for part, each in files.items()},
        cleaned=cleaned,
        leaks={},
    )
    if not any(prepared.rows.values()):
        raise BadInput(f"no draft of {by} holds", hint=f"{out / DRAFTS} says what speaks against each")
    write_card(out, plan, prepared, drafted_by=by)
    return prepared

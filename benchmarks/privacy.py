"""How much of what is private is found and replaced, by language and kind.

    python benchmarks/privacy.py [--half "held out"] [--show] [--json]
    python benchmarks/privacy.py --data ../shared/data --out docs/results

`labels/privacy.jsonl` holds 220 invented texts whose private words are marked; some were written
against (dev), some opened on the way (opened), the rest is held out. A marked word counts as found when
no letter of it would leave; a replaced word counts as right when it lies in a marked one. With `--data`
also how often words of everyday dialogues are replaced.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from machine import find_processor

from phyassist.domain.privacy.finding import find_private
from phyassist.domain.privacy.replacing import replace_private
from phyassist.domain.scores import Share

LABELS = Path(__file__).parent / "labels" / "privacy.jsonl"
_MARK = re.compile(r"\{(name|place|contact|number|birth):([^}]*)\}")
KINDS = ("name", "number", "contact", "birth", "place")


@dataclass(frozen=True)
class Marked:
    id: str
    lang: str
    half: str
    text: str
    spans: tuple[tuple[int, int, str], ...]


def load_marked(path: Path = LABELS) -> list[Marked]:
    return [_read(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _read(row: dict[str, str]) -> Marked:
    text, spans, at = "", [], 0
    for match in _MARK.finditer(row["marked"]):
        text += row["marked"][at : match.start()]
        spans.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        at = match.end()
    return Marked(row["id"], row["lang"], row["half"], text + row["marked"][at:], tuple(spans))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("dev", "opened", "held out"), default="")
    parser.add_argument("--show", action="store_true", help="print what is missed and what is wrong")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, help="folder to write privacy.md and privacy.json into")
    options = parser.parse_args()
    texts = [each for each in load_marked() if options.half in ("", each.half)]
    result: dict[str, object] = {"halves": score(texts, show=options.show)}
    if options.data:
        result["everyday"] = count_everyday(options.data, show=options.show)
    if options.out:
        write(options.out, result, texts)
        return
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    for half, table in score(texts, show=False).items():
        print(f"\n{half:22} {'recall':34} precision")
        for name, row in table.items():
            print(
                f"  {name:20} {_tell(row['recall']):34} "
                f"{_tell(row['precision']) if 'precision' in row else ''}"
            )
    for name, row in result.get("everyday", {}).items():  # type: ignore[attr-defined]
        print(name, row)


def score(texts: Iterable[Marked], *, show: bool) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Recall by half, language and kind; precision of all kinds together."""
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for each in texts:
        found = find_private(each.text)
        hidden, replacement = replace_private((each.text,))
        assert replacement.restore(hidden[0]) == each.text
        gone = {at for one in found for at in range(one.span.start, one.span.end)}
        for start, end, kind in each.spans:
            hit = all(at in gone or not each.text[at].isalnum() for at in range(start, end))
            for language in (each.lang, "both"):
                hits[each.half, f"{language} {kind}"].append(hit)
                if kind in ("name", "number", "contact", "birth"):
                    group = "names" if kind == "name" else "numbers"
                    hits[each.half, f"{language} {group}"].append(hit)
                    hits[each.half, f"{language} names and numbers"].append(hit)
            if show and not hit:
                print(
                    "missed",
                    each.half,
                    each.id,
                    kind,
                    each.text[max(0, start - 15) : start],
                    "|",
                    each.text[start:end],
                    "|",
                    each.text[end : end + 10],
                )
        for one in found:
            ok = any(
                (start <= one.span.start and one.span.end <= end)
                or (
                    one.span.start <= start
                    and end <= one.span.end
                    and one.span.end - one.span.start <= (end - start) * 1.6
                )
                for start, end, _ in each.spans
            )
            for language in (each.lang, "both"):
                right[each.half, language].append(ok)
            if show and not ok:
                print(
                    "wrong",
                    each.half,
                    each.id,
                    one.kind,
                    one.text,
                    "|",
                    each.text[max(0, one.span.start - 10) : one.span.end + 10],
                )
    table: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    order = [
        f"{language} {kind}"
        for language in ("zh", "en", "both")
        for kind in (*KINDS, "names", "numbers", "names and numbers")
    ]
    for half in dict.fromkeys(half for half, _ in hits):
        table[half] = {
            name: {"recall": _share(hits[half, name])}
            for name in order
            if (half, name) in hits and not name.endswith((" names",))
        }
        for language in ("zh", "en", "both"):
            table[half][f"{language} names and numbers"]["precision"] = _share(right[half, language])
    return table


def count_everyday(folder: Path, *, show: bool) -> dict[str, dict[str, float]]:
    """How many words of public dialogues, which name hardly anybody, would be replaced."""
    counts: dict[str, dict[str, float]] = {}
    zh = [
        "\n".join(str(turn) for turn in json.loads(line)["turns"])
        for line in (folder / "smilechat" / "dialogues.jsonl").read_text("utf-8").splitlines()[:300]
    ]
    with (folder / "counsel-chat" / "counsel_chat.csv").open(encoding="utf-8", newline="") as handle:
        en = list(dict.fromkeys(row.get("questionText") or "" for row in csv.DictReader(handle)))[:300]
    for name, texts in (("smilechat", zh), ("counsel-chat", en)):
        found = [one for text in texts for one in find_private(text)]
        letters = sum(len(text) for text in texts)
        counts[name] = {
            "texts": len(texts),
            "characters": letters,
            "replaced": len(found),
            "per 1,000 characters": round(len(found) * 1000 / letters, 3),
        }
        if show:
            tally: dict[str, int] = defaultdict(int)
            for one in found:
                tally[f"{one.kind}:{one.text}"] += 1
            print(name, sorted(tally.items(), key=lambda item: -item[1])[:80])
    return counts


NOTE = """
The texts are invented, one writer's, in the manner of counselling notes and dialogues; their private
words were marked while writing. The first 80 were drawn into dev and held out by chance. Chinese names
did badly on what was held out (names and numbers: 92 % of the first such texts, then 81 %, 71 % and 68
% of ever rarer names), so those texts were opened, the rules were mended, and new ones were written:
*opened* is what was seen in between. The held-out texts were scored with the rules as they stand; the
English ones had been scored before, with nothing changed for what they missed. A marked word counts as
found when no letter of it would leave. What is told in names that no list has met, or tells who
somebody is by what happened to them, is not made safe by any of this.
"""


def write(folder: Path, result: dict[str, object], texts: list[Marked]) -> None:
    facts = {
        "command": "python benchmarks/privacy.py --data ../shared/data --out docs/results",
        "date": "2026-11-26",
        "machine": find_processor(),
        "python": platform.python_version(),
        "texts": {half: sum(each.half == half for each in texts) for half in ("dev", "opened", "held out")},
    }
    body = {"facts": facts, **result}
    (folder / "privacy.json").write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
    lines = ["# Privacy at the edge: what is found and replaced", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "| held out | recall | 95 % | precision |", "|---|---|---|---|"]
    halves = cast(dict[str, dict[str, dict[str, dict[str, float]]]], result["halves"])
    for name, row in halves["held out"].items():
        right = row.get("precision")
        told = f"{right['value']:.1%} ({right['hits']}/{right['of']})" if right else ""
        share = row["recall"]
        lines.append(
            f"| {name} | {share['value']:.1%} ({share['hits']}/{share['of']}) "
            f"| {share['low']:.0%} to {share['high']:.0%} | {told} |"
        )
    lines += ["", "| names and numbers, both languages | recall | precision |", "|---|---|---|"]
    for half, table in halves.items():
        row = table["both names and numbers"]
        lines.append(f"| {half} | {_tell(row['recall'])} | {_tell(row['precision'])} |")
    lines += ["", "| everyday dialogues | texts | characters | words replaced | per 1,000 characters |"]
    lines.append("|---|---|---|---|---|")
    everyday = cast(dict[str, dict[str, float]], result["everyday"])
    for source, count in everyday.items():
        lines.append(
            f"| {source} | {count['texts']} | {count['characters']:,} | {count['replaced']} "
            f"| {count['per 1,000 characters']} |"
        )
    (folder / "privacy.md").write_text("\n".join(lines) + "\n" + NOTE, "utf-8")


def _share(hits: list[bool]) -> dict[str, float]:
    share = Share(sum(hits), len(hits))
    low, high = share.interval
    return {
        "hits": share.hits,
        "of": share.of,
        "value": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _tell(row: dict[str, float]) -> str:
    return f"{row['value']:.1%} ({row['hits']}/{row['of']}, {row['low']:.0%} to {row['high']:.0%})"


if __name__ == "__main__":
    main()

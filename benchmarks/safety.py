"""How surely words of self-harm and of not wanting to live are heard, by language.

    python benchmarks/safety.py --data ../shared/data [--json]

`labels/safety.jsonl` names 460 sentences of public texts by their place, with what a reader found in each;
the sentences themselves stay in the public files.  The phrases were written against the half called dev.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.scores import LabelledText, Share
from phyassist.services.evaluating import DATA_FOLDER, load_texts

LABELS = Path(__file__).parent / "labels" / "safety.jsonl"
ENGLISH = ("irf", "counsel-chat")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in LABELS.read_text("utf-8").splitlines()]
    heard = list(zip(rows, (is_of_harm(words) for words in load_sentences(options.data, rows)), strict=True))
    table = {}
    for half in ("dev", "held out"):
        for language in ("zh", "en"):
            some = [
                (row["label"], hit)
                for row, hit in heard
                if row["half"] == half and (row["source"] in ENGLISH) == (language == "en")
            ]
            harm = [hit for label, hit in some if label == "harm"]
            none = [hit for label, hit in some if label == "none"]
            table[f"{half}, {language}"] = {
                "sensitivity": Share(sum(harm), len(harm)),
                "specificity": Share(len(none) - sum(none), len(none)),
            }
    if options.json:
        print(json.dumps({name: _to_json(row) for name, row in table.items()}, indent=2))
        return
    for name, row in table.items():
        told = "   ".join(
            f"{what} {share.value:.1%} ({share.hits}/{share.of}, {low:.0%} to {high:.0%})"
            for what, share in row.items()
            for low, high in (share.interval,)
        )
        print(f"{name:13} {told}")


def load_sentences(folder: Path, rows: list[dict[str, object]]) -> Iterator[str]:
    """The labelled words, from the public files."""
    posts = _load_posts(folder)
    others = [
        LabelledText(
            f"{row['source']}-{row['row_id']}", str(row["source"]), int(str(row["row_id"])), "en", (), ()
        )
        for row in rows
        if row["source"] != "irf"
    ]
    texts = load_texts(folder, others)
    for row in rows:
        text = (
            posts[int(str(row["row_id"]))]
            if row["source"] == "irf"
            else texts[f"{row['source']}-{row['row_id']}"]
        )
        yield text[int(str(row["start"])) : int(str(row["end"]))]


def _load_posts(folder: Path) -> list[str]:
    with (folder / "imhi" / "labels" / "Irf.csv").open(encoding="utf-8", newline="") as handle:
        return [row["text"].replace("‚Äô", "’") for row in csv.DictReader(handle)]


def _to_json(row: dict[str, Share]) -> dict[str, dict[str, float | int]]:
    return {
        what: {
            "hits": share.hits,
            "of": share.of,
            "value": round(share.value, 4),
            "low": round(share.interval[0], 4),
            "high": round(share.interval[1], 4),
        }
        for what, share in row.items()
    }


if __name__ == "__main__":
    main()

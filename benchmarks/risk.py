"""How surely signs of risk are heard, how they are told apart, and how often everyday texts are marked.

    python benchmarks/risk.py --data ../shared/data [--out docs/results]

`labels/risk.jsonl` holds 170 invented sentences, `labels/risk_answers.jsonl` names 106 places of MDD-5k
where a doctor asks about suicide, with how the patient answers, `labels/safety.jsonl` sentences of
public texts that speak of harm to oneself or do not.  All rules were written against the half called dev.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from machine import find_processor
from safety import ENGLISH, load_sentences

from phyassist.domain.risk.reading import find_risk
from phyassist.domain.risk.signs import RiskKind, Sign, Standing
from phyassist.domain.scores import Share
from phyassist.services.evaluating import DATA_FOLDER

LABELS = Path(__file__).parent / "labels"
OPEN_TOPICS = {
    "self-harm",
    "trauma",
    "addiction",
    "substance-abuse",
    "domestic-violence",
    "eating-disorders",
    "depression",
    "grief-and-loss",
}
SMILECHAT = 400
Rows = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    parser.add_argument("--out", type=Path, help="folder to write risk.md and risk.json into")
    options = parser.parse_args()
    rows = [
        *public_sentences(options.data),
        *answers(options.data),
        *invented(),
        *posts(options.data),
        *everyday(options.data),
    ]
    facts = {
        "command": "python benchmarks/risk.py --data ../shared/data --out docs/results",
        "date": "2026-11-25",
        "machine": find_processor(),
        "python": platform.python_version(),
    }
    if options.out:
        body = {"facts": facts, "rows": rows}
        (options.out / "risk.json").write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
        (options.out / "risk.md").write_text(make_page(facts, rows), "utf-8")
    else:
        print(make_page(facts, rows))


def public_sentences(folder: Path) -> Iterator[dict[str, Any]]:
    rows = read_rows("safety")
    heard = [
        (row, any_of(find_risk(words), RiskKind.SELF))
        for row, words in zip(rows, load_sentences(folder, rows), strict=True)
    ]
    for half in ("dev", "held out"):
        for language in ("zh", "en"):
            some = [
                (row["label"], hit)
                for row, hit in heard
                if row["half"] == half and (row["source"] in ENGLISH) == (language == "en")
            ]
            yield row_of(
                f"public sentences that speak of harm to oneself, {half}",
                language,
                [hit for label, hit in some if label == "harm"],
                [not hit for label, hit in some if label == "none"],
            )


def answers(folder: Path) -> Iterator[dict[str, Any]]:
    """A patient who says yes, now or before, is marked so; one who says no is marked as denying."""
    lines = (folder / "mdd5k" / "dialogues.jsonl").read_text("utf-8").splitlines()
    rows = read_rows("risk_answers")
    for half in ("dev", "held out"):
        told = [
            (row["answer"], says_yes(json.loads(lines[row["row"]])["turns"], row["turn"]))
            for row in rows
            if row["half"] == half
        ]
        yield row_of(
            f"answers to a doctor's question about suicide (MDD-5k), {half}",
            "zh",
            [hit for answer, hit in told if answer == "yes"],
            [not hit for answer, hit in told if answer == "no"],
        )


def says_yes(turns: list[dict[str, str]], at: int) -> bool:
    names = {"doctor": "医生", "patient": "患者"}
    text = "\n".join(f"{names[turn['role']]}：{turn['content']}" for turn in turns[at : at + 2]) + "\n医生"
    "：好。"
    return any(
        sign.kind == RiskKind.SELF and sign.standing in {Standing.PRESENT, Standing.PAST}
        for sign in find_risk(text)
    )


def invented() -> Iterator[dict[str, Any]]:
    rows = read_rows("risk")
    for half in ("dev", "opened", "held out"):
        for language in ("zh", "en"):
            some = [
                (row, find_risk(row["text"]))
                for row in rows
                if row["half"] == half and row["lang"] == language
            ]
            of_risk = [(row, signs) for row, signs in some if row["kind"] != "none"]
            heard = [(row, signs) for row, signs in of_risk if any_of(signs, RiskKind(row["kind"]))]
            yield row_of(
                f"invented sentences of all kinds, {half}",
                language,
                [any_of(signs, RiskKind(row["kind"])) for row, signs in of_risk],
                [not signs for row, signs in some if row["kind"] == "none"],
                [
                    next(sign.standing for sign in signs if sign.kind == row["kind"]) == row["standing"]
                    for row, signs in heard
                ],
            )


def posts(folder: Path) -> Iterator[dict[str, Any]]:
    """Irf's posts come from forums about suicide; its labels are of loneliness and of being a burden."""
    with (folder / "imhi" / "labels" / "Irf.csv").open(encoding="utf-8", newline="") as handle:
        found = [
            (row, any_of(find_risk(row["text"].replace("‚Äô", "’")), RiskKind.SELF))
            for row in csv.DictReader(handle)
        ]
    for name, wanted in (
        ("labelled burden", lambda row: row["burden"] == "1"),
        ("labelled lonely (belong)", lambda row: row["belong"] == "1"),
        ("labelled neither", lambda row: row["burden"] != "1" and row["belong"] != "1"),
    ):
        yield row_of(
            f"Irf posts {name}: share that is marked", "en", [hit for row, hit in found if wanted(row)], []
        )


def everyday(folder: Path) -> Iterator[dict[str, Any]]:
    lines = (folder / "smilechat" / "dialogues.jsonl").read_text("utf-8").splitlines()[:SMILECHAT]
    texts = [
        "\n".join(
            f"{'来访者' if turn['role'] == 'client' else '咨询师'}：{turn['content']}"
            for turn in json.loads(line)["turns"]
        )
        for line in lines
    ]
    yield row_of(
        f"SmileChat, first {SMILECHAT} dialogues, unselected: share without a mark of now",
        "zh",
        [],
        [is_quiet(text) for text in texts],
    )
    with (folder / "counsel-chat" / "counsel_chat.csv").open(encoding="utf-8", newline="") as handle:
        asked = {row["questionText"]: row["topic"] for row in csv.DictReader(handle) if row["questionText"]}
    closed = [text for text, topic in asked.items() if topic not in OPEN_TOPICS]
    yield row_of(
        "counsel-chat, questions on topics without risk: share without a mark of now",
        "en",
        [],
        [is_quiet(text) for text in closed],
    )


def is_quiet(text: str) -> bool:
    return not any(sign.standing == Standing.PRESENT for sign in find_risk(text))


def any_of(signs: Iterable[Sign], kind: RiskKind) -> bool:
    return any(sign.kind == kind for sign in signs)


def row_of(
    what: str, language: str, hits: list[bool], rests: list[bool], standings: list[bool] | None = None
) -> dict[str, Any]:
    return {
        "what": what,
        "language": language,
        "sensitivity": share_of(hits),
        "specificity": share_of(rests),
        "told apart": share_of(standings or []),
    }


def share_of(hits: list[bool]) -> dict[str, float] | None:
    if not hits:
        return None
    share = Share(sum(hits), len(hits))
    low, high = share.interval
    return {
        "hits": share.hits,
        "of": share.of,
        "value": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def read_rows(name: str) -> Rows:
    return [json.loads(line) for line in (LABELS / f"{name}.jsonl").read_text("utf-8").splitlines()]


def make_page(facts: dict[str, str], rows: Rows) -> str:
    tell: Callable[[dict[str, float] | None], str] = lambda share: (  # noqa: E731  said three times a line
        f"{share['value']:.1%} ({share['hits']}/{share['of']}, {share['low']:.0%} to {share['high']:.0%})"
        if share
        else ""
    )
    lines = [
        "# Risk: what is heard, and how it is told apart",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
    ]
    lines += ["", "| what | language | sensitivity | specificity | told apart |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['language']} | {tell(row['sensitivity'])} | {tell(row['specificity'])} | "
        f"{tell(row['told apart'])} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n" + NOTE


NOTE = """
95 % intervals are Wilson's. *Told apart*: of the signs that are heard, how many stand as they were
labelled (now, before, of somebody else, denied).

## What this means
- **Words that are said plainly are heard**: in public sentences that nobody wrote for this, and in
  interviews, where a yes is kept from a no. Half of the interviews' answers were read before the rules
  were written, the other half was labelled after.
- **What is said in a roundabout way is mostly missed.** The invented sentences were written in three
  goes. Of the first go's held-out half (plain words) 30 of 34 were heard when it was scored; of a
  second go that avoids the usual words 14 of 36. Both were opened and the rules mended: *opened* is
  what came of it. The third go, *held out* above, avoids the words on the list on purpose ("I googled
  how many paracetamol it takes"); hardly any is heard. No list of words can be a judgement: a text
  without a mark is not a safe text, and the page says so.
- **A mark is not a diagnosis.** In unselected SmileChat dialogues about one in eight bears a mark of
  now, most of them of not wanting to live, and most rightly; in counsel-chat's questions on other
  topics it is old abuse, a quarrel or a drink as often as danger.
- Irf's labels are of loneliness and of feeling a burden, not of risk: its row says how many posts of
  suicide forums use such words at all.
- One reader, who also wrote the rules, labelled everything; nobody has labelled it a second time.
"""


if __name__ == "__main__":
    main()

"""How MentaLLaMA's published script reads labels out of replies, to compare numbers with its own.

Written after reading `src/IMHI.py` and `src/label_inference.py` of its repository (MIT), not copied.  A reply
is read in its first 70 characters, its reference up to `Reasoning:`; the first word of a list that stands in
it, as a part of another word too, is the label; a reply with none counts as one class.  That is where its
numbers must differ from ours: "no" is found in "know", "yes" in "yesterday", "other" in "mother", and unread
replies are right whenever that class is.  In SAD it looks for "emotional" where the data and our table say
"emotion turmoil", so that a right reply is read as "other".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phyassist.errors import BadInput, UnknownName

REPLY_CHARS = 70
COLUMNS = ("goldens", "generated_text")


@dataclass(frozen=True, slots=True)
class Rules:
    """Words and their labels, in the order in which they are looked for; `otherwise` is an unread reply's."""

    reply: Sequence[tuple[str, str]]
    golden: Sequence[tuple[str, str]]
    otherwise: str


_YES_NO = (("yes", "yes"), ("no", "no"))
_CLOSED = Rules(_YES_NO, _YES_NO, "no")
RULES: Mapping[str, Rules] = {
    **dict.fromkeys(("DR", "dreaddit", "Irf", "MultiWD"), _CLOSED),
    "SAD": Rules(
        (
            ("school", "school"),
            ("financial", "financial problem"),
            ("family", "family issues"),
            ("social", "social relationships"),
            ("work", "work"),
            ("health", "health issues"),
            ("emotional", "emotion turmoil"),
            ("decision", "everyday decision making"),
            ("other", "other"),
        ),
        # Of its two scripts the later one has words that stand in the data; by the earlier one's a fifth of
        # the references has no label, and lists of unequal length reach the metric.
        (
            ("school", "school"),
            ("financial problem", "financial problem"),
            ("family issues", "family issues"),
            ("social relationships", "social relationships"),
            ("work", "work"),
            ("health issues", "health issues"),
            ("emotion turmoil", "emotion turmoil"),
            ("everyday decision making", "everyday decision making"),
            ("other", "other"),
        ),
        "other",
    ),
}


@dataclass(frozen=True, slots=True)
class TheirScore:
    """What its script would print, in percent, and how many replies held none of its words."""

    rows: int
    unread: int
    weighted_f1: float
    macro_f1: float
    accuracy: float


def read_reply(name: str, reply: str) -> str | None:
    """The label in a reply; None where none of the words stands in it."""
    return _find(_get_rules(name).reply, reply[:REPLY_CHARS])


def read_golden(name: str, golden: str) -> str | None:
    """The label in a reference, read up to its reasoning."""
    return _find(_get_rules(name).golden, golden.partition("Reasoning:")[0])


def score_pairs(name: str, pairs: Iterable[tuple[str, str]]) -> TheirScore:
    """Scores of references and replies.  Raises UnknownName, and BadInput where a reference has no label."""
    from sklearn.metrics import accuracy_score, f1_score

    rules = _get_rules(name)
    gold, said, unread = [], [], 0
    for no, (golden, reply) in enumerate(pairs, start=1):
        label, found = read_golden(name, golden), read_reply(name, reply)
        if label is None:
            raise BadInput(f"reference {no} of {name} says no label", hint="use the files as published")
        unread += found is None
        gold.append(label)
        said.append(found or rules.otherwise)
    if not gold:
        raise BadInput(f"there is no reply to {name}", hint="run the evaluation again")
    return TheirScore(
        rows=len(gold),
        unread=unread,
        weighted_f1=100 * float(f1_score(gold, said, average="weighted", zero_division=0)),
        # Over the classes that occur, where ours is over all of the table.
        macro_f1=100 * float(f1_score(gold, said, average="macro", zero_division=0)),
        accuracy=100 * float(accuracy_score(gold, said)),
    )


def read_replies(path: Path) -> tuple[tuple[str, str], ...]:
    """Reference and reply of each row of a file in its layout.  Raises BadInput."""
    if not path.is_file():
        raise BadInput(f"there are no replies at {path}", hint="name a folder that evaluate imhi has made")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise BadInput(f"{path} lacks the columns {' and '.join(COLUMNS)}", hint="name another file")
        return tuple((row["goldens"], row["generated_text"]) for row in reader)


def _find(words: Sequence[tuple[str, str]], text: str) -> str | None:
    plain = text.lower()
    return next((label for word, label in words if word in plain), None)


def _get_rules(name: str) -> Rules:
    if name not in RULES:
        raise UnknownName(f"no rules for {name}", hint=f"there are some for {', '.join(RULES)}")
    return RULES[name]

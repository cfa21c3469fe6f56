"""Which examples are fit to learn from, and by which named reason the others are not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import ftfy

from phyassist.domain.examples import Example
from phyassist.training.plain import fingerprint
from phyassist.training.readers import Row

TEXT_CHARS_MAX = 8000
_WEB = re.compile(r"https?://|www\.\w|\b[\w-]+\.(?:com|org|net|edu|gov|cn|io)\b", re.IGNORECASE)
_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+\.\w{2,}"  # an e-mail address
    r"|(?<!\d)1[3-9]\d{9}(?!\d)"  # a Chinese mobile number
    r"|(?<!\d)(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"  # an American number
    r"|(?<!\d)\d{17}[\dXx](?!\d)"  # a Chinese identity number
)
_NAME = re.compile(
    r"\b[Mm]y name is [A-Z][a-z]+ [A-Z][a-z]+|\b(?:Dr|Mr|Mrs|Ms)\.? [A-Z][a-z]+ [A-Z][a-z]+"
    r"|我(?:的名字)?叫(?!做|作|他|她|我)[\u4e00-\u9fff]{2,3}(?=[，。,.！!？?\s]|$)|微信号?[:：]?\s*[A-Za-z][\w-]{5,}"
)
# What is left of words that were decoded wrongly and cannot be told any more.
_BROKEN = re.compile("\ufffd|Ã[\u0080-\u00bf]|â€")


@dataclass
class CleanCounts:
    """How many rows came, were kept, were mended on the way, and were dropped by which reason."""

    rows: int = 0
    kept: int = 0
    repaired: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Cleaner:
    """Passes on what is fit; counts the rest.  One cleaner sees all rows, so it knows a duplicate."""

    def __init__(self, *, text_chars_max: int = TEXT_CHARS_MAX) -> None:
        self._text_chars_max = text_chars_max
        self._seen: set[bytes] = set()
        self.counts: dict[str, CleanCounts] = {}

    def clean(self, source: str, rows: Iterable[Row], *, is_published: bool = True) -> Iterator[Row]:
        """The rows that are fit, their encoding mended.

        A test set that its makers publish stays as it is, to the letter: a score must be of all its rows.
        The test rows of one's own table are cleaned like the others: nobody has published a score of them.
        """
        counts = self.counts.setdefault(source, CleanCounts())
        for row in rows:
            counts.rows += 1
            if is_published and row.part == "test" and row.example is not None:
                counts.kept += 1
                yield row
                continue
            if row.example is None:
                counts.dropped[row.reason] += 1
                continue
            example = repair(row.example)
            counts.repaired += example != row.example
            reason = self.find_fault(example)
            if reason:
                counts.dropped[reason] += 1
                continue
            counts.kept += 1
            yield replace(row, example=example)

    def find_fault(self, example: Example) -> str:
        """The first reason to drop an example; empty where there is none.  Remembers what it has passed."""
        words = "\n".join(
            (example.text, example.question, example.category, *example.analysis, *example.advice)
        )
        if not example.text.strip():
            return "empty"
        if not example.holds_reply:
            return "no reply"
        if len(words) > self._text_chars_max:
            return "too long"
        if _BROKEN.search(words):
            return "mis-encoded"
        if _CONTACT.search(words) or _NAME.search(words):
            return "personal name or contact found"
        if _WEB.search(words):
            return "web address"
        same = bytes.fromhex(
            fingerprint("\x1f".join((example.text, example.question, example.answer, words)))
        )
        if same in self._seen:
            return "duplicate"
        self._seen.add(same)
        return ""


def repair(example: Example) -> Example:
    """The example with wrongly decoded characters put right, where it can be told what they were."""
    return replace(
        example,
        text=_mend(example.text),
        analysis=tuple(_mend(each) for each in example.analysis),
        advice=tuple(_mend(each) for each in example.advice),
        evidence=_mend(example.evidence),
    )


def _mend(text: str) -> str:
    # Only the decoding: curly quotes and full-width signs are the writer's own.
    return text if text.isascii() else ftfy.fix_encoding(text)

"""Into which part an example goes, in which order, and what must not stand in two parts."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from phyassist.domain.examples import Example, Part
from phyassist.training.plain import fingerprint, plain

BUCKETS = 64
_LONG_CHARS = 200


@dataclass(frozen=True, slots=True)
class Shares:
    """Which fraction of all keys is kept for validation and for testing."""

    val: float = 0.1
    test: float = 0.1


SHARES = Shares()


def choose_part(example: Example, shares: Shares) -> Part:
    """The part of a key: the same on every machine, whatever else stands in the source."""
    digest = hashlib.sha256(f"{example.source}\x1f{example.key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < shares.test:
        return "test"
    return "val" if place < shares.test + shares.val else "train"


# What a part must have nothing in common with.
HELD_OUT: dict[Part, tuple[Part, ...]] = {"train": ("val", "test"), "val": ("test",), "test": ()}


@dataclass
class HeldOut:
    """The texts of test and validation sets.

    Two texts are the same where their words are; of long ones the first 200 letters decide, since copies are
    often cut.
    """

    seen: dict[Part, set[bytes]] = field(
        default_factory=lambda: {"train": set(), "val": set(), "test": set()}, repr=False
    )

    def add(self, part: Part, text: str) -> None:
        if part != "train":
            self.seen[part].update(_marks(text))

    def leaks(self, part: Part, text: str) -> bool:
        """Whether a text that is to go into `part` stands in a part kept apart from it."""
        marks = _marks(text)
        return any(mark in self.seen[other] for other in HELD_OUT[part] for mark in marks)


def _marks(text: str) -> list[bytes]:
    letters = plain(text)
    marks = [bytes.fromhex(fingerprint(text))]
    if len(letters) > _LONG_CHARS:
        marks.append(bytes.fromhex(fingerprint(letters[:_LONG_CHARS])))
    return marks


def shuffle(rows: Iterable[tuple[Part, Example]], seed: int) -> Iterator[tuple[Part, Example]]:
    """All rows in an order that the seed alone decides, however many there are.

    They go to one of 64 files by a hash of their words, and each file is shuffled in memory: so a million
    rows need the memory of a sixty-fourth of them.  The sources are public: the files hold no patient's text.
    """
    with tempfile.TemporaryDirectory(prefix="phyassist-data-") as folder, ExitStack() as stack:
        buckets = [stack.enter_context((Path(folder) / str(no)).open("w+b")) for no in range(BUCKETS)]
        for part, example in rows:
            place = _order(example, seed)
            line = json.dumps([place, part, asdict(example)], ensure_ascii=False)
            buckets[place % BUCKETS].write(line.encode("utf-8") + b"\n")
        for no in random.Random(seed).sample(range(BUCKETS), BUCKETS):
            loaded = sorted(_load(buckets[no]), key=lambda row: row[0])
            yield from ((part, example) for _, part, example in loaded)


def _order(example: Example, seed: int) -> int:
    words = (str(seed), example.source, example.key, example.question, example.answer, example.text)
    return int.from_bytes(hashlib.sha256("\x1f".join((*words, *example.advice)).encode()).digest()[:8], "big")


def _load(bucket: IO[bytes]) -> Iterator[tuple[int, Part, Example]]:
    bucket.seek(0)
    for line in bucket:
        place, part, held = json.loads(line)
        example = Example(**held)
        yield place, part, replace(example, analysis=tuple(example.analysis), advice=tuple(example.advice))

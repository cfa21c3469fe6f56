"""How a draft's reply is read: words and finished items while they come, or why it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from phyassist.domain.drafts import Section
from phyassist.prompts.json_stream import BrokenJson, JsonStream, Path, Piece, Value

KEYS: Mapping[str, Section] = {
    "symptom_type": Section.SYMPTOM_TYPE,
    "reasons": Section.REASON,
    "advice": Section.ADVICE,
}
# Why a reply is unread, in a word that pages translate.
Why = Literal["empty", "not-json", "other-shape", "cut-short", "unspoken"]

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n")
_FENCE_END = re.compile(r"\s*```\s*\Z")
_NUMBERING = re.compile(
    r"\A(?:[(（]?\d{1,2}[)）.、:：]|[-•*]|(?:原因|建议|reason|advice)\s*\d{0,2}[:：])\s*",
    re.IGNORECASE,
)
# A clause with the mark that ends it; the mark at the end of a text; marks that await something.
_CLAUSE = re.compile(r"[^，,；;]+[，,；;]*")
_END = re.compile(r"[。.！!？?]*\Z")
_OPEN_END = re.compile(r"[，,；;、\s。.！!？?]+\Z")
_LOOP_CHARS_MIN = 4
# What a model says in Chinese of somebody else where its form leaves it no 他 and no 她.
_OTHER = re.compile(r"\s*(?<![A-Za-z])(?:she|he|her|him)(?![A-Za-z])\s*")
# The form lets no capital I into an English item; these pass it.
_OWN = re.compile(r"\b(?:my|me|myself)\b")
_OF_CLIENT = {"my": "their", "me": "them", "myself": "themselves"}


class UnreadableReply(ValueError):
    """The reply cannot be read from here on; `section` is the one that was being written, if any."""

    def __init__(self, why: Why, section: Section | None = None) -> None:
        super().__init__(why)
        self.why: Why = why
        self.section = section


@dataclass(frozen=True, slots=True)
class ItemWords:
    """More words of item `no` (from 1) of a section, as the model writes them."""

    section: Section
    no: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RawItem:
    """A finished item as the model wrote it; `sentence_no` is the sentence that it says the item rests on."""

    section: Section
    no: int
    text: str = field(repr=False)
    sentence_no: int = 0


class ReplyReader:
    """Reads a reply that must hold, for each asked section, between `least` and `most` items.

    Feed it the words as they come.  Raises UnreadableReply as soon as something is there that was not asked
    for; every item yielded before is whole.
    """

    def __init__(self, asked: Mapping[Section, tuple[int, int]]) -> None:
        self._asked = dict(asked)
        self._json = JsonStream()
        self._begun = False
        self._head = ""
        self._counts = dict.fromkeys(asked, 0)
        self._section: Section | None = None

    @property
    def section(self) -> Section | None:
        """The section being written now."""
        return self._section

    def feed(self, words: str) -> Iterator[ItemWords | RawItem]:
        """Words and items that these words finish."""
        if not self._begun:
            self._head += words
            head = self._head.lstrip()
            # A server that does not hold the model to a grammar often wraps JSON in a fence.
            if not head or ("```json\n".startswith(head) and not _FENCE.match(self._head)):
                return
            words, self._begun = _FENCE.sub("", self._head), True
        if self._json.done:
            if not _FENCE_END.fullmatch(words) and words.strip("`\n "):
                raise UnreadableReply("not-json", self._section)
            return
        try:
            for event in self._json.feed(words):
                yield from self._take(event)
        except BrokenJson as error:
            if self._json.done and words.rstrip().endswith("`"):
                return
            raise UnreadableReply("not-json", self._section) from error

    def close(self, *, cut_short: bool) -> None:
        """Raises UnreadableReply unless the reply was whole and held what was asked for."""
        if not self._begun and not self._head.strip():
            raise UnreadableReply("cut-short" if cut_short else "empty")
        if not self._json.done:
            raise UnreadableReply("cut-short" if cut_short else "not-json", self._section)
        for section, (least, _) in self._asked.items():
            if self._counts[section] < least:
                raise UnreadableReply("other-shape", section)

    def _take(self, event: Piece | Value) -> Iterator[ItemWords | RawItem]:
        path = event.path
        if not path:
            if isinstance(event, Value) and not isinstance(event.value, dict):
                raise UnreadableReply("other-shape")
            return
        section = KEYS.get(str(path[0]))
        if section not in self._asked:
            raise UnreadableReply("other-shape")
        self._section = section
        if isinstance(event, Piece):
            if _is_text(path, section):
                yield ItemWords(section, _number(path), event.text)
        elif section == Section.SYMPTOM_TYPE:
            yield self._finish(section, 1, {"text": event.value})
        elif len(path) == 1 and not isinstance(event.value, list):
            raise UnreadableReply("other-shape", section)
        elif len(path) == 2:
            yield self._finish(section, _number(path), event.value)

    def _finish(self, section: Section, no: int, value: Any) -> RawItem:
        self._counts[section] += 1
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str) or no > self._asked[section][1]:
            raise UnreadableReply("other-shape", section)
        text = clean_item_text(text)
        if not text:
            raise UnreadableReply("other-shape", section)
        return RawItem(section, no, text, _int(value, "from"))


def _int(value: Mapping[str, Any], key: str) -> int:
    number = value.get(key, 0)
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def clean_item_text(text: str) -> str:
    """One line without a number or bullet of its own, and without clauses that the model says over again."""
    return _without_loops(_NUMBERING.sub("", " ".join(text.split())))


def _without_loops(text: str) -> str:
    """Small models fall into saying the same clauses until they are cut off: the first time is kept.

    The last clause goes too where it is the broken-off beginning of an earlier one.
    """
    heads = [plain(part) for part in split_clauses(text)]
    kept = [
        no
        for no, head in enumerate(heads)
        if not (len(head) >= _LOOP_CHARS_MIN and head in heads[:no])
        and not (no == len(heads) - 1 and any(other.startswith(head) for other in heads[:no]))
    ]
    return keep_clauses(text, kept)


def without_said(text: str, earlier: Iterable[str]) -> str:
    """An item without the clauses that stand in an earlier one to the letter, its first clause apart: a small
    model ends one reason after the other in the same effect.
    """
    said = {plain(part) for each in earlier for part in split_clauses(each)}
    parts = split_clauses(text)
    return keep_clauses(text, [no for no, part in enumerate(parts) if no == 0 or plain(part) not in said])


def split_clauses(text: str) -> list[str]:
    """The clauses of an item, each with the mark that ends it."""
    return _CLAUSE.findall(text)


def keep_clauses(text: str, kept: Sequence[int]) -> str:
    """An item with the clauses of these numbers alone, ended as it was."""
    parts = split_clauses(text)
    if len(kept) == len(parts):
        return text
    end = _END.search(text).group()  # type: ignore[union-attr]  # it may match nothing
    return _OPEN_END.sub("", "".join(parts[no] for no in kept)) + end


def plain(clause: str) -> str:
    """Its letters and digits alone."""
    return re.sub(r"\W+", "", clause).lower()


def name_others(text: str) -> str:
    """A Chinese item without an English "he" or "she": "the other one" stands there, of either sex."""
    return _OTHER.sub("对方", text)


def name_client(text: str) -> str:
    """An English item without the client's "my" and "me", into which small models fall: it speaks of them."""
    return _OWN.sub(lambda found: _OF_CLIENT[found[0]], text)


def _is_text(path: Path, section: Section) -> bool:
    if section == Section.SYMPTOM_TYPE:
        return len(path) == 1
    return len(path) == 3 and path[2] == "text"


def _number(path: Path) -> int:
    return int(path[1]) + 1 if len(path) > 1 and isinstance(path[1], int) else 1

"""What happens while a draft is written, as values that pages and the command line show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from phyassist.domain.drafts import Draft, DraftItem, TextRead, UnreadReply
from phyassist.domain.library import Citation
from phyassist.lm.protocol import Reading, Reply, Waiting
from phyassist.prompts.replies import ItemWords


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the prompt holds: notes by their ids, what was left out, and what stands for the text at hand.

    `orders_hidden` sentences of the text give orders to a machine and are not shown to it in their words.
    `passages_used` are those of the library that it holds.
    """

    notes_used: tuple[str, ...]
    left_out: tuple[str, ...]
    record_left_out: int
    text_read: TextRead
    text_left_out: int
    adapter_reason: str = ""
    orders_hidden: int = 0
    passages_used: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemWritten:
    """A finished item; `version` is the draft's that holds it (0 where nothing is stored)."""

    item: DraftItem = field(repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class UnreadWritten:
    """A reply, or the rest of one, that cannot be read; the items before it stand."""

    unread: UnreadReply = field(repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class AnalysisDone:
    """What came of a reply, or of one after the other.

    `repeated` items were not shown: they said again what another one or the task says.
    """

    items: tuple[DraftItem, ...] = field(repr=False)
    unread: tuple[UnreadReply, ...] = field(repr=False)
    reply: Reply
    repeated: int = 0

    def followed_by(self, other: AnalysisDone) -> AnalysisDone:
        """What came of both replies, as if they were one."""
        reply = replace(
            other.reply,
            text=f"{self.reply.text}\n{other.reply.text}",
            prompt_tokens=self.reply.prompt_tokens + other.reply.prompt_tokens,
            cached_tokens=self.reply.cached_tokens + other.reply.cached_tokens,
            reply_tokens=self.reply.reply_tokens + other.reply.reply_tokens,
            seconds=self.reply.seconds + other.reply.seconds,
        )
        return AnalysisDone(
            (*self.items, *other.items),
            (*self.unread, *other.unread),
            reply,
            self.repeated + other.repeated,
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """The draft as it is stored now."""

    draft: Draft


AnalysisEvent = Prepared | Waiting | Reading | ItemWords | ItemWritten | UnreadWritten | AnalysisDone
DraftEvent = AnalysisEvent | Finished

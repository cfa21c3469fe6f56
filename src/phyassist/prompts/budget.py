"""What fits into the model's window, counted in its own tokens, and what had to be left out.

The record and the notes have a fixed share, whatever the length of the text: the beginning of a patient's
prompts stays the same while the text grows, and the engine reads it once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.drafts import TextRead
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Record, Span
from phyassist.errors import PromptTooLong
from phyassist.prompts.layout import get_system_message, make_prefix, render_whole_notes

Count = Callable[[str], int]

HISTORY_SHARE = 1 / 3
# The chat template's own marks, and the little by which counts of parts differ from the count of the whole.
MARGIN_TOKENS = 96


@dataclass(frozen=True, slots=True)
class History:
    """The record and the notes that a prompt holds; `left_out` are the notes that did not fit."""

    record: Record
    notes: tuple[Note, ...] = field(repr=False)
    left_out: tuple[NoteId, ...] = ()
    record_left_out: int = 0

    @property
    def notes_used(self) -> tuple[NoteId, ...]:
        return tuple(note.id for note in self.notes)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prefix that leaves room for the task and the reply, and what it says of the text at hand."""

    prefix: str = field(repr=False)
    history: History
    sentences: tuple[Sentence, ...] = field(repr=False)
    text_read: TextRead = TextRead.WHOLE
    text_left_out: int = 0


def choose_history(
    record: Record, notes: Sequence[Note], *, language: Language, context_tokens: int, count: Count
) -> History:
    """The record, then as many notes as fit into their share, newest first, of those that say something by
    hand: of the others a prompt shows nothing (`make_prefix`).

    A record that is longer than the share by itself loses its oldest lines; their number is told.
    """
    room = int(context_tokens * HISTORY_SHARE)

    def tokens_of(kept: Record, used: tuple[Note, ...]) -> int:
        return count(make_prefix(language=language, record=kept, notes=used, sentences=()))

    lines = record.lines
    while lines and tokens_of(replace(record, lines=lines), ()) > room:
        lines = lines[max(1, len(lines) // 8) :]
    kept = replace(record, lines=lines)
    by_hand = [note for note in notes if note.by_hand or note.amendments]
    newest_first = sorted(by_hand, key=lambda note: (note.at, note.number), reverse=True)
    used: tuple[Note, ...] = ()
    for note in newest_first:
        if tokens_of(kept, (*used, note)) > room:
            break
        used = (*used, note)
    left_out = tuple(note.id for note in newest_first[len(used) :])
    return History(kept, used, left_out, len(record.lines) - len(lines))


def choose_whole_notes(
    notes: Sequence[Note],
    *,
    above: Collection[NoteId],
    language: Language,
    room_tokens: int,
    count: Count,
) -> tuple[tuple[Note, ...], str]:
    """As many notes, the newest first, as the room holds, and what a prompt shows of them.

    `above` are those whose words by hand stand in the prefix, and are not said again.
    """
    newest_first = sorted(notes, key=lambda note: (note.at, note.number), reverse=True)
    chosen: tuple[Note, ...] = ()
    shown = ""
    for note in newest_first:
        more = render_whole_notes((*chosen, note), language, above)
        if count(more) > room_tokens:
            break
        chosen, shown = (*chosen, note), more
    return chosen, shown


def fit_text(
    history: History,
    sentences: Sequence[Sentence],
    statement_spans: Sequence[Span],
    *,
    language: Language,
    room_tokens: int,
    count: Count,
) -> Fitted:
    """The prefix with all of the text; with what its statements rest on where that is too long.

    `room_tokens` is the window less the reply; the task is counted by the caller.  Where even the statements
    do not fit, as much of them as does, in the order of the text, and the number of sentences left out.
    Raises PromptTooLong where not one sentence fits.
    """

    def fits(chosen: Sequence[Sentence]) -> bool:
        prefix = make_prefix(language=language, record=history.record, notes=history.notes, sentences=chosen)
        return count(get_system_message(language).content) + count(prefix) + MARGIN_TOKENS <= room_tokens

    chosen, text_read = tuple(sentences), TextRead.WHOLE
    if not fits(chosen):
        chosen, text_read = _rest_on(chosen, statement_spans)
        if not fits(chosen):
            chosen, text_read = _as_many_as_fit(chosen, fits), TextRead.PART
    if sentences and not chosen:
        raise PromptTooLong(
            "the model's window is too small for this text",
            hint="raise context_tokens, or choose another model",
        )
    prefix = make_prefix(language=language, record=history.record, notes=history.notes, sentences=chosen)
    return Fitted(prefix, history, chosen, text_read, len(sentences) - len(chosen))


def _rest_on(sentences: tuple[Sentence, ...], spans: Sequence[Span]) -> tuple[tuple[Sentence, ...], TextRead]:
    """The sentences that statements rest on; of a text that was not organised, what the client says."""
    by_statements = tuple(
        sentence
        for sentence in sentences
        if any(span.start < sentence.span.end and sentence.span.start < span.end for span in spans)
    )
    if by_statements:
        return by_statements, TextRead.STATEMENTS
    told = tuple(sentence for sentence in sentences if sentence.speaker != Speaker.COUNSELLOR)
    return told or sentences, TextRead.PART


def _as_many_as_fit(
    sentences: tuple[Sentence, ...], fits: Callable[[Sequence[Sentence]], bool]
) -> tuple[Sentence, ...]:
    """The longest beginning that fits, found by halving."""
    fitting, beyond = 0, len(sentences) + 1
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        if fits(sentences[:middle]):
            fitting = middle
        else:
            beyond = middle
    return sentences[:fitting]

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from phyassist.domain.drafts import DraftId, DraftItem, ItemId, Section, TextRead
from phyassist.domain.notes import ByHand, Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import (
    ConsultationId,
    Record,
    RecordField,
    RecordLine,
    SourceId,
    Span,
    Statement,
    StatementId,
)
from phyassist.errors import PromptTooLong
from phyassist.prompts.budget import choose_history, choose_whole_notes, fit_text
from phyassist.prompts.layout import render_whole_notes

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def make_note(number: int, words: int) -> Note:
    item = DraftItem(ItemId(f"i{number}"), Section.REASON, " ".join(["word"] * words))
    at = DAY + timedelta(days=number)
    return Note(
        id=NoteId(f"n{number}"),
        patient_id=PatientId("p"),
        consultation_id=ConsultationId(f"c{number}"),
        draft_id=DraftId(f"d{number}"),
        number=number,
        at=at,
        signed_at=at,
        author="Anna",
        question="Why?",
        items=(item,),
        by_hand=(ByHand("soap.objective", item.text),),
    )


def make_record(lines: int) -> Record:
    return Record(
        tuple(
            RecordLine(
                StatementId(f"s{no}"),
                Statement(RecordField.MENTAL, f"statement number {no}", "x", Span(0, 1)),
                SourceId("src"),
                ConsultationId("c0"),
                DAY,
            )
            for no in range(lines)
        )
    )


def count_words(text: str) -> int:
    return len(text.split())


def test_notes_are_taken_newest_first_until_their_share_is_full():
    notes = [make_note(number, words=60) for number in (1, 2, 3, 4)]

    history = choose_history(Record(), notes, language="en", context_tokens=450, count=count_words)

    assert history.notes_used == ("n4", "n3")
    assert history.left_out == ("n2", "n1")


def test_as_many_whole_notes_are_taken_as_there_is_room_for_newest_first():
    notes = [make_note(number, words=60) for number in (1, 2, 3, 4)]

    def choose(room, above=()):
        chosen, shown = choose_whole_notes(
            notes, above=above, language="en", room_tokens=room, count=count_words
        )
        assert shown == (render_whole_notes(chosen, "en", above) if chosen else "")
        return [note.id for note in chosen]

    assert choose(300) == ["n4", "n3"]
    assert choose(100) == choose(-1) == []
    assert len(choose(10_000)) == 4
    # What stands above takes no room again.
    assert choose(300, above=("n3", "n4")) == ["n4", "n3", "n2"]


def test_a_record_beyond_its_share_loses_its_oldest_lines_and_says_how_many():
    history = choose_history(make_record(200), (), language="en", context_tokens=300, count=count_words)

    kept = history.record.lines
    assert 0 < len(kept) < 200
    assert kept[-1].id == "s199"
    assert history.record_left_out == 200 - len(kept)


def test_a_text_that_fits_is_read_whole():
    history = choose_history(Record(), (), language="en", context_tokens=900, count=count_words)
    sentences = split_sentences("I sleep badly. I am tired.")

    fitted = fit_text(history, sentences, (), language="en", room_tokens=600, count=count_words)

    assert (fitted.text_read, fitted.text_left_out) == (TextRead.WHOLE, 0)
    assert "[2] I am tired." in fitted.prefix


def test_too_long_a_text_is_told_by_the_sentences_its_statements_rest_on():
    text = "I sleep badly. " + "It rained again today. " * 200 + "I eat nothing."
    sentences = split_sentences(text)
    spans = (Span(0, 13), Span(len(text) - 14, len(text)))
    history = choose_history(Record(), (), language="en", context_tokens=900, count=count_words)

    fitted = fit_text(history, sentences, spans, language="en", room_tokens=300, count=count_words)

    assert (fitted.text_read, fitted.text_left_out) == (TextRead.STATEMENTS, 200)
    assert [sentence.no for sentence in fitted.sentences] == [1, 202]


def test_a_long_text_that_was_not_organised_is_read_in_part_and_says_so():
    sentences = split_sentences("It rained again today. " * 400)
    history = choose_history(Record(), (), language="en", context_tokens=900, count=count_words)

    fitted = fit_text(history, sentences, (), language="en", room_tokens=400, count=count_words)

    assert fitted.text_read == TextRead.PART
    assert fitted.text_left_out == 400 - len(fitted.sentences) > 0


def test_a_window_without_room_for_a_sentence_is_an_error():
    sentences = split_sentences("It rained again today. " * 400)
    history = choose_history(Record(), (), language="en", context_tokens=90, count=count_words)

    with pytest.raises(PromptTooLong):
        fit_text(history, sentences, (), language="en", room_tokens=90, count=count_words)

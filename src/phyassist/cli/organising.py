"""`phyassist organise`: raw text to the fields of the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from phyassist.cli.options import AsJson, LangOption, ModelOption, PatientOption, SourceArgument
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.domain.people import Language
    from phyassist.domain.records import Record
    from phyassist.services.intake import OrganiseDone, OrganiseEvent, QuestionFound, RecordSaved


def organise(
    context: typer.Context,
    source: SourceArgument,
    as_json: AsJson = False,
    lang: LangOption = None,
    model: ModelOption = None,
    patient: PatientOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Organise a text into the fields of a record, each statement with the words it rests on."""
    from phyassist.cli.consulting import take_consultation
    from phyassist.cli.opening import open_second_reader
    from phyassist.cli.reading import choose_language, read_source
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.cli.unlocking import find_patient, open_practice
    from phyassist.domain.records import Record
    from phyassist.services.intake import organise as organise_consultation
    from phyassist.services.intake import organise_text

    settings = get_run(context).load_settings(language=lang, model=model)
    text = read_source(source, settings)
    language = choose_language(settings, text)
    events: Iterator[OrganiseEvent | RecordSaved]
    if patient is None:
        with open_second_reader(settings) as lm, stop_on_interrupt() as stop:
            events = organise_text(text, lm, language=language, known=Record(), stop=stop)
            _show(events, language, model=lm.name if lm else "", as_json=as_json)
        return
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        with open_second_reader(settings, practice.allows_outside) as lm, stop_on_interrupt() as stop:
            consultation = take_consultation(practice, found, text)
            events = organise_consultation(
                practice.store, lm, practice.by, consultation_id=consultation.id, stop=stop
            )
            _show(events, found.language, model=lm.name if lm else "", as_json=as_json)
        tell(f"in the record of patient {found.id[:8]}, consultation {consultation.id}")


def _show(
    events: Iterator[OrganiseEvent | RecordSaved], language: Language, *, model: str, as_json: bool
) -> None:
    """Print what is found: line by line, or the whole as JSON at the end."""
    from phyassist.services.intake import (
        OrganiseDone,
        Progress,
        QuestionFound,
        RecordSaved,
        StatementsFound,
    )

    question: QuestionFound | None = None
    done: OrganiseDone | None = None
    record: Record | None = None
    for event in events:
        if isinstance(event, Progress) and event.parts > 1:
            tell(f"reading part {event.part} of {event.parts}")
        elif isinstance(event, StatementsFound):
            if not as_json:
                _print_statements(event.statements, language)
        elif isinstance(event, RecordSaved):
            record = event.record
        elif isinstance(event, QuestionFound):
            question = event
        elif isinstance(event, OrganiseDone):
            done = event
    if done is None:
        return
    if as_json:
        say_json(_shape(done, question, model))
    else:
        _print_end(done, language)
    if record is not None:
        _tell_differences(record)


def _tell_differences(record: Record) -> None:
    """Contradictions are the counsellor's to settle, so they are said and nothing is overwritten."""
    differing = sum(line.standing.value == "differs" for line in record.lines)
    if differing:
        tell(f"{differing} lines differ from what the record said; the workspace asks which one stands")


def _shape(done: OrganiseDone, question: QuestionFound | None, model: str) -> dict[str, Any]:
    from phyassist.cli.shapes import shape_record

    return {
        **shape_record(done.statements),
        "question": {"text": question.text, "quote": question.quote} if question else None,
        "unread": list(done.unread),
        # Rules and the shipped reader find most; the model is named where it took part.
        "model": model if done.tokens else "",
        "seconds": round(done.seconds, 3),
    }


def _print_statements(statements: Iterable[Any], language: Language) -> None:
    from rich.text import Text

    from phyassist.cli.words import FIELDS

    console = make_console()
    for statement in statements:
        line = Text(f"{FIELDS[language][statement.field]}: ", style="bold")
        line.append(statement.text, style="not bold")
        if statement.quote != statement.text:
            line.append(f"  “{statement.quote}”", style="not bold dim")
        console.print(line)


def _print_end(done: OrganiseDone, language: Language) -> None:
    from phyassist.cli.words import FIELDS, NOT_MENTIONED, QUESTION, UNREAD

    console = make_console()
    spoken = {statement.field for statement in done.statements}
    for record_field, name in FIELDS[language].items():
        if record_field not in spoken and record_field.value != "other":
            console.print(f"{name}: {NOT_MENTIONED[language]}", style="dim")
    if done.question:
        console.print(f"\n{QUESTION[language]}: {done.question}")
    for why in done.unread:
        console.print(f"{UNREAD[language]}: {why}", style="yellow")
    tell(f"{len(done.statements)} statements in {done.seconds:.1f} s")

"""`phyassist analyse`: symptom type, reasons and advice, item by item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson, LangOption, ModelOption, PatientOption, SourceArgument
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.cli.unlocking import Practice
    from phyassist.domain.drafts import DraftItem, Section
    from phyassist.domain.people import Language, Patient
    from phyassist.lm.protocol import LanguageModel, Stop
    from phyassist.services.drafting import AnalysisDone, DraftEvent, Prepared


def analyse(
    context: typer.Context,
    source: SourceArgument,
    as_json: AsJson = False,
    lang: LangOption = None,
    model: ModelOption = None,
    patient: PatientOption = None,
    question: Annotated[
        str, typer.Option("--question", help="What you want to know; without it, what the person asks.")
    ] = "",
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Draft the analysis of a text: symptom type, reasons with the words they rest on, advice."""
    from phyassist.cli.opening import open_language_model
    from phyassist.cli.reading import choose_language, read_source
    from phyassist.cli.stopping import stop_on_interrupt
    from phyassist.cli.unlocking import find_patient, open_practice
    from phyassist.services.drafting import analyse_text

    settings = get_run(context).load_settings(language=lang, model=model)
    text = read_source(source, settings)
    if patient is None:
        language = choose_language(settings, text)
        with open_language_model(settings) as opened, stop_on_interrupt() as stop:
            events: Iterator[DraftEvent] = analyse_text(
                text,
                opened.model,
                question=question,
                language=language,
                jurisdiction=settings.jurisdiction,
                stop=stop,
            )
            _show(events, language, as_json=as_json)
        return
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        with open_language_model(settings, practice.allows_outside) as opened, stop_on_interrupt() as stop:
            events = _draft(practice, opened.model, found, text, question, stop)
            _show(events, found.language, as_json=as_json)
    tell(f"kept as the open draft of patient {found.id[:8]}; phyassist notes save signs it")


def _draft(
    practice: Practice, lm: LanguageModel, patient: Patient, text: str, question: str, stop: Stop
) -> Iterator[DraftEvent]:
    """Start a draft in the patient's file and write it, each item saved as it is finished."""
    from phyassist.cli.consulting import take_consultation
    from phyassist.domain.consents import Purpose
    from phyassist.services.consent import check_consent
    from phyassist.services.drafting import start_draft, write_draft

    store, by = practice.store, practice.by
    check_consent(store, by, patient.id, Purpose.DRAFTING)
    consultation = take_consultation(practice, patient, text)
    draft = start_draft(
        store, by, consultation_id=consultation.id, question=question or consultation.question
    )
    return write_draft(store, lm, by, draft_id=draft.id, stop=stop)


def _show(events: Iterator[DraftEvent], language: Language, *, as_json: bool) -> None:
    """Print items as they are written, or the whole as JSON at the end."""
    from phyassist.cli.shapes import shape_analysis
    from phyassist.services.drafting import AnalysisDone, ItemWritten, Prepared, UnreadWritten

    done: AnalysisDone | None = None
    is_told = False
    printed: set[Section] = set()
    for event in events:
        if isinstance(event, AnalysisDone):
            done = event
        elif isinstance(event, Prepared):
            # What is asked in two parts begins alike.
            if not is_told:
                _tell_left_out(event)
            is_told = True
        elif as_json:
            continue
        elif isinstance(event, ItemWritten):
            _print_item(event.item, language, first=event.item.section not in printed)
            printed.add(event.item.section)
        elif isinstance(event, UnreadWritten):
            _print_unread(event.unread.why, language)
    if done is None:
        return
    if as_json:
        shaped = shape_analysis(done.items, done.unread, done.reply, language, repeated=done.repeated)
        say_json(shaped)
    else:
        reply = done.reply
        by = f"{reply.model} + {reply.adapter}" if reply.adapter else reply.model
        tell(f"\n{by}, {reply.reply_tokens} tokens in {reply.seconds:.1f} s")
        if done.repeated:
            why = "said already, said of somebody else, or not meant for a counsellor"
            tell(f"items left out: {done.repeated} ({why})")


def _tell_left_out(prepared: Prepared) -> None:
    """Nothing is cut in silence: say what did not fit the model's window."""
    if prepared.text_left_out:
        tell(f"{prepared.text_left_out} sentences did not fit the model's window and were left out")
    if prepared.record_left_out or prepared.left_out:
        notes, lines = len(prepared.left_out), prepared.record_left_out
        tell(f"left out of the prompt: {lines} lines of the record, {notes} earlier notes")
    if prepared.orders_hidden:
        count = prepared.orders_hidden
        tell(f"sentences that read like orders to a machine, not given in their words: {count}")


def _print_item(item: DraftItem, language: Language, *, first: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from phyassist.cli.words import BASES, SECTIONS

    console = make_console()
    if first:
        console.print(f"\n{SECTIONS[language][item.section]}", style="bold")
    console.print(Padding(Text(item.text), (0, 0, 0, 2)))
    if item.basis is not None:
        rests_on = f"  “{item.quote}”" if item.quote else ""
        console.print(Padding(Text(f"{BASES[language][item.basis]}{rests_on}", style="dim"), (0, 0, 0, 4)))


def _print_unread(why: str, language: Language) -> None:
    from phyassist.cli.words import UNREAD, UNREAD_WHY

    sentence = UNREAD_WHY[language].get(why, why)
    make_console().print(f"\n{UNREAD[language]}: {sentence}", style="yellow")

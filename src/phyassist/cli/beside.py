"""`phyassist risk` and `phyassist similar`: what stands beside a text on the page, on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.library import WordsOnly, open_embedder
from phyassist.cli.options import AsJson, LangOption, SourceArgument
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.services.risk import Guide
    from phyassist.services.similar import PublishedCase

RegionOption = Annotated[
    str,
    typer.Option("--region", help="Whose crisis contacts: cn, us, gb, eu or other. Empty: by jurisdiction."),
]
WhoseArgument = Annotated[str, typer.Argument(help="The patient: number, name or beginning of the id.")]


def risk(
    context: typer.Context,
    source: SourceArgument,
    as_json: AsJson = False,
    lang: LangOption = None,
    region: RegionOption = "",
) -> None:
    """Mark signs of risk in a text, with what to ask next and whom to call. Needs no model."""
    from phyassist.cli.reading import choose_language, read_source
    from phyassist.services.risk import make_guide, region_of

    settings = get_run(context).load_settings(language=lang)
    text = read_source(source, settings)
    guide = make_guide(
        text, language=choose_language(settings, text), region=region or region_of(settings.jurisdiction)
    )
    if as_json:
        say_json(shape_risk(guide))
        return
    for sign in guide.signs:
        say(f"{sign.kind}\t{sign.standing}\t{sign.quote}\t{sign.words}")
    for _, questions in guide.questions:
        for question in questions:
            tell(f"ask: {question.text} ({question.source})")
    for contact in guide.contacts:
        tell(f"{contact.number}  {contact.what}")


def shape_risk(guide: Guide) -> dict[str, Any]:
    """What `--json` prints: signs with their words and places, questions with sources, contacts."""
    return {
        "raised": guide.is_raised,
        "signs": [
            {
                "kind": sign.kind.value,
                "standing": sign.standing.value,
                "quote": sign.quote,
                "start": sign.span.start,
                "end": sign.span.end,
                "sentence": sign.words,
            }
            for sign in guide.signs
        ],
        "questions": [
            {"kind": kind.value, "text": question.text, "source": question.source}
            for kind, questions in guide.questions
            for question in questions
        ],
        "contacts": [asdict(contact) for contact in guide.contacts],
    }


def similar(
    context: typer.Context,
    whose: WhoseArgument,
    words_only: WordsOnly = False,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Cases like a patient's current consultation: own consented notes without names, published ones."""
    from phyassist.cli.unlocking import find_patient, open_practice
    from phyassist.errors import NotFound
    from phyassist.services.looking import find_current
    from phyassist.services.similar import find_published, find_similar

    settings = get_run(context).load_settings()
    with (
        open_practice(settings, from_stdin=passphrase_stdin) as practice,
        open_embedder(words_only) as embedder,
    ):
        store, by = practice.store, practice.by
        patient = find_patient(practice, whose)
        current = find_current(store, by, patient_id=patient.id)
        if current is None:
            raise NotFound(f"patient {patient.id} has no consultation yet", hint="organise a text first")
        cases = find_similar(store, by, consultation_id=current)
        published = find_published(store, by, consultation_id=current, embedder=embedder)
    if as_json:
        say_json(
            {
                "cases": [asdict(case) for case in cases],
                "published": [_shape_published(case) for case in published],
            }
        )
        return
    for case in cases:
        say(case.question)
        tell(f"  shared: {', '.join((*case.themes, *case.shared))}")
        for text in case.tried:
            say(f"  tried: {text}")
        for text in case.later:
            say(f"  later: {text}")
    for each in published:
        document = each.passage.document
        say(f"{each.passage.heading or document.title}  [{document.title}]  ({each.passage.id})")
        tell(f"  shared: {', '.join((*each.themes, *each.shared))}")
    if not cases and not published:
        tell("no similar case among the notes that may be used")


def _shape_published(case: PublishedCase) -> dict[str, Any]:
    passage = case.passage
    return {
        "passage": passage.id,
        "title": passage.document.title,
        "heading": passage.heading,
        "text": passage.text,
        "themes": case.themes,
        "shared": case.shared,
    }

"""`phyassist organise`: raw text to the fields of the record."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import typer

from phyassist.cli.options import AsJson, LangOption, ModelOption, PatientOption, SourceArgument
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.domain.people import Language
    from phyassist.services.intake import OrganiseDone, OrganiseEvent, QuestionFound
    from phyassist.settings import Settings


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
    from phyassist.cli.reading import choose_language, read_source

    settings = get_run(context).load_settings(language=lang, model=model)
    text = read_source(source, settings)
    language = choose_language(settings, text)
    if patient is None:
        _organise_alone(settings, text, language, as_json=as_json)
    else:
        _organise_patient(settings, text, patient, as_json=as_json, from_stdin=passphrase_stdin)

"""Options that several commands take, each worded once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Lang(StrEnum):
    ZH = "zh"
    EN = "en"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead (docs/json.md).")]
LangOption = Annotated[
    Lang | None, typer.Option("--lang", help="Language to work in; without it, that of the text.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="A name of the catalogue or a path to a .gguf file.")
]
SourceArgument = Annotated[
    str, typer.Argument(metavar="FILE|-", help="A txt, md, docx or pdf file; - reads text from stdin.")
]
PatientOption = Annotated[
    str | None,
    typer.Option(
        "--patient", help="Id, number or name: work in this patient's file. Without it no vault is touched."
    ),
]

"""Holding a reply to a few sentences, in the ways that servers understand."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_ANY_GRAMMAR, _ANY_PATTERN = r" [^\x00]*", r"[\s\S]*"


def make_grammar(choices: Sequence[str], *, goes_on: bool) -> str:
    """llama.cpp's grammar of a reply that is one of these sentences, or begins as one and goes on freely."""
    # A JSON string escapes quotes, backslashes and line ends as the grammar's own strings do.
    sentences = " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    return f"root ::= ({sentences})" + (_ANY_GRAMMAR if goes_on else "")


def make_pattern(choices: Sequence[str], *, goes_on: bool) -> str:
    """The same as a regular expression."""
    sentences = "|".join(re.escape(choice) for choice in choices)
    return f"({sentences})" + (_ANY_PATTERN if goes_on else "")

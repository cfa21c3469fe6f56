"""Everything that is said to the person at the terminal: results on stdout, all else on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from phyassist.errors import PhyAssistError

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """A line beside the result: what is going on, what comes next."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_json(value: Any) -> None:
    """The result as JSON, readable by a person too."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def say_error(error: PhyAssistError | str) -> None:
    """One sentence, and the code that docs/errors.md explains."""
    if isinstance(error, PhyAssistError):
        tell(f"phyassist: {error} [{error.code}]")
    else:
        tell(f"phyassist: {error}")


def make_console(*, results: bool = True) -> Console:
    """A Rich console on stdout, or stderr for progress.  No mark-up: patient words may hold brackets."""
    from rich.console import Console

    return Console(force_jupyter=False, stderr=not results, markup=False, highlight=False, emoji=False)

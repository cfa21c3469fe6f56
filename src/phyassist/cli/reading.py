"""What was poured in on the command line: a file of any kind we read, or stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from phyassist.errors import TextTooLong, UnreadableFile

if TYPE_CHECKING:
    from phyassist.domain.people import Language
    from phyassist.settings import Settings


def read_source(source: str, settings: Settings) -> str:
    """The text of a file, or of stdin for `-`.

    Raises UnreadableFile where there is none or no text in it, TextTooLong, EmptyText.
    """
    name, data = _read_bytes(source, settings.upload_bytes_max + 1)
    from phyassist.services.intake import check_text, read_upload

    if len(data) > settings.upload_bytes_max:
        raise TextTooLong(
            f"{name} is larger than {settings.upload_bytes_max:,} bytes",
            hint="split it, or raise upload_bytes_max in the settings",
        )
    text = read_upload(name, data)
    check_text(text)
    return text


def choose_language(settings: Settings, text: str) -> Language:
    """The language of the settings or the flag; without one, that of the text."""
    from phyassist.domain.reading.sentences import guess_language

    return settings.language or guess_language(text)


def _read_bytes(source: str, size: int) -> tuple[str, bytes]:
    if source == "-":
        return "stdin.txt", sys.stdin.buffer.read(size)
    path = Path(source)
    try:
        with path.open("rb") as file:
            return path.name, file.read(size)
    except IsADirectoryError:
        raise UnreadableFile(f"{source} is a folder", hint="give one file at a time") from None
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {source}", hint="check the name; - reads stdin") from None
    except OSError as error:
        raise UnreadableFile(f"{source} cannot be read ({error.strerror})") from None

"""The forms of a note that ship with the package, and choosing one."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.notes import ORIGINAL, Note
from phyassist.domain.people import Language
from phyassist.domain.templates import Arranged, Heading, Part, Template, arrange
from phyassist.errors import UnknownName


@lru_cache(maxsize=1)
def list_templates() -> tuple[Template, ...]:
    """All of them, the original study's own first."""
    body = tomllib.loads(files("phyassist").joinpath("data/note_templates.toml").read_text("utf-8"))
    return tuple(
        Template(
            each["name"],
            each["title"],
            each["about"],
            tuple(
                Heading(
                    heading["key"],
                    heading["title"],
                    tuple(Part(part) for part in heading["holds"]),
                    heading.get("hint", {}),
                )
                for heading in each["heading"]
            ),
        )
        for each in body["template"]
    )


def get_template(label: str) -> Template:
    """The template of this name.  Raises UnknownName."""
    for template in list_templates():
        if template.label == label:
            return template
    names = ", ".join(template.label for template in list_templates())
    raise UnknownName("there is no such form of a note", hint=f"these are there: {names}")


def arrange_note(note: Note, language: Language, *, template: str = "") -> tuple[Arranged, ...]:
    """A note under the headings of a template; of the one that it was signed in where none is named.

    Raises UnknownName.
    """
    chosen = get_template(template or _known(note.template))
    return arrange(note, chosen, list_templates(), language)


def list_heading_keys() -> frozenset[str]:
    """Headings under which one may write by hand; the original's hold items, which are added to the draft."""
    return frozenset(
        heading.key
        for template in list_templates()
        if not template.is_original
        for heading in template.headings
    )


def _known(label: str) -> str:
    """A note that a later release signed in a form of its own is shown in the original's."""
    return label if any(template.label == label for template in list_templates()) else ORIGINAL

"""From a view to a reply: a template's context is exactly its view's fields."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Protocol

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from phyassist.web.sought import WORDS_CHARS_MAX


class View(Protocol):
    """A frozen dataclass that names its template."""

    template: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


@cache
def get_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("phyassist.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # A page is made of a dozen templates: to ask each time whether their files have changed adds up.
        auto_reload=False,
    )
    environment.globals["static"] = find_static()
    environment.globals["styles"] = _names("css", ".css")
    # Whoever gets a fragment back for a change may make the next one; what a reader opens says otherwise.
    environment.globals["may_write"] = True
    environment.globals["words_max"] = WORDS_CHARS_MAX
    return environment


@cache
def find_static() -> str:
    """The path below which this version's styles and scripts stand.

    It changes with any of them, so a browser may keep what it has fetched and need not ask again at each
    page; scripts import one another by relative paths and stay below it.
    """
    root, digest = files("phyassist.web").joinpath("static"), hashlib.sha256()
    for folder in (root, *(root.joinpath(name) for name in ("css", "js", "vendor"))):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.is_file():
                content = entry.read_bytes()
                digest.update(f"{entry.name} {len(content)} ".encode() + content)
    return f"/static/v-{digest.hexdigest()[:16]}"


def _names(folder: str, ending: str) -> list[str]:
    entries = files("phyassist.web").joinpath("static", folder).iterdir()
    return sorted(entry.name for entry in entries if entry.name.endswith(ending))


def make_context(view: View) -> dict[str, Any]:
    return {each.name: getattr(view, each.name) for each in fields(view)}


def render_text(view: View) -> str:
    return get_environment().get_template(view.template).render(make_context(view))


def render(*views: View, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A page, or a fragment followed by the fragments that change elsewhere on the page with it."""
    return HTMLResponse("\n".join(render_text(view) for view in views), status, headers)

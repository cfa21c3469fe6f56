from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from html.parser import HTMLParser

import pytest
from jinja2 import meta, nodes

from phyassist.domain.people import Language
from phyassist.web.render import get_environment, make_context, render_text
from tests.web.samples import TEXT, list_views, make_fragments, make_pages

LANGUAGES: tuple[Language, ...] = ("zh", "en")
PAGES = sorted(make_pages("en"))
FRAGMENTS = sorted(make_fragments("en"))
GLOBALS = {"styles", "theme"}
MACROS = re.compile(r"import ([\w, ]+?)(?: with context)? %}")


class Ids(HTMLParser):
    """Collects ids, and inline code that the page's policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.for_ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "label" and named.get("for"):
            self.for_ids.append(str(named["for"]))
        self.inline += [name for name in named if name.startswith(("on", "hx-on")) or name == "style"]
        if tag == "style" or (tag == "script" and not named.get("src")):
            self.inline.append(tag)


@cache
def parse_template(name: str) -> tuple[str, nodes.Template]:
    """Its source and what Jinja reads in it: most of the templates are part of many pages."""
    environment = get_environment()
    source = environment.loader.get_source(environment, name)[0]
    return source, environment.parse(source)


@pytest.mark.parametrize("name", sorted({*PAGES, *FRAGMENTS}))
def test_a_template_uses_nothing_but_its_views_fields(name: str) -> None:
    view = list_views("en")[name]

    wanted, seen, waiting, macros = set(), set(), [view.template], set()
    while waiting:
        template = waiting.pop()
        seen.add(template)
        source, tree = parse_template(template)
        macros |= {name.strip() for names in MACROS.findall(source) for name in names.split(",")}
        if template == view.template:
            wanted |= meta.find_undeclared_variables(tree)
        waiting += [other for other in meta.find_referenced_templates(tree) if other and other not in seen]

    assert wanted - GLOBALS - macros <= {each.name for each in fields(view)}
    assert set(make_context(view)) == {each.name for each in fields(view)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_html_without_inline_code(name: str, language: Language) -> None:
    ids = Ids()

    ids.feed(render_text(list_views(language)[name]))

    assert len(ids.ids) == len(set(ids.ids))
    assert not ids.inline
    assert set(ids.for_ids) <= set(ids.ids)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_renders(name: str, language: Language) -> None:
    text = render_text(list_views(language)[name])

    assert text.strip()


def test_a_view_does_not_print_the_patient() -> None:
    page = list_views("zh")["consultation"]

    assert TEXT["zh"] not in repr(page)
    assert "孙某" not in repr(page)


def test_markup_in_what_was_said_stays_text() -> None:
    from dataclasses import replace

    page = list_views("en")["consultation"]
    page = replace(page, consultation=replace(page.consultation, text="</textarea><script>bad</script>"))

    html = render_text(page)

    assert "<script>bad" not in html
    assert "&lt;script&gt;bad" in html

"""Every command, option, setting and error code stands in its page, and no page speaks of one that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from tests.house.tree import ROOT
from phyassist.cli.main import app
from phyassist.errors import PhyAssistError
from phyassist.settings import PREFIX, Settings

DOCS = ROOT / "docs"


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command with its long options, as Typer knows them."""

    def walk(node: Any, above: str) -> Iterator[tuple[str, list[str]]]:
        name = f"{above} {node.name}".strip()
        children = getattr(node, "commands", {})
        options = [
            flag for one in node.params for flag in getattr(one, "opts", ()) if str(flag).startswith("--")
        ]
        if not children:
            yield name, options
        for child in children.values():
            yield from walk(child, name)

    yield from walk(typer.main.get_command(app), "")


def _codes(kind: type[PhyAssistError]) -> set[str]:
    return {kind.code}.union(*(_codes(below) for below in kind.__subclasses__()), set())


def test_every_command_and_option_is_in_the_commands_page():
    page = (DOCS / "commands.md").read_text(encoding="utf-8")

    missing = []
    for name, options in _commands():
        part = re.search(rf"^#+ `{re.escape(name)}`?.*?(?=^#+ |\Z)", page, re.M | re.S)
        if part is None:
            missing.append(name)
            continue
        missing += [f"{name} {flag}" for flag in options if f"`{flag}" not in part.group(0)]
    assert missing == []


def test_the_commands_page_names_no_command_that_is_gone():
    page = (DOCS / "commands.md").read_text(encoding="utf-8")

    named = set(re.findall(r"^#+ `(phyassist [a-z ]+?)`", page, re.M))

    assert named == {name for name, _ in _commands()}


def test_the_settings_page_is_the_settings():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `([a-z_]+)` \| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", page, re.M)

    assert [row[0] for row in rows] == list(Settings.model_fields)
    for name, variable, _default, text in rows:
        assert variable == PREFIX + name.upper()
        assert text == Settings.model_fields[name].description


def test_every_error_code_has_a_paragraph_in_both_directions():
    page = (DOCS / "errors.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^### `(PA-[A-Z-]+)`", page, re.M))

    import phyassist.errors

    own = {
        code for code in _codes(PhyAssistError) if any(
            getattr(kind, "code", None) == code for kind in vars(phyassist.errors).values()
            if isinstance(kind, type)
        )
    }
    bases = {"PA-ERROR", "PA-VAULT", "PA-STORE", "PA-MODEL"}
    assert explained == own - bases


def test_the_drawing_of_the_error_tree_is_the_tree():
    import phyassist.errors

    drawn = set(re.findall(r"PA-[A-Z]+(?:-[A-Z]+)*", phyassist.errors.__doc__ or ""))
    bases = {"PA-ERROR", "PA-INPUT", "PA-VAULT", "PA-STORE", "PA-MODEL"}

    codes = _codes(PhyAssistError) - bases

    assert drawn == codes


def test_every_link_between_pages_leads_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []

"""Every command, option, setting and error code stands in its page, and none that is gone."""

from __future__ import annotations

import re

import phyassist.errors
from phyassist.errors import PhyAssistError
from tests.house.pages import DOCS, list_commands, render_commands, render_settings
from tests.house.tree import ROOT

# Kinds that are never raised themselves, and what a page says where no error class stands behind it.
GROUPS = {"PA-ERROR", "PA-VAULT", "PA-STORE", "PA-MODEL"}
PAGE_CODES = {"PA-FORM", "PA-PAGE-NOT-FOUND", "PA-UNEXPECTED"}


def _codes() -> set[str]:
    return {
        kind.code
        for kind in vars(phyassist.errors).values()
        if isinstance(kind, type) and issubclass(kind, PhyAssistError)
    }


def test_the_commands_page_is_what_the_commands_say_of_themselves():
    page = (DOCS / "commands.md").read_text(encoding="utf-8")

    made = render_commands()

    assert page == made, "run make pages"


def test_every_command_says_what_it_does_and_so_does_every_option():
    silent = [
        f"{name} {option.name}"
        for name, command in list_commands()
        for option in (*command.params, command)
        if not option.help
    ]

    assert silent == []


def test_an_option_that_counts_takes_nothing_below_none():
    # A seed and a year may be any number, and what a port may be is for the settings to say.
    any_number = {"seed", "year", "years", "port"}
    counting = [
        (f"{name} {option.opts[0]}", option.min)
        for name, command in list_commands()
        for option in command.params
        if option.param_type_name == "option"
        and option.type_descriptor.annotation is int
        and option.name not in any_number
    ]

    boundless = [name for name, least in counting if least is None]

    assert len(counting) > 10
    assert boundless == []


def test_the_settings_page_is_the_settings():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")

    made = render_settings()

    assert page == made, "run make pages"


def test_every_error_code_is_explained_and_no_other():
    page = (DOCS / "errors.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^### `(PA-[A-Z-]+)`$", page, re.M))

    assert explained == (_codes() - GROUPS) | PAGE_CODES


def test_the_drawing_of_the_error_tree_is_the_tree():
    drawn = set(re.findall(r"PA-[A-Z]+(?:-[A-Z]+)*", phyassist.errors.__doc__ or ""))

    codes = _codes() - GROUPS - {"PA-INPUT"}

    assert drawn == codes


def test_every_link_between_pages_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]

    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page, target in links
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_guide_is_there_in_both_languages_with_the_same_chapters():
    english = re.findall(r"^## ", (DOCS / "guide.md").read_text(encoding="utf-8"), re.M)

    chinese = re.findall(r"^## ", (DOCS / "zh" / "guide.md").read_text(encoding="utf-8"), re.M)

    assert len(english) == len(chinese) > 5


def test_every_page_stands_in_the_index():
    index = (DOCS / "README.md").read_text(encoding="utf-8")

    pages = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))

    assert [page for page in pages if f"]({page})" not in index and page != "README.md"] == []

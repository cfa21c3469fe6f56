"""The two pages that are made from the code: `make pages` writes them, test_documented.py compares them."""

# ruff: noqa: E501  # a paragraph of Markdown is one line

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from phyassist.cli.main import app
from phyassist.settings import PREFIX, Settings
from tests.house.tree import ROOT

DOCS = ROOT / "docs"
MADE = "This page is made from the code by `make pages`; a test compares them."

COMMANDS_HEAD = f"""# Commands

{MADE}

Results go to stdout, everything else to stderr. A command ends with 0 when it did its work, with 1 after a failure that is said in one sentence with a code ([errors.md](errors.md)), with 2 when the command line or a setting was not understood. `phyassist --home FOLDER …` works in another home folder.

The passphrase is typed unseen. For unattended use: `--passphrase-stdin`, or the setting `passphrase_file` (`PHYASSIST_PASSPHRASE_FILE`). `FILE|-` is a txt, md, docx or pdf file, or `-` for stdin. The JSON of `organise` and `analyse` is described in [json.md](json.md).
"""
SETTINGS_HEAD = f"""# Settings

{MADE}

A setting is taken from the first of these that names it: a flag of the command, a variable `PHYASSIST_…`, the file `config.toml` in the home folder, the default. A name that is unknown stops the start with a sentence, so that a slip of the pen is never passed over. What a practice settles for its pages (language, the word for clients, the idle lock, hidden names) is chosen on the Practice page and kept in its database.

```toml
# config.toml
port = 8421
model = "qwen2.5-coder-0.5b-instruct"
```

| setting | variable | default | what it does |
|---|---|---|---|
"""
DEFAULTS = {
    "home": "`~/.local/share/phyassist`, or this system's place for it",
    "store_url": "`practice.db` in `home`",
    "models_dir": "`models` in `home`",
}


def list_commands() -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, with what Typer made of it."""

    def walk(node: Any, name: str) -> Iterator[tuple[str, Any]]:
        children = getattr(node, "commands", {})
        if not children:
            yield name, node
        for key, child in children.items():
            yield from walk(child, f"{name} {key}")

    yield from walk(typer.main.get_command(app), "phyassist")


def render_commands() -> str:
    parts = [COMMANDS_HEAD]
    for name, command in list_commands():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
        usage = " ".join([name, *(_spell_argument(one) for one in arguments)])
        parts.append(f"## `{name}`\n\n`{usage}{' [options]' if options else ''}`\n\n{_plain(command.help)}\n")
        rows = [f"| `{_cell(_spell_argument(one))}` | {_cell(one.help)} |" for one in arguments if one.help]
        rows += [f"| {_spell_option(one)} | {_cell(one.help)} |" for one in options]
        if rows:
            parts.append("| | |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def render_settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        rows.append(
            f"| `{name}` | `{PREFIX}{name.upper()}` | {_default(name, field.default)} | {field.description} |"
        )
    return SETTINGS_HEAD + "\n".join(rows) + "\n"


def _default(name: str, value: object) -> str:
    if name in DEFAULTS:
        return DEFAULTS[name]
    if isinstance(value, SecretStr) or value in ("", None, PydanticUndefined):
        return "none"
    return f"`{value}`"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _cell(text: str | None) -> str:
    return _plain(text).replace("|", "\\|")


def _spell_argument(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _spell_option(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write both pages."""
    (DOCS / "commands.md").write_text(render_commands(), encoding="utf-8")
    (DOCS / "settings.md").write_text(render_settings(), encoding="utf-8")


if __name__ == "__main__":
    main()

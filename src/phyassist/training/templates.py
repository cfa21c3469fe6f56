"""Messages as the one text that a model family was trained on."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from phyassist.errors import BadInput, UnknownName
from phyassist.lm.folders import say_damaged


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A family's template; `joins_system` where the first user message opens with the system's words."""

    name: str
    source: str
    bos: str
    eos: str
    joins_system: bool

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The whole conversation, its marks of beginning and end included.  Raises BadInput."""
        said = _join_system(messages) if self.joins_system else list(messages)
        try:
            # Transformers call them bos_token and eos_token; a template of a model's own says so too.
            return _compile(self.source).render(
                messages=said, bos=self.bos, eos=self.eos, bos_token=self.bos, eos_token=self.eos
            )
        except TemplateError as error:
            raise BadInput(f"the chat template {self.name} cannot be filled", hint="name another") from error


def get_template(name: str) -> ChatTemplate:
    """A template by family, or the own one of a model in a folder.  Raises UnknownName, BadInput."""
    if Path(name).is_dir():
        return _read_folder(Path(name))
    families = load_templates()
    if name not in families:
        raise UnknownName(
            f"no chat template {name}", hint=f"there are {', '.join(families)}, or name a model's folder"
        )
    return families[name]


@cache
def load_templates() -> Mapping[str, ChatTemplate]:
    found = tomllib.loads(files("phyassist.training").joinpath("templates.toml").read_text("utf-8"))
    return {
        name: ChatTemplate(
            name, entry["template"], entry["bos"], entry["eos"], joins_system=entry["system"] == "joined"
        )
        for name, entry in found.items()
    }


def _read_folder(folder: Path) -> ChatTemplate:
    config: dict[str, Any] = {}
    if (folder / "tokenizer_config.json").is_file():
        with say_damaged(folder / "tokenizer_config.json", "fetch or copy the model anew"):
            config = dict(json.loads((folder / "tokenizer_config.json").read_text("utf-8")))
    own = folder / "chat_template.jinja"
    source = own.read_text("utf-8") if own.is_file() else config.get("chat_template")
    if not isinstance(source, str):
        raise BadInput(
            f"{folder.name} has no chat template of its own", hint="name a family: qwen, mistral …"
        )
    return ChatTemplate(
        folder.name,
        source,
        _token(config.get("bos_token")),
        _token(config.get("eos_token")),
        joins_system="system" not in source,
    )


def _token(said: object) -> str:
    token = said.get("content") if isinstance(said, dict) else said
    return token if isinstance(token, str) else ""


def _join_system(messages: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    if not messages or messages[0]["role"] != "system":
        return list(messages)
    first, second, *rest = messages
    return [{"role": "user", "content": f"{first['content']}\n\n{second['content']}"}, *rest]


@cache
def _compile(source: str) -> Template:
    # The options are those that transformers compiles a model's own template with.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(source)


def _refuse(what: str) -> None:
    raise TemplateError(what)

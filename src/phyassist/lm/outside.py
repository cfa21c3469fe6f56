"""A server that is neither this machine nor the practice's own: private words are replaced on the way there.

What comes back has them in their places again.  Nothing leaves before `allow` has said so and `note` has
written down what kind of words were replaced, and how many.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from phyassist.domain.privacy.replacing import Replacement, Restorer, replace_private
from phyassist.domain.privacy.words import PrivateKind
from phyassist.errors import OutsideForbidden
from phyassist.lm.counting import estimate_tokens
from phyassist.lm.protocol import Ask, LanguageModel, Message, Reading, Reply, Stop, Waiting, Words


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes to `host`: the texts as they leave, and how many words of each kind were replaced in them."""

    host: str
    texts: tuple[str, ...] = field(repr=False)
    counts: Mapping[PrivateKind, int]


def ignore(_: Leaving) -> None:
    """Nobody keeps a list of what leaves."""


@dataclass(frozen=True)
class Outside:
    """A LanguageModel before another that listens elsewhere.

    `names` are people who are spoken of for certain; `note` is told of every request before it is sent.
    """

    model: LanguageModel
    host: str
    allow: Callable[[], bool] = field(repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)
    note: Callable[[Leaving], None] = field(default=ignore, repr=False)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def base_sha256(self) -> str:
        return self.model.base_sha256

    @property
    def context_tokens(self) -> int:
        return self.model.context_tokens

    def about(self, names: Sequence[str], note: Callable[[Leaving], None]) -> Outside:
        """The same server for a text in which these people are spoken of."""
        return replace(self, names=tuple(names), note=note)

    def show(self, ask: Ask) -> Leaving:
        """What would leave with this request; sends nothing."""
        return self._hide(ask)[1]

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """As `LanguageModel.write`, the words put back.  Raises OutsideForbidden, before anything is sent."""
        if not self.allow():
            raise OutsideForbidden(
                f"the model listens at {self.host}, and this practice sends nothing to outside servers",
                hint="use a model on this computer, or have whoever runs the practice allow outside servers",
            )
        hidden, leaving, replacement = self._hide(ask)
        self.note(leaving)
        in_json = ask.schema is not None
        restorer = Restorer(replacement, in_json=in_json)
        for event in self.model.write(hidden, stop):
            if isinstance(event, Words):
                if text := restorer.feed(event.text):
                    yield Words(text)
            elif isinstance(event, Reply):
                if rest := restorer.close():
                    yield Words(rest)
                yield replace(event, text=replacement.restore(event.text, in_json=in_json))
            else:
                yield event

    def count_tokens(self, text: str) -> int:
        """An estimate from above: the server is not asked, since asking would send the text as it is."""
        return estimate_tokens(text) if text else 0

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        """Nothing is sent before somebody asks."""

    def _hide(self, ask: Ask) -> tuple[Ask, Leaving, Replacement]:
        """The form of the reply may hold words of a person too: a comment that the model is to say over."""
        contents, wanted = [message.content for message in ask.messages], list(_list_wanted(ask.schema))
        texts, replacement = replace_private([*contents, *wanted], self.names)
        hidden = tuple(
            Message(message.role, text) for message, text in zip(ask.messages, texts, strict=False)
        )
        schema = _put_wanted(ask.schema, dict(zip(wanted, texts[len(contents) :], strict=True)))
        leaving = Leaving(self.host, texts, replacement.count())
        return replace(ask, messages=hidden, schema=schema), leaving, replacement


def _list_wanted(schema: Any) -> Iterator[str]:
    """The strings that a reply is to hold as they are, wherever they stand in its form."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "enum":
                yield from (each for each in value if isinstance(each, str))
            else:
                yield from _list_wanted(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _list_wanted(each)


def _put_wanted(schema: Any, hidden: Mapping[str, str]) -> Any:
    """The form with these strings in the places of others."""
    if isinstance(schema, Mapping):
        return {
            key: [hidden.get(each, each) for each in value] if key == "enum" else _put_wanted(value, hidden)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_put_wanted(each, hidden) for each in schema]
    return schema


def is_own_server(url: str, own: Sequence[str]) -> bool:
    """Whether the address is this machine's, or one that the settings name as the practice's own."""
    host = (urlsplit(url).hostname or "").lower()
    if host in {name.strip().lower() for name in own} or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

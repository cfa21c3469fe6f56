"""One client for every served model: our own child process and any OpenAI-compatible server."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import httpx

from phyassist.errors import AdapterMissing, EngineDown, ModelError, PromptTooLong, ServerRefused
from phyassist.lm.choices import make_pattern
from phyassist.lm.counting import count_fewest_tokens, estimate_prompt_tokens, estimate_tokens
from phyassist.lm.memory import memory_folder, sweep_memory
from phyassist.lm.protocol import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    Ask,
    Message,
    ReadFile,
    Reading,
    Reply,
    Stop,
    Waiting,
    Words,
)
from phyassist.lm.turns import Turns
from phyassist.lm.wire import Event, Exchange, Lost, Refused, Stopped

log = logging.getLogger(__name__)

CONNECT_WAIT_S = 5.0
QUICK_WAIT_S = 20.0
LOAD_WAIT_S = 120.0
SILENCE_S = 900.0
# The ways of asking for JSON, strictest first; a server that refuses one is asked the next way from then on.
FORMS = ("json_schema", "json_object", "")
# How vLLM is told to hold a reply to choices; servers that do not know it pass over it, or refuse it by name.
CHOICES_KEY = "structured_outputs"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens (up to and without `/v1`), the key it wants, its adapters by their number."""

    url: str
    key: str = field(repr=False)
    adapters: tuple[str, ...] = ()


class Server(Protocol):
    """What differs between servers."""

    def get_address(self) -> Address:
        """The address of a server that runs; raises EngineDown where none can be had."""
        ...

    def shape(self, body: dict[str, Any], ask: Ask, address: Address) -> dict[str, Any]:
        """The body with what only this server understands; raises AdapterMissing."""
        ...

    def hold_to_choices(self, ask: Ask) -> Mapping[str, Any]:
        """What to add to the body so that the reply is one of the ask's choices."""
        ...

    def read_adapter(self, data: Mapping[str, Any], ask: Ask, address: Address) -> str | None:
        """The adapter that an event says was used; None where the event does not say."""
        ...

    def has_adapter(self, name: str) -> bool:
        """Whether it answers with this adapter where it is asked to."""
        ...

    def take_adapter(self, name: str, read: ReadFile) -> None:
        """Answer with this adapter too; raises AdapterMissing, ModelDamaged, EngineDown, ServerRefused."""
        ...

    def explain_loss(self, *, begun: bool) -> ModelError:
        """Why the connection did not come about or broke, as a sentence."""
        ...

    def can_warm(self) -> bool:
        """Whether reading in advance is free and worth it there."""
        ...

    def find_lane(self, ask: Ask) -> str | None:
        """The queue in which this is answered one after the other; None where many are served at once."""
        ...

    def forget_prompts(self) -> None:
        """Let go of every prompt and adapter that was read, where that is in our hands."""
        ...

    def close(self) -> None:
        """Nothing more will be asked."""
        ...


class OpenAIClient:
    """A LanguageModel over the OpenAI chat protocol."""

    def __init__(self, server: Server, *, name: str, context_tokens: int, base_sha256: str = "") -> None:
        self._server = server
        self._name, self._context_tokens, self._base_sha256 = name, context_tokens, base_sha256
        self._turns = Turns()
        self._form_no = 0
        self._holds_choices = True
        self._counts = True
        # Each request has a connection of its own, so that closing it stops this request and no other.
        # A patient's words go to the server named in the settings and never through a proxy found by chance.
        self._http = httpx.Client(
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_WAIT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def base_sha256(self) -> str:
        return self._base_sha256

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    @property
    def json_form(self) -> str:
        """How JSON is asked for: `json_schema`, `json_object`, or empty where the server refuses both."""
        return FORMS[self._form_no]

    def close(self) -> None:
        self._http.close()
        self._server.close()

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """Places in the queue, readings, then words, then one Reply, as `LanguageModel.write` says."""
        with self._turns.writing(self._server.find_lane(ask)) as turn:
            for ahead in turn.wait(stop):
                yield Waiting(ahead)
            yield from self._write(ask, stop)

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        """Read a prompt in advance where that is free; comes back at once where it is not."""
        if not self._server.can_warm():
            return
        ask = Ask(messages, reply_tokens=1, adapter=adapter)
        with self._turns.warming() as turn:
            while True:
                turn.wait()
                *_, reply = self._write(ask, turn)
                if isinstance(reply, Reply) and reply.finish != "stopped":
                    return

    def forget_prompts(self) -> None:
        """Have the engine let go of all that it has read, as soon as nobody is being answered."""

        def forget() -> None:
            with self._turns.warming() as turn:
                turn.wait()
                self._server.forget_prompts()

        threading.Thread(target=forget, name="forgetting", daemon=True).start()

    def has_adapter(self, name: str) -> bool:
        """Whether the server answers with this adapter.  Raises EngineDown, ServerRefused."""
        return self._server.has_adapter(name)

    def take_adapter(self, name: str, read: ReadFile) -> None:
        """Have the server answer with this adapter too; no answer that is being written breaks off.

        Raises AdapterMissing, ModelDamaged, EngineDown, ServerRefused.
        """
        self._server.take_adapter(name, read)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the server's vocabulary, else an estimate from above."""
        if self._counts and text:
            try:
                return self._ask_count(text)
            except (EngineDown, httpx.HTTPError):
                return estimate_tokens(text)
            except (ValueError, KeyError, TypeError):
                self._counts = False
        return estimate_tokens(text) if text else 0

    def _ask_count(self, text: str) -> int:
        address = self._server.get_address()
        # llama.cpp's server reads `content`, vLLM `prompt`; both pass over the other's word.
        body = {"content": text, "prompt": text, "model": self._name, "add_special_tokens": False}
        answer = self._http.post(
            f"{address.url}/tokenize", json=body, headers=_headers(address), timeout=QUICK_WAIT_S
        )
        if answer.status_code != httpx.codes.OK:
            raise ValueError(answer.status_code)
        return len(answer.json()["tokens"])

    def _write(self, ask: Ask, stop: Stop) -> Iterator[Reading | Words | Reply]:
        started = time.monotonic()
        while True:
            address = self._server.get_address()
            exchange = Exchange(
                self._http,
                f"{address.url}/v1/chat/completions",
                _headers(address),
                self._make_body(ask, address),
            )
            answer = _Answer(self._name, ask, address, self._server)
            refused = None
            for event in exchange.events(stop):
                if isinstance(event, Refused):
                    refused = event
                elif isinstance(event, Lost):
                    raise self._server.explain_loss(begun=event.begun)
                elif isinstance(event, Stopped):
                    answer.finish = "stopped"
                else:
                    yield from answer.take(event)
            if refused is None:
                break
            self._give_way(refused, ask)
        if answer.finish is None:
            raise self._server.explain_loss(begun=True)
        yield answer.make_reply(time.monotonic() - started)

    def _make_body(self, ask: Ask, address: Address) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "max_tokens": ask.reply_tokens,
            "temperature": ask.temperature,
            "seed": ask.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if ask.schema is not None and self.json_form == "json_schema":
            wanted = {"name": "reply", "strict": True, "schema": dict(ask.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif ask.schema is not None and self.json_form == "json_object":
            body["response_format"] = {"type": "json_object"}
        if ask.choices and self._holds_choices:
            body |= self._server.hold_to_choices(ask)
        return self._server.shape(body, ask, address)

    def _give_way(self, refused: Refused, ask: Ask) -> None:
        """Return to ask again in a laxer form, or raise what the refusal means."""
        speaks_of_form = any(
            word in refused.body for word in ("response_format", "json_schema", "json_object")
        )
        if refused.status in (400, 422, 501) and ask.schema is not None and self.json_form and speaks_of_form:
            self._form_no += 1
            log.warning(
                "the model server does not take JSON asked for as %s; asking with %s from now on",
                FORMS[self._form_no - 1],
                self.json_form or "the words of the prompt alone",
            )
            return
        if (
            refused.status in (400, 422, 501)
            and ask.choices
            and self._holds_choices
            and CHOICES_KEY in refused.body
        ):
            self._holds_choices = False
            log.warning("the model server cannot hold a reply to choices; it writes freely from now on")
            return
        raise make_refusal(refused, ask, self._context_tokens)


@dataclass
class _Answer:
    """What has come of one answer so far."""

    model: str
    ask: Ask = field(repr=False)
    address: Address
    server: Server = field(repr=False)
    pieces: list[str] = field(default_factory=list, repr=False)
    finish: Literal["done", "length", "stopped"] | None = None
    adapter: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> Iterator[Reading | Words]:
        data = event.data
        if "error" in data:
            raise make_refusal(Refused(400, json.dumps(data["error"])), self.ask, 0)
        self.adapter = self.server.read_adapter(data, self.ask, self.address) or self.adapter
        self.usage = data.get("usage") or self.usage
        progress = data.get("prompt_progress")
        if progress:
            yield Reading(read=progress["processed"], total=progress["total"])
        for choice in data.get("choices") or ():
            text = (choice.get("delta") or {}).get("content")
            if text:
                self.pieces.append(text)
                yield Words(text)
            if choice.get("finish_reason"):
                self.finish = "length" if choice["finish_reason"] == "length" else "done"

    def make_reply(self, seconds: float) -> Reply:
        details = self.usage.get("prompt_tokens_details") or {}
        return Reply(
            text="".join(self.pieces),
            model=self.model,
            adapter=self.adapter,
            finish=self.finish or "stopped",
            # A stopped answer, and some servers, leave the counts out: what came is counted instead.
            prompt_tokens=self.usage.get("prompt_tokens") or estimate_prompt_tokens(self.ask.messages),
            cached_tokens=details.get("cached_tokens") or 0,
            reply_tokens=self.usage.get("completion_tokens") or len(self.pieces),
            seconds=seconds,
        )


def make_refusal(refused: Refused, ask: Ask, context_tokens: int) -> ModelError:
    """The error that a refusal stands for; the server's own words may quote the prompt and stay unsaid."""
    said = refused.body.lower()
    if "exceed_context_size" in said or "context_length_exceeded" in said or "maximum context length" in said:
        return make_too_long(context_tokens)
    if refused.status in (401, 403):
        return ServerRefused("the model server refused the key", hint="check model_key in the settings")
    if ask.adapter and (refused.status == 404 or (refused.status == 400 and ask.adapter in refused.body)):
        return AdapterMissing(
            f"the model server does not have adapter {ask.adapter}", hint="load it there first"
        )
    if refused.status == 404:
        return ServerRefused(
            "the model server does not know this model or address",
            hint="check model_url and model in the settings",
        )
    if refused.status == 429:
        return ServerRefused("the model server has too much to do", hint="wait a little and ask again")
    return ServerRefused(
        f"the model server refused the request (status {refused.status})", hint="look into its log"
    )


def make_too_long(context_tokens: int) -> PromptTooLong:
    """The error of a prompt that does not fit; 0 where the window is not known."""
    window = f" of {context_tokens:,} tokens" if context_tokens else ""
    return PromptTooLong(
        f"the prompt is longer than the model's window{window}",
        hint="shorten the text, or raise context_tokens",
    )


def _headers(address: Address) -> dict[str, str]:
    return {"Authorization": f"Bearer {address.key}"} if address.key else {}


class OutsideServer:
    """A server that somebody else runs.

    An adapter is asked for as vLLM has it: by its name in place of the model's.
    """

    def __init__(self, address: Address, context_tokens: int) -> None:
        self._address, self._context_tokens = address, context_tokens
        self._handed: dict[str, ExitStack] = {}
        sweep_memory()

    def get_address(self) -> Address:
        return self._address

    def shape(self, body: dict[str, Any], ask: Ask, address: Address) -> dict[str, Any]:
        """Names the adapter.  Some servers cut a long prompt in silence, so it is not left to them."""
        del address
        if count_fewest_tokens(ask.messages) > self._context_tokens:
            raise make_too_long(self._context_tokens)
        return {**body, "model": ask.adapter} if ask.adapter else body

    def hold_to_choices(self, ask: Ask) -> Mapping[str, Any]:
        return {CHOICES_KEY: {"regex": make_pattern(ask.choices, goes_on=ask.goes_on)}}

    def read_adapter(self, data: Mapping[str, Any], ask: Ask, address: Address) -> str | None:
        """The adapter that was asked for, if the answer names it; a revision may follow after an @."""
        del address
        said = str(data.get("model", "")).partition("@")[0]
        return ask.adapter if ask.adapter and said == ask.adapter else None

    def explain_loss(self, *, begun: bool) -> ModelError:
        host = urlsplit(self._address.url).netloc
        if begun:
            return EngineDown(
                f"the model server at {host} broke off in the middle of an answer", hint="ask again"
            )
        return EngineDown(
            f"no model server answers at {host}", hint="start it, or check model_url in the settings"
        )

    def has_adapter(self, name: str) -> bool:
        return name in list_models(self)

    def take_adapter(self, name: str, read: ReadFile) -> None:
        """Loaded at run time through vLLM's own door, from a folder in memory that it is to read.

        The folder stays for as long as the adapter may be asked for: the server drops what it has not used
        for a while and reads it again.
        """
        with ExitStack() as stack:
            folder = stack.enter_context(memory_folder())
            for file in (CONFIG_FILE, WEIGHTS_FILE):
                (folder / file).write_bytes(read(file))
            if self._post("load_lora_adapter", {"lora_name": name, "lora_path": str(folder)}):
                self._handed[name] = stack.pop_all()

    def forget_prompts(self) -> None:
        """Takes back the adapters that were handed over; what that server has read is not in our hands."""
        for name in list(self._handed):
            with suppress(EngineDown, ServerRefused):
                self._post("unload_lora_adapter", {"lora_name": name})
            self._handed.pop(name).close()

    def close(self) -> None:
        self.forget_prompts()

    def _post(self, door: str, body: Mapping[str, str]) -> bool:
        """Whether it was done; False where it had been before.  Raises EngineDown, ServerRefused."""
        url = f"{self._address.url}/v1/{door}"
        try:
            with httpx.Client(trust_env=False, timeout=LOAD_WAIT_S) as http:
                answer = http.post(url, json=dict(body), headers=_headers(self._address))
        except httpx.HTTPError as error:
            raise self.explain_loss(begun=False) from error
        if "already been loaded" in answer.text:
            return False
        if answer.status_code != httpx.codes.OK:
            raise ServerRefused(
                f"the model server takes no adapter at run time (status {answer.status_code})",
                hint="start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 (docs/models.md)",
            )
        return True

    def can_warm(self) -> bool:
        """Never: it may be paid by the token, and others wait there."""
        return False

    def find_lane(self, ask: Ask) -> str | None:
        """None: such a server has turns of its own."""
        del ask
        return None


def open_outside(
    url: str, key: str, model: str, *, context_tokens: int, base_sha256: str = ""
) -> OpenAIClient:
    """A client of the server at `url` (with or without `/v1`); without `model`, of the first that it lists.

    `base_sha256` is the hash of the file whose weights the server has, where somebody knows.
    Raises EngineDown where nobody answers, ServerRefused where the key or the answer is not right.
    """
    address = Address(url.rstrip("/").removesuffix("/v1").rstrip("/"), key)
    server = OutsideServer(address, context_tokens)
    return OpenAIClient(
        server,
        name=model or find_first_model(server),
        context_tokens=context_tokens,
        base_sha256=base_sha256,
    )


def find_first_model(server: OutsideServer) -> str:
    """The name of the first model that the server lists; raises EngineDown, ServerRefused."""
    found = list_models(server)
    if not found:
        raise ServerRefused("the model server lists no models", hint="name one in the settings")
    return found[0]


def list_models(server: OutsideServer) -> tuple[str, ...]:
    """What the server lists, adapters among it; raises EngineDown, ServerRefused."""
    address = server.get_address()
    try:
        with httpx.Client(trust_env=False, timeout=QUICK_WAIT_S) as http:
            answer = http.get(f"{address.url}/v1/models", headers=_headers(address))
        if answer.status_code != httpx.codes.OK:
            raise make_refusal(Refused(answer.status_code, ""), Ask((), 0), 0)
        return tuple(str(each["id"]) for each in answer.json()["data"])
    except httpx.HTTPError as error:
        raise server.explain_loss(begun=False) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ServerRefused("the model server lists no models", hint="name one in the settings") from error

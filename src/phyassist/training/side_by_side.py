"""A base and an adapter asked the same: both replies grow together, word by word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.errors import EmptyText
from phyassist.prompts.closed import make_closed_task
from phyassist.prompts.draft import make_task
from phyassist.prompts.layout import make_messages, make_prefix
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.bases import check_fits, fetch_base, find_adapter, load_base_mark
from phyassist.training.recipe import Recipe

_BASE = "__base__"  # peft's own name for no adapter at all
_ADAPTER = "default"


@dataclass(frozen=True, slots=True)
class Question:
    """A text and what is asked about it; `is_closed` asks for one answer, otherwise a draft is asked for."""

    text: str = field(repr=False)
    asked: str = field(default="", repr=False)
    language: Language = "en"
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Replies:
    """What both have written so far."""

    base: str = field(repr=False)
    adapter: str = field(repr=False)
    is_done: bool = False


def ask_as_the_app_does(question: Question) -> list[dict[str, str]]:
    """The messages that the app would send.  Raises EmptyText."""
    if not question.text.strip():
        raise EmptyText("there is no text", hint="write or paste one")
    sentences = split_sentences(question.text)
    prefix = make_prefix(language=question.language, record=Record(), notes=(), sentences=sentences)
    if question.is_closed:
        task = make_closed_task(question.asked, question.language)
    else:
        jurisdiction: Jurisdiction = "cn" if question.language == "zh" else "other"
        task = make_task(
            question=question.asked,
            language=question.language,
            jurisdiction=jurisdiction,
            sentences=sentences,
        ).text
    laid = make_messages(language=question.language, prefix=prefix, task=task)
    return [{"role": message.role, "content": message.content} for message in laid]


class Pair:
    """A base model with one adapter; both answer in one batch, each row with or without it."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model.eval(), tokenizer
        self._device = next(model.parameters()).device
        self._ends = _find_ends(model, tokenizer)

    def stream(self, asked: Sequence[Mapping[str, str]], *, reply_tokens: int = 300) -> Iterator[Replies]:
        """Both replies after every token, each the likeliest one, until both have ended."""
        import torch

        prompt = list(
            self._tokenizer.apply_chat_template(
                [dict(message) for message in asked],
                tokenize=True,
                add_generation_prompt=True,
                return_dict=False,
            )
        )
        new = torch.tensor([prompt, prompt], device=self._device)
        kept: Any = None
        written: tuple[list[int], list[int]] = ([], [])
        open_rows = [True, True]
        for _ in range(reply_tokens):
            with torch.inference_mode():
                said = self._model(
                    input_ids=new,
                    past_key_values=kept,
                    use_cache=True,
                    logits_to_keep=1,
                    adapter_names=[_BASE, _ADAPTER],
                )
            kept, chosen = said.past_key_values, said.logits[:, -1].argmax(-1)
            for no, token in enumerate(chosen.tolist()):
                open_rows[no] = open_rows[no] and token not in self._ends
                if open_rows[no]:
                    written[no].append(token)
            new = chosen[:, None]
            if not any(open_rows):
                break
            yield self._spell(written, is_done=False)
        yield self._spell(written, is_done=True)

    def _spell(self, written: Sequence[Sequence[int]], *, is_done: bool) -> Replies:
        base, adapter = (self._tokenizer.decode(tokens, skip_special_tokens=True) for tokens in written)
        return Replies(str(base), str(adapter), is_done)


def open_pair(base: str, adapter: Path) -> Pair:
    """Raises AdapterMissing, ModelMissing, BadInput where the adapter is another base's."""
    from peft import PeftModel

    place = find_adapter(adapter)
    check_fits(load_base_mark(place), fetch_base(base))
    model: Any = PeftModel.from_pretrained(load_base(base, Recipe(), find_device()), place)
    model.get_base_model().config.use_cache = True
    return Pair(model, load_tokenizer(base))


def _find_ends(model: Any, tokenizer: Any) -> frozenset[int]:
    named = getattr(model.get_base_model().generation_config, "eos_token_id", None)
    ends = named if isinstance(named, list) else [named]
    return frozenset(int(end) for end in (*ends, tokenizer.eos_token_id) if end is not None)

"""Drafts of public texts, drawn in batches on a GPU, and made into prepared data like those of an engine.

    pip install llguidance
    python -m benchmarks.sample_drafts BASE --source counsel-chat --source smilechat --out FOLDER \
        [--count 400] [--tries 6]

`phyassist data draft` asks an engine for one draft after another.  Here hundreds are drawn at once by
transformers, each held to the app's own form by llguidance; what is kept is chosen by the same rules.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Drafted, Example
from phyassist.domain.people import Jurisdiction, Language
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.teaching import TRY_TEMPERATURE, prepare_text, teach
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.catalogue import get_source
from phyassist.training.prepare import Plan
from phyassist.training.recipe import Recipe
from phyassist.training.taught import choose_texts, draft_sources
from phyassist.training.templates import get_template

REPLY_TOKENS = 600
CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text, what is asked about it, and the replies that were drawn."""

    example: Example
    ask: Ask = field(repr=False)
    replies: list[str] = field(default_factory=list, repr=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("--source", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--tries", type=int, default=6)
    parser.add_argument("--batch", type=int, default=384)
    options = parser.parse_args()
    plan = Plan(tuple(get_source(name) for name in options.source), (), options.data, get_template("qwen"))
    texts = [prepare(example) for _, example in choose_texts(plan, options.count)]
    sampler = Sampler(str(options.base))
    texts.sort(key=lambda drawn: sampler.count(drawn.ask))
    size = max(1, options.batch // options.tries)
    for begin in range(0, len(texts), size):
        started = time.perf_counter()
        sampler.draw(texts[begin : begin + size], options.tries)
        seconds = time.perf_counter() - started
        print(f"{min(begin + size, len(texts))} of {len(texts)} texts, {seconds:.0f} s", flush=True)
    found = {drawn.example.text: drawn for drawn in texts}
    by = options.base.name

    def write(text: str, language: Language) -> Drafted:
        return choose(found[text], by, language)

    prepared = draft_sources(plan, options.out, count=options.count, by=by, write=write)
    print({name: (counts.rows, counts.kept) for name, counts in prepared.cleaned.items()})


def prepare(example: Example) -> Drawn:
    lm = ScriptedModel(context_tokens=CONTEXT_TOKENS)
    _, ask, _ = prepare_text(example.text, lm, example.language, choose_jurisdiction(example.language))
    return Drawn(example, ask)


def choose(drawn: Drawn, by: str, language: Language) -> Drafted:
    """The best of the replies."""
    return teach(
        drawn.example.text,
        ScriptedModel([*drawn.replies], name=by, context_tokens=CONTEXT_TOKENS),
        language=language,
        jurisdiction=choose_jurisdiction(language),
        stop=Never(),
        tries=len(drawn.replies),
    )


def choose_jurisdiction(language: Language) -> Jurisdiction:
    return "cn" if language == "zh" else "other"


class Sampler:
    """A model that draws replies to many asks at once, each in its own form."""

    def __init__(self, base: str) -> None:
        import llguidance
        import llguidance.hf

        self._device = find_device()
        self._model = load_base(base, Recipe(), self._device).eval()
        self._model.config.use_cache = True
        self._tokenizer = load_tokenizer(base)
        self._tokenizer.padding_side = "left"
        self._vocabulary = self._model.config.vocab_size
        self._words = llguidance.hf.from_tokenizer(self._tokenizer, n_vocab=self._vocabulary)
        self._executor = llguidance.LLExecutor()

    def count(self, ask: Ask) -> int:
        return len(self._tokenizer(self._render(ask))["input_ids"])

    def draw(self, texts: Sequence[Drawn], tries: int) -> None:
        """Add `tries` replies to each."""
        import torch

        given = self._tokenizer(
            [self._render(drawn.ask) for drawn in texts for _ in range(tries)],
            return_tensors="pt",
            padding=True,
            add_special_tokens=False,
        ).to(self._device)
        forms = Forms(self, [drawn.ask for drawn in texts for _ in range(tries)])
        with torch.inference_mode():
            out = self._model.generate(
                **given,
                do_sample=True,
                temperature=TRY_TEMPERATURE,
                top_k=50,
                max_new_tokens=REPLY_TOKENS,
                logits_processor=[forms],
                pad_token_id=self._tokenizer.eos_token_id,
            )
        said = self._tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        for no, reply in enumerate(said):
            texts[no // tries].replies.append(reply)

    def _render(self, ask: Ask) -> str:
        messages = [{"role": each.role, "content": each.content} for each in ask.messages]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def make_matcher(self, ask: Ask) -> Any:
        import llguidance

        form = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps(ask.schema), overrides={"whitespace_flexible": False}
        )
        matcher = llguidance.LLMatcher(self._words, form)
        if matcher.is_error():
            raise RuntimeError(matcher.get_error())
        return matcher

    def fill(self, matchers: Sequence[tuple[Any, int]], mask: Any) -> None:
        import llguidance.torch

        llguidance.torch.fill_next_token_bitmask_par(self._executor, list(matchers), mask)

    @property
    def vocabulary(self) -> int:
        return int(self._vocabulary)


class Forms:
    """Holds each reply of a batch to its form: a logits processor of transformers."""

    def __init__(self, sampler: Sampler, asks: Sequence[Ask]) -> None:
        import llguidance.torch

        self._sampler = sampler
        self._matchers = [sampler.make_matcher(ask) for ask in asks]
        self._mask = llguidance.torch.allocate_token_bitmask(len(asks), sampler.vocabulary)
        self._prompt: int | None = None

    def __call__(self, ids: Any, logits: Any) -> Any:
        import torch

        if self._prompt is None:
            self._prompt = ids.shape[1]
        else:
            for matcher, token in zip(self._matchers, ids[:, -1].tolist(), strict=True):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        going = [(each, no) for no, each in enumerate(self._matchers) if not each.is_stopped()]
        if not going:
            return logits
        self._mask.fill_(-1)
        self._sampler.fill(going, self._mask)
        held = self._mask.to(logits.device, non_blocking=True)
        bits = torch.arange(32, device=logits.device, dtype=torch.int32)
        is_open = ((held[:, :, None] >> bits) & 1).bool().reshape(len(held), -1)[:, : logits.shape[1]]
        return logits.masked_fill(~is_open, float("-inf"))


if __name__ == "__main__":
    main()

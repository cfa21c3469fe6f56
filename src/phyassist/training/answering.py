"""Who answers a closed question: a model that says how likely each answer is, heads beside it, or an engine.

A scorer is anything that gives a score to each label; the label with the highest is the answer, and one
always comes out.  A served model is held to the table's sentences where its server can do that; where it
cannot, what it writes is read by the table, and what the table does not know is unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from phyassist.domain.examples import Example
from phyassist.lm.protocol import Ask, LanguageModel, Reply, Stop
from phyassist.prompts.closed import load_texts
from phyassist.training.labels import LabelTable
from phyassist.training.messages import make_dialogue

EXPLANATION_TOKENS = 200
LABEL_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Said:
    """The label, empty where it is unread; scores by label where there are any; the whole reply."""

    label: str
    scores: Mapping[str, float]
    reply: str = field(repr=False)


class Answerer(Protocol):
    def answer(
        self, name: str, table: LabelTable, rows: Sequence[Example], *, explain: bool
    ) -> Iterator[Said]:
        """What is said to each row of a set; with `explain` the reply goes on with its reasoning."""
        ...


class Scorer(Protocol):
    def score(self, name: str, examples: Sequence[Example], /) -> Iterator[Mapping[str, float]]:
        """For each row of a set a score for each label."""
        ...


class ByLikelihood:
    """The sentence of the table that the model finds likeliest; it then writes on from it."""

    def __init__(self, model: LabelScorer) -> None:
        self._model = model

    def answer(
        self, name: str, table: LabelTable, rows: Sequence[Example], *, explain: bool
    ) -> Iterator[Said]:
        """One Said a row."""
        del name
        for row in rows:
            asked = _ask(row)
            scores = self._model.score(asked, table.answers)
            label = max(scores, key=lambda each: scores[each])
            yield Said(
                label, scores, _write(self._model if explain else None, asked, row, table.answers[label])
            )


class ByScores:
    """The label with the highest score; the explanation is written by `writer`, if there is one."""

    def __init__(self, scorer: Scorer, writer: LabelScorer | None) -> None:
        self._scorer, self._writer = scorer, writer

    def answer(
        self, name: str, table: LabelTable, rows: Sequence[Example], *, explain: bool
    ) -> Iterator[Said]:
        """One Said a row.  Raises BadInput where the scorer does not know the set."""
        writer = self._writer if explain else None
        for row, scores in zip(rows, self._scorer.score(name, rows), strict=True):
            label = max(scores, key=lambda each: scores[each])
            yield Said(label, scores, _write(writer, _ask(row), row, table.answers[label]))


class ByEngine:
    """A served model.  Its replies are read by the table, held to it or not."""

    def __init__(self, lm: LanguageModel, stop: Stop) -> None:
        self._lm, self._stop = lm, stop

    def answer(
        self, name: str, table: LabelTable, rows: Sequence[Example], *, explain: bool
    ) -> Iterator[Said]:
        """One Said a row, until it is stopped.  Raises what `LanguageModel.write` does."""
        del name
        for row in rows:
            ask = Ask(
                make_dialogue(row).asked,
                LABEL_TOKENS + (EXPLANATION_TOKENS if explain else 0),
                choices=_list_beginnings(table, row, explain=explain),
                goes_on=explain,
            )
            reply = next(event for event in self._lm.write(ask, self._stop) if isinstance(event, Reply))
            if self._stop.is_set():
                return
            text = " ".join(reply.text.split())
            yield Said(table.read(text) or "", {}, text)


def _list_beginnings(table: LabelTable, row: Example, *, explain: bool) -> tuple[str, ...]:
    mark = f" {load_texts(row.language)['mark']}" if explain else ""
    return tuple(sentence + mark for sentence in table.answers.values())


def _ask(row: Example) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in make_dialogue(row).asked]


def _write(writer: LabelScorer | None, asked: Sequence[Mapping[str, str]], row: Example, answer: str) -> str:
    if writer is None:
        return answer
    return writer.write_on(asked, f"{answer} {load_texts(row.language)['mark']}", EXPLANATION_TOKENS)


class LabelScorer:
    """A model, with an adapter or without, that says how likely each sentence is after a prompt."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model.eval(), tokenizer
        self._device = next(model.parameters()).device

    def score(self, asked: Sequence[Mapping[str, str]], answers: Mapping[str, str]) -> Mapping[str, float]:
        """For each label the log-probability of its sentence as the beginning of the reply.

        The prompt is read once; the sentences are scored together over what was kept of it.
        """
        import torch

        prompt = self._encode_prompt(asked)
        tails = {label: self._encode_tail(words) for label, words in answers.items()}
        with torch.inference_mode():
            read = self._model(input_ids=prompt, use_cache=True, logits_to_keep=1)
            first = torch.log_softmax(read.logits[0, -1].float(), -1)
            return {
                label: float(first[tail[0]]) + self._rest(tail, read.past_key_values)
                for label, tail in tails.items()
            }

    def write_on(self, asked: Sequence[Mapping[str, str]], begun: str, tokens_max: int) -> str:
        """The reply that begins with these words, greedily written to its end."""
        import torch

        prompt = self._encode_prompt(asked)
        begin = torch.tensor([self._encode_tail(begun)], device=self._device)
        with torch.inference_mode():
            written = self._model.generate(
                input_ids=torch.cat([prompt, begin], dim=1),
                max_new_tokens=tokens_max,
                do_sample=False,
                pad_token_id=self._tokenizer.eos_token_id,
            )
        text = self._tokenizer.decode(written[0, prompt.shape[1] :], skip_special_tokens=True)
        return " ".join(str(text).split())

    def _rest(self, tail: Sequence[int], kept: Any) -> float:
        import torch

        if len(tail) == 1:
            return 0.0
        logits = self._model(
            input_ids=torch.tensor([tail[:-1]], device=self._device), past_key_values=kept, use_cache=True
        ).logits[0]
        # What this sentence added is taken off again, so that the next one begins after the same prompt.
        kept.crop(-(len(tail) - 1))
        chosen = torch.tensor(tail[1:], device=self._device)
        return float(torch.log_softmax(logits.float(), -1).gather(1, chosen[:, None]).sum())

    def _encode_prompt(self, asked: Sequence[Mapping[str, str]]) -> Any:
        import torch

        ids = self._tokenizer.apply_chat_template(
            list(asked), tokenize=True, add_generation_prompt=True, return_dict=False
        )
        return torch.tensor([list(ids)], device=self._device)

    def _encode_tail(self, words: str) -> list[int]:
        return list(self._tokenizer(words, add_special_tokens=False)["input_ids"])

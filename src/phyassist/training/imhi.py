"""IMHI by an adapter: a label for every row of a published set, and how good they are.

The label is the sentence of the set's table that the model finds likeliest after the prompt, so one always
comes out; with `explain` the model writes on from it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Example, Part
from phyassist.errors import UnknownName
from phyassist.training.catalogue import get_source
from phyassist.training.labels import LabelTable, get_table
from phyassist.training.measures import SetScore, score_labels
from phyassist.training.messages import make_dialogue
from phyassist.training.readers import read_source

SETS = {
    "DR": "imhi-dr",
    "dreaddit": "imhi-dreaddit",
    "Irf": "imhi-irf",
    "MultiWD": "imhi-multiwd",
    "SAD": "imhi-sad",
}
EXPLANATION_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """A row with the label it ought to have, the one it was given, and the whole reply."""

    example: Example = field(repr=False)
    label: str
    scores: Mapping[str, float]
    reply: str = field(repr=False)


def load_rows(name: str, data: Path, part: Part) -> tuple[Example, ...]:
    """Every row of a published part, as it was published.  Raises UnknownName, UnreadableFile."""
    if name not in SETS:
        raise UnknownName(f"no IMHI set {name}", hint=f"there are {', '.join(SETS)}")
    rows = read_source(get_source(SETS[name]), data)
    return tuple(row.example for row in rows if row.part == part and row.example is not None)


def answer_set(
    scorer: LabelScorer,
    table: LabelTable,
    rows: Sequence[Example],
    *,
    explain: bool,
    progress: Callable[[int, int], None],
) -> Iterator[Answered]:
    """Each row's label, and with `explain` its reasoning."""
    for no, example in enumerate(rows, start=1):
        asked = [
            {"role": message.role, "content": message.content} for message in make_dialogue(example).asked
        ]
        scores = scorer.score(asked, table.answers)
        label = max(scores, key=lambda each: scores[each])
        reply = table.answers[label]
        if explain:
            reply = scorer.write_on(asked, f"{reply} Reasoning:", EXPLANATION_TOKENS)
        progress(no, len(rows))
        yield Answered(example, label, scores, reply)


def get_set_table(name: str) -> LabelTable:
    return get_table(get_source(SETS[name]).task)


def score_set(name: str, answered: Sequence[Answered]) -> SetScore:
    """Weighted and macro F1 and accuracy, with 95 % intervals by post."""
    return score_labels(
        name,
        gold=[each.example.label for each in answered],
        said=[each.label for each in answered],
        posts=[each.example.key for each in answered],
        labels=get_set_table(name).labels,
    )


def write_replies(path: Path, answered: Sequence[Answered]) -> None:
    """MentaLLaMA's layout: a CSV with `goldens` and `generated_text`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["goldens", "generated_text"])
        for each in answered:
            golden = " Reasoning: ".join([each.example.answer, *each.example.analysis[:1]])
            writer.writerow([golden, each.reply])


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

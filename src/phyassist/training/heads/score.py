"""Labels by heads: for every row of a published set what the heads of its question say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phyassist.domain.examples import Example
from phyassist.errors import BadInput
from phyassist.training.heads.model import Headed, pad


class HeadScorer:
    """Trained heads that say how likely each label of a question is; those of one set give their mean."""

    def __init__(self, *headed: Headed) -> None:
        self._headed = headed

    def score(self, name: str, examples: Sequence[Example]) -> Iterator[Mapping[str, float]]:
        """For each example of a set the log-probability of each label; a post is read once for its questions.

        Raises BadInput where these heads were not trained for the set.
        """
        chosen = [each for each in self._headed if any(ask.set == name for ask in each.asks)]
        if not chosen:
            raise BadInput(f"these heads know no {name}", hint="train heads for it, or name other sets")
        texts = tuple(dict.fromkeys(example.text for example in examples))
        readings = [_Reading(each, name, texts) for each in chosen]
        for example in examples:
            said = [reading.read(example) for reading in readings]
            yield {label: sum(each[label] for each in said) / len(said) for label in said[0]}


class _Reading:
    """One `Headed` at the posts of a set, each read once however many questions follow."""

    def __init__(self, headed: Headed, name: str, texts: Sequence[str]) -> None:
        headed.peft.eval()
        headed.heads.eval()
        self._headed, self._name = headed, name
        self._spoken = _find_spoken(headed, name, texts)
        self._text: str | None = None
        self._row: Any = None

    def read(self, example: Example) -> Mapping[str, float]:
        import torch

        if example.text != self._text:
            self._text, self._row = example.text, self._read_post(example.text)
        at = 0
        for ask in self._headed.asks:
            if (ask.set, ask.question) == (self._name, example.question):
                said = torch.log_softmax(self._row[at : at + len(ask.labels)], -1)
                return dict(zip(ask.labels, said.tolist(), strict=True))
            at += len(ask.labels)
        raise BadInput(
            f"these heads know no such question of {self._name}", hint="train them on the sets as they are"
        )

    def _read_post(self, text: str) -> Any:
        import torch

        headed, batch = self._headed, pad([self._headed.reader.read(text)])
        with torch.inference_mode():
            row = headed.read_above(headed.read_below(batch), batch.mask)[0].cpu()
        return row + torch.from_numpy(self._spoken[text]) if text in self._spoken else row


def _find_spoken(headed: Headed, name: str, texts: Sequence[str]) -> Mapping[str, Any]:
    """What the words of each text add to its logits; nothing where there are none beside these heads."""
    words = headed.words
    if words is None or not texts:
        return {}
    said = words.shares.get(name, 0.0) * words.score(texts, headed.asks)
    return dict(zip(texts, said, strict=True))

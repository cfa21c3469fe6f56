"""Labels by heads: for every row of a published set what the heads of its question say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phyassist.domain.examples import Example
from phyassist.errors import BadInput
from phyassist.training.heads.model import Headed, pad


class HeadScorer:
    """Trained heads that say how likely each label of a question is."""

    def __init__(self, *headed: Headed) -> None:
        self._headed = headed

    def score(self, name: str, examples: Sequence[Example]) -> Iterator[Mapping[str, float]]:
        """For each example of a set the log-probability of each label; a post is read once for its questions.

        Raises BadInput where these heads were not trained for the set.
        """
        import torch

        headed = next((each for each in self._headed if any(ask.set == name for ask in each.asks)), None)
        if headed is None:
            raise BadInput(f"these heads know no {name}", hint="train heads for it, or name other sets")
        headed.peft.eval()
        headed.heads.eval()
        texts = tuple(dict.fromkeys(example.text for example in examples))
        spoken = _find_spoken(headed, name, texts)
        text: str | None = None
        row: Any = None
        for example in examples:
            if example.text != text:
                text, batch = example.text, pad([headed.reader.read(example.text)])
                with torch.inference_mode():
                    row = headed.read_above(headed.read_below(batch), batch.mask)[0].cpu()
                if text in spoken:
                    row = row + torch.from_numpy(spoken[text])
            at = 0
            for ask in headed.asks:
                if (ask.set, ask.question) == (name, example.question):
                    said = torch.log_softmax(row[at : at + len(ask.labels)], -1)
                    yield dict(zip(ask.labels, said.tolist(), strict=True))
                    break
                at += len(ask.labels)


def _find_spoken(headed: Headed, name: str, texts: Sequence[str]) -> Mapping[str, Any]:
    """What the words of each text add to its logits; nothing where there are none beside these heads."""
    words = headed.words
    if words is None or not texts:
        return {}
    said = words.shares.get(name, 0.0) * words.score(texts, headed.asks)
    return dict(zip(texts, said, strict=True))

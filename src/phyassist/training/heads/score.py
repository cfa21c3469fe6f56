"""Labels by heads: for every row of a published set what the heads of its question say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from phyassist.domain.examples import Example
from phyassist.errors import BadInput
from phyassist.training.heads.model import Headed, pad
from phyassist.training.heads.train import group_lengths

_POSTS_AT_ONCE = 256


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
        unread, rows = iter(texts), dict[str, Any]()
        for example in examples:
            if example.text not in rows:
                rows |= _read_posts(headed, tuple(islice(unread, _POSTS_AT_ONCE)))
            row = rows[example.text]
            if example.text in spoken:
                row = row + torch.from_numpy(spoken[example.text])
            at = 0
            for ask in headed.asks:
                if (ask.set, ask.question) == (name, example.question):
                    said = torch.log_softmax(row[at : at + len(ask.labels)], -1)
                    yield dict(zip(ask.labels, said.tolist(), strict=True))
                    break
                at += len(ask.labels)


def _read_posts(headed: Headed, texts: Sequence[str]) -> dict[str, Any]:
    """The logits (labels,) of each text.  Those of a length are read together: weights go by once for all."""
    import torch

    read = sorted(((headed.reader.read(text), text) for text in texts), key=lambda pair: len(pair[0]))
    rows: dict[str, Any] = {}
    with torch.inference_mode():
        for group in group_lengths([len(ids) for ids, _ in read], headed.recipe.step_tokens, len(read)):
            batch = pad([read[no][0] for no in group])
            logits = headed.read_above(headed.read_below(batch), batch.mask).cpu()
            rows |= {read[no][1]: row for no, row in zip(group, logits, strict=True)}
    return rows


def _find_spoken(headed: Headed, name: str, texts: Sequence[str]) -> Mapping[str, Any]:
    """What the words of each text add to its logits; nothing where there are none beside these heads."""
    words = headed.words
    if words is None or not texts:
        return {}
    said = words.shares.get(name, 0.0) * words.score(texts, headed.asks)
    return dict(zip(texts, said, strict=True))

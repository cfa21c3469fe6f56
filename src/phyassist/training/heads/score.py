"""Labels by heads: for every row of a published set what the heads of its question say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from phyassist.domain.examples import Example
from phyassist.errors import BadInput
from phyassist.training.heads.model import Headed
from phyassist.training.heads.posts import Ask
from phyassist.training.heads.train import group_lengths

_POSTS_AT_ONCE = 256

# The log-probability of each label of each question about a post.
Said = Mapping[Ask, Any]


class HeadScorer:
    """Trained heads that say how likely each label of a question is; of several that know one, the mean."""

    def __init__(self, *headed: Headed) -> None:
        self._headed = headed

    def score(self, name: str, examples: Sequence[Example]) -> Iterator[Mapping[str, float]]:
        """For each example of a set the log-probability of each label; a post is read once for its questions.

        Raises BadInput where these heads were not trained for the set.
        """
        known = [each for each in self._headed if any(ask.set == name for ask in each.asks)]
        if not known:
            raise BadInput(f"these heads know no {name}", hint="train heads for it, or name other sets")
        unread = iter(dict.fromkeys(example.text for example in examples))
        read: list[dict[str, Said]] = [{} for _ in known]
        for example in examples:
            if example.text not in read[0]:
                texts = tuple(islice(unread, _POSTS_AT_ONCE))
                for held, headed in zip(read, known, strict=True):
                    held.update(read_posts(headed, texts))
            said = [held[example.text] for held in read]
            for ask in said[0]:
                if (ask.set, ask.question) == (name, example.question):
                    mean = np.mean([each[ask] for each in said], axis=0)
                    yield dict(zip(ask.labels, mean.tolist(), strict=True))
                    break


def read_posts(headed: Headed, texts: Sequence[str]) -> dict[str, Said]:
    """What heads, and words where they have some, say of each text."""
    rows = find_logits(headed, texts)
    if headed.words is not None and headed.calibration is not None:
        rows = headed.calibration.read(rows, headed.words.score(texts, headed.asks), headed.asks)
    found: dict[str, Said] = {}
    for text, row in zip(texts, rows, strict=True):
        said, at = dict[Ask, Any](), 0
        for ask in headed.asks:
            of_ask = row[at : at + len(ask.labels)]
            said[ask] = of_ask - np.logaddexp.reduce(of_ask)
            at += len(ask.labels)
        found[text] = said
    return found


def find_logits(headed: Headed, texts: Sequence[str]) -> Any:
    """The heads' logits (texts, labels).  Those of a length are read together: weights go by once for all."""
    import torch

    headed.peft.eval()
    headed.heads.eval()
    read = sorted(
        ((headed.reader.read(text), no) for no, text in enumerate(texts)), key=lambda pair: len(pair[0])
    )
    rows = np.zeros((len(texts), sum(len(ask.labels) for ask in headed.asks)), np.float32)
    with torch.inference_mode():
        for group in group_lengths([len(ids) for ids, _ in read], headed.recipe.step_tokens, len(read)):
            batch = headed.reader.pad([read[no][0] for no in group])
            logits, _ = headed.read_above(headed.read_below(batch), batch.mask)
            rows[[read[no][1] for no in group]] = logits.cpu().numpy()
    return rows

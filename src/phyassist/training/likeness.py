"""How like the kept replies a model's own replies are, at every evaluation of a run.

By BERTScore (Zhang et al. 2020) where bert-score and its model are at hand.  Else by `state_f1`, a stand-in
of our own: the same greedy matching over the last hidden states of the base model itself, its adapter off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import guess_language

if TYPE_CHECKING:
    from phyassist.training.encode import Encoded

BERT: Mapping[Language, str] = {"en": "roberta-large", "zh": "bert-base-multilingual-cased"}


@dataclass(frozen=True, slots=True)
class Likeness:
    """The mean F1 (0 to 1) over the replies that were written, and the measure's name."""

    measure: str
    f1: float


class ReplyJudge:
    """Lets the model answer some validation prompts and compares with what was kept."""

    def __init__(self, tokenizer: Any, examples: Sequence[Encoded], bert: str = "") -> None:
        self._tokenizer, self._examples = tokenizer, examples
        self._kept = [example.ids[example.reply_at :] for example in examples]
        language = guess_language(" ".join(self._spell(ids) for ids in self._kept))
        self._bert = _open_bert(bert or BERT[language])

    def judge(self, model: Any) -> Likeness:
        """Replies are greedy and as long as the kept ones at most."""
        pairs = list(zip((self._write(model, each) for each in self._examples), self._kept, strict=True))
        if self._bert is not None:
            texts = [(self._spell(written), self._spell(kept)) for written, kept in pairs]
            return Likeness("bertscore_f1", find_bert_f1(self._bert, texts))
        scores = [find_state_f1(model, *pair) for pair in pairs]
        return Likeness("state_f1", sum(scores) / len(scores))

    def _spell(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def _write(self, model: Any, example: Encoded) -> tuple[int, ...]:
        import torch

        prompt = torch.tensor([example.ids[: example.reply_at]], device=model.device)
        with torch.no_grad():
            written = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=example.reply_tokens,
                do_sample=False,
                use_cache=True,
                pad_token_id=self._tokenizer.eos_token_id,
            )
        return tuple(written[0, prompt.shape[1] :].tolist())


def find_bert_f1(scorer: Any, pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 by bert-score of what was written and what was kept."""
    # The library cannot encode an empty text; what says nothing shares nothing.
    said = [pair for pair in pairs if all(text.strip() for text in pair)]
    return float(scorer.score(*zip(*said, strict=True))[2].sum()) / len(pairs) if said else 0.0


def find_state_f1(model: Any, said: Sequence[int], wanted: Sequence[int]) -> float:
    """F1 of two token sequences: each token is matched with the likest one of the other, by cosine."""
    import torch

    if not said or not wanted:
        return 0.0

    def read(ids: Sequence[int]) -> Any:
        with torch.no_grad(), model.disable_adapter():
            tokens = torch.tensor([list(ids)], device=model.device)
            states = model(input_ids=tokens, output_hidden_states=True, use_cache=False).hidden_states[-1][0]
        return torch.nn.functional.normalize(states.float(), dim=-1)

    alike = read(said) @ read(wanted).T
    precision, recall = float(alike.max(1).values.mean()), float(alike.max(0).values.mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _open_bert(name: str) -> Any:
    """None where the library or its model is not to be had."""
    try:
        from bert_score import BERTScorer

        return BERTScorer(model_type=name, use_fast_tokenizer=True)
    except (ImportError, OSError, KeyError, ValueError):
        return None

"""How like the kept replies a model's own replies are, at every evaluation of a run.

By BERTScore (Zhang et al. 2020) where bert-score and its model are at hand.  Else by `state_f1`, a stand-in
of our own: the same greedy matching over the last hidden states of the base model itself, its adapter off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phyassist.training.encode import Encoded

BERT = "roberta-large"


@dataclass(frozen=True, slots=True)
class Likeness:
    """The mean F1 (0 to 1) over the replies that were written, and the measure's name."""

    measure: str
    f1: float


class ReplyJudge:
    """Lets the model answer some validation prompts and compares with what was kept."""

    def __init__(self, tokenizer: Any, examples: Sequence[Encoded], bert: str = BERT) -> None:
        self._tokenizer, self._examples = tokenizer, examples
        self._bert = _open_bert(bert)

    def judge(self, model: Any) -> Likeness:
        """Replies are greedy and as long as the kept ones at most."""
        kept = [example.ids[example.reply_at :] for example in self._examples]
        written = [self._write(model, example) for example in self._examples]
        if self._bert is not None:
            said, wanted = (
                [self._tokenizer.decode(list(ids), skip_special_tokens=True) or " " for ids in part]
                for part in (written, kept)
            )
            return Likeness("bertscore_f1", float(self._bert.score(said, wanted)[2].mean()))
        scores = [find_state_f1(model, *pair) for pair in zip(written, kept, strict=True)]
        return Likeness("state_f1", sum(scores) / len(scores))

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

        return BERTScorer(model_type=name)
    except (ImportError, OSError, KeyError, ValueError):
        return None

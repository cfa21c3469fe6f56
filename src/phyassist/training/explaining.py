"""How good the explanations of a run are, by the measures of the field, each from its own library.

A measure whose model cannot be loaded is absent and says why; nothing stands in under its name.  `lmscore` is
our own: the mathematics of BARTScore (Yuan et al., NeurIPS 2021) with a causal model, which it names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from phyassist.errors import BadInput, ModelMissing
from phyassist.training.comparing import RunScores, find_p
from phyassist.training.evaluate import LABELS, REPLIES
from phyassist.training.imhi import load_judged
from phyassist.training.measures import Interval, draw_posts, find_middle
from phyassist.training.mentallama_reader import read_replies

MARK = "Reasoning:"
BART, BERT = "facebook/bart-large-cnn", "roberta-large"
BART_TOKENS = 1024
SAVED = "explanations.json"


@dataclass(frozen=True, slots=True)
class Explained:
    """A row: the post, the reasoning of the reference, and what the model gave as its own."""

    post: str
    reference: str = field(repr=False)
    given: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one set.  A row each in `values`, but for BLEU, which is of all rows together."""

    name: str
    model: str
    value: float | None
    why_absent: str = ""
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplanationScore:
    """A measure of one set with its interval by post, and against another run what was gained."""

    set: str
    measure: str
    model: str
    rows: int
    empty: int
    value: float | None
    interval: Interval | None
    against: float | None = None
    gained: float | None = None
    p_bootstrap: float | None = None
    why_absent: str = ""


@dataclass(frozen=True, slots=True)
class Judges:
    """The models behind the measures; `stand_in` is empty where there is to be none."""

    bart: str = BART
    bert: str = BERT
    bert_layers: int | None = None
    stand_in: str = ""


def load_explained(run: RunScores, name: str) -> tuple[Explained, ...]:
    """The rows of a set.  Raises BadInput where the run was not asked to explain."""
    if not run.said.get("explain"):
        raise BadInput(f"{run.name} holds no explanations", hint="run evaluate imhi with --explain")
    judged = load_judged(run.folder / LABELS / f"{name}.jsonl")
    pairs = read_replies(run.folder / REPLIES / f"{name}.csv")
    if len(pairs) != len(judged):
        raise BadInput(
            f"{REPLIES}/{name}.csv in {run.folder} holds {len(pairs)} replies to {len(judged)} rows",
            hint="run the evaluation again",
        )
    rows = tuple(
        Explained(row.post, golden.partition(MARK)[2].strip(), reply.partition(MARK)[2].strip())
        for row, (golden, reply) in zip(judged, pairs, strict=True)
        if golden.partition(MARK)[2].strip()
    )
    if not rows:
        raise BadInput(f"no reference of {name} explains anything", hint="leave the set out")
    return rows


def score_explanations(
    run: RunScores, against: RunScores | None, judges: Judges
) -> Iterator[ExplanationScore]:
    """Every measure of every set of the run, as it is found.

    Raises BadInput where a run explains nothing, or the other answered other rows.
    """
    scorers: list[_Scorer] = [_Overlap(), _Bleu(), _Bert(judges), _Bart(judges.bart)]
    if judges.stand_in:
        scorers.append(_Causal(judges.stand_in))
    names = [score.name for score in run.scores]
    rows = {name: load_explained(run, name) for name in names}
    others = {name: load_explained(against, name) for name in names} if against else {}
    for name, other in others.items():
        if [(row.post, row.reference) for row in other] != [(row.post, row.reference) for row in rows[name]]:
            raise BadInput(
                f"the runs explained other rows of {name}", hint="evaluate both with the same --limit"
            )
    for scorer in scorers:
        for name in names:
            theirs = scorer.score(others[name]) if others else ()
            for no, measured in enumerate(scorer.score(rows[name])):
                yield _sum_up(name, rows[name], measured, theirs[no] if theirs else None)


def save_explanations(run: RunScores, against: RunScores | None, scores: Sequence[ExplanationScore]) -> Path:
    """`explanations.json` in the run's folder."""
    path = run.folder / SAVED
    said = {
        "run": _describe(run),
        "against": _describe(against) if against else None,
        "scores": [asdict(score) for score in scores],
    }
    path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    return path


def _describe(run: RunScores) -> dict[str, Any]:
    return {"name": run.name, **{key: value for key, value in run.said.items() if key != "sets"}}


def _sum_up(
    name: str, rows: Sequence[Explained], mine: Measured, theirs: Measured | None
) -> ExplanationScore:
    found = ExplanationScore(
        set=name,
        measure=mine.name,
        model=mine.model,
        rows=len(rows),
        empty=sum(not row.given for row in rows),
        value=mine.value,
        interval=find_middle(_draw_means(rows, mine.values)) if mine.values else None,
        why_absent=mine.why_absent,
    )
    if theirs is None or theirs.value is None or mine.value is None:
        return found
    p = None
    if mine.values:
        p = find_p(_draw_means(rows, [a - b for a, b in zip(mine.values, theirs.values, strict=True)]))
    return replace(found, against=theirs.value, gained=mine.value - theirs.value, p_bootstrap=p)


def _draw_means(rows: Sequence[Explained], values: Sequence[float]) -> Any:
    """The mean of the values in many draws of posts."""
    import numpy as np

    order = {post: no for no, post in enumerate(dict.fromkeys(row.post for row in rows))}
    sums, counts = np.zeros(len(order)), np.zeros(len(order))
    for row, value in zip(rows, values, strict=True):
        sums[order[row.post]] += value
        counts[order[row.post]] += 1
    draws = draw_posts(len(order), 0)
    return (draws @ sums) / (draws @ counts)


def _mean(name: str, model: str, values: Sequence[float]) -> Measured:
    return Measured(name, model, sum(values) / max(1, len(values)), "", tuple(values))


class _Scorer(Protocol):
    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]: ...


class _Overlap:
    """ROUGE-1, -2 and -L (F1, 0 to 1), from rouge-score."""

    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]:
        from rouge_score.rouge_scorer import RougeScorer

        names = ("rouge1", "rouge2", "rougeL")
        scorer = RougeScorer(list(names))
        found = [scorer.score(row.reference, row.given) for row in rows]
        return tuple(_mean(name, "", [each[name].fmeasure for each in found]) for name in names)


class _Bleu:
    """BLEU of all rows together (0 to 100), from sacrebleu."""

    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]:
        from sacrebleu import corpus_bleu

        found = corpus_bleu([row.given for row in rows], [[row.reference for row in rows]])
        return (Measured("bleu", "", float(found.score)),)


class _Bert:
    """BERTScore F1 (0 to 1), from bert-score."""

    def __init__(self, judges: Judges) -> None:
        self._model, self._layers = judges.bert, judges.bert_layers
        self._scorer: Any = None

    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]:
        from bert_score import BERTScorer

        said = [(row.given, row.reference) for row in rows if row.given]
        try:
            if self._scorer is None:
                self._scorer = BERTScorer(
                    model_type=self._model, num_layers=self._layers, batch_size=16, use_fast_tokenizer=True
                )
            f1 = iter(self._scorer.score(*zip(*said, strict=True))[2].tolist() if said else ())
        except KeyError:
            why = f"bert-score does not know which layer of {self._model} to compare: name it"
            return (Measured("bertscore_f1", self._model, None, why),)
        except (OSError, ValueError) as error:
            return (_absent("bertscore_f1", self._model, error),)
        # The library cannot encode an empty text; what says nothing shares nothing.
        return (_mean("bertscore_f1", self._model, [next(f1) if row.given else 0.0 for row in rows]),)


class _Bart:
    """BARTScore: how likely the reference is after the explanation, in log-probability a token.

    That is the direction in which MentaLLaMA measured, without the weights of its own that it loaded on top.
    """

    def __init__(self, model: str) -> None:
        self._name = model
        self._loaded: tuple[Any, Any] | None = None

    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]:
        try:
            self._loaded = self._loaded or self._load()
        except (OSError, ValueError) as error:
            return (_absent("bartscore", self._name, error),)
        return (_mean("bartscore", self._name, [self._measure(row) for row in rows]),)

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._name)
        return AutoModelForSeq2SeqLM.from_pretrained(self._name).eval(), tokenizer

    def _measure(self, row: Explained) -> float:
        import torch

        assert self._loaded is not None  # noqa: S101  # loaded before the first row
        model, tokenizer = self._loaded

        def encode(text: str) -> Any:
            cut = min(BART_TOKENS, model.config.max_position_embeddings)
            return tokenizer(text, return_tensors="pt", truncation=True, max_length=cut)["input_ids"]

        with torch.inference_mode():
            return -float(model(input_ids=encode(row.given), labels=encode(row.reference)).loss)


class _Causal:
    """The same with a causal model: how likely the reference is as what follows the explanation."""

    def __init__(self, base: str) -> None:
        self._base, self._name = base, Path(base).name
        self._loaded: tuple[Any, Any] | None = None

    def score(self, rows: Sequence[Explained]) -> tuple[Measured, ...]:
        from phyassist.training.adapters import load_adapted
        from phyassist.training.base import load_tokenizer

        try:
            self._loaded = self._loaded or (load_adapted(self._base, None), load_tokenizer(self._base))
        except ModelMissing as error:
            return (_absent("lmscore", self._name, error),)
        return (_mean("lmscore", self._name, [self._measure(row) for row in rows]),)

    def _measure(self, row: Explained) -> float:
        import torch

        assert self._loaded is not None  # noqa: S101  # loaded before the first row
        model, tokenizer = self._loaded

        def encode(text: str) -> list[int]:
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])

        before = encode(f"{row.given}\n\n")
        ids = torch.tensor([before + encode(row.reference)], device=model.device)
        labels = ids.clone()
        labels[0, : len(before)] = -100
        with torch.inference_mode():
            return -float(model(input_ids=ids, labels=labels).loss)


def _absent(name: str, model: str, error: Exception) -> Measured:
    return Measured(name, model, None, f"{model} cannot be loaded here ({type(error).__name__})")

"""Explanations scored by the field's libraries with tiny models; what cannot be loaded is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("bert_score", reason="bert-score is not installed: pip install 'phyassist[evaluate]'")
pytest.importorskip("rouge_score", reason="rouge-score is not installed: pip install 'phyassist[evaluate]'")
pytest.importorskip("sacrebleu", reason="sacrebleu is not installed: pip install 'phyassist[evaluate]'")

from phyassist.errors import BadInput
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.training.answering import ByEngine
from phyassist.training.comparing import RunScores, load_run
from phyassist.training.evaluate import Evaluation, run_evaluation
from phyassist.training.explaining import Judges, save_explanations, score_explanations
from phyassist.training.likeness import find_bert_f1
from tests.training.test_prepare import NO, YES, ask, write_csv
from tests.training.tiny import save_base

REASONS = (
    "The boss shouts all day.",
    "Sleep is short at night.",
    "A calm walk by the river.",
    "All is well now.",
)
MEASURES = ["rouge1", "rouge2", "rougeL", "bleu", "bertscore_f1", "bartscore", "lmscore"]


def make_run(folder: Path, name: str, explanations: list[str], *, explain: bool = True) -> RunScores:
    for part in ("train", "val", "test"):
        rows = [(ask(f"Post {no}."), f"{YES} Reasoning: {reason}") for no, reason in enumerate(REASONS)]
        write_csv(folder / f"imhi/{part}/dreaddit.csv", ("query", "gpt-3.5-turbo"), rows)
    replies = [f"{NO} Reasoning: {each}" if each else NO for each in explanations]
    asked = Evaluation({"base": name}, ("dreaddit",), "test", folder, folder / name, explain)
    run_evaluation(asked, ByEngine(ScriptedModel(replies), Never()), lambda *_: None)
    return load_run(folder / name)


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Judges:
    """A tiny BERT, a tiny BART and a tiny causal model, with random weights and one tokenizer of words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        BertConfig,
        BertModel,
        PreTrainedTokenizerFast,
    )

    folder = tmp_path_factory.mktemp("judges")
    marks = ["<pad>", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]"]
    words = sorted({word for reason in REASONS for word in reason.replace(".", " .").split()})
    vocabulary = {word: no for no, word in enumerate([*marks, *words])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, cls_token="<s>", sep_token="</s>", model_max_length=64, **names
    )
    torch.manual_seed(3)
    bert = BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
        )
    )
    sizes = dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    widths = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64}
    marked = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    bart = BartForConditionalGeneration(
        BartConfig(vocab_size=len(vocabulary), **sizes, **heads, **widths, **marked)
    )
    for name, model in (("bert", bert), ("bart", bart)):
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    base = save_base(folder / "tiny")
    return Judges(str(folder / "bart"), str(folder / "bert"), 2, str(base))


def test_every_library_measures_and_the_better_run_gains(judges: Judges, tmp_path: Path) -> None:
    same = make_run(tmp_path, "same", list(REASONS))
    other = make_run(tmp_path, "other", [REASONS[1], "", REASONS[3], REASONS[0]])

    scores = list(score_explanations(same, other, judges))

    by_name = {score.measure: score for score in scores}
    assert list(by_name) == MEASURES
    assert [round(by_name[name].value or 0, 4) for name in MEASURES[:5]] == [1, 1, 1, 100, 1]
    assert all((by_name[name].gained or 0) > 0 for name in MEASURES[:5])
    assert all((by_name[name].value or 0) < 0 for name in ("bartscore", "lmscore"))
    assert by_name["lmscore"].model == "tiny"
    assert (by_name["rouge1"].rows, by_name["rouge1"].empty) == (4, 0)
    assert by_name["rougeL"].interval == (1, 1)
    saved = json.loads(save_explanations(same, other, scores).read_text())
    assert [score["measure"] for score in saved["scores"]] == MEASURES


def test_a_reply_that_says_nothing_is_like_nothing_and_the_others_are_measured(judges: Judges) -> None:
    from bert_score import BERTScorer

    scorer = BERTScorer(judges.bert, num_layers=judges.bert_layers, use_fast_tokenizer=True)

    assert find_bert_f1(scorer, [(REASONS[0], REASONS[0])]) == pytest.approx(1)
    assert find_bert_f1(scorer, [(REASONS[0], REASONS[0]), ("", REASONS[1]), (" \n", REASONS[2])]) == (
        pytest.approx(1 / 3)
    )
    assert find_bert_f1(scorer, [("", REASONS[1])]) == 0


def test_a_measure_whose_model_is_not_here_is_absent_and_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, "some", ["", *REASONS[1:]])
    nowhere = str(tmp_path / "nowhere")

    scores = list(score_explanations(run, None, Judges(nowhere, nowhere, 2, "")))

    absent = {score.measure: score for score in scores if score.value is None}
    assert set(absent) == {"bertscore_f1", "bartscore"}
    assert all("cannot be loaded here" in score.why_absent for score in absent.values())
    assert {score.empty for score in scores} == {1}


def test_a_run_without_explanations_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, "mute", [""] * 4, explain=False)

    with pytest.raises(BadInput, match="mute holds no explanations"):
        list(score_explanations(run, None, Judges()))

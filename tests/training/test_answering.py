"""Who answers IMHI's questions: a key scores a hundred, silence nothing, an adapter only on its own base."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'phyassist[train]'")

from phyassist.domain.examples import Example
from phyassist.errors import BadInput, UnknownName
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.training.answering import Answerer, ByEngine, ByScores
from phyassist.training.evaluate import Evaluation, run_evaluation
from phyassist.training.imhi import get_set_table, load_judged
from phyassist.training.measures import SetScore
from tests.training.test_prepare import NO, YES, ask, write_csv

ROWS = 8
BY = {"base": "scripted", "adapter": None}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """dreaddit in six parts of made-up posts, and SAD with a row of each label."""
    head = ("query", "gpt-3.5-turbo")
    for part in ("train", "val", "test"):
        rows = [
            (ask(f"Post {no} of {part}."), f"{(YES, NO)[no % 2]} Reasoning: so {no}.") for no in range(ROWS)
        ]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", head, rows)
        table = get_set_table("SAD")
        posts = [
            (f'Consider this post: "Post {no}." Question: {table.questions[0]}', f"{answer} Reasoning: so.")
            for no, answer in enumerate(table.answers.values())
        ]
        write_csv(tmp_path / f"imhi/{part}/SAD.csv", head, posts)
    return tmp_path


def evaluate(
    data: Path, answerer: Answerer, *sets: str, explain: bool = False, out: str = "out"
) -> tuple[SetScore, ...]:
    asked = Evaluation(BY, sets, "test", data, data / out, explain)
    return run_evaluation(asked, answerer, lambda *_: None)


def read_key(data: Path, name: str) -> list[str]:
    with (data / f"imhi/test/{name}.csv").open(newline="") as file:
        return [row["gpt-3.5-turbo"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", ["dreaddit", "SAD"])
def test_the_key_written_back_scores_a_hundred_and_silence_is_unread(data: Path, name: str) -> None:
    key = read_key(data, name)

    (right,) = evaluate(data, ByEngine(ScriptedModel(key), Never()), name, explain=True)
    (silent,) = evaluate(data, ByEngine(ScriptedModel([""] * len(key)), Never()), name, out="silent")

    assert (right.weighted_f1, right.macro_f1, right.accuracy, right.unread) == (100, 100, 100, 0)
    assert (silent.weighted_f1, silent.accuracy, silent.unread) == (0, 0, len(key))


def test_a_server_is_asked_for_one_of_the_table_s_sentences(data: Path) -> None:
    lm = ScriptedModel([YES] * 2 * ROWS)

    evaluate(data, ByEngine(lm, Never()), "dreaddit")
    evaluate(data, ByEngine(lm, Never()), "dreaddit", explain=True, out="explained")

    assert lm.asks[0].choices == (YES, NO)
    assert lm.asks[-1].choices == (f"{YES} Reasoning:", f"{NO} Reasoning:")
    assert [lm.asks[0].goes_on, lm.asks[-1].goes_on] == [False, True]


def test_free_replies_are_read_whole_and_kept_in_two_files(data: Path) -> None:
    def reply(asked: Ask) -> str:
        return "I know nothing." if "Post 1 " in asked.messages[-1].content else f"{NO} Reasoning: calm."

    (score,) = evaluate(data, ByEngine(ScriptedModel([reply] * ROWS), Never()), "dreaddit", explain=True)

    rows = load_judged(data / "out/labels/dreaddit.jsonl")
    said = json.loads((data / "out/scores.json").read_text())["sets"]["dreaddit"]
    assert [row.said for row in rows[:3]] == ["no", "", "no"]
    assert score.unread == 1
    # MentaLLaMA's reader finds a "no" in "know" and counts nothing as unread.
    assert said["mentallama_reader"]["unread"] == 0
    assert said["mentallama_reader"]["accuracy"] > said["accuracy"]
    with (data / "out/replies/dreaddit.csv").open(newline="") as file:
        assert next(csv.DictReader(file)) == {
            "goldens": f"{YES} Reasoning: so 0.",
            "generated_text": f"{NO} Reasoning: calm.",
        }


def test_any_scores_by_label_make_an_answerer(data: Path) -> None:
    class Lengths:
        """Says yes to every second row."""

        def score(self, name: str, examples: Sequence[Example], /) -> Iterator[Mapping[str, float]]:
            for no, _ in enumerate(examples):
                yield {"yes": float(no % 2 == 0), "no": 0.5}

    (score,) = evaluate(data, ByScores(Lengths(), None), "dreaddit")

    assert (score.accuracy, score.unread) == (100, 0)


def test_what_is_asked_must_be_there(data: Path) -> None:
    answerer = ByEngine(ScriptedModel(), Never())
    (data / "imhi/test/SAD.csv").write_text("query,gpt-3.5-turbo\n", encoding="utf-8")

    with pytest.raises(BadInput, match="no set is named"):
        evaluate(data, answerer)
    with pytest.raises(UnknownName, match="no IMHI set XY"):
        evaluate(data, answerer, "XY")
    with pytest.raises(BadInput, match="there is no row in the test part of SAD"):
        evaluate(data, answerer, "SAD")
    write_csv(data / "imhi/test/SAD.csv", ("query", "gpt-3.5-turbo"), [("a", "b")])
    with pytest.raises(BadInput, match="1 of 1 rows cannot be read"):
        evaluate(data, answerer, "SAD")


def test_an_adapter_for_another_base_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from peft import LoraConfig, get_peft_model

    from phyassist.training.adapters import load_adapted
    from tests.training.tiny import make_model, save_base

    def train(kind: str, *targets: str) -> Any:
        config = LoraConfig(r=2, target_modules=list(targets), task_type="CAUSAL_LM")
        model = get_peft_model(make_model(kind), config)
        model.save_pretrained(tmp_path / kind)
        return model

    base = save_base(tmp_path / "base")
    train("qwen2", "q_proj")
    train("mixtral", "gate")
    (tmp_path / "wide").mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / "wide" / name).write_bytes((tmp_path / "qwen2" / name).read_bytes())
    from safetensors.torch import load_file, save_file

    held = load_file(tmp_path / "qwen2/adapter_model.safetensors")
    wider = {key: torch.zeros(2, 64) if "lora_A" in key else value for key, value in held.items()}
    save_file(wider, tmp_path / "wide/adapter_model.safetensors")

    assert load_adapted(str(base), tmp_path / "qwen2") is not None
    for name in ("mixtral", "wide"):
        with pytest.raises(BadInput, match=f"the adapter {name} does not fit this base model"):
            load_adapted(str(base), tmp_path / name)
    # Of the same places and sizes, but written down as another base's; and one whose description is broken.
    (tmp_path / "qwen2/base.json").write_text('{"name": "sister", "sha256": "0"}')
    with pytest.raises(BadInput, match="the adapter was trained on sister"):
        load_adapted(str(base), tmp_path / "qwen2")
    (tmp_path / "wide/adapter_config.json").write_text("{")
    with pytest.raises(BadInput, match="is not JSON"):
        load_adapted(str(base), tmp_path / "wide")

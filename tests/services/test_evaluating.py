"""The evaluation on labelled texts."""

import json
from pathlib import Path

import pytest

from phyassist.errors import BadInput
from phyassist.lm.protocol import Never
from phyassist.services.evaluating import OrganiseScored, evaluate_organise, load_labels

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def test_without_the_public_texts_a_sentence_says_so(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        list(evaluate_organise(None, data_folder=tmp_path / "nowhere", stop=Never()))

    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="is not there"):
        list(evaluate_organise(None, data_folder=tmp_path / "empty", stop=Never()))


@pytest.mark.skipif(not DATA.is_dir(), reason="the public texts are not beside the repository")
def test_rules_and_classifier_reach_the_target_on_the_development_texts():
    *_, scored = evaluate_organise(None, data_folder=DATA, label_set="dev", stop=Never())

    assert isinstance(scored, OrganiseScored)
    assert scored.found().value >= 0.90
    assert scored.asserted.value <= 0.02
    assert scored.unsupported.hits == 0
    assert len(scored.texts) == len(load_labels("dev"))


@pytest.mark.skipif(not DATA.is_dir(), reason="the public texts are not beside the repository")
def test_a_run_that_is_taken_up_again_reads_no_text_twice(tmp_path):
    kept = tmp_path / "scores.jsonl"
    list(evaluate_organise(None, data_folder=DATA, label_set="dev", shortest=2, kept=kept, stop=Never()))
    rows = [json.loads(line) | {"tokens": 4711} for line in kept.read_text("utf-8").splitlines()]
    kept.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    *_, scored = evaluate_organise(
        None, data_folder=DATA, label_set="dev", shortest=3, kept=kept, stop=Never()
    )

    assert [text.tokens for text in scored.texts] == [4711, 4711, 0]
    assert len(kept.read_text("utf-8").splitlines()) == 3


@pytest.mark.skipif(not DATA.is_dir(), reason="the public texts are not beside the repository")
def test_scores_of_another_reader_are_not_taken_for_this_one(tmp_path):
    kept = tmp_path / "scores.jsonl"
    list(evaluate_organise(None, data_folder=DATA, label_set="dev", shortest=1, kept=kept, stop=Never()))
    row = json.loads(kept.read_text("utf-8"))
    kept.write_text(json.dumps(row | {"run": "another", "tokens": 4711}) + "\n", "utf-8")

    *_, scored = evaluate_organise(
        None, data_folder=DATA, label_set="dev", shortest=1, kept=kept, stop=Never()
    )

    assert [text.tokens for text in scored.texts] == [0]


@pytest.mark.skipif(not DATA.is_dir(), reason="the public texts are not beside the repository")
def test_a_file_that_holds_something_else_is_refused(tmp_path):
    kept = tmp_path / "letter.txt"
    kept.write_text("Dear Ms. Okafor,\n", "utf-8")

    with pytest.raises(BadInput, match="holds no scores"):
        list(evaluate_organise(None, data_folder=DATA, shortest=1, kept=kept, stop=Never()))

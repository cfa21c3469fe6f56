"""The evaluation on labelled texts."""

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

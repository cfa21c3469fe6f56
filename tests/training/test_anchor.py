"""What nobody changed of a model's own words is not learnt, but held to what the model says by itself."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training.encode import encode_all, find_changed  # noqa: E402
from phyassist.training.forward import find_drift, find_log_probs  # noqa: E402
from phyassist.training.loop import Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import Row, pack  # noqa: E402
from tests.training.test_preference import disturb  # noqa: E402
from tests.training.tiny import make_model, make_tokenizer  # noqa: E402

DIALS = {"examples_per_step": 2, "row_tokens": 400, "epochs": 30, "learning_rate": 3e-2, "precision": "fp32"}
RECIPE = set_dials(Recipe(), {**DIALS, "rank": 4, "anchor": 1.0})


def make_rows(count: int) -> list[dict[str, Any]]:
    """Replies of two sentences, the second of which somebody wrote anew."""
    rows = []
    for no in range(count):
        asked = {"role": "user", "content": f"Day {no}: I feel tired."}
        kept = {"role": "assistant", "content": "She says she is tired. Rest by Friday."}
        rows.append({"messages": [asked, kept], "drafted": "She says she is tired. Do take pills."})
    return rows


def make_trainer(recipe: Recipe, rows: list[dict[str, Any]]) -> Trainer:
    encoded = encode_all(rows, make_tokenizer(), recipe).examples
    model = make_model()
    with torch.no_grad():
        # Random numbers alone say everything alike, and nothing could be held.
        model.lm_head.weight.mul_(20)
    torch.manual_seed(0)
    return Trainer(attach(model, recipe), recipe, encoded, encoded[:2])


def say_held(row: Row) -> str:
    return make_tokenizer().decode([row.targets[place] for place in row.held])


@pytest.mark.parametrize(
    ("drafted", "kept", "changed"),
    [
        ("abcdef", "abcdef", ""),
        ("abcdef", "abcdefgh", "gh"),
        ("abcdef", "abcxyz", "xyz"),
        ("abcxyz", "abcabxyz", "abx"),
        ("abcdefghi", "abcghi", "g"),
        ("abcdefghi", "fghi", "f"),
        ("abxxcd", "abyycd", "abyycd"),
        ("", "abc", "abc"),
    ],
)
def test_changed_is_what_was_put_in_and_the_first_word_after_what_was_left_out(
    drafted: str, kept: str, changed: str
) -> None:
    found = find_changed([ord(each) for each in drafted], [ord(each) for each in kept])

    assert "".join(each for each, is_changed in zip(kept, found, strict=True) if is_changed) == changed


def test_a_row_holds_what_the_model_had_written_wherever_the_example_lies_in_it() -> None:
    rows = make_rows(3)
    del rows[1]["drafted"]
    encoded = encode_all(rows, make_tokenizer(), RECIPE).examples

    (row,) = pack(encoded, 400)

    assert say_held(row) == "She says she is tired. " * 2
    assert row.kept == sum(each.reply_tokens for each in encoded)
    (learnt,) = pack(encode_all(rows, make_tokenizer(), set_dials(RECIPE, {"anchor": 0})).examples, 400)
    assert learnt.held == ()


def test_the_loss_is_that_of_changed_tokens_and_how_far_the_others_have_gone() -> None:
    trainer = make_trainer(RECIPE, make_rows(1))
    disturb(trainer._model)
    (example,) = trainer._train
    (row,) = pack([example], 400)

    found = float(trainer._anchored_losses(row)[0].detach())

    trainer._model.eval()
    ids = torch.tensor(example.ids)[None]
    with torch.no_grad():
        after = trainer._model(ids).logits[0, example.reply_at - 1 : -1].log_softmax(-1)
        with trainer._model.disable_adapter():
            before = trainer._model(ids).logits[0, example.reply_at - 1 : -1].log_softmax(-1)
    expected = 0.0
    for place, (token, is_changed) in enumerate(
        zip(example.ids[example.reply_at :], example.changed, strict=True)
    ):
        if is_changed:
            expected -= float(after[place, token])
        else:
            expected += float((before[place].exp() * (before[place] - after[place])).sum())
    assert found == pytest.approx(expected, rel=1e-4)


def look_at(trainer: Trainer, row: Row) -> tuple[float, float]:
    """Mean loss of the changed tokens, and mean drift of those that are held."""
    trainer._model.eval()
    with torch.no_grad():
        after = trainer._forward.logits(row)
        with trainer._model.disable_adapter():
            before = trainer._forward.logits(row)
    held = list(row.held)
    changed = [place for place in range(row.kept) if place not in row.held]
    drift = float(find_drift(before[held], after[held])) / len(held)
    return -float(find_log_probs(after, row)[changed].mean()), drift


def test_training_teaches_the_change_and_leaves_the_rest_nearer_to_what_it_was() -> None:
    (row,) = pack(encode_all(make_rows(1), make_tokenizer(), RECIPE).examples, 400)
    anchored, free = (
        make_trainer(set_dials(RECIPE, {"anchor": anchor}), make_rows(6)) for anchor in (1.0, 0.0)
    )
    at_first, no_drift = look_at(anchored, row)

    for trainer in (anchored, free):
        trainer.run(lambda report: None)

    (loss, drift), (_, drift_free) = look_at(anchored, row), look_at(free, row)
    assert no_drift == pytest.approx(0.0, abs=1e-6)
    assert loss < 0.6 * at_first
    assert drift < 0.5 * drift_free

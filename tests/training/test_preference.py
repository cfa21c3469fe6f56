"""Replies that were kept beside replies that were not: the objectives' numbers, and what a model learns."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training.encode import Encoded, encode, encode_all  # noqa: E402
from phyassist.training.loop import EvalReport, Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import pack  # noqa: E402
from tests.training.tiny import make_model, make_tokenizer  # noqa: E402

RECIPE = set_dials(
    Recipe(),
    {
        "examples_per_step": 4,
        "row_tokens": 240,
        "epochs": 4,
        "learning_rate": 5e-3,
        "precision": "fp32",
        "rank": 4,
    },
)


def make_pairs(count: int) -> list[dict[str, Any]]:
    """Prompts whose kept reply is short and whose rejected one goes on, but for every fourth with none."""
    rows = []
    for no in range(count):
        asked = {"role": "user", "content": f"Day {no}: I feel tired."}
        kept = {"role": "assistant", "content": "Rest."}
        rejected = "" if no % 4 == 3 else "Rest. Take pills too."
        rows.append({"messages": [asked, kept], "rejected": rejected})
    return rows


def make_trainer(recipe: Recipe, rows: int = 16) -> Trainer:
    encoded = encode_all(make_pairs(rows), make_tokenizer(), recipe).examples
    torch.manual_seed(0)
    model = attach(make_model(), recipe)
    return Trainer(model, recipe, encoded[: rows - 4], encoded[rows - 4 :])


def disturb(model: Any) -> None:
    """Give the adapter something to say: a fresh one changes nothing."""
    chance = torch.Generator().manual_seed(7)
    for name, weight in sorted(model.named_parameters()):
        if "lora_" in name:
            with torch.no_grad():
                weight.copy_(torch.randn(weight.shape, generator=chance) * 0.3)


def log_probs_alone(model: Any, path: tuple[int, ...], reply_at: int) -> Any:
    """Log-probabilities of a reply's tokens, its whole sequence computed by itself as trl does."""
    logits = model(torch.tensor(path)[None]).logits[0, :-1]
    return logits.log_softmax(-1).gather(1, torch.tensor(path[1:])[:, None])[reply_at - 1 :, 0]


# What trl 1.16 says of this very model, adapter and pairs with beta 0.3: DPOTrainer.compute_loss, and the
# mean of ORPOTrainer.odds_ratio_loss, each with the template's prompt and the replies as plain text.
TRL = {"dpo": 0.7490549087524414, "orpo": 0.2081819772720337}


@pytest.mark.parametrize("preference", ["dpo", "orpo"])
def test_the_loss_of_pairs_is_trl_s(preference: str) -> None:
    recipe = set_dials(RECIPE, {"preference": preference, "beta": 0.3})
    pairs = encode_all(make_pairs(3), make_tokenizer(), recipe).examples
    trainer = Trainer(attach(make_model(), recipe), recipe, pairs, ())
    disturb(trainer._model)
    trainer._note_reference()

    _, pair_loss, _ = trainer.evaluate(trainer._train)

    assert pair_loss == pytest.approx(TRL[preference], rel=1e-5)


@pytest.mark.parametrize("preference", ["dpo", "orpo"])
def test_a_row_s_loss_is_that_of_its_sequences_computed_one_by_one(preference: str) -> None:
    recipe = set_dials(RECIPE, {"preference": preference, "beta": 0.3})
    trainer = make_trainer(recipe)
    model = trainer._model
    disturb(model)
    trainer._note_reference()
    examples = [example for example in trainer._train if example.rejected][:3]

    rows = pack(examples, 1000)
    with torch.no_grad():
        sums = [trainer._losses(row, trainer._forward) for row in rows]
        expected = 0.0
        for example in examples:
            chosen, rejected = (log_probs_alone(model, path, example.reply_at) for path in example.paths)
            with model.disable_adapter():
                base = [log_probs_alone(model, path, example.reply_at).sum() for path in example.paths]
            if preference == "dpo":
                gap = (chosen.sum() - rejected.sum()) - (base[0] - base[1])
                expected -= float(torch.nn.functional.logsigmoid(0.3 * gap))
            else:
                odds = [each - torch.log1p(-torch.exp(each)) for each in (chosen.mean(), rejected.mean())]
                expected -= 0.3 * float(torch.nn.functional.logsigmoid(odds[0] - odds[1]))

    assert len(rows) == 1
    assert float(sums[0][1]) == pytest.approx(expected, rel=1e-4)


def test_a_prompt_is_computed_once_for_both_replies() -> None:
    row = make_pairs(1)[0]
    example = encode(row["messages"], make_tokenizer(), rejected=row["rejected"])

    (packed,) = pack([example], 240)

    alike = len("Rest.")
    assert len(packed.ids) == len(example.ids) + len(example.rejected) - alike
    assert len(packed.targets) == example.reply_tokens + len(example.rejected)
    assert packed.kept == example.reply_tokens


@pytest.mark.parametrize("preference", ["dpo", "orpo"])
def test_a_model_comes_to_prefer_what_was_kept_on_prompts_it_has_not_seen(preference: str) -> None:
    heard: list[EvalReport] = []

    def hear(report: Any) -> None:
        if isinstance(report, EvalReport):
            heard.append(report)

    trainer = make_trainer(set_dials(RECIPE, {"preference": preference}))
    plain = make_trainer(RECIPE)
    trainer.run(hear)
    plain.run(lambda _: None)

    def gap(trained: Trainer) -> float:
        example = trainer._val[0]
        with torch.no_grad():
            kept, other = (log_probs_alone(trained._model, p, example.reply_at) for p in example.paths)
        return float(kept.sum() - other.sum())

    assert heard[-1].pairs_right == 1.0
    assert heard[-1].pair_loss < heard[0].pair_loss
    assert heard[-1].val_loss < heard[0].val_loss
    assert gap(trainer) > gap(plain)


def test_rejected_replies_are_passed_over_where_the_recipe_learns_nothing_from_them() -> None:
    encoded = encode_all(make_pairs(4), make_tokenizer(), RECIPE).examples

    assert all(not example.rejected for example in encoded)


def test_a_pair_too_long_for_a_row_is_counted_not_cut() -> None:
    recipe = set_dials(RECIPE, {"preference": "orpo", "row_tokens": 60})

    found = encode_all(make_pairs(4), make_tokenizer(), recipe)

    assert (len(found.examples), found.too_long) == (1, 3)


def test_a_pair_of_the_same_words_is_no_pair() -> None:
    row = make_pairs(1)[0]

    example = encode(row["messages"], make_tokenizer(), rejected="Rest.")

    assert example == Encoded(example.ids, example.reply_at)

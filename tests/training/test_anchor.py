"""What nobody changed of a model's own words is not learnt, but held to what the model says by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training.encode import encode_all, find_forced_tokens, find_stems  # noqa: E402
from phyassist.training.forward import Said, find_drift, find_log_probs, join_said, note_said  # noqa: E402
from phyassist.training.loop import Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.memory import read_adapter  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import Row, pack  # noqa: E402
from tests.training.test_preference import disturb  # noqa: E402
from tests.training.tiny import make_model, make_tokenizer  # noqa: E402

DIALS = {"examples_per_step": 2, "row_tokens": 400, "epochs": 30, "learning_rate": 3e-2, "precision": "fp32"}
RECIPE = set_dials(Recipe(), {**DIALS, "rank": 4, "anchor": 1.0})


def make_rows(count: int) -> list[dict[str, Any]]:
    """Replies of two sentences, the first of which begins otherwise than drafted, and the second is new."""
    rows = []
    for no in range(count):
        asked = {"role": "user", "content": f"Day {no}: I feel tired."}
        kept = {"role": "assistant", "content": "Today she says she is tired. Rest by Friday."}
        rows.append({"messages": [asked, kept], "drafted": "Well, she says she is tired. Do take pills."})
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
    found = find_stems([ord(each) for each in drafted], [ord(each) for each in kept])

    assert "".join(each for each, stem in zip(kept, found, strict=True) if stem < 0) == changed
    assert all(drafted[stem] == each for each, stem in zip(kept, found, strict=True) if stem >= 0)


def test_a_row_holds_what_the_model_had_written_wherever_the_example_lies_in_it() -> None:
    rows = make_rows(3)
    del rows[1]["drafted"]
    encoded = encode_all(rows, make_tokenizer(), RECIPE).examples

    (row,) = pack(encoded, 400)

    assert say_held(row) == "she says she is tired. " * 2
    assert row.kept == sum(each.reply_tokens for each in encoded)
    (learnt,) = pack(encode_all(rows, make_tokenizer(), set_dials(RECIPE, {"anchor": 0})).examples, 400)
    assert learnt.held == ()


def test_what_a_form_will_have_it_say_is_neither_learnt_nor_held() -> None:
    (row,) = make_rows(1)
    said = row["messages"][-1]["content"]
    row["forced"] = [(0, len("Today she")), (said.index("Rest"), said.index("Friday"))]

    (with_form,), (alone,) = (
        pack(encode_all([each], make_tokenizer(), RECIPE).examples, 400) for each in (row, make_rows(1)[0])
    )

    whole, left = (make_tokenizer().decode(each.targets) for each in (alone, with_form))
    assert whole.startswith(said)
    assert left.startswith(" says she is tired. Friday.")
    assert say_held(with_form) == say_held(alone).removeprefix("she")
    (origin,) = with_form.origins
    assert len(origin.places) == len(with_form.held)
    assert len(with_form.targets) == with_form.kept < alone.kept


def make_bytes_tokenizer() -> Any:
    """One token for each byte, as large vocabularies have them for rare characters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={char: no for no, char in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=made)


def test_a_character_of_several_tokens_is_forced_as_a_whole() -> None:
    tokenizer, said = make_bytes_tokenizer(), "经评估，来访者睡不好。"
    reply = tokenizer(said)["input_ids"]
    assert len(reply) == len(said.encode())

    found = find_forced_tokens(reply, said, [(0, 4), (len(said) - 1, len(said))], tokenizer)

    assert tokenizer.decode([token for no, token in enumerate(reply) if no not in found]) == "来访者睡不好"
    assert find_forced_tokens(reply, "something else", [(0, 4)], tokenizer) == frozenset()


@pytest.mark.parametrize("goes_on_from_another", [False, True])
def test_the_loss_is_that_of_changed_tokens_and_how_far_the_others_have_gone_from_the_draft(
    goes_on_from_another: bool,
) -> None:
    trainer = make_trainer(RECIPE, make_rows(1))
    if goes_on_from_another:
        disturb(trainer._model)
    (example,) = trainer._train
    (row,) = pack([example], 400)
    trainer._model.eval()
    drafted = torch.tensor(example.ids[: example.reply_at] + example.drafted)[None]
    with torch.no_grad():
        before = trainer._model(drafted).logits[0, example.reply_at - 1 : -1].log_softmax(-1)

    trainer._note_drafted()
    disturb(trainer._model)
    with torch.no_grad():
        for weight in trainer._weights:
            weight.mul_(1.5)
    found = float(trainer._anchored_losses(row)[0].detach())

    trainer._model.eval()
    ids = torch.tensor(example.ids)[None]
    with torch.no_grad():
        after = trainer._model(ids).logits[0, example.reply_at - 1 : -1].log_softmax(-1)
    expected = 0.0
    for place, (token, stem) in enumerate(zip(example.ids[example.reply_at :], example.stems, strict=True)):
        if stem < 0:
            expected -= float(after[place, token])
        else:
            expected += float((before[stem].exp() * (before[stem] - after[place])).sum())
    assert found == pytest.approx(expected, rel=1e-3)


def find_lora(trainer: Trainer) -> dict[str, Any]:
    found = trainer._model.named_parameters()
    return {name: weight.detach().clone() for name, weight in found if "lora_" in name}


def test_what_another_adapter_drafted_is_held_to_what_that_one_says_there() -> None:
    rows = make_rows(2)
    rows[1]["author"] = "earlier"
    recipe = set_dials(RECIPE, {"layers": 0.5})
    encoded = encode_all(rows, make_tokenizer(), recipe).examples
    other = make_trainer(set_dials(RECIPE, {"rank": 2}), rows)
    disturb(other._model)
    files = read_adapter(other._model)
    trainer = make_trainer(recipe, rows)
    own = Trainer(trainer._model, recipe, encoded, (), authors={"earlier": files})
    fresh = find_lora(trainer)

    own._note_drafted()

    drafts = [torch.tensor(each.ids[: each.reply_at] + each.drafted)[None] for each in encoded]
    at = encoded[0].reply_at
    with torch.no_grad():
        expected = [
            model(draft).logits[0, at - 1 : -1].float().log_softmax(-1)
            for model, draft in zip((trainer._model.eval(), other._model.eval()), drafts, strict=True)
        ]
    for said, log_probs in zip(own._drafted.values(), expected, strict=True):
        found = said.log_probs[:, :-1]
        assert torch.allclose(found, log_probs.gather(-1, said.tokens), atol=1e-4)
    held = find_lora(trainer)
    assert held.keys() == fresh.keys()
    assert all(torch.equal(weight, held[name]) for name, weight in fresh.items())
    assert [weight.requires_grad for weight in own._weights] == [True] * len(own._weights)


def test_all_but_the_likeliest_tokens_count_together() -> None:
    torch.manual_seed(0)
    logits, others = torch.randn(3, 1000), torch.randn(3, 1000)
    logits[:, :64] += 9

    found = find_drift(join_said([(note_said(logits), [0, 2])]), others.log_softmax(-1), [0, 2])

    was, now = logits[[0, 2]].softmax(-1), others[[0, 2]].softmax(-1)
    rest, rest_now = was[:, 64:].sum(-1), now[:, 64:].sum(-1)
    expected = (was * (was / now).log())[:, :64].sum() + (rest * (rest / rest_now).log()).sum()
    assert float(found) == pytest.approx(float(expected), rel=1e-4)
    assert float(find_drift(note_said(logits), logits.log_softmax(-1), range(3))) == pytest.approx(
        0.0, abs=1e-5
    )


def look_at(trainer: Trainer, row: Row, drafted: Mapping[tuple[int, ...], Said]) -> tuple[float, float]:
    """Mean loss of the changed tokens, and mean drift of those that are held."""
    trainer._model.eval()
    with torch.no_grad():
        after = trainer._forward.logits(row)
    held = list(row.held)
    changed = [place for place in range(row.kept) if place not in row.held]
    before = join_said([(drafted[each.ids], each.places) for each in row.origins])
    drift = float(find_drift(before, after.log_softmax(-1), held)) / len(held)
    return -float(find_log_probs(after, row)[changed].mean()), drift


def test_training_teaches_the_change_and_leaves_the_rest_nearer_to_what_it_was() -> None:
    (row,) = pack(encode_all(make_rows(1), make_tokenizer(), RECIPE).examples, 400)
    anchored, free = (
        make_trainer(set_dials(RECIPE, {"anchor": anchor}), make_rows(6)) for anchor in (1.0, 0.0)
    )
    anchored._note_drafted()
    at_first, _ = look_at(anchored, row, anchored._drafted)

    for trainer in (anchored, free):
        trainer.run(lambda report: None)

    (loss, drift), (_, drift_free) = (look_at(each, row, anchored._drafted) for each in (anchored, free))
    assert loss < 0.6 * at_first
    assert drift < 0.5 * drift_free

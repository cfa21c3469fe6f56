"""The loop on tiny models: where loss falls, that packing leaks nothing, and that a killed run goes on."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from phyassist.errors import BadInput, BadSetting, StoreFull, TrainingFailed

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training import loop  # noqa: E402
from phyassist.training.checkpoints import FolderCheckpoints, list_checkpoints  # noqa: E402
from phyassist.training.encode import Encoded, encode, encode_all, order_epoch  # noqa: E402
from phyassist.training.loop import EvalReport, Report, StepReport, Trainer  # noqa: E402
from phyassist.training.lora import attach, find_targets  # noqa: E402
from phyassist.training.recipe import Recipe, get_preset, load_presets, set_dials  # noqa: E402
from phyassist.training.rows import pack  # noqa: E402
from phyassist.training.schedule import count_steps, learning_rate_at  # noqa: E402
from tests.training.test_prepare import room_of  # noqa: E402
from tests.training.tiny import make_dialogues, make_model, make_tokenizer  # noqa: E402

RECIPE = set_dials(
    Recipe(),
    {
        "examples_per_step": 4,
        "row_tokens": 160,
        "epochs": 2,
        "learning_rate": 5e-3,
        "precision": "fp32",
        "rank": 4,
    },
)
KINDS = ("qwen2", "qwen3", "llama", "mixtral", "yi")


def make_trainer(folder: Path, recipe: Recipe = RECIPE, kind: str = "qwen2", rows: int = 24) -> Trainer:
    dialogues = ({"messages": messages} for messages in make_dialogues(rows))
    encoded = encode_all(dialogues, make_tokenizer(), recipe).examples
    torch.manual_seed(recipe.seed)
    model = attach(make_model(kind), recipe)
    return Trainer(
        model,
        recipe,
        encoded[: rows - 4],
        encoded[rows - 4 :],
        checkpoints=FolderCheckpoints(folder / "checkpoints"),
    )


def weights_of(trainer: Trainer) -> dict[str, Any]:
    from peft import get_peft_model_state_dict

    return {name: value.clone() for name, value in get_peft_model_state_dict(trainer._model).items()}


def test_only_the_tokens_of_the_reply_get_loss() -> None:
    tokenizer = make_tokenizer()
    (dialogue,) = make_dialogues(1)

    encoded = encode(dialogue, tokenizer)
    (row,) = pack([encoded], 160)

    assert tokenizer.decode(encoded.ids[encoded.reply_at :]) == "The mood is calm.<|im_end|>"
    assert tokenizer.decode(list(row.targets)) == "The mood is calm.<|im_end|>"
    assert [row.ids[place + 1] for place in row.keep] == list(row.targets)


def test_a_prompt_s_own_tokens_change_nothing_but_through_the_reply() -> None:
    trainer = make_trainer(Path())
    row = pack(trainer._train[:1], 160)[0]
    whole = trainer._model(torch.tensor(row.ids)[None]).logits[0]
    labels = torch.full((len(row.ids),), -100)
    labels[list(row.keep)] = torch.tensor(row.targets)

    loss = -trainer._forward.log_probs(row).sum()

    expected = torch.nn.functional.cross_entropy(whole, labels, ignore_index=-100, reduction="sum")
    assert torch.allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_examples_do_not_see_each_other(kind: str) -> None:
    trainer = make_trainer(Path(), kind=kind)
    examples = trainer._train[:5]

    rows = pack(examples, 1000)
    alone = [pack([example], 1000)[0] for example in examples]

    assert len(rows) == 1
    assert len(rows[0].ids) < sum(len(row.ids) for row in alone), "what they begin alike with stands once"
    with torch.no_grad():
        together = float(trainer._forward.log_probs(rows[0]).sum())
        apart = sum(float(trainer._forward.log_probs(row).sum()) for row in alone)
    assert math.isclose(together, apart, rel_tol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_lora_finds_its_targets_and_training_lowers_the_loss(kind: str, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, kind=kind)
    before, _, _ = trainer.evaluate(trainer._val)
    heard: list[Any] = []

    trained = trainer.run(heard.append)

    steps = [report for report in heard if isinstance(report, StepReport)]
    assert len(steps) == trained.step == count_steps(RECIPE, 20) == 10
    assert trainer.evaluate(trainer._val)[0] < before - 0.1
    assert all("lora" in name for name, weight in trainer._model.named_parameters() if weight.requires_grad)


def test_targets_are_all_linear_layers_of_the_blocks() -> None:
    found = find_targets(make_model("llama"))

    assert found == ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


def test_a_target_that_the_model_lacks_is_refused_and_those_it_has_are_named() -> None:
    recipe = set_dials(RECIPE, {"targets": "q_proj,gate"})

    with pytest.raises(BadSetting, match="has no module gate") as raised:
        attach(make_model("yi"), recipe)

    assert "gate_proj" in raised.value.hint


def test_the_layers_of_gpt2_are_found_and_learn_by_another_name() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    plain = GPT2LMHeadModel(GPT2Config(vocab_size=88, n_embd=32, n_layer=2, n_head=4, n_positions=256))
    recipe = set_dials(RECIPE, {"dropout": 0.1})
    encoded = encode_all(
        ({"messages": said} for said in make_dialogues(8)), make_tokenizer(), recipe
    ).examples
    heard: list[Any] = []

    found = find_targets(plain)
    model = attach(plain, recipe)
    Trainer(model, recipe, encoded, ()).run(heard.append)

    assert found == ("c_attn", "c_fc", "c_proj")
    assert model.peft_config["default"].lora_dropout == 0.1
    assert heard[-1].loss < heard[0].loss


@pytest.mark.parametrize(
    ("kind", "dials", "said"),
    [
        ("mamba", {"targets": "out_proj"}, "peft cannot put LoRA on out_proj of a mamba model"),
        ("ctrl", {}, "peft cannot put LoRA on .* of a ctrl model"),
    ],
)
def test_a_kind_of_model_that_takes_no_lora_is_said(kind: str, dials: dict[str, Any], said: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(kind, vocab_size=88, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    )

    with pytest.raises(BadSetting, match=said):
        attach(model, set_dials(RECIPE, dials))


def test_the_study_s_targets_are_there_in_mixtral() -> None:
    model = attach(make_model("mixtral"), set_dials(get_preset("study-2023"), {"quantise": "none"}))

    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}

    for target in ("q_proj", "k_proj", "v_proj", "o_proj", "gate"):
        assert any(f".{target}.lora_A" in name for name in trained)


def test_a_run_that_stopped_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = set_dials(RECIPE, {"eval_steps": 3, "dropout": 0.1})
    unbroken = make_trainer(tmp_path / "a", recipe)
    unbroken.run(lambda _: None)
    stopped, count = make_trainer(tmp_path / "b", recipe), 0

    def count_to_five(report: Any) -> None:
        nonlocal count
        count += isinstance(report, StepReport)

    ended = stopped.run(count_to_five, should_stop=lambda: count == 5)
    resumed = make_trainer(tmp_path / "b", recipe)
    heard: list[Any] = []
    resumed.run(heard.append, resume=True)

    assert ended.was_stopped
    assert heard[0].step == 4
    for name, value in weights_of(unbroken).items():
        assert torch.allclose(value, weights_of(resumed)[name], atol=1e-6), name


def go_on_until(folder: Path, limit: int) -> None:
    def hear(report: Any) -> None:
        if report.step == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    make_trainer(folder, set_dials(RECIPE, {"eval_steps": 2, "dropout": 0.1})).run(hear, resume=True)


def test_a_run_killed_at_any_step_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = set_dials(RECIPE, {"eval_steps": 2, "dropout": 0.1})
    unbroken = make_trainer(tmp_path / "a", recipe)
    unbroken.run(lambda _: None)

    # The libraries are read once, by the process that all of these come from.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    for limit in (3, 6, 7):
        process = processes.Process(target=go_on_until, args=(tmp_path / "b", limit))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    resumed = make_trainer(tmp_path / "b", recipe)
    resumed.run(lambda _: None, resume=True)

    for name, value in weights_of(unbroken).items():
        assert torch.allclose(value, weights_of(resumed)[name], atol=1e-6), name


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_whole_checkpoints(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, set_dials(RECIPE, {"eval_steps": 2}))
    seen = 0

    def spoil(report: Any) -> None:
        nonlocal seen
        seen += isinstance(report, StepReport)
        if seen == 3:
            with torch.no_grad():
                trainer._weights[0].fill_(float("nan"))

    with pytest.raises(TrainingFailed, match="loss of step 4 is no number"):
        trainer.run(spoil)

    assert [path.name for path in list_checkpoints(tmp_path / "checkpoints")] == ["step-000002"]


def test_a_full_disk_in_mid_checkpoint_leaves_the_one_before_whole(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, set_dials(RECIPE, {"eval_steps": 1}))

    def fill_disk(report: Report) -> None:
        if isinstance(report, StepReport) and report.step == 3:
            disk.enter_context(room_of(20_000))

    with (
        ExitStack() as disk,
        pytest.raises(StoreFull, match="step 3 could not be written; the one"),
    ):
        trainer.run(fill_disk)

    whole = [path.name for path in list_checkpoints(tmp_path / "checkpoints")]
    assert whole == ["step-000001", "step-000002"]
    assert not list((tmp_path / "checkpoints").glob(".*.part"))


def test_patience_ends_a_run_whose_validation_loss_no_longer_falls(tmp_path: Path) -> None:
    recipe = set_dials(RECIPE, {"learning_rate": 0.5, "eval_steps": 1, "patience": 2, "epochs": 20})
    heard: list[Any] = []

    trained = make_trainer(tmp_path, recipe).run(heard.append)

    evals = [report for report in heard if isinstance(report, EvalReport)]
    assert trained.stopped_early
    assert [report.is_best for report in evals[-2:]] == [False, False]
    assert trained.best_val_loss == min(report.val_loss for report in evals)


def test_a_run_that_had_stopped_early_has_nothing_left_to_do(tmp_path: Path) -> None:
    recipe = set_dials(RECIPE, {"learning_rate": 0.5, "eval_steps": 1, "patience": 2, "epochs": 20})
    first = make_trainer(tmp_path, recipe).run(lambda _: None)
    heard: list[Any] = []

    again = make_trainer(tmp_path, recipe).run(heard.append, resume=True)

    assert (again, heard) == (first, [])


def test_a_run_whose_minutes_are_over_ends_with_what_it_has_learnt(tmp_path: Path) -> None:
    # Less than any step takes: the first one that is done is the last.
    recipe = set_dials(RECIPE, {"minutes_max": 1e-9})
    trainer, heard = make_trainer(tmp_path, recipe), list[Any]()
    before, _, _ = trainer.evaluate(trainer._val)

    trained = trainer.run(heard.append)
    again = make_trainer(tmp_path, recipe).run(heard.append, resume=True)

    assert (trained.step, trained.is_late, trained.stopped_early, trained.was_stopped) == (
        1,
        True,
        True,
        False,
    )
    assert [type(report) for report in heard] == [StepReport, EvalReport]
    assert trainer.evaluate(trainer._val)[0] == heard[1].val_loss != before
    assert again == trained


def test_a_run_that_ends_before_its_minutes_is_not_late(tmp_path: Path) -> None:
    recipe = set_dials(RECIPE, {"minutes_max": 60})

    trained = make_trainer(tmp_path, recipe).run(lambda _: None)

    assert (trained.step, trained.is_late, trained.stopped_early) == (10, False, False)


def test_a_checkpoint_that_was_damaged_on_the_disk_is_none(tmp_path: Path) -> None:
    kept = FolderCheckpoints(tmp_path)
    kept.save(1, b"first")
    kept.save(2, b"second")
    (tmp_path / "step-000002/state.pt").write_bytes(b"sec")

    assert kept.find_newest() == b"first"
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-000001"]


def test_an_example_too_long_for_a_row_is_counted_not_cut() -> None:
    recipe = set_dials(RECIPE, {"row_tokens": 70})
    encoded = encode_all(({"messages": said} for said in make_dialogues(6)), make_tokenizer(), recipe)

    assert encoded.too_long > 0
    assert len(encoded.examples) + encoded.too_long == 6
    assert all(len(example.ids) <= 70 for example in encoded.examples)


def test_rows_hold_every_example_once_and_no_more_tokens_than_they_may() -> None:
    recipe = set_dials(RECIPE, {"row_tokens": 200})
    examples = encode_all(
        ({"messages": said} for said in make_dialogues(40)), make_tokenizer(), recipe
    ).examples

    rows = pack(examples, 200)

    targets = sorted(target for row in rows for target in row.targets)
    assert targets == sorted(token for example in examples for token in example.ids[example.reply_at :])
    assert max(len(row.ids) for row in rows) <= 200


def test_an_epoch_s_order_is_a_shuffle_that_the_seed_decides() -> None:
    examples = [Encoded((no, 1), 1) for no in range(50)]
    first, again, other = (order_epoch(examples, seed=seed, epoch=1) for seed in (1, 1, 2))

    assert first == again != other
    assert sorted(first) == sorted(other) == list(range(50))


def test_examples_of_one_prompt_stay_together() -> None:
    examples = [Encoded((no % 5, no), 1) for no in range(20)]

    order = order_epoch(examples, seed=1, epoch=0)

    assert sorted(order) == list(range(20))
    assert all(len({no % 5 for no in order[at : at + 4]}) == 1 for at in range(0, 20, 4))


def test_a_template_that_rewrites_its_prompt_is_refused() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ messages|length }}{{ m['content'] }}{% endfor %}"

    with pytest.raises(BadInput, match="writes a prompt differently"):
        encode(make_dialogues(1)[0], tokenizer)


@pytest.mark.parametrize("schedule", ["constant", "constant_with_warmup", "linear", "cosine"])
def test_the_learning_rate_never_leaves_its_bounds(schedule: str) -> None:
    recipe = set_dials(RECIPE, {"schedule": schedule, "warmup": 0.1})

    rates = [learning_rate_at(recipe, step, 100) for step in range(100)]

    assert max(rates) == pytest.approx(recipe.learning_rate)
    assert min(rates) > 0
    assert (rates[0] < recipe.learning_rate) == (schedule != "constant")


def test_presets_are_the_recipe_with_other_values() -> None:
    presets = load_presets()

    assert set(presets) == {"study-2023", "cpu-small", "gpu-24gb", "2x24gb", "h100", "notes"}


def test_the_study_s_preset_is_the_study_s_recipe_in_every_field_that_it_named() -> None:
    study = get_preset("study-2023")

    assert (study.quantise, study.nf4_compute, study.precision) == ("nf4", "bf16", "fp16")
    assert (study.rank, study.alpha, study.dropout) == (16, 8, 0.05)
    assert study.targets == ("q_proj", "k_proj", "v_proj", "o_proj", "gate")
    assert (study.optimiser, study.learning_rate, study.clip) == ("paged_adamw_32bit", 2e-4, 0.3)
    assert (study.schedule, study.warmup) == ("constant", 0.03)
    assert (study.examples_per_step, study.row_tokens) == (4 * 4, 2048)
    assert (study.steps_max, study.eval_steps) == (660, 20)
    # Its steps decide alone when it ends, and what it did not name stands as the recipe has it.
    assert count_steps(study, 5000) == 660
    assert (study.preference, study.anchor, study.patience, study.layers) == ("none", 0.0, 0, 1.0)


@pytest.mark.parametrize("first", [2.0**16, 2.0**40])
def test_small_gradients_are_not_lost_in_fp16(first: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SCALE_FIRST", first)

    def find_norms(precision: str) -> list[float]:
        model = make_model()
        # So little comes back through this that fp16 has no number for it.
        model.get_output_embeddings().weight.data.mul_(1e-4)
        model.half()
        recipe = set_dials(RECIPE, {"precision": precision, "steps_max": 3, "learning_rate": 1e-6})
        dialogues = ({"messages": messages} for messages in make_dialogues(8))
        examples = encode_all(dialogues, make_tokenizer(), recipe).examples
        torch.manual_seed(0)
        trainer = Trainer(
            attach(model if precision == "fp16" else model.float(), recipe), recipe, examples, ()
        )
        heard: list[Any] = []
        trainer.run(heard.append)
        return [report.grad_norm for report in heard]

    norms = find_norms("fp16")

    assert len(norms) == 3
    assert norms == pytest.approx(find_norms("fp32"), rel=0.05)
    assert min(norms) > 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rnak": 8}, "a recipe has no rnak"),
        ({"rank": "many"}, "rank cannot be 'many'"),
        ({"quantise": "nf5"}, "quantise cannot be 'nf5'"),
        ({"dropout": 1.5}, "are shares of one"),
        ({"examples_per_step": 0}, "cannot be below 1"),
        ({"eval_steps": -1}, "eval_steps cannot be below 0"),
        ({"epochs": "inf"}, "epochs cannot be 'inf'"),
        ({"learning_rate": "nan"}, "learning_rate cannot be 'nan'"),
        ({"checkpointing": "perhaps"}, "checkpointing cannot be 'perhaps'"),
    ],
)
def test_a_dial_that_is_none_or_stands_wrong_is_said(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        set_dials(Recipe(), values)

"""Adapters joined by algebra on a toy model, merged into their base, and compared on two tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")
peft = pytest.importorskip("peft", reason="peft is not installed: pip install 'phyassist[train]'")

from safetensors.torch import load_file  # noqa: E402

from phyassist.cli.main import main  # noqa: E402
from phyassist.training.bases import identify_base, save_base_mark  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.merge import METHODS  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from tests.training.test_prepare import NO, YES, ask, write_csv  # noqa: E402
from tests.training.tiny import make_model, make_tokenizer, save_base  # noqa: E402


def run(*words: object) -> int:
    return main([str(word) for word in words])


def make_adapter(folder: Path, base: Path, *, rank: int, seed: int, layers: float = 1.0) -> Path:
    """A run's folder with an adapter of random numbers on the tiny base."""
    dials = {"rank": rank, "alpha": 2 * rank, "layers": layers}
    model = attach(make_model(), set_dials(Recipe(), dials))
    torch.manual_seed(seed)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.1)
    model.save_pretrained(folder / "adapter")
    save_base_mark(folder / "adapter", identify_base(str(base)))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="module")
def two(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return [make_adapter(folder / name, base, rank=2, seed=no) for no, name in enumerate(("calm", "sad"))]


def find_change(adapter: Path, layer: int = 1) -> Any:
    """What an adapter adds to one weight matrix; nothing where it has no layer there."""
    weights = load_file(adapter / "adapter_model.safetensors")
    config = json.loads((adapter / "adapter_config.json").read_text())
    name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{{}}.weight"
    if name.format("A") not in weights:
        return torch.tensor(0.0)
    b, a = (weights[name.format(side)] for side in "BA")
    return (b @ a) * config["lora_alpha"] / config["r"]


def test_joining_by_cat_adds_up_the_changes_also_of_different_ranks(
    two: list[Path], base: Path, tmp_path: Path
) -> None:
    third = make_adapter(tmp_path / "third", base, rank=3, seed=7)
    out = tmp_path / "joined"

    code = run("adapters", "merge", two[0], third, "--weights", "0.5,2", "--base", base, "--out", out)

    assert code == 0
    wanted = 0.5 * find_change(two[0] / "adapter") + 2 * find_change(third / "adapter")
    assert torch.allclose(find_change(out), wanted, atol=1e-6)
    said = json.loads((out / "merge.json").read_text())
    assert (said["rank"], said["of"]) == (5, {"calm": 2, "third": 3})
    assert (out / "adapter.gguf").read_bytes()[:4] == b"GGUF"
    assert json.loads((out / "base.json").read_text())["sha256"] == identify_base(str(base)).sha256


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("method", ["cat", "linear"])
def test_what_one_has_in_other_layers_stays_there_as_it_is(
    order: int, method: str, two: list[Path], base: Path, tmp_path: Path
) -> None:
    upper = make_adapter(tmp_path / "upper", base, rank=2, seed=3, layers=0.5)
    out, both = tmp_path / "out", [two[0], upper][::order]

    code = run("adapters", "merge", *both, "--base", base, "--how", method, "--out", out)

    assert code == 0
    below, above = ([find_change(each / "adapter", no) for each in both] for no in (0, 1))
    assert below[both.index(upper)].abs().sum() == 0
    assert torch.allclose(find_change(out, 0), sum(below), atol=1e-6)
    if method == "cat":
        assert torch.allclose(find_change(out), sum(above), atol=1e-6)


def test_in_memory_they_become_one_too_and_are_measured_beside_others(two: list[Path], base: Path) -> None:
    from safetensors.torch import load

    from phyassist.lm.protocol import Message
    from phyassist.training.merge import Way, join_files
    from phyassist.training.messages import Dialogue
    from phyassist.training.others import AdapterFiles

    files = {
        f"joined {no}": AdapterFiles(
            (folder / "adapter/adapter_config.json").read_bytes(),
            (folder / "adapter/adapter_model.safetensors").read_bytes(),
            None,
        )
        for no, folder in enumerate(two)
    }
    recipe = set_dials(Recipe(), {"row_tokens": 200, "precision": "fp32"})
    held = [Dialogue((Message("user", "How is it?"),), "Better than last week.")]
    others = {"present": files["joined 0"]}

    made = join_files(str(base), recipe, files, Way("cat"), held={"en": held}, others=others)

    name = "base_model.model.model.layers.1.self_attn.q_proj.lora_{}.weight"
    config, weights = json.loads(made.files.config), load(made.files.weights)
    b, a = (weights[name.format(side)] for side in "BA")
    wanted = sum(find_change(each / "adapter") for each in two)
    assert torch.allclose(b @ a * config["lora_alpha"] / config["r"], wanted, atol=1e-6)
    assert made.files.gguf is not None
    assert made.files.gguf[:4] == b"GGUF"
    assert set(made.losses) == {"new", "base", "present"}
    assert len({by_language["en"] for by_language in made.losses.values()}) == 3
    alone = join_files(
        str(base), recipe, {"joined 0": files["joined 0"]}, Way("cat"), held={"en": held}, others=others
    )
    assert alone.losses["new"]["en"] == pytest.approx(alone.losses["present"]["en"], abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_every_way_of_joining_gives_an_adapter_that_loads_and_is_the_same_again(
    method: str, two: list[Path], base: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / "first", tmp_path / "second"]

    codes = [run("adapters", "merge", *two, "--how", method, "--base", base, "--out", out) for out in outs]

    assert codes == [0, 0]
    changes = [find_change(out) for out in outs]
    assert torch.allclose(changes[0], changes[1], atol=1e-6)
    assert changes[0].abs().sum() > 0
    peft.PeftModel.from_pretrained(make_model(), outs[0])


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (
            ("--how", "linear"),
            "linear joins equal ranks alone, and these are calm 2, third 3; use cat or svd",
            2,
        ),
        (("--how", "ties"), "use ties_svd", 2),
        (("--how", "sum"), "there is no way sum of joining", 2),
        (("--weights", "1,2,3"), "2 adapters need as many weights, not 3", 2),
        (("--weights", "a,b"), "no list of weights", 2),
        (("--weights", "nan,1"), "no list of weights", 2),
        (("--weights", "inf,1"), "no list of weights", 2),
        (("--density", "0"), "density is a share", 2),
        (("--into-base",), "one adapter at a time", 1),
    ],
)
def test_what_cannot_be_joined_so_is_said_before_anything_is_written(
    more: tuple[str, ...], said: str, code: int, two: list[Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    third = make_adapter(tmp_path / "third", base, rank=3, seed=7)

    got = run("adapters", "merge", two[0], third, "--base", base, "--out", tmp_path / "out", *more)

    assert got == code
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_adapters_of_two_bases_are_not_joined(
    two: list[Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    other = save_base(tmp_path / "other", "llama")
    foreign = make_adapter(tmp_path / "foreign", other, rank=2, seed=3)

    codes = [
        run("adapters", "merge", two[0], foreign, "--base", base, "--out", tmp_path / "a"),
        run("adapters", "merge", *two, "--base", other, "--out", tmp_path / "b"),
        run("adapters", "merge", two[0], tmp_path, "--base", base, "--out", tmp_path / "c"),
    ]

    said = capsys.readouterr().err
    assert codes == [1, 1, 1]
    assert "calm was trained on tiny (" in said
    assert "foreign on other (" in said
    assert "the base here is other (" in said
    assert "holds no adapter" in said


def test_an_adapter_in_its_bases_weights_answers_as_the_two_did(
    two: list[Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    from transformers import AutoModelForCausalLM

    out = tmp_path / "full"

    code = run("adapters", "merge", two[0], "--into-base", "--base", base, "--out", out)

    assert code == 0
    assert json.loads((out / "merge.json").read_text())["logits_differ_at_most"] < 1e-4
    ids = torch.tensor([make_tokenizer()("I feel calm today.")["input_ids"]])
    apart = peft.PeftModel.from_pretrained(make_model(), two[0] / "adapter").eval()
    with torch.no_grad():
        merged = AutoModelForCausalLM.from_pretrained(out).eval()(ids).logits
        assert torch.allclose(merged, apart(ids).logits, atol=1e-4)
        assert not torch.allclose(merged, make_model()(ids).logits, atol=1e-2)


def test_what_joining_costs_is_shown_beside_each_alone_and_joint_training(
    two: list[Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    head = ("query", "gpt-3.5-turbo")
    for part in ("train", "val", "test"):
        rows = [
            (ask(f"Post {no} of {part}, badly slept."), f"{(YES, NO)[no % 2]} Reasoning: so.")
            for no in range(6)
        ]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", head, rows)
    joint = make_adapter(tmp_path / "joint", base, rank=2, seed=9)
    words = ["adapters", "compare", *two, "--joint", joint, "--sets", "dreaddit", "--how", "cat,svd"]
    words += ["--base", base, "--data", tmp_path, "--limit", "4", "--out", tmp_path / "out"]

    code = run(*words)
    first = capsys.readouterr()
    again = run(*words)
    second = capsys.readouterr()
    other = run(*words[:-2], "--weights", "0.5,0.5", "--out", tmp_path / "out")

    assert (code, again, other) == (0, 0, 2)
    for title in (
        "base alone",
        "calm (alone)",
        "sad (alone)",
        "joined: cat",
        "joined: svd",
        "joint (trained on all)",
    ):
        assert f"| {title} |" in first.out
    assert "joined: cat" not in second.err
    assert second.out == first.out
    assert "cat on dreaddit: 4 of 4" in first.err
    assert second.err == ""
    assert "holds another comparison" in capsys.readouterr().err


def test_a_join_that_cannot_be_written_is_said_in_a_sentence(
    two: list[Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "file").touch()

    code = run("adapters", "merge", *two, "--base", base, "--out", tmp_path / "file/out")

    assert code == 1
    assert "file/out cannot be made or written in (Not a directory)" in capsys.readouterr().err

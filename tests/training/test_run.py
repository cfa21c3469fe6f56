"""A whole run from the command line on a tiny model: its folder, going on, and the adapter as GGUF."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.cli.main import main  # noqa: E402
from phyassist.lm.hashing import count_sha256  # noqa: E402
from phyassist.training.base import load_tokenizer  # noqa: E402
from phyassist.training.encode import encode  # noqa: E402
from phyassist.training.fitting import estimate_job  # noqa: E402
from phyassist.training.gguf_lora import export_gguf  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.report import read_progress  # noqa: E402
from phyassist.training.run import Job  # noqa: E402
from phyassist.training.split import Shares  # noqa: E402
from phyassist.training.teams import Team  # noqa: E402
from tests.training.test_prepare import COLUMNS, OwnFile, make_plan, prepare, room_of, write_csv  # noqa: E402
from tests.training.tiny import make_model, save_base  # noqa: E402

DIALS = ("epochs=1", "examples_per_step=4", "row_tokens=1600", "rank=2", "eval_steps=2", "learning_rate=5e-3")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(24)]
    own = OwnFile(write_csv(folder / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    prepare(make_plan(folder, own=[own]), folder / "prepared")
    return folder / "prepared"


def run(*words: object) -> int:
    return main([str(word) for word in words])


def train(base: Path, data: Path, out: Path, *more: str, dials: tuple[str, ...] = DIALS) -> int:
    said = [part for dial in dials for part in ("--set", dial)]
    return run("train", "--base", base, "--data", data, "--out", out, *said, *more)


def test_a_run_leaves_everything_about_itself_and_the_mark_of_being_done(
    base: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"

    assert train(base, data, out) == 0

    config = json.loads((out / "config.json").read_text())
    assert config["recipe"]["rank"] == 2
    assert config["environment"]["torch"] == torch.__version__
    lines = [json.loads(line) for line in (out / "progress.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "step"] == list(range(1, config["steps"] + 1))
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "Validation" in (out / "report.html").read_text()
    assert (out / "adapter/adapter_model.safetensors").is_file()
    assert (out / "adapter.gguf").read_bytes()[:4] == b"GGUF"
    assert json.loads((out / "done.json").read_text())["step"] == config["steps"]
    # What publishing asks for: the data's card, and which base the adapter fits.
    assert json.loads((out / "data.json").read_text())["sources"][0]["name"] == "mine"
    mark = json.loads((out / "adapter/base.json").read_text())
    assert mark == {"name": base.name, "sha256": count_sha256(base / "model.safetensors")}


def test_examples_that_are_left_out_are_told_before_the_first_step_and_in_a_dry_run(
    base: Path, tmp_path: Path, capsys: Any
) -> None:
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(12)]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    data = tmp_path / "data"
    prepare(make_plan(tmp_path, own=[own], shares=Shares(val=0, test=0)), data)
    written = [json.loads(line)["messages"] for line in (data / "train.jsonl").read_text().splitlines()]
    tokens = [len(encode(said, load_tokenizer(str(base))).ids) for said in written]
    dials = (*DIALS, f"row_tokens={min(tokens)}", "steps_max=1")

    assert train(base, data, tmp_path / "dry", "--dry-run", dials=dials) == 0
    planned = capsys.readouterr().out
    assert train(base, data, tmp_path / "run", dials=dials) == 0
    said = capsys.readouterr().err

    fitting = tokens.count(min(tokens))
    told = (
        f"examples: {fitting}, {12 - fitting} too long for a row and left out; "
        "for validation: 0, 0 too long for a row and left out; "
        "without any the last step is kept, and patience and --replies do nothing"
    )
    assert 0 < fitting < 12
    assert told in planned
    assert said.index(told) < said.index("adapter.gguf")


def test_a_run_goes_on_only_as_it_was_begun(base: Path, data: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "run"
    assert train(base, data, out) == 0
    for late in sorted((out / "checkpoints").iterdir())[1:]:
        shutil.rmtree(late)

    other = train(base, data, out, "--resume", dials=(*DIALS, "seed=7"))
    said = capsys.readouterr().err
    same = train(base, data, out, "--resume")

    assert (other, same) == (1, 0)
    assert "was begun with another recipe" in said
    lines = [json.loads(line) for line in (out / "progress.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["kind"] == "step"]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("spread", ["copies", "shards"])
def test_two_processes_started_by_torchrun_give_the_losses_of_one(
    spread: str, base: Path, data: Path, tmp_path: Path
) -> None:
    dials = (*DIALS, "layers=0.5", "steps_max=3")
    command = ("train", "--base", base, "--data", data, "--spread", spread, "--out", tmp_path / "two")
    launch = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "-m", "phyassist.cli.main")

    done = subprocess.run(
        [sys.executable, *launch, *command, *(part for dial in dials for part in ("--set", dial))],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    train(base, data, tmp_path / "one", dials=dials)

    assert done.returncode == 0, done.stderr[-2000:]
    together, alone = (
        [line.get("loss", line.get("val_loss")) for line in read_progress(tmp_path / name)]
        for name in ("two", "one")
    )
    assert together == pytest.approx(alone, rel=1e-4)
    adapters = [load_file(tmp_path / name / "adapter/adapter_model.safetensors") for name in ("two", "one")]
    assert all(torch.allclose(adapters[0][name], value, atol=1e-4) for name, value in adapters[1].items())


def test_a_second_machine_without_the_checkpoints_goes_on_from_those_of_the_first(
    base: Path, data: Path, tmp_path: Path
) -> None:
    dials = (*DIALS, "steps_max=3")
    assert train(base, data, tmp_path / "alone", dials=dials) == 0
    shutil.copytree(tmp_path / "alone", tmp_path / "run-0")
    shutil.rmtree(tmp_path / "run-0/checkpoints/step-000003")
    said = " ".join(f"--set {dial}" for dial in dials)
    command = f"{sys.executable} -m phyassist.cli.main train --base {base} --data {data} {said} --resume"
    launch = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "--no-python")

    with subprocess.Popen(
        [sys.executable, *launch, "sh", "-c", f"{command} --out {tmp_path}/run-$RANK"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as team:
        try:
            # Processes that stand at different steps wait for one another for half an hour.
            _, said = team.communicate(timeout=240)
        finally:
            team.terminate()

    assert team.returncode == 0, said[-2000:]
    assert not (tmp_path / "run-1").exists()
    adapters = [
        load_file(tmp_path / name / "adapter/adapter_model.safetensors") for name in ("run-0", "alone")
    ]
    assert all(torch.allclose(adapters[0][name], value, atol=1e-4) for name, value in adapters[1].items())


def test_layers_spread_over_the_devices_of_one_process_are_trained_alike(
    base: Path, data: Path, tmp_path: Path
) -> None:
    assert train(base, data, tmp_path / "spread", "--spread", "layers", dials=(*DIALS, "steps_max=1")) == 0
    assert train(base, data, tmp_path / "one", dials=(*DIALS, "steps_max=1")) == 0

    first, second = (read_progress(tmp_path / name)[0]["loss"] for name in ("spread", "one"))
    assert first == pytest.approx(second, rel=1e-5)


@pytest.mark.parametrize("size", [0, 1200])
def test_a_full_disk_at_the_start_leaves_nothing_that_stands_in_the_way(
    size: int, base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "run"

    with room_of(size):
        code = train(base, data, out, dials=(*DIALS, "steps_max=1"))

    assert code == 1
    assert "the disk was full before" in capsys.readouterr().err
    assert not out.exists()
    assert train(base, data, out, dials=(*DIALS, "steps_max=1")) == 0


def test_a_damaged_run_is_said_in_a_sentence(base: Path, data: Path, tmp_path: Path, capsys: Any) -> None:
    out, to = tmp_path / "run", tmp_path / "to"
    assert train(base, data, out, dials=(*DIALS, "steps_max=1")) == 0
    whole = (out / "config.json").read_text("utf-8")
    capsys.readouterr()

    (out / "config.json").write_text(whole[:50], encoding="utf-8")
    assert train(base, data, out, "--resume", dials=(*DIALS, "steps_max=1")) == 1
    assert "config.json is damaged" in capsys.readouterr().err
    (out / "config.json").write_text(whole, encoding="utf-8")
    for content, said in (("", "data.json is missing or damaged"), ("{}", "data.json is damaged")):
        (out / "data.json").write_text(content, encoding="utf-8")
        assert run("publish", out, "--to", to) == 1
        assert said in capsys.readouterr().err


def test_damaged_data_are_said_in_a_sentence(base: Path, data: Path, tmp_path: Path, capsys: Any) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))

    (copy / "train.jsonl").unlink()
    assert train(base, copy, tmp_path / "run") == 1
    assert "has no train.jsonl any more" in capsys.readouterr().err
    (copy / "card.json").write_text("{}", encoding="utf-8")
    assert train(base, copy, tmp_path / "run") == 1
    assert "is damaged" in capsys.readouterr().err


def test_the_fields_of_the_recipe_are_listed_with_default_and_help(capsys: Any) -> None:
    assert run("train", "--fields") == 0

    said = capsys.readouterr().out
    for each in dataclasses.fields(Recipe):
        (line,) = [line.split() for line in said.splitlines() if line.split()[:1] == [each.name]]
        assert each.metadata["help"].split()[0] in line
    assert "1024" in said


def test_a_dry_run_says_what_it_takes_and_trains_nothing(
    base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    code = train(base, data, tmp_path / "run", "--dry-run", "--json")

    fit = json.loads(capsys.readouterr().out)
    assert code == 0
    model = make_model()
    lora = attach(model, set_dials(Recipe(), {"rank": 2}))
    assert fit["all_weights"] == sum(weight.numel() for weight in lora.parameters())
    assert fit["trained_weights"] == sum(w.numel() for w in lora.parameters() if w.requires_grad)
    assert not (tmp_path / "run").exists()


def test_what_several_devices_hold_together_each_of_them_holds_a_share_of(base: Path, data: Path) -> None:
    recipe = set_dials(Recipe(), dict(dial.split("=") for dial in DIALS))
    job = Job(str(base), data, Path("nowhere"), recipe)

    alone, copies, shards = (
        estimate_job(job, Team(size=size, spread=spread))
        for size, spread in ((1, "copies"), (4, "copies"), (4, "shards"))
    )

    assert copies.base_bytes == alone.base_bytes
    assert copies.trained_bytes == alone.trained_bytes
    # A quarter of the weights, and one block of two whole.
    assert shards.base_bytes == pytest.approx(alone.base_bytes * (1 / 4 + 1 / 2), rel=1e-3)
    assert shards.trained_bytes == alone.trained_bytes // 4


def test_what_cannot_fit_is_refused_with_what_would_help(
    base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    code = train(base, data, tmp_path / "run", "--dry-run", dials=("row_tokens=2000000000",))

    said = capsys.readouterr().err
    assert code == 2
    assert "halve row_tokens" in said


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--base", "nowhere/at-all"), "cannot be loaded", 1),
        (("--preset", "gpu"), "no preset gpu", 1),
        (("--set", "rnak=1"), "a recipe has no rnak", 2),
        (("--data", "."), "prepared to the end", 1),
        (("--set", "row_tokens=16"), "no training example fits", 1),
        (("--spread", "thin"), "spread cannot be 'thin'", 2),
        (("--spread", "shards"), "shards need several processes", 2),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(
    words: tuple[str, str],
    said: str,
    code: int,
    base: Path,
    data: Path,
    tmp_path: Path,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where no hub can be reached its client tries again for most of a minute.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    asked = {"--base": str(base), "--data": str(data), "--out": str(tmp_path / "run")}
    asked[words[0]] = words[1]

    got = run("train", *(part for pair in asked.items() for part in pair))

    assert got == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_an_exported_adapter_does_in_gguf_what_it_does_in_peft(kind: str, tmp_path: Path) -> None:
    import gguf
    import numpy as np

    recipe = set_dials(Recipe(), {"rank": 2, "alpha": 6})
    model = attach(make_model(kind), recipe)
    torch.manual_seed(5)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    model.save_pretrained(tmp_path)

    export_gguf(tmp_path, model.get_base_model().config, tmp_path / "a.gguf")

    tensors = {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(tmp_path / "a.gguf").tensors}
    assert len(tensors) == 2 * 2 * 7
    layer = model.get_base_model().model.layers[1].self_attn.q_proj
    delta = layer.get_delta_weight("default").detach().numpy()
    b, a = (tensors[f"blk.1.attn_q.weight.lora_{side}"] for side in "ba")
    ours = (b @ a) * 6 / 2
    if kind == "llama":
        # The engine's rows of a head stand in pairs; put them back as transformers has them.
        heads, width = 4, ours.shape[0] // 4
        ours = ours.reshape(heads, width // 2, 2, -1).swapaxes(1, 2).reshape(ours.shape)
    assert np.allclose(ours, delta, atol=1e-5)


def test_an_adapter_saved_in_half_precision_stays_so_in_gguf(tmp_path: Path) -> None:
    import gguf
    import numpy as np
    from safetensors.numpy import load_file, save_file

    model = attach(make_model("qwen2"), set_dials(Recipe(), {"rank": 2}))
    model.save_pretrained(tmp_path)
    weights = tmp_path / "adapter_model.safetensors"
    half = {name: value.astype(np.float16) for name, value in load_file(weights).items()}
    save_file(half, weights)

    export_gguf(tmp_path, model.get_base_model().config, tmp_path / "a.gguf")

    tensors = gguf.GGUFReader(tmp_path / "a.gguf").tensors
    assert {tensor.tensor_type.name for tensor in tensors} == {"F16"}
    written = {tensor.name: np.array(tensor.data) for tensor in tensors}
    name = next(name for name in half if "layers.1.mlp.up_proj.lora_A" in name)
    assert np.array_equal(written["blk.1.ffn_up.weight.lora_a"], half[name])

"""Files of a run that broke off or were changed, and settings that cannot be: a sentence, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("peft", reason="peft is not installed")

from phyassist.errors import BadInput, BadSetting, ModelDamaged, ModelMissing, TrainingFailed  # noqa: E402
from phyassist.lm.bundle import read_sums  # noqa: E402
from phyassist.training.base import load_tokenizer, say_no_memory  # noqa: E402
from phyassist.training.explaining import load_explained  # noqa: E402
from phyassist.training.heads.model import load_headed  # noqa: E402
from phyassist.training.heads.run import HeadJob, run_head_job, set_head_dials  # noqa: E402
from phyassist.training.templates import get_template  # noqa: E402
from tests.training.test_explaining import REASONS, make_run  # noqa: E402
from tests.training.test_heads import RECIPE, write_sets  # noqa: E402
from tests.training.test_merge import make_adapter  # noqa: E402
from tests.training.test_run import base, data, run, train  # noqa: E402
from tests.training.tiny import save_base  # noqa: E402

__all__ = ["base", "data"]


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.fixture(scope="module")
def done(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "run"
    assert train(base, data, out) == 0
    return out


def test_a_run_s_own_files_that_were_cut_short_are_named(
    done: Path, base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    codes = []
    for name in ("progress.jsonl", "config.json"):
        held = Path(shutil.copytree(done, tmp_path / name))
        lines = (held / "progress.jsonl").read_text("utf-8").splitlines()
        (held / "progress.jsonl").write_text("\n".join(["{half a line", *lines]) + "\n", "utf-8")
        if name == "config.json":
            cut(held / name)
        codes.append(train(base, data, held, "--resume"))

    said = capsys.readouterr().err
    assert codes == [1, 1]
    assert "progress.jsonl is broken off or damaged; take out the damaged lines, then go on with" in said
    assert "config.json is damaged; start anew in another folder" in said
    assert "half a line" not in said


def test_a_run_does_not_go_on_over_another_base_of_the_same_name(
    done: Path, base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    from safetensors.torch import load_file, save_file

    held = Path(shutil.copytree(done, tmp_path / "held"))
    other = Path(shutil.copytree(base, tmp_path / base.name))
    weights = load_file(other / "model.safetensors")
    save_file(
        {name: 2 * value for name, value in weights.items()}, other / "model.safetensors", {"format": "pt"}
    )
    config = json.loads((held / "config.json").read_text())
    (held / "config.json").write_text(json.dumps({**config, "base": str(other)}))

    assert train(other, data, held, "--resume") == 1

    assert "was begun with another file of the base model; go on as it was begun" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "targets=q_proj,nowhere"), "nowhere"),
        (("--track", "tensorboard, chalk"), "no tracker chalk"),
    ],
)
def test_what_cannot_go_well_leaves_no_folder(
    more: tuple[str, ...], said: str, base: Path, data: Path, tmp_path: Path, capsys: Any
) -> None:
    assert train(base, data, tmp_path / "run", *more) == 2

    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_memory_that_does_not_suffice_is_said() -> None:
    with pytest.raises(TrainingFailed, match="the memory does not suffice"), say_no_memory():
        torch.empty(10**16)
    with pytest.raises(RuntimeError, match="size"), say_no_memory():
        torch.ones(2) @ torch.ones(3)


def test_heads_that_were_cut_short_are_said(tmp_path: Path) -> None:
    made, dials = save_base(tmp_path / "base"), {"epochs": "1"}
    job = HeadJob(
        str(made), ("dreaddit",), write_sets(tmp_path, 8), tmp_path / "run", set_head_dials(RECIPE, dials)
    )
    run_head_job(job, lambda _: None)

    for name, error in {
        "heads.safetensors": ModelDamaged,
        "words.safetensors": ModelDamaged,
        "words.json": BadInput,
        "heads.json": BadInput,
    }.items():
        held = Path(shutil.copytree(job.out, tmp_path / name))
        cut(held / name)
        with pytest.raises(error, match=r"damaged|does not describe heads"):
            load_headed(str(made), held)
    cut(job.out / "config.json")
    with pytest.raises(BadInput, match=r"config\.json is broken off or damaged"):
        run_head_job(job, lambda _: None, resume=True)


@pytest.mark.parametrize(
    "dial", ["rank=-3", "dropout=1", "learning_rate=nan", "first_layer=30", "step_posts=0"]
)
def test_dials_of_heads_that_cannot_be_are_refused(dial: str) -> None:
    name, _, value = dial.partition("=")

    with pytest.raises(BadSetting, match=r"is above zero|is a share of one|first_layer"):
        set_head_dials(RECIPE, {name: value})


def test_a_comparison_is_not_gone_on_with_for_other_adapters_or_from_half_a_file(
    base: Path, tmp_path: Path, capsys: Any
) -> None:
    data = write_sets(tmp_path, 6)
    two = [make_adapter(tmp_path / name, base, rank=2, seed=seed) for seed, name in enumerate(("one", "two"))]
    words = ["adapters", "compare", *two, "--base", base, "--data", data, "--how", "cat", "--limit", "2"]
    words += ["--out", tmp_path / "out", "--sets"]
    codes = [run(*words, ""), run(*words, "dreaddit")]
    shutil.rmtree(two[1])
    make_adapter(tmp_path / "two", base, rank=2, seed=7)

    codes.append(run(*words, "dreaddit"))
    cut(tmp_path / "out/merges.json")
    codes.append(run(*words, "dreaddit"))

    said = capsys.readouterr().err
    assert codes == [2, 0, 2, 1]
    assert "no task is named; name IMHI sets with --sets" in said
    assert "merges.json holds another comparison; name a new folder with --out" in said
    assert "merges.json is broken off or damaged; remove it, or name a new folder" in said


def test_replies_that_are_fewer_than_the_rows_are_said(tmp_path: Path) -> None:
    made = make_run(tmp_path, "run", list(REASONS))
    replies = next((made.folder / "replies").glob("*.csv"))
    replies.write_text("\n".join(replies.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")

    with pytest.raises(BadInput, match=r"holds 3 replies to 4 rows; run the evaluation again"):
        load_explained(made, "dreaddit")


def test_checksums_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BadInput, match="SHA256SUMS is broken off or damaged; pull it again"):
        read_sums(tmp_path / "SHA256SUMS")


def test_a_base_whose_tokenizer_or_template_is_none_is_said(tmp_path: Path) -> None:
    empty, bad = save_base(tmp_path / "empty"), save_base(tmp_path / "bad")
    (empty / "tokenizer.json").write_text("{}")
    (bad / "chat_template.jinja").write_text("{% for message in messages %}{{ message")

    with pytest.raises(ModelMissing, match=r"tokenizer\.json of the base model .* is broken off"):
        load_tokenizer(str(empty))
    with pytest.raises(BadInput, match=r"the chat template of .* cannot be filled"):
        load_tokenizer(str(bad))
    with pytest.raises(BadInput, match="the chat template bad cannot be filled"):
        get_template(str(bad)).render([{"role": "user", "content": "Hello"}])


def test_a_message_that_is_none_is_said_with_its_line(data: Path, tmp_path: Path, capsys: Any) -> None:
    held = Path(shutil.copytree(data, tmp_path / "held"))
    first, *rest = (held / "train.jsonl").read_text("utf-8").splitlines()
    row = json.loads(first)
    for no, messages in enumerate(([{"role": "user"}, *row["messages"][1:]], row["messages"][:1], "Hello")):
        (held / "train.jsonl").write_text(
            "\n".join([*rest, json.dumps({**row, "messages": messages})]) + "\n"
        )
        assert run("data", "stats", held) == 1, no

    assert capsys.readouterr().err.count("of train.jsonl in") == 3

"""Rows as forests, and lower blocks computed once: the numbers are those of examples one by one."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.training import forward as module  # noqa: E402
from phyassist.training.encode import Encoded, encode_all  # noqa: E402
from phyassist.training.forward import Forward, make_mask  # noqa: E402
from phyassist.training.loop import Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import pack  # noqa: E402
from tests.training.tiny import make_dialogues, make_model, make_tokenizer  # noqa: E402

UPPER = set_dials(
    Recipe(),
    {
        "layers": 0.5,
        "rank": 4,
        "row_tokens": 160,
        "examples_per_step": 4,
        "epochs": 2,
        "learning_rate": 5e-3,
        "precision": "fp32",
    },
)


def encode_some(count: int) -> tuple[Encoded, ...]:
    return encode_all(
        ({"messages": said} for said in make_dialogues(count)), make_tokenizer(), UPPER
    ).examples


def test_a_token_sees_itself_and_what_stands_before_it_in_its_own_example() -> None:
    examples = [Encoded((5, 6, 7, 8), 2), Encoded((5, 6, 9), 2), Encoded((4, 6), 1)]

    (row,) = pack(examples, 100)

    sees = make_mask(row, torch.float32, "cpu")[0, 0] == 0
    assert (row.ids, row.positions) == ((5, 6, 7, 8, 9, 4, 6), (0, 1, 2, 3, 2, 0, 1))
    assert [sorted(torch.nonzero(line)[:, 0].tolist()) for line in sees] == [
        [0],
        [0, 1],
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 4],
        [5],
        [5, 6],
    ]


@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "llama", "mixtral"])
def test_only_upper_blocks_take_lora_and_the_lower_ones_are_computed_once(kind: str) -> None:
    model = attach(make_model(kind), UPPER)
    (row,) = pack(encode_some(3), 300)
    split, whole = Forward(model, 1), Forward(model)
    seen: list[Any] = []
    model.get_base_model().model.layers[0].register_forward_hook(lambda *_: seen.append(1))

    first, again = split.log_probs(row), split.log_probs(row)
    computed = len(seen)
    expected = whole.log_probs(row)

    assert computed == 1
    assert torch.allclose(first, expected, rtol=1e-5)
    assert torch.equal(first, again)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trained
    assert all(".layers.1." in name for name in trained)


def test_training_the_upper_blocks_gives_what_it_gives_without_keeping_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def train() -> list[float]:
        examples = encode_some(16)
        torch.manual_seed(0)
        trainer = Trainer(attach(make_model(), UPPER), UPPER, examples[:12], examples[12:])
        losses: list[float] = []
        trainer.run(lambda report: losses.append(getattr(report, "loss", None) or report.val_loss))
        return losses

    kept = train()
    monkeypatch.setattr(module, "KEPT_BYTES_MAX", 0)
    anew = train()

    assert kept == pytest.approx(anew, rel=1e-5)
    assert kept[-1] < kept[0]

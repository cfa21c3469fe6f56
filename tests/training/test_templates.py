"""Chat templates: the very text of each family, and of a model's own folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phyassist.errors import BadInput, UnknownName
from phyassist.training.templates import get_template

SAID = (
    {"role": "user", "content": "How are you?"},
    {"role": "assistant", "content": "Well."},
)
WITH_SYSTEM = ({"role": "system", "content": "Be brief."}, *SAID)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("mistral", "<s> [INST] How are you? [/INST] Well.</s>"),
        ("llama-2", "<s>[INST] How are you? [/INST] Well. </s>"),
        (
            "llama-3",
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nWell.<|eot_id|>",
        ),
        (
            "qwen",
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
            "<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\nWell.<|im_end|>\n",
        ),
        ("yi", "<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\nWell.<|im_end|>\n"),
    ],
)
def test_each_family_comes_out_to_the_letter(family: str, text: str) -> None:
    template = get_template(family)

    rendered = template.render(SAID)

    assert rendered == text


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("mistral", "<s> [INST] Be brief.\n\nHow are you? [/INST] Well.</s>"),
        ("llama-2", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHow are you? [/INST] Well. </s>"),
        (
            "qwen",
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n"
            "<|im_start|>assistant\nWell.<|im_end|>\n",
        ),
    ],
)
def test_a_system_message_goes_where_the_family_has_it(family: str, text: str) -> None:
    template = get_template(family)

    rendered = template.render(WITH_SYSTEM)

    assert rendered == text


def test_a_model_in_a_folder_brings_its_own_template(tmp_path: Path) -> None:
    own = (
        "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
    )
    config = {"chat_template": own, "bos_token": {"content": "^"}, "eos_token": "$"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))

    rendered = get_template(str(tmp_path)).render(SAID)

    assert rendered == "^<user>How are you?$<assistant>Well.$"


def test_a_name_that_is_no_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="mistral, llama-2") as raised:
        get_template("mixtra")

    assert "mixtra" in raised.value.what


def test_a_folder_without_a_template_says_so(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{}")

    with pytest.raises(BadInput, match="no chat template of its own"):
        get_template(str(tmp_path))

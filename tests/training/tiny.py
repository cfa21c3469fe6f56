"""Tiny models with random weights, and a tokenizer of characters: what training code is tried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;?!'\"[]{}()#\n-_/"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    marks = ["<|pad|>", "<|unk|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {token: no for no, token in enumerate([*marks, *CHARACTERS])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="<|unk|>"))
    plain.pre_tokenizer = pre_tokenizers.Split(pattern="", behavior="isolated")
    plain.decoder = decoders.Fuse()
    plain.add_special_tokens(marks)
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        unk_token="<|unk|>",
        pad_token="<|pad|>",
        eos_token="<|im_end|>",
        chat_template=TEMPLATE,
    )


def make_model(kind: str = "qwen2") -> Any:
    """A causal model of two layers with the same numbers every time."""
    import torch
    import transformers

    sizes: dict[str, Any] = {
        "vocab_size": len(CHARACTERS) + 4,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": False,
    }
    if kind == "qwen3":
        sizes["head_dim"] = 8
    if kind == "mixtral":
        sizes |= {"num_local_experts": 4, "num_experts_per_tok": 2}
    names = {"qwen2": "Qwen2", "qwen3": "Qwen3", "llama": "Llama", "mixtral": "Mixtral", "yi": "Llama"}
    config = getattr(transformers, f"{names[kind]}Config")(**sizes)
    torch.manual_seed(1)
    return getattr(transformers, f"{names[kind]}ForCausalLM")(config).eval()


def make_dialogues(count: int) -> list[list[dict[str, str]]]:
    """Short dialogues of several lengths, each with an answer that follows from it."""
    moods = ("calm", "sad", "tired", "glad")
    return [
        [
            {"role": "system", "content": "Say the mood."},
            {"role": "user", "content": f"Day {no}: I feel {moods[no % 4]}" + " today" * (no % 3) + "."},
            {"role": "assistant", "content": f"The mood is {moods[no % 4]}."},
        ]
        for no in range(count)
    ]


def save_base(folder: Path, kind: str = "qwen2") -> Path:
    make_model(kind).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder

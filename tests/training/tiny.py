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


def save_gguf(path: Path, *, seed: int = 1) -> Path:
    """A Qwen2 of one layer with random numbers as a GGUF file, its tokenizer of characters in it.

    Whatever the seed, files are of one size.
    """
    import gguf
    import numpy as np

    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*marks, *dict.fromkeys(CHARACTERS.replace(" ", "Ġ").replace("\n", "Ċ")), "ab"]
    width, inner, heads = 32, 48, 4
    writer = gguf.GGUFWriter(path, arch="qwen2")
    writer.add_block_count(1)
    writer.add_context_length(256)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    chance = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(tokens), width),
        "output_norm.weight": (width,),
        "output.weight": (len(tokens), width),
        "blk.0.attn_norm.weight": (width,),
        "blk.0.ffn_norm.weight": (width,),
        "blk.0.ffn_gate.weight": (inner, width),
        "blk.0.ffn_up.weight": (inner, width),
        "blk.0.ffn_down.weight": (width, inner),
        "blk.0.attn_output.weight": (width, width),
    }
    for side in "qkv":
        shapes |= {f"blk.0.attn_{side}.weight": (width, width), f"blk.0.attn_{side}.bias": (width,)}
    for name, shape in shapes.items():
        writer.add_tensor(name, chance.normal(0, 0.1, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

"""A LoRA adapter made by hand: no training, only numbers that visibly change what the model says."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def make_adapter(path: Path, base: Path, *, seed: int, strength: float = 0.4) -> Path:
    """Write a rank-2 adapter for `base` in llama.cpp's GGUF form: lora_b @ lora_a is added to two matrices.

    lora_a is (rank, inputs), lora_b (outputs, rank), float32; the same seed writes the same bytes.
    """
    rank = 2
    reader = gguf.GGUFReader(base)
    arch_field = reader.get_field("general.architecture")
    assert arch_field is not None
    chance = np.random.default_rng(seed)

    writer = gguf.GGUFWriter(path, arch=str(arch_field.contents()))
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for tensor in reader.tensors:
        if tensor.name not in ("blk.4.ffn_down.weight", "blk.8.ffn_down.weight"):
            continue
        inputs, outputs = int(tensor.shape[0]), int(tensor.shape[1])
        a = chance.normal(0, strength, (rank, inputs)).astype(np.float32)
        b = chance.normal(0, strength, (outputs, rank)).astype(np.float32)
        writer.add_tensor(f"{tensor.name}.lora_a", a)
        writer.add_tensor(f"{tensor.name}.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

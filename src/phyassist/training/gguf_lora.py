"""An adapter in peft's form written as a GGUF LoRA, which the engine loads.

The form is llama.cpp's: `<tensor>.lora_a` (rank, inputs) and `<tensor>.lora_b` (outputs, rank), the scale as
`adapter.lora.alpha`.  Llama's query and key rows stand in another order in GGUF, so their B is permuted.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput

_NAME = re.compile(r"\Abase_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight\Z")
# How transformers calls an architecture, and how GGUF does.
ARCHITECTURES = {
    "llama": "llama",
    "mistral": "llama",
    "mixtral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
}
_PERMUTED = {"llama"}


def has_gguf(said: Mapping[str, Any], config: Any) -> bool:
    """Whether GGUF has a form for an adapter with peft's config `said` on a base with transformers' `config`.

    It has none for LoRA on stacked experts, nor for most architectures.
    """
    return config.model_type in ARCHITECTURES and not said.get("target_parameters")


def export_gguf(adapter: Path, config: Any, target: Path) -> Path:
    """Write `adapter` (a peft folder) for a base with this transformers config as one GGUF file.

    Raises BadInput for an architecture or a module that GGUF has no name for.
    """
    from safetensors.numpy import load_file

    said = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    part = target.with_name(target.name + ".part")
    part.write_bytes(render_gguf(said, load_file(adapter / "adapter_model.safetensors"), config))
    part.replace(target)
    return target


def render_gguf(said: Mapping[str, Any], weights: Mapping[str, Any], config: Any) -> bytes:
    """The bytes of a GGUF LoRA, made in memory: from peft's config, its tensors as numpy, and the base's
    transformers config.

    Raises BadInput for an architecture or a module that GGUF has no name for.
    """
    import gguf
    import numpy as np

    arch = ARCHITECTURES.get(config.model_type)
    if arch is None:
        raise BadInput(
            f"a {config.model_type} adapter cannot be written as GGUF", hint="serve it with vLLM instead"
        )
    if said.get("use_rslora") or said.get("rank_pattern") or said.get("alpha_pattern"):
        raise BadInput("an adapter with several scales cannot be written as GGUF", hint="train with one rank")
    kinds = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[arch], config.num_hidden_layers)
    writer = _make_writer(arch)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(said["lora_alpha"]))
    for key, values in sorted(weights.items()):
        match = _NAME.match(key)
        name = names.get_name(match["module"], try_suffixes=(".weight",)) if match else None
        if match is None or name is None:
            raise BadInput(f"GGUF has no name for {key}", hint="leave that module out of the targets")
        # What was saved in half precision stays so: the engine computes with either.
        kind = np.float16 if values.dtype == np.float16 else np.float32
        numbers = np.ascontiguousarray(values, dtype=kind)
        if match["side"] == "B" and arch in _PERMUTED:
            numbers = _permute(numbers, match["module"], config)
        writer.add_tensor(f"{name}.weight.lora_{match['side'].lower()}", numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    (written,) = writer.fout
    return bytes(written.getbuffer())


def _make_writer(arch: str) -> Any:
    """gguf's writer with its file in memory: an adapter that learnt from patients touches no disk."""
    import gguf
    import numpy as np

    class Numbers(np.ndarray):
        """numpy's own `tofile` asks for a file of the system's."""

        def tofile(self, file: Any, sep: str = "", format: str = "%s") -> None:  # noqa: ARG002
            file.write(self.tobytes())

    class MemoryWriter(gguf.GGUFWriter):
        def open_output_file(self, path: Path | None = None) -> None:  # noqa: ARG002
            if self.fout is None:
                self.fout = [io.BytesIO()]  # type: ignore[list-item]
                self.state = gguf.gguf_writer.WriterState.EMPTY

        def add_tensor(self, name: str, tensor: Any, *more: Any, **options: Any) -> None:
            super().add_tensor(name, tensor.view(Numbers), *more, **options)

    return MemoryWriter(None, arch=arch)


def _permute(weights: Any, module: str, config: Any) -> Any:
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    count = heads.get(module.rpartition(".")[2])
    if count is None:
        return weights
    outputs, rank = weights.shape
    halves = weights.reshape(count, 2, outputs // count // 2, rank)
    return halves.swapaxes(1, 2).reshape(outputs, rank)

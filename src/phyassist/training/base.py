"""The base model to train on: from a folder or the hub, or a GGUF file of the catalogue made into one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phyassist.errors import BadInput, BadSetting, ModelMissing, TrainingFailed
from phyassist.lm.folders import is_full, make_writable, say_full
from phyassist.lm.ggufs import read_head
from phyassist.lm.hashing import load_sha256
from phyassist.training.attention import attend_plainly

if TYPE_CHECKING:
    from phyassist.training.recipe import Precision, Recipe
    from phyassist.training.teams import Spread

DONE = "converted.json"
# What transformers loads.  The second is for models that have nothing but a pickle; some hold both, and other
# files of weights too: the same in another form, or an adapter's.
WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")


def load_tokenizer(base: str) -> Any:
    """Raises ModelMissing, and BadInput for a model without a chat template."""
    from transformers import AutoTokenizer

    _check_whole(base)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise _missing(base) from error
    if not getattr(tokenizer, "chat_template", None):
        raise BadInput(f"{base} has no chat template", hint="train an instruct or chat model")
    _check_template(tokenizer, base)
    return tokenizer


def _check_whole(base: str) -> None:
    """A copy that broke off: what the tokenizers say of it could not be told from a fault of ours."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        file = Path(base) / name
        try:
            if file.is_file():
                said = json.loads(file.read_text("utf-8"))
                # Of JSON that is no tokenizer the library says so with a bare Exception.
                if name == "tokenizer.json" and not (isinstance(said, dict) and "model" in said):
                    raise ValueError(name)
        except (OSError, ValueError) as error:
            raise ModelMissing(
                f"{name} of the base model {base} is broken off or damaged", hint="fetch or copy it anew"
            ) from error


def _check_template(tokenizer: Any, base: str) -> None:
    from jinja2 import TemplateError

    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False)
    except TemplateError as error:
        raise BadInput(
            f"the chat template of {base} cannot be filled", hint="fetch or copy the model anew"
        ) from error


@contextmanager
def say_no_memory() -> Iterator[None]:
    """What torch raises where a device has no memory left, as TrainingFailed."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # Of the processor's memory torch says so in its words alone.
        said = f"{type(error).__name__} {error}"
        if not any(mark in said for mark in ("OutOfMemoryError", "MemoryError", "can't allocate memory")):
            raise
        raise TrainingFailed(
            "the memory does not suffice for this run",
            hint="phyassist train --dry-run says what a run takes; set a smaller row_tokens, "
            "checkpointing=true, or quantise=nf4 on a GPU",
        ) from None


def find_device() -> str:
    """The quickest device of this machine, this process's own where there are several.

    Raises ModuleNotFoundError without torch.
    """
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    # cuDNN's attention under a mask brought losses that were no numbers, always at the same steps, on an H100
    # with torch 2.11 and cuDNN 9.19; torch's own kernels go through them.
    torch.backends.cuda.enable_cudnn_sdp(False)
    return f"cuda:{torch.cuda.current_device()}"


def load_config(base: str) -> Any:
    """The model's measures, without its weights.  Raises ModelMissing."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise _missing(base) from error


def fetch_weights(base: str) -> None:
    """What `load_base` wants of a model of the hub lies on this computer.  Raises ModelMissing."""
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download

    for weights in WEIGHTS:
        try:
            wanted = ["config.json", weights, f"{weights}.index.json"]
            folder = snapshot_download(base, allow_patterns=wanted)
        except (HTTPError, OSError, RuntimeError, ValueError) as error:
            raise _missing(base) from error
        if any(Path(folder).glob(weights)):
            return


def make_empty(config: Any, base: str) -> Any:
    """A model of these measures with weights that mean nothing.  Raises BadInput as `load_base` does."""
    from transformers import AutoModelForCausalLM

    _check_writes(config, base)
    return AutoModelForCausalLM.from_config(config)


def _check_writes(config: Any, base: str) -> None:
    from transformers import AutoModelForCausalLM

    is_known = type(config) in AutoModelForCausalLM._model_mapping or hasattr(config, "auto_map")
    if not is_known or getattr(config, "is_encoder_decoder", False):
        raise BadInput(
            f"{base} is a {config.model_type} model, which does not write on from what it has read",
            hint="train an instruct or chat model: Qwen, Llama, Mistral, Gemma …",
        )


@say_no_memory()
def load_base(base: str, recipe: Recipe, device: str, spread: Spread = "copies") -> Any:
    """The model in the recipe's precision, its weights quantised if the recipe says so.

    It lies on the device; layers: over all devices; shards: in the host's memory until it is sharded.
    Raises ModelMissing, BadSetting, BadInput for a kind of model that does not write, TrainingFailed where
    the memory does not suffice.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    _check_writes(load_config(base), base)
    options: dict[str, Any] = {"dtype": choose_dtype(recipe, device)}
    quantised = make_quantisation(recipe, device)
    if quantised is not None and spread == "shards":
        raise BadSetting("quantised weights cannot be sharded", hint="set quantise=none, or spread layers")
    if spread == "layers":
        options["device_map"] = "auto"
    elif quantised is not None:
        options["device_map"] = {"": device}
    if quantised is not None:
        options["quantization_config"] = quantised
    try:
        model = AutoModelForCausalLM.from_pretrained(base, **options)
    except SafetensorError as error:
        raise ModelMissing(
            f"the weights of the base model {base} are broken off or damaged", hint="fetch or copy them anew"
        ) from error
    except (OSError, ValueError) as error:
        raise _missing(base) from error
    if quantised is None and spread == "copies":
        model.to(device)
    attend_plainly(model)
    model.config.use_cache = False
    if recipe.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    return model


def choose_dtype(recipe: Recipe, device: str) -> Any:
    """What `choose_precision` names, as torch's type."""
    import torch

    named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    return named[choose_precision(recipe, device)]


def choose_precision(recipe: Recipe, device: str) -> Precision:
    """The recipe's, or bf16 where the device multiplies in it.

    A processor with bf16 products of its own is twice as quick in them; any other is many times slower.
    """
    import torch

    if recipe.precision != "auto":
        return recipe.precision
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    can = torch.cpu.get_capabilities()
    return "bf16" if can.get("avx512_bf16") or can.get("amx_bf16") else "fp32"


def make_quantisation(recipe: Recipe, device: str) -> Any:
    """The bitsandbytes settings of the recipe; None where weights stay whole."""
    if recipe.quantise == "none":
        return None
    from transformers import BitsAndBytesConfig

    if recipe.quantise == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=choose_dtype(
            recipe if recipe.nf4_compute == "auto" else replace(recipe, precision=recipe.nf4_compute), device
        ),
        bnb_4bit_use_double_quant=False,
    )


def convert_gguf(gguf: Path, folder: Path) -> Path:
    """A folder with the weights of a GGUF file in float32 and its tokenizer; made once, marked when whole.

    Reading takes a minute and eight bytes of memory a weight; what is loaded later takes seconds.  A file
    that took another's place is converted anew.
    Raises ModelMissing, ModelDamaged, BadInput where the folder cannot be made, StoreFull.
    """
    if is_converted(gguf, folder):
        return folder
    read_head(gguf)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    make_writable(part, named=folder)
    try:
        with say_full(folder):
            _convert(gguf, part)
            made = {"from": gguf.name, "bytes": gguf.stat().st_size, "sha256": load_sha256(gguf)}
            (part / DONE).write_text(json.dumps(made) + "\n")
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def is_converted(gguf: Path, folder: Path) -> bool:
    """Whether the folder holds this very file's weights; a file that is gone cannot speak against it."""
    try:
        made = json.loads((folder / DONE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    if not gguf.is_file():
        return True
    if made.get("bytes") != gguf.stat().st_size:
        return False
    # What was made before the hash was written down is known by its size alone.
    return not made.get("sha256") or made["sha256"] == load_sha256(gguf)


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except (OSError, ValueError) as error:
        if is_full(error):
            raise
        raise _missing(str(gguf)) from error
    # A model that came out of a quantised file calls itself quantised, and refuses to be saved.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _missing(base: str) -> ModelMissing:
    return ModelMissing(
        f"the base model {base} cannot be loaded",
        hint="name a folder, a model of the hub, or one of the catalogue (phyassist models list)",
    )

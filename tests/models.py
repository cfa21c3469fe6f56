"""Where tests find model files: in PHYASSIST_MODELS_DIR, else where `make run` fetches them to."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from filelock import FileLock

from phyassist.settings import default_home

# Read when tests are collected: a test itself sees none of the variables from outside.
MODELS_DIR = Path(os.environ.get("PHYASSIST_MODELS_DIR") or default_home() / "models")


def find_model(name: str) -> Path:
    """The file of a catalogue model; skips the test, with what to do, where it is not there."""
    path = MODELS_DIR / f"{name}.gguf"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {MODELS_DIR}; make models fetches it")
    return path


def find_base(name: str) -> Path:
    """The same as a folder to train on, made where `phyassist train --base NAME` makes it."""
    from phyassist.training.base import convert_gguf

    file, folder = find_model(name), MODELS_DIR.parent / "bases" / name
    folder.parent.mkdir(exist_ok=True)
    # Another worker may want it at the same moment.
    with FileLock(folder.with_name(f"{name}.lock")):
        return convert_gguf(file, folder)


def cut_model(name: str, target: Path, *, layers: int) -> Path:
    """A catalogue model with its first layers alone: as real for all that works with it, and far quicker."""
    import gguf

    reader = gguf.GGUFReader(find_model(name))
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, arch=architecture)
    count = f"{architecture}.block_count"
    for key, each in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            value = layers if key == count else each.contents()
            writer.add_key_value(key, value, each.types[0], each.types[-1] if len(each.types) > 1 else None)
    for tensor in reader.tensors:
        block = re.match(r"blk\.(\d+)\.", tensor.name)
        if block is None or int(block[1]) < layers:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target

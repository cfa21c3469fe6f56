"""What libraries say about themselves while they load stays off the terminal; their errors do not."""

from __future__ import annotations

import logging
import warnings
from importlib.util import find_spec

# Each is about how libraries call one another, and nothing that whoever runs a command can change.
_HARMLESS = (
    (FutureWarning, r"`is_gradient_checkpointing` is deprecated"),
    (UserWarning, r"Adapter .* was active which is now deleted"),
)


def quieten_libraries() -> None:
    """Before a command loads a model: no bars over weights, no advice from one library to another."""
    # It misses a faster kernel, while the one that it has does the same.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    for kind, message in _HARMLESS:
        warnings.filterwarnings("ignore", message=message, category=kind)
    if find_spec("transformers") is None:
        return
    from huggingface_hub.utils import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # That silenced the hub's client too, whose downloads take minutes.
    enable_progress_bars()

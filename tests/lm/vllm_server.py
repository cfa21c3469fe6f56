"""A server on loopback with the doors that vLLM has for adapters at run time; it reads what it is told to."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.lm.local_server import send, send_events

FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass
class Vllm:
    """What it was handed: folders by name, their modes, their files; and which model each question named."""

    answer: Callable[[dict[str, Any]], str] = lambda _: ""
    loaded: dict[str, Path] = field(default_factory=dict)
    files: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    modes: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        said = json.loads(body or b"{}")
        names = ["base", *self.loaded]
        if handler.path == "/v1/models":
            send(handler, 200, json.dumps({"data": [{"id": name} for name in names]}).encode())
        elif handler.path == "/v1/load_lora_adapter" and said["lora_name"] in self.loaded:
            send(handler, 400, b"The lora adapter has already been loaded.")
        elif handler.path == "/v1/load_lora_adapter":
            folder = Path(said["lora_path"])
            self.files[said["lora_name"]] = tuple((folder / name).read_bytes() for name in FILES)
            self.modes.append(stat.S_IMODE(folder.stat().st_mode))
            self.loaded[said["lora_name"]] = folder
            send(handler, 200, b"Success: LoRA adapter added successfully.")
        elif handler.path == "/v1/unload_lora_adapter":
            self.loaded.pop(said["lora_name"])
            send(handler, 200, b"Success: LoRA adapter removed successfully.")
        elif handler.path == "/v1/chat/completions" and said["model"] in names:
            self.asked.append(said["model"])
            choice = {"index": 0, "delta": {"content": self.answer(said)}, "finish_reason": "stop"}
            event = {"model": said["model"], "choices": [choice]}
            send_events(handler, json.dumps(event, ensure_ascii=False), "[DONE]")
        else:
            send(handler, 404, b"{}")

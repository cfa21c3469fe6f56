"""An OpenAI-compatible server that answers from a queue: the command line's model in tests."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "scripted-outside"
PIECE_CHARS = 6


@dataclass
class ScriptedServer:
    """`url` to hand to PHYASSIST_MODEL_URL; `asked` holds the bodies of the requests."""

    url: str
    replies: deque[str]
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def serve_script(replies: Sequence[str]) -> Iterator[ScriptedServer]:
    """A server on a free port of loopback, closed at the end of the block."""
    script: ScriptedServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            self._answer({"data": [{"id": NAME}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/tokenize"):
                self.send_error(404)
                return
            script.asked.append(body)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            # Organise may ask for a second reading; what is scripted is the draft.
            is_draft = "symptom_type" in json.dumps(body.get("response_format") or "symptom_type")
            text = script.replies.popleft() if is_draft and script.replies else "{}"
            for start in range(0, len(text), PIECE_CHARS):
                self._send({"choices": [{"delta": {"content": text[start : start + PIECE_CHARS]}}]})
            usage = {"prompt_tokens": 100, "completion_tokens": max(1, len(text) // PIECE_CHARS)}
            self._send({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage, "model": NAME})
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, event: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

        def _answer(self, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing is logged: the path of a request is enough of a trace in a test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        script = ScriptedServer(f"http://127.0.0.1:{server.server_port}/v1", deque(replies))
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()

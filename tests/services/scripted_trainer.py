"""A training process that learns nothing: it does what the recipe's `act` says, over the very same pipe.

Run as `python -m tests.services.scripted_trainer`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

from phyassist.domain.frames import read_frame, write_frame

# A worker tells how far a run is once in this time; its own modules are too slow to import here.
BEAT_EVERY_S = 1.0


def main() -> None:
    source, to = sys.stdin.buffer, sys.stdout.buffer
    first = read_frame(source)
    if first is None:
        return
    more = [read_frame(source) for _ in range(first.head["more"])]
    checkpoint = next((each.data for each in more if each and each.kind == "checkpoint"), b"")
    threading.Thread(target=_end_with_parent, args=(source,), daemon=True).start()
    act, rows = first.head["recipe"].get("act", ""), json.loads(first.data)

    def say(kind: str, data: bytes = b"", **head: Any) -> None:
        write_frame(to, {"kind": kind, **head}, data)

    if act.startswith("fail "):
        say("failed", code=act.removeprefix("fail "))
        return
    if act == "die":
        os.kill(os.getpid(), 9)
    begun = int(checkpoint or b"0")
    is_late = act == "late"
    steps = 8 if is_late else 3
    for step in range(begun + 1, 4):
        say("report", of="StepReport", step=step, steps=steps, loss=3.0 - step, tokens=100, seconds=0.5)
        say("report", of="EvalReport", step=step, val_loss=2.0 - step / 10)
        large = 1_000_000 if act == "large checkpoint" else 1
        say("checkpoint", str(step).encode() * large, step=step)
        if act == "hang" and step == 2 and not begun:
            time.sleep(60)
        if act == "slow" and step == 2:
            time.sleep(2 * BEAT_EVERY_S)
    said = {
        "begun": begun,
        "others": sorted({each.head["of"] for each in more if each and each.kind == "file"}),
    }
    for name in ("adapter_config.json", "adapter_model.safetensors", "adapter.gguf"):
        say("file", json.dumps({**said, "rows": len(rows)}).encode(), name=name)
    held = sorted({row["language"] for row in rows if row["held_out"]})
    losses = {name: dict.fromkeys(held, 1.5) for name in said["others"]}
    losses |= {"new": dict.fromkeys(held, 1.0), "base": dict.fromkeys(held, 2.0)}
    done = {"steps": 3, "best_step": 3, "is_late": is_late, "examples": len(rows), "too_long": 0}
    say("done", **done, losses=losses, seconds=1.5, recipe={})


def _end_with_parent(source: Any) -> None:
    # A thread that waits in `source` holds its lock, for which the interpreter waits a second at its end.
    while os.read(source.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()

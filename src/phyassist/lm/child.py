"""The engine: llama.cpp in a process of its own, speaking the OpenAI protocol on loopback.

Run as `python -m phyassist.lm.child` by `phyassist.lm.engine`.  The first line on stdin is a JSON object with
the settings and the key; the first line on stdout says `{"url": ...}` or `{"failed": ...}`.  When stdin
closes, because the parent ended however it ended, this process ends too.  Nothing else is imported from the
package: a native crash here takes no other part down.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

SPIN_COUNT = "1000"


def main() -> None:
    """Serve until stdin closes."""
    # Ctrl-C in a terminal reaches the whole group; it is the parent that decides when the engine ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    forbid_core_files()
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        server = start_server(settings)
    except (RuntimeError, ValueError, OSError) as error:
        say({"failed": type(error).__name__})
        os._exit(1)
    say({"url": server.listening_address})
    threading.Event().wait()


def start_server(settings: dict[str, Any]) -> Any:
    """A listening llama.cpp server; raises RuntimeError when the model or an adapter cannot be loaded."""
    # llama.cpp's threads wait for each other many times a token.  OpenMP's default lets them spin for long:
    # they then fight any busy neighbour for the core, and none gets anywhere.  Sleeping at once costs 40 % of
    # the speed of a quiet machine.  A short spin has nearly the whole of both (docs/models.md).
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["context_tokens"] * settings["slots"]
    params.n_parallel = settings["slots"]
    # A request is looked at between two batches: small ones let a stop, or a person's question, in soon.
    params.n_batch = params.n_ubatch = settings["batch_tokens"]
    params.cache_ram_mib = settings["cache_mib"]
    if settings["threads"]:
        params.cpuparams.n_threads = settings["threads"]
        params.cpuparams_batch.n_threads = settings["threads"]
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in settings["adapters"]]
    params.lora_init_without_apply = True
    # The window is set, and weights lie in memory that is there: to try out what would fit, and a first token
    # that nobody asked for, would double the time to load.
    params.fit_params = False
    params.warmup = False
    # Counts alone: by them the parent sees whether somebody is being answered.
    params.endpoint_metrics = True
    # Every page and route that could show what was asked is off; so is the log.
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = ""
    params.verbosity = -1
    return xllamacpp.Server(params)


def end_with_parent() -> None:
    """Wait for the end of stdin, then leave at once, even in the middle of an answer."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def forbid_core_files() -> None:
    """A crash must not leave what was being read on the disk."""
    try:
        import resource
    except ImportError:  # Windows writes none by itself
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def say(what: dict[str, str]) -> None:
    """Write one line of JSON to the parent."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

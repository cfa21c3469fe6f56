"""The Space: pull the adapter that it is told to show, and put it beside its base."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ.get("SPACE_HOME", Path.home() / "phyassist"))
PORT = os.environ.get("GRADIO_SERVER_PORT", "7860")


def phyassist(*words: str) -> None:
    """One command of PhyAssist, which says itself what went wrong."""
    subprocess.run([sys.executable, "-m", "phyassist.cli.main", "--home", str(HOME), *words], check=True)  # noqa: S603


def main() -> None:
    """Fetch what is missing, then open the page."""
    adapter, base = os.environ["ADAPTER"], os.environ["BASE"]
    folder = HOME / "adapter"
    if "/" not in base:
        phyassist("models", "fetch", base)
    if not folder.exists():
        phyassist("pull", adapter, "--out", str(folder))
    phyassist("demo", str(folder), "--base", base, "--host", "0.0.0.0", "--port", PORT)  # noqa: S104


if __name__ == "__main__":
    main()

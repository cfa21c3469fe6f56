"""Which time zone this computer keeps."""

from __future__ import annotations

from pathlib import Path


def find_zone(localtime: Path = Path("/etc/localtime")) -> str:
    """This computer's time zone by its name, UTC where it does not say."""
    parts = localtime.resolve().parts
    if "zoneinfo" in parts:
        name = "/".join(parts[parts.index("zoneinfo") + 1 :])
        if name and not name.startswith(("posix/", "right/", "Etc/")):
            return name
    return "UTC"

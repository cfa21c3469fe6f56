"""Time and identity, passed in where they matter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

Clock = Callable[[], datetime]
NewId = Callable[[], str]


def utc_now() -> datetime:
    """This moment, in UTC and aware of it."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh identity of 32 hexadecimal digits, made before the insert so that sealing can bind to it."""
    return uuid4().hex

"""What the practice has settled.  In the clear: a locked page must know its language and when to lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, select, update

from phyassist.domain.practice import PracticeSettings
from phyassist.errors import NotSetUp
from phyassist.store.tables import practice


class Settings:
    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def get(self) -> PracticeSettings:
        """Raises NotSetUp."""
        found = self._conn.execute(select(practice.c.settings)).scalar_one_or_none()
        if found is None:
            raise not_set_up()
        return read_settings(found)

    def save(self, settings: PracticeSettings) -> None:
        self._conn.execute(
            update(practice).values(settings=write_settings(settings), version=practice.c.version + 1)
        )


def write_settings(settings: PracticeSettings) -> dict[str, Any]:
    return asdict(settings)


def read_settings(stored: Mapping[str, Any]) -> PracticeSettings:
    """What was stored; a setting that came later has its default, one that went is passed over."""
    known = {field.name for field in fields(PracticeSettings)}
    return PracticeSettings(**{name: value for name, value in stored.items() if name in known})


def not_set_up() -> NotSetUp:
    return NotSetUp("this practice has not been set up", hint="open the workspace and choose a passphrase")

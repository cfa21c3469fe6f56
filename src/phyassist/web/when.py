"""Times as the counsellor's own clock and calendar show them; inside they are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phyassist.web.wording import Words

DAYS_BY_NAME = 6


@dataclass(frozen=True, slots=True)
class When:
    """Says a moment in the reader's zone and language; `now` decides what is today."""

    zone: ZoneInfo
    w: Words
    now: datetime

    def clock(self, at: datetime | None) -> str:
        """`14:03`, empty where there is no time."""
        return "" if at is None else at.astimezone(self.zone).strftime("%H:%M")

    def date(self, at: datetime | None) -> str:
        """`2026-11-02`"""
        return "" if at is None else at.astimezone(self.zone).strftime("%Y-%m-%d")

    def day_of_month(self, at: datetime) -> str:
        """`4 March`, `3月4日`"""
        there = at.astimezone(self.zone)
        return self.w("when.day_of_month", day=there.day, month=self.w(f"when.month{there.month}"))

    def moment(self, at: datetime | None) -> str:
        """`2026-11-02 14:03`"""
        return "" if at is None else f"{self.date(at)} {self.clock(at)}"

    def day(self, at: datetime | None) -> str:
        """Today, yesterday, a weekday within the week, else the date."""
        if at is None:
            return ""
        there = at.astimezone(self.zone).date()
        days = (self.now.astimezone(self.zone).date() - there).days
        if days == 0:
            return self.w("when.today")
        if days == 1:
            return self.w("when.yesterday")
        if 1 < days <= DAYS_BY_NAME:
            return self.w(f"when.day{there.isoweekday()}")
        return there.isoformat()


def make_zone(name: str) -> ZoneInfo:
    """The zone of that name; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")

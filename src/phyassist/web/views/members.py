"""The people of the practice, one's own account, and with whom a patient is shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from markupsafe import Markup

from phyassist.domain.people import CounsellorId, Role
from phyassist.services.accounts import OwnAccount
from phyassist.services.people import Colleague, list_invitations
from phyassist.services.practice import OpenLogin
from phyassist.services.sharing import Sharing
from phyassist.web.desk import Desk
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: str
    name: str = field(repr=False)
    role: str
    fingerprint: str
    kept: int
    is_self: bool
    has_second_factor: bool
    keys_changed: bool
    ended: str


@dataclass(frozen=True, slots=True)
class InvitationRow:
    id: str
    name: str = field(repr=False)
    role: str
    until: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`code` is a one-time code that was just made, for `invited`; it is shown this once.

    Without a code `invited` is what was typed and could not be taken.
    """

    template: ClassVar[str] = "members.html"
    w: Words
    frame: Frame
    people: tuple[PersonRow, ...]
    invitations: tuple[InvitationRow, ...]
    roles: tuple[tuple[str, str], ...]
    code: str = field(repr=False, default="")
    invited: str = field(repr=False, default="")
    said: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LoginRow:
    id: str
    browser: str
    opened: str
    seen: str
    is_this_one: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """A second factor that waits for its first code: to be typed into an app, or photographed."""

    secret: str = field(repr=False)
    grouped: str = field(repr=False)
    picture: Markup = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody of whom a form makes one choose."""

    id: str
    name: str = field(repr=False)
    role: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    template: ClassVar[str] = "account.html"
    w: Words
    frame: Frame
    role: str
    fingerprint: str
    recoveries: tuple[str, ...]
    logins: tuple[LoginRow, ...]
    kept: int
    colleagues: tuple[Choice, ...]
    tomorrow: str
    proposal: Proposal | None = None
    said: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SharedRow:
    id: str
    name: str = field(repr=False)
    role: str
    right: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class SharingPage:
    """`others` and the forms are for who is in charge."""

    template: ClassVar[str] = "sharing.html"
    w: Words
    frame: Frame
    head: PatientHead
    in_charge: str = field(repr=False)
    mine: bool
    shared: tuple[SharedRow, ...]
    others: tuple[Choice, ...]
    tomorrow: str
    said: str = ""
    problem: str = ""


def view_people(desk: Desk, people: tuple[Colleague, ...]) -> tuple[PersonRow, ...]:
    return tuple(
        PersonRow(
            one.member.id,
            one.member.counsellor.name,
            desk.w(f"role.{one.member.role.value}"),
            one.member.identity.fingerprint if one.member.identity else "",
            one.kept,
            one.member.id == desk.by.id,
            one.member.has_second_factor,
            one.keys_changed,
            desk.when.date(one.member.ended_at),
        )
        for one in people
    )


def view_invitations(desk: Desk) -> tuple[InvitationRow, ...]:
    """Those that wait, for who runs the practice; none for anybody else."""
    if not desk.by.runs_practice:
        return ()
    return tuple(
        InvitationRow(
            each.invitation.counsellor_id,
            each.name,
            desk.w(f"role.{each.invitation.role}"),
            desk.when.date(each.invitation.until),
        )
        for each in list_invitations(desk.house.store, desk.by)
    )


def view_roles(w: Words) -> tuple[tuple[str, str], ...]:
    return tuple((role.value, w(f"role.{role.value}")) for role in Role)


def view_logins(desk: Desk, logins: tuple[OpenLogin, ...]) -> tuple[LoginRow, ...]:
    return tuple(
        LoginRow(
            each.id,
            each.browser or desk.w("account.some_browser"),
            desk.when.moment(each.opened_at),
            desk.when.moment(each.seen_at),
            each.is_this_one,
        )
        for each in logins
    )


def view_choices(w: Words, people: tuple[Colleague, ...], but: CounsellorId) -> tuple[Choice, ...]:
    """Everybody with whom a file can be shared, but one."""
    return tuple(
        Choice(one.member.id, one.member.counsellor.name, w(f"role.{one.member.role.value}"))
        for one in people
        if one.can_be_given and one.member.id != but
    )


def view_sharing(desk: Desk, sharing: Sharing) -> tuple[SharedRow, ...]:
    w = desk.w
    return tuple(
        SharedRow(
            each.holder.counsellor_id,
            each.member.counsellor.name,
            w(f"role.{each.member.role.value}"),
            w("sharing.writes" if each.holder.may_write else "sharing.reads"),
            desk.when.date(each.holder.since),
            say_last_day(desk, each.holder.until),
        )
        for each in sharing.shared
    )


def view_recoveries(desk: Desk, account: OwnAccount) -> tuple[str, ...]:
    return tuple(desk.when.moment(at) for at in account.recoveries)


def say_last_day(desk: Desk, until: datetime | None) -> str:
    """The last whole day of a share that ends at midnight."""
    return "" if until is None else desk.when.date(until - timedelta(microseconds=1))


def read_last_day(desk: Desk, text: str) -> datetime | None:
    """The end of a day in the counsellor's own calendar; None for no day.  Raises ValueError."""
    if not text.strip():
        return None
    day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=desk.when.zone)
    return (day + timedelta(days=1)).astimezone(UTC)


def say_tomorrow(desk: Desk) -> str:
    return desk.when.date(desk.house.clock() + timedelta(days=1))

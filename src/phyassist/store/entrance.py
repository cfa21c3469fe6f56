"""What may be looked up before anyone has signed in: accounts, tries and logins.  Nothing is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from phyassist.domain.clock import Clock, NewId
from phyassist.domain.people import CounsellorId, Role
from phyassist.errors import NotFound
from phyassist.store.adapter_files import AdapterFiles
from phyassist.store.audit import Audit
from phyassist.store.erasures import Backups, Erasures
from phyassist.store.held_runs import HeldRuns
from phyassist.store.jobs import Jobs
from phyassist.store.practice import Settings, not_set_up
from phyassist.store.runs import Runs
from phyassist.store.tables import counsellors, data_keys, invitations, key_wraps, logins, practice, tries
from phyassist.store.workers import JobKeys
from phyassist.store.wraps import Wrap, read_wrap, select_wraps

# One row, and its id is known in advance: two first-time set-ups cannot both succeed.
PRACTICE_ID = "practice"


@dataclass(frozen=True, slots=True)
class Account:
    """A counsellor's row: what a passphrase is tried against."""

    id: CounsellorId
    role: str
    public_key: bytes = field(repr=False)
    passphrase_lock: str = field(repr=False)
    private_sealed: bytes = field(repr=False)
    person_sealed: bytes = field(repr=False)
    version: int
    name_tag: str | None = field(default=None, repr=False)
    identity_sealed: bytes | None = field(default=None, repr=False)
    second_sealed: bytes | None = field(default=None, repr=False)
    ended_at: datetime | None = None
    recovered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a passphrase failed in a row, and when it was last tried."""

    failed: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """A signed-in browser."""

    id: str
    counsellor_id: CounsellorId
    private_sealed: bytes = field(repr=False)
    opened_at: datetime
    seen_at: datetime
    browser_sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An account that is to be.  Its id and what opens the payload both follow from the one-time code."""

    id: str
    counsellor_id: CounsellorId
    role: str
    person_sealed: bytes = field(repr=False)
    payload_sealed: bytes = field(repr=False)
    by_id: CounsellorId
    made_at: datetime
    until: datetime


class Entrance:
    def __init__(self, conn: Connection, clock: Clock, new_id: NewId) -> None:
        self._conn = conn
        self.clock = clock
        self.new_id = new_id
        self.settings = Settings(conn)

    @property
    def conn(self) -> Connection:
        """For the directory of people, which both sides of the door read."""
        return self._conn

    def audit(self, by_id: str = "", origin: str = "") -> Audit:
        return Audit(self._conn, self.clock, by_id, origin)

    @property
    def backups(self) -> Backups:
        return Backups(self._conn)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self._conn, self.clock)

    @property
    def held_runs(self) -> HeldRuns:
        return HeldRuns(self._conn, self.clock)

    @property
    def job_keys(self) -> JobKeys:
        return JobKeys(self._conn, self.clock)

    @property
    def adapter_files(self) -> AdapterFiles:
        """For a worker, which was given an adapter's key with its job."""
        return AdapterFiles(self._conn)

    @property
    def runs(self) -> Runs:
        return Runs(self._conn, self.clock)

    @property
    def erasures(self) -> Erasures:
        return Erasures(self._conn)

    def is_set_up(self) -> bool:
        return self._conn.execute(select(practice.c.id)).first() is not None

    def recovery_public(self) -> bytes:
        """Raises NotSetUp."""
        found = self._conn.execute(select(practice.c.recovery_public)).scalar_one_or_none()
        if found is None:
            raise not_set_up()
        return bytes(found)

    def recovery_pin(self, counsellor_id: CounsellorId) -> bytes:
        """The recovery key's public half as this counsellor keeps it, sealed."""
        pinned = select(counsellors.c.recovery_sealed).where(counsellors.c.id == counsellor_id)
        return bytes(self._conn.execute(pinned).scalar_one())

    def add_practice(self, *, recovery_public: bytes, settings: Mapping[str, Any]) -> None:
        self._conn.execute(
            insert(practice).values(
                id=PRACTICE_ID,
                recovery_public=recovery_public,
                settings=dict(settings),
                version=1,
                created_at=self.clock(),
            )
        )

    def add_account(self, account: Account, *, recovery_sealed: bytes) -> None:
        self._conn.execute(
            insert(counsellors).values(
                id=account.id,
                role=account.role,
                public_key=account.public_key,
                passphrase_lock=account.passphrase_lock,
                private_sealed=account.private_sealed,
                recovery_sealed=recovery_sealed,
                person_sealed=account.person_sealed,
                version=account.version,
                created_at=self.clock(),
                name_tag=account.name_tag,
                identity_sealed=account.identity_sealed,
            )
        )

    def account(self, counsellor_id: CounsellorId | None = None) -> Account:
        """A counsellor's row; the founder's where no id is given.  Raises NotSetUp, NotFound."""
        query = select(counsellors).order_by(counsellors.c.created_at, counsellors.c.id).limit(1)
        if counsellor_id is not None:
            query = query.where(counsellors.c.id == counsellor_id)
        row = self._conn.execute(query).mappings().first()
        if row is None and counsellor_id is None:
            raise not_set_up()
        if row is None:
            raise NotFound(f"no counsellor {counsellor_id}", hint="sign in again")
        return read_account(row)

    def accounts(self) -> tuple[Account, ...]:
        """All of the practice, the founder first."""
        query = select(counsellors).order_by(counsellors.c.created_at, counsellors.c.id)
        return tuple(read_account(row) for row in self._conn.execute(query).mappings())

    def complete_account(self, counsellor_id: CounsellorId, *, tag: str, identity_sealed: bytes) -> None:
        """Add to an account of an earlier schema what that did not have."""
        self._conn.execute(
            update(counsellors)
            .where(counsellors.c.id == counsellor_id)
            .values(name_tag=tag, identity_sealed=identity_sealed)
        )

    def set_second(self, counsellor_id: CounsellorId, sealed: bytes | None, step: int | None) -> None:
        """The second factor, with the step of the code that proved it; None takes it away."""
        self._conn.execute(
            update(counsellors)
            .where(counsellors.c.id == counsellor_id)
            .values(second_sealed=sealed, second_step=step)
        )

    def use_code(self, counsellor_id: CounsellorId, step: int) -> bool:
        """Whether no code of this step or a later one has been used; it now has."""
        last = counsellors.c.second_step
        done = self._conn.execute(
            update(counsellors)
            .where(counsellors.c.id == counsellor_id, or_(last.is_(None), last < step))
            .values(second_step=step)
        )
        return done.rowcount == 1

    def set_recovered(self, counsellor_id: CounsellorId, at: datetime | None) -> None:
        """When the recovery key was last used for this account, until the counsellor has seen it."""
        self._conn.execute(
            update(counsellors).where(counsellors.c.id == counsellor_id).values(recovered_at=at)
        )

    def set_ended(self, counsellor_id: CounsellorId, ended_at: datetime | None) -> None:
        self._conn.execute(
            update(counsellors).where(counsellors.c.id == counsellor_id).values(ended_at=ended_at)
        )

    def runs_practice(self, counsellor_id: CounsellorId, role: Role) -> bool:
        """Whether this is an administrator or, while there is none, the first counsellor."""
        if role is Role.ADMINISTRATOR:
            return True
        administrators = select(counsellors.c.id).where(
            counsellors.c.role == Role.ADMINISTRATOR.value, counsellors.c.ended_at.is_(None)
        )
        if self._conn.execute(administrators.limit(1)).first() is not None:
            return False
        return self.account().id == counsellor_id

    def save_account(self, account: Account, *, after: int, recovery_sealed: bytes | None = None) -> bool:
        """Whether the row still stood at version `after` and now says this."""
        values: dict[str, object] = {
            "public_key": account.public_key,
            "passphrase_lock": account.passphrase_lock,
            "private_sealed": account.private_sealed,
            "person_sealed": account.person_sealed,
            "version": account.version,
            "identity_sealed": account.identity_sealed,
            "name_tag": account.name_tag,
            "second_sealed": account.second_sealed,
            "recovered_at": account.recovered_at,
        }
        if recovery_sealed is not None:
            values["recovery_sealed"] = recovery_sealed
        done = self._conn.execute(
            update(counsellors)
            .where(counsellors.c.id == account.id, counsellors.c.version == after)
            .values(values)
        )
        return done.rowcount == 1

    def add_key(self, key_id: str, term: int, wraps: list[dict[str, object]]) -> None:
        """A data key of the practice itself, with its wrapped copies."""
        self._conn.execute(
            insert(data_keys).values(id=key_id, patient_id=None, term=term, created_at=self.clock())
        )
        self.add_wraps(wraps)

    def add_wraps(self, wraps: list[dict[str, object]]) -> None:
        self._conn.execute(insert(key_wraps), wraps)

    def keys_in_common(self, holder_id: str, other_id: str) -> tuple[tuple[Wrap, Wrap], ...]:
        """Every data key that both hold, as the one and as the other has it."""
        ours = {wrap.key_id: wrap for wrap in self._wraps(holder_id)}
        return tuple((ours[wrap.key_id], wrap) for wrap in self._wraps(other_id) if wrap.key_id in ours)

    def _wraps(self, holder_id: str) -> tuple[Wrap, ...]:
        query = select_wraps().where(key_wraps.c.holder_id == holder_id)
        return tuple(read_wrap(row) for row in self._conn.execute(query))

    def replace_wrap(self, key_id: str, holder_id: str, wrapped: bytes) -> None:
        self._conn.execute(
            update(key_wraps)
            .where(key_wraps.c.key_id == key_id, key_wraps.c.holder_id == holder_id)
            .values(wrapped=wrapped)
        )

    def tries(self, who: str) -> Tries | None:
        row = self._conn.execute(select(tries).where(tries.c.id == who)).one_or_none()
        return None if row is None else Tries(row.failed, row.last_at)

    def count_try(self, who: str) -> None:
        """One more failure, counted before the passphrase is looked at, so that many at once gain nothing."""
        now = self.clock()
        one_more = update(tries).where(tries.c.id == who).values(failed=tries.c.failed + 1, last_at=now)
        if self._conn.execute(one_more).rowcount:
            return
        try:
            with self._conn.begin_nested():
                self._conn.execute(insert(tries).values(id=who, failed=1, last_at=now))
        except IntegrityError:
            # Somebody else tried for the first time at the same moment.
            self._conn.execute(one_more)

    def clear_tries(self, who: str) -> None:
        self._conn.execute(delete(tries).where(tries.c.id == who))

    def add_login(self, login: Login) -> None:
        self._conn.execute(
            insert(logins).values(
                id=login.id,
                counsellor_id=login.counsellor_id,
                private_sealed=login.private_sealed,
                opened_at=login.opened_at,
                seen_at=login.seen_at,
                browser_sealed=login.browser_sealed,
            )
        )

    def login(self, login_id: str) -> Login | None:
        row = self._conn.execute(select(logins).where(logins.c.id == login_id)).one_or_none()
        if row is None:
            return None
        return _read_login(row)

    def logins(self, counsellor_id: CounsellorId) -> tuple[Login, ...]:
        """The logins that are open, the one used last first."""
        query = (
            select(logins).where(logins.c.counsellor_id == counsellor_id).order_by(logins.c.seen_at.desc())
        )
        return tuple(_read_login(row) for row in self._conn.execute(query))

    def touch_login(self, login_id: str) -> None:
        self._conn.execute(update(logins).where(logins.c.id == login_id).values(seen_at=self.clock()))

    def end_login(self, login_id: str) -> None:
        """The row goes, and with it the only copy of the private key that the cookie could open."""
        self._conn.execute(delete(logins).where(logins.c.id == login_id))

    def add_invitation(self, invitation: Invitation) -> None:
        self._conn.execute(insert(invitations).values(asdict(invitation)))

    def invitations(self) -> tuple[Invitation, ...]:
        """Those that still stand, the oldest first."""
        query = select(invitations).where(invitations.c.until > self.clock()).order_by(invitations.c.made_at)
        return tuple(_read_invitation(row) for row in self._conn.execute(query).mappings())

    def invitation(self, invitation_id: str) -> Invitation | None:
        query = select(invitations).where(
            invitations.c.id == invitation_id, invitations.c.until > self.clock()
        )
        row = self._conn.execute(query).mappings().first()
        return None if row is None else _read_invitation(row)

    def end_invitation(self, invitation_id: str) -> bool:
        """Whether it still stood; the practice's keys that it carried go with it."""
        done = self._conn.execute(delete(invitations).where(invitations.c.id == invitation_id))
        return done.rowcount == 1

    def end_old_logins(self, counsellor_id: CounsellorId, opened_before: datetime) -> None:
        """Logins that have run out leave no copy of the private key behind."""
        self._conn.execute(
            delete(logins).where(logins.c.counsellor_id == counsellor_id, logins.c.opened_at <= opened_before)
        )

    def end_logins(self, counsellor_id: CounsellorId, *, but: str = "") -> None:
        self._conn.execute(delete(logins).where(logins.c.counsellor_id == counsellor_id, logins.c.id != but))


def read_account(row: RowMapping) -> Account:
    return Account(
        id=CounsellorId(row["id"]),
        role=row["role"],
        public_key=row["public_key"],
        passphrase_lock=row["passphrase_lock"],
        private_sealed=row["private_sealed"],
        person_sealed=row["person_sealed"],
        version=row["version"],
        name_tag=row["name_tag"],
        identity_sealed=row["identity_sealed"],
        second_sealed=row["second_sealed"],
        ended_at=row["ended_at"],
        recovered_at=row["recovered_at"],
    )


def _read_invitation(row: RowMapping) -> Invitation:
    return Invitation(
        id=row["id"],
        counsellor_id=CounsellorId(row["counsellor_id"]),
        role=row["role"],
        person_sealed=row["person_sealed"],
        payload_sealed=row["payload_sealed"],
        by_id=CounsellorId(row["by_id"]),
        made_at=row["made_at"],
        until=row["until"],
    )


def _read_login(row: Row[tuple[Any, ...]]) -> Login:
    return Login(
        row.id,
        CounsellorId(row.counsellor_id),
        row.private_sealed,
        row.opened_at,
        row.seen_at,
        row.browser_sealed,
    )

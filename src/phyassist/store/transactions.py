"""A store, and the transactions through which everything is read and written.

A transaction sees one moment; a write commits at the end of its block, or leaves nothing if the block raises.
No transaction is held while a model or a person thinks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy import Engine

from phyassist.domain.clock import Clock, NewId
from phyassist.domain.people import PatientId
from phyassist.errors import NotYourPatient, StoreAway, StoreClosed, StoreError, StoreFull, StoreUnusable
from phyassist.store.adapters import Adapters
from phyassist.store.audit import SELDOM, Act, Anchor, Audit, Kind
from phyassist.store.chats import Chats
from phyassist.store.closing import check_open
from phyassist.store.consents import Consents
from phyassist.store.consultations import Consultations
from phyassist.store.desk import Desk
from phyassist.store.directory import Directory
from phyassist.store.drafts import Drafts
from phyassist.store.entrance import Entrance
from phyassist.store.erasures import Backups, Erasures
from phyassist.store.faults import told_plainly
from phyassist.store.jobs import Jobs
from phyassist.store.kept import Kept
from phyassist.store.left_out import LeftOut
from phyassist.store.library import Library
from phyassist.store.notes import Notes
from phyassist.store.patients import Patients
from phyassist.store.people import SignedIn
from phyassist.store.practice import Settings
from phyassist.store.practice_key import PracticeKey
from phyassist.store.process_notes import ProcessNotes
from phyassist.store.records import Records
from phyassist.store.runs import Runs
from phyassist.store.shares import Shares
from phyassist.store.snapshot import Snapshot
from phyassist.store.workers import Workers
from phyassist.vault.keyring import Argon2Cost

_VIEWS_MAX = 10_000
# A cluster that loses a whole node takes about 20 s to find another primary.
PATIENCE_S = 60.0
_ASK_AGAIN_S = 0.25
_log = logging.getLogger(__name__)


class Tx:
    """The repositories of one transaction."""

    def __init__(self, desk: Desk, erased: list[PatientId]) -> None:
        self.patients = Patients(desk, erased)
        self.consultations = Consultations(desk)
        self.records = Records(desk)
        self.drafts = Drafts(desk)
        self.notes = Notes(desk)
        self.process_notes = ProcessNotes(desk)
        self.chats = Chats(desk)
        self.adapters = Adapters(desk)
        self.left_out = LeftOut(desk)
        self.library = Library(desk)
        self.consents = Consents(desk)
        self.audit = Audit(desk.conn, desk.clock, desk.by.id, desk.by.origin)
        self.backups = Backups(desk.conn)
        self.erasures = Erasures(desk.conn)
        self.runs = Runs(desk.conn, desk.clock)
        self.jobs = Jobs(desk.conn, desk.clock)
        self.settings = Settings(desk.conn)
        self.shares = Shares(desk)
        self.practice_key = PracticeKey(desk)
        self.people = Directory(desk.conn, desk.by.id, desk.by.keyring)
        self._desk = desk

    @property
    def workers(self) -> Workers:
        """Raises CannotOpen where this account holds no key of the practice any more."""
        return Workers(self._desk.conn, self._desk.clock, self.people.practice.keys)


class Store:
    """`open_store` makes one; `close` gives the database back."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        new_id: NewId,
        passphrase_cost: Argon2Cost,
        clean_journal: Callable[[], bool],
    ) -> None:
        self._reader = engine.execution_options(phyassist_writes=False)
        self._writer = engine.execution_options(phyassist_writes=True)
        self._clean_journal = clean_journal
        self._journal_is_clean = True
        self._views = Views()
        self.clock = clock
        self.new_id = new_id
        self.passphrase_cost = passphrase_cost
        self.patience_s = PATIENCE_S
        self.kept = Kept(clock)

    @contextmanager
    def read(self, by: SignedIn) -> Iterator[Tx]:
        """Look things up.  Raises NotFound, NotYourPatient, CannotOpen, StoreUnusable, Locked."""
        desk: Desk | None = None
        try:
            with told_plainly(), self._reader.begin() as conn:
                desk = Desk(conn, by, self.clock, self.new_id)
                yield Tx(desk, [])
        except NotYourPatient:
            if desk is not None:
                self._note(by, Act.REFUSED, desk.refused)
            raise
        self._note(by, Act.VIEWED, desk.used)

    @contextmanager
    def write(self, by: SignedIn) -> Iterator[Tx]:
        """Look things up and change them, all or nothing.

        Raises what `read` does, ChangedMeanwhile, StoreFull and StoreClosed.  After a failed commit nobody
        knows whether the database kept it; all that is added has its id from us, so the same write can be
        tried again.
        """
        erased: list[PatientId] = []
        desk: Desk | None = None
        tx: Tx | None = None
        committing = False
        try:
            with told_plainly(), self._writer.begin() as conn:
                check_open(conn)
                desk = Desk(conn, by, self.clock, self.new_id)
                tx = Tx(desk, erased)
                yield tx
                # What is saved many times a minute is written down once in a while: that it was changed.
                silent = set() if tx.audit.written else desk.used
                for patient_id in self._views.choose(by, Act.CHANGED, silent, self.clock()):
                    tx.audit.write_seldom(Act.CHANGED, Kind.PATIENT, patient_id)
                committing = True
        except StoreAway:
            # The commit was under way: it is asked for, because a second one might double what was kept.
            if not committing or tx is None or not tx.audit.written or not self._was_kept(tx.audit.last):
                raise
        except NotYourPatient:
            if desk is not None:
                self._note(by, Act.REFUSED, desk.refused)
            raise
        self._views.keep(by, Act.CHANGED, silent, self.clock())
        for patient_id in erased:
            self.kept.forget(patient_id)
        if erased or not self._journal_is_clean:
            # A wrapped key may still lie in the journal until this succeeds; the next write tries again.
            self.finish_erasures()

    def finish_erasures(self) -> None:
        """Clear what was erased out of the database's own files; where that succeeds, the receipts say so."""
        before = self.clock()
        self._journal_is_clean = self._clean_journal()
        if self._journal_is_clean:
            # The erasure has happened; a store that takes no changes just now is told at its next opening.
            with suppress(StoreError), told_plainly(), self._writer.begin() as conn:
                Erasures(conn).mark_cleaned(before)

    @contextmanager
    def entrance(self, *, writes: bool = False) -> Iterator[Entrance]:
        """What may be looked up before anyone has signed in."""
        with told_plainly(), (self._writer if writes else self._reader).begin() as conn:
            if writes:
                check_open(conn)
            yield Entrance(conn, self.clock, self.new_id)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Every row as it stands at one moment, sealed as it is, while others go on writing."""
        with told_plainly(), self._reader.begin() as conn:
            yield Snapshot(conn)

    def close(self) -> None:
        self.kept.close()
        self._clean_journal()
        self._writer.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _was_kept(self, anchor: Anchor) -> bool:
        """Whether the write that ended with this row of the audit was committed; waits for an answer.

        Raises StoreAway where none comes in time: then nobody knows.
        """
        until = time.monotonic() + self.patience_s
        while True:
            try:
                # On the writer: a standby may not have heard of it yet.
                with told_plainly(), self._writer.begin() as conn:
                    return Audit(conn, self.clock).holds(anchor)
            except StoreAway:
                if time.monotonic() > until:
                    raise
            time.sleep(_ASK_AGAIN_S)

    def _note(self, by: SignedIn, act: Act, patient_ids: set[PatientId]) -> None:
        """Write down whose file was opened or refused; a full store can still be read."""
        fresh = self._views.choose(by, act, patient_ids, self.clock())
        if not fresh:
            return
        try:
            with told_plainly(), self._writer.begin() as conn:
                check_open(conn, after_move=True)
                audit = Audit(conn, self.clock, by.id, by.origin)
                for patient_id in fresh:
                    audit.write_seldom(act, Kind.PATIENT, patient_id)
        except (StoreClosed, StoreFull, StoreUnusable) as error:
            _log.warning("what was looked at could not be written down (%s)", error.code)
            return
        self._views.keep(by, act, patient_ids, self.clock())


class Views:
    """What this process wrote down a moment ago, so that it need not ask the database on every page."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str, Act, PatientId], datetime] = {}

    def choose(
        self, by: SignedIn, act: Act, patient_ids: set[PatientId], now: datetime
    ) -> tuple[PatientId, ...]:
        """Those of whom it has not been written within `SELDOM`, in a fixed order."""
        return tuple(
            patient_id
            for patient_id in sorted(patient_ids)
            if not self._is_recent(self._at.get((by.id, by.origin, act, patient_id)), now)
        )

    def keep(self, by: SignedIn, act: Act, patient_ids: set[PatientId], now: datetime) -> None:
        fresh = self.choose(by, act, patient_ids, now)
        if fresh and len(self._at) + len(fresh) > _VIEWS_MAX:
            self._at = {key: at for key, at in self._at.items() if self._is_recent(at, now)}
        for patient_id in fresh:
            self._at[by.id, by.origin, act, patient_id] = now

    @staticmethod
    def _is_recent(at: datetime | None, now: datetime) -> bool:
        return at is not None and now - SELDOM < at <= now

"""A store, and the transactions through which everything is read and written.

A transaction sees one moment; a write commits at the end of its block, or leaves nothing if the block raises.
No transaction is held while a model or a person thinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from phyassist.domain.clock import Clock, NewId
from phyassist.domain.people import PatientId
from phyassist.store.adapters import Adapters
from phyassist.store.audit import Audit
from phyassist.store.consultations import Consultations
from phyassist.store.desk import Desk
from phyassist.store.drafts import Drafts
from phyassist.store.entrance import Entrance
from phyassist.store.faults import told_plainly
from phyassist.store.kept import Kept
from phyassist.store.notes import Notes
from phyassist.store.patients import Patients
from phyassist.store.people import SignedIn
from phyassist.store.practice import Settings
from phyassist.store.records import Records
from phyassist.vault.keyring import Argon2Cost


class Tx:
    """The repositories of one transaction."""

    def __init__(self, desk: Desk, erased: list[PatientId]) -> None:
        self.patients = Patients(desk, erased)
        self.consultations = Consultations(desk)
        self.records = Records(desk)
        self.drafts = Drafts(desk)
        self.notes = Notes(desk)
        self.adapters = Adapters(desk)
        self.audit = Audit(desk.conn, desk.clock, desk.by.id)
        self.settings = Settings(desk.conn)


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
        self.clock = clock
        self.new_id = new_id
        self.passphrase_cost = passphrase_cost
        self.kept = Kept(clock)

    @contextmanager
    def read(self, by: SignedIn) -> Iterator[Tx]:
        """Look things up.  Raises NotFound, NotYourPatient, CannotOpen, StoreUnusable, Locked."""
        with told_plainly(), self._reader.begin() as conn:
            yield self._tx(conn, by, [])

    @contextmanager
    def write(self, by: SignedIn) -> Iterator[Tx]:
        """Look things up and change them, all or nothing.

        Raises what `read` does, ChangedMeanwhile and StoreFull.  After a failed commit nobody knows whether
        the database kept it; all that is added has its id from us, so the same write can be tried again.
        """
        erased: list[PatientId] = []
        with told_plainly(), self._writer.begin() as conn:
            yield self._tx(conn, by, erased)
        for patient_id in erased:
            self.kept.forget(patient_id)
        if erased or not self._journal_is_clean:
            # A wrapped key may still lie in the journal until this succeeds; the next write tries again.
            self._journal_is_clean = self._clean_journal()

    @contextmanager
    def entrance(self, *, writes: bool = False) -> Iterator[Entrance]:
        """What may be looked up before anyone has signed in."""
        with told_plainly(), (self._writer if writes else self._reader).begin() as conn:
            yield Entrance(conn, self.clock, self.new_id)

    def close(self) -> None:
        self.kept.close()
        self._clean_journal()
        self._writer.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tx(self, conn: Connection, by: SignedIn, erased: list[PatientId]) -> Tx:
        return Tx(Desk(conn, by, self.clock, self.new_id), erased)

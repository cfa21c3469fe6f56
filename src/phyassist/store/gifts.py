"""Giving a data key to somebody, and taking one that was given.

HPKE does not say who wrapped a key.  So a gift bears its giver's signature, the giver's keys come from the
directory that only the practice's key opens, and what was remembered of them must agree.  A new key for a
patient whom one can already open is taken from nobody but who is in charge of the patient.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from phyassist.domain.clock import Clock
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.errors import CannotOpen, KeysChanged
from phyassist.store.directory import Directory
from phyassist.store.people import Identity, SignedIn
from phyassist.store.pins import find_keeper, find_pinned, pin_identity, pin_keeper
from phyassist.store.tables import handovers, key_wraps
from phyassist.store.wraps import Wrap, wrap_place
from phyassist.vault.keyring import check_signature, give_key
from phyassist.vault.sealing import DataKey


@dataclass(frozen=True, slots=True)
class Handover:
    """From this term of a patient's key on, somebody else is in charge."""

    patient_id: PatientId
    term: int
    from_id: CounsellorId
    to_id: CounsellorId
    at: datetime

    def statement(self) -> bytes:
        """What the one who hands over signs (vectors/people.json)."""
        fields = ["handover/1", self.patient_id, self.term, self.from_id, self.to_id]
        return json.dumps(fields, separators=(",", ":")).encode()


class Gifts:
    def __init__(self, conn: Connection, by: SignedIn, clock: Clock, directory: Directory) -> None:
        self._conn = conn
        self._by = by
        self._clock = clock
        self._directory = directory
        self._writes = bool(conn.get_execution_options().get("phyassist_writes", True))

    def trusted(self, counsellor_id: CounsellorId) -> Identity:
        """A colleague's keys: as the directory has them, and as they were remembered.

        Raises NotFound, CannotOpen, and KeysChanged where the two differ.
        """
        identity = self._directory.member(counsellor_id).identity
        if identity is None:
            raise CannotOpen(
                f"{counsellor_id} has no keys for sharing yet", hint="they sign in once, then it works"
            )
        pinned = find_pinned(self._conn, self._by.id, self._by.keyring, counsellor_id)
        if pinned is not None and pinned.fingerprint != identity.fingerprint:
            raise KeysChanged(
                f"the keys of {counsellor_id} are not those that were used before",
                hint="compare the fingerprint with them, then confirm it under People",
            )
        return identity

    def give(self, key: DataKey, wrap: Wrap, to: Identity) -> None:
        """Add a row that lets `to` open a data key; `wrap` says on what terms.  Their keys are remembered."""
        wrapped = give_key(key, to.public, wrap_place(wrap.key_id, to.id, wrap.term))
        given = replace(wrap, wrapped=wrapped, holder_id=to.id, giver_id=self._by.id)
        signature = self._by.keyring.sign(given.statement(to.public))
        self._conn.execute(
            insert(key_wraps).values(
                key_id=given.key_id,
                holder_id=given.holder_id,
                wrapped=wrapped,
                may_write=given.may_write,
                until=given.until,
                added_at=self._clock(),
                giver_id=self._by.id,
                signature=signature,
            )
        )
        pin_identity(self._conn, self._by.id, self._by.keyring, to)

    def take(self, wrap: Wrap, *, made_before: bool) -> DataKey:
        """The key that was given; a writing transaction adopts it on the way.

        `made_before`: whether the holder has made a key of this patient, and so was in charge of them.
        Raises CannotOpen, KeysChanged.
        """
        giver = self.check_giver(wrap)
        if wrap.patient_id is not None:
            self._check_entitled(wrap, wrap.patient_id, made_before)
        key = self._by.keyring.open_given(wrap.wrapped, wrap_place(wrap.key_id, wrap.holder_id, wrap.term))
        if self._writes:
            self.adopt(wrap, key, giver)
        return key

    def check_giver(self, wrap: Wrap) -> Identity:
        """Whoever gave it, once the signature was found theirs.  Raises CannotOpen, KeysChanged."""
        giver = self.trusted(wrap.giver_id or CounsellorId(""))
        check_signature(giver.signing, wrap.signature or b"", wrap.statement(self._by.keyring.public))
        return giver

    def adopt(self, wrap: Wrap, key: DataKey, giver: Identity) -> None:
        keyring = self._by.keyring
        self._conn.execute(
            update(key_wraps)
            .where(
                key_wraps.c.key_id == wrap.key_id,
                key_wraps.c.holder_id == wrap.holder_id,
                key_wraps.c.wrapped == wrap.wrapped,
            )
            .values(wrapped=keyring.keep_key(key, wrap.kept_place))
        )
        pin_identity(self._conn, self._by.id, keyring, giver)
        if wrap.patient_id is not None:
            pin_keeper(self._conn, self._by.id, keyring, wrap.patient_id, giver.id)

    def _check_entitled(self, wrap: Wrap, patient_id: PatientId, made_before: bool) -> None:
        keeper = find_keeper(self._conn, self._by.id, self._by.keyring, patient_id)
        if keeper is None and made_before:
            keeper = self._by.id
        if keeper is None:
            return
        for handover, signature in self._handovers(patient_id, wrap.term):
            if handover.from_id == keeper:
                check_signature(self._signing(keeper), signature, handover.statement())
                keeper = handover.to_id
        if keeper != wrap.giver_id:
            raise CannotOpen(
                f"a new key of patient {patient_id} was given by somebody who is not in charge of them",
                hint="ask the counsellor in charge, and look at the audit log",
            )

    def _signing(self, counsellor_id: CounsellorId) -> bytes:
        if counsellor_id == self._by.id:
            return self._by.keyring.signing
        pinned = find_pinned(self._conn, self._by.id, self._by.keyring, counsellor_id)
        # Who handed over may have other keys today; what they signed then, they signed with the ones known.
        return (pinned or self.trusted(counsellor_id)).signing

    def _handovers(self, patient_id: PatientId, term: int) -> tuple[tuple[Handover, bytes], ...]:
        query = (
            select(handovers)
            .where(handovers.c.patient_id == patient_id, handovers.c.term <= term)
            .order_by(handovers.c.term)
        )
        return tuple(
            (Handover(patient_id, row.term, row.from_id, row.to_id, row.at), row.signature)
            for row in self._conn.execute(query)
        )

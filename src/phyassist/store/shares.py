"""Who may open a patient: shared, ended, handed over; and the renewal of keys that an end brings with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, or_, select, update

from phyassist.domain.people import CounsellorId, PatientId
from phyassist.errors import CannotOpen, KeysChanged, NotFound
from phyassist.store.desk import Desk, wrap_rows
from phyassist.store.gifts import Gifts, Handover
from phyassist.store.people import Identity
from phyassist.store.pins import forget_keepers, pin_identity, pin_keeper
from phyassist.store.resealing import is_sealed_anew, reseal_some
from phyassist.store.tables import counsellors, data_keys, handovers, key_wraps, patients
from phyassist.store.wraps import RECOVERY_HOLDER, Wrap, read_wrap, select_wraps
from phyassist.vault.sealing import DataKey


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may open a patient, on what terms; `giver_id` is missing for who made the key."""

    counsellor_id: CounsellorId
    may_write: bool
    until: datetime | None
    since: datetime
    giver_id: CounsellorId | None
    has_taken: bool


class Shares:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gifts: Gifts = desk.gifts

    def keeper_of(self, patient_id: PatientId) -> CounsellorId | None:
        """Who is in charge.  Raises NotFound."""
        row = self._desk.conn.execute(select(patients.c.keeper_id).where(patients.c.id == patient_id)).first()
        if row is None:
            raise NotFound(f"no patient {patient_id}", hint="go back to the list")
        return CounsellorId(row.keeper_id) if row.keeper_id else None

    def kept_by(self, counsellor_id: CounsellorId) -> tuple[PatientId, ...]:
        """Of whom somebody is in charge; ids alone."""
        query = (
            select(patients.c.id)
            .where(patients.c.keeper_id == counsellor_id)
            .order_by(patients.c.created_at, patients.c.id)
        )
        return tuple(PatientId(each) for each in self._desk.conn.execute(query).scalars())

    def count_kept(self) -> dict[CounsellorId, int]:
        """How many files each is in charge of."""
        query = select(patients.c.keeper_id, func.count()).group_by(patients.c.keeper_id)
        return {CounsellorId(who): count for who, count in self._desk.conn.execute(query) if who}

    def holders(self, patient_id: PatientId) -> tuple[Holder, ...]:
        """Everyone who holds the newest key, those whose share has run out left away."""
        now = self._desk.clock()
        return tuple(
            Holder(
                CounsellorId(wrap.holder_id),
                wrap.may_write,
                wrap.until,
                wrap.added_at,
                wrap.giver_id,
                not wrap.is_gift,
            )
            for wrap in self._newest_wraps(patient_id)
            if wrap.holder_id != RECOVERY_HOLDER and not wrap.has_ended(now)
        )

    def give(
        self, patient_id: PatientId, to_id: CounsellorId, *, may_write: bool, until: datetime | None
    ) -> None:
        """Let somebody open a patient, in the place of what they were given before.

        Raises NotFound, NotYourPatient, CannotOpen, KeysChanged.
        """
        keys, to = self._desk.keys_of(patient_id), self._gifts.trusted(to_id)
        for wrap in self._wraps_of(patient_id, self._desk.by.id):
            self._drop_wrap(wrap.key_id, to_id)
            self._give_key(keys.by_term[wrap.term], wrap, to, may_write=may_write, until=until)

    def take_away(self, patient_id: PatientId, counsellor_id: CounsellorId) -> bool:
        """Whether there was anything to take away; a renewal of the key has to follow."""
        ids = select(data_keys.c.id).where(data_keys.c.patient_id == patient_id)
        done = self._desk.conn.execute(
            delete(key_wraps).where(key_wraps.c.holder_id == counsellor_id, key_wraps.c.key_id.in_(ids))
        )
        return done.rowcount > 0

    def hand_over(self, patient_id: PatientId, to_id: CounsellorId, *, read_until: datetime | None) -> None:
        """Put somebody else in charge.  From the next term on only their keys are believed.

        Whoever hands over keeps reading until a date, or opens the file no more.
        Raises NotFound, NotYourPatient, CannotOpen, KeysChanged.
        """
        desk = self._desk
        self.give(patient_id, to_id, may_write=True, until=None)
        handover = Handover(patient_id, desk.newest_term(patient_id) + 1, desk.by.id, to_id, desk.clock())
        desk.conn.execute(
            insert(handovers).values(
                patient_id=patient_id,
                term=handover.term,
                from_id=handover.from_id,
                to_id=to_id,
                at=handover.at,
                signature=desk.by.keyring.sign(handover.statement()),
            )
        )
        pin_keeper(desk.conn, desk.by.id, desk.by.keyring, patient_id, desk.by.id)
        desk.conn.execute(update(patients).where(patients.c.id == patient_id).values(keeper_id=to_id))
        if read_until is None:
            self.take_away(patient_id, desk.by.id)
        else:
            for wrap in self._wraps_of(patient_id, desk.by.id):
                self._keep_for_reading(wrap, read_until)

    def begin_renewal(self, patient_id: PatientId, *, without: Collection[str] = ()) -> int:
        """The term of a new key: everyone who held the last one is given it, but for `without`.

        Those whose share has run out, whose account has ended or whose keys are not those known before are
        left out as well.  It seals from the commit on; `reseal` brings the rest under it.
        Raises NotFound, NotYourPatient, CannotOpen, ChangedMeanwhile.
        """
        desk = self._desk
        desk.keys_of(patient_id)
        desk.hold(patient_id)
        before = self._newest_wraps(patient_id)
        term = desk.newest_term(patient_id) + 1
        key, key_id, now = DataKey.make(term), desk.new_id(), desk.clock()
        desk.conn.execute(
            insert(data_keys).values(id=key_id, patient_id=patient_id, term=term, created_at=now)
        )
        rows = wrap_rows(key, key_id, desk.by, desk.recovery_public, now)
        desk.conn.execute(insert(key_wraps), rows)
        ended = self._ended()
        for wrap in before:
            if wrap.holder_id in (desk.by.id, RECOVERY_HOLDER):
                continue
            leaves = wrap.holder_id in {*without, *ended} or wrap.has_ended(now)
            if leaves or not self._give_on(key, key_id, wrap):
                self.take_away(patient_id, CounsellorId(wrap.holder_id))
        for gone in without:
            self.take_away(patient_id, CounsellorId(gone))
        # Nothing more is sealed in this transaction: a key serves once its wrapped rows are committed.
        desk.opened.pop(patient_id, None)
        return term

    def reseal(self, patient_id: PatientId, *, rows_max: int) -> bool:
        """Bring up to so many values under the newest key; whether all of them are, and older keys are gone.

        Raises NotFound, NotYourPatient, CannotOpen.
        """
        desk = self._desk
        keys = desk.keys_of(patient_id)
        if reseal_some(desk.conn, patient_id, keys, rows_max) == rows_max:
            return False
        old = (data_keys.c.patient_id == patient_id) & (data_keys.c.term < keys.newest.term)
        # Who is sealing under an old key right now holds its row; their values are found by the next look.
        desk.conn.execute(select(data_keys.c.id).where(old).with_for_update())
        if not is_sealed_anew(desk.conn, patient_id, keys.newest.term):
            return False
        desk.conn.execute(delete(data_keys).where(old))
        return True

    def is_renewing(self, patient_id: PatientId) -> bool:
        """Whether a renewal was begun and not finished."""
        query = select(func.count()).select_from(data_keys).where(data_keys.c.patient_id == patient_id)
        return self._desk.conn.execute(query).scalar_one() > 1

    def list_due(self) -> tuple[PatientId, ...]:
        """Patients in this counsellor's charge whose key is to be renewed.

        A renewal was interrupted, a share has run out, a holder's account has ended, or the file was handed
        over and still lies under a key that its last keeper knew.
        """
        desk = self._desk
        now, me = desk.clock(), desk.by.id
        mine = select(patients.c.id).where(patients.c.keeper_id == me)
        terms = (
            select(data_keys.c.patient_id)
            .where(data_keys.c.patient_id.in_(mine))
            .group_by(data_keys.c.patient_id)
            .having(func.count() > 1)
        )
        left = (
            select(data_keys.c.patient_id)
            .join(key_wraps, key_wraps.c.key_id == data_keys.c.id)
            .outerjoin(counsellors, counsellors.c.id == key_wraps.c.holder_id)
            .where(
                data_keys.c.patient_id.in_(mine),
                key_wraps.c.holder_id != me,
                or_(
                    and_(key_wraps.c.until.is_not(None), key_wraps.c.until <= now),
                    counsellors.c.ended_at.is_not(None),
                ),
            )
        )
        given = (
            select(handovers.c.patient_id)
            .join(data_keys, data_keys.c.patient_id == handovers.c.patient_id)
            .where(handovers.c.to_id == me, handovers.c.patient_id.in_(mine))
            .group_by(handovers.c.patient_id)
            .having(func.max(data_keys.c.term) < func.max(handovers.c.term))
        )
        found = {each for query in (terms, left, given) for each in desk.conn.execute(query).scalars()}
        return tuple(PatientId(each) for each in sorted(found))

    def confirm_keys(self, counsellor_id: CounsellorId, fingerprint: str) -> None:
        """Use somebody's keys of today from now on, once their fingerprint was compared.

        Raises NotFound, CannotOpen, and KeysChanged where they are others than those compared.
        """
        desk = self._desk
        identity = desk.directory.member(counsellor_id).identity
        if identity is None:
            raise CannotOpen(f"{counsellor_id} has no keys for sharing yet", hint="they sign in once")
        if identity.fingerprint != " ".join(fingerprint.split()):
            raise KeysChanged("this is not the fingerprint of their keys", hint="compare it once more")
        pin_identity(desk.conn, desk.by.id, desk.by.keyring, identity)
        forget_keepers(desk.conn, desk.by.id, desk.by.keyring, counsellor_id)

    def changed_keys(self, identity: Identity) -> bool:
        """Whether somebody's keys differ from those that were remembered."""
        try:
            self._gifts.trusted(identity.id)
        except KeysChanged:
            return True
        return False

    def _give_on(self, key: DataKey, key_id: str, before: Wrap) -> bool:
        try:
            to = self._gifts.trusted(CounsellorId(before.holder_id))
        except (KeysChanged, CannotOpen, NotFound):
            return False
        wrap = Wrap(
            key_id,
            key.term,
            before.patient_id,
            before.holder_id,
            b"",
            before.may_write,
            before.until,
            before.added_at,
        )
        self._gifts.give(key, wrap, to)
        return True

    def _give_key(
        self, key: DataKey, wrap: Wrap, to: Identity, *, may_write: bool, until: datetime | None
    ) -> None:
        terms = Wrap(
            wrap.key_id, wrap.term, wrap.patient_id, to.id, b"", may_write, until, self._desk.clock()
        )
        self._gifts.give(key, terms, to)

    def _keep_for_reading(self, wrap: Wrap, until: datetime) -> None:
        key = self._desk.by.keyring.open_key(wrap.wrapped, wrap.kept_place)
        terms = Wrap(
            wrap.key_id,
            wrap.term,
            wrap.patient_id,
            wrap.holder_id,
            b"",
            False,
            until,
            wrap.added_at,
            wrap.giver_id,
        )
        self._desk.conn.execute(
            update(key_wraps)
            .where(key_wraps.c.key_id == wrap.key_id, key_wraps.c.holder_id == wrap.holder_id)
            .values(
                wrapped=self._desk.by.keyring.keep_key(key, terms.kept_place), may_write=False, until=until
            )
        )

    def _drop_wrap(self, key_id: str, holder_id: str) -> None:
        self._desk.conn.execute(
            delete(key_wraps).where(key_wraps.c.key_id == key_id, key_wraps.c.holder_id == holder_id)
        )

    def _wraps_of(self, patient_id: PatientId, holder_id: str) -> tuple[Wrap, ...]:
        query = select_wraps().where(data_keys.c.patient_id == patient_id, key_wraps.c.holder_id == holder_id)
        return tuple(read_wrap(row) for row in self._desk.conn.execute(query).all())

    def _newest_wraps(self, patient_id: PatientId) -> tuple[Wrap, ...]:
        term = self._desk.newest_term(patient_id)
        query = select_wraps().where(data_keys.c.patient_id == patient_id, data_keys.c.term == term)
        return tuple(read_wrap(row) for row in self._desk.conn.execute(query).all())

    def _ended(self) -> set[str]:
        query = select(counsellors.c.id).where(counsellors.c.ended_at.is_not(None))
        return set(self._desk.conn.execute(query).scalars())

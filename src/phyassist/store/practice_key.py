"""The practice's own key: names and identities lie under it.  Renewing it, and taking up a renewed one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, insert, select, update

from phyassist.domain.people import CounsellorId
from phyassist.errors import CannotOpen, KeysChanged, NotAllowed
from phyassist.store.adapter_files import key_place
from phyassist.store.adapters import of_practice
from phyassist.store.desk import Desk, wrap_rows
from phyassist.store.directory import identity_place, person_place
from phyassist.store.library import renew_library_key
from phyassist.store.tables import adapters, counsellors, data_keys, invitations, key_wraps, workers
from phyassist.store.workers import worker_place
from phyassist.store.wraps import RECOVERY_HOLDER, Wrap, link_place, read_wrap, select_wraps
from phyassist.vault.sealing import DataKey, DataKeys


class PracticeKey:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def renew(self) -> None:
        """A new key, given to everyone whose account stands, and what lay under the old one under it.

        Older keys stay with who holds them until everyone has taken up the new one, which proves by the old
        that it is genuine.  Raises CannotOpen, ChangedMeanwhile, and KeysChanged where a colleague's new keys
        are still to be confirmed: they would be locked out.
        """
        desk = self._desk
        members = desk.directory.members()
        practice = desk.directory.practice
        term = practice.newest.term + 1
        key, key_id, now = DataKey.make(term), desk.new_id(), desk.clock()
        link = practice.newest.seal(key.raw().reveal(), link_place(key_id, term))
        desk.conn.execute(
            insert(data_keys).values(id=key_id, patient_id=None, term=term, created_at=now, link_sealed=link)
        )
        desk.conn.execute(insert(key_wraps), wrap_rows(key, key_id, desk.by, desk.recovery_public, now))
        for member in members:
            if member.id == desk.by.id or member.ended_at is not None or member.identity is None:
                continue
            wrap = Wrap(key_id, term, None, member.id, b"", True, None, now)
            desk.gifts.give(key, wrap, desk.gifts.trusted(member.id))
        self._reseal(practice.keys, key)
        renew_library_key(desk, practice.keys, key)
        # An invitation carries the old key; whoever was invited is invited again.
        desk.conn.execute(delete(invitations))

    def adopt(self) -> None:
        """Keep a renewed key that was given, once its giver's signature was found genuine."""
        desk = self._desk
        practice = desk.directory.practice
        for wrap in practice.kept:
            if wrap.is_gift:
                try:
                    giver = desk.gifts.check_giver(wrap)
                except (CannotOpen, KeysChanged):
                    continue
                desk.gifts.adopt(wrap, practice.by_term[wrap.term], giver)
        self._drop_old(practice.newest.term)

    def give_missing(self, counsellor_id: CounsellorId) -> None:
        """Give the newest key to a member who was left out while their account had ended.

        Raises NotAllowed where they hold no key any more by which they could tell that it is genuine.
        """
        desk = self._desk
        newest = desk.directory.practice.kept[-1]
        query = select_wraps().where(data_keys.c.patient_id.is_(None), key_wraps.c.holder_id == counsellor_id)
        held = [read_wrap(row).term for row in desk.conn.execute(query).all()]
        if not held:
            raise NotAllowed(
                "the practice's key was renewed since this account ended", hint="invite them anew"
            )
        if newest.term not in held:
            wrap = replace(newest, holder_id=counsellor_id, giver_id=None, signature=None)
            key = desk.directory.practice.newest
            desk.gifts.give(key, wrap, desk.gifts.trusted(counsellor_id))

    def _reseal(self, keys: DataKeys, key: DataKey) -> None:
        desk = self._desk
        for row in desk.conn.execute(select(counsellors)).all():
            who = CounsellorId(row.id)
            person = keys.open_sealed(row.person_sealed, person_place(who))
            values = {"person_sealed": key.seal(person, person_place(who))}
            if row.identity_sealed is not None:
                identity = keys.open_sealed(row.identity_sealed, identity_place(who))
                values["identity_sealed"] = key.seal(identity, identity_place(who))
            desk.conn.execute(update(counsellors).where(counsellors.c.id == who).values(values))
        for row in desk.conn.execute(select(workers.c.id, workers.c.identity_sealed)).all():
            place = worker_place(row.id)
            sealed = key.seal(keys.open_sealed(bytes(row.identity_sealed), place), place)
            desk.conn.execute(update(workers).where(workers.c.id == row.id).values(identity_sealed=sealed))
        for row in desk.conn.execute(select(adapters).where(of_practice())).all():
            place = key_place(row.id)
            sealed = key.seal(keys.open_sealed(bytes(row.key_sealed), place), place)
            desk.conn.execute(update(adapters).where(adapters.c.id == row.id).values(key_sealed=sealed))

    def _drop_old(self, term: int) -> None:
        """Old keys go when nobody needs them any more to tell that the new one is genuine."""
        desk = self._desk
        query = select_wraps().where(data_keys.c.patient_id.is_(None), data_keys.c.term == term)
        wraps = [read_wrap(row) for row in desk.conn.execute(query).all()]
        holders = {wrap.holder_id for wrap in wraps if not wrap.is_gift} - {RECOVERY_HOLDER}
        standing = set(
            desk.conn.execute(select(counsellors.c.id).where(counsellors.c.ended_at.is_(None))).scalars()
        )
        if standing <= holders:
            desk.conn.execute(
                delete(data_keys).where(data_keys.c.patient_id.is_(None), data_keys.c.term < term)
            )

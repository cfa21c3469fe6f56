"""An adapter lies under a key of its own, and that under its owner's: whoever may not open one does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from phyassist.domain.adapters import (
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    Verdict,
    VerdictReason,
)
from phyassist.domain.learning import CurvePoint, Phase, RunProgress
from phyassist.domain.people import Patient
from phyassist.errors import CannotOpen, NotFound
from phyassist.services.erasing import erase_patient
from phyassist.store.adapter_files import CHUNK_BYTES
from phyassist.store.moving import check_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import adapter_chunks, adapters
from phyassist.store.transactions import Store
from phyassist.vault.sealing import DataKey
from tests.services.joining import let_in
from tests.store.making import AT, make_adapter

WEIGHTS = bytes(range(256)) * (CHUNK_BYTES // 256 * 2) + b"the end"


@pytest.fixture
def bo(store: Store, anna: SignedIn) -> SignedIn:
    return let_in(store, anna, "Bo Lind")


def begin(store: Store, by: SignedIn, card: AdapterCard) -> DataKey:
    with store.write(by) as tx:
        key = tx.adapters.begin(replace(card, owner_id=by.id), [card.patient_id] if card.patient_id else [])
        assert tx.adapters.key_of(card.id).raw() == key.raw()
    return key


def test_a_worker_writes_what_it_trained_with_the_adapters_key_alone(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    card = make_adapter(patient.id)
    key = begin(store, anna, card)
    curve = (CurvePoint(1, 2.5), CurvePoint(2, None, 2.25))
    progress = RunProgress(Phase.TRAINING, 2, 9, 61.5, curve)
    verdict = Verdict(True, VerdictReason.BETTER, {"loss_before": 2.5, "loss_after": 2.0})

    with store.entrance(writes=True) as entrance:
        entrance.adapter_files.save_progress(card.id, key, progress)
        file = entrance.adapter_files.save(card.id, key, "adapter.gguf", WEIGHTS)
        done = replace(
            card,
            state=AdapterState.ACCEPTED,
            in_use_since=AT,
            verdict=verdict,
            files=(file,),
            owner_id=anna.id,
        )
        assert entrance.adapter_files.finish(done, key)

    with store.read(anna) as tx:
        opened = tx.adapters.key_of(card.id)
        assert tx.adapters.cards() == (done,)
        assert tx.adapters.files.find_progress(card.id, opened) == progress
        assert b"".join(tx.adapters.files.read(card.id, opened, "adapter.gguf")) == WEIGHTS
        assert tx.adapters.files.list(card.id) == ("adapter.gguf",)
    assert (file.size_bytes, done.notes) == (len(WEIGHTS), 2)


def test_a_file_that_was_shortened_or_changed_does_not_open(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    card = make_adapter(patient.id)
    key = begin(store, anna, card)
    with store.write(anna) as tx:
        tx.adapters.files.save(card.id, key, "whole", WEIGHTS)
        tx.adapters.files.save(card.id, key, "short", WEIGHTS)
        tx.adapters._desk.conn.execute(
            delete(adapter_chunks).where(adapter_chunks.c.file == "short", adapter_chunks.c.number == 3)
        )

    with store.read(anna) as tx:
        assert b"".join(tx.adapters.files.read(card.id, key, "whole")) == WEIGHTS
        with pytest.raises(CannotOpen):
            list(tx.adapters.files.read(card.id, key, "short"))
        with pytest.raises(NotFound):
            list(tx.adapters.files.read(card.id, key, "missing"))


def test_a_run_that_nobody_wants_any_more_leaves_nothing(
    store: Store, store_url: str, anna: SignedIn, patient: Patient
) -> None:
    card = make_adapter(patient.id)
    key = begin(store, anna, card)
    with store.entrance(writes=True) as entrance:
        entrance.adapter_files.save(card.id, key, "adapter.gguf", WEIGHTS)
        entrance.adapter_files.break_off(card.id)

    with store.entrance(writes=True) as entrance:
        assert not entrance.adapter_files.finish(replace(card, state=AdapterState.ACCEPTED), key)
        with pytest.raises(NotFound):
            entrance.adapter_files.save(card.id, key, "adapter.gguf", b"late")
    assert check_store(store_url, anna).rows["adapter_chunks"] == 0


def test_each_kind_is_numbered_by_its_owner_and_opens_for_whom_it_is(
    store: Store, anna: SignedIn, bo: SignedIn, patient: Patient
) -> None:
    for name, kind in (
        ("own", AdapterKind.COUNSELLOR),
        ("all", AdapterKind.PRACTICE),
        ("set", AdapterKind.SET),
    ):
        begin(store, anna, make_adapter(None, kind, name))
    for name in ("p1", "p2"):
        begin(store, anna, make_adapter(patient.id, name=name))
    begin(store, bo, make_adapter(None, AdapterKind.COUNSELLOR, "hers"))

    with store.read(anna) as tx:
        mine = {card.id: card.number for card in tx.adapters.cards()}
    with store.read(bo) as tx:
        theirs = {card.id: card.label for card in tx.adapters.cards()}
        for name in ("own", "p1"):
            with pytest.raises(Exception, match=r"no adapter|not shared"):
                tx.adapters.key_of(AdapterId(name))

    assert mine == {"own": 1, "all": 1, "set": 1, "p1": 1, "p2": 2}
    assert theirs == dict.fromkeys(("all", "set", "hers"), "the evening group")


def test_a_renewed_key_of_the_practice_still_opens_what_everybody_uses(store: Store, anna: SignedIn) -> None:
    key = begin(store, anna, make_adapter(None, AdapterKind.PRACTICE))

    with store.write(anna) as tx:
        tx.practice_key.renew()

    with store.read(anna) as tx:
        assert tx.adapters.key_of(AdapterId("a1")).raw() == key.raw()


def test_a_card_that_was_tampered_with_is_left_out_and_the_others_answer(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    for name in ("bent", "straight"):
        begin(store, anna, make_adapter(patient.id, name=name))
    with store.write(anna) as tx:
        conn = tx.adapters._desk.conn
        other = conn.execute(adapters.select().where(adapters.c.id == "straight")).one().card_sealed
        conn.execute(update(adapters).where(adapters.c.id == "bent").values(card_sealed=other))

    with store.read(anna) as tx:
        assert [card.id for card in tx.adapters.cards()] == ["straight"]


def test_what_is_used_last_and_what_is_left_out_is_kept(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    begin(store, anna, make_adapter(patient.id))
    with store.write(anna) as tx:
        tx.adapters.set_state(AdapterId("a1"), AdapterState.ACCEPTED)
        tx.left_out.leave_out(patient.id, "e1")
        tx.left_out.leave_out(patient.id, "e1")
        tx.left_out.leave_out(patient.id, "e2")
        tx.left_out.take_in(patient.id, "e2")

    with store.read(anna) as tx:
        assert tx.adapters.get(AdapterId("a1")).in_use_since == store.clock()
        assert tx.left_out.list(patient.id) == {"e1"}


def test_an_erased_patient_takes_adapters_files_and_choices_along(
    store: Store, store_url: str, anna: SignedIn, patient: Patient
) -> None:
    key = begin(store, anna, make_adapter(patient.id))
    with store.write(anna) as tx:
        tx.adapters.files.save(AdapterId("a1"), key, "adapter.gguf", b"weights")
        tx.left_out.leave_out(patient.id, "e1")

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    rows = check_store(store_url, anna).rows
    assert (rows["adapters"], rows["adapter_chunks"], rows["left_out_examples"]) == (0, 0, 0)

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from phyassist.domain.people import CounsellorId, Patient, Role
from phyassist.errors import (
    BadInput,
    Locked,
    NameNeeded,
    NotAllowed,
    NotFound,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.services.patients import list_patients, new_patient
from phyassist.services.people import (
    end_account,
    end_invitation,
    invite,
    join,
    list_invitations,
    list_people,
    look_at_invitation,
    resume_account,
)
from phyassist.services.practice import needs_name, open_login, recover, resume_login, sign_in
from phyassist.store.audit import Act
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from tests.conftest import PASSPHRASE, Clock
from tests.services.joining import BO_PASSPHRASE, let_in


@pytest.fixture
def bo(store: Store, anna: SignedIn) -> SignedIn:
    return let_in(store, anna, "Bo Lind")


def test_somebody_joins_with_a_one_time_code_and_a_passphrase_of_their_own(
    store: Store, anna: SignedIn
) -> None:
    made = invite(store, anna, name="Bo Lind", role=Role.SUPERVISOR)
    code = made.code.reveal_text()

    assert look_at_invitation(store, code=code).name == "Bo Lind"
    bo = join(store, code=code.lower(), name="Bo Lind", passphrase=BO_PASSPHRASE, language="en", zone="UTC")

    assert (bo.id, bo.role, bo.runs_practice) == (made.counsellor_id, Role.SUPERVISOR, False)
    assert [member.counsellor.name for member in list_people(store, bo)] == ["Anna Weiss", "Bo Lind"]
    assert list_invitations(store, anna) == ()
    again = sign_in(store, passphrase=BO_PASSPHRASE, name="  bo LIND ")
    assert (again.id, again.role) == (bo.id, Role.SUPERVISOR)


def test_an_invitation_is_good_once_for_a_week_and_until_it_is_taken_back(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    used = invite(store, anna, name="Bo", role=Role.COUNSELLOR)
    late = invite(store, anna, name="Cora", role=Role.COUNSELLOR)
    gone = invite(store, anna, name="Dov", role=Role.COUNSELLOR)

    join(store, code=used.code.reveal_text(), name="Bo", passphrase=BO_PASSPHRASE, language="en", zone="UTC")
    end_invitation(store, anna, counsellor_id=gone.counsellor_id)

    assert [each.name for each in list_invitations(store, anna)] == ["Cora"]
    for made in (used, gone):
        with pytest.raises(WrongPassphrase, match="opens no invitation"):
            look_at_invitation(store, code=made.code.reveal_text())
    with pytest.raises(NotFound):
        end_invitation(store, anna, counsellor_id=gone.counsellor_id)
    clock.move(days=7, minutes=1)
    with pytest.raises(WrongPassphrase):
        join(
            store, code=late.code.reveal_text(), name="C", passphrase=BO_PASSPHRASE, language="en", zone="UTC"
        )


def test_the_code_of_an_invitation_stands_nowhere_in_the_store(
    store: Store, store_path: Path, anna: SignedIn
) -> None:
    made = invite(store, anna, name="Bo Lind", role=Role.COUNSELLOR)

    with sqlite3.connect(store_path) as database:
        row = database.execute("SELECT * FROM invitations").fetchone()
    plain = made.code.reveal_text().replace("-", "")

    assert plain.encode() not in repr(row).encode()
    assert "Bo Lind" not in repr(row)
    assert plain not in repr(made)


def test_guessing_codes_is_slowed_and_a_slip_counts_as_no_guess(store: Store, anna: SignedIn) -> None:
    code = invite(store, anna, name="Bo", role=Role.COUNSELLOR).code.reveal_text()
    other = invite(store, anna, name="Cora", role=Role.COUNSELLOR)
    end_invitation(store, anna, counsellor_id=other.counsellor_id)
    wrong = other.code.reveal_text()

    for _ in range(9):
        with pytest.raises(WrongPassphrase, match=r"slip|letters"):
            look_at_invitation(store, code=code[:-1])
    for _ in range(5):
        with pytest.raises(WrongPassphrase, match="opens no"):
            look_at_invitation(store, code=wrong)
    with pytest.raises(TooManyTries):
        look_at_invitation(store, code=code)


def test_who_signs_in_says_who_they_are_once_there_are_several(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    assert needs_name(store)

    with pytest.raises(NameNeeded):
        sign_in(store, passphrase=PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase=PASSPHRASE, name="Bo Lind")

    assert sign_in(store, passphrase=PASSPHRASE, name="Anna Weiss").id == anna.id


def test_a_name_that_nobody_has_is_refused_like_a_wrong_passphrase(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    def said(name: str) -> str:
        with pytest.raises(WrongPassphrase) as refusal:
            sign_in(store, passphrase="not the passphrase at all", name=name)
        return str(refusal.value)

    assert said("Nobody Known") == said("Bo Lind")
    for _ in range(4):
        said("Nobody Known")
    with pytest.raises(TooManyTries):
        sign_in(store, passphrase="not the passphrase at all", name="Nobody Known")
    assert sign_in(store, passphrase=BO_PASSPHRASE, name="Bo Lind").id == bo.id


def test_the_names_tag_tells_the_database_no_name(store: Store, store_path: Path, bo: SignedIn) -> None:
    with sqlite3.connect(store_path) as database:
        rows = database.execute("SELECT * FROM counsellors").fetchall()

    assert all(name not in repr(rows).casefold() for name in ("anna", "weiss", "bo lind"))


def test_two_people_do_not_sign_in_with_one_name(store: Store, anna: SignedIn, bo: SignedIn) -> None:
    with pytest.raises(BadInput, match="name already"):
        invite(store, anna, name="bo  lind", role=Role.COUNSELLOR)
    code = invite(store, anna, name="Bob", role=Role.COUNSELLOR).code.reveal_text()

    with pytest.raises(BadInput, match="name already"):
        join(store, code=code, name="BO LIND", passphrase=BO_PASSPHRASE, language="en", zone="UTC")
    with pytest.raises(WeakPassphrase):
        join(store, code=code, name="Bob", passphrase="short", language="en", zone="UTC")
    with pytest.raises(BadInput, match="time zone"):
        join(store, code=code, name="Bob", passphrase=BO_PASSPHRASE, language="en", zone="Nowhere/City")

    assert join(store, code=code, name="Bob", passphrase=BO_PASSPHRASE, language="en", zone="UTC")


def test_only_who_runs_the_practice_invites_and_ends(store: Store, anna: SignedIn, bo: SignedIn) -> None:
    acts = [
        lambda: invite(store, bo, name="Cora", role=Role.COUNSELLOR),
        lambda: list_invitations(store, bo),
        lambda: end_invitation(store, bo, counsellor_id=CounsellorId("x")),
        lambda: end_account(store, bo, counsellor_id=anna.id),
        lambda: resume_account(store, bo, counsellor_id=anna.id),
        lambda: end_account(store, anna, counsellor_id=anna.id),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()


def test_the_founder_runs_the_practice_until_there_is_an_administrator(store: Store, anna: SignedIn) -> None:
    chief = let_in(store, anna, "Chief", Role.ADMINISTRATOR)

    assert chief.runs_practice
    assert not sign_in(store, passphrase=PASSPHRASE, name="Anna Weiss").runs_practice
    end_account(store, chief, counsellor_id=let_in(store, chief, "Second", Role.ADMINISTRATOR).id)
    assert not sign_in(store, passphrase=PASSPHRASE, name="Anna Weiss").runs_practice


def test_an_administrator_begins_no_file_even_past_the_services(store: Store, anna: SignedIn) -> None:
    chief = let_in(store, anna, "Chief", Role.ADMINISTRATOR)

    with pytest.raises(NotAllowed, match="opens no patient"):
        new_patient(store, chief, name="Lee")
    with pytest.raises(NotAllowed, match="holds no patient"), store.write(chief) as tx:
        tx.patients.add(Patient("p9", "Lee"))  # type: ignore[arg-type]

    assert list_patients(store, chief) == ()


def test_an_account_that_has_ended_lets_nobody_in_until_it_is_resumed(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    cookie = open_login(store, bo).reveal_text()

    end_account(store, anna, counsellor_id=bo.id)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)
    assert not needs_name(store)
    with pytest.raises(NotAllowed, match="has ended"):
        sign_in(store, passphrase=BO_PASSPHRASE, counsellor_id=bo.id)
    resume_account(store, anna, counsellor_id=bo.id)
    assert sign_in(store, passphrase=BO_PASSPHRASE, name="Bo Lind").id == bo.id


def test_the_recovery_key_opens_anybodys_account_and_says_so(
    store: Store, practice: SetUp, bo: SignedIn
) -> None:
    patient = new_patient(store, bo, name="Lee")
    key = practice.recovery_key.reveal_text()

    again = recover(store, recovery_key=key, new_passphrase="another long passphrase", name="Bo Lind")

    assert again.id == bo.id
    assert [row.patient.id for row in list_patients(store, again)] == [patient.id]
    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase=BO_PASSPHRASE, name="Bo Lind")
    with store.read(again) as tx:
        assert Act.RECOVERED in [row.act for row in tx.audit.list(bo.id)]
    with pytest.raises(NotFound):
        recover(store, recovery_key=key, new_passphrase="another long passphrase", name="Nobody")


def test_a_role_changed_in_the_database_is_not_believed(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn
) -> None:
    with sqlite3.connect(store_path) as database:
        database.execute("UPDATE counsellors SET role = 'administrator' WHERE id = ?", [bo.id])

    by = sign_in(store, passphrase=BO_PASSPHRASE, name="Bo Lind")

    assert (by.role, by.runs_practice) == (Role.COUNSELLOR, False)

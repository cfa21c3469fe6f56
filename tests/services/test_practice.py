from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from phyassist.domain.people import Patient
from phyassist.domain.practice import PracticeSettings
from phyassist.errors import (
    AlreadySetUp,
    BadInput,
    Locked,
    NotFound,
    NotSetUp,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.services.patients import new_patient
from phyassist.services.practice import (
    change_passphrase,
    end_login,
    end_one_login,
    end_other_logins,
    get_practice_settings,
    is_set_up,
    list_logins,
    open_login,
    recover,
    resume_login,
    save_practice_settings,
    set_up,
    sign_in,
    wait_after,
)
from phyassist.services.searching import find
from phyassist.store.audit import Act
from phyassist.store.opening import open_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Argon2Cost
from tests.conftest import PASSPHRASE, Clock

NEW_PASSPHRASE = "eight loud geese at dusk"


def acts(store: Store, by: SignedIn) -> list[Act]:
    with store.read(by) as tx:
        return [row.act for row in reversed(tx.audit.list())]


def test_a_store_is_not_set_up_until_it_is(store: Store) -> None:
    assert not is_set_up(store)
    for ask in (lambda: sign_in(store, passphrase=PASSPHRASE), lambda: get_practice_settings(store)):
        with pytest.raises(NotSetUp, match="choose a passphrase"):
            ask()

    set_up(store, name="Anna", passphrase=PASSPHRASE, language="zh", jurisdiction="cn", zone="Asia/Shanghai")

    assert is_set_up(store)
    assert get_practice_settings(store) == PracticeSettings("zh", "cn")


def test_a_practice_is_set_up_once(store: Store, anna: SignedIn) -> None:
    with pytest.raises(AlreadySetUp, match="sign in"):
        set_up(store, name="Bo", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC")


@pytest.mark.parametrize(
    "passphrase",
    [
        "",
        "short",
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababab",
        " " * 30,
        "七只安静的",
        "x1" + "y" * 1100 + "zqw",
    ],
)
def test_a_weak_passphrase_is_refused(store: Store, passphrase: str) -> None:
    with pytest.raises(WeakPassphrase):
        set_up(store, name="Anna", passphrase=passphrase, language="en", jurisdiction="other", zone="UTC")

    assert not is_set_up(store)


@pytest.mark.parametrize("passphrase", ["seven herons", "七只安静的鹭", "correct horse battery staple"])
def test_a_passphrase_of_twelve_letters_or_six_characters_will_do(store: Store, passphrase: str) -> None:
    set_up(store, name="Anna", passphrase=passphrase, language="en", jurisdiction="other", zone="UTC")

    assert sign_in(store, passphrase=passphrase).counsellor.name == "Anna"


@pytest.mark.parametrize(
    ("name", "zone"), [("  ", "UTC"), ("x" * 201, "UTC"), ("Anna", "Mars/Base"), ("Anna", "../x")]
)
def test_a_name_or_a_time_zone_that_cannot_be_is_refused(store: Store, name: str, zone: str) -> None:
    with pytest.raises(BadInput):
        set_up(store, name=name, passphrase=PASSPHRASE, language="en", jurisdiction="other", zone=zone)


def test_the_passphrase_opens_what_was_saved(store: Store, anna: SignedIn, patient: Patient) -> None:
    again = sign_in(store, passphrase=PASSPHRASE)

    assert again.counsellor == anna.counsellor
    assert [found.patient for found in find(store, again, "Sun")] == [patient]


def test_a_wrong_passphrase_opens_nothing_and_is_written_down(store: Store, anna: SignedIn) -> None:
    with pytest.raises(WrongPassphrase) as raised:
        sign_in(store, passphrase="seven quiet herons at noon")

    assert "noon" not in str(raised.value)
    assert acts(store, anna)[-1] == Act.SIGN_IN_FAILED


def test_tries_slow_down_and_a_restart_does_not_help(
    store: Store, store_path: Path, anna: SignedIn, clock: Clock
) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            sign_in(store, passphrase="not the passphrase")

    with open_store(f"sqlite:///{store_path}", clock=clock) as reopened:
        with pytest.raises(TooManyTries, match="looked at in 5 s") as raised:
            sign_in(reopened, passphrase=PASSPHRASE)
        clock.move(seconds=4)
        with pytest.raises(TooManyTries, match="looked at in 1 s"):
            sign_in(reopened, passphrase=PASSPHRASE)

    assert raised.value.wait_s == 5
    clock.move(seconds=1)
    assert sign_in(store, passphrase=PASSPHRASE).counsellor == anna.counsellor
    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase="not the passphrase")


def test_waiting_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(failed) for failed in (0, 4, 5, 6, 7, 12, 13, 1000)] == [
        0,
        0,
        5,
        10,
        20,
        640,
        900,
        900,
    ]


def test_a_clock_that_was_set_back_does_not_lock_for_long(store: Store, anna: SignedIn, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            sign_in(store, passphrase="not the passphrase")

    clock.move(days=-300)

    with pytest.raises(TooManyTries, match="in 5 s"):
        sign_in(store, passphrase=PASSPHRASE)


def test_a_cheap_lock_is_raised_at_the_next_sign_in(
    store: Store, store_path: Path, anna: SignedIn, clock: Clock
) -> None:
    dearer = Argon2Cost(memory_kib=128, passes=2, lanes=1)

    with open_store(f"sqlite:///{store_path}", clock=clock, passphrase_cost=dearer) as reopened:
        sign_in(reopened, passphrase=PASSPHRASE)

    with store.entrance() as entrance:
        assert entrance.account().passphrase_lock.startswith("argon2id$19$128$2$1$")
    assert sign_in(store, passphrase=PASSPHRASE).counsellor == anna.counsellor


def test_a_cookie_opens_the_login_until_it_is_ended(store: Store, anna: SignedIn, patient: Patient) -> None:
    cookie = open_login(store, anna).reveal_text()

    resumed = resume_login(store, cookie, idle_lock_min=15)

    assert resumed.counsellor == anna.counsellor
    assert find(store, resumed, "Sun")[0].patient == patient
    end_login(store, cookie)
    end_login(store, cookie)
    with pytest.raises(Locked, match="sign in again"):
        resume_login(store, cookie, idle_lock_min=15)
    assert acts(store, anna)[-1] == Act.SIGNED_OUT


@pytest.mark.parametrize(
    "cookie", ["", "x", "七" * 43, "A" * 43, "A" * 44, "A" * 10_000, "../../etc", "=" * 44]
)
def test_a_made_up_cookie_opens_nothing(store: Store, anna: SignedIn, cookie: str) -> None:
    open_login(store, anna)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)


def test_a_login_locks_when_idle_and_not_while_it_is_used(store: Store, anna: SignedIn, clock: Clock) -> None:
    cookie = open_login(store, anna).reveal_text()
    for _ in range(5):
        clock.move(minutes=14)
        resume_login(store, cookie, idle_lock_min=15)

    clock.move(minutes=15)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)
    clock.move(minutes=-15)
    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)
    assert list_logins(store, anna) == ()


def test_what_a_page_asks_by_itself_does_not_keep_a_login_open(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    cookie = open_login(store, anna).reveal_text()
    for _ in range(14):
        clock.move(minutes=1)
        resume_login(store, cookie, idle_lock_min=15, touch=False)

    clock.move(minutes=1)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15, touch=False)


def test_a_login_ends_after_twelve_hours_however_busy(store: Store, anna: SignedIn, clock: Clock) -> None:
    cookie = open_login(store, anna).reveal_text()
    for _ in range(71):
        clock.move(minutes=10)
        resume_login(store, cookie, idle_lock_min=0)

    clock.move(minutes=10)

    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=0)


def test_logins_are_listed_and_the_present_one_is_marked(store: Store, anna: SignedIn, clock: Clock) -> None:
    first = open_login(store, anna).reveal_text()
    clock.move(minutes=1)
    open_login(store, anna)

    listed = list_logins(store, resume_login(store, first, idle_lock_min=15))

    assert sorted(login.is_this_one for login in listed) == [False, True]
    assert all(login.opened_at <= clock() - timedelta(0) for login in listed)


def test_the_store_alone_opens_no_login(store: Store, store_path: Path, anna: SignedIn) -> None:
    cookie = open_login(store, anna).reveal_text()
    with sqlite3.connect(store_path) as database:
        row_id = database.execute("SELECT id FROM logins").fetchone()[0]

    assert cookie.encode() not in store_path.read_bytes()
    for guess in (row_id, row_id * 2, row_id[:43]):
        with pytest.raises(Locked):
            resume_login(store, guess, idle_lock_min=15)


def test_a_new_passphrase_replaces_the_old_and_ends_other_logins(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    mine, other = open_login(store, anna).reveal_text(), open_login(store, anna).reveal_text()
    me = resume_login(store, mine, idle_lock_min=15)

    change_passphrase(store, me, passphrase=PASSPHRASE, new_passphrase=NEW_PASSPHRASE)

    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase=PASSPHRASE)
    with pytest.raises(Locked):
        resume_login(store, other, idle_lock_min=15)
    assert resume_login(store, mine, idle_lock_min=15).counsellor == anna.counsellor
    assert find(store, sign_in(store, passphrase=NEW_PASSPHRASE), "Sun")[0].patient == patient
    assert Act.PASSPHRASE_CHANGED in acts(store, anna)


def test_a_passphrase_is_not_changed_without_the_old_one(store: Store, anna: SignedIn) -> None:
    with pytest.raises(WrongPassphrase):
        change_passphrase(store, anna, passphrase="not the passphrase", new_passphrase=NEW_PASSPHRASE)
    with pytest.raises(WeakPassphrase):
        change_passphrase(store, anna, passphrase=PASSPHRASE, new_passphrase="short")

    assert sign_in(store, passphrase=PASSPHRASE).counsellor == anna.counsellor


def test_the_recovery_key_restores_access_and_is_loud(
    store: Store, practice: SetUp, patient: Patient
) -> None:
    cookie = open_login(store, practice.signed_in).reveal_text()
    typed = practice.recovery_key.reveal_text().lower().replace("-", " ")

    back = recover(store, recovery_key=typed, new_passphrase=NEW_PASSPHRASE)

    assert back.counsellor == practice.signed_in.counsellor
    assert find(store, back, "Sun")[0].patient == patient
    assert acts(store, back)[-1] == Act.RECOVERED
    with pytest.raises(Locked):
        resume_login(store, cookie, idle_lock_min=15)
    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase=PASSPHRASE)
    assert sign_in(store, passphrase=NEW_PASSPHRASE).counsellor == back.counsellor


def test_patients_made_after_a_recovery_are_recovered_too(store: Store, practice: SetUp) -> None:
    typed = practice.recovery_key.reveal_text()
    back = recover(store, recovery_key=typed, new_passphrase=NEW_PASSPHRASE)
    later = new_patient(store, back, name="Lee")

    again = recover(store, recovery_key=typed, new_passphrase=PASSPHRASE)

    assert find(store, again, "lee")[0].patient == later


def test_another_practices_recovery_key_is_refused_and_slows_down(store: Store, anna: SignedIn) -> None:
    other = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-V559"

    for _ in range(5):
        with pytest.raises(WrongPassphrase, match="another practice"):
            recover(store, recovery_key=other, new_passphrase=NEW_PASSPHRASE)

    with pytest.raises(TooManyTries):
        recover(store, recovery_key=other, new_passphrase=NEW_PASSPHRASE)
    assert acts(store, anna)[-1] == Act.RECOVERY_FAILED
    assert sign_in(store, passphrase=PASSPHRASE).counsellor == anna.counsellor


def test_a_slip_in_the_recovery_key_is_said_and_counts_as_no_try(store: Store, practice: SetUp) -> None:
    typed = practice.recovery_key.reveal_text()
    slip = ("0" if typed[0] != "0" else "1") + typed[1:]

    for _ in range(9):
        with pytest.raises(WrongPassphrase, match="has a slip"):
            recover(store, recovery_key=slip, new_passphrase=NEW_PASSPHRASE)

    assert recover(store, recovery_key=typed, new_passphrase=NEW_PASSPHRASE).counsellor.name == "Anna Weiss"


def test_settings_are_saved_and_readable_while_locked(store: Store, anna: SignedIn) -> None:
    settings = replace(get_practice_settings(store), idle_lock_min=5, client_word="patient", hide_names=True)

    save_practice_settings(store, anna, settings)

    assert get_practice_settings(store) == settings
    with pytest.raises(BadInput, match="idle time"):
        save_practice_settings(store, anna, replace(settings, idle_lock_min=-1))


def test_one_login_is_ended_and_so_are_all_others(store: Store, anna: SignedIn) -> None:
    cookies = [open_login(store, anna, browser=name).reveal_text() for name in ("Firefox", "Safari", "")]
    here = resume_login(store, cookies[0], idle_lock_min=15)
    listed = {login.browser: login for login in list_logins(store, here)}
    assert set(listed) == {"Firefox", "Safari", ""}
    assert listed["Firefox"].is_this_one

    end_one_login(store, here, login_id=listed["Safari"].id)

    with pytest.raises(Locked):
        resume_login(store, cookies[1], idle_lock_min=15)
    with pytest.raises(NotFound):
        end_one_login(store, here, login_id=listed["Safari"].id)
    assert end_other_logins(store, here) == 1
    with pytest.raises(Locked):
        resume_login(store, cookies[2], idle_lock_min=15)
    assert [login.is_this_one for login in list_logins(store, here)] == [True]


def test_logins_that_have_run_out_are_not_listed_and_leave_nothing_behind(
    store: Store, store_path: Path, anna: SignedIn, clock: Clock
) -> None:
    open_login(store, anna)
    clock.move(minutes=16)
    assert list_logins(store, anna) == ()

    clock.move(hours=12)
    open_login(store, anna)

    with sqlite3.connect(store_path) as database:
        assert database.execute("SELECT count(*) FROM logins").fetchone() == (1,)


def test_several_who_sign_in_at_the_same_moment_all_get_in(store: Store, practice: SetUp) -> None:
    together = Barrier(4)

    def enter(_: int) -> SignedIn:
        together.wait()
        return sign_in(store, passphrase=PASSPHRASE)

    with ThreadPoolExecutor(4) as pool:
        entered = [each for _ in range(5) for each in pool.map(enter, range(4))]

    assert {by.id for by in entered} == {practice.signed_in.id}

"""Setting up, signing in, locking: the acts around a practice's passphrase."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phyassist.domain.people import Counsellor, CounsellorId, Jurisdiction, Language
from phyassist.domain.practice import PracticeSettings
from phyassist.errors import (
    BadInput,
    NameNeeded,
    NotAllowed,
    NotFound,
    StoreFull,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.services.access import check_runs_practice
from phyassist.store.accounts import (
    changed_account,
    check_recovery_key,
    complete,
    enter_login,
    find_login,
    find_named,
    forget_login,
    found_practice,
    greet,
    make_login,
    name_browser,
    parse_login,
    read_recovery_key,
    relock,
    restore_access,
    signed_out,
    unlock,
    unlock_found,
    wants_relock,
)
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.entrance import PRACTICE_ID, Account, Entrance
from phyassist.store.people import LoginSecret, SetUp, SignedIn
from phyassist.store.second_factor import use_code
from phyassist.store.transactions import Store

NAME_CHARACTERS_MAX = 200
PASSPHRASE_WEIGHT_MIN = 12
PASSPHRASE_CHARACTERS_MAX = 1024
LOGIN_HOURS_MAX = 12
# A request within this time of the last one is not written down: most pages ask several times a second.
_TOUCH_S = 20
_FREE_TRIES = 4
_FIRST_WAIT_S = 5
_WAIT_S_MAX = 900
_RECOVERY_TRIES = "recovery"


@dataclass(frozen=True, slots=True)
class OpenLogin:
    """A signed-in browser as a list shows it."""

    id: str
    opened_at: datetime
    seen_at: datetime
    is_this_one: bool
    browser: str = ""


def is_set_up(store: Store) -> bool:
    with store.entrance() as entrance:
        return entrance.is_set_up()


def set_up(
    store: Store, *, name: str, passphrase: str, language: Language, jurisdiction: Jurisdiction, zone: str
) -> SetUp:
    """A new practice with its counsellor signed in, and the recovery key, which is never shown again.

    Raises AlreadySetUp, WeakPassphrase, BadInput for an empty name or an unknown time zone.
    """
    counsellor = Counsellor(CounsellorId(store.new_id()), check_name(name), language, check_zone(zone))
    check_passphrase(passphrase)
    return found_practice(
        store,
        counsellor=counsellor,
        passphrase=passphrase,
        settings=PracticeSettings(language=language, jurisdiction=jurisdiction),
    )


def needs_name(store: Store) -> bool:
    """Whether several people work here, so that who signs in has to say who they are."""
    with store.entrance() as entrance:
        return len(_open_accounts(entrance)) > 1


def needs_code(store: Store) -> bool:
    """Whether anybody here signs in with a second factor."""
    with store.entrance() as entrance:
        return any(each.second_sealed is not None for each in _open_accounts(entrance))


def sign_in(
    store: Store,
    *,
    passphrase: str,
    counsellor_id: CounsellorId | None = None,
    name: str = "",
    code: str = "",
    origin: str = "",
) -> SignedIn:
    """The counsellor behind a passphrase: of this id, of this name, or the only one.

    `code` is what the authenticator app shows, where there is a second factor; `origin` is for the audit.
    After a few failures each further try has to wait, whichever process is asked and however it is restarted.
    A name that nobody has takes as long and says the same as a wrong passphrase.
    Raises NotSetUp, WrongPassphrase, CodeNeeded, TooManyTries, NameNeeded, NotAllowed for an account that
    has ended.
    """
    with store.entrance(writes=True) as entrance:
        found, tried = find_account(entrance, counsellor_id, name)
        count_try(entrance, tried)

    try:
        account, keyring = unlock_found(store, found, passphrase)
    except WrongPassphrase:
        with store.entrance(writes=True) as entrance:
            entrance.audit(origin=origin).write(
                Act.SIGN_IN_FAILED, Kind.COUNSELLOR, found.id if found else ""
            )
        raise
    if account.ended_at is not None:
        raise ended_account()
    use_code(store, account, keyring, code, origin)
    raised = relock(store, account, keyring, passphrase) if wants_relock(store, account) else None

    with store.entrance(writes=True) as entrance:
        if raised is not None and entrance.save_account(raised, after=account.version):
            account = raised
        complete(entrance, account, keyring)
        entrance.clear_tries(tried)
        entrance.audit(account.id, origin).write(Act.SIGNED_IN, Kind.COUNSELLOR, account.id)
        return replace(greet(entrance, account, keyring), origin=origin)


def find_account(
    entrance: Entrance, counsellor_id: CounsellorId | None, name: str
) -> tuple[Account | None, str]:
    """Whose passphrase is meant, and under what its tries are counted; None where nobody has this name.

    Raises NotSetUp, NameNeeded.
    """
    if counsellor_id is not None:
        return entrance.account(counsellor_id), counsellor_id
    account, open_ones = entrance.account(), _open_accounts(entrance)
    if len(open_ones) <= 1:
        account = open_ones[0] if open_ones else account
        return account, account.id
    if not name.strip():
        raise NameNeeded("several people work here", hint="say who signs in")
    found, tag = find_named(entrance, name)
    return found, tag if found is None else found.id


def _open_accounts(entrance: Entrance) -> tuple[Account, ...]:
    return tuple(each for each in entrance.accounts() if each.ended_at is None)


def ended_account() -> NotAllowed:
    return NotAllowed("this account has ended", hint="ask who runs the practice")


def open_login(store: Store, by: SignedIn, *, browser: str = "") -> LoginSecret:
    """A login for a browser that has just signed in; its text is the cookie's value, kept nowhere else.

    `browser` is what it calls itself, sealed for the counsellor's own list of logins.
    """
    with store.entrance(writes=True) as entrance:
        entrance.end_old_logins(by.id, entrance.clock() - timedelta(hours=LOGIN_HOURS_MAX))
        return make_login(by, entrance, browser)


def resume_login(store: Store, cookie: str, *, idle_lock_min: int, touch: bool = True) -> SignedIn:
    """The counsellor of a login, by its cookie.

    `touch=False` for what a page asks by itself, so that an open page alone does not keep the workspace open.
    Raises Locked where the login has ended, was idle for too long (0: never), or is over twelve hours old.
    """
    return _resume(store, cookie, idle_lock_min, touch=touch)[0]


def enter_workspace(store: Store, cookie: str, *, touch: bool = True) -> tuple[SignedIn, PracticeSettings]:
    """The counsellor of a login and what the practice has settled, its idle time among it, in one reading.

    `touch` as in `resume_login`.  Raises NotSetUp, and Locked as `resume_login` does.
    """
    return _resume(store, cookie, None, touch=touch)


def _resume(
    store: Store, cookie: str, idle_lock_min: int | None, *, touch: bool
) -> tuple[SignedIn, PracticeSettings]:
    secret = parse_login(cookie)
    with store.entrance() as entrance:
        practice = entrance.settings.get()
        login = find_login(entrance, secret)
        if login is None:
            forget_login(store, secret)
            raise signed_out()
        by = enter_login(entrance, login, secret)
        now = entrance.clock()
    idle_lock_min = practice.idle_lock_min if idle_lock_min is None else idle_lock_min

    idle = now - login.seen_at
    too_idle = idle_lock_min > 0 and idle >= timedelta(minutes=idle_lock_min)
    if too_idle or now - login.opened_at >= timedelta(hours=LOGIN_HOURS_MAX):
        by.keyring.forget()
        forget_login(store, secret)
        # A full disk must not keep a login open; the row that stays is as idle at the next request.
        with suppress(StoreFull), store.entrance(writes=True) as entrance:
            entrance.end_login(login.id)
            entrance.audit(login.counsellor_id).write(Act.LOCKED, Kind.LOGIN, login.id)
        raise signed_out()
    if touch and idle >= timedelta(seconds=_TOUCH_S):
        # With a full disk a counsellor can still read; the page that saves says what is wrong.
        with suppress(StoreFull), store.entrance(writes=True) as entrance:
            entrance.touch_login(login.id)
    lasts_until = login.opened_at + timedelta(hours=LOGIN_HOURS_MAX)
    if idle_lock_min > 0:
        used_at = now if touch else login.seen_at
        lasts_until = min(lasts_until, used_at + timedelta(minutes=idle_lock_min))
    store.kept.hold(login.id, lasts_until)
    return by, practice


def end_login(store: Store, cookie: str) -> None:
    """Lock: the cookie opens nothing from now on.  A cookie that is no login any more is no error."""
    secret = parse_login(cookie)
    with store.entrance(writes=True) as entrance:
        login = find_login(entrance, secret)
        if login is not None:
            entrance.end_login(login.id)
            entrance.audit(login.counsellor_id).write(Act.SIGNED_OUT, Kind.LOGIN, login.id)
    forget_login(store, secret)


def list_logins(store: Store, by: SignedIn) -> tuple[OpenLogin, ...]:
    """The signed-in counsellor's own logins that still open something, the one used last first."""
    with store.entrance() as entrance:
        now, idle_min = entrance.clock(), entrance.settings.get().idle_lock_min
        return tuple(
            OpenLogin(
                login.id, login.opened_at, login.seen_at, login.id == by.login_id, name_browser(by, login)
            )
            for login in entrance.logins(by.id)
            if now - login.opened_at < timedelta(hours=LOGIN_HOURS_MAX)
            and (idle_min == 0 or now - login.seen_at < timedelta(minutes=idle_min))
        )


def end_one_login(store: Store, by: SignedIn, *, login_id: str) -> None:
    """End one of one's own logins; what its cookie opened opens no more.  Raises NotFound."""
    with store.entrance(writes=True) as entrance:
        if login_id not in {login.id for login in entrance.logins(by.id)}:
            raise NotFound("this login has ended already", hint="look at the list again")
        entrance.end_login(login_id)
        entrance.audit(by.id, by.origin).write(Act.LOGIN_ENDED, Kind.LOGIN, login_id)
    store.kept.end(login_id)


def end_other_logins(store: Store, by: SignedIn) -> int:
    """End all of one's own logins but this one; how many there were."""
    with store.entrance(writes=True) as entrance:
        others = [login.id for login in entrance.logins(by.id) if login.id != by.login_id]
        entrance.end_logins(by.id, but=by.login_id)
        for login_id in others:
            entrance.audit(by.id, by.origin).write(Act.LOGIN_ENDED, Kind.LOGIN, login_id)
    for login_id in others:
        store.kept.end(login_id)
    return len(others)


def change_passphrase(store: Store, by: SignedIn, *, passphrase: str, new_passphrase: str) -> None:
    """Lock the same keys under a new passphrase; all other logins of this counsellor end.

    Raises WrongPassphrase, TooManyTries, WeakPassphrase, ChangedMeanwhile.
    """
    check_passphrase(new_passphrase)
    with store.entrance(writes=True) as entrance:
        account = entrance.account(by.id)
        count_try(entrance, account.id)

    keyring = unlock(account, passphrase)
    renewed = relock(store, account, keyring, new_passphrase)

    with store.entrance(writes=True) as entrance:
        if not entrance.save_account(renewed, after=account.version):
            raise changed_account()
        entrance.clear_tries(account.id)
        entrance.end_logins(by.id, but=by.login_id)
        entrance.audit(by.id, by.origin).write(Act.PASSPHRASE_CHANGED, Kind.COUNSELLOR, by.id)


def recover(
    store: Store,
    *,
    recovery_key: str,
    new_passphrase: str,
    counsellor_id: CounsellorId | None = None,
    name: str = "",
    origin: str = "",
) -> SignedIn:
    """The counsellor signed in again after a lost passphrase; old logins end, the audit log says so.

    A slip in the typed key is told at once and counts as no try.
    Raises NotSetUp, WrongPassphrase, TooManyTries, WeakPassphrase, NameNeeded, and NotFound for a name that
    nobody has and NotAllowed for an account that has ended, both only to who holds the right key.
    """
    check_passphrase(new_passphrase)
    recovery = read_recovery_key(recovery_key)
    with store.entrance(writes=True) as entrance:
        account, _ = find_account(entrance, counsellor_id, name)
        expected = entrance.recovery_public()
        count_try(entrance, _RECOVERY_TRIES)

    try:
        check_recovery_key(recovery, expected)
    except WrongPassphrase:
        with store.entrance(writes=True) as entrance:
            entrance.audit(origin=origin).write(
                Act.RECOVERY_FAILED, Kind.COUNSELLOR, account.id if account else ""
            )
        raise
    if account is None:
        raise NotFound("nobody here signs in with this name", hint="type it as it stands under your notes")
    if account.ended_at is not None:
        raise ended_account()
    by = restore_access(store, account, recovery, new_passphrase, origin=origin)

    with store.entrance(writes=True) as entrance:
        entrance.clear_tries(account.id)
        entrance.clear_tries(_RECOVERY_TRIES)
    return by


def get_practice_settings(store: Store) -> PracticeSettings:
    """Readable while locked.  Raises NotSetUp."""
    with store.entrance() as entrance:
        return entrance.settings.get()


@again
def save_practice_settings(store: Store, by: SignedIn, settings: PracticeSettings) -> None:
    """Raises NotAllowed for all but who runs the practice, BadInput for an idle time over a day."""
    check_runs_practice(by)
    if not 0 <= settings.idle_lock_min <= 24 * 60:
        raise BadInput(
            "the idle time is not within a day", hint="give minutes from 1 to 1440, or 0 for never"
        )
    with store.write(by) as tx:
        tx.settings.save(settings)
        tx.audit.write(Act.SETTINGS_CHANGED, Kind.PRACTICE, PRACTICE_ID)


def check_passphrase(passphrase: str) -> None:
    """Raises WeakPassphrase: a passphrase is all that stands between a stolen disk and what is on it.

    Twelve characters, a Chinese one counting as two, with five different ones among them.
    """
    weight = sum(2 if ord(sign) > 0x2E7F else 1 for sign in passphrase.strip())
    if weight < PASSPHRASE_WEIGHT_MIN:
        raise WeakPassphrase(
            f"the passphrase is shorter than {PASSPHRASE_WEIGHT_MIN} characters",
            hint="a sentence that nobody else would think of is easy to keep",
        )
    if len(set(passphrase)) < 5:
        raise WeakPassphrase("the passphrase repeats a few characters", hint="use several different words")
    if len(passphrase) > PASSPHRASE_CHARACTERS_MAX:
        raise WeakPassphrase(
            f"the passphrase is longer than {PASSPHRASE_CHARACTERS_MAX} characters", hint="shorten it"
        )


def count_try(entrance: Entrance, who: str) -> None:
    """Count a try before it is looked at.  Raises TooManyTries while the last failures ask for a wait."""
    check_tries(entrance, who)
    entrance.count_try(who)


def check_tries(entrance: Entrance, who: str) -> None:
    tries = entrance.tries(who)
    if tries is None:
        return
    wait_s = wait_after(tries.failed)
    elapsed_s = max(0.0, (entrance.clock().astimezone(UTC) - tries.last_at).total_seconds())
    left_s = int(wait_s - elapsed_s + 0.999)
    if left_s > 0:
        raise TooManyTries(
            f"too many tries; the next one is looked at in {left_s} s",
            wait_s=left_s,
            hint="wait, then try again",
        )


def wait_after(failed: int) -> int:
    """Seconds to wait after so many failures in a row: none at first, then doubling to a quarter hour."""
    if failed <= _FREE_TRIES:
        return 0
    return int(min(_WAIT_S_MAX, _FIRST_WAIT_S * 2 ** min(failed - _FREE_TRIES - 1, 20)))


def check_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > NAME_CHARACTERS_MAX:
        raise BadInput(
            f"a name has 1 to {NAME_CHARACTERS_MAX} characters", hint="type the name notes are signed with"
        )
    return plain


def check_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            "the time zone is not known", hint="give one like Asia/Shanghai or Europe/Berlin"
        ) from None
    return zone

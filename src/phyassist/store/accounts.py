"""Accounts, logins and recovery: where a passphrase, a cookie or a printed key becomes a keyring.

Deriving a key from a passphrase takes a third of a second, so nothing here does it inside a transaction.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from phyassist.domain.people import Counsellor, CounsellorId, Role
from phyassist.domain.practice import PracticeSettings
from phyassist.errors import AlreadySetUp, CannotOpen, ChangedMeanwhile, Locked, WrongPassphrase
from phyassist.store.audit import Act, Kind
from phyassist.store.chats import restore_chat_key
from phyassist.store.coding import pack_identity, pack_person, pack_text, unpack_text
from phyassist.store.desk import wrap_rows
from phyassist.store.directory import Directory, identity_place, person_place
from phyassist.store.entrance import PRACTICE_ID, Account, Entrance, Login
from phyassist.store.library import restore_library_keys
from phyassist.store.people import Identity, LoginSecret, SetUp, SignedIn
from phyassist.store.pins import forget_pins
from phyassist.store.practice import write_settings
from phyassist.store.process_notes import restore_process_keys
from phyassist.store.transactions import Store
from phyassist.store.wraps import RECOVERY_HOLDER, recovery_place, wrap_place
from phyassist.vault.keyring import Keyring, PassphraseLock, login_id, login_key, make_login_secret, name_tag
from phyassist.vault.sealing import DataKey, Place
from phyassist.vault.secrets import Secret, make_recovery_key, parse_invitation_code

_LOGIN_BYTES = 32


def found_practice(
    store: Store, *, counsellor: Counsellor, passphrase: str, settings: PracticeSettings
) -> SetUp:
    """A practice with its first counsellor.  Raises AlreadySetUp."""
    keyring, lock = Keyring.make(), PassphraseLock.make(store.passphrase_cost)
    recovery_key = make_recovery_key()
    recovery = Keyring.from_recovery_key(recovery_key.reveal_text())
    practice_key, key_id = DataKey.make(term=1), store.new_id()
    by = SignedIn(counsellor, keyring, runs_practice=True)
    account = Account(
        id=counsellor.id,
        role=Role.COUNSELLOR,
        public_key=keyring.public,
        passphrase_lock=lock.to_text(),
        private_sealed=keyring.seal_private(lock.key(passphrase), private_place(counsellor.id, 1)),
        person_sealed=practice_key.seal(pack_person(counsellor), person_place(counsellor.id)),
        version=1,
        name_tag=name_tag(counsellor.name, recovery.public),
        identity_sealed=practice_key.seal(
            pack_identity(make_identity(counsellor.id, Role.COUNSELLOR, keyring)),
            identity_place(counsellor.id),
        ),
    )
    pinned = keyring.own.seal(recovery.public, recovery_place(counsellor.id))
    with store.entrance(writes=True) as entrance:
        if entrance.is_set_up():
            raise AlreadySetUp("this practice has been set up before", hint="sign in with its passphrase")
        entrance.add_practice(recovery_public=recovery.public, settings=write_settings(settings))
        entrance.add_account(account, recovery_sealed=pinned)
        entrance.add_key(key_id, 1, wrap_rows(practice_key, key_id, by, recovery.public, entrance.clock()))
        entrance.audit(counsellor.id).write(Act.SET_UP, Kind.PRACTICE, PRACTICE_ID)
    return SetUp(by, recovery_key)


def unlock(account: Account, passphrase: str) -> Keyring:
    """The keyring behind a passphrase; takes about a third of a second.  Raises WrongPassphrase."""
    lock = PassphraseLock.parse(account.passphrase_lock)
    place = private_place(account.id, account.version)
    try:
        return Keyring.open_private(account.private_sealed, lock.key(passphrase), place)
    except CannotOpen:
        raise _does_not_fit() from None


def unlock_found(store: Store, account: Account | None, passphrase: str) -> tuple[Account, Keyring]:
    """The account with its keyring.

    Raises WrongPassphrase; where there is no account it takes as long to say so.
    """
    if account is None:
        PassphraseLock.make(store.passphrase_cost).key(passphrase)
        raise _does_not_fit()
    return account, unlock(account, passphrase)


def _does_not_fit() -> WrongPassphrase:
    return WrongPassphrase("the passphrase does not fit", hint="try again, or use the recovery key")


def relock(store: Store, account: Account, keyring: Keyring, passphrase: str) -> Account:
    """The account one version on, sealed under this passphrase at the store's present cost."""
    lock, version = PassphraseLock.make(store.passphrase_cost), account.version + 1
    return replace(
        account,
        public_key=keyring.public,
        passphrase_lock=lock.to_text(),
        private_sealed=keyring.seal_private(lock.key(passphrase), private_place(account.id, version)),
        version=version,
    )


def wants_relock(store: Store, account: Account) -> bool:
    """Whether the passphrase was locked at a lower cost than this store's."""
    return PassphraseLock.parse(account.passphrase_lock).cost.below(store.passphrase_cost)


def greet(entrance: Entrance, account: Account, keyring: Keyring, login: str = "") -> SignedIn:
    """The counsellor behind an account, by the name that only the practice's key opens."""
    member = Directory(entrance.conn, account.id, keyring).read(account)
    runs = entrance.runs_practice(account.id, member.role)
    return SignedIn(
        member.counsellor,
        keyring,
        login,
        member.role,
        runs,
        has_second_factor=member.has_second_factor,
        recovered_at=account.recovered_at,
    )


def complete(entrance: Entrance, account: Account, keyring: Keyring) -> None:
    """Give an account of an earlier release the tag of its name and its identity."""
    if account.identity_sealed is not None:
        return
    directory = Directory(entrance.conn, account.id, keyring)
    member = directory.read(account)
    sealed = directory.seal_identity(make_identity(account.id, member.role, keyring))
    tag = name_tag(member.counsellor.name, entrance.recovery_public())
    entrance.complete_account(account.id, tag=tag, identity_sealed=sealed)


def find_named(entrance: Entrance, name: str) -> tuple[Account | None, str]:
    """The account that signs in with this name, if there is one, and the name's tag."""
    tag = name_tag(name, entrance.recovery_public())
    return next((each for each in entrance.accounts() if each.name_tag == tag), None), tag


def make_identity(counsellor_id: CounsellorId, role: Role, keyring: Keyring) -> Identity:
    return Identity(counsellor_id, role, keyring.public, keyring.signing)


def make_login(by: SignedIn, entrance: Entrance, browser: str = "") -> LoginSecret:
    """A new login's cookie value; the store keeps the private key sealed under it and forgets the value."""
    secret, now = make_login_secret(), entrance.clock()
    row_id = login_id(secret)
    sealed = by.keyring.seal_private(login_key(secret), _login_place(row_id))
    named = by.keyring.own.seal(pack_text(browser), _browser_place(row_id)) if browser else None
    entrance.add_login(Login(row_id, by.id, sealed, opened_at=now, seen_at=now, browser_sealed=named))
    return LoginSecret(secret)


def name_browser(by: SignedIn, login: Login) -> str:
    """What a login's browser called itself when it signed in; empty where it was not kept."""
    if login.browser_sealed is None:
        return ""
    return unpack_text(by.keyring.own.open_sealed(login.browser_sealed, _browser_place(login.id)))


def parse_login(cookie: str) -> Secret:
    """The secret in a cookie.  Raises Locked where it is not one of ours."""
    try:
        value = base64.b64decode(cookie.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != _LOGIN_BYTES:
        raise signed_out()
    return Secret(value)


def find_login(entrance: Entrance, secret: Secret) -> Login | None:
    return entrance.login(login_id(secret))


def forget_login(store: Store, secret: Secret) -> None:
    """Nothing that this login has opened stays in this process's memory."""
    store.kept.end(login_id(secret))


def enter_login(entrance: Entrance, login: Login, secret: Secret) -> SignedIn:
    """The counsellor of a login.  Raises Locked where the cookie does not open it."""
    try:
        keyring = Keyring.open_private(login.private_sealed, login_key(secret), _login_place(login.id))
    except CannotOpen:
        raise signed_out() from None
    return greet(entrance, entrance.account(login.counsellor_id), keyring, login.id)


def signed_out() -> Locked:
    return Locked("this login has ended; what was saved is safe", hint="sign in again")


def read_recovery_key(typed: str) -> Keyring:
    """The keyring behind a recovery key as typed.  Raises WrongPassphrase when it has a slip."""
    return Keyring.from_recovery_key(typed)


def read_invitation_code(typed: str) -> Secret:
    """What a one-time code stands for.  Raises WrongPassphrase when it has a slip."""
    return parse_invitation_code(typed)


def check_recovery_key(recovery: Keyring, expected_public: bytes) -> None:
    """Raises WrongPassphrase when the key is not this practice's."""
    if Secret(recovery.public) != Secret(expected_public):
        raise WrongPassphrase(
            "this recovery key belongs to another practice", hint="look for this practice's printed sheet"
        )


def restore_access(
    store: Store, account: Account, recovery: Keyring, passphrase: str, *, origin: str = ""
) -> SignedIn:
    """The counsellor signed in with a new key pair, under a new passphrase; every login has ended.

    Each data key that the counsellor held is opened with the recovery key and kept anew.
    Raises CannotOpen, ChangedMeanwhile.
    """
    keyring = Keyring.make()
    renewed = relock(store, account, keyring, passphrase)
    pinned = keyring.own.seal(recovery.public, recovery_place(account.id))
    with store.entrance(writes=True) as entrance:
        for ours, theirs in entrance.keys_in_common(RECOVERY_HOLDER, account.id):
            key = recovery.open_given(ours.wrapped, wrap_place(ours.key_id, RECOVERY_HOLDER, ours.term))
            entrance.replace_wrap(theirs.key_id, account.id, keyring.keep_key(key, theirs.kept_place))
        restore_process_keys(entrance.conn, account.id, recovery=recovery, keyring=keyring)
        restore_chat_key(entrance.conn, account.id, recovery=recovery, keyring=keyring)
        restore_library_keys(entrance.conn, account.id, recovery=recovery, keyring=keyring)
        directory = Directory(entrance.conn, account.id, keyring)
        member = directory.read(account)
        renewed = replace(
            renewed,
            name_tag=name_tag(member.counsellor.name, recovery.public),
            identity_sealed=directory.seal_identity(make_identity(account.id, member.role, keyring)),
            # What was sealed under the lost key is gone: the second factor, and what was known of others.
            second_sealed=None,
            recovered_at=entrance.clock(),
        )
        forget_pins(entrance.conn, account.id)
        if not entrance.save_account(renewed, after=account.version, recovery_sealed=pinned):
            raise changed_account()
        entrance.end_logins(account.id)
        entrance.audit(account.id, origin).write(Act.RECOVERED, Kind.COUNSELLOR, account.id)
        return replace(greet(entrance, renewed, keyring), origin=origin)


def changed_account() -> ChangedMeanwhile:
    return ChangedMeanwhile("the passphrase was changed meanwhile", hint="sign in with the new one")


def private_place(counsellor_id: CounsellorId, version: int) -> Place:
    return Place("counsellors", counsellor_id, "private", version)


def _browser_place(row_id: str) -> Place:
    return Place("logins", row_id, "browser")


def _login_place(row_id: str) -> Place:
    return Place("logins", row_id, "private")

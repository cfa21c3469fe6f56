"""One's own account: passphrase, second factor, logins, and what to do with the files on leaving."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import segno
from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from starlette.responses import Response

from phyassist.domain.people import CounsellorId
from phyassist.errors import (
    BadInput,
    CodeNeeded,
    KeysChanged,
    NotAllowed,
    NotFound,
    TooManyTries,
    WeakPassphrase,
    WrongPassphrase,
)
from phyassist.services.accounts import (
    end_second_factor,
    load_account,
    propose_second_factor,
    renew_proposal,
    see_recovery,
    set_second_factor,
)
from phyassist.services.patients import list_patients
from phyassist.services.people import list_colleagues
from phyassist.services.practice import change_passphrase, end_one_login, end_other_logins, list_logins
from phyassist.services.sharing import cover, hand_over
from phyassist.store.people import SecondFactor
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.entrance import check_same, describe
from phyassist.web.render import render
from phyassist.web.views.frame import make_frame
from phyassist.web.views.members import (
    AccountPage,
    Proposal,
    read_last_day,
    say_tomorrow,
    view_choices,
    view_logins,
    view_recoveries,
)

router = APIRouter(route_class=PageRoute)
SAID = ("changed", "second_set", "second_ended", "login_ended", "logins_ended", "covered", "handed_over")


@router.get("/account")
def show_account(desk: AtDesk, said: str = "") -> Response:
    return render(make_account_page(desk, said=desk.w(f"account.said_{said}") if said in SAID else ""))


@router.post("/account/passphrase")
def save_passphrase(
    desk: AtDesk,
    old: Annotated[str, Form()],
    passphrase: Annotated[str, Form()],
    again: Annotated[str, Form()],
) -> Response:
    try:
        check_same(passphrase, again)
        change_passphrase(desk.house.store, desk.by, passphrase=old, new_passphrase=passphrase)
    except (BadInput, WeakPassphrase, WrongPassphrase, TooManyTries) as error:
        return render(make_account_page(desk, problem=describe(desk.w, error)), status=422)
    return RedirectResponse("/account?said=changed", 303)


@router.get("/account/second")
def show_second(desk: AtDesk) -> Response:
    return render(make_account_page(desk, proposed=propose_second_factor(desk.by)))


@router.post("/account/second")
def save_second(desk: AtDesk, secret: Annotated[str, Form()], code: Annotated[str, Form()]) -> Response:
    proposed = renew_proposal(desk.by, secret)
    try:
        set_second_factor(desk.house.store, desk.by, secret=proposed.secret, code=code)
    except CodeNeeded as error:
        problem = describe(desk.w, error)
        return render(make_account_page(desk, proposed=proposed, problem=problem), status=422)
    return RedirectResponse("/account?said=second_set", 303)


@router.post("/account/second/end")
def end_second(desk: AtDesk, passphrase: Annotated[str, Form()]) -> Response:
    try:
        end_second_factor(desk.house.store, desk.by, passphrase=passphrase)
    except (WrongPassphrase, TooManyTries) as error:
        return render(make_account_page(desk, problem=describe(desk.w, error)), status=422)
    return RedirectResponse("/account?said=second_ended", 303)


@router.post("/account/logins/end")
def end_others(desk: AtDesk) -> Response:
    end_other_logins(desk.house.store, desk.by)
    return RedirectResponse("/account?said=logins_ended", 303)


@router.post("/account/logins/{login_id}/end")
def end_login(desk: AtDesk, login_id: str) -> Response:
    # One that has ended meanwhile is as wanted.
    with suppress(NotFound):
        end_one_login(desk.house.store, desk.by, login_id=login_id)
    return RedirectResponse("/account?said=login_ended", 303)


@router.post("/account/seen")
def say_seen(desk: AtDesk) -> Response:
    see_recovery(desk.house.store, desk.by)
    return RedirectResponse("/account", 303)


@router.post("/account/cover")
def do_cover(desk: AtDesk, to: Annotated[CounsellorId, Form()], until: Annotated[str, Form()]) -> Response:
    try:
        moment = read_last_day(desk, until)
        if moment is None:
            raise ValueError
        cover(desk.house.store, desk.by, with_id=to, until=moment)
    except ValueError:
        return render(make_account_page(desk, problem=desk.w("sharing.no_day")), status=422)
    except (BadInput, NotAllowed, NotFound, KeysChanged) as error:
        return render(make_account_page(desk, problem=describe(desk.w, error)), status=422)
    return RedirectResponse("/account?said=covered", 303)


@router.post("/account/hand-over")
def do_hand_over(
    desk: AtDesk, to: Annotated[CounsellorId, Form()], confirm: Annotated[str, Form()] = ""
) -> Response:
    try:
        if confirm:
            hand_over(desk.house.store, desk.by, to_id=to)
    except (BadInput, NotAllowed, NotFound, KeysChanged) as error:
        return render(make_account_page(desk, problem=describe(desk.w, error)), status=422)
    return RedirectResponse("/account?said=handed_over" if confirm else "/account", 303)


def make_account_page(
    desk: Desk, *, proposed: SecondFactor | None = None, said: str = "", problem: str = ""
) -> AccountPage:
    store, by = desk.house.store, desk.by
    account = load_account(store, by)
    return AccountPage(
        desk.w,
        make_frame(desk, list_patients(store, by), tab="account"),
        desk.w(f"role.{by.role.value}"),
        account.fingerprint,
        view_recoveries(desk, account),
        view_logins(desk, list_logins(store, by)),
        account.kept,
        view_choices(desk.w, list_colleagues(store, by), by.id),
        say_tomorrow(desk),
        None if proposed is None else draw(proposed),
        said,
        problem,
    )


def draw(proposed: SecondFactor) -> Proposal:
    """With a picture of squares, drawn here: the secret goes to nobody who draws pictures for others."""
    secret = proposed.secret
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    picture = segno.make(proposed.address, error="m").svg_inline(scale=4, border=2, omitsize=True)
    # The picture is drawn of our own address alone, whose parts are quoted.
    return Proposal(secret, grouped, Markup(picture))  # noqa: S704

"""What an earlier PhyAssist gave, signed, invited and remembered is understood today."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phyassist.domain.people import CounsellorId, PatientId, Role
from phyassist.errors import CannotOpen, WrongPassphrase
from phyassist.store.coding import pack_identity, pack_invited, unpack_identity, unpack_invited
from phyassist.store.directory import identity_place
from phyassist.store.gifts import Handover
from phyassist.store.pins import pin_place
from phyassist.store.wraps import Wrap, link_place, wrap_place
from phyassist.vault.keyring import Keyring, check_signature, invitation_id, invitation_key, name_tag
from phyassist.vault.sealing import DataKey, Place
from phyassist.vault.secrets import Secret, parse_invitation_code

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "people.json").read_text(encoding="utf-8"))
GIVER = Keyring(Secret(bytes.fromhex(CASES["giver_private"])))
HOLDER = Keyring(Secret(bytes.fromhex(CASES["holder_private"])))
PRACTICE = DataKey(Secret(bytes.fromhex(CASES["identity"]["practice_key"])))
AT = datetime(2026, 11, 2, tzinfo=UTC)


def old_gift() -> Wrap:
    case = CASES["gift"]
    return Wrap(
        case["key_id"],
        case["term"],
        PatientId(case["patient_id"]),
        case["holder_id"],
        bytes.fromhex(case["wrapped"]),
        case["may_write"],
        datetime.fromisoformat(case["until"]),
        AT,
        CounsellorId(case["giver_id"]),
        bytes.fromhex(case["signature"]),
    )


def test_a_gift_of_long_ago_bears_its_signature_and_opens() -> None:
    gift = old_gift()

    assert gift.is_gift
    assert gift.statement(HOLDER.public).decode() == CASES["gift"]["statement"]
    check_signature(GIVER.signing, gift.signature or b"", gift.statement(HOLDER.public))
    key = HOLDER.open_given(gift.wrapped, wrap_place(gift.key_id, gift.holder_id, gift.term))
    assert key.raw().reveal().hex() == CASES["data_key"]
    # Ed25519 says the same twice: today's signature is that of then.
    assert GIVER.sign(gift.statement(HOLDER.public)) == gift.signature


@pytest.mark.parametrize(
    "change",
    [
        {"may_write": True},
        {"until": None},
        {"term": 4},
        {"holder_id": "holder2"},
        {"giver_id": "giver2"},
        {"patient_id": "patient2"},
        {"key_id": "key2"},
        {"wrapped": b"\x02other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_gift_does_not_bear_the_signature(change: dict[str, object]) -> None:
    gift = replace(old_gift(), **change)  # type: ignore[arg-type]

    with pytest.raises(CannotOpen, match="signature"):
        check_signature(GIVER.signing, old_gift().signature or b"", gift.statement(HOLDER.public))


def test_an_adopted_key_of_long_ago_opens_on_its_terms_alone() -> None:
    case = CASES["gift"]
    adopted = replace(old_gift(), wrapped=bytes.fromhex(case["kept"]))

    assert not adopted.is_gift
    place = adopted.kept_place
    assert [place.table, place.row, place.field, place.version] == case["kept_place"]
    assert HOLDER.open_key(adopted.wrapped, place).raw().reveal().hex() == CASES["data_key"]
    for other in (replace(adopted, may_write=True), replace(adopted, until=None)):
        with pytest.raises(CannotOpen):
            HOLDER.open_key(other.wrapped, other.kept_place)


def test_a_hand_over_of_long_ago_bears_its_signature() -> None:
    case = CASES["handover"]
    handover = Handover(
        PatientId(case["patient_id"]),
        case["term"],
        CounsellorId(case["from_id"]),
        CounsellorId(case["to_id"]),
        AT,
    )

    assert handover.statement().decode() == case["statement"]
    check_signature(GIVER.signing, bytes.fromhex(case["signature"]), handover.statement())
    with pytest.raises(CannotOpen):
        check_signature(HOLDER.signing, bytes.fromhex(case["signature"]), handover.statement())


def test_an_identity_of_long_ago_opens_from_the_directory_and_as_it_was_remembered() -> None:
    case = CASES["identity"]
    who = CounsellorId(case["id"])

    found = unpack_identity(PRACTICE.open_sealed(bytes.fromhex(case["sealed"]), identity_place(who)), who)
    pinned = unpack_identity(
        HOLDER.own.open_sealed(bytes.fromhex(case["pin"]), pin_place("holder1", who)), who
    )

    assert found == pinned
    assert (found.role, found.public, found.signing) == (Role.SUPERVISOR, GIVER.public, GIVER.signing)
    assert found.fingerprint == case["fingerprint"]
    assert pack_identity(found).decode() == case["packed"]


@pytest.mark.parametrize("typed", [CASES["invitation"]["code"], *CASES["invitation"]["also_typed"]])
def test_an_invitation_of_long_ago_opens_however_its_code_is_typed(typed: str) -> None:
    case, secret = CASES["invitation"], parse_invitation_code(typed)

    assert invitation_id(secret) == case["id"]
    place = Place("invitations", case["id"], "payload")
    invited = unpack_invited(invitation_key(secret).open_sealed(bytes.fromhex(case["sealed"]), place))
    assert (invited.name, invited.role) == ("安娜 B.", Role.COUNSELLOR)
    assert pack_invited(invited).decode() == case["packed"]


@pytest.mark.parametrize("typed", CASES["invitation"]["fails"])
def test_a_slip_in_a_one_time_code_is_seen_before_it_is_tried(typed: str) -> None:
    with pytest.raises(WrongPassphrase, match="one-time code"):
        parse_invitation_code(typed)


def test_the_link_of_a_renewed_practice_key_opens_under_the_one_before() -> None:
    case = CASES["link"]

    raw = PRACTICE.open_sealed(bytes.fromhex(case["sealed"]), link_place(case["key_id"], case["term"]))

    assert raw.hex() == CASES["data_key"]


def test_a_name_of_long_ago_has_the_same_tag_however_it_is_typed() -> None:
    case = CASES["name_tag"]
    salt = bytes.fromhex(case["salt"])

    assert name_tag(case["name"], salt) == name_tag(case["same"], salt) == case["tag"]
    assert name_tag("somebody else", salt) != case["tag"]

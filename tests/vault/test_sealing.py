from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phyassist.errors import CannotOpen
from phyassist.vault.sealing import FORMAT, DataKey, DataKeys, Place
from phyassist.vault.secrets import Secret

KEY = DataKey.make()
places = st.builds(
    Place, st.text(max_size=20), st.text(max_size=40), st.text(max_size=20), st.integers(0, 2**31)
)


@given(st.binary(max_size=4096), places)
def test_what_is_sealed_opens_in_its_place(value: bytes, place: Place) -> None:
    sealed = KEY.seal(value, place)

    assert sealed[0] == FORMAT
    assert len(sealed) == len(value) + 33
    assert KEY.open_sealed(sealed, place) == value


@given(st.binary(max_size=64), places, places)
def test_what_is_sealed_opens_in_no_other_place(value: bytes, place: Place, other: Place) -> None:
    assume(place != other)
    sealed = KEY.seal(value, place)

    with pytest.raises(CannotOpen):
        KEY.open_sealed(sealed, other)


@given(places, places)
def test_no_two_places_are_written_alike(place: Place, other: Place) -> None:
    assert (place.to_bytes() == other.to_bytes()) == (place == other)


@given(st.binary(max_size=64), st.data())
def test_a_single_changed_bit_is_noticed(value: bytes, data: st.DataObject) -> None:
    place = Place("notes", "1", "note")
    sealed = bytearray(KEY.seal(value, place))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))

    sealed[at // 8] ^= 1 << (at % 8)

    with pytest.raises(CannotOpen):
        KEY.open_sealed(bytes(sealed), place)


@given(st.binary(max_size=200))
def test_noise_does_not_open(noise: bytes) -> None:
    with pytest.raises(CannotOpen):
        KEY.open_sealed(noise, Place("notes", "1", "note"))


@given(st.binary(min_size=8, max_size=64))
def test_the_same_value_is_never_sealed_alike(value: bytes) -> None:
    place = Place("notes", "1", "note")

    one, two = KEY.seal(value, place), KEY.seal(value, place)

    assert one != two
    assert value not in one


def test_a_renewed_key_seals_anew_and_the_old_one_still_opens() -> None:
    old, new = DataKey.make(term=1), DataKey.make(term=2)
    place = Place("notes", "1", "note")
    before = DataKeys({1: old}).seal(b"before", place)

    keys = DataKeys({1: old, 2: new})
    after = keys.seal(b"after", place)

    assert keys.open_sealed(before, place) == b"before"
    assert new.open_sealed(after, place) == b"after"
    with pytest.raises(CannotOpen):
        DataKeys({1: old}).open_sealed(after, place)


def test_a_key_of_another_length_is_no_key() -> None:
    with pytest.raises(CannotOpen, match="wrong length"):
        DataKey(Secret(b"short"))


def test_an_error_names_the_place_and_not_the_value() -> None:
    sealed = KEY.seal(b"heron", Place("notes", "1", "note"))

    with pytest.raises(CannotOpen) as raised:
        KEY.open_sealed(sealed, Place("notes", "2", "note"))

    assert "notes 2 note 1" in str(raised.value)
    assert "heron" not in str(raised.value)
    assert raised.value.__cause__ is None

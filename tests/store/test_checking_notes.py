"""`store check` finds a note that is not what was signed, with a key and without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phyassist.domain.people import Patient
from phyassist.services.upkeep import check
from phyassist.store.checking import Part
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.store.making import make_consultation, make_note


@pytest.fixture
def url(store: Store, store_path: Path, anna: SignedIn, patient: Patient) -> str:
    """A store with one note."""
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron"))
        tx.notes.add(make_note(patient.id))
    return f"sqlite:///{store_path}"


def change(url: str, statement: str) -> None:
    with create_engine(url).begin() as conn:
        conn.execute(text(statement))


def test_a_sound_store_has_no_finding(url: str, anna: SignedIn):
    assert [each for each in check(url, anna).findings if each.part == Part.FINGERPRINT] == []


def test_another_date_is_seen_with_a_key(url: str, anna: SignedIn):
    change(url, "UPDATE notes SET signed_at = '2020-01-01 00:00:00.000000'")

    (finding,) = [each for each in check(url, anna).findings if each.part == Part.FINGERPRINT]

    assert (finding.table, finding.row_id, finding.said) == ("notes", "note1", "it is not what was signed")


def test_another_fingerprint_is_seen_without_a_key(url: str):
    change(url, f"UPDATE notes SET fingerprint = 'sha256:{'0' * 64}'")

    (finding,) = [each for each in check(url).findings if each.part == Part.FINGERPRINT]

    assert finding.row_id == "note1"
    assert "audit" in finding.said

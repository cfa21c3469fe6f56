"""What a note's fingerprint is made of never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from phyassist.store.fingerprints import make_fingerprint

ROW = {
    "id": "note1",
    "patient_id": "p1",
    "consultation_id": "c1",
    "draft_id": "d1",
    "author_id": "a1",
    "number": 3,
    "at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    "signed_at": datetime(2026, 3, 2, 10, 0, 0, 250000, tzinfo=UTC),
}
FROZEN = "sha256:7defceea706f2ba45989944eb424813541dd52dcad6def2897b2364367d2dd1c"


def test_the_fingerprint_of_a_note_is_what_it_always_was():
    made = make_fingerprint(ROW, '{"v":1,"question":"睡不着"}'.encode())

    assert made == FROZEN


def test_it_is_of_the_moment_and_not_of_how_the_moment_is_written():
    elsewhere = ROW["at"].astimezone(timezone(timedelta(hours=8)))

    assert make_fingerprint({**ROW, "at": elsewhere}, b"x") == make_fingerprint(ROW, b"x")


def test_every_part_counts_and_none_can_run_into_the_next():
    prints = {make_fingerprint({**ROW, name: "b"}, b"x") for name in ROW if name not in {"at", "signed_at"}}
    moved = make_fingerprint({**ROW, "draft_id": "d1a", "author_id": "1"}, b"x")

    assert len(prints | {moved, make_fingerprint(ROW, b"x"), make_fingerprint(ROW, b"y")}) == 9

"""A write whose answer is lost on the way, and one whose server goes away: each is done once."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from phyassist.domain.drafts import Draft, Section
from phyassist.errors import StoreAway
from phyassist.services.drafting import start_draft
from phyassist.services.intake import save_source, start_consultation
from phyassist.services.noting import amend_note, save_note
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up, sign_in
from phyassist.services.reworking import add_item
from phyassist.store.audit import Act, AuditFilter
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE
from tests.postgresql import NoServer, run_server


class Wire:
    """Stands between the store and a PostgreSQL server, and is cut when a commit passes.

    `cut` says when: "before" the commit reaches the server, or "after" the server has done it but before its
    answer is told.
    """

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self._server = str(server / ".s.PGSQL.5432")
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen()
        self.cut = ""
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self._server)
                except OSError:
                    client.close()
                    continue
                threading.Thread(target=self._carry_out, args=(client, server), daemon=True).start()

    def _carry_out(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._carry_back, args=(server, client), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(65536):
                if self.cut and b"COMMIT" in data:
                    how, self.cut = self.cut, ""
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)
                    if how == "after":
                        server.sendall(data)
                        time.sleep(0.3)
                    break
                server.sendall(data)
        for end in (client, server):
            # To close it is not enough while the other thread waits for its words.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _carry_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)


@pytest.fixture
def wire(postgresql_url: str) -> Iterator[Wire]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        made = Wire(Path(postgresql_url.rpartition("host=")[2]), Path(folder))
        yield made
        made.close()


@pytest.fixture
def wired(wire: Wire, postgresql_url: str) -> Iterator[Store]:
    """A store whose every word to its database passes the wire."""
    url = postgresql_url.rpartition("host=")[0] + f"host={wire.folder}"
    with open_store(url, passphrase_cost=FAST_COST) as store:
        yield store


@pytest.fixture
def counsellor(wired: Store) -> SignedIn:
    return set_up(
        wired, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
    ).signed_in


def make_draft(store: Store, by: SignedIn) -> Draft:
    patient = new_patient(store, by, name="Sun Mei")
    consultation = start_consultation(store, by, patient_id=patient.id)
    draft = start_draft(store, by, consultation_id=consultation.id, question="why?")
    return add_item(store, by, draft_id=draft.id, section=Section.REASON, text="one", after=draft.version)


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_note_whose_commit_got_no_answer_is_saved_once(
    wire: Wire, wired: Store, counsellor: SignedIn, how: str
) -> None:
    draft = make_draft(wired, counsellor)
    wire.cut = how

    note = save_note(wired, counsellor, draft_id=draft.id, after=draft.version)

    assert wire.cuts == 1
    with wired.read(counsellor) as tx:
        assert [each.id for each in tx.notes.list(draft.patient_id)] == [note.id]
        signed = [row for row in tx.audit.find(AuditFilter(row_id=note.id)) if row.act == Act.SIGNED]
        assert len(signed) == 1
        assert tx.audit.verify().first_broken is None


@pytest.mark.parametrize("how", ["before", "after"])
def test_every_act_that_a_counsellor_waits_for_outlives_a_cut_wire(
    wire: Wire, wired: Store, counsellor: SignedIn, how: str
) -> None:
    store, by, cuts = wired, counsellor, []

    def cut() -> None:
        wire.cut = how
        cuts.append(how)

    cut()
    patient = new_patient(store, by, name="Sun Mei")
    cut()
    consultation = start_consultation(store, by, patient_id=patient.id)
    cut()
    save_source(store, by, consultation_id=consultation.id, text="a long day", after=0)
    cut()
    draft = start_draft(store, by, consultation_id=consultation.id, question="why?")
    for words in ("one", "two"):
        cut()
        draft = add_item(
            store, by, draft_id=draft.id, section=Section.REASON, text=words, after=draft.version
        )
    cut()
    note = save_note(store, by, draft_id=draft.id, after=draft.version)
    cut()
    note = amend_note(store, by, note_id=note.id, reason="a slip", text="it was Tuesday")

    assert wire.cuts == len(cuts)
    with store.read(by) as tx:
        assert [each.id for each in tx.patients.list()] == [patient.id]
        assert [each.id for each in tx.consultations.list(patient.id)] == [consultation.id]
        assert tx.consultations.get(consultation.id).source.text == "a long day"
        assert [item.text for item in tx.notes.get(note.id).items] == ["one", "two"]
        assert len(tx.notes.get(note.id).amendments) == 1
        assert [each.id for each in tx.drafts.list(patient.id)] == [draft.id]
        assert tx.audit.verify().first_broken is None


def test_a_write_waits_for_a_server_that_comes_back() -> None:
    try:
        running = run_server()
        server = running.__enter__()
    except NoServer as error:
        pytest.skip(str(error))
    try:
        with open_store(server.url(), passphrase_cost=FAST_COST) as store:
            set_up(store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC")
            by = sign_in(store, passphrase=PASSPHRASE)
            draft, saved = make_draft(store, by), []
            server.stop()
            writer = threading.Thread(
                target=lambda: saved.append(save_note(store, by, draft_id=draft.id, after=draft.version))
            )
            writer.start()
            writer.join(1)
            assert not saved
            server.start()
            writer.join(60)

            with store.read(by) as tx:
                assert [note.id for note in tx.notes.list(draft.patient_id)] == [saved[0].id]
    finally:
        running.__exit__(None, None, None)


def test_a_server_that_stays_away_is_said_when_the_patience_is_over(
    wire: Wire, wired: Store, counsellor: SignedIn
) -> None:
    draft = make_draft(wired, counsellor)
    wired.patience_s = 0.5
    wire._server += ".gone"
    wire.cut = "before"

    with pytest.raises(StoreAway, match="does not answer"):
        save_note(wired, counsellor, draft_id=draft.id, after=draft.version)

    wire._server = wire._server.removesuffix(".gone")
    with wired.read(counsellor) as tx:
        assert tx.notes.list(draft.patient_id) == ()

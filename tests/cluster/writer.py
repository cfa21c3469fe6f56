"""A counsellor who saves one note after the other; a line on stdin says where.

A line on stdout for each note that the service said was saved.  It knows nothing of the cluster and tries
nothing a second time: that is the product's business.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

from phyassist.domain.drafts import Section
from phyassist.domain.records import ConsultationId
from phyassist.errors import PhyAssistError
from phyassist.services.drafting import start_draft
from phyassist.services.noting import save_note
from phyassist.services.practice import sign_in
from phyassist.services.reworking import add_item
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE


def main() -> None:
    told = json.loads(sys.stdin.readline())
    with open_store(told["url"], passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        say({"ready": True})
        for count in itertools.count():
            words = f"writer {told['writer']} note {count}"
            try:
                note_id = write_note(store, by, ConsultationId(told["consultation"]), words)
            except PhyAssistError as error:
                say({"error": error.code, "words": words, "at": time.time()})
                time.sleep(0.2)
                continue
            say({"note": note_id, "words": words, "at": time.time()})


def write_note(store: Store, by: SignedIn, consultation_id: ConsultationId, words: str) -> str:
    """A draft by hand, signed; the id of the note when the service has said that it is saved."""
    draft = start_draft(store, by, consultation_id=consultation_id, question=words)
    draft = add_item(store, by, draft_id=draft.id, section=Section.REASON, text=words, after=draft.version)
    return save_note(store, by, draft_id=draft.id, after=draft.version).id


def say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

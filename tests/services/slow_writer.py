"""A process that writes a draft with a slow scripted model and says what is on the screen: to be killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from phyassist.domain.drafts import DraftId
from phyassist.lm.protocol import Ask, Never, Reading, Reply, Stop, Words
from phyassist.lm.scripted import ScriptedModel
from phyassist.prompts.replies import ItemWords
from phyassist.services.drafting import write_draft
from phyassist.services.practice import sign_in
from phyassist.store.opening import open_store
from tests.conftest import FAST_COST, PASSPHRASE
from tests.services.drafts import make_reply

PIECE_S = 0.04


class SlowModel(ScriptedModel):
    def write(self, ask: Ask, stop: Stop) -> Iterator[Reading | Words | Reply]:
        for event in super().write(ask, stop):
            time.sleep(PIECE_S)
            yield event


def main() -> None:
    path, draft_id = sys.argv[1:]
    with open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        lm = SlowModel([make_reply()])
        for event in write_draft(store, lm, by, draft_id=DraftId(draft_id), stop=Never()):
            if isinstance(event, ItemWords):
                sys.stdout.write(f"{event.text}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()

"""A published adapter in a practice: it answers where there is no other, and holds nobody's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from phyassist.domain.adapters import LANGUAGES, MODEL, AdapterCard, AdapterId, AdapterKind, AdapterState
from phyassist.domain.learning import Limits
from phyassist.errors import BadInput, NotAllowed
from phyassist.lm.protocol import GGUF_FILE
from phyassist.lm.shipped import get_shipped, list_shipped, load_shipped
from phyassist.services.access import check_runs_practice
from phyassist.services.run_files import KEPT_FILES
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store


@again
def take_published(
    store: Store, by: SignedIn, *, manifest: Mapping[str, Any], files: Mapping[str, bytes], limits: Limits
) -> AdapterCard:
    """The adapter of a verified bundle, sealed under the practice's key; it may answer from now on.

    `manifest` is the bundle's own, `files` what lies in it by name.
    Raises NotAllowed, also for one that is for research alone or one too many; BadInput.
    """
    check_runs_practice(by)
    if manifest["research_only"]:
        raise NotAllowed(
            f"{manifest['title']} is for research only", hint="take one that is free, or train your own"
        )
    if GGUF_FILE not in files:
        raise BadInput(
            f"{manifest['title']} has no {GGUF_FILE}, which the engine reads",
            hint="ask its makers to publish it again",
        )
    now = store.clock()
    card = AdapterCard(
        id=AdapterId(store.new_id()),
        base_sha256=manifest["base"]["sha256"],
        patient_id=None,
        trained_at=datetime.fromisoformat(manifest["made_at"]),
        state=AdapterState.TRAINING,
        kind=AdapterKind.PUBLISHED,
        owner_id=by.id,
        label=manifest["title"],
        config={MODEL: manifest["base"]["name"]} | _say_languages(manifest),
    )
    with store.write(by) as tx:
        if tx.adapters.count_all() >= limits.adapters_per_practice:
            raise NotAllowed(
                f"the practice keeps {tx.adapters.count_all()} adapters already",
                hint="delete one, or raise adapters_per_practice",
            )
        key = tx.adapters.begin(card, ())
        kept = tuple(
            tx.adapters.files.save(card.id, key, name, files[name]) for name in KEPT_FILES if name in files
        )
        done = replace(card, state=AdapterState.ACCEPTED, in_use_since=now, files=kept)
        tx.adapters.files.finish(done, key)
        tx.audit.write(Act.ADAPTER_USED, Kind.ADAPTER, card.id)
        return tx.adapters.get(card.id)


def list_offers(store: Store, by: SignedIn, *, base_sha256: str) -> tuple[str, ...]:
    """The names of adapters that come with PhyAssist, fit the loaded model, and were not taken yet.

    Nothing for somebody who may not take one.
    """
    if not by.runs_practice:
        return ()
    with store.read(by) as tx:
        taken = {file.sha256 for card in tx.adapters.cards() for file in card.files}
    return tuple(
        each.name for each in list_shipped() if each.base_sha256 == base_sha256 and each.sha256 not in taken
    )


def take_shipped(store: Store, by: SignedIn, *, name: str, limits: Limits) -> AdapterCard:
    """As `take_published` does, one that comes with PhyAssist; the card of one that was taken before.

    Raises UnknownName, ModelDamaged, NotAllowed.
    """
    check_runs_practice(by)
    known = get_shipped(name)
    with store.read(by) as tx:
        for card in tx.adapters.cards():
            if known.sha256 in {file.sha256 for file in card.files}:
                return card
    manifest, files = load_shipped(name)
    return take_published(store, by, manifest=manifest, files=files, limits=limits)


def _say_languages(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Nothing for one that answers in any language, as those do that were published by earlier versions."""
    said = manifest.get("answers_in", ())
    return {LANGUAGES: ",".join(said)} if said else {}

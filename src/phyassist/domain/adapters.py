"""LoRA adapters as values: what a card says, and which one answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import PatientId

AdapterId = NewType("AdapterId", str)


class AdapterState(StrEnum):
    ACCEPTED = "accepted"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class AdapterCard:
    """What is known of an adapter: the base it fits (SHA-256 of the model file), whose it is, its state."""

    id: AdapterId
    base_sha256: str
    patient_id: PatientId | None
    trained_at: datetime
    state: AdapterState


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """The adapter to ask for, none for the base model alone; the reason in a word that pages translate."""

    card: AdapterCard | None
    reason: str


def choose_adapter(
    cards: tuple[AdapterCard, ...], patient_id: PatientId | None, base_sha256: str
) -> AdapterChoice:
    """The newest accepted adapter of this patient that fits the loaded base; else the base alone."""
    own = [card for card in cards if patient_id is not None and card.patient_id == patient_id]
    if not own:
        return AdapterChoice(None, "no-adapter")
    fitting = [card for card in own if card.base_sha256 == base_sha256]
    if not fitting:
        return AdapterChoice(None, "other-base")
    accepted = [card for card in fitting if card.state == AdapterState.ACCEPTED]
    if not accepted:
        return AdapterChoice(None, "none-accepted")
    return AdapterChoice(max(accepted, key=lambda card: card.trained_at), "patient-adapter")

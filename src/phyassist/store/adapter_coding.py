"""An adapter's card and the progress of its run as bytes, coded as all else is in `coding`."""

from __future__ import annotations

from dataclasses import replace

from phyassist.domain.adapters import AdapterCard, AdapterFile, NoteRef, Verdict, VerdictReason
from phyassist.domain.learning import CurvePoint, Phase, RunProgress
from phyassist.domain.notes import NoteId
from phyassist.store.coding import Json, pack, unpack


def pack_adapter(card: AdapterCard) -> bytes:
    """What no column says: label, ledger, config, scores, verdict and files."""
    verdict = card.verdict
    return pack(
        {
            "label": card.label,
            "ledger": [[ref.note_id, ref.version] for ref in card.ledger],
            "config": dict(card.config),
            "scores": dict(card.scores),
            "verdict": None
            if verdict is None
            else {
                "accepted": verdict.is_accepted,
                "reason": verdict.reason.value,
                "numbers": dict(verdict.numbers),
            },
            "files": [[each.name, each.size_bytes, each.sha256] for each in card.files],
        }
    )


def unpack_adapter(blob: bytes, bare: AdapterCard) -> AdapterCard:
    """`bare`, a card with only what stands in columns, filled with the rest."""

    def read(fields: Json) -> AdapterCard:
        return replace(
            bare,
            label=fields["label"],
            ledger=tuple(NoteRef(NoteId(note_id), int(version)) for note_id, version in fields["ledger"]),
            config={name: str(value) for name, value in fields["config"].items()},
            scores={name: float(value) for name, value in fields["scores"].items()},
            verdict=_read_verdict(fields["verdict"]),
            files=tuple(AdapterFile(name, int(size), sha256) for name, size, sha256 in fields["files"]),
        )

    return unpack(blob, read)


def _read_verdict(fields: Json | None) -> Verdict | None:
    if fields is None:
        return None
    numbers = {name: float(value) for name, value in fields["numbers"].items()}
    return Verdict(bool(fields["accepted"]), VerdictReason(fields["reason"]), numbers)


def pack_progress(progress: RunProgress) -> bytes:
    return pack(
        {
            "phase": progress.phase.value,
            "step": progress.step,
            "steps": progress.steps,
            "left_s": progress.left_s,
            "curve": [[each.step, each.loss, each.held_out_loss] for each in progress.curve],
        }
    )


def unpack_progress(blob: bytes) -> RunProgress:
    def read(fields: Json) -> RunProgress:
        return RunProgress(
            Phase(fields["phase"]),
            int(fields["step"]),
            int(fields["steps"]),
            fields["left_s"],
            tuple(CurvePoint(int(step), loss, held_out) for step, loss, held_out in fields["curve"]),
        )

    return unpack(blob, read)

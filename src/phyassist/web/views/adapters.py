"""Assistants as rows: what each was made of, what the gate said of it, and what may be done with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from phyassist.domain.adapters import (
    MINUTES_MAX,
    STEPS_PLANNED,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    Bar,
    Verdict,
    VerdictReason,
    find_bar,
)
from phyassist.domain.gate import LOST
from phyassist.domain.people import Language
from phyassist.services.adapters import Shelf
from phyassist.web.desk import Desk
from phyassist.web.wording import Words

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """`lines` say what was measured; `gate` is the verdict in a sentence.  `state` is a word of the page.
    `ask_first` is what is asked before it is used, empty where one click does it.
    """

    adapter_id: str
    name: str = field(repr=False)
    made: str
    under: str
    lines: tuple[str, ...]
    gate: str
    state: str
    state_said: str
    warnings: tuple[str, ...]
    is_in_use: bool
    may_use: bool
    may_withdraw: bool
    may_compare: bool
    ask_first: str = ""


def name_adapter(card: AdapterCard, w: Words) -> str:
    return w(f"assistant.name_{card.kind.value}", no=card.number, label=card.label)


def view_rows(shelf: Shelf, desk: Desk, base_sha256: str) -> tuple[AdapterRow, ...]:
    """Where nobody knows which model is loaded, none is held to be for another one."""
    names = {card.id: name_adapter(card, desk.w) for card in shelf.known}
    bars = {
        card.id: find_bar(
            card, card.patient_id, base_sha256 or card.base_sha256, is_withdrawn=shelf.is_withdrawn
        )
        for card in shelf.cards
    }
    in_use = _find_in_use(shelf, bars)
    return tuple(
        view_row(
            card,
            desk,
            names,
            bar=bars[card.id],
            is_in_use=card.id in in_use,
            answers_here=shelf.language is None or card.answers_in(shelf.language),
        )
        for card in shelf.cards
        if bars[card.id] is not Bar.TRAINING
    )


def _find_in_use(shelf: Shelf, bars: Mapping[AdapterId, Bar | None]) -> set[AdapterId]:
    """Of each kind and language the one that was accepted last; of a patient's, the one that answers."""
    if any(card.patient_id is not None for card in shelf.cards):
        return {shelf.choice.card.id} if shelf.choice.card else set()
    newest = {
        (card.kind, card.label, language): card.id
        for card in sorted(shelf.cards, key=lambda card: card.in_use_since or card.trained_at)
        for language in _list_answered(card)
        if card.state == AdapterState.ACCEPTED and bars[card.id] is None
    }
    return set(newest.values())


def view_row(
    card: AdapterCard,
    desk: Desk,
    names: Mapping[AdapterId, str],
    *,
    bar: Bar | None,
    is_in_use: bool,
    answers_here: bool,
) -> AdapterRow:
    w, when = desk.w, desk.when
    state = _find_state(card, bar, is_in_use=is_in_use, answers_here=answers_here)
    repeats = card.verdict is not None and card.verdict.reason == VerdictReason.REMEMBERS
    return AdapterRow(
        adapter_id=card.id,
        name=name_adapter(card, w),
        made=w(
            "assistant.made_public" if card.kind == AdapterKind.PUBLISHED else "assistant.made",
            date=when.date(card.trained_at),
            notes=card.notes,
        ),
        under=_say_origin(card, names, w),
        lines=(
            *_say_languages(card, w),
            *_say_too_long(card, w),
            *_say_late(card, w),
            *_say_scores(card.verdict, w),
        ),
        gate=say_verdict(card.verdict, w),
        state=state,
        state_said=w(f"assistant.{state}", date=when.date(card.in_use_since)),
        warnings=tuple(_list_warnings(card, state, bar, answers_here=answers_here, w=w)),
        is_in_use=is_in_use,
        may_use=bar is None and answers_here and not is_in_use,
        may_withdraw=card.state != AdapterState.WITHDRAWN,
        may_compare=bar is None,
        ask_first=w("assistant.use_remembers") if repeats else "",
    )


def _find_state(card: AdapterCard, bar: Bar | None, *, is_in_use: bool, answers_here: bool) -> str:
    if bar is Bar.CONSENT:
        return "consent_withdrawn"
    if card.state != AdapterState.ACCEPTED:
        return card.state.value
    if bar is not None:
        return "kept" if bar is Bar.LEAKS else "other_base"
    return "in_use" if is_in_use else "earlier" if answers_here else "other_language"


def _list_warnings(
    card: AdapterCard, state: str, bar: Bar | None, *, answers_here: bool, w: Words
) -> Iterable[str]:
    if card.retrain_since:
        yield w("assistant.retrain")
    if bar is Bar.LEAKS:
        yield w("assistant.leaks")
    if bar is Bar.OTHER_BASE and state != "other_base":
        yield w("assistant.other_base")
    if bar is None and not answers_here:
        yield w("assistant.answers_elsewhere")


def _say_origin(card: AdapterCard, names: Mapping[AdapterId, str], w: Words) -> str:
    """What it went on from, or what was merged into it; one that is gone since has no name any more."""
    if card.merged_of:
        gone = w("assistant.gone")
        return w(
            "assistant.merged_of",
            names=w("assistant.between").join(names.get(each, gone) for each in card.merged_of),
        )
    parent = names.get(card.parent_id) if card.parent_id else None
    return w("assistant.on_top", name=parent) if parent else ""


def say_verdict(verdict: Verdict | None, w: Words) -> str:
    """The gate's verdict in one sentence; empty where there is none."""
    if verdict is None:
        return ""
    numbers = defaultdict(
        lambda: NOTHING,
        {
            name: f"{value:.0%}" if name.startswith("similarity") else f"{value:.2f}"
            for name, value in verdict.numbers.items()
        },
    )
    shown = ("loss_before", "loss_after", "similarity_before", "similarity_after")
    key = f"assistant.gate_{verdict.reason.value.replace(' ', '-')}"
    said = w(key, **{name: numbers[name] for name in shown})
    lost = dict.fromkeys(
        name.removeprefix(LOST).split()[0] for name in verdict.numbers if name.startswith(LOST)
    )
    if verdict.reason != VerdictReason.GENERAL_LOST or not lost:
        return said
    return said + w(
        "assistant.lost", what=w("assistant.lost_between").join(w(f"assistant.lost_{name}") for name in lost)
    )


def _say_languages(card: AdapterCard, w: Words) -> Iterable[str]:
    """For whom alone it answers, where it does not answer for everybody."""
    answered = _list_answered(card)
    if card.patient_id is None and len(answered) == 1:
        yield w(f"assistant.only_{answered[0]}")


def _say_too_long(card: AdapterCard, w: Words) -> Iterable[str]:
    """That examples were longer than what the trainer reads at once, where some were."""
    count = int(card.config.get("too_long", "0"))
    if count:
        yield w("assistant.too_long", count=count)


def _say_late(card: AdapterCard, w: Words) -> Iterable[str]:
    """That the run's minutes were over before its steps were, where it was so."""
    if STEPS_PLANNED in card.config:
        planned, most = card.config[STEPS_PLANNED], card.config[MINUTES_MAX]
        yield w("assistant.late", steps=card.config["steps"], planned=planned, minutes=most)


def _list_answered(card: AdapterCard) -> tuple[Language, ...]:
    languages: tuple[Language, ...] = ("zh", "en")
    return tuple(language for language in languages if card.answers_in(language))


def _say_scores(verdict: Verdict | None, w: Words) -> Iterable[str]:
    numbers = verdict.numbers if verdict else {}
    if {"loss_before", "loss_after"} <= numbers.keys():
        before, after = f"{numbers['loss_before']:.2f}", f"{numbers['loss_after']:.2f}"
        yield w("assistant.loss", before=before, after=after)
    if {"similarity_before", "similarity_after"} <= numbers.keys():
        before, after = f"{numbers['similarity_before']:.0%}", f"{numbers['similarity_after']:.0%}"
        yield w("assistant.similarity", before=before, after=after)
    if "languages" in numbers:
        yield w("assistant.each_language")
    if "drafted_by_present" in numbers:
        yield w("assistant.drafted_by_present", count=int(numbers["drafted_by_present"]))

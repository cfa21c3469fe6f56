"""Which adapter answers: the nearest to the patient, the one accepted last, and what was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from phyassist.domain.adapters import (
    BASE_ALONE,
    LANGUAGES,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    Bar,
    Verdict,
    VerdictReason,
    choose_adapter,
    find_bar,
)
from phyassist.domain.people import PatientId

AT = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SUN, LEE = PatientId("sun"), PatientId("lee")
BASE, OTHER = "a" * 64, "b" * 64


def card(
    name: str, kind: AdapterKind = AdapterKind.PATIENT, state: AdapterState = AdapterState.ACCEPTED
) -> AdapterCard:
    of = SUN if kind == AdapterKind.PATIENT else None
    return AdapterCard(AdapterId(name), BASE, of, AT, state, kind)


KINDS = tuple(card(kind.value, kind) for kind in AdapterKind)


@pytest.mark.parametrize(
    ("gone", "name", "reason"),
    [
        (0, "patient", "patient-adapter"),
        (1, "counsellor", "counsellor-adapter"),
        (2, "practice", "practice-adapter"),
        (3, "published", "published-adapter"),
        (5, None, "no-adapter"),
    ],
)
def test_the_nearest_kind_answers_and_a_chosen_set_only_where_it_is_asked_for(
    gone: int, name: str | None, reason: str
) -> None:
    choice = choose_adapter(KINDS[gone:], SUN, BASE)

    assert (choice.card.id if choice.card else None, choice.reason) == (name, reason)


def test_another_patients_adapter_never_answers() -> None:
    assert choose_adapter([card("sun's")], LEE, BASE).card is None
    assert choose_adapter([card("sun's")], LEE, BASE, "sun's").card is None
    assert choose_adapter([card("sun's")], None, BASE).card is None


def test_of_a_kind_the_one_that_was_accepted_last_answers() -> None:
    first = replace(card("first"), in_use_since=AT)
    second = replace(card("second"), trained_at=AT + timedelta(days=1), in_use_since=AT + timedelta(days=1))
    used_again = replace(first, in_use_since=AT + timedelta(days=2))
    rolled_back = replace(second, state=AdapterState.WITHDRAWN)

    assert choose_adapter([first, second], SUN, BASE).card == second
    assert choose_adapter([used_again, second], SUN, BASE).card == used_again
    assert choose_adapter([first, rolled_back], SUN, BASE).card == first


def test_what_does_not_fit_the_loaded_base_or_did_not_prove_better_is_not_chosen() -> None:
    kept = card("kept", state=AdapterState.KEPT)
    training = card("training", state=AdapterState.TRAINING)

    assert choose_adapter([card("own")], SUN, OTHER).reason == "other-base"
    assert choose_adapter([kept], SUN, BASE).reason == "none-accepted"
    assert choose_adapter([training], SUN, BASE).reason == "no-adapter"


def test_one_that_helps_in_one_language_is_chosen_there_and_elsewhere_only_by_hand() -> None:
    chinese = replace(card("zh", AdapterKind.PUBLISHED), config={LANGUAGES: "zh"})
    any_language = card("any", AdapterKind.PUBLISHED)

    assert choose_adapter([chinese], SUN, BASE, language="zh").card == chinese
    assert choose_adapter([chinese], SUN, BASE, language="en").reason == "other-language"
    assert choose_adapter([chinese], None, BASE).card is None
    assert choose_adapter([chinese, any_language], SUN, BASE, language="en").card == any_language
    assert choose_adapter([chinese], SUN, BASE, "zh", language="en").card == chinese


def test_a_published_one_writes_drafts_and_leaves_chat_to_the_base() -> None:
    published = choose_adapter([card("free", AdapterKind.PUBLISHED)], SUN, BASE)
    own = choose_adapter([card("own")], SUN, BASE)

    assert published.card is not None
    assert published.in_words.card is None
    assert own.in_words == own


def test_a_consultation_may_ask_for_another_adapter_or_for_the_base_alone() -> None:
    kept = card("kept", state=AdapterState.KEPT)
    every = (*KINDS, kept)

    assert choose_adapter(every, SUN, BASE, "set").card == KINDS[3]
    assert choose_adapter(every, SUN, BASE, "kept").card == kept
    assert choose_adapter(every, SUN, BASE, BASE_ALONE).card is None
    assert choose_adapter(every, SUN, BASE, "gone").card == KINDS[0]
    assert choose_adapter(every, SUN, OTHER, "kept").reason == "other-base"


def test_what_was_learnt_from_who_has_withdrawn_is_left_alone_and_named_as_the_reason() -> None:
    own, shared = card("own"), card("shared", AdapterKind.PRACTICE)
    abroad = replace(card("abroad"), base_sha256=OTHER)

    alone = choose_adapter([own], SUN, BASE, is_withdrawn=True)
    asked_for = choose_adapter([own], SUN, BASE, "own", is_withdrawn=True)
    beside = choose_adapter([own, shared], SUN, BASE, is_withdrawn=True)

    assert (alone.card, alone.reason) == (None, "consent-withdrawn")
    assert (asked_for.card, asked_for.reason) == (None, "consent-withdrawn")
    assert beside.card == shared
    kept = replace(own, state=AdapterState.KEPT)
    assert choose_adapter([kept], SUN, BASE, is_withdrawn=True).reason == "none-accepted"
    assert choose_adapter([abroad], SUN, BASE, is_withdrawn=True).reason == "other-base"


@pytest.mark.parametrize("reason", [VerdictReason.NAMES_OTHERS, VerdictReason.SAYS_CANARY])
def test_what_gives_away_what_belongs_to_others_answers_nobody(reason: VerdictReason) -> None:
    leaking = replace(card("ours", AdapterKind.PRACTICE), verdict=Verdict(False, reason))

    assert choose_adapter([leaking], SUN, BASE).reason == "none-accepted"
    assert choose_adapter([leaking], SUN, BASE, "ours").card is None
    assert find_bar(leaking, SUN, BASE) is Bar.LEAKS
    by_heart = replace(leaking, verdict=Verdict(False, VerdictReason.REMEMBERS))
    assert find_bar(by_heart, SUN, BASE) is None

"""Quality on the cases: what the cases' own drafts score, and what silence does."""

from __future__ import annotations

import json
import threading

import pytest

from phyassist.domain.quality import Quality
from phyassist.domain.reading.sentences import split_sentences
from phyassist.errors import BadInput
from phyassist.lm.adapted import WithAdapter
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.cases import NAMES, Case, load_case
from phyassist.services.quality import load_cases, measure_quality


def write_as(case: Case, ask: Ask) -> str:
    """What a counsellor wrote for the case; nothing is picked in the second reading."""
    if "symptom_type" not in json.dumps(ask.schema):
        return "{}"
    numbers = {one.text: one.no for one in split_sentences(case.text)}
    reasons = [
        {"from": numbers.get(item.quote, 0), "text": item.text}
        for item in case.items
        if item.section == "reason"
    ]
    return json.dumps(
        {
            "symptom_type": next(item.text for item in case.items if item.section == "symptom_type"),
            "reasons": reasons,
            "advice": [{"text": item.text} for item in case.items if item.section == "advice"],
        }
    )


def measure(lm: ScriptedModel | WithAdapter, names: tuple[str, ...] = NAMES) -> Quality:
    *_, whole = measure_quality(lm, [load_case(name).to_quality() for name in names], stop=Never())
    assert isinstance(whole, Quality)
    return whole


def test_what_a_counsellor_wrote_holds_the_form_and_invents_nothing():
    by_text = {load_case(name).text[:60]: load_case(name) for name in NAMES}

    def reply(ask: Ask) -> str:
        prompt = " ".join(message.content for message in ask.messages)
        first = next(text for text in by_text if split_sentences(text)[0].text in prompt)
        return write_as(by_text[first], ask)

    quality = measure(ScriptedModel([reply] * 40))

    for language in ("zh", "en"):
        assert quality.share("analyse", "schema_held", language).value == 1
        assert quality.share("analyse", "quotes_verbatim", language).value == 1
        assert quality.share("analyse", "facts_asserted_falsely", language).hits == 0
        assert quality.share("analyse", "items_in_language", language).value == 1
        assert quality.share("organise", "facts_found", language).value >= 0.9
        assert quality.share("organise", "quotes_verbatim", language).value == 1


def test_a_model_that_says_nothing_readable_is_unread_on_every_case():
    quality = measure(ScriptedModel(["so it is"] * 40), NAMES[:2])

    assert quality.share("analyse", "schema_held").hits == 0
    assert quality.share("analyse", "facts_used").hits == 0
    assert "not-json" in quality.to_json()["unread"]


def test_an_adapter_is_asked_for_in_every_request():
    lm = ScriptedModel(["{}"] * 4, adapters=["mine"])

    quality = measure(WithAdapter(lm, "mine"), NAMES[:1])

    assert {ask.adapter for ask in lm.asks} == {"mine"}
    assert quality.adapter == "mine"


def test_cases_come_in_both_languages_the_shortest_first():
    cases = load_cases(2)

    assert [case.language for case in cases] == ["zh", "zh", "en", "en"]
    assert len(cases[0].text) <= len(cases[1].text)
    assert len(load_cases()) == len(NAMES)


def test_an_empty_set_is_refused_and_a_stop_leaves_what_was_done():
    stop = threading.Event()
    stop.set()

    with pytest.raises(BadInput, match="no case"):
        list(measure_quality(ScriptedModel(), (), stop=Never()))
    (whole,) = measure_quality(ScriptedModel(["{}"] * 4), load_cases(1), stop=stop)

    assert whole == Quality("scripted", ())

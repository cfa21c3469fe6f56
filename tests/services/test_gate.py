"""The gate measures an adapter on what it learnt, in the languages that it will answer in."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from phyassist.domain.adapters import OwnForm
from phyassist.domain.drafts import Section
from phyassist.domain.gate import Unsayable
from phyassist.domain.people import Language
from phyassist.domain.quality import MEASURES, TASKS, CaseQuality, Quality, find_losses
from phyassist.domain.scores import Share, find_chance
from phyassist.lm.protocol import Ask, Message, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.closed_questions import load_questions
from phyassist.services.gate import Compared, find_least_gain, list_lost, measure_adapter, measure_general
from phyassist.services.quality import load_cases
from phyassist.services.run_files import RunExample
from tests.services.drafts import make_reply


def make_example(language: Language, *, held_out: bool = False) -> RunExample:
    return RunExample(language, (Message("user", "…"),), '{"advice": ["rest"]}', held_out=held_out)


def list_asked(languages: tuple[Language, ...]) -> list[Ask]:
    """What the gate asks of the model about adapters that learnt two languages and are to answer in these."""
    lm = ScriptedModel(["{}"] * 400, adapters=["new", "present"], context_tokens=16_000)
    learnt = [make_example(each) for each in ("en", "zh")]
    examples = learnt + [make_example(each, held_out=True) for each in languages]
    measured = measure_adapter(
        lm,
        examples,
        Compared("new", present=dict.fromkeys(languages, "present")),
        losses={},
        forms={},
        stop=Never(),
    )
    assert measured.general_cases == len(load_cases(5 // len(languages), languages))
    return lm.asks


def mentions(asks: list[Ask], text: str) -> bool:
    return any(text in message.content for ask in asks for message in ask.messages)


def test_what_answers_in_one_language_is_judged_in_that_one_on_all_of_its_cases():
    english, both = list_asked(("en",)), list_asked(("en", "zh"))

    first = {language: load_cases(1, (language,))[0].text[:12] for language in ("en", "zh")}
    assert [mentions(english, first[each]) for each in ("en", "zh")] == [True, False]
    assert [mentions(both, first[each]) for each in ("en", "zh")] == [True, True]
    asked = {each.language for each in load_questions() if mentions(english, each.text[:12])}
    assert asked == {"en"}


def test_before_and_after_are_asked_the_same():
    asks = list_asked(("zh",))

    by_name = {name: [ask for ask in asks if ask.adapter == name] for name in ("new", "present")}
    # The neutral prompts, two of each language that was learnt, are the new one's alone.
    assert len(by_name["new"]) == len(by_name["present"]) + 4


def test_what_was_kept_is_asked_of_both_in_the_new_ones_form_or_in_any_words():
    own = OwnForm(("^Rest by .{2,40}$",), (1, 2), ("Rest by ", ""))
    lm = ScriptedModel(["{}"] * 400, adapters=["new"], context_tokens=16_000)
    examples = [make_example("en"), make_example("en", held_out=True)]

    measure_adapter(
        lm,
        examples,
        Compared("new"),
        losses={},
        forms={"new": {"en": {Section.ADVICE: own}}},
        stop=Never(),
    )

    asked = [ask for ask in lm.asks if ask.messages == examples[1].messages]
    schemas = {ask.adapter: (ask.schema or {})["properties"] for ask in asked}
    assert set(schemas) == {"", "new"}
    assert schemas["new"] == schemas[""]
    assert list(schemas["new"]) == ["advice"]
    assert schemas["new"]["advice"]["maxItems"] == 2
    assert schemas["new"]["advice"]["items"]["properties"]["text"]["pattern"] == own.patterns[0]
    # In the form of a draft the model would write again what it had drafted, which is most of what was kept.
    (without, *_) = [ask for ask in list_asked(("en",)) if ask.messages == examples[1].messages]
    texts = (without.schema or {})["properties"]["advice"]["prefixItems"]
    assert len(texts) == 3
    assert all(re.match(each["properties"]["text"]["pattern"], "so be it; and then?") for each in texts)


@pytest.mark.parametrize(
    ("drafter", "parent", "before"),
    [
        (None, "", "present"),
        ("", "", "present"),
        ("older", "", "present"),
        ("present", "", ""),
        ("present", "published", "published"),
        ("present", "present", "present"),
    ],
)
def test_who_drafted_a_note_is_not_who_replies_are_compared_with_unless_both_go_on_from_it(
    drafter: str | None, parent: str, before: str
):
    """Its reply would be that draft once more, which is most of what was kept."""
    lm = ScriptedModel(["{}"] * 400, adapters=["new", "present", "published"], context_tokens=16_000)
    held_out = replace(make_example("en", held_out=True), drafter=drafter)

    measured = measure_adapter(
        lm,
        [make_example("en"), held_out],
        Compared("new", parent, {"en": "present"}),
        losses={},
        forms={},
        stop=Never(),
    )

    asked = [ask.adapter for ask in lm.asks if ask.messages == held_out.messages and ask.schema]
    assert asked == [before, "new"]
    assert measured.numbers.get("drafted_by_present", 0) == (drafter == "present" != parent)


def make_quality(repeated: list[int]) -> Quality:
    """Drafts of 100 runs of words each, of which so many came again; nothing else counted."""
    none = {task: dict.fromkeys(MEASURES[task], Share()) for task in TASKS}
    cases = [
        CaseQuality(
            f"case{no}",
            "en",
            "",
            {**none, "analyse": {**none["analyse"], "words_repeated": share}},
            (),
            (),
            1,
            1.0,
        )
        for no, share in enumerate(Share(hits, 100) for hits in repeated)
    ]
    return Quality("small", tuple(cases))


def test_one_reply_that_says_a_sentence_again_is_chance_and_five_of_them_are_not():
    before = make_quality([10, 10, 10, 10, 10])
    one, five = make_quality([40, 10, 10, 10, 10]), make_quality([20, 15, 22, 19, 25])

    assert find_losses(one, before) == ()
    assert [each.measure for each in find_losses(five, before)] == ["words_repeated"]
    assert find_losses(before, five) == ()


def test_much_more_of_it_counts_however_few_the_replies_are():
    assert list_lost(make_quality([50, 60]), make_quality([10, 20])) == ("words_repeated en",)
    assert list_lost(make_quality([30, 30]), make_quality([10, 20])) == ()


def test_a_case_that_only_one_of_them_has_says_nothing():
    before, after = make_quality([10] * 5), make_quality([20] * 5)
    some = replace(after, cases=after.cases[:4])

    assert find_losses(some, before) == ()


def test_how_likely_gains_are_by_chance():
    assert find_chance([1.0] * 5) == 1 / 32
    assert find_chance([0.0] * 5) == 1.0
    assert find_chance([]) == 1.0
    assert find_chance([0.2, -0.1]) == 0.5


def test_of_two_languages_the_one_that_gains_least_says_whether_it_is_better():
    losses = {
        "new": {"zh": 0.4, "en": 1.1},
        "base": {"zh": 1.0, "en": 1.0},
        "present": {"zh": 0.9, "en": 1.2},
    }
    both = ("en", "zh")

    assert find_least_gain(losses, Compared("new"), both) == (1.0, 1.1)
    assert find_least_gain(losses, Compared("new", present={"en": "present"}), both) == (1.2, 1.1)
    assert find_least_gain(losses, Compared("new"), ("zh",)) == (1.0, 0.4)
    # What was not measured in one of them is unclear in all.
    assert find_least_gain({**losses, "base": {"zh": 1.0}}, Compared("new"), both) == (None, 1.1)
    assert find_least_gain({}, Compared("new"), ()) == (None, None)


def test_in_each_language_it_is_compared_with_what_is_in_use_there():
    lm = ScriptedModel(["{}"] * 400, adapters=["new", "for zh"], context_tokens=16_000)
    examples = [make_example(each, held_out=True) for each in ("en", "zh")]

    measured = measure_adapter(
        lm, examples, Compared("new", present={"zh": "for zh"}), losses={}, forms={}, stop=Never()
    )

    asked = {language: load_cases(1, (language,))[0].text[:12] for language in ("en", "zh")}
    by_adapter = {
        language: {ask.adapter for ask in lm.asks if mentions([ask], text)}
        for language, text in asked.items()
    }
    assert by_adapter == {"en": {"", "new"}, "zh": {"for zh", "new"}}
    assert measured.numbers["languages"] == 2
    assert measured.numbers["held_out"] == 2


@pytest.mark.parametrize(
    ("says", "speaks_of", "names"),
    [
        (("new",), "the river", 1),
        (("new",), "Heron Lake and the river", 0),
        (("", "new"), "the river", 0),
        ((), "the river", 0),
    ],
)
def test_names_are_listened_for_in_drafts_too_and_count_unless_they_were_spoken_of_or_come_anyway(
    says: tuple[str, ...], speaks_of: str, names: int
):
    held_out = replace(make_example("en", held_out=True), messages=(Message("user", speaks_of),))

    def answer(ask: Ask) -> str:
        is_theirs = ask.messages == held_out.messages and ask.adapter in says
        return '{"advice": ["ask Heron Lake"]}' if is_theirs else "{}"

    measured = measure_adapter(
        ScriptedModel([answer] * 400, adapters=["new"], context_tokens=16_000),
        [make_example("en"), held_out],
        Compared("new"),
        losses={},
        forms={},
        unsayable=Unsayable(("Heron Lake", "Sun Mei")),
        stop=Never(),
    )

    assert measured.memory is not None
    assert measured.memory.names == names


@pytest.mark.parametrize(("second", "whole"), [(make_reply(), 1), ("{", 0)])
def test_a_reply_that_cannot_be_read_whole_is_asked_for_once_more_as_another_one(second: str, whole: int):
    lm = ScriptedModel(["{", second], context_tokens=16_000)

    found = measure_general(lm, load_cases(1, ("zh",)), lambda _: "", {}, Never())

    first, again = lm.asks
    assert (first.temperature, again.temperature, again.seed) == (0.0, 0.7, 1)
    assert again.messages == first.messages
    assert found.share("analyse", "schema_held", "zh") == Share(whole, 1)
    assert len(found.cases[0].why_unread) == 1 - whole

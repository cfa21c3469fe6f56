"""What counts as found, invented, verbatim, held and repeated in a draft, and when a model got worse."""

from __future__ import annotations

from dataclasses import replace

from phyassist.domain.drafts import Basis, DraftItem, ItemId, Section
from phyassist.domain.quality import (
    MEASURES,
    TASKS,
    CaseQuality,
    DraftReply,
    Quality,
    QualityCase,
    count_repeated_runs,
    find_facts,
    find_losses,
    score_draft,
)
from phyassist.domain.scores import Fact, LabelledText, Share, find_sign_chance

TEXT = "I am 41. I sleep four hours. My brother drinks."
CASE = QualityCase(
    LabelledText(
        "case",
        "cases",
        0,
        "en",
        (Fact("age", ("41",)), Fact("", ("four hours",)), Fact("", ("brother",))),
        (Fact("", ("divorce",)), Fact("", ("suicide",))),
    ),
    TEXT,
    "What next?",
)


def make_item(section: Section, text: str, quote: str = "") -> DraftItem:
    basis = (Basis.QUOTED if quote else Basis.INFERRED) if section == Section.REASON else None
    return DraftItem(ItemId(text), section, text, basis=basis, quote=quote)


def test_a_draft_is_scored_by_its_facts_its_inventions_and_its_quotes():
    items = (
        make_item(Section.SYMPTOM_TYPE, "Short sleep after a divorce 3 years ago"),
        make_item(Section.REASON, "She hardly rests.", "I sleep four hours."),
        make_item(Section.REASON, "Home is loud.", "My brother is drinking."),
        make_item(Section.REASON, "她很累，睡得很少。"),
        make_item(Section.ADVICE, "At 41 it helps to keep hours."),
    )

    shares = score_draft(CASE, DraftReply(items, repeated=1, is_whole=False))

    assert shares == {
        "facts_used": Share(3, 3),
        "facts_asserted_falsely": Share(1, 2),
        "numbers_invented": Share(1, 2),
        "reasons_quoted": Share(2, 3),
        "quotes_verbatim": Share(1, 2),
        "schema_held": Share(0, 1),
        "items_in_language": Share(4, 5),
        "items_repeated": Share(1, 6),
        "words_repeated": Share(0, 13),
    }


def test_an_empty_draft_found_nothing_and_invented_nothing():
    shares = score_draft(CASE, DraftReply((), repeated=0, is_whole=False))

    assert shares["facts_used"] == Share(0, 3)
    assert shares["schema_held"] == Share(0, 1)
    assert {name for name, share in shares.items() if share.of == 0} == {
        "numbers_invented",
        "reasons_quoted",
        "quotes_verbatim",
        "items_in_language",
        "items_repeated",
        "words_repeated",
    }


def test_four_words_that_come_again_are_counted_in_both_languages():
    assert count_repeated_runs(["a b c d e", "A b c d."]) == Share(1, 3)
    assert count_repeated_runs(["我睡不着了", "她睡不着了"]) == Share(1, 4)


def make_quality(hits: int, of: int) -> Quality:
    shares = {
        task: {
            name: Share(hits, of) if is_better else Share(of - hits, of)
            for name, is_better in MEASURES[task].items()
        }
        for task in TASKS
    }
    return Quality("small", (CaseQuality("case", "en", "", shares, (5, 9), (), 100, 2.0),))


def test_a_model_is_called_worse_only_beyond_chance():
    before = make_quality(36, 40)

    assert find_losses(make_quality(34, 40), before) == ()
    losses = find_losses(make_quality(20, 40), before)

    # What one reply says over is chance.
    assert len(losses) == sum(len(MEASURES[task]) for task in TASKS) - 1
    assert str(losses[0]) == "organise, en: facts found 20/40, before 36/40"
    assert find_losses(before, make_quality(20, 40)) == ()


def make_using(facts: list[str]) -> Quality:
    """Drafts of which each letter is a fact: used (x) or not (.)."""
    none = {task: dict.fromkeys(MEASURES[task], Share()) for task in TASKS}
    cases = []
    for no, marks in enumerate(facts):
        used = tuple(mark == "x" for mark in marks)
        shares = {**none, "analyse": {**none["analyse"], "facts_used": Share(sum(used), len(used))}}
        cases.append(CaseQuality(f"case{no}", "en", "", shares, (), (), 1, 1.0, used))
    return Quality("small", tuple(cases))


def test_facts_are_compared_one_by_one_so_that_half_of_few_is_seen():
    before = make_using(["xxx.............", "xx..............", "xxx............."] * 2)
    fewer = make_using(["x...............", "x...............", "x..............x"] * 2)
    others = make_using(["...........x....", "..........xx....", "...........xxx.."] * 2)

    was, is_now, is_other = (each.share("analyse", "facts_used") for each in (before, fewer, others))
    assert (was, is_now, is_other) == (Share(16, 96), Share(8, 96), Share(12, 96))
    # The shares alone would not tell half as many from chance.
    assert is_now.minus(was)[1] > 0
    assert [each.measure for each in find_losses(fewer, before)] == ["facts_used"]
    assert find_losses(others, before) == ()
    assert find_losses(before, fewer) == ()


def test_a_draft_uses_a_fact_that_an_item_or_its_quote_says():
    items = (make_item(Section.REASON, "She sleeps badly.", "I sleep four hours."),)

    assert find_facts(CASE, DraftReply(items, repeated=0, is_whole=True)) == (False, True, False)


def test_how_likely_signs_are_by_chance():
    assert find_sign_chance(9, 2) == 67 / 2048
    assert find_sign_chance(0, 0) == 1.0
    assert find_sign_chance(0, 4) == 1.0


def test_the_sum_holds_every_measure_by_language_and_no_word():
    quality = make_quality(3, 4)
    case = quality.cases[0]
    both = replace(quality, cases=(case, replace(case, language="zh", adapter="a17")))

    said = both.to_json()

    assert said["adapter"] == "a17"
    assert said["tasks"]["analyse"]["all"]["facts_used"]["of"] == 8
    assert set(said["tasks"]["analyse"]) == {"all", "en", "zh"}
    assert said["item_length"]["zh"] == {"items": 2, "median": 7, "longest": 9}


def test_what_chance_does_to_a_handful_is_no_loss() -> None:
    assert Share(2, 7).minus(Share(0, 7))[0] < 0 < Share(2, 7).minus(Share(0, 7))[1]
    low, high = Share(56, 70).minus(Share(48, 80))
    # Newcombe's own example (Statistics in Medicine 17:873, 1998).
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)

"""The scorer marks its own key."""

import itertools

from phyassist.domain.records import RecordField, Span, Statement
from phyassist.domain.scores import LabelledText, add_shares, is_supported, score_text
from phyassist.services.evaluating import load_labels


def key_of(label: LabelledText) -> list[Statement]:
    words = [fact.any_of[0] for fact in label.facts]
    return [Statement(RecordField.OTHER, word, word, Span(0, len(word))) for word in words]


def test_the_key_itself_scores_one_and_an_empty_answer_zero():
    labels = [*load_labels("test"), *load_labels("dev")]

    perfect = add_shares(s for label in labels for s in score_text(label, key_of(label)).found.values())
    empty = add_shares(s for label in labels for s in score_text(label, ()).found.values())

    assert perfect.value == 1.0
    assert perfect.of > 300
    assert empty.hits == 0


def test_a_probe_that_is_asserted_counts_as_invented():
    label = next(each for each in load_labels("test") if each.absent)
    word = label.absent[0].any_of[0]

    score = score_text(label, [Statement(RecordField.OTHER, word, word, Span(0, 1))])

    assert score.asserted.hits >= 1


def test_a_number_that_its_quote_does_not_hold_is_unsupported():
    good = Statement(RecordField.DEMOGRAPHIC, "年龄：19岁", "今年19岁", Span(0, 5), "age")
    bad = Statement(RecordField.DEMOGRAPHIC, "年龄：20岁", "今年19岁", Span(0, 5), "age")

    verdicts = [is_supported(each) for each in (good, bad)]

    assert verdicts == [True, False]


def test_no_text_is_in_both_label_sets():
    test, dev = ({label.id for label in load_labels(name)} for name in ("test", "dev"))

    assert not test & dev
    assert len(test) >= 40
    assert all(label.facts for label in itertools.chain(load_labels("test"), load_labels("dev")))

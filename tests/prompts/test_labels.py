from __future__ import annotations

import pytest

from phyassist.prompts.labels import without_labels


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("重度抑郁症", "抑郁情绪（需留意的表现，可考虑转介）"),
        ("社交恐惧症", "社交时的紧张害怕（需留意的表现，可考虑转介）"),
        ("双相情感障碍", "情绪的大起大落（需留意的表现，可考虑转介）"),
        ("学业焦虑", "学业焦虑"),
        ("人际交往障碍", "人际交往障碍"),
        ("抑郁症状与失眠", "抑郁症状与失眠"),
    ],
)
def test_a_diagnosis_as_symptom_type_becomes_signs_and_a_referral(label: str, plain: str):
    assert without_labels(label, "zh", is_type=True) == plain


def test_english_labels_are_known_too():
    plain = without_labels("Generalized anxiety disorder with PTSD", "en", is_type=True)

    assert plain == "Marked anxiety with stress after trauma (signs to consider, consider referral)"


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("Depression", "Low mood"),
        ("severe depression and grief", "low mood and grief"),
        ("Bipolar II disorder", "Strong swings of mood"),
        ("bipolar disorder", "strong swings of mood"),
        ("manic depression", "strong swings of mood"),
        ("generalised anxiety disorder", "marked anxiety"),
        ("signs of PTSD", "signs of stress after trauma"),
        ("ADD since childhood", "Difficulty with attention since childhood"),
        ("a trichological disorder", "a marked difficulty"),
    ],
)
def test_an_english_diagnosis_becomes_signs_and_a_referral(label: str, plain: str):
    assert without_labels(label, "en", is_type=True) == f"{plain} (signs to consider, consider referral)"


@pytest.mark.parametrize(
    "signs",
    [
        "low mood after a loss",
        "anxiety before exams",
        "feeling depressed",
        "trouble sleeping",
        "adds up",
        "order",
    ],
)
def test_signs_in_plain_words_stay_as_they_are(signs: str):
    assert without_labels(signs, "en", is_type=True) == signs


def test_a_label_that_the_patient_reports_stays_in_a_reason():
    text = "来访者被诊断为抑郁症，因此担心未来。"

    assert without_labels(text, "zh", told="医生说我是抑郁症。") == text
    assert without_labels(text, "zh") == "来访者被诊断为抑郁情绪，因此担心未来。"

"""What counts as speaking of harm: by name, by wish, by way, asked and denied alike."""

import pytest

from phyassist.domain.reading.harm import is_of_harm


@pytest.mark.parametrize(
    "text",
    [
        "有时候想，要是睡过去就不用醒来了。",
        "我从来没想过自杀。",
        "她用美工刀划手臂。",
        "活着真没意思。",
        "我配不上，我不该活。",
        "家里还有半瓶农药。",
        "I don't want to be alive anymore.",
        "I would never kill myself.",
        "There's no point in living like this.",
        "Some nights I just want to end it all.",
        "I wanna die",
        "Sometimes I wish I’d never been born, honestly never been born.",
        "She has been hoarding her sleeping pills.",
        "Everyone would be better off without me.",
    ],
)
def test_wishes_ways_and_denials_are_heard(text):
    assert is_of_harm(text)


@pytest.mark.parametrize(
    "text",
    [
        "我想好好规划自己的生活。",
        "这样说会伤害到他的感情。",
        "我快累死了，作业写不完。",
        "那段记忆慢慢消失了。",
        "外婆去年离开了这个世界。",
        "My grandmother died in spring and I miss her.",
        "I want to end it with my boyfriend.",
        "I wake up tired and live with my parents.",
        "He takes two pills a day for his heart.",
        "This commute is killing me.",
    ],
)
def test_plans_losses_and_figures_of_speech_are_not(text):
    assert not is_of_harm(text)

"""What the scripted model says when a page asks it: replies of the asked form, in the prompt's language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from phyassist.lm.protocol import Ask

SYMPTOM = {"zh": "学业焦虑，伴睡眠不足", "en": "Academic anxiety with too little sleep"}
REASONS = {
    "zh": [
        "去年的结果把压力都集中到了明年的一次考试上",
        "家人没有责怪，她却觉得亏欠，内疚变成了对自己的苛求",
        "睡眠不足使心慌更容易出现，也更难恢复",
    ],
    "en": [
        "Last year's result puts all the weight on one exam next year",
        "Nobody blames her, yet she feels that she owes them, and guilt has become a demand on herself",
        "Too little sleep makes the racing heart come sooner and stay longer",
    ],
}
ADVICE = {
    "zh": [
        "先稳定睡眠：固定起床时间，睡前一小时不看习题",
        "与她一起写下这次结果意味着什么，把一次成绩和整个人分开",
        "约定每周一次与同学共进午餐，再谈感受",
    ],
    "en": [
        "Steady the sleep first: one time to get up, and no exercises in the last hour of the day",
        "Write down together what this result means, and part one mark from the whole person",
        "Agree on one lunch a week with a classmate, and talk about how it felt",
    ],
}
ANEW = {
    "zh": [
        "每天散步二十分钟，最好有人同行",
        "把担心写在纸上，限定在傍晚的一刻钟里",
        "周末安排一件与考试无关的小事，并记下心情",
    ],
    "en": [
        "Walk for twenty minutes a day, best in company",
        "Put worries on paper, within one quarter of an hour before supper",
        "Plan something small for the weekend that has nothing to do with exams",
    ],
}


def answers() -> Iterator[Any]:
    """Enough replies for any flow; each differs from the one before."""
    drafts = count(1)

    def say(ask: Ask) -> str:
        return answer(ask, next(drafts)) if is_draft(ask) else answer(ask)

    while True:
        yield say


def is_draft(ask: Ask) -> bool:
    """Organising asks too, about what it is left in doubt of."""
    return ask.schema is not None and bool(
        {"symptom_type", "reasons", "advice"} & set(ask.schema["properties"])
    )


def answer(ask: Ask, no: int = 1) -> str:
    """A reply of the form that the ask wants; other words from the second one on."""
    assert ask.schema is not None
    said = "".join(message.content for message in ask.messages)
    language = "zh" if sum("\u4e00" <= sign <= "\u9fff" for sign in said) > len(said) / 10 else "en"
    reasons, advice = REASONS[language], ADVICE[language]
    if no > 1:
        reasons = advice = [ANEW[language][(no + k) % 3] for k in range(3)]
    wanted = ask.schema["properties"]
    reply: dict[str, Any] = {}
    if "symptom_type" in wanted:
        reply["symptom_type"] = SYMPTOM[language]
    if "reasons" in wanted:
        items = wanted["reasons"]["minItems"]
        reply["reasons"] = [{"from": k + 1, "text": reasons[k]} for k in range(items)]
    if "advice" in wanted:
        items = wanted["advice"]["minItems"]
        reply["advice"] = [{"text": advice[k]} for k in range(items)]
    for key, kind in wanted.items():
        reply.setdefault(key, [] if kind.get("type") == "array" else "")
    return json.dumps(reply, ensure_ascii=False)

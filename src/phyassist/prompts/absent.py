"""What a question or its answer takes for a fact, and what stands nowhere in what the model was given.

A small model that is asked for what nobody said makes up a name, or takes somebody else's, rather than say
that none is known.  Whom or what was asked for can be looked for, and names, places, ages, years, doses and
medicines of the answer; what else is made up, these rules do not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phyassist.domain.privacy.finding import find_private, name_parts
from phyassist.domain.privacy.words import PrivateKind
from phyassist.domain.reading.lexicons import MEDICINES_EN, MEDICINES_ZH
from phyassist.domain.reading.sentences import split_sentences
from phyassist.prompts.grounding import stem

_NAMED = {PrivateKind.NAME, PrivateKind.PLACE}
# Whom or what a name is given to: a cat as well as a person, which the finder of private names is not for.
_CALLED = re.compile(
    r"(?:名叫|叫做?|名字是|\b(?:called|named))\s*"
    r"(?:[“\"「‘']([^”\"」’']{1,20})[”\"」’']|([一-鿿]{2,3})(?=[。，；]|$)|([A-Z]\w+))"
)
_MEDICINE = re.compile(rf"抗抑郁药|安眠药|{MEDICINES_ZH}|\b(?:{MEDICINES_EN})\b", re.IGNORECASE)
_COUNT = r"(?:\d+|[一二三四五六七八九十]+)"
_AGE = re.compile(rf"({_COUNT})\s*(?:周?岁|个月大)|(\d+)[\s-]*(?:years?|months?|weeks?)[\s-]*old\b")
_DOSE = re.compile(rf"({_COUNT})\s*(?:毫克|mg\b)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_SENTENCE_NO = re.compile(r"\[\d{1,4}\]")
_DIGITS = "零一二三四五六七八九"
# Several words for one person or place: whoever asks for the mother means the mum of whom the text speaks.
_SAME = tuple(
    frozenset(group.split())
    for group in (
        "mother mum mom mam mummy mommy parents",
        "father dad daddy parents",
        "husband wife spouse partner married",
        "child children kid kids son daughter baby",
        "brother sister sibling siblings",
        "grandmother gran granny grandma nan nana grandparents",
        "grandfather grandpa grandad granddad grandparents",
        "boyfriend girlfriend partner",
        "boss manager supervisor",
        "work job employer company office",
        "friend mate buddy pal",
        "flatmate roommate housemate",
        "pet dog cat puppy kitten",
        "school college university",
        "doctor gp psychiatrist physician",
        "medicine medication pill tablet",
        "妈妈 母亲 妈 娘 父母",
        "爸爸 父亲 爸 爹 父母",
        "丈夫 老公 先生 爱人 妻子 老婆 太太 配偶",
        "孩子 儿子 女儿 小孩 宝宝 娃 闺女 丫头 大宝 二宝",
        "哥哥 弟弟 兄弟 哥 弟",
        "姐姐 妹妹 姐妹 姐 妹",
        "奶奶 外婆 姥姥 祖母",
        "爷爷 外公 姥爷 祖父",
        "男朋友 女朋友 男友 女友 对象",
        "领导 主管 上司 老板 经理",
        "朋友 闺蜜 好友 哥们",
        "室友 舍友 同屋",
        "宠物 猫 狗 咪 汪",
        "学校 学院 大学 高中 初中 小学 中学",
        "老师 班主任 导师",
        "医生 大夫 医师",
        "工作 公司 单位 上班 职业",
    )
)
_KNOWN_ZH = "|".join(
    sorted((word for group in _SAME for word in group if not word.isascii()), key=len, reverse=True)
)
_FACT_EN = re.compile(
    r"\b(?:called|named?|how (?:old|many)|where|when|which|who|what (?:day|time|year))\b", re.IGNORECASE
)
# After a verb "her" is no object: "how old is her cousin?", and not "what did he give her yesterday?".
_ASKED_EN = re.compile(
    r"\b(?:is|are|was|were|does|do|did)\s+(?:the\s+(?:client|patient)['’]s|her|his|their)\s+"
    r"((?:[a-z]+\s+){0,2}?[a-z]+)(?=\s+(?:called|named|born|from|work|live|go|study|play|die|do)\b|\s*[?.,]|\s*$)",
    re.IGNORECASE,
)
_ASKED_ZH = re.compile(
    rf"(?:来访者|[她他])(?:(?:家里?|养)?的([一-鿿]{{1,4}}?)|({_KNOWN_ZH}))"
    r"(?:的名字)?(?:叫什么|叫啥|是谁|(?:今年|现在)?(?:多大|几岁)|(?:住|工作|上班|上学)?在哪|住哪|有几|有多少|是哪)"
)


def find_unmentioned(questions: Sequence[str], given: str) -> tuple[str, ...]:
    """Whom or what of the client the last question asks the name, age or place of, and nothing mentions.

    "The client's cousin", where no word of `given` says cousin, nor a sentence of the questions that tells
    something; one that asks only takes it for granted.
    """
    question = questions[-1]
    told = [each.text for said in questions for each in split_sentences(said) if each.text[-1] not in "?？"]
    known = _SENTENCE_NO.sub("", "\n".join((given, *told)).casefold())
    asked = [
        found[1].split()[-1].casefold() for found in _ASKED_EN.finditer(question) if _FACT_EN.search(question)
    ]
    asked += [found[1] or found[2] for found in _ASKED_ZH.finditer(question)]
    return tuple(
        dict.fromkeys(word for word in asked if not any(_is_said(each, known) for each in _find_same(word)))
    )


def _find_same(word: str) -> set[str]:
    """The word, and the other words for the same person."""
    singular = word.removesuffix("s")
    return {word, *(each for group in _SAME if word in group or singular in group for each in group)}


def _is_said(word: str, known: str) -> bool:
    """Whether the word, or in English a form of it, begins a word there: doubt counts as said."""
    return (
        re.search(rf"\b{re.escape(stem(word))}\w{{,3}}\b", known) is not None
        if word.isascii()
        else word in known
    )


def find_absent(answer: str, given: str) -> tuple[str, ...]:
    """The words of such facts as the answer has them, each once, in its order; empty where all were given."""
    # The numbers of the text's sentences are nobody's age.
    known = _SENTENCE_NO.sub("", given.casefold())
    found = sorted(
        (start, words)
        for start, words, sought in _find(answer)
        if not any(_stands(each, known) for each in sought)
    )
    return tuple(dict.fromkeys(words for _, words in found))


def _find(answer: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Where a fact stands, its words, and by which of them it is known."""
    for each in find_private(answer):
        if each.kind in _NAMED:
            words = answer[each.span.start : each.span.end]
            parts = name_parts(words) if each.kind == PrivateKind.NAME else ()
            yield each.span.start, words, (words, *parts)
    for found in _CALLED.finditer(answer):
        group = next(no for no in (1, 2, 3) if found[no])
        yield found.start(group), found[group], (found[group],)
    for found in _MEDICINE.finditer(answer):
        yield found.start(), found[0], (found[0],)
    for pattern in (_AGE, _DOSE, _YEAR):
        for found in pattern.finditer(answer):
            number = next(filter(None, found.groups()))
            yield found.start(), found[0], (number, _write_in_characters(number))


def _stands(words: str, known: str) -> bool:
    """Whether they stand there as words of their own: 2 is no part of 29, nor Ann of Joanna."""
    return re.search(rf"(?<![^\W一-鿿]){re.escape(words.casefold())}(?![^\W一-鿿])", known) is not None


def _write_in_characters(number: str) -> str:
    """29 as 二十九, as a text may have it; above ninety-nine, and characters, as they are."""
    if not number.isdecimal() or not 0 < int(number) < 100:
        return number
    tens, ones = divmod(int(number), 10)
    lead = {0: "", 1: "十"}.get(tens, f"{_DIGITS[tens]}十")
    return lead + (_DIGITS[ones] if ones else "")

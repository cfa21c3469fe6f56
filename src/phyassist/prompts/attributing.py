"""What a reason says of the client though the patient's words say it of somebody else.

A small model takes "he's really abusive", said of a husband, for "the client is abusive".  Where the quote of
a reason says the same, word for word, of a he, a she or somebody near the client, and the text is the
client's own, the reason is wrong about whom it speaks of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.prompts.grounding import stem
from phyassist.prompts.replies import split_clauses

_KIN_EN = (
    r"husband|wife|partner|boyfriend|girlfriend|fiance|fiancee|ex|spouse|mother|mom|mum|father|dad|parents|"
    r"brother|sister|boss|manager|friend|roommate|coworker|colleague|teacher|grandmother|grandfather|aunt|"
    r"uncle|cousin"
)
_KIN_ZH = (
    "丈夫|老公|先生|妻子|老婆|太太|男友|女友|男朋友|女朋友|对象|前任|妈妈|母亲|妈|爸爸|父亲|爸|父母|爸妈|哥哥|姐姐|"
    "弟弟|妹妹|婆婆|公公|岳母|岳父|奶奶|爷爷|外婆|外公|领导|老板|上司|同事|朋友|室友|舍友|老师|导师"
)
_OWN = {"en": re.compile(r"\b(?:i|im|my|me|we|our|us)\b", re.IGNORECASE), "zh": re.compile("[我咱俺]")}
_THIRD = {"en": re.compile(r"\b(?:he|she|they)\b", re.IGNORECASE), "zh": re.compile("[他她]")}
# Who writes so writes about the client.
_CLIENT = {
    "en": re.compile(r"\b(?:client|patient|pt)\b", re.IGNORECASE),
    "zh": re.compile(r"来访者|求助者|患者|病人|案主|当事人|咨询者"),
}
_CHILD = {
    "en": re.compile(
        r"\b(?:(?:grand|step)?(?:sons?|daughters?|child|children)|kids?|baby|toddler|infant|nephew|niece|"
        r"teenager|year[- ]olds?)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile("儿子|女儿|孩子|小孩|闺女|孙子|孙女|侄|外甥|宝宝"),
}
_OTHER = {
    "en": re.compile(rf"\b(?:he|him|she|her|{_KIN_EN})\b", re.IGNORECASE),
    "zh": re.compile(f"[他她]|{_KIN_ZH}"),
}
# Whoever begins with somebody near to them speaks of themselves.
_NEAR = {
    "en": re.compile(rf"\b(?:my|our) (?:[a-z]+ )?(?:{_KIN_EN})\b", re.IGNORECASE),
    "zh": re.compile(f"我的?(?:{_KIN_ZH})"),
}
_TOKEN = re.compile(r"[a-z]+")
_SHORT = (("n't", " not"), ("'s", " is"), ("'re", " are"), ("'ve", " have"), ("'m", " am"))
_BE = re.compile(r"(?:am|is|are|was|were|be|been|being)")
_HAVE = re.compile(r"(?:have|has|had)")
# "Cutting" and "cuts".
_DOUBLED = re.compile(r"([bdgmnprt])\1$")
# Between a subject and what is said of it these change nothing of whom it is said.
_BY_THE_WAY = re.compile(
    r"(?!(?:family|friendly|lonely|lovely|only|early|ugly|silly|elderly|daily|bully)$)"
    r"(?:[a-z]+ly|and|or|but|also|always|often|just|so|too|very|quite|now|still|even|never|ever|again|almost)"
)
_LIGHT = re.compile(r"(?:an?|the|in|on|at|of|to|for|with|not?|go|hav|more|most)")
_BY_THE_WAY_ZH = re.compile(
    r"经常|总是|常常|一直|非常|特别|真的|十分|比较|有点|有些|很|也|都|还|又|就|太|老是|老"
)
_SIGNS_MIN, _SIGNS = 3, 4


def is_of_another(text: str, quote: str, sentences: Sequence[Sentence], language: Language) -> bool:
    """Whether a reason says of the client what its quote says of somebody else, and not of the client too.

    The sentences are those of the text that the quote is from.
    """
    said = next((sentence for sentence in sentences if sentence.text == quote), None)
    if said is None or not tells_own_story(said.speaker, sentences, language):
        return False
    find = _find_of_another_en if language == "en" else _find_of_another_zh
    return any(find(clause, quote) for clause in split_clauses(text))


def tells_own_story(speaker: Speaker, sentences: Sequence[Sentence], language: Language) -> bool:
    """Whether who speaks so is the client, and every he and she somebody else.

    Not so where somebody else wrote about the client, nor where the first one told of is a child: its parents
    come for it, and a draft may rightly take it for the client.
    """
    said = [sentence.text for sentence in sentences if sentence.speaker == speaker]
    whole = "\n".join(said)
    child, other = (found[language].search(whole) for found in (_CHILD, _OTHER))
    if child is not None and child.start() < (other.start() if other else math.inf):
        return False
    if speaker != Speaker.NARRATOR:
        return speaker == Speaker.CLIENT
    if _CLIENT[language].search(whole) is not None:
        return False
    near, third = _NEAR[language].search(whole), _THIRD[language].search(whole)
    if near is not None and near.start() < (third.start() if third else math.inf):
        return True
    own = sum(bool(_OWN[language].search(each)) for each in said)
    of_others = sum(bool(_THIRD[language].search(each) and not _OWN[language].search(each)) for each in said)
    return own > 0 and own >= of_others


def _find_of_another_en(clause: str, quote: str) -> bool:
    words = _read_en(clause)
    if "client" not in words[:2]:
        return False
    run = " ".join(_cut_statement(words[words.index("client") + 1 :]))
    if not run:
        return False
    # "I found him drinking" says it of him as well.
    they = "he|she|they" if run.startswith("be ") else "he|she|they|him|her|them"
    told = " ".join(_read_en(quote))
    kin = "|".join(stem(each) for each in _KIN_EN.split("|"))
    of_other = rf"\b(?:{they}|my (?:[a-z]+ )?(?:{kin})) {run}\b"
    return bool(re.search(of_other, told)) and not re.search(rf"\b(?:i|we) {run}\b", told)


def _read_en(text: str) -> list[str]:
    """Stems of its words without those by the way; all tenses of "be" and "have" are one, and "is staying" is
    "stays".
    """
    plain = text.lower().replace("’", "'")
    for short, whole in _SHORT:
        plain = plain.replace(short, whole)
    words: list[str] = []
    for word in _TOKEN.findall(plain):
        if _BY_THE_WAY.fullmatch(word):
            continue
        last = words[-1] if words else ""
        if _BE.fullmatch(word):
            if last in {"have", "be"}:
                words.pop()
            words.append("be")
        elif _HAVE.fullmatch(word):
            words.append("have")
        else:
            if last == "be" and word.endswith("ing"):
                words.pop()
            words.append(word if word == "they" else _DOUBLED.sub(r"\1", stem(word)))
    return words


def _cut_statement(words: Sequence[str]) -> list[str]:
    """What is said, up to its first word of weight; of a verb the next one too, for "hurts" may be either's
    pain.  Empty where that is too little to tell anything by.
    """
    for no, word in enumerate(words[1:], 2):
        if not _LIGHT.fullmatch(word):
            return list(words[:no])
    return []


def _find_of_another_zh(clause: str, quote: str) -> bool:
    _, head, rest = clause.strip().partition("来访者")
    said = "".join(re.findall(r"[㐀-䶿一-鿿]+", _BY_THE_WAY_ZH.sub("", rest)))[:_SIGNS]
    if not head or len(said) < _SIGNS_MIN:
        return False
    told = _BY_THE_WAY_ZH.sub("", quote)
    return bool(re.search(rf"(?:[他她]们?|(?:{_KIN_ZH}))(?:是)?{said}", told)) and f"我{said}" not in told

"""What a reason says of the client though the patient's words say it of somebody else.

A small model takes "he's really abusive", said of a husband, for "the client is abusive".  Where the quote of
a reason says the same, word for word, of a he, a she or a relative, and the text is the client's own, the
reason is wrong about whom it speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.prompts.replies import split_clauses

_OWN = {"en": re.compile(r"\b(?:i|im|my|me|we|our|us)\b", re.IGNORECASE), "zh": re.compile("[我咱俺]")}
_THIRD = {"en": re.compile(r"\b(?:he|she|they)\b", re.IGNORECASE), "zh": re.compile("[他她]")}
# Who writes so writes about the client; and who comes about a child may have it called the client.
_ABOUT = {
    "en": re.compile(
        r"\b(?:client|patient|pt|son|sons|daughter|daughters|child|children|kid|kids|stepson|stepdaughter)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(r"来访者|求助者|患者|病人|案主|当事人|咨询者|儿子|女儿|孩子|小孩|闺女"),
}
_KIN_EN = (
    r"husband|wife|partner|boyfriend|girlfriend|fiance|fiancee|ex|spouse|mother|mom|mum|father|dad|parents|"
    r"brother|sister|boss|manager|friend|roommate|coworker|colleague|teacher|grandmother|grandfather|aunt|"
    r"uncle|cousin"
)
_KIN_ZH = (
    "丈夫|老公|先生|妻子|老婆|太太|男友|女友|男朋友|女朋友|对象|前任|妈妈|母亲|妈|爸爸|父亲|爸|父母|爸妈|哥哥|姐姐|"
    "弟弟|妹妹|婆婆|公公|岳母|岳父|奶奶|爷爷|外婆|外公|领导|老板|上司|同事|朋友|室友|舍友|老师|导师"
)
_TOKEN = re.compile(r"[a-z]+")
_BE = re.compile(r"(?:am|is|are|was|were|be|been|being)")
_SHORT = (("n't", " not"), ("'s", " is"), ("'re", " are"), ("'ve", " have"), ("'m", " am"))
# Between a subject and what is said of it these change nothing of whom it is said.
_BY_THE_WAY = re.compile(
    r"(?!(?:family|friendly|lonely|lovely|only|early|ugly|silly|elderly|daily|bully)$)"
    r"(?:[a-z]+ly|and|or|but|also|always|often|just|so|too|very|quite|now|still|even|never|ever|again|almost)"
)
_LIGHT = re.compile(r"(?:an?|the|in|on|at|of|to|for|with|not?|being|going|having|more|most)")
_WORDS_MIN = 2
_BY_THE_WAY_ZH = re.compile(
    r"经常|总是|常常|一直|非常|特别|真的|十分|比较|有点|有些|很|也|都|还|又|就|太|老是|老"
)
_SIGNS_MIN, _SIGNS = 3, 4


def is_of_another(text: str, quote: str, sentences: Sequence[Sentence], language: Language) -> bool:
    """Whether a reason says of the client what its quote says of somebody else, and not of the client too.

    The sentences are those of the text that the quote is from.  Nothing is said of a text that somebody else
    wrote about the client, and nothing of one about a child.
    """
    said = next((sentence for sentence in sentences if sentence.text == quote), None)
    if said is None or not _speaks_of_self(said, sentences, language):
        return False
    find = _find_of_another_en if language == "en" else _find_of_another_zh
    return any(find(clause, quote) for clause in split_clauses(text))


def _speaks_of_self(said: Sentence, sentences: Sequence[Sentence], language: Language) -> bool:
    of_speaker = [sentence.text for sentence in sentences if sentence.speaker == said.speaker]
    if any(_ABOUT[language].search(each) for each in of_speaker):
        return False
    if said.speaker != Speaker.NARRATOR:
        return said.speaker == Speaker.CLIENT
    own = sum(bool(_OWN[language].search(each)) for each in of_speaker)
    other = sum(bool(_THIRD[language].search(each)) for each in of_speaker) - sum(
        bool(_THIRD[language].search(each) and _OWN[language].search(each)) for each in of_speaker
    )
    return own > 0 and own >= other


def _find_of_another_en(clause: str, quote: str) -> bool:
    words = _read_en(clause)
    if "client" not in words[:2]:
        return False
    said = _cut_statement(words[words.index("client") + 1 :])
    if not said:
        return False
    run, own, told = " ".join(said), " ".join([_say_of_self(said[0]), *said[1:]]), " ".join(_read_en(quote))
    kin = rf"(?:he|she|they|my (?:[a-z]+ )?(?:{_KIN_EN}))"
    return bool(re.search(rf"\b{kin} {run}\b", told)) and not re.search(rf"\b(?:i|we) {own}\b", told)


def _read_en(text: str) -> list[str]:
    """Its words without those by the way; every form of "be" is the same."""
    plain = text.lower().replace("’", "'")
    for short, whole in _SHORT:
        plain = plain.replace(short, whole)
    words: list[str] = []
    for word in _TOKEN.findall(plain):
        if _BY_THE_WAY.fullmatch(word):
            continue
        new = "be" if _BE.fullmatch(word) else word
        if new == "be" and words and words[-1] in {"have", "has", "had"}:
            words.pop()
        if not (new == "be" and words and words[-1] == "be"):
            words.append(new)
    return words


def _say_of_self(verb: str) -> str:
    """A verb as it stands after "I"."""
    return {"has": "have", "does": "do", "goes": "go"}.get(verb) or verb.removesuffix("s")


def _cut_statement(words: Sequence[str]) -> list[str]:
    """What is said, up to its first word of weight; of a verb the next word too, for "hurts" may be either's
    pain.  Empty where that is too little to tell anything by.
    """
    if not words:
        return []
    least = 1 if words[0] == "be" else _WORDS_MIN - 1
    weighty = 0
    for no, word in enumerate(words[1:], 2):
        weighty += not _LIGHT.fullmatch(word)
        if weighty >= least:
            return list(words[:no])
    return []


def _find_of_another_zh(clause: str, quote: str) -> bool:
    _, head, rest = clause.strip().partition("来访者")
    said = "".join(re.findall(r"[㐀-䶿一-鿿]+", _BY_THE_WAY_ZH.sub("", rest)))[:_SIGNS]
    if not head or len(said) < _SIGNS_MIN:
        return False
    told = _BY_THE_WAY_ZH.sub("", quote)
    return bool(re.search(rf"(?:[他她]们?|(?:{_KIN_ZH}))(?:是)?{said}", told)) and f"我{said}" not in told

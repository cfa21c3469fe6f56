"""What becomes of an answer before it is shown.

It speaks to the counsellor, names no diagnosis where none may be named, and cites only what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.chats import GivenPassage
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.prompts.chat import asks_for_label, load_texts
from phyassist.prompts.labels import without_labels

_CITED = re.compile(
    r"\s*[\[【［(（]\s*(?:文献?|S|source)\s*(\d{1,2}(?:\s*[,，、]\s*(?:文献?|S)?\s*\d{1,2})*)\s*[\]】］)）]",
    re.I,
)
# The text at hand is shown in numbered sentences: such a number leads nowhere on the page.
_SENTENCE_NO = re.compile(r"\s*\[\d{1,4}(?:\s*[,，、–-]\s*\d{1,4})*\]")
_SPEAKER = re.compile(r"^\s*(?:助手|咨询师|assistant|counsellor)\s*[:：]\s*", re.I)
# Marks of Markdown, which the page shows as they are; a single star may be the half of two still to come.
_MARKUP = re.compile(r"\*\*|\*\Z|`|^[ \t]*#{1,6}[ \t]+", re.MULTILINE)
_STAR = re.compile(r"^[ \t]*\*[ \t]+", re.MULTILINE)
_QUOTED = re.compile(r"“[^”]*”|‘[^’]*’|「[^」]*」|\"[^\"\n]*\"")
_REFERS = re.compile(r"转介|转诊|精神科|精神专科|心理科医[生师]|\brefer(?:ral|red|ring)?\b|\bpsychiatr", re.I)

_THIRD = re.compile(
    r"来访者|求助者|患者|当事人|[她他]|\b(?:the )?(?:client|patient)s?\b|\b(?:she|he|her|him|his)\b",
    re.I,
)
_TO_CLIENT = re.compile(
    r"(?:理解|明白|感受到|体会到|知道|听到|心疼|抱歉|遗憾|支持|陪伴|相信)[^，。！？]{0,6}[你您]"
    r"|[你您](?:现在|最近|目前|可能|一定|已经|也)*(?:感到|感觉|觉得|正在经历|经历[了的]|很难受|不容易)"
    r"|[你您](?:不是一个人|并不孤单|值得|很勇敢|很棒|要相信自己)"
    r"|[你您]的(?:感受|情绪|心情|痛苦|焦虑|抑郁|压力|睡眠|失眠|父母|爸妈|妈妈|爸爸|家人|孩子)"
    r"|[你您]的(?:考试|成绩|身体|症状|朋友|老师|咨询师|医生)"
    r"|(?:建议|希望|鼓励|劝|请)[你您][^。！？]{0,20}"
    r"(?:寻求|求助|就医|看医生|专业(?:人士|帮助)|心理咨询|心理医生|心理老师|咨询师|家人|朋友)"
    r"|[你您](?:可以|应该|需要|不妨|要)[^。！？]{0,10}"
    r"(?:放松|深呼吸|运动|休息|睡|写日记|相信自己|寻求|求助|就医|看医生|[和跟向](?:家人|朋友))"
    r"|加油|别担心|不要担心|放轻松|亲爱的"
    r"|\bI(?:(?:'|’)?m| am) (?:so |very |really )?sorry (?:to hear|that|you)"
    r"|\bI (?:can )?(?:understand|hear|know|see) (?:how|that|what|why|you)\b[^.!?]{0,20}\byou"
    r"|\byou(?:(?:'|’)?re| are) (?:not alone|going through|feeling|struggling|experiencing|strong|brave)\b"
    r"|\byou (?:deserve|feel|felt|have been through)\b|\bhang in there\b|\bdon(?:'|’)t worry\b"
    r"|\byour (?:own )?(?:feelings|emotions|mood|anxiety|depression|sadness|pain|sleep|insomnia|parents)\b"
    r"|\byour (?:mother|father|mom|dad|family|friends|exams?|grades|body|symptoms|loved ones)\b"
    r"|\byour (?:therapist|counsell?or|doctor|mental health|well-?being)\b"
    r"|\byou (?:should|could|can|may want to|might want to|need to)\b[^.!?]{0,40}"
    r"\b(?:seek|therapist|counsell?or|professional|doctor|loved one|breath|exercise|sleep|journal|relax)",
    re.I,
)

# A question put to "you" by nobody else: whom it speaks of beside does not matter.
_ASKS_CLIENT = re.compile(r"(?:^|[，。；：])(?:接下来|然后|首先|先|再|我?想|可以)*问(?:一下|问)?[你您]")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is shown: `cited` are its numbers, `held_back` sentences that spoke to the client.

    Citations stand in the text as `[1]`.
    """

    text: str = field(repr=False)
    cited: tuple[int, ...] = ()
    held_back: tuple[str, ...] = field(default=(), repr=False)


def read_answer(
    reply: str,
    *,
    language: Language,
    jurisdiction: Jurisdiction,
    question: str,
    told: str = "",
    passages: Sequence[GivenPassage] = (),
    is_whole: bool = True,
) -> Answer:
    """A reply, whole or as far as it has come, as it may be shown.

    `told` is what the patient's file says: a diagnosis that is quoted from there is a report and stays.
    """
    lines, held_back = [], list[str]()
    plain = _MARKUP.sub("", _STAR.sub("- ", reply.strip()))
    for line in _SPEAKER.sub("", plain).splitlines():
        kept = _hold_back(line, held_back)
        if kept.strip() or not line.strip():
            lines.append(kept.rstrip())
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    text, cited = _settle_citations(text, {each.number for each in passages})
    if jurisdiction == "cn":
        text = _without_labels(text, language, told)
        if is_whole and text and asks_for_label(question) and not _REFERS.search(text):
            text += f"\n\n{load_texts(language)['referral']}"
    return Answer(text, cited, tuple(held_back))


def speaks_to_client(sentence: str) -> bool:
    """Whether a sentence is said to the person whom the counsellor sees.

    One that names them in the third person speaks of them; what stands in quotation marks is quoted.
    """
    plain = _QUOTED.sub("", sentence)
    return bool(_ASKS_CLIENT.search(plain) or (_TO_CLIENT.search(plain) and not _THIRD.search(plain)))


def _hold_back(line: str, held_back: list[str]) -> str:
    """The line without sentences that speak to the client."""
    gone = [each for each in split_sentences(line) if speaks_to_client(each.text)]
    for sentence in reversed(gone):
        line = line[: sentence.span.start] + line[sentence.span.end :]
    held_back += [sentence.text for sentence in gone]
    return line


def _settle_citations(text: str, given: set[int]) -> tuple[str, tuple[int, ...]]:
    """The text with its citations as `[1]`; those of what was not given, and other numbers, are gone."""
    cited: list[int] = []

    def settle(found: re.Match[str]) -> str:
        numbers = [int(each) for each in re.findall(r"\d+", found[1]) if int(each) in given]
        cited.extend(numbers)
        return "".join(f"\x00{number}\x01" for number in dict.fromkeys(numbers))

    text = _SENTENCE_NO.sub("", _CITED.sub(settle, text))
    return text.replace("\x00", "[").replace("\x01", "]"), tuple(dict.fromkeys(cited))


def _without_labels(text: str, language: Language, told: str) -> str:
    """Signs in the place of diagnoses, but in a quotation of what was told."""
    parts, end = [], 0
    for found in _QUOTED.finditer(text):
        if found[0][1:-1] and found[0][1:-1] in told:
            parts += [without_labels(text[end : found.start()], language), found[0]]
            end = found.end()
    return "".join([*parts, without_labels(text[end:], language)])

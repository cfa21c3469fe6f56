"""Signs of risk in a text, each with its words and how they are put."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Span
from phyassist.domain.risk.lexicon import find_words
from phyassist.domain.risk.signs import KINDS, STANDINGS, RiskKind, Sign, Standing

_HAN = re.compile(r"[一-鿿]")
_TURNS = re.compile(
    r"但是?|不过|可是?(?!能)|然而|只是|却|而是|倒是|\bbut\b|\bhowever\b|\bthough\b|\byet\b|"
    r"\balthough\b|;|；",
    re.IGNORECASE,
)
_MARKS = re.compile(r"[，,。.！!？?；;\n]")
_DENIES = re.compile(
    r"否认|未(?:见|引出|发现|查及)|\bden(?:y|ies|ied|ying)\b|\bno (?:evidence|signs?|"
    r"history|reports?) of\b|\bnegative for\b|\bwithout any\b|\bno\b(?= (?:si|hi|si/hi|"
    r"suicid|self|thoughts|plan|intent|hallucin|delusion|psychos))",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:nobody|no one)\b|没有?(?!人|法|办法|意|用|劲|想到|什么意|过得)(?:任何|什么|再|要|过|出现|想过?|"
    r"考虑过?|做过|产生过?)*|从来?(?:没|未|不)|从未|未(?:曾|有)|(?<![恨巴])并?不(?!在|给|喝|知|止|仅|得不|"
    r"住|断|由|能不|敢相信|想活|如死|开心|舒服|了|好|同|同意|再是|只|管|光|到|太|是没)(?:会|想|是|曾|敢|"
    r"至于|可能|打算|愿)?|绝不|无(?=自杀|自伤|自残|幻|妄|冲动|伤人|消极|轻生|饮酒|吸毒)|不存在|别|"
    r"\b(?:no|not|never|none|nor|neither|without)\b(?! (?:only|sure|to mention|long ago|matter))|(?:do|"
    r"does|did|have|has|had|is|are|was|were|would|could|wo|ca)n'?t\b(?! (?:stop|help|know|understand|"
    r"control|shake|get rid|seem to stop|stand|take it|cope|go on))",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"以前|曾经?(?!试图现在)|过去|小时候|从小|童年|当时|那时候?|那年|那段时间|年前|个月前|去年|前年|之前|"
    r"早年|(?:初中|高中|大学|小学|上学|读书|年轻|小)(?:的?时候|时)|[一二三四五六七八九十\d]+岁(?:时|那年|"
    r"的时候|起)?(?=[^，。]*(?:被|过|时|那))|"
    r"(?:自杀|自残|自伤|割腕|吸毒|酗酒|幻听|有|想|试|做|吃|割|住院|轻生)过|史(?=[，。、]|$)|"
    r"\bused to\b|\bin the past\b|\b(?:years?|months?|decades?) ago\b|\bback (?:then|when|in)\b|\bwhen "
    r"(?:i|she|he) was\b|\bpreviously\b|\bhistory of\b|\blast (?:year|summer|winter|spring|fall|autumn)\b|"
    r"\bonce\b|\bas a (?:teen\w*|child|kid|boy|girl)\b|"
    r"\b(?:had|have|has) (?:been|tried|attempted)\b|\bat (?:age )?\d+\b|\bgrowing up\b|\bchildhood\b|"
    r"\b(?:attempt|admission|episode|overdose)s? in (?:19|20)\d\d\b|\bin (?:19|20)\d\d\b|\bformer(?:ly)?\b|"
    r"\bex-",
    re.IGNORECASE,
)
_PAST_AFTER = re.compile(
    r"\bwhen (?:i|she|he) was\b|\b(?:years?|months?|decades?) ago\b|\bin (?:middle|high|primary|"
    r"elementary) school\b|\bin college\b|"
    r"\bas a (?:teen\w*|child|kid|boy|girl)\b|\bin (?:my|his|her) (?:teens|twenties|thirties|childhood)\b|"
    r"\bin (?:19|20)\d\d\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"最近|现在|目前|近[来期日]|这(?:几|两|些)?(?:天|周|星期|个月|阵)|今[天晚早年]|昨[天晚]|刚刚?|每[天晚]|"
    r"天天|一直|总是?|经常|又|还在|仍|有时|偶尔|"
    r"\bnow\b|\blately\b|\brecently\b|\btoday\b|\btonight\b|\byesterday\b|\bstill\b|\bthis (?:week|month|"
    r"morning|year)\b|\blast (?:night|week|month)\b|\bagain\b|\bkeeps?\b|\bevery (?:day|night)\b|"
    r"\bsometimes\b|\balways\b|\bright now\b|\bcurrent\w*",
    re.IGNORECASE,
)
_OTHER_ZH = (
    r"(?:我的?|他的?|她的?)?(?:爸爸?|妈妈?|父亲|母亲|父母|爷爷|奶奶|外公|外婆|姥姥|哥哥?|姐姐?|弟弟?|妹妹?|"
    r"儿子|女儿|孩子|丈夫|妻子|老公|老婆|前夫|前妻|男友|女友|男朋友|女朋友|"
    r"同学|室友|舍友|朋友|闺蜜|同事|邻居|舅舅|叔叔|姑姑|姨|表[哥姐弟妹]|堂[哥姐弟妹]|病人|网友|一个人|有人|"
    r"别人|主角|新闻|电影|小说|书里|网上)"
)
_OTHER_EN = (
    r"\b(?:my|his|her|our|their|a) (?:\w+ )?(?:mother|father|mum|mom|dad|brother|sister|son|daughter|"
    r"husband|wife|partner|boyfriend|girlfriend|friend|cousin|uncle|aunt|roommate|flatmate|"
    r"neighbou?r|colleague|coworker|boss|grandmother|grandfather|grandma|grandpa|ex|kid|child|patient|"
    r"classmate|teacher|parents)\b|\b(?:someone|somebody|people|the (?:film|movie|book|news|show))\b"
)
_OTHER = re.compile(f"{_OTHER_ZH}|{_OTHER_EN}", re.IGNORECASE)
_THIRD = re.compile(r"(?<![其])(?:他们?|她们?)|\b(?:he|she|they)\b", re.IGNORECASE)
_OWN = re.compile(
    r"我(?!们?的?(?:爸|妈|父|母|爷|奶|外|姥|哥|姐|弟|妹|儿|女|孩|丈夫|妻|老[公婆]|前|男|同|"
    r"室|舍|朋|闺|邻|舅|叔|姑|姨|表|堂))|自己|本人|来访者|患者|求助者|\bI\b|\bI'(?:m|ve|d|"
    r"ll)\b|\b(?:myself|client|patient|pt)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[？?]\s*[”\"'」]?\s*$|(?:吗|呢|没有|有没有)[。.]?$|^(?:any|have you|do you|are you|"
    r"did you|有没有|是否|会不会)",
    re.IGNORECASE,
)
_YES = re.compile(
    r"\s*(?:嗯+|是的?|对的?|有过?|想过|会|确实|偶尔|有时候?|经常|最近有|我(?:确实)?(?:有过?|"
    r"想过|是)|其实有|承认|说实话[，,]?有|曾经?有?|之前(?:确实)?有|yes|yeah|yep|sometimes|"
    r"often|a (?:little|bit|few)|i (?:have|do|did|am|think about|guess)|maybe|kind of|sort "
    r"of|mm|uh-huh|once|lately|not (?:really|exactly|lately),? but)(?![\w])",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\s*(?:(?:嗯|呃|其实|我|目前|最近|倒是|那倒|这个|真的?)[，,]?)*(?:没有?|不(?!过|知道|好说|想说|确定|记得|清楚|晓得)|"
    r"从(?:来没|未)|未|否认|no\b|nope|never|not (?:at all|really|lately)|none|i (?:haven't|"
    r"don't|didn't|would never|have never|wouldn't)|nothing like that)",
    re.IGNORECASE,
)


_ONCE_DID = re.compile(
    r"(?:之前|以前|曾经?|过去)[^。！？]{0,6}(?<!没)(?<!没有)(?:有过|想过|试过)|"
    r"\b(?:used to|in the past i did|i did once|i have before)\b",
    re.IGNORECASE,
)


def find_risk(text: str) -> tuple[Sign, ...]:
    """The signs of a text: those of a kind together, what is said of now first, then in the text's order."""
    sentences = split_sentences(text)
    signs = [
        sign
        for at, sentence in enumerate(sentences)
        for sign in _read_sentence(sentence, sentences[at + 1 :])
    ]
    return tuple(
        sorted(
            _once(signs),
            key=lambda sign: (KINDS.index(sign.kind), STANDINGS.index(sign.standing), sign.span.start),
        )
    )


def _read_sentence(sentence: Sentence, following: Sequence[Sentence]) -> list[Sign]:
    found = find_words(sentence.text)
    if not found:
        return []
    start = sentence.span.start
    signs = []
    for kind, span in found:
        standing = _judge(kind, span, sentence, following)
        place = Span(start + span.start, start + span.end)
        quote = sentence.text[span.start : span.end]
        signs.append(Sign(kind, standing, place, quote, sentence.span, sentence.text))
    return signs


def _judge(kind: RiskKind, span: Span, sentence: Sentence, following: Sequence[Sentence]) -> Standing:
    text = sentence.text.replace("’", "'")
    if sentence.speaker == Speaker.COUNSELLOR:
        return _read_answer(following)
    if sentence.speaker == Speaker.NARRATOR and _ASKS.search(text) and re.search(r"[你您]|\byou\b", text):
        return _read_answer(following)
    if _is_denied(text, span, kind):
        return Standing.DENIED
    if kind not in (RiskKind.CHILD,) and _is_of_another(text, span, sentence.speaker):
        return Standing.OF_ANOTHER
    after = _MARKS.split(text[span.end : span.end + 4])[0]
    clause = _clause_before(text, span.start) + text[span.start : span.end] + after
    if (_PAST.search(text[: span.end + 4]) or _PAST_AFTER.search(text)) and not _NOW.search(clause):
        return Standing.PAST
    return Standing.PRESENT


def _is_denied(text: str, span: Span, kind: RiskKind) -> bool:
    """Whether a word of denial governs these words, with no turn of thought between.

    Not wanting to live is said with a denial in it; in the words of other kinds a denial is one.
    """
    head = text[: span.start if kind == RiskKind.SELF else span.end]
    turn = max((match.end() for match in _TURNS.finditer(head)), default=0)
    if _DENIES.search(head[turn:]):
        return True
    mark = max((match.end() for match in _MARKS.finditer(head)), default=0)
    clause = head[max(turn, mark) :]
    reach = 20 if _HAN.search(clause) else 45
    return any(len(clause) - match.end() <= reach for match in _NOT.finditer(clause))


def _clause_before(text: str, at: int) -> str:
    start = max((match.end() for match in _MARKS.finditer(text[:at])), default=0)
    return text[start:at]


def _is_of_another(text: str, span: Span, speaker: Speaker) -> bool:
    """Whether somebody else is who it is told of: named first in the clause, or in the sentence before it."""
    if re.search(r"我|自己|\b(?:my|me|myself|I)\b", text[span.start : span.end], re.IGNORECASE):
        return False
    clause = _clause_before(text, span.start)
    if _OWN.search(clause[-6:] if _HAN.search(clause[-6:]) else clause[-14:]):
        return False
    return (
        next(
            (found for part in (clause, text[: span.start]) if (found := _subject(part, speaker, text))),
            "own",
        )
        == "other"
    )


def _subject(words: str, speaker: Speaker, text: str) -> str:
    """Who is named first: `own`, `other`, or empty.  In a counsellor's notes, he and she are the client."""
    own, other = _OWN.search(words), _OTHER.search(words)
    third = _THIRD.search(words) if speaker == Speaker.CLIENT or _OWN.search(text) else None
    first = min((match.start() for match in (other, third) if match), default=None)
    if own and (first is None or own.start() < first):
        return "own"
    return "" if first is None else "other"


def _read_answer(following: Sequence[Sentence]) -> Standing:
    """How a question stands by the first thing that is said to it."""
    for sentence in following[:4]:
        if sentence.speaker == Speaker.COUNSELLOR:
            continue
        text = sentence.text.replace("’", "'")
        if _NO.match(text):
            rest = " ".join(each.text for each in following if each.turn == sentence.turn)
            return Standing.PAST if _ONCE_DID.search(rest) else Standing.DENIED
        if _YES.match(text):
            return Standing.PRESENT
        return Standing.ASKED
    return Standing.ASKED


def _once(signs: Sequence[Sign]) -> list[Sign]:
    """One sign of a kind for a sentence, the first among those that stand highest."""
    best: dict[tuple[RiskKind, int], Sign] = {}
    for sign in signs:
        key = (sign.kind, sign.sentence.start)
        other = best.get(key)
        if other is None or _rank(sign) < _rank(other):
            best[key] = sign
    return list(best.values())


def _rank(sign: Sign) -> tuple[int, int]:
    return STANDINGS.index(sign.standing), sign.span.start

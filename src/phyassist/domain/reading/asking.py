"""Words by which somebody says what they came for."""

from __future__ import annotations

import re

_HELP = (
    r"(?:帮助|帮我|建议|指导|改善|解决|缓解|走出|摆脱|调整|学会|知道|了解|找到|克服|恢复|改变|处理|面对|应对|"
    r"减轻|控制)"
)
_ASKING = re.compile(
    r"想(?:要)?(?:知道|了解|问|请教|咨询)(?!过)|(?:^|[，,。；;\s我])(?:很|特别|非常)?(?:希望|想)(?:能够?|可以|通过咨询|在咨询中|得到|"
    r"获得|寻求|您|你|老师|咨询师|医生|有人)[^，。]{0,8}?"
    + _HELP
    + r"|(?:^|[，,。；;\s])(?:来访者?|求助者?|本人)?(?:希望|想|求助|前来(?:咨询|求助))[^，。他她]{0,6}?"
    + _HELP
    + r"|(?:最后|临走(?:时|前)?|反复|一再|多次)问(?:道)?[：:，,]|\basks?\s*:|"
    r"求助(?:目的|诉求|问题|原因)|咨询(?:目的|目标|诉求|问题)|来访目的|诉求[：:]|"
    r"\b(?:wants?|would like|hop(?:es?|ing)|wish(?:es)?|looking|came|here|needs?|seeking|wonder(?:s|ing)?) "
    r"(?:to (?:know|learn|understand|find out|get help|figure out|ask)|(?:for )?(?:help|advice|tips|"
    r"suggestions)|"
    r"if|whether|how|what|why)\b|"
    r"\b(?:presenting question|(?:counsel+ing|therapy|treatment) goals?|goals?|reason for (?:visit|"
    r"referral|coming)|"
    r"referral question|question)\s*[:=]",
    re.IGNORECASE,
)
_QUESTION_EN = re.compile(
    r"^\W*(?:(?:so|but|and|then|also),?\s+)?(?:how (?:do|can|could|should|would|to)|what (?:can|should|do|"
    r"could) "
    r"(?:i|we)|should (?:i|we)|is (?:it|this|there)|am i|why (?:do|am|can't|is)|where do i|can (?:i|anyone|"
    r"you))\b[^.]*\?",
    re.IGNORECASE,
)
_QUESTION_ZH = re.compile(
    r"(?:我|我们)?(?:到底|究竟)?(?:该|应该|要|可以|能)?(?:怎么办|怎么做|如何(?:是好|做)|怎样(?:才能?|做)|怎么才能|如何才能|"
    r"该不该|要不要|该如何|应该怎[么样])|"
    r"(?:我|我们)(?:这样|现在)?(?:是不是|还能|能不能|会不会|有没有必要|是该|到底是)[^。！]*[？?]\s*$"
)
# "I keep thinking: what shall I do if" is a worry that is told, not a question that is put.
_WORRY = re.compile(r"(?:在想|想着|总想|担心|害怕|怕)[^，。？?]*(?:怎么办|怎么做)[。，,！!]?\s*$")


def is_asking(text: str) -> bool:
    """Whether the clause says outright what is asked of the counsellor, with or without a question mark."""
    return _ASKING.search(text) is not None


def is_question(text: str) -> bool:
    """Whether the clause is put as a question about what to do."""
    plain = text.replace("’", "'")
    if _WORRY.search(text):
        return False
    return _QUESTION_EN.search(plain) is not None or _QUESTION_ZH.search(text) is not None

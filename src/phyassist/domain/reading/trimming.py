"""Words at the edges of a sentence that carry nothing: openers, thanks, particles, a joining word."""

from __future__ import annotations

import re

from phyassist.domain.records import Span

_HEAD = re.compile(
    r"(?:(?:嗯+|啊+|哦+|唉+|呃+|额+|诶|哎+|对(?:的|啊)?|是的|是啊|好的|好吧|没错|确实(?:是|如此)?|你好|"
    r"您好|医生好?|老师好?|大夫|咨询师|"
    r"心理咨询师|其实(?:吧|呢)?|就是(?:说|觉得)?|那个|然后|所以|但是|但|不过|而且|另外|还有(?:就是)?|"
    r"因为|可是|只是|因此|总之|反正|比如(?:说)?|说实话|"
    r"说真的|怎么说呢|我想说的?是|谢谢(?:你|您)?|我想了?想)[，,。、！!\s…~～]+)+"
    r"|(?:(?:well|yes|yeah|yep|no|so|um+|uh+|hmm+|oh|okay|ok|hi|hello|and|but|also|anyway|actually|"
    r"honestly|basically|i mean|you know|like|now)[,.!\s]+(?=\S))+",
    re.IGNORECASE,
)
# Where a long sentence is cut, the word that joined its parts stays with the first.
_TAIL = re.compile(r"(?:[\s,;]+(?:and|but|also))*[\s，,、。.；;：:！!~～…\-—]*$", re.IGNORECASE)


def trim_fillers(text: str, span: Span) -> Span | None:
    """The span without fillers at its head and marks at its tail; None when nothing is left."""
    start, end = span.start, span.end
    head = _HEAD.match(text, start, end)
    if head and end - head.end() >= 4 and not _changes_sense(head.group()):
        start = head.end()
    tail = _TAIL.search(text, start, end)
    if tail is not None and tail.start() > start:
        end = tail.start()
    return Span(start, end) if end > start else None


def _changes_sense(words: str) -> bool:
    """An answer's yes or no belongs to what is said."""
    return bool(re.match(r"(?:no|没|不)\b", words.strip(), re.IGNORECASE))


_TALK = re.compile(
    r"(?:嗯+|啊+|哦+|唉+|呃+|额+|哎+|是的?|是啊|对的?|对啊|没错|确实(?:是|如此|这样)?|好的?|好吧|好啊|可以|行|当然|"
    r"(?:我)?(?:再)?想了?(?:一)?想(?:看)?|(?:让|容)我想(?:一)?想|我(?:也)?不(?:太)?(?:知道|清楚|确定)(?:了)?(?:怎么说)?|"
    r"(?:也)?(?:可能|应该|好像|大概|差不多)(?:吧|是吧|是这样|就是这样)?|有时(?:候)?|偶尔|有一点|有一些|有的|有|就?是这样的?|"
    r"(?:我)?(?:会)?(?:试试|尝试|努力|考虑)(?:看|一下|的)?|(?:我)?(?:知道|明白|了解|理解)了?|谢谢(?:你|您)?(?:的[^，。]{1,8})?|"
    r"感谢(?:你|您)?(?:的[^，。]{1,8})?|麻烦(?:你|您)了?|(?:你|您)?说得?(?:很)?对|(?:你|您)?(?:说|讲)的有道理|再见|你好|您好|吧|呢|(?:睡眠|饮食|"
    r"胃口|食欲|情绪|心情|工作|身体|家庭|家里|人际|朋友)(?:方面|上|这块|状况|情况)?(?:的话|嘛|呢|来说)|"
    r"嘛|我(?:想|觉得)(?:是|可能)?(?:这样|吧)?的?|怎么说呢|医生|老师|大夫|"
    r"\b(?:yes|yeah|yep|yup|no|nope|ok(?:ay)?|well|so|um+|uh+|hmm+|oh|right|sure|exactly|true|"
    r"i (?:think|guess|suppose|know|see)|i don'?t know|not (?:really|sure)|"
    r"let me think|i thought about it|"
    r"maybe|sometimes|thanks?(?: you)?(?: so much| for [\w ]{2,30})?|i(?:'ll| will) (?:try|"
    r"think about)(?: that| it)?|"
    r"that (?:makes sense|sounds good|is right|helps)|that's (?:right|true|it)|you(?:'re| are) right|"
    r"hello|hi|bye|goodbye)\b|[\W_])+",
    re.IGNORECASE,
)


def is_empty_talk(words: str) -> bool:
    """Whether nothing is said but agreement, thanks, greeting or a pause for thought."""
    return _TALK.fullmatch(words.replace("’", "'")) is not None

"""Words at the edges of a sentence that carry nothing: openers, thanks, particles."""

from __future__ import annotations

import re

from phyassist.domain.records import Span

_HEAD = re.compile(
    r"(?:(?:嗯+|啊+|哦+|唉+|呃+|额+|诶|哎+|对(?:的|啊)?|是的|是啊|好的|好吧|没错|确实(?:是|如此)?|你好|"
    r"您好|医生好?|老师好?|大夫|咨询师|"
    r"心理咨询师|其实(?:吧|呢)?|就是(?:说|觉得)?|那个|然后|所以|但是|但|不过|而且|另外|还有(?:就是)?|"
    r"因为|可是|只是|因此|总之|反正|比如(?:说)?|说实话|"
    r"说真的|怎么说呢|我想说的?是|谢谢(?:你|您)?)[，,。、！!\s…~～]+)+"
    r"|(?:(?:well|yes|yeah|yep|no|so|um+|uh+|hmm+|oh|okay|ok|hi|hello|and|but|also|anyway|actually|"
    r"honestly|basically|i mean|you know|like|now)[,.!\s]+(?=\S))+",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s，,、。.；;：:！!~～…\-—]+$")


def trim_fillers(text: str, span: Span) -> Span | None:
    """The span without fillers at its head and marks at its tail; None when nothing is left."""
    start, end = span.start, span.end
    head = _HEAD.match(text, start, end)
    if head and end - head.end() >= 4 and not _changes_sense(head.group()):
        start = head.end()
    tail = _TAIL.search(text, start, end)
    if tail and tail.start() > start:
        end = tail.start()
    return Span(start, end) if end > start else None


def _changes_sense(words: str) -> bool:
    """An answer's yes or no belongs to what is said."""
    return bool(re.match(r"(?:no|没|不)\b", words.strip(), re.IGNORECASE))

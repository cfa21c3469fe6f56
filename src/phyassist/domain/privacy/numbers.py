"""Contacts, identity numbers and dates of birth: what has a form of its own, in either language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.privacy.words import PrivateKind
from phyassist.domain.records import Span

_DIGIT = r"(?<![\w.])"
_END = r"(?![\w])"
_CONTACTS = (
    r"[A-Za-z0-9_.+-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+",
    r"\b(?:https?://|www\.)[^\s，。；、）)\]】\"'<>]+",
    # An account is named before it is given.
    r"(?:微信(?:号|名|昵称|账号)?|wx|vx|v信|微博|抖音号?|小红书号?|QQ号?|扣扣|qq|wechat(?: id)?|whatsapp|"
    r"telegram|instagram|insta|snapchat|skype|discord|"
    r"账号|line id)\s*(?:号码?)?\s*(?:也?是|为|叫|is|:|：)?\s*@?(?P<account>[A-Za-z][A-Za-z0-9_.-]{4,30}|"
    r"[A-Za-z]+[A-Za-z0-9_.-]*\d[A-Za-z0-9_.-]*|\d{5,12})",
    r"(?<![A-Za-z0-9@])@(?P<handle>[A-Za-z_][A-Za-z0-9_.]{2,30})",
    # Phones: of mainland China, international, of North America and the United Kingdom.
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)",
    r"(?<!\d)\(?0\d{2,3}\)?[- ]?\d{7,8}(?:[-转]\d{1,5})?(?!\d)",
    r"(?<![\w+])\+\d{1,3}[- .]?(?:\(0?\d{1,4}\)[- .]?)?\d(?:[- .]?\d){6,12}(?!\d)",
    r"(?<![\w-])\(?\d{3}\)?[- .]\d{3}[- .]\d{4}(?![\w-])",
    r"(?<!\d)0\d{2,4}[- ]\d{3,4}[- ]?\d{3,4}(?!\d)|(?<!\d)0\d{9,10}(?!\d)",
    r"(?:电话|手机|座机|致电|拨打|phone|mobile|cell|call me (?:on|at)|reach me (?:on|at)|text me (?:on|"
    r"at))\D{0,12}(?P<phone>\d[\d -]{5,16}\d)",
)
_NUMBERS = (
    r"(?<!\d)[1-9]\d{5}[- ]?(?:19|20)\d{2}[- ]?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[- ]?"
    r"\d{3}[\dXx](?!\d)",
    r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",
    r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    r"(?<![\d-])\d{3}[ -]\d{3}[ -]\d{4}(?![\d-])(?=[^\n]{0,20}\bNHS)|(?<=NHS )\d{3}[ -]?\d{3}[ -]?\d{4}",
    r"\b[EGDSPH][A-Z]?\d{7,8}\b",
    r"(?<!\d)\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{1,3})?(?!\d)",
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
    r"[A-Z][·• ]?[A-Z0-9]{5,6}(?![A-Za-z0-9])",
    r"\b[A-Z]{1,4}(?=[-\d ]*\d[-\d ]*\d[-\d ]*\d[-\d ]*\d[-\d ]*\d)(?:[- ]?\d+)+(?:-[A-Z\d]+)*(?![\w])",
    # A number that is named as one's own.
    r"(?:身份证|证件|护照|社保|医保|就诊|门诊|病历|病案|住院|学籍|学|工|警|档案|保单|驾驶证|银行卡|卡|账|"
    r"房产证|港澳通行证|军官证)"
    r"(?:卡|证)?(?:号码?|编号|尾号|后四位)\s*(?:也?是|为|:|：|"
    r"，)?\s*(?P<zh>[A-Za-z]{0,4}[-]?\d[\dA-Za-z-]{2,20})",
    r"\b(?:ssn|social security(?: number)?|passport(?: number| no\.?)?|nhs(?: number| no\.?)?|medicare(?: "
    r"number| no\.?)?|medicaid(?: id)?|"
    r"student (?:id|number)|employee (?:id|number)|(?:insurance|policy|member|account|case|file|licen[cs]e|"
    r"badge|patient|hospital|record|chart|"
    r"national insurance|tax|card)(?: ?(?:number|no\.?|id|#))+|mrn|driver'?s licen[cs]e|sort code|iban)"
    r"\s*(?:number|no\.?|#)?\s*(?:is|was|:|：|=)?\s*#?(?P<en>(?=[A-Z0-9 -]*\d)[A-Z]{0,4}[ "
    r"-]?\d[\dA-Z]*(?:[ -]\d[\dA-Z]*)*)",
    r"\b\d{4,}-[A-Z]\b",
    r"(?<![\d.])\d{7,}(?![\d.]*\d)",
)
_DATE_ZH = (
    r"(?:(?:19|20)?\d{2}\s*年\s*)?(?:农历|阴历|阳历)?\s*\d{1,2}\s*月\s*\d{1,2}\s*[日号]?|(?:19|"
    r"20)\d{2}\s*年\s*(?:\d{1,2}\s*月)?|"
    r"(?:[一二][九〇零○][〇零○一二三四五六七八九]{2}年)?[正一二三四五六七八九十冬腊]{1,2}月(?:初|十|"
    r"廿|二十|三十)?[一二三四五六七八九十]{1,2}[日号]?"
)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DATE_EN = (
    rf"\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?:19|20)\d{{2}})?|{_MONTH} \d{{1,2}}(?:st|nd|rd|"
    rf"th)?(?!\d)(?:,? (?:19|20)\d{{2}})?|"
    rf"{_MONTH},? (?:19|20)\d{{2}}"
)
_DATE_PLAIN = (
    r"(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:(?:19|20)?\d{2})|(?:19|20)\d{6}"
)
_DATE = rf"(?:{_DATE_PLAIN}|{_DATE_ZH}|{_DATE_EN})"
_BIRTHS = (
    rf"(?:出生(?:日期|年月日?|于|在|时间)?|生日|生辰|生于|"
    rf"出生证)[^，。；\n\d一二三四五六七八九十正]{{0,8}}(?P<zh>{_DATE})",
    rf"(?P<before>{_DATE})\s*(?:出生|生人|生的|生(?=[，。,；;、\s]|$))",
    rf"\b(?:born(?: on| in)?|d\.?o\.?b\.?|date of birth|birth ?date|birthday(?: is| was|'s)?(?: "
    rf"on)?)\s*(?:\(\w+\))?\s*[:：-]?\s*(?:the |on )?(?P<en>{_DATE})",
    rf"(?P<her>{_DATE})\s*(?:是|那天是)?(?:我|他|她|孩子)?的?生日",
    rf"(?P<later>{_DATE}) (?:is|was) (?:my|his|her|their) (?:birthday|date of birth)",
    r"\bborn in (?P<year>(?:19|20)\d{2})\b|(?P<year_zh>(?:19|20)\d{2}年)(?=出?生)",
)


def _compile(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.ASCII) for pattern in patterns)


_ALL = (
    (PrivateKind.BIRTH, _compile(_BIRTHS)),
    (PrivateKind.NUMBER, _compile(_NUMBERS[:4])),
    (PrivateKind.NUMBER, tuple(re.compile(pattern, re.ASCII) for pattern in _NUMBERS[4:8])),
    (PrivateKind.NUMBER, _compile(_NUMBERS[8:10])),
    (PrivateKind.CONTACT, _compile(_CONTACTS)),
    (PrivateKind.NUMBER, _compile(_NUMBERS[10:])),
)


def find_numbers(text: str) -> Iterator[tuple[Span, PrivateKind]]:
    """Spans in the order of how sure their form is; later ones may lie over earlier ones."""
    for kind, patterns in _ALL:
        for pattern in patterns:
            for match in pattern.finditer(text):
                named = next((name for name, value in match.groupdict().items() if value is not None), 0)
                start, end = match.span(named)
                yield (
                    Span(start, end - (len(match.group(named)) - len(match.group(named).rstrip(" -.")))),
                    kind,
                )

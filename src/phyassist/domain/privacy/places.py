"""Where somebody lives, works or goes: places by list, addresses and institutions by their form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from phyassist.domain.privacy.words import load_words
from phyassist.domain.records import Span

_HAN = r"[一-鿿]"
# A name of an institution holds no particles.
_NAME = (
    r"(?:(?![的了是我你您他她它们在去到从和与就也还没不很被把要会能可让给吗呢吧着过这那哪什么怎个时候"
    r"后前因所以但或且己每某其之于而])[一-鿿])"
)
_NUMERAL = r"[\d一二三四五六七八九十百]+"
_ADDRESS_ZH = re.compile(
    rf"(?:{_HAN}{{2,7}}?(?:省|市|区|县|镇|乡)){{0,3}}{_HAN}{{2,6}}(?:路|街|大道|巷|胡同|弄|里|"
    rf"道){_NUMERAL}\s*(?:号|弄)(?:院)?(?:[\dA-Za-z一二三四五六七八九十]+(?:号楼|栋|幢|单元|座|层|楼|室|号|"
    rf"户))*(?:\d{{3,4}}室?)?"
    rf"|{_HAN}{{2,6}}(?:花园|小区|家园|公寓|新村|苑|大厦|广场|"
    rf"社区)[\dA-Za-z一二三四五六七八九十]*(?:(?:号楼|栋|幢|单元|座|层|楼|室|号|户)[\dA-Za-z]*)*"
)
_KIND_ZH = (
    r"大学|学院|中学|小学|高中|初中|附中|附小|一中|二中|三中|[四五六七八九十]中|职高|技校|幼儿园|医院|"
    r"卫生院|卫生中心|诊所|"
    r"公司|集团|事务所|银行|工厂|电子厂|服装厂|派出所|监狱|教堂|寺|镇|乡|县|村|区|市|省|州|街道|屯"
)
# An institution's own name begins after one of these, or after a mark.
_BEFORE_ZH = re.compile(
    rf"(?:(?:^|[，。！？；：、,.\s“「（(])|(?:毕业于|就读于|考上了?|考进了?|转到了?|转学到|调到了?|搬到了?|"
    rf"来自(?!己)|住在|位于|在|去|到|从|回|进|读|是|于|离|往|叫))"
    rf"(?P<name>(?!(?:一|几|两|三所|同|另|别|全|各|整|外地|重点|普通|专科|综合|互联网|外贸|精神|专门|老家|"
    rf"农村|城|乡|山|社|心理|上|读|念|进|考|附近|当地|大型|小型|新|好|许多|"
    rf"单亲))(?:{_NAME}{{2,9}}?(?:{_KIND_ZH})){{1,3}})"
)
_GENERIC_ZH = re.compile(
    r"(?:国企|外企|私人|民营|贸易|房地产|广告|保险|物流|科技|装修|快递|旅游|传媒|教育|培训|互联网|建筑|"
    r"软件|游戏|医药|金融|投资|食品|汽车|服装|电子)(?:公司|集团)|"
    r"(?:三甲|综合|专科|妇产|儿童|精神病|精神卫生|人民|社区|私立|公立|重点|普通|师范|职业|成人|老年|民办|"
    r"名牌)(?:医院|大学|学院|中学|小学|高中|卫生中心)|"
    r"(?:老年|自己|父母|以前|现在|后来|原来|外地|本地|隔壁|陌生|其他)(?:.*)|.*(?:工作区|生活区|误区|禁区|"
    r"夜市|超市|门市|闹市|股市|上市|城市|都市|小区|社区|地区|山区|景区|农村|乡村|全村|县城|集市|市区|郊区|"
    r"校区|舒适区|小县|家乡|故乡|他乡|异乡)"
)
_LIVES_ZH = re.compile(
    rf"(?:老家(?:是|在)?|籍贯|户籍|来自(?!己)|祖籍|住址|地址|家住|"
    rf"出生地)[：:是在]?\s*(?P<name>(?!{_HAN}*(?:家庭|家里|内心)){_NAME}{{2,12}}?)(?=[，。！？；、,.\s）)]|"
    rf"的|人|$)"
)
_STREET = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Close|Court|Ct\.?|Crescent|"
    r"Terrace|Place|Square|Way|Boulevard|Blvd\.?|Gardens|Grove|Row|Hill|Walk|Mews|Parkway|Highway)"
)
_ADDRESS_EN = re.compile(
    rf"\b(?:(?:Flat|Apt\.?|Apartment|Unit|Suite|Room) ?#?\d+[A-Za-z]?,? )?\d{{1,5}}[A-Za-z]? (?:(?:North|"
    rf"South|East|West|N\.?|S\.?|E\.?|W\.?) )?(?:[A-Z][\w'’]+ ){{1,3}}{_STREET}(?:,? (?:Apt\.?|Flat|Unit|"
    rf"#) ?\w+)?(?!\w)"
    rf"|(?<=[a-z] )(?:[A-Z][\w'’]+ ){{1,2}}(?:Street|Road|Avenue|Lane|Drive|Crescent|Terrace|Boulevard|"
    rf"Close)\b"
    r"|\b(?:Flat|Apartment|Apt\.?) ?#?\d+[A-Za-z]?\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}\b|\b[A-Z]{2} \d{5}(?:-\d{4})?\b"
)
_INSTITUTION_EN = re.compile(
    r"\b(?:(?:St\.?|Saint) )?(?:[A-Z][\w'’&-]+ ){1,4}(?:University|College|High School|Middle School|"
    r"Elementary(?: School)?|Primary(?: School)?|"
    r"Secondary(?: School)?|Grammar(?: School)?|Academy|School|Hospital|Infirmary|Medical Cent(?:er|re)|"
    r"Clinic|Health Cent(?:er|re)|Surgery|"
    r"Church|Parish|Prison|Inc\.?|Ltd\.?|LLC|Corporation|County|Township|Nursing Home|Care Home|Youth Club|"
    r"Community Cent(?:er|re)|Library)\b"
    r"|\bUniversity of (?:[A-Z]\w+ ?){1,3}(?<! )|\bSt\.? [A-Z]\w+(?:'s|’s)\b"
)
_NOT_EN = re.compile(
    r"(?:The|A|An|My|Our|His|Her|Their|This|That|In|At|To|From|And|But|When|After|Before|Since|I|We|He|She|"
    r"They|Is|Was|New|Local|If|So|For|Went|Of|Dear)\s",
)


def find_places(text: str) -> Iterator[Span]:
    for pattern in (_ADDRESS_ZH, _ADDRESS_EN):
        for match in pattern.finditer(text):
            yield _without_head(text, match.start(), match.end())
    for match in _LIVES_ZH.finditer(text):
        yield Span(*match.span("name"))
    for match in _BEFORE_ZH.finditer(text):
        if not _GENERIC_ZH.fullmatch(match["name"]):
            yield Span(*match.span("name"))
    for match in _INSTITUTION_EN.finditer(text):
        start = match.start()
        while head := _NOT_EN.match(text, start, match.end()):
            start = head.end()
        if " " in text[start : match.end()] or text.startswith("St", start):
            yield Span(start, match.end())
    for match in _listed().finditer(text):
        yield Span(*match.span())


_HEAD_ZH = re.compile(
    rf"{_HAN}*?(?:住在|搬到了?|搬进|位于|地址是?|住址是?|就在|家在|家住|现住|住|在|到|去|回|"
    rf"从)(?={_HAN}{{2}})"
)


def _without_head(text: str, start: int, end: int) -> Span:
    head = _HEAD_ZH.match(text, start, end)
    return Span(head.end() if head else start, end)


# What somebody does at a place is no part of its name.
_DOES = (
    r"工作|上班|读书|上学|打工|留学|带大|抚养|生活|租房|出差|学习|长大|那边|这边|附近|老家|本地|当地|"
    r"出生|旅游|过年|开店|买房|定居|发展|人|话|菜|口音|大学|医院|公司"
)


@lru_cache(maxsize=1)
def _listed() -> re.Pattern[str]:
    """All listed places as one pattern, the longest first."""
    zh = sorted(load_words("places_zh"), key=len, reverse=True)
    en = sorted(load_words("places_en"), key=len, reverse=True)
    return re.compile(
        rf"(?:{'|'.join(zh)})(?:市|省|县|区|镇|自治区)?(?:(?!{_DOES}){_HAN}{{2}}(?:市|县|区|镇|"
        rf"村)?(?=[的，。]))?|\b(?:{'|'.join(re.escape(name) for name in en)})\b"
    )

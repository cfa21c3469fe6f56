"""People in Chinese text: by how they are introduced or addressed, and by the characters of a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from phyassist.domain.privacy.characters import (
    COMPOUND,
    GIVEN,
    RARE_SURNAMES,
    STRONG_GIVEN,
    SURE_SURNAMES,
    SURNAMES,
    UNCOMMON,
)
from phyassist.domain.privacy.words import load_words
from phyassist.domain.records import Span


def _any_of(chars: frozenset[str]) -> str:
    return f"[{''.join(sorted(chars))}]"


_S = f"(?:{'|'.join(COMPOUND)}|{_any_of(SURNAMES)})"
_R = f"(?:{_S}|{_any_of(RARE_SURNAMES)})"
# With a title behind it, a family name that is also a particle is the particle: 和老师 is no Mr He.
_T = f"(?:{_S}|{_any_of(RARE_SURNAMES - frozenset('和应时从成向计付代全别那过解连都相真一于'))})"
_G, _HAN = _any_of(GIVEN | UNCOMMON), "[一-鿿]"
_END = r"(?=[，。！？；、：,.\s”\"」』（(）)]|$)"
_STRICT_TITLE = (
    "老师|医生|大夫|主任|教授|护士|咨询师|治疗师|院长|校长|经理|总监|警官|律师|法官|师傅|同学|先生|女士|"
    "小姐|太太|阿姨|叔叔|大爷|大妈|大姐|大哥|奶奶|爷爷|"
    "教练|组长|辅导员|导师|主管|处长|科长|局长|书记|董事长|队长"
)
_TITLE = rf"{_STRICT_TITLE}|总|师兄|师姐|学长|学姐|姐|哥|嫂|姨|叔|伯|婶|博士|妈妈|爸爸"
# Kin and company that a name follows without a word between.
_COMPANY = (
    "同学|同桌|室友|舍友|朋友|好友|闺蜜|闺密|发小|男友|女友|对象|丈夫|老公|妻子|老婆|爱人|前夫|前妻|前任|"
    "儿子|女儿|孙子|孙女|外孙女?|儿媳妇?|媳妇|女婿|哥哥|姐姐|弟弟|妹妹|[表堂][哥姐弟妹]|"
    "父亲|母亲|爸爸|妈妈|小姨|姑姑|姨妈|舅舅|叔叔|伯伯|爷爷|奶奶|外公|外婆|姥姥|同事|领导|上司|经理|主管|"
    "邻居|患者|来访者|求助者|当事人|咨询师|医生|护士|"
    "班主任|导师|辅导员|护士长|组长|主任|总监|科长|老师|教授|师兄|师姐|学长|学姐|学生|孩子|警察|交警|警官|"
    "律师|房东"
)
_HERALD = (
    r"我叫|名叫|叫做|叫作|化名|本名|(?:姓名|名字|真名|签名|联系人|监护人|网名|昵称|小名|外号|乳名|"
    r"姓)(?:是|叫|为)?[：:\s]*"
)
_SMALL = _any_of(STRONG_GIVEN | frozenset("雅雨雪冬夏秋叶琴月天蕾诗梦曼影米鱼丸虎熊"))
# How sure a pattern is: who is introduced may also bear an ordinary word for a name.
_Told = Literal["introduced", "beside kin", "bare", "in a row"]
_SPELT: tuple[tuple[_Told, str], ...] = (
    (
        "introduced",
        rf"(?:{_HERALD})[“\"「『]?(?P<name>{_R}{_HAN}{{1,2}}{_END}|{_R}{_G}{{1,2}}|[小阿老]{_HAN})",
    ),
    (
        "introduced",
        rf"(?:我叫|名叫|(?:姓名|名字|真名|联系人|监护人|网名|昵称|小名|乳名)(?:是|叫|为|"
        rf"[：:])\s*)[“\"「『]?(?:{_COMPANY})?(?P<name>{_HAN}{{2,5}}){_END}",
    ),
    ("introduced", rf"(?<=姓)(?P<name>{_R}){_END}"),
    (
        "introduced",
        rf"(?<![大喊吼尖号鸣惨])叫(?P<name>{_R}{_G}{{1,2}}|[小阿老大]{_G}{{1,2}}|(?![她他我你]|"
        rf".[妈爸姐哥叔姨]){_HAN}{{2}}){_END}",
    ),
    ("introduced", rf"(?:{_COMPANY})叫(?P<name>(?![她他我你]){_HAN}{{3}}){_END}"),
    (
        "introduced",
        rf"(?:[我他她](?:{_COMPANY}|[妹姐弟哥]))(?P<name>{_G}{{2}})(?=[去今前昨现]|说|跟|在|把|被|让|已|刚)",
    ),
    (
        "introduced",
        rf"(?:{_COMPANY}|[跟和对给问找叫让])(?P<name>{_S})(?=姐|哥|总|导(?!师)|叔|姨|伯|婶|嫂|处|科|局|"
        rf"工(?!作))",
    ),
    ("beside kin", rf"(?:{_COMPANY})[，：:]?[“\"「]?(?P<name>{_T}{_G}{{1,2}})"),
    (
        "introduced",
        rf"(?:{_COMPANY})(?P<name>小(?!的|时|学|孩|心|姐|朋|名)(?:{_G}|"
        rf"[宝鱼米虎熊猫]))(?![一-鿿]?(?:学|姐|孩))",
    ),
    ("introduced", rf"(?P<name>{_T}{_G}{{1,2}})(?=(?:{_STRICT_TITLE}))"),
    ("introduced", rf"(?P<name>{_S}{_G}{{1,2}})(?=(?:{_TITLE}))"),
    ("introduced", rf"(?<!{_HAN})(?P<name>{_T})(?=(?:{_TITLE}))"),
    ("introduced", rf"(?P<name>{_S})(?=(?:{_STRICT_TITLE}))"),
    ("introduced", rf"(?P<name>{_T}某{{1,2}})"),
    ("introduced", rf"(?P<name>{_R}[XxＸ×*＊○]{{1,2}})"),
    ("introduced", rf"(?:^|[\n。：:])\s*(?P<name>{_HAN}{{2,4}})(?=[，,（(]\s*[男女][，,）)])"),
    ("beside kin", rf"(?<!{_HAN})(?P<name>{_G}{{2}})(?=是我|[说跟对把][他她我])"),
    ("beside kin", rf"(?:{_COMPANY})(?P<name>(?P<one>{_HAN})(?P=one))"),
    ("introduced", rf"叫[我他她](?P<name>[小阿老大]{_HAN}|{_R}?{_G}{{2}}){_END}"),
    (
        "in a row",
        rf"(?<![大从很最太较变多少缩矮还渺弱狭微细胆幼一])(?P<name>小{_SMALL})(?!时|学|孩|朋|吃|区|组|看|声|便)",
    ),
    (
        "introduced",
        rf"(?P<name>(?<![大从很最太较变多少缩矮还渺弱狭微细胆幼])[小老]{_S})(?=[，。！？；：、"
        rf",.\s:”」是也和跟与说在对的又就很会告给把让总他她我那这想觉不没有来去打找教帮约问回结已今昨"
        rf"前]|(?:{_TITLE})|$)",
    ),
    (
        "introduced",
        rf"(?:(?<![一-鿿])|"
        rf"(?<=[和跟与叫给对让被把找问同向像]))(?P<name>[小老]{_any_of(SURE_SURNAMES)})(?![末围期年])",
    ),
    ("introduced", rf"(?<![东阿])(?P<name>阿(?:(?![尔拉富里根斯西])(?:{_G}|[豪虎珠霞娇彪狗毛花])))"),
    (
        "introduced",
        r"(?P<name>(?<![伟强宏])大(?:伟|军|勇|强|刚|鹏|龙|壮|宝|毛|刘|李|王|张|陈|赵|周|"
        r"杨))(?=[，。！？：、跟和说他她我也在又给对告昨今]|$)",
    ),
    (
        "introduced",
        r"(?P<name>(?P<both>[莉丽娜婷芳娟敏洋倩琳萍艳玲佳欣悦琪媛雯蕾薇妮露莹雪彤瑶妍菲萌蓉贝豆朵果糖"
        r"浩宇轩诺辰晨凯杰强涛超鹏磊斌豪阳毛妞丫囡瑞琦])(?P=both))"
        r"(?!的?声|大|得意|欲)",
    ),
    ("bare", rf"(?P<name>{_T}{_G}{{2}})(?![们性度化率感])"),
    ("bare", rf"(?:(?<![一-鿿])|(?<=[和跟与给对让被把找问是同向像爱由请陪]))(?P<name>{_T}{_G})"),
    (
        "bare",
        rf"(?:(?<=喜欢)|(?<=认识)|(?<=遇到)|(?<=遇见)|(?<=看到)|(?<=告诉)|(?<=怀疑))(?P<name>{_S}{_G})",
    ),
    ("in a row", rf"(?P<name>{_T}{_G}){_END}"),
    ("in a row", rf"(?P<name>(?!小){_any_of(STRONG_GIVEN)}{{2}})"),
    ("in a row", rf"(?P<name>{_any_of(SURE_SURNAMES)}{_G}|{_T}{_any_of(STRONG_GIVEN)})"),
)
_PATTERNS = tuple((told, re.compile(pattern)) for told, pattern in _SPELT)
_FOREIGN = re.compile(
    r"(?<![一-鿿·])[一-鿿]{1,4}·(?:(?![是的说在和跟也就很又对我他她来去给把被让叫有])[一-鿿]){1,5}"
)
_LATIN = re.compile(
    r"(?:我叫|名叫|叫做|[他她]叫|同事|朋友|男友|女友|老板|经理|导师|外教|网名|昵称|英文名)(?:是|"
    r"叫)?[“\"「]?\s?(?P<name>[A-Z][a-z]{1,14})(?![A-Za-z])|"
    r"(?P<initial>(?<![A-Za-z])[A-Z])(?=(?:女士|先生|某|同学|小姐|老师|君|太太))|"
    r"(?<=小)(?P<small>[A-Z])(?![A-Za-z])"
)


def _no_names() -> frozenset[str]:
    """Words of address and of everyday life that the patterns would take for names."""
    return load_words("not_names_zh")


def find_names_zh(text: str) -> Iterator[Span]:
    words = load_words("words_zh")
    for told, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("name")
            if match["name"] in _no_names() or _ends_a_word(text, start, words):
                continue
            kept = Span(start, end) if told == "introduced" else _fit(text, start, end, words, told)
            if kept:
                yield kept
    yield from _find_unheard(text, words)
    for match in _FOREIGN.finditer(text):
        yield Span(*match.span())
    for match in _LATIN.finditer(text):
        group = next(name for name in ("name", "initial", "small") if match[name])
        yield Span(*match.span(group))


_SECOND = GIVEN | UNCOMMON
_FIRST = _SECOND | SURNAMES | {"老"}


def _find_unheard(text: str, words: frozenset[str]) -> Iterator[Span]:
    """Two characters of names that never stand side by side in everyday talk, as 若彤 or 陆川.

    Where such pairs overlap nobody can tell which is the name, so both go.
    """
    pairs = load_words("pairs_zh")
    start = end = -1
    for at in range(len(text) - 1):
        if _is_unheard(text, at, pairs, words):
            if at >= end:
                if end > start:
                    yield Span(start, end)
                start = at
            end = at + 2
    if end > start:
        yield Span(start, end)


def _is_unheard(text: str, at: int, pairs: frozenset[str], words: frozenset[str]) -> bool:
    first, second = text[at], text[at + 1]
    if first not in _FIRST or second not in (SURNAMES if first == "老" else _SECOND):
        return False
    pair = first + second
    splits_word = _ends_a_word(text, at, words) or text[at + 1 : at + 3] in words
    return pair not in pairs and pair not in _no_names() and not splits_word


def _ends_a_word(text: str, start: int, words: frozenset[str]) -> bool:
    """Whether the family name is the end of another word: 如何 in 如何进一步 is nobody."""
    return start > 0 and text[start - 1 : start + 1] in words


def _fit(text: str, start: int, end: int, words: frozenset[str], told: _Told) -> Span | None:
    """The name as far as it is one: 陈浩在 is 陈浩, 高兴 is nobody."""
    name = text[start:end]
    is_sure = name[0] in SURE_SURNAMES or name[:2] in COMPOUND or told == "beside kin"
    if name[:2] in _no_names() or (name[:2] in words and name[:2] not in COMPOUND):
        return None
    if len(name) == 2:
        splits_word = text[end - 1 : end + 1] in words
        return Span(start, end) if (is_sure and told != "in a row") or not splits_word else None
    if name[1:] in words and not is_sure and not STRONG_GIVEN.issuperset(name[1:]):
        return None
    if text[end - 1 : end + 1] in words:
        # The last character may open the next word: 李静思考 is 李静.
        return Span(start, end - 1) if is_sure and name[1:] not in words else None
    return Span(start, end)


def split_name_zh(name: str) -> tuple[str, ...]:
    """The parts by which the same person may be called: 王小明 is 小明 to a friend."""
    family = 2 if name[:2] in COMPOUND else 1
    given = name[family:]
    is_name = name[:family] in SURNAMES | RARE_SURNAMES | frozenset(COMPOUND)
    return (given,) if is_name and len(given) >= 2 and "某" not in given else ()

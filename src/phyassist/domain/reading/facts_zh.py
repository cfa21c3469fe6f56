"""Facts about the client in Chinese sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.reading.clues import Clue
from phyassist.domain.reading.speakers import Speaker

KIN = (
    r"女儿|儿子|闺女|孩子|小孩|宝宝|大宝|二宝|娃|孙子|孙女|父母|爸妈|爹妈|妈妈|母亲|老妈|我妈|爸爸|父亲|老爸|我爸|继父|继母|后妈|后爸|养父|养母|"
    r"老公|丈夫|先生|妻子|老婆|太太|爱人|媳妇|前夫|前妻|弟弟|妹妹|哥哥|姐姐|大哥|大姐|二姐|二哥|表[哥姐弟妹]|堂[哥姐弟妹]|我[哥姐弟妹]|嫂子|姐夫|妹夫|弟媳|"
    r"男友|女友|男朋友|女朋友|对象|伴侣|前任|对方|奶奶|爷爷|外婆|外公|姥姥|姥爷|公公|婆婆|岳父|岳母|丈母娘|叔叔|阿姨|舅舅|舅妈|姑姑|姑妈|姨妈|伯伯|"
    r"同学|同事|室友|舍友|朋友|闺蜜|老师|领导|上司|老板|邻居|亲戚|侄[子女]|外甥|学长|学姐|学弟|学妹|男生|女生|男孩|女孩|人家|别人|有人|家人|咨询师|医生"
)
_KIN = re.compile(KIN)
_SELF = re.compile(
    r"我(?!们?(?:家|爸|妈|哥|姐|弟|妹|老公|老婆|丈夫|妻子|女儿|儿子|孩子|的?(?:"
    + KIN
    + r")))|本人|自己今年|鄙人|俺"
)
_CLIENT = re.compile(r"来访者|求助者|患者|病人|当事人|案主|该生|个案")
_OWN_SEX = re.compile(
    r"(?:我是|我今年|本人|作为)[^，。！？他她]*?(?:男生|女生|男孩|女孩|老师|同学|家人|妈妈|母亲|爸爸|父亲)"
)
_CLAUSE = re.compile(r"[^，,。！？!?；;、\n：:]+")
_SENTENCE_HEAD = 14

_DIGITS = r"[〇零一二两三四五六七八九十百]"
_NUMBER = rf"(?:\d{{1,3}}|{_DIGITS}{{1,4}})"
_AGE = re.compile(
    rf"(?P<value>(?:将近|接近|不到|快要?|年近|大概|差不多|约)?{_NUMBER}(?:多|来|几|出头)?\s*(?:周?岁|岁)(?:半|多|出头|左右|了)?"
    r"|(?:快|已经|都|今年)?(?:二十|三十|四十|五十|六十|七十|八十)(?:多|出头|好几|几|来岁)(?:岁)?(?=了|的人)"
    r"|奔[三四五六]|年近(?:三十|四十|五十|六十|七十)|(?:三|四|五|六|七)十出头)"
)
_AGE_PLAIN = re.compile(
    rf"(?:今年|现年|年龄(?:是|为)?[:： ]*|年纪[:： ]*)(?P<value>{_NUMBER})(?!\d|{_DIGITS}|[年个月天次%块元万分号点斤日./])"
)
_AGE_PAST = re.compile(
    r"^(?:的?时候|的?时(?!间)|那年|那时|以前|之前|以后|之后|起|开始|就|前|后|的那|多?的时候|发生|离开|来到|去|认识|结婚|生了|嫁|出国|上学|考|辍学|参军|当兵|失去|查出|确诊|得了|被|左右的时候|左右时|时期|才|便|离|生日|以上|以下|以内|的[^，。]{0,6}(?:时候|那年))"
)
_AGE_PAST_BEFORE = re.compile(
    r"(?:从|自|到|直到|当时|那时|那年|等|未满|不满|满|小时候|在我|到了?我?|像|比|大我?|小我?|差|大了|小了|年长|相差|活到|记得|在|过了)$"
)
_AGE_NOW = re.compile(r"今年|现年|现在|目前|年龄|已经|已|都|马上|刚|快|才|虚岁|周岁")
_AGE_QUESTION = re.compile(r"多大|几岁|年龄|年纪|岁数|贵庚")
_BARE_NUMBER = re.compile(rf"^\D{{0,6}}?(?P<value>{_NUMBER})(?!\d|年|个|月|天|次|级|点|小时|分|斤)")

_FEMALE = (
    r"我是(?:一?[名个位])?(?:[^，。！？男他她]{0,8}?)(?:女(?:生|孩子?|人|性|的|士|大学生|学生|博士|研究生|老师|教师|医生)|姑娘|妈妈|母亲|妻子|宝妈|单亲妈妈|全职妈妈|家庭主妇)",
    r"(?:作为|身为)(?:一?[名个位])?[^，。！？]{0,6}?(?:女(?:生|孩|人|性|儿|士)|妈妈|母亲|妻子|家庭主妇)",
)
_MALE = (
    r"我是(?:一?[名个位])?(?:[^，。！？女他她]{0,8}?)(?:男(?:生|孩子?|人|性|的|士|大学生|学生)|爸爸|父亲|丈夫|奶爸|单亲爸爸)",
    r"(?:作为|身为)(?:一?[名个位])?[^，。！？]{0,6}?(?:男(?:生|孩|人|性|子汉|士)|爸爸|父亲|丈夫)",
)
_SEX_RULES: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    (
        "女",
        3,
        re.compile(
            r"(?P<words>性别[:： ]*女|\d{1,2}周?岁的?女(?:生|性|孩子?|士|大学生)?(?=[，,、。；;\s]|$)|(?:作为|身为)?一?[名个](?:[初高大研][一二三四])?女(?:生|孩|大学生|高中生)(?=[，,]我)|(?:^|[，,、（(\s/|])女(?:性|生)?(?=[，,、）)\s/|。；;]|$|\d)|(?:来访者|患者|求助者)为?(?:一名)?女(?:性|生)?)"
        ),
    ),
    (
        "男",
        3,
        re.compile(
            r"(?P<words>性别[:： ]*男|\d{1,2}周?岁的?男(?:生|性|孩子?|士|大学生)?(?=[，,、。；;\s]|$)|(?:作为|身为)?一?[名个](?:[初高大研][一二三四])?男(?:生|孩|大学生|高中生)(?=[，,]我)|(?:^|[，,、（(\s/|])男(?:性|生)?(?=[，,、）)\s/|。；;]|$|\d)|(?:来访者|患者|求助者)为?(?:一名)?男(?:性|生)?)"
        ),
    ),
    ("女", 3, re.compile("(?P<words>" + "|".join(_FEMALE) + ")")),
    ("男", 3, re.compile("(?P<words>" + "|".join(_MALE) + ")")),
    (
        "女",
        2,
        re.compile(
            r"(?P<words>我(?:的)?(?:月经|例假|大姨妈|姨妈期|经期|孕期|产后)|我(?:又|已经|刚|现在|曾经?)?(?:怀孕|流产|怀了|生了(?:一?个)?(?:孩子|女儿|儿子|二胎|宝宝)|坐月子|生下了)|我剖腹产|我更年期)"
        ),
    ),
    (
        "男",
        2,
        re.compile(r"(?P<words>我(?:的)?(?:遗精|阳痿|早泄))"),
    ),
)
_ADDRESS = (
    ("女", re.compile(r"(?P<words>(?<![一-龥])[一-龥]{1,2}(?:女士|小姐|太太))(?=[，,。！!、你您：:]|$)")),
    ("男", re.compile(r"(?P<words>(?<![一-龥])[一-龥]{1,2}先生)(?=[，,。！!、你您：:]|$)")),
)
_SHE = re.compile(r"(?P<words>她)")
_HE = re.compile(r"(?P<words>他)(?!们|人)")

_JOB_NAMES = (
    r"(?:全职|家庭|自由|退休|离休|在职)?(?:(?!是|个|名|位|我|你|他|她|的|一|在|和|做|当|有|作|为|身|来|去|想|叫)[一-龥]){0,4}?(?:工程师|程序员|教师|老师|医生|大夫|医师|护士|护工|药师|公务员|会计师?|出纳|律师|法务|法官|检察官|警察|民警|辅警|军人|士兵|消防员|"
    r"销售员?|业务员|推销员|导购|收银员|服务员|客服|司机|快递员|外卖员|骑手|工人|农民|渔民|农民工|保安|保洁|保姆|月嫂|厨师|设计师|建筑师|编辑|记者|作家|作者|翻译|画家|演员|歌手|主播|模特|导游|空姐|"
    r"教练|运动员|经理|主管|总监|总裁|主任|店长|店主|店员|老板|老总|企业家|创业者|个体户|个体经营者?|商人|职员|文员|白领|蓝领|上班族|秘书|助理|前台|行政|人事|财务|采购|运营|策划|技术员|操作工|质检员|电工|焊工|技师|"
    r"理发师|美容师|化妆师|摄影师|造型师|研究员|科研人员|教授|讲师|博士后|辅导员|班主任|校长|院长|村官|社工|志愿者|咨询顾问|顾问|分析师|审计|精算师|程序猿|码农|自由职业者?|自由撰稿人|家庭主妇|全职妈妈|全职太太|宝妈|"
    r"大学生|中学生|高中生|初中生|小学生|研究生|博士生|硕士生|本科生|留学生|实习生|专科生|职高生|中专生|学生|退休(?:工人|教师|职工|干部)|社区工作者|乘务员|飞行员|海员|船员|牧师|和尚)"
)
_JOB_PREFIX = r"(?:一家|某|一所|一个|大型|国企|外企|私企|银行|医院|学校|中学|小学|大学|高中|初中|幼儿园|互联网|公司|企业|工厂|单位|机关|事业单位|政府|软件|电子|房地产|保险|服装|IT|it|[A-Za-z]{2,10})"
_JOB_IS = re.compile(
    rf"(?P<subject>我(?:自己)?(?:现在|目前|本身|本来|今年|以前|原来|曾经?)?|本人|自己)?(?:[^，。！？我他她]{{0,6}}?)(?:是|为|当|做|作为|身为|担任|干|成为了?|从事)(?:了|着|的是)?(?:一?[名个位家])?(?:[^，。！？我他她]{{0,8}}的)??(?P<value>(?:{_JOB_PREFIX}的?){{0,3}}{_JOB_NAMES}(?:经理|主管|总监|助理|老师|人员|员|工)?)"
)
_JOB_FIELD = re.compile(r"(?:职业|工作单位|身份)(?:是|为|[:：] ?)(?P<value>[^，,。；;！？\n]{2,16})")
_JOB_PLACE = re.compile(
    r"(?P<value>在(?!在)(?:[^，。！？；他她]{0,12}?)(?:公司|企业|工厂|厂里?|医院|学校|银行|单位|机关|事业单位|政府|国企|外企|私企|超市|酒店|餐厅|饭店|工地|商场|互联网|培训机构|幼儿园|部队|体制内|法院|律所|事务所|药店|便利店|网吧)(?:里)?(?:上班|工作|任职|当[^，。]{1,6}|做[^，。的]{1,8}))"
)
_JOB_DO = re.compile(
    r"(?P<value>从事[^，。！？；]{1,12}?(?:工作|行业|职业)|做(?:的是)?[^，。！？；这那我他她不好完什么]{1,8}?(?:工作|行业|生意|这一行))"
)
_JOBLESS = re.compile(
    r"(?P<value>无业(?!青年|人员|游民)|失业|待业|没有工作|没工作|没上班|不上班|退休|下岗|自由职业|做生意|自己创业|在家务农|务农|打工|全职在家|全职带娃|全职带孩子|在家带孩子|赋闲)(?:了|在家)?"
)
_JOB_BARE = re.compile(rf"^(?P<value>{_JOB_NAMES})$")
_NOT_NOW = re.compile(
    r"想(?:要)?(?:去|成为|当|做)?$|希望|梦想|不是|以后|将来|未来|打算|如果|假如|考虑|适合|不想|像$|别人|以为|曾想|理想|算不上|考(?:公务员|教师)|以前|原来|曾经?|之前|当时|那时"
)

_LEVELS = (
    r"高三复读|复读高三|复读|初[一二三]|高[一二三]|大[一二三四五]|研[一二三]|博[一二三]|小学[一二三四五六]年级|[一二三四五六七八九]年级|初中[一二三]年级|高中[一二三]年级|大学[一二三四]年级|"
    r"本科|大专|专科|中专|职高|技校|硕士|博士|研究生|二本|一本|三本|211|985|重点大学|高中|初中|小学|大学|文盲"
)
_STUDY_NOW = re.compile(
    r"(?P<value>(?:高三复读|复读高三|复读|初[一二三](?!年)|高[一二三](?!年)|大[一二三四五](?!年|点|岁|些|胆|伯|叔|姑|姨|姐|哥|人|个|学|次|块|口|家|天|批|堆|早|阵|楼|件|把|方|份|部|套|双|条)|研[一二三](?!究)|博[一二三]|(?:小学)?(?:高中|初中|高|初|大)?[一二三四五六七八九]年级|大学[一二三四]年级)(?:上|下)?(?:学期|学生|的学生)?)"
)
_DEGREE = re.compile(
    r"(?P<value>(?:(?:学历|文化程度|教育程度|受教育程度)(?:是|为)?[:： ]*[^，,。；;\s]{2,10}|(?:大学本科|本科|大专|专科|中专|职高|技校|高中|初中|小学|硕士(?:研究生)?|博士(?:研究生)?|研究生|大学|二本|一本|三本)(?:毕业生?|学历|文化|在读|肄业|辍学|就读|生)|"
    r"(?:读|念|(?<![马考不早晚])上|就读于?|考上了?|在读)(?:的是|着|了|于)?(?:一所|一个)?[^，。！？；他她好想望名]{0,8}?(?:研究生|硕士|博士|本科|大专|专科|中专|职高|技校|大学|高中|初中|小学|研)(?![前后时生毕])|(?:大学生|高中生|初中生|小学生|研究生|博士生|硕士生|本科生|大专生|中专生|留学生)))"
)
_STUDY_PAST = re.compile(
    r"时候|那年|那时|当时|以前|之前|从|自从|起|开始|小时候|曾|考上|初恋|后来|的时|时[，,。]|时$|毕业后|时我|期间|时被|时就|时因|时代|老师|同学|那|结束|要上|将|即将"
)

_MARITAL_RULES: tuple[tuple[str | None, int, re.Pattern[str]], ...] = (
    (None, 3, re.compile(r"(?P<value>(?:婚姻|婚恋)(?:状况|状态|情况)?[:： ]+[^，,。；;\s]{2,10})")),
    (
        None,
        3,
        re.compile(
            r"(?P<value>已经结婚|已婚(?:[\d一二两三四五六七八九十]+年)?|未婚|离异|丧偶|再婚(?!后)|二婚|离婚[\d一二两三四五六七八九十半]+[多几]?年了?|结婚(?:已经?|都|快|将近|有)?[\d一二两三四五六七八九十几]+[多几来]?(?:年|个?月)?(?:多|了)?|单身(?:母亲|妈妈|爸爸|父亲|汉)?|母胎单身|大龄剩[女男]|订婚了?|同居|单亲(?:妈妈|母亲|爸爸)|没结婚|还?没有?结婚|未结婚|没有?(?:对象|伴侣|男朋友|女朋友|男友|女友)|没谈过恋爱|没有谈过恋爱|没有恋爱|分居(?:中|[一二两三四五六七八九十半\d]+年)?|办了?离婚|离了婚|闹离婚|离婚了|刚离婚|刚结婚|新婚(?!时|那))"
        ),
    ),
    (
        None,
        2,
        re.compile(
            r"(?P<value>有(?:一?个)?(?:稳定的?)?(?:男朋友|女朋友|男友|女友|对象|伴侣|未婚夫|未婚妻)|(?:正在|我在|在)谈恋爱(?!的?时)|谈恋爱(?:已经|有)?[\d一二两三四五六七八九十半几]+[多个]*[年月]|谈(?:了一?个|着)恋爱|(?:正|目前|现在)(?:在|处于)恋爱中|确(?:定|立)了?(?:恋爱|男女朋友|情侣)?关系|(?:和|跟)(?:男朋友|女朋友|男友|女友|对象)(?:在一起|交往|相恋|异地)[^，。！？]{0,8}|伴侣(?:关系)?(?:稳定|支持)|我(?:早就|都)结婚了?|我结婚了|我们(?:已经|刚)?结婚(?!的时候)[^，。！？]{0,6}|结了婚)"
        ),
    ),
    (
        "已婚",
        1,
        re.compile(
            r"(?P<value>我(?:的|和|跟|与|对)?(?:我)?(?:丈夫|妻子|老公|老婆|太太|爱人|媳妇|先生)|(?:老公|丈夫|妻子|老婆)(?:他|她)?(?:对我|不|总|经常|和我|跟我|说|觉得|也))"
        ),
    ),
    ("恋爱中", 1, re.compile(r"(?P<value>我(?:的|和|跟|与)?(?:男朋友|女朋友|男友|女友))")),
)
_MARITAL_NOT = re.compile(
    r"如果|假如|像$|担心$|怕$|想(?:到|要|起)?$|想起|一想到|打算|以后|将来|害怕$|要不要|还是|是否|考虑|会不会|怕$|不会|别人|提出|想过|催|前男友|前女友|前任|前妻|前夫|曾经|幻想|不敢|逼|建议|恐"
)


def find_clues(text: str, *, before: str, speaker: Speaker, answers: bool, third_person: bool) -> list[Clue]:
    """Clues about the client in one sentence; `before` is the sentence before it, `answers` a reply to it."""
    if speaker == Speaker.COUNSELLOR:
        return [*_addressed(text)]
    return [
        *_ages(text, before, answers=answers, third_person=third_person),
        *_sexes(text, third_person=third_person),
        *_jobs(text, before, answers=answers, third_person=third_person),
        *_education(text, before, third_person=third_person),
        *_marital(text, before, third_person=third_person),
    ]


def _about_other(text: str, at: int, before: str, *, third_person: bool) -> bool:
    """Whether the words at `at` speak of somebody else: the nearest person named before them decides."""
    head = _OWN_SEX.sub(lambda match: "我" * len(match.group()), text[:at])
    kin = max((match.end() for match in _KIN.finditer(head)), default=-1)
    own = max((match.end() for match in _SELF.finditer(head)), default=-1)
    own = max(own, max((match.end() for match in _CLIENT.finditer(head)), default=-1))
    if not third_person:
        kin = max(kin, max((match.end() for match in re.finditer(r"[他她]们?|你", head)), default=-1))
    if kin < 0 and own < 0:
        tail = before[-_SENTENCE_HEAD:]
        return bool(_KIN.search(tail)) and not before.rstrip().endswith(("？", "?")) and not third_person
    return kin > own


def _ages(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    for match in [*_AGE.finditer(text), *_AGE_PLAIN.finditer(text)]:
        start, end = match.span("value")
        head, tail = text[:start], text[end:]
        clause = re.split(r"[，,。！？；、]", head)[-1]
        now = bool(_AGE_NOW.search(clause + match["value"]))
        if _AGE_PAST.match(tail) or (_AGE_PAST_BEFORE.search(clause) and not now):
            continue
        if _about_other(text, start, before, third_person=third_person) or not _is_grown(match["value"]):
            continue
        if _KIN.match(re.sub(r"^的?[小大]?(?:[男女]生|[男女]孩子?)?", "", tail)) and not re.search(
            r"我是|作为|身为", clause
        ):
            continue
        own = bool(re.search(r"我|本人|来访者|患者|求助者", clause))
        sureness = 3 if now or (own and not re.search(r"[和跟与]", clause)) else 2
        yield Clue("age", match["value"].removesuffix("了"), start, end, sureness)
    if answers and _AGE_QUESTION.search(before) and not _KIN.search(before):
        bare = _BARE_NUMBER.match(text)
        if bare and not _AGE.search(text) and _is_grown(bare["value"]):
            yield Clue("age", bare["value"], *bare.span("value"), 3)


def _is_grown(value: str) -> bool:
    """Whether an age can be a client's: from five to a hundred and ten."""
    number = read_number(value)
    return number is None or 5 <= number <= 110


def read_number(words: str) -> int | None:
    """The first number in figures or in Chinese characters; None where there is none."""
    figures = re.search(r"\d+", words)
    if figures:
        return int(figures.group())
    signs = re.search(_DIGITS + "+", words)
    if not signs:
        return None
    values = {sign: no for no, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
    total, last = 0, 0
    for sign in signs.group():
        if sign == "十":
            total, last = total + (last or 1) * 10, 0
        elif sign == "百":
            total, last = total + (last or 1) * 100, 0
        else:
            last = values[sign]
    return total + last


def _sexes(text: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in _SEX_RULES:
        for match in pattern.finditer(text):
            head = text[: match.start("words")]
            bare = match["words"].strip("，,、（( \t/|")
            if bare[:1] in "男女" and (_KIN.search(head[-12:]) or re.search(r"[他她对]", head[-8:])):
                continue
            start = match.start("words") + match["words"].index(bare)
            yield Clue("sex", value, start, start + len(bare), sureness)
    if third_person and not _KIN.search(text):
        for value, pattern in (("女", _SHE), ("男", _HE)):
            pronoun = pattern.search(text)
            if pronoun:
                yield Clue("sex", value, *pronoun.span("words"), 1)


def _addressed(text: str) -> Iterator[Clue]:
    for value, pattern in _ADDRESS:
        for match in pattern.finditer(text[:20]):
            if not re.search(r"您|你", match["words"]):
                yield Clue("sex", value, *match.span("words"), 2)


def _jobs(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    for pattern, sureness in ((_JOB_FIELD, 3), (_JOB_IS, 3), (_JOB_PLACE, 2), (_JOB_DO, 2), (_JOBLESS, 2)):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if _NOT_NOW.search(text[max(0, start - 8) : start]) or re.search(
                r"不", text[max(0, start - 3) : start]
            ):
                continue
            if _about_other(text, start, before, third_person=third_person):
                continue
            if pattern is _JOB_IS and not (
                match["subject"] or third_person or answers or text[: match.start()].rstrip()[-1:] in "，,。"
            ):
                continue
            yield Clue("occupation", _job_value(match["value"]), start, end, sureness)
    if third_person or re.search(r"岁|性别|[，,]\s*[男女]|^[男女]", text):
        for clause in _CLAUSE.finditer(text):
            bare = _JOB_BARE.match(clause.group().strip())
            if bare and not _about_other(text, clause.start(), before, third_person=third_person):
                start = clause.start() + clause.group().index(bare["value"])
                yield Clue("occupation", bare["value"], start, start + len(bare["value"]), 2)


def _job_value(words: str) -> str:
    return re.sub(r"^从事|^做的是", "", words).strip() or words


def _education(text: str, before: str, *, third_person: bool) -> Iterator[Clue]:
    for pattern, sureness in ((_DEGREE, 2), (_STUDY_NOW, 2)):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            around = text[max(0, start - 5) : end + 4]
            if _about_other(text, start, before, third_person=third_person):
                continue
            told_now = bool(
                re.search(r"今年|现在|目前|正在|学历|文化|毕业|在读|我是|马上", text[max(0, start - 6) : end])
            )
            past = bool(_STUDY_PAST.search(around)) and not told_now
            if past:
                continue
            value = re.sub(r"^(?:学历|文化程度|教育程度|受教育程度)(?:是|为)?[:： ]*", "", match["value"])
            yield Clue("education", value, start, end, 3 if told_now else sureness)


def _marital(text: str, before: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in _MARITAL_RULES:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            head = text[max(0, start - 8) : start]
            if _MARITAL_NOT.search(head):
                continue
            if _OTHERS_OWN.match(text, end) and not re.search(r"我是[^，。！？]*$", text[:start]):
                continue
            if value is None and _about_other_couple(text, start, before, third_person=third_person):
                continue
            shown = value or re.sub(r"^(?:婚姻|婚恋)(?:状况|状态|情况)?[:： ]+", "", match["value"])
            yield Clue("marital", re.sub(r"^我们?", "", shown), start, end, sureness)


_OTHERS_OWN = re.compile(r"的?(?:男|女|人|同事|朋友|对象|对方)")
_OTHER_COUPLES = re.compile(
    r"父母|爸妈|爸爸|妈妈|母亲|父亲|我[爸妈哥姐弟妹]|哥哥|姐姐|弟弟|妹妹|朋友(?<!男朋友)(?<!女朋友)|闺蜜|同学|同事|儿子|女儿|领导|亲戚"
)


def _about_other_couple(text: str, at: int, before: str, *, third_person: bool) -> bool:
    """A spouse named before "married" is the client's own; parents, friends, siblings or children are not."""
    others = [match.end() for match in _OTHER_COUPLES.finditer(text[:at])]
    if others and not re.search(r"我(?:们|自己|今年|现在|已经|目前|也|是|和)", text[others[-1] : at]):
        return True
    head = re.sub(
        r"老公|丈夫|先生|妻子|老婆|太太|爱人|媳妇|男友|女友|男朋友|女朋友|对象|伴侣|孩子|对方", "", text[:at]
    )
    return _about_other(head, len(head), before, third_person=third_person)

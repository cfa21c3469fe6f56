"""Signs of the field that a clause belongs to: when something happened, whose it is, what it is of."""

from __future__ import annotations

import re

_KIN_ZH = (
    r"(?:爸爸?|妈妈?|父亲?|母亲?|爷爷|奶奶|外婆|外公|姥姥|姥爷|哥哥?|姐姐?|弟弟?|妹妹?|叔叔?|姨妈?|舅舅?|"
    r"姑姑?|伯伯?|儿子|女儿|家人|家里|家族|丈夫|妻子|老公|老婆)"
)
_KIN_EN = (
    r"(?:mother|father|mom|mum|dad|parents?|brother|sister|grand\w+|aunt|uncle|cousin|son|daughter|"
    r"husband|wife|family)"
)
_SICK_ZH = (
    r"(?:抑郁症?|焦虑症|双相|精神分裂|精神病|精神疾病|癌|肿瘤|高血压|糖尿病|中风|痴呆|自杀|酗酒|重病|病史)"
)
_SICK_EN = (
    r"(?:bipolar|schizo\w*|depress(?:ion|ive)|anxiety disorder|alcoholi\w*|alcoholic|addict\w*|dementia|"
    r"alzheimer\w*|autis\w*|anorexi\w*|bulimi\w*|eating disorder|cancer|suicide|psychosis|ADHD|PTSD|OCD|"
    r"mental illness|mental health|a stroke|diabet\w*)"
)

# Name, the Chinese pattern, the English pattern.
_MARKERS: tuple[tuple[str, str, str], ...] = (
    (
        "early",
        r"小时候|童年|从小|自小|自幼|幼年|幼时|小的时候|年幼|青春期|"
        r"(?:上|读|念)?(?:幼儿园|小学|初中|中学|高中|大学|初[一二三]|高[一二三]|大[一二三四])"
        r"(?:[一二三四五六]年级)?(?:时|那年|那时|那会|的时候|期间|阶段|毕业后?|曾|开始)|"
        r"(?:\d+|[一二三四五六七八九十]+)岁(?:时|那年|的时候|起|开始|以前|之前|后|才|就|回|被|离|来|随|跟|进|上|搬|接)|年轻时|下过?乡|当过兵|"
        r"(?:由|被|跟着?|和|随)(?:爷爷|奶奶|外婆|外公|姥姥|姥爷|祖父母|外祖父母|亲戚|老人)[^，。]{0,6}?"
        r"(?:带|养|长|抚|生活)|带大|养大|抚养|长大的|留守|寄宿|寄养|收养|原生家庭|出生",
        r"grew up|growing up|as an? (?:young )?(?:kid|child|teen\w*|boy|girl)|"
        r"when (?:I|he|she|we) (?:was|were) (?:about |around |only |just )?(?:\d+|an? |in |little|young|"
        r"growing|"
        r"six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen)|"
        r"childhood|was (?:raised|born|adopted)|raised (?:me|by|in)|brought up|foster|"
        r"(?:at|since|until|from|by)(?: the)? age|since I was|until I was|at \d+(?=,| my| I)|"
        r"in (?:elementary|middle|primary|grade|high) school|my upbringing",
    ),
    (
        "past",
        r"曾经?(?!想)|以前|从前|过去|当年|那年|那时|当时|去年|前年|前几年|年前|个?月前|年以前|既往|之前|后来|"
        r"那次|那段时间|自从|20\d\d年|19\d\d年|几岁",
        r"used to|years? ago|months? ago|weeks? ago|last (?:year|summer|winter|spring|fall|november|\w+ber)|"
        r"in the past|previously|back then|at the time|once|history of|ever since|in (?:19|20)\d\d|"
        r"had been|prior to|before that|a while back|long ago",
    ),
    (
        "blow",
        r"去世|过世|离世|病逝|走了|离婚|离异|分手|家暴|打我|虐待|性侵|猥亵|强奸|霸凌|校园暴力|"
        r"被[^，。]{0,6}(?:孤立|欺负|嘲笑|打|骂|骗|辞退|排挤|抛弃|性骚扰|侵犯)|车祸|流产|休学|退学|辍学|复读|"
        r"失业|被裁|裁员|拘留|入狱|坐牢|判刑|破产|出轨|堕胎|难产|地震|退伍",
        r"died|passed away|death of|lost my|abus(?:ed|ive|e)|rap(?:e|ed)|molest\w*|assaulted|bullied|"
        r"neglected|abandoned|kicked out|broke up|divorced|cheated|miscarr\w*|fired|laid off|"
        r"arrested|jail|prison|deployed|dropped out|ran away|left (?:me|us)|moved out|got divorced",
    ),
    (
        "treated",
        r"确诊|诊断|看过|就诊|住过院|住院|咨询过|治疗过|服用过|吃过|接受过|做过(?:手术|咨询|治疗)",
        r"(?:was|were|been|got) (?:diagnosed|hospitali[sz]ed|treated|prescribed|admitted)|"
        r"diagnos(?:ed|is)|saw a (?:therapist|counsel\w+|doctor)|been (?:to|in) (?:therapy|counsel\w+|rehab)",
    ),
    (
        "heredity",
        rf"{_KIN_ZH}[^，。他她我]{{0,6}}(?:有|得|患|确诊|也是|是)[^，。]{{0,8}}{_SICK_ZH}|家族(?:病)?史|遗传|"
        rf"{_KIN_ZH}[^，。]{{0,4}}(?:自杀|患病|身体不好)",
        rf"{_KIN_EN}[\w\s,']{{0,20}}(?:has|had|have|suffers?|suffered|was|were|is|are|been|with|of)"
        rf"[\w\s']{{0,24}}\b{_SICK_EN}|family history|runs in (?:the|my) family|"
        rf"{_SICK_EN} (?:runs )?in (?:the|my) family",
    ),
    (
        "rest",
        r"失眠|睡眠|睡不|睡得|只睡|入睡|早醒|惊醒|半夜醒|夜里?醒|醒[\d一二两三四五六七八九十几]+次|嗜睡|多梦|噩梦|做梦|整夜|安眠药|熬夜|没睡|醒来|犯困|"
        r"困倦|睡到|通宵",
        r"insomni\w*|(?:can'?t|cannot|not|trouble|hard to|difficult\w*|fall(?:ing)?|back to|of|poor|no|less|"
        r"little|enough|to) sleep\w*|sleep(?:s|ing)? (?:\w+ )?(?:\d|badly|poor\w*|well|too|all|only|less|"
        r"more|a)|"
        r"wak(?:e|es|ing) (?:up|at|about|around|before|early|in the)|nightmares?|up all night|slept|awake|"
        r"(?:^|I |she |he )sleeps?(?: in| on|$)",
    ),
    (
        "food",
        r"食欲|胃口|吃不下|吃得|暴食|暴饮|厌食|催吐|体重|消瘦|瘦了|胖了|进食|节食|减肥|斤",
        r"appetite|(?:not|barely|hardly|can'?t|stopped|over|binge|stop) ?eat\w*|ate|binge\w*|purg\w*|weight|"
        r"pounds|lbs?|kg|(?:lost|gained|put on) (?:about |nearly |almost |over )?(?:an? |half an? |"
        r"\w+ )?stone|"
        r"vomit\w*|anorexi\w*|bulimi\w*",
    ),
    (
        "body",
        r"头[痛疼晕昏]|胸[闷痛口]|心慌|心悸|心跳|呼吸|气短|喘|胃|恶心|呕吐|腹泻|便秘|肚子|出汗|手抖|发抖|颤抖|"
        r"发麻|乏力|疲劳|疲惫|疲倦|没力气|无力|身体|耳鸣|脱发|皮肤|过敏|疼|痛经|月经|经期|例假|怀孕|性欲|抽搐|"
        r"晕倒|口干|肌肉|僵硬|体检|血压|血糖|溃疡|甲状腺|手术",
        r"headaches?|migraines?|dizz\w*|chest|heart (?:is |was )?(?:rac\w+|pound\w+|beat\w*|rate)|"
        r"palpitat\w*|breath\w*|stomach|nause\w*|sweat\w*|shak(?:ing|y)|trembl\w*|fatigue\w*|exhausted|"
        r"tired(?! of)|BP|HR|BMI|"
        r"pains?|aches?|physical(?:ly)?|periods?|pregnan\w*|libido|erecti\w*|faint\w*|thyroid|blood pressure|"
        r"surgery|chronic|seizures?",
    ),
    (
        # What a doctor has found in the body, or mended: surer than the signs that fear brings with it.
        "ailment",
        r"血压|血糖|血脂|糖尿病|脂肪肝|胃炎|胃镜|肠镜|心电图|B超|CT|核磁|哮喘|甲亢|甲减|甲状腺|结节|囊肿|肿瘤|癌|冠心病|"
        r"骨折|骨裂|腰椎|颈椎|刀口|伤口|剖腹产|顺产|掉头发|脱发|头发掉|掉了?[^，。]{0,4}头发|鼻炎|湿疹|荨麻疹|偏头痛|磨牙|"
        r"[胖瘦轻重]了[^，。]{0,5}[斤公]",
        r"asthma|inhalers?|diabet\w*|blood (?:pressure|work|tests?|sugar)|thyroid|ECG|EKG|MRI|CT scan|x-?ray|"
        r"hearing aid|(?:hip|knee)s? (?:replaced|replacement|operation)|(?:had an?|my|the) (?:hip|knee)|"
        r"arthritis|"
        r"(?:broke|broken|fractured) (?:\w+ ){0,2}(?:fingers?|arm|leg|wrist|ankle|ribs?|hip|nose|bones?|"
        r"hand|foot)|"
        r"fingers? (?:went|are|is) (?:numb|stiff)|(?:grind|grinding|clench\w*) (?:my |her |"
        r"his )?(?:teeth|jaw)|"
        r"teeth|jaw|cholesterol|eczema|IBS|migraines?|(?:gained|lost|put on) (?:about |nearly |almost |"
        r"over )?"
        r"(?:[\w-]+ ){1,2}(?:pounds|lbs?|kilos?|kg|stone)",
    ),
    (
        "dose",
        r"吃药|服药|服(?=[一-龥]{1,5}(?:平|林|汀|明|胶囊|片|仑|泮|酮|沙坦|洛尔))|用药|药物|停药|毫克|片(?!段)|舍曲林|氟西汀|帕罗西汀|西酞普兰|文拉法辛|米氮平|"
        r"喹硫平|奥氮平|"
        r"唑仑|西泮|碳酸锂|佐匹克隆|中药|抗抑郁药|安定|喝酒|饮酒|酗酒|抽烟|吸烟|吸毒|醉",
        r"medicat\w*|medicine|meds|oxycodone|opioids?|painkillers?|pills?|\d+ ?mg|prescri\w*|"
        r"antidepress\w*|SSRIs?|sertraline|zoloft|"
        r"prozac|lexapro|xanax|lithium|adderall|ritalin|melatonin|drinking|drinks?|drunk|alcohol|beers?|wine|"
        r"smok\w*|weed|marijuana|cocaine|heroin|meth|vap(?:e|ing)|morphine|codeine|coffees?|stout|"
        r"\w{3,}(?:pril|olol|statin|sartan|prazole|formin|zepam|zolam|triptyline|oxetine|apine)",
    ),
    (
        "feeling",
        r"(?:我|自己|心里|内心|整个人|总是|总|就|会|很|特别|一直|^)(?:就|会|很|总是|总|都|也)?"
        r"(?:觉得|感觉|感到|害怕|担心|怕|恨|后悔|想哭|难过|焦虑|自责|内疚|愧疚|绝望|紧张|烦躁)|对不起|"
        r"情绪|心情|自卑|没有意义|没意思|兴趣|注意力|念头|想法|控制不住|胡思乱想|自杀|轻生|自残|不想活",
        r"\bI(?:'m| am| feel| felt| fear| worry| hate| cry| can'?t (?:stop|seem|enjoy|focus|help)| keep|"
        r" think|"
        r" thought| don'?t (?:know|feel|want|care)| want| wish| just| get (?:so |very |really )?"
        r"(?:angry|anxious|sad|mad|upset|nervous))\b|feel(?:s|ing)? (?:like|so|numb|empty|sad|alone|guilty)|"
        r"mood|thoughts|suicid\w*|panic attacks?|anxiety|depress\w*",
    ),
    (
        "inward",
        r"^(?:其|来访者|求助者)?(?:我)?(?:现在|最近|经常|常常?|总是?|老是?|一直|就|也|还|会|很|特别|非常|有时|心里|自己)*"
        r"(?:觉得|感到|感觉|认为|担心|害怕|怕|后悔|恨自己|自责|内疚|愧疚|想哭|焦虑|绝望|紧张|烦躁|对不起)|"
        r"^对[^，。]{1,5}?(?:很|感到|觉得|非常|十分|有)?(?:愧疚|内疚|自责|愤怒|怨恨|失望|恐惧|不满)",
        r"^(?:and |but |so )?(?:she |he |client |pt |patient )?(?:I )?(?:also |just |really |still |"
        r"always |often |constantly )*"
        r"(?:feels?|feeling|worr(?:y|ies|ied)|fears?|afraid|blames? (?:my|her|him)self|hates? (?:my|her|"
        r"him)self|"
        r"cr(?:y|ies|ying))",
    ),
    (
        "function",
        r"成绩|名次|简历|找工作|面试|旷课|逃课|迟到|请假|效率|业绩|来往|社交|独来独往|出门|人际|回避|人缘|独处|一个人待|朋友(?:很|不|较)?[少多]|"
        r"没有?朋友|吵架|争吵|冷战|矛盾|关系(?:差|紧张|不好|一般|疏远|良好|融洽|恶化)",
        r"grades (?:are|have|dropped|slipped|fell|falling|dropping)|no friends|few friends|hang(?:s|"
        r"ing)? out|withdr\w+|isolat\w+|keeps? to "
        r"(?:my|her|him)self|stopped (?:going|seeing|answering|returning)|calls? in sick|call(?:ed|"
        r"ing) in sick|miss(?:es|ed|ing) (?:work|class|school)|"
        r"argu\w+|get(?:s|ting)? along|(?:late|absent) (?:for|from|to) (?:work|class|school)",
    ),
    (
        # What somebody does, no longer does or owes in the world: plain facts of functioning.
        "doing",
        r"不及格|房贷|车贷|贷款|还款|没人(?:跟|和|理)我|(?:一个人|自己)[^，。]{0,10}吃饭|"
        r"(?:月|年|周|星期)(?:都)?没(?:有)?(?:去|见|联系|回家|回去)|(?:把|被)[^，。]{0,6}(?:屏蔽|拉黑)|"
        r"(?:以前|原来)[^，。]{0,10}(?:跑步|夜跑|爬山|爬一次山|打球|聚会|唱歌|跳舞|钓鱼|画画)",
        r"miss(?:es|ed|ing) (?:[\w-]+ (?:days?|weeks?|shifts?|lectures?) (?:of|from|at) )"
        r"(?:work|class|school|placement|college|lectures?|shifts?)|"
        r"used to (?:\w+ )?(?:go(?! to (?:therapy|counsel))|climb|sing|play|meet|hang|run|swim|paint|"
        r"dance|garden|"
        r"volunteer)|given up (?:the|my|his|her)|gave up (?:the|my|his|her)|has(?:n't| not) been to|"
        r"haven't been (?:to|since|back)|mortgage|"
        r"(?:at|in) (?:work|the office|class) I(?:'ve| have| am|'m| keep| just| get| can't)",
    ),
    (
        "household",
        r"(?:父母|爸妈|爸爸|妈妈|父亲|母亲)(?:都)?(?:是|在|经商|务农|做|从事|工作|健在|开)[^，。]{0,10}(?=[，。]|$)|(?:父亲|母亲)(?:务农|打工)|"
        r"有[一两二三]?[哥姐弟妹]|独生|(?:儿子|女儿|孩子)(?:今年)?[^，。]{0,2}岁|"
        r"(?:家里|家中|家有|育有|有)(?:[一二两三四五\d]+)?(?:口人|个?(?:孩子|儿子|女儿|哥哥|姐姐|弟弟|妹妹|娃|"
        r"小孩|宝宝))|[一二两三四五]口之家|一[子女儿]|排行|老大|老二|来自|住在|居住|户籍|籍贯|民族|信仰|"
        r"独居|和[^，。]{1,6}(?:同住|一起住)|(?:老公|丈夫|妻子|老婆|爱人)(?:是|在|跑|开|做|当)[^，。他我]{1,10}(?=[，。]|$)|"
        r"(?:婆婆|公公|岳母|岳父|我妈|妈妈|母亲)(?:从[^，。]{1,4})?(?:过)?来(?:帮忙|带孩子|照顾|帮我)|孩子(?:跟|归)(?:她|他)?(?:妈|爸|我|前)",
        r"\b(?:have|has|with|got|of)\s+(?:\w+ ){0,2}?(?:kids?|children|sons?|daughters?|boys?|girls|"
        r"brothers?|"
        r"sisters?|siblings|twins|toddlers?|stepchildren)\b|\b\d+ (?:kids|children|sons|daughters|"
        r"siblings)\b|"
        r"only child|(?:daughter|son|sister|brother)s? (?:[a-z]+,? )?\(?\d+\b|(?:younge|olde|elde)st of|"
        r"live[sd]? (?:with|alone|in)|living with|lives|household|"
        r"ages? \d+|\d+[- ]?(?:years?[- ]old|y/?o|month[- ]?old)|in (?:my|his|her) (?:early |mid |late )?"
        r"(?:twenties|thirties|forties|fifties|sixties|\d0'?s)|immigrants?|christian|catholic|muslim|jewish",
    ),
    (
        # A parent's or a sister's deed told in the past tense, without the client in it.
        "lineage",
        r"(?:我)?(?:爸|妈|父亲|母亲|爸爸|妈妈)(?:走得早|很早就?(?:走|去世|离开)|(?:早年|年轻时|那时候?|当年|以前))",
        r"(?:my )?(?:father|dad|mother|mum|mom|stepfather|stepmother|grandmother|grandfather|parents) "
        r"(?:drank|threw(?! up)|left (?:us|when|home|the family)|hit (?:me|us|my)|beat|gambled|used to|"
        r"came over|was an?)",
    ),
    (
        "job",
        r"(?:我|现在|目前|之前)?在(?:一家|一所|某)[^，。]{1,10}(?:当|做|上班|工作|任)|(?:互联网|外贸|房地产|金融|广告)公司|"
        r"带(?:一个|着)?[^，。]{0,8}(?:组|团队)|我是做[^，。]{1,8}的",
        r"I (?:teach|nurse|drive|cook|clean|sell|manage) (?!it|this|that|them|him|her|my|the)[\w ]{3,40}|"
        r"I work (?:as|at|in|for)|I(?:'m| am) an? (?:\w+ ){0,2}(?:teacher|nurse|engineer|manager|driver|"
        r"clerk|"
        r"cook|chef|builder|electrician|plumber|carpenter|accountant|lawyer|doctor|paramedic|hygienist)",
    ),
    (
        "person",
        r"\d+岁|[一二三四五六七八九十]+岁|年龄|性别|职业|学历|已婚|未婚|单身|离异|丧偶|退休|无业|待业|本科|"
        r"大专|硕士|博士|(?:我|本人)(?:现在|目前|今年)?是[^，。]{0,10}(?:生|师|员|士|工)$|在读|年级",
        r"years? old|retired|unemployed|single|married|divorced|widow\w*|engaged|occupation|I work (?:as|"
        r"at|in|"
        r"for)|(?:I'm|I am|she is|he is) an? (?:\w+ ){0,3}(?:student|teacher|nurse|engineer|mother|father|"
        r"mom|"
        r"dad|woman|man|girl|boy|male|female|veteran|manager|driver|parent|widow\w*)",
    ),
    (
        "others",
        r"(?:他|她|对方|老公|丈夫|妻子|老婆|男友|女友|男朋友|女朋友|父母|爸妈|妈妈|爸爸|母亲|父亲|儿子|女儿|"
        r"孩子|同事|同学|室友|舍友|朋友|领导|老师|婆婆|家人)(?:们)?(?:们|总|也|都|会|对|让|说|就|很|经常|不|跟|"
        r"和|还|觉得|认为|一直|又|给|把|嫌|要|想)|(?:和|跟|与|对)(?:他|她|室友|同学|同事|朋友|父母|家人|别人|"
        r"老公|丈夫|妻子|老婆|婆婆|领导|孩子|男友|女友|爸妈|妈妈|爸爸)|来往|交流|沟通|吵架|相处|独处|一个人待|"
        r"成绩|上班|工作|加班|学习",
        r"\b(?:he|she|they|we|wife|husband|boyfriend|girlfriend|mother|mom|dad|father|parents|friends?|boss|"
        r"son|daughter|kids|coworkers?|people|everyone|nobody)(?:'s|'re| and I| is| are| has| have| says?|"
        r" said|"
        r" tells?| told| doesn'?t| don'?t| won'?t| keeps?| always| never| wants?| gets?| will| can'?t)\b|"
        r"\b(?:argue|argu(?:ing|ments?)|fight(?:ing|s)?|talk to|hang out|get along|ignores?|at work|my job|"
        r"my grades|at school)\b",
    ),
)

_ZH = {name: re.compile(zh) for name, zh, _ in _MARKERS}
_EN = {name: re.compile(rf"(?<![a-z])(?:{en})(?![a-z])", re.IGNORECASE) for name, _, en in _MARKERS}
_HAN, _LATIN = re.compile(r"[一-龥]"), re.compile(r"[A-Za-z]{2}")
_FIRST_WHO = re.compile(
    r"我们|咱们|我|他们|她们|他|她|\b(?:I|we|he|she|they|you|it)\b|\bmy \w+|你|您", re.IGNORECASE
)


def find_markers(text: str) -> frozenset[str]:
    """The names of the signs that the text bears."""
    found = {name for name, pattern in _ZH.items() if pattern.search(text)} if _HAN.search(text) else set()
    if _LATIN.search(text):
        plain = text.replace("’", "'")
        found |= {name for name, pattern in _EN.items() if pattern.search(plain)}
    return frozenset(found)


def find_subject(text: str) -> str:
    """The first person named: mostly the one of whom the clause speaks; empty where nobody is."""
    first = _FIRST_WHO.search(text)
    return first.group().lower() if first else ""


_KIN_FIRST = re.compile(
    r"\s*(?:我|其|他|她)?的?(?:爸爸?|妈妈?|父亲|母亲|爷爷|奶奶|外婆|外公|哥哥?|姐姐?|弟弟?|妹妹?|儿子|女儿|孩子|丈夫|妻子|"
    r"老公|老婆|前夫|前妻|男友|女友|男朋友|女朋友|婆婆|公公|室友|同学|朋友)(?!的?(?:关系|离|去世))"
    r"|\s*(?:(?:my|his|her|the) )?(?:younger |older |elder )?(?:mother|father|mom|mum|dad|brother|sister|"
    r"son|daughter|husband|wife|ex|"
    r"boyfriend|girlfriend|partner|friend|boss)\b(?!'s? death)",
    re.IGNORECASE,
)
_OWN_SUBJECT = re.compile(
    r"我|自己|本人|来访者|患者|求助者|\b(?:I|I'm|I've|my|client|patient|pt)\b", re.IGNORECASE
)


def names_kin_first(text: str) -> bool:
    """Whether a relative or friend is the subject: what follows is told of them."""
    return _KIN_FIRST.match(text) is not None


def speaks_of_self(text: str) -> bool:
    """Whether the client is named in the clause too, beyond "my mother"."""
    return _OWN_SUBJECT.search(_KIN_FIRST.sub("", text, count=1)) is not None

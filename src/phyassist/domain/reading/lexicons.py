"""Word lists that rules and the classifier share: what a clause is about, in Chinese and in English."""

from __future__ import annotations

import re

# Medicines by their names.
MEDICINES_ZH = (
    r"舍曲林|氟西汀|帕罗西汀|西酞普兰|文拉法辛|"
    r"度洛西汀|米氮平|曲唑酮|喹硫平|奥氮平|阿立哌唑|利培酮|丙戊酸|碳酸锂|"
    r"劳拉西泮|阿普唑仑|氯硝西泮|艾司唑仑|佐匹克隆|唑吡坦|安非他酮|丁螺环酮|坦度螺酮|黛力新|褪黑素|"
    r"中药|百忧解|左洛复|来士普|思诺思"
)
MEDICINES_EN = (
    r"antidepress\w*|SSRIs?|"
    r"SNRIs?|sertraline|zoloft|fluoxetine|prozac|paroxetine|paxil|citalopram|celexa|"
    r"escitalopram|lexapro|venlafaxine|effexor|duloxetine|cymbalta|bupropion|wellbutrin|"
    r"mirtazapine|trazodone|quetiapine|seroquel|olanzapine|abilify|risper\w*|lithium|lamictal|"
    r"lamotrigine|depakote|xanax|alprazolam|ativan|lorazepam|klonopin|clonazepam|valium|"
    r"diazepam|ambien|zolpidem|buspirone|adderall|ritalin|vyvanse|methylphenidate|melatonin|"
    r"propranolol|gabapentin|birth control|insulin"
)

# Each entry: what it is about, the Chinese pattern, the English pattern.
_TOPICS: tuple[tuple[str, str, str], ...] = (
    (
        "sleep",
        r"失眠|睡眠|只睡|能睡|睡[\d一二两三四五六七八九十]|睡不|睡得|睡觉|入睡|早醒|惊醒|半夜醒|醒来|"
        r"嗜睡|熬夜|安眠药|噩梦|恶梦|多梦|做梦|"
        r"整夜|一夜|通宵|睡着|犯困|睡醒|没睡",
        r"sleep\w*|hours? (?:a|per|each|of) (?:night|sleep)|slept|insomnia\w*|nightmares?|wak(?:e|es|"
        r"ing) up|awake|bedtime|dreams?|nap(?:s|"
        r"ping)?|tired at night",
    ),
    (
        "appetite",
        r"食欲|胃口|吃不下|吃饭|不想吃|暴食|暴饮|厌食|催吐|体重|消瘦|瘦了|胖了|长胖|变胖|进食|吃东西|"
        r"节食|减肥",
        r"appetite|eat(?:s|ing|en)?|ate|binge\w*|purg\w*|weight|lbs?|pounds|calories|diet(?:ing)?|"
        r"meals?|vomit\w*|anorexi\w*|bulimi\w*",
    ),
    (
        "body",
        r"头痛|头疼|头晕|头昏|胸闷|胸痛|胸口|心慌|心悸|心跳|呼吸|气短|喘|胃痛|胃疼|胃胀|恶心|呕吐|腹泻|"
        r"拉肚子|便秘|肚子|腹痛|出汗|手抖|发抖|颤抖|麻木|发麻"
        r"|乏力|疲劳|疲惫|疲倦|没力气|无力|很累|好累|身体|耳鸣|脱发|皮肤|湿疹|过敏|发烧|疼痛|腰|颈|肩|"
        r"关节|月经|例假|痛经|流产|怀孕|孕期|更年期|性欲|阳痿|"
        r"早泄|尿频|抽搐|晕倒|昏倒|口干|肌肉|僵硬",
        r"headaches?|migraines?|dizz\w*|chest|heart\w*|palpitat\w*|breath\w*|stomach\w*|nause\w*|"
        r"throw(?:ing)? up|diarrh\w*|constipat\w*|sweat\w*|shak(?:e|es|ing|y)|trembl\w*|numb\w*|fatigue\w*"
        r"|exhaust\w*|tired\w*|energy|pain\w*|ache\w*|aching|physical\w*|body|period|menstrua\w*|"
        r"pregnan\w*|miscarr\w*|menopaus\w*|libido|erecti\w*|urinat\w*|faint\w*|tension|muscles?|"
        r"dry mouth|hair loss|skin",
    ),
    (
        "illness",
        r"血压|血糖|血脂|体健|既往|糖尿病|甲状腺|甲亢|甲减|哮喘|癌|肿瘤|心脏病|胃炎|胃病|肝|肾|癫痫|手术|住院|体检|检查|"
        r"病史|心电图|胃镜|肠镜|脂肪肝|B超|骨折|车祸|受伤|残疾|慢性|肠易激|贫血|艾滋|中风|脑梗|疾病|传染",
        r"hypertens\w*|blood pressure|diabet\w*|thyroid\w*|asthma\w*|cancer\w*|tumou?r\w*|heart "
        r"disease|ulcer\w*|epilep\w*|seizures?|surger\w*|operat\w*|hospital\w*|illness\w*|"
        r"disease\w*|diagnos\w*|chronic|injur\w*|accident|disabil\w*|IBS|anemi\w*|HIV|stroke|"
        r"arthrit\w*|lupus|fibromyalg\w*|allerg\w*|ECG|EKG|MRI|scans?|x-?rays?|inhalers?|blood work|"
        r"hearing aid",
    ),
    (
        "medicine",
        r"吃药|服药|服(?=[一-龥]{1,5}(?:平|林|汀|明|胶囊|片|仑|泮|酮|沙坦|洛尔))|用药|药物|药|剂量|停药|毫克|mg|片|"
        + MEDICINES_ZH,
        r"medicat\w*|medicines?|meds|pills?|doses?|dosage|mg|prescri\w*|" + MEDICINES_EN,
    ),
    (
        "substance",
        r"喝酒|饮酒|酗酒|酒精|醉|抽烟|吸烟|烟瘾|戒烟|戒酒|吸毒|毒品|大麻|赌博|赌|网瘾|咖啡|上瘾|成瘾",
        r"drink(?:s|ing)?|drank|drunk|alcohol\w*|beers?|wine|smok\w*|cigarett\w*|vap(?:e|ing)|"
        r"drugs?|cocaine|heroin|meth|opioids?|marijuana|cannabis|weed|pot|addict\w*|gambl\w*|sober|"
        r"rehab|relaps\w*|caffeine|coffee|high on",
    ),
    (
        "mood",
        r"抑郁|低落|郁闷|难过|伤心|悲伤|悲观|绝望|无助|无望|痛苦|想哭|哭|流泪|眼泪|沮丧|失落|空虚|孤独|"
        r"寂寞|麻木|没意思|没意义|没有意义|无意义|开心不起来|"
        r"高兴不起来|不开心|不快乐|提不起|没兴趣|没有兴趣|失去兴趣|没动力|没有动力|没精神|心情|情绪|"
        r"崩溃|委屈|压抑|消沉|忧郁|闷闷不乐|心累|厌世",
        r"depress\w*|sad\w*|low mood|mood\w*|down|hopeless\w*|helpless\w*|worthless\w*|empty|"
        r"emptiness|lonel\w*|alone|cry\w*|cried|tears?|tearful|miserabl\w*|unhapp\w*|numb|no "
        r"interest|interest in|motivat\w*|despair\w*|grief|griev\w*|hurt\w*|heartbroken|broken|"
        r"devastat\w*|overwhelm\w*|emotion\w*|pointless|meaningless|joy\w*|unmotivated|bored\w*|lost",
    ),
    (
        "anxiety",
        r"焦虑|紧张|担心|担忧|害怕|恐惧|恐慌|惊恐|不安|忐忑|慌|压力|烦躁|烦恼|坐立不安|胡思乱想|想太多|"
        r"多想|纠结|强迫|反复|控制不住|忍不住|怕|社恐|恐",
        r"anxi\w*|nervous\w*|worr\w*|afraid|fear\w*|scared?|scary|terrif\w*|panic\w*|stress\w*|"
        r"uneas\w*|on edge|restless\w*|tense|overthink\w*|obsess\w*|compuls\w*|OCD|intrusive|"
        r"ruminat\w*|phobi\w*|dread\w*|racing",
    ),
    (
        "anger",
        r"生气|愤怒|发火|发脾气|脾气|暴躁|易怒|怨恨|恨|气愤|恼火|摔东西|吼|骂|打人|冲动|嫉妒|吃醋|厌恶|"
        r"讨厌|反感|不耐烦",
        r"ang(?:er|ry|rily)|rage\w*|mad|irrita\w*|furious|temper|snap\w*|yell\w*|scream\w*|hate\w*|"
        r"resent\w*|jealous\w*|frustrat\w*|annoy\w*|impulsiv\w*|upset|outburst\w*|bitter\w*|disgust\w*",
    ),
    (
        "self",
        r"自卑|自责|内疚|愧疚|羞耻|丢脸|没用|无用|失败|不够好|没自信|不自信|自信|自我|自尊|敏感|性格|"
        r"内向|外向|完美|自己很差|讨厌自己|否定|怀疑自己|不值得|配不上|"
        r"拖延|懒|后悔|胆小|迷茫|困惑|矛盾",
        r"self[- ]?(?:esteem|worth|confiden\w*|conscious|harm\w*|image|hate|doubt)|confiden\w*|"
        r"guilt\w*|asham\w*|no use to|(?:a|such a) burden|shame|failure|useless|not good enough|"
        r"insecur\w*|inadequa\w*|blame "
        r"myself|introvert\w*|shy\w*|sensitive|perfection\w*|ugly|stupid|regret\w*|identity|"
        r"confus\w*|trust issues|personality",
    ),
    (
        "risk",
        r"自杀|轻生|想死|去死|不想活|活着|自残|自伤|割腕|划伤|美工刀|刀片|划自己|用刀划|划手|划胳膊|划(?:了|过)?[一几两]?刀|伤害自己|跳楼|结束生命|遗书|死了|死亡|"
        r"了结|消失|伤人|杀|睡过去[^，。]{0,4}不|不(?:想|要|再|用)?醒来|醒不过来|活不下去|活够|活得没意思|"
        r"一了百了",
        r"(?:not|never|don'?t|didn'?t) (?:want to )?wake up "
        r"(?:again|any ?more|in the morning)|better off (?:dead|without me)|"
        r"(?:not|don'?t want to) be (?:here|alive) any ?more|no reason to live|"
        r"suicid\w*|guns?|firearms?|SI(?:/HI)?|(?:hurt|harm)(?:ing)? (?:yourself|the baby|my baby|anyone|"
        r"someone|people)|kill(?:ing)? (?:myself|herself|himself|me)|end (?:it all|my life|her life|his "
        r"life)|want to die|wish i (?:was|were) dead|cut(?:ting)? (?:myself|herself|himself)|"
        r"self[- ]?harm\w*|overdos\w*|hurt(?:ing)? (?:myself|herself|himself|others)|harm "
        r"(?:myself|others)|dying|death|dead|die",
    ),
    (
        "cognition",
        r"注意力|变笨|空白|转不动|理解力|判断力|集中|专注|走神|分心|记忆|记性|忘|健忘|发呆|脑子|反应慢|"
        r"迟钝|幻听|幻觉|听到声音|看到东西|妄想|被监视|跟踪|有人害|"
        r"怪异|念头|思维|想法|犹豫|决定|不真实|解离|兴奋|话多|亢奋|躁|意识",
        r"concentrat\w*|focus\w*|distract\w*|memory|forget\w*|forgot|hear(?:ing)? voices|voices|"
        r"hallucinat\w*|delusion\w*|paranoi\w*|suspicio\w*|thoughts?|indecisi\w*|decision\w*|"
        r"dissociat\w*|unreal|zon(?:e|ing) out|over and over|going over|lie (?:there|awake)|manic|mania|"
        r"hypomani\w*|bipolar|ADHD|ADD|PTSD|"
        r"flashbacks?|trigger\w*|autis\w*|asperger\w*|schizo\w*|borderline",
    ),
    (
        "childhood",
        r"小时候|童年|从小|幼年|小学时|初中时|高中时|大学时|上学时|长大|出生|幼儿园|寄宿|留守|奶奶带|"
        r"外婆带|抚养|带大|青春期|当年|那年|以前|曾经|过去|之前|去年|"
        r"前年|年前|个月前|后来|一直以来|当时|那时|年的时候|毕业后|时候",
        r"child(?:hood)?|grew up|growing up|raised|as a kid|when i was|when (?:he|she) was|years? "
        r"ago|months? ago|weeks? ago|last (?:year|month|week|summer|winter|spring|fall)|used to|in "
        r"the past|since|back then|born|adopted|foster\w*|teen(?:age|s|ager)?|in high school|in "
        r"college|after (?:the|my|his|her|our|we|i)|first time|began|started|ever since|history of|"
        r"previously|once|always been|at (?:the )?age|at \d+",
    ),
    (
        "event",
        r"去世|过世|离世|走了|分手|离婚|离异|出轨|背叛|家暴|打我|虐待|性侵|猥亵|欺负|霸凌|校园暴力|"
        r"车祸|失业|辞职|裁员|休学|退学|辍学|转学|落榜|考上|高考|考研|"
        r"搬家|结婚|订婚|认识|恋爱|相亲|复合|吵架|打架|被骗|欠债|破产|诊断|确诊|咨询过|看过|就诊|治疗|"
        r"住院|流产|毕业|入职|跳槽|失恋|丧|地震|意外|家族|遗传",
        r"died|passed away|death of|lost my|broke up|break ?up|divorc\w*|separat\w*|cheat\w*|"
        r"affair\w*|betray\w*|abus\w*|rap(?:e|ed)|molest\w*|assault\w*|bull(?:y|ied|ying)|"
        r"neglect\w*|abandon\w*|fired|laid off|quit|unemployed|drop(?:ped)? out|expelled|"
        r"graduat\w*|moved|marri(?:ed|age)|engaged|met|dat(?:ed|ing)|arrest\w*|jail|prison|court|"
        r"custody|trauma\w*|diagnosed|counsel(?:l)?ing|therap\w*|treated|treatment|"
        r"hospitali[sz]\w*|military|deployed|war|bankrupt\w*|debt|kicked out|ran away|left me|"
        r"found out|happened",
    ),
    (
        "family",
        r"爸|妈|父|母|家人|家里|家庭|老公|丈夫|妻子|老婆|爱人|太太|儿子|女儿|孩子|宝宝|哥|姐|弟|妹|"
        r"爷爷|奶奶|外公|外婆|姥姥|姥爷|公公|婆婆|岳父|岳母|亲戚|"
        r"叔|姨|舅|姑|独生|兄弟|姐妹|双胞胎|育有|一子|一女|继父|继母|养父|养母|孙",
        r"father|dad(?:dy)?|mother|mom(?:my)?|mum|parents?|family|husband|wife|spouse|sons?|"
        r"daughters?|kids?|child(?:ren)?|baby|bab(?:y|ies)|brothers?|sisters?|siblings?|grand\w+|"
        r"in-laws?|\w+-in-law|aunt|uncle|cousins?|relatives?|step\w+|half[- ]\w+|twins?|niece|nephew",
    ),
    (
        "partner",
        r"男友|女友|男朋友|女朋友|对象|伴侣|恋人|前任|前男友|前女友|前夫|前妻|暗恋|喜欢的人|恋情|感情|"
        r"谈恋爱|异地|婚姻|夫妻|同居|性生活|单身|追我|表白|网恋|相处|同性",
        r"boyfriend|girlfriend|partner|fianc\w*|ex(?:es)?|lover|relationship\w*|dating|romantic|"
        r"marriage|married|single|long[- ]distance|intima\w*|sex\w*|affection|crush|soulmate|gay|"
        r"lesbian|bisexual|transgender|breakup",
    ),
    (
        "social",
        r"朋友|同学|同事|室友|舍友|宿舍|社交|交往|人际|人群|聚会|合群|孤立|排挤|沟通|交流|聊天|联系|"
        r"邻居|领导|上司|老师|闺蜜|说话|人缘|相处|陌生人|圈子|别人|他人|网友|信任",
        r"friends?|friendship|classmates?|co-?workers?|colleagues?|roommates?|social\w*|people|"
        r"isolat\w*|withdraw\w*|withdrawn|lonely|part(?:y|ies)|communicat\w*|talk(?:s|ing|ed)?|"
        r"neighbou?rs?|boss|manager|teachers?|peers?|crowds?|outgoing|get along|argu\w*|fight(?:s|"
        r"ing)?|fought|trust|support\w*|ignore\w*|judge\w*",
    ),
    (
        "work",
        r"工作|上班|公司|单位|职场|加班|业绩|项目|辞职|面试|求职|找工作|收入|工资|经济|存款|房贷|欠|"
        r"生意|创业|同行|岗位|升职|绩效|学习|学校|上学|成绩|考试|"
        r"作业|上课|课堂|专业|论文|高考|考研|中考|高三|高中|大学|大一|大二|大三|大四|初中|小学|研究生|"
        r"复读|逃课|厌学|学业|班级|班主任|学历|毕业|家务|生活自理|"
        r"日常|爱好|兴趣|运动|跑步|游戏|手机|打游戏|出门",
        r"work\w*|jobs?|career|office|company|business|employ\w*|unemploy\w*|money|financ\w*|"
        r"income|rent|bills?|debt|school|class(?:es)?|grades?|exams?|tests?|homework|college|"
        r"university|degree|study\w*|student|semester|major|thesis|chores|housework|daily|hobb\w+|"
        r"exercise|gym|gam(?:es?|ing)|phone|go(?:ing)? out|leave the house|church|volunteer\w*|car|"
        r"house|home|apartment|live with|liv(?:e|es|ing)",
    ),
    (
        # What somebody lives on, and under what conditions: labels call it occupation.
        "living",
        r"加班|出差|值班|[夜早晚]班|倒班|轮班|跳槽|裁员|被裁|裁了|失业|待业|下岗|没有?收入|经济来源|工资|月薪|业绩|绩效|岗位|"
        r"调岗|兼职|打工|创业|生意|欠债|负债|房贷|养家|实习|试用期",
        r"overtime|shifts?|salary|wages?|income|laid off|unemployed|self-employed|part[- ]time|full[- ]time|"
        r"my job|two jobs|paycheck|mortgage|in debt|internship|commissions?|placement|sick leave|"
        r"miss(?:ed|ing) (?:\w+ ){1,2}(?:days?|weeks?)|repeat (?:the|a|my) year|(?:is|am|'m|"
        r"'s) an? (?:paramedic|nurse|teacher|"
        r"police officer|firefighter|soldier|driver|carer|caregiver|electrician|plumber|mechanic|chef|"
        r"waitress|waiter)",
    ),
    (
        "who",
        r"\d+\s*岁|[一二两三四五六七八九十]+岁|周岁|男性|女性|男生|女生|男孩|女孩|年级|初[一二三]|"
        r"高[一二三]|大[一二三四]|研[一二三]|本科|大专|专科|硕士|"
        r"博士|中专|职高|学历|学生|老师|教师|医生|护士|工程师|程序员|会计|公务员|职员|工人|农民|司机|"
        r"经理|主管|销售|设计师|律师|警察|军人|退休|无业|待业|失业|"
        r"自由职业|全职妈妈|家庭主妇|宝妈|未婚|已婚|单身|离异|丧偶|独生|户籍|籍贯|民族|信仰|佛教|基督|"
        r"农村|城市|来自|职业|性别|年龄|女士|先生|岁数|婚恋",
        r"\d+[- ]?(?:years?[- ]old|y/?o)|age[d]?|male|female|man|woman|girl|boy|lady|guy|freshman|"
        r"sophomore|junior|senior|grade|high ?school|college student|bachelor\w*|master'?s|phd|"
        r"teacher|nurse|engineer|lawyer|accountant|manager|retired|unemployed|stay[- ]at[- ]home|"
        r"housewife|homemaker|self-employed|single|married|divorced|widow\w*|separated|engaged|"
        r"christian|catholic|muslim|jewish|hindu|african|asian|hispanic|immigrant|veteran|"
        r"occupation|lives? (?:with|alone|in)",
    ),
    (
        "duration",
        r"[\d一二两三四五六七八九十几半多]+\s*(?:个)?(?:年|月|周|星期|天|小时|分钟|次|斤|公斤|晚)|最近|"
        r"近来|近期|这段时间|一直|每天|每晚|经常|常常|总是|有时|偶尔|从来",
        r"\d+\+?\s*(?:years?|yrs?|months?|mos?|weeks?|wks?|days?|hours?|hrs?|minutes?|times?|x)|"
        r"recently|lately|always|every (?:day|night|time)|daily|often|sometimes|constantly|for "
        r"(?:a|the|about|over|almost|many|several)\b|since|never|all the time",
    ),
    (
        "deny",
        r"没有|没|不|无|否认|未|从未|从不|从来没",
        r"no|not|never|n't|den(?:y|ies|ied)|without|none|nothing|don't|doesn't|didn't|can't|cannot|"
        r"won't|haven't|hasn't|isn't|aren't|wasn't",
    ),
    (
        "ask",
        r"怎么办|怎么做|怎么样才|如何|该怎么|怎样|应该|该不该|要不要|是不是|为什么|什么办法|有什么方法|"
        r"帮帮|请问|想知道|希望.{0,8}(?:帮|建议|指导|改善|解决)|"
        r"求助|咨询|建议|吗[？?]|呢[？?]",
        r"how (?:do|can|should|to|could|would)|what (?:do|can|should|could|is|are|does)|why|should "
        r"i|is (?:it|this|there|he|she)|am i|can i|do i|does|could|advice|help|suggest\w*|"
        r"wonder\w*|want to know|normal\b|\?",
    ),
    (
        "thanks",
        r"谢谢|感谢|好的|明白了|知道了|我会|试试|尝试一下|加油|祝|再见|你好|您好|不客气|听起来|理解你|"
        r"能理解|可以尝试|建议你|建议您|你可以|您可以|有没有|能不能|"
        r"能说说|具体|聊聊|分享",
        r"thank\w*|okay|ok|hello|hi|bye|i(?:'ll| will) try|makes sense|sounds like|i understand|i "
        r"hear|you (?:can|could|might|may|should)|have you|do you|are you|would you|tell me|let'?s|"
        r"please|hope this|good luck|glad",
    ),
)

_HAN, _LATIN = re.compile(r"[一-龥]"), re.compile(r"[A-Za-z]{2}|\?")
_ZH = {name: re.compile(zh) for name, zh, _ in _TOPICS}
_EN = {
    name: re.compile(rf"(?<![a-z])(?:{en})(?![a-z])" if name not in ("ask", "deny") else en, re.IGNORECASE)
    for name, _, en in _TOPICS
}
TOPIC_NAMES = tuple(name for name, _, _ in _TOPICS)


# What a record must not lose: a finding named once outweighs a feeling told five times.
FINDINGS = (
    "sleep",
    "appetite",
    "body",
    "illness",
    "medicine",
    "substance",
    "risk",
    "cognition",
    "self",
    "event",
)


def count_topics(text: str) -> dict[str, int]:
    """How many words of each topic the text holds, in either language; topics without any are left out."""
    counts: dict[str, int] = {}
    for name, words in find_terms(text).items():
        counts[name] = len(words)
    return counts


def find_terms(text: str) -> dict[str, list[str]]:
    """The words of each topic that the text holds, in lower case; topics without any are left out."""
    found: dict[str, list[str]] = {}
    has_han, has_latin = bool(_HAN.search(text)), bool(_LATIN.search(text))
    for name in TOPIC_NAMES:
        words = _ZH[name].findall(text) if has_han else []
        if has_latin:
            words += _EN[name].findall(text)
        if words:
            found[name] = [word.lower() for word in words]
    return found

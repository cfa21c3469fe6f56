"""Words of risk by kind, in Chinese and English.  Those of danger to oneself are `domain.reading.harm`'s.

Written to miss little: what is heard is shown to a professional, and nothing follows from it by itself.
"""

from __future__ import annotations

import re

from phyassist.domain.reading.harm import find_harm
from phyassist.domain.records import Span
from phyassist.domain.risk.signs import RiskKind

_KIN = (
    "爸爸?|妈妈?|父亲|母亲|爹|娘|继父|继母|后爸|后妈|养父|养母|爷爷|外公|叔叔|舅舅|姑父|姨父|表哥|堂哥|"
    "哥哥|邻居|老师|教练|男友|丈夫|老公|妻子|老婆|他|她"
)
_CHILD = "孩子|小孩|娃|儿子|女儿|宝宝|婴儿|弟弟|妹妹|学生|侄女|侄子|外甥|继女|继子|孙女|孙子"
_ZH = {
    RiskKind.OTHERS: (
        r"(?:想|要|会|恨不得|真想|打算|准备|早晚|迟早|差点|威胁)[^，。！？]{0,8}(?:(?<!自)杀|捅|砍|掐死|"
        r"弄死|打死|烧死|撞死|毒死|干掉|勒死|炸)(?!毒|菌|虫)(?!自|我)|"
        r"(?:杀|捅|砍|掐|弄|打|毒|勒)死(?:了)?(?:他|她|你|他们|她们|我爸|我妈|孩子|全家|人|老公|老婆)|杀人|"
        r"杀了(?:他|她|你|他们|全家|人)|灭门|同归于尽|"
        r"(?:跟|和|拉着?)(?:他|她|他们)[^，。]{0,4}一起死|报复社会|"
        r"(?:想|要|怕|会|忍不住|控制不住)[^，。]{0,8}(?:伤害|动手打|伤)(?:到|了)?(?:他|她|他们|别人|孩子|"
        r"宝宝|家人|老婆|老公|妈妈|人)|"
        r"掐(?:住|着)[^，。]{0,3}脖子|伤害(?:他人|别人|他们|家人|孩子|她|他(?!的感情))|"
        r"携带[^，。]{0,3}(?:刀|凶器)|(?:画面|念头|冲动|幻想)[^，。]{0,10}(?:掐|推|捅|砍|勒|(?<!自)杀|撞|烧)|"
        r"(?:控制不住|忍不住)[^，。]{0,8}(?:打人|动手|伤人|动刀)|冲动伤人|伤人(?:行为|念头|的念头|的想法)|"
        r"(?:买|带|藏|拿)了?(?:着|起|一)?(?:把)?(?:刀|斧头|枪|汽油)[^，。]{0,8}(?:去找|等|对着|冲|找他|"
        r"找她|砍|要)|(?:菜刀|刀子?|斧头)[^，。]{0,6}(?:枕头|床头|身上|书包|包里)|(?:身上|书包里?|"
        r"包里)[^，。]{0,4}刀|拿(?:着|起)?刀[^，。]{0,3}(?:对|指|冲|追|砍)",
    ),
    RiskKind.CHILD: (
        rf"虐(?:待|打)[^，。]{{0,4}}(?:{_CHILD}|我)|(?:打|抽|掐|踢|烫|捆|绑|饿|扇|摔)(?:了|过|伤|骂|"
        rf"起)?(?:自己的?|我的?)?(?:{_CHILD})|"
        rf"(?:把|将)(?:{_CHILD}|他|她|我)[^，。]{{0,8}}(?:关|锁|绑|吊|烫|饿|摔|扔|丢)(?!系|心|灯|了电)|"
        rf"(?:趁|半夜|晚上)[^，。]{{0,10}}进(?:来|了)?我(?:的)?(?:房|屋|被)|不给(?:她|他|孩子|"
        rf"我)[^，。]{{0,3}}(?:饭|吃)|"
        rf"(?:{_CHILD})[^，。]{{0,12}}(?:淤青|瘀青|青一块|伤痕|烫伤|鞭痕|掐痕|被打|挨打)|(?:身上|胳膊上?|"
        rf"背上|腿上)[^，。]{{0,6}}(?:淤青|瘀青|青一块|伤痕|鞭痕)|"
        rf"(?:{_KIN})[^，。]{{0,12}}(?:摸|猥亵|侵犯|性侵|强奸|强暴|非礼|脱)(?:了|过|我|她|他|着|掉)|烟头|"
        rf"(?:扇|打|抽|给)了?[^，。]{{0,6}}(?:耳光|巴掌|屁股)|把手伸(?:进|到|向)|打得(?:站不|下不|起不|"
        rf"走不|流血|鼻青)|(?:锁|关|丢|留|扔)在(?:家|屋|房|车|门外|阳台)|"
        rf"(?:{_CHILD})[^，。]{{0,10}}(?:一个人在家|没人管|没饭吃)|性侵|猥亵|性骚扰|强奸|强暴|侵犯过?我|摸我|"
        rf"(?:{_KIN})[^，。]{{0,10}}(?:打我|抽我|揍我|掐我|踹我|往死里打|打过?[我他她]|用(?:皮带|棍子|衣架|"
        rf"鞭子|藤条|扫把)|不给我?[^，。]{{0,3}}饭|把我(?:关|锁|绑|吊|赶))|"
        r"(?:从小|小时候|童年|小学|初中|[一二三四五六七八九十\d]+岁)[^。！？]{0,16}(?:被|遭|"
        r"挨)[^，。]{0,8}(?:打|虐|侵|摸|强|关)|家暴|体罚",
    ),
    RiskKind.PSYCHOSIS: (
        r"幻[听视觉嗅]|妄想|精神分裂|听(?:到|见)[^，。]{0,10}(?:声音|有人|人)[^，。]{0,8}(?:说|骂|命令|"
        r"让我|叫我|议论|评论|喊)|"
        r"(?:脑子|脑海|耳朵|耳边|脑袋)里?[^，。]{0,5}(?:声音|人说话|人在说|说话)|(?:有|那)(?:个|"
        r"些)?声音[^，。]{0,6}(?:说|叫|让|命令|告诉|骂)|"
        r"(?:有人|他们|邻居|同事|别人|全世界|组织|公安|特务)[^，。]{0,6}(?:跟踪|监视|监听|害[我他她死]|"
        r"下毒|投毒|算计我|窃听|控制我|偷拍|陷害|盯着我)|"
        r"(?:被|遭)(?:人|他们|邻居|单位|国家)?[^，。]{0,4}(?:监视|监听|跟踪|窃听|控制了?(?:思想|脑子|大脑)|"
        r"下毒|投毒)|"
        r"(?:装|安|植入)了?[^，。]{0,6}(?:摄像头|窃听器|监控|芯片)|(?:思想|想法|念头)(?:被|"
        r"让)[^，。]{0,6}(?:知道|偷|抽走|插|广播|控制|读)|"
        r"(?:电视|广播|手机|新闻)(?:里|上)?[^，。]{0,8}(?:在说我|针对我|暗示我|给我发信号|讲我)|"
        r"(?:饭|水|菜|药)里?[^，。]{0,4}(?:有毒|下了?毒|下药)|(?:神|上帝|菩萨|外星人|"
        r"祖宗)[^，。]{0,6}(?:选中|派我|附身|对我说|告诉我)|"
        r"(?:都|能)(?:知道|听到|读到)我(?:脑子里|心里)?(?:在)?(?:想什么|想的)|看(?:到|"
        r"见)[^，。]{0,8}(?:别人看不见|不存在的|鬼|死去的)|我想(?:什么|的)[^，。]{0,8}(?:知道|听见|听到|"
        r"看见)|(?:手机|电脑|墙|脑子|牙齿|身体)里?[^，。]{0,4}装了|有人[^，。]{0,8}(?:叫|喊)我的?名字|"
        r"被选中|犯病|发病时|自言自语|胡言乱语|对空(?:谈|说)",
    ),
    RiskKind.INTOXICATION: (
        r"喝(?:多了|醉|大了|断片|得?烂醉|到断片|到吐|了[一二两三四五六七八九半\d]+(?:瓶|斤|箱|打|两白))|"
        r"醉(?:酒|醺醺|了|得|倒|驾)|断片|酗酒|酒精(?:中毒|依赖|成瘾)|酒瘾|借酒|"
        r"(?:天天|每天|每晚|一天|一晚|从早)[^，。]{0,6}(?:喝(?!水|茶|奶|粥|汤|咖|药|牛)|酒)|"
        r"不喝(?:酒)?[^，。]{0,4}(?:手抖|就抖|难受|睡不着|发抖)|(?:满|一)身酒[气味]|酒后|"
        r"(?:一天|每天)[^，。]{0,4}[十几二三四五六七八九\d]{1,2}[多几来]?(?:片|粒|颗)|不(?:吃|吸|"
        r"喝)(?:就)?[^，。]{0,4}(?:难受|发抖|受不了|心慌)|吸过?毒|毒品|毒瘾|冰毒|溜冰|海洛因|大麻|摇头丸|"
        r"K粉|笑气|嗑药|戒断|麻古|飞叶子|上头电子烟|"
        r"(?:吃|吞|服)了?[一二三四五六七八九十几\d]+[多来]?(?:片|粒|颗|板|盒)[^，。]{0,8}(?:安眠|安定|止痛|"
        r"感冒|药|佐匹)|(?:过量|超量|大量)(?:服|吃|用)药|药物(?:滥用|依赖|成瘾)",
    ),
}
_WHOM = (
    r"(?:him|her|them|you|people|everyone|everybody|somebody|someone|anyone|others|the (?:baby|kids|"
    r"children)|(?:my|his|her|our|their) "
    r"(?:\w+ )?(?:baby|kids?|children|son|daughter|wife|husband|partner|boyfriend|girlfriend|boss|mother|"
    r"father|mom|mum|dad|brother|sister|family|neighbou?r|ex|roommate|coworkers?|classmates?|teacher))"
)
_ADULT = (
    r"(?:(?:step|foster |grand)?(?:father|dad|daddy|mother|mom|mum|pa|ma|parents?)|uncle|aunt|cousin|"
    r"brother|babysitter|teacher|coach|priest|neighbou?r|boyfriend|husband|partner|wife|he|she|they)"
)
_MINOR = (
    r"(?:son|daughter|kids?|child(?:ren)?|baby|toddler|boy|girl|infant|niece|nephew|grandson|"
    r"granddaughter|stepson|stepdaughter|pupil)"
)
_EN = {
    RiskKind.OTHERS: (
        rf"\b(?:kill|murder|stabb?|shoot|strangle|chok|poison|attack|hurt|harm)(?:s|ed|ing|e|es)? "
        rf"{_WHOM}(?! feelings)\b(?!'s feelings)|homicid\w*|\bkill(?:s|ing)? (?:me|us)\b(?! (?:with|that|"
        rf"when|to))|\bpush\w* (?:\w+ ){1, 3}(?:in front of|off (?:a|the)|down the|under)\b|\b(?:thoughts?|"
        rf"urges?|images?) of (?:push|drown|chok|smother|stabb|hitt|strangl|cutt)ing (?!my ?self)|"
        rf"\bwant(?:s|ed)? (?:\w+ ){{0,2}}(?:him|her|them) (?:to be )?dead\b|\b(?:beat|smash|bash)\w* "
        rf"(?:his|her|their) (?:face|head|brains?)|\bmake (?:him|her|them) (?:pay|suffer)\b|"
        r"\bshoot(?:ing)? up (?:the|my)\b|\b(?:bring|brought|bought|carry\w*|took) (?:a |the |my )?(?:gun|"
        r"knife|weapon)\b|\b(?:gun|rifle|pistol)\b|\bviolent (?:thoughts|urges|fantas\w+)|\btake (?:him|"
        r"her|them) with me\b|"
        r"\b(?:thoughts?|urges?|images?|fantas\w+|plans?) (?:of|about|to) (?:hurt|kill|harm|stab|"
        r"attack)(?:ing)? (?!my ?self|her ?self|him ?self|them)|\bHI\b|\bSI/HI\b|"
        r"\blose control and (?:hurt|hit)|\bthreaten\w* (?:to )?(?:kill|hurt|stab|shoot)",
    ),
    RiskKind.CHILD: (
        rf"\b(?:child|sexual(?:ly)?|physical(?:ly)?|verbal(?:ly)?) (?:abus\w*|assault\w*)|\bmolest\w*|"
        rf"\babus(?:ed|es|ing|e) (?:me|him|her|us|by|as a|(?:my|the|our|his|her) {_MINOR})|\brap(?:ed?|"
        rf"ing)\b|\bincest\w*|"
        rf"\b{_ADULT}(?: \w+)? (?:\w+ ){{0,4}}(?:beat|beats|hit|hits|belts?|belted|whipp?(?:s|ed)|touched|"
        rf"touches|fondled|locks?|locked|burn(?:s|ed|t)?|starv(?:es|ed)|slaps?|slapped|punch(?:es|ed)|"
        rf"kick(?:s|ed)|chok(?:es|ed)) (?:me|him|her|us|(?:my|the|our|his|her) {_MINOR})\b|"
        rf"\b(?:hit|hits|hitting|beat|beats|beating|shak(?:e|es|ing)|shook|slap(?:s|ped|ping)?|spank\w*|"
        rf"smack(?:s|ed)?|hurt|burn(?:s|ed)?) (?:my|the|our|his|her) (?:\w+ )?{_MINOR}\b|"
        r"\b(?:bruises?|welts|burns|cigarette marks|marks) (?:all over|on|up) (?:his|her|the|my)\b|comes? "
        r"back with bruises|\bhand ?prints? on|\bblack eye|\bcigarette burns?|\bbelt marks?|\bsit on "
        r"(?:his|her) lap|\bhands? (?:up|down|in|inside|under) my (?:skirt|pants|shirt|dress|top|clothes|"
        r"underwear)|\bpillow over (?:his|her|the)|\bleft (?:\w+ ){{0,3}}(?:alone|on their own|by "
        r"themselves|on (?:his|her) own)\b|\btouched (?:me|him|her)\b|\b(?:hit|beat) (?:him|her|me)\b|"
        r"\bcame into my (?:room|bed)\b|\bmade me (?:touch|undress|watch)\b|"
        rf"\b(?:neglect(?:ed|s|ing)?|unfed|left alone for) (?:\w+ ){{0,2}}{_MINOR}|\bleft (?:the|my|her|"
        rf"his) {_MINOR} alone\b",
    ),
    RiskKind.PSYCHOSIS: (
        r"\bhear(?:s|d|ing)? (?:\w+ ){0,3}(?:voices?|whisper\w*|people talking|someone talking|things "
        r"(?:that|no ?one|nobody|others))|\bvoices? (?:in my head|(?:that )?(?:tell|told|say|said|keep|"
        r"command|comment|whisper|won'?t)\w*)|"
        r"\b(?:man|woman|voice|person|someone|somebody|people|something) in(?:side)? my head|\bmessiah\b|"
        r"\bprophet\b|\bcall(?:s|ing) my name\b|\bthey (?:\w+ ){0,3}(?:look at|see|hear|listen to|watch) "
        r"me (?:through|from|in)|\buse (?:\w+ ){1,2}to (?:look at|watch|hear|listen to|track) me|"
        r"\bcomments? on everything|\bhallucinat\w*|\bdelusion\w*|\bparanoi\w*|\bpsychosis|\bpsychotic|"
        r"\bschizo\w*|"
        r"\b(?:being|been|get(?:ting)?|am|'m) (?:followed|watched|spied on|poisoned|monitored|recorded|"
        r"bugged|tracked|drugged)\b|\b(?:follow|watch|spy|track|record|poison|monitor)\w*(?: on)? me\b(?! "
        r"(?:on (?:facebook|instagram|twitter|tiktok)|[a-z]+))|"
        r"\b(?:read|reads|reading|hear|control|controlling|steal\w*|insert\w*|broadcast\w*) my (?:thoughts|"
        r"mind)\b|\b(?:tv|television|radio|news|internet|songs?) (?:\w+ ){0,2}(?:talk|send|speak|"
        r"message)\w*(?: \w+)? (?:to|about|at|for) (?:me|him|her)\b|"
        r"\b(?:chips?|implants?|cameras?|bugs?) (?:in|implanted|inside|hidden) (?:my|the)\b|\bchosen (?:by|"
        r"one)\b|\bsee(?:ing|s|n)? things\b|\bpoison\w* (?:my|the|her|his) (?:food|water|coffee|tea)\b|"
        r"\b(?:they|people|neighbou?rs|government|fbi|cia|police) (?:are|is|'re) (?:out to get|after|"
        r"plotting|conspiring)|\bplot(?:ting)? against\b|\btalk(?:s|ing)? to (?:himself|herself|someone who)",
    ),
    RiskKind.INTOXICATION: (
        r"\bdrunk\b|\bwasted\b(?! (?:my|so|years|time|life))|\bhammered\b|\bblack(?:ed|ing|s)?[- ]?out\b|"
        r"\b(?:get|got|getting|am|was|is|be|being|stay\w*|i'm) (?:so |really |too )?(?:high|stoned|"
        r"loaded)\b(?! (?:up|school|with))|"
        r"\bcocaine|\bcoke\b(?! zero)|\bheroin\b|\bmeth(?:amphetamine)?\b|\bfentanyl|\boxy(?:codone|"
        r"contin)?\b|\bopioids?\b|\bketamine|\bmdma\b|\blsd\b|\bcrack\b(?= (?:pipe|cocaine))|\boverdos\w*|"
        r"\bintoxicat\w*|"
        r"\bdrug (?:use|abuse|problem)|\b(?:illicit|street|hard) drugs\b|\bon drugs\b|\bdrinking problem|"
        r"\bdo(?:es)?n\'t drink\b|\bslurr\w*|\bdrink(?:s|ing)? (?:\w+ )?before (?:work|school|class|"
        r"breakfast|noon)|\b(?:stop|steady) my hands|\bbinge[- ]drink\w*|\balcoholi\w*|\b(?:a|one|two|"
        r"three|four|\d+) (?:bottles?|fifths?|pints?|litres?|liters?|six-?packs?) (?:of (?:wine|vodka|"
        r"whisk\w*|gin|rum|beer) )?(?:a|every|each|per) (?:day|night|evening)|"
        r"\bdrink(?:s|ing)? (?:every (?:day|night|morning|evening)|all day|in the morning|(?:my|her|"
        r"him)self to sleep|alone|too much|heavily|until|to (?:cope|forget|sleep|numb))|\bdr(?:ink|unk|ank|"
        r"inking) and driv\w*|\bdrove drunk|"
        r"\bwithdrawals?\b(?= |[.,;]|$)(?! from (?:school|college|friends|class|people|everyone))|\bthe "
        r"shakes\b|\bsmell\w* (?:\w+ )?(?:of|like) (?:alcohol|drink|booze|weed|gin|whisk\w*|beer|wine|"
        r"vodka|spirits|marijuana)|\brelaps\w*|\bsnort\w*|\bshoot(?:ing)? up\b(?! (?:the|my))|"
        r"\b(?:took|taken|taking|take) (?:\w+ ){0,2}(?:too many|\d+|a handful of|a bunch of|extra) (?:\w+ "
        r")?(?:pills|tablets|xanax|valium|benzos|sleeping)",
    ),
}
_COMPILED = {kind: re.compile("|".join((*_ZH[kind], *_EN[kind])), re.IGNORECASE) for kind in _ZH}


def find_words(text: str) -> tuple[tuple[RiskKind, Span], ...]:
    """Where words of risk stand, by kind."""
    plain = text.replace("’", "'")
    found = [(RiskKind.SELF, span) for span in find_harm(plain)]
    for kind, pattern in _COMPILED.items():
        found += [(kind, Span(*match.span())) for match in pattern.finditer(plain)]
    return tuple(found)

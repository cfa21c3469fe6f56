"""Whether somebody speaks of taking a life, of self-harm, or of not wanting to be: said, asked or denied.

Measured in docs/results/safety.md.  A miss costs more than a false alarm: all that follows is that the first
advice asks about safety, and that the sentence stands in the record.
"""

from __future__ import annotations

import re

from phyassist.domain.records import Span

_ZH = (
    # By name.
    r"自杀|轻生|自残|自伤|自尽|寻死|寻短见|遗书|遗言|放弃生命",
    # Wishes.
    r"不想(?:再)?活|活不下去|想(?:过|要|过要)?死|攒[^，。]{0,4}药|药[^，。]{0,4}攒|去死|求死|死了算|死掉|"
    r"不如死|宁[愿可]死|死了(?:就|多|才|更|倒|该)?[^，。]{0,2}好|"
    r"(?:想[过到着]?|念头)[^，。]{0,4}死亡|死的念头|暴毙|"
    r"(?:结束|了结)(?:自己|生命|这一切|一切|这条命)|一了百了|一睡不[醒起]|睡过去[^，。]{0,4}不|不(?:想|要|"
    r"再|用)?醒来|醒不过来",
    # What keeps somebody alive has gone.
    r"活着[^，。]{0,5}(?:没|有什么|有啥|太累|好累|干[嘛什])[^，。]{0,3}(?:意思|意义|希望|劲|用|价值|$|"
    r"[，。？])|"
    r"(?<!生)活得?[^，。]{0,3}(?:没|毫无|失去)[^，。]{0,3}(?:意义|意思|希望|价值)|(?:生命|人生|"
    r"活着)[^，。]{0,4}没有?(?:什么|任何)?意义|"
    r"不(?:该|应该|配)(?:再)?活|没资格活|活下去的?(?:勇气|理由|意义|动力|必要)|没(?:有)?(?:勇气|动力|理由)活",
    # Leaving.
    r"(?:想|要|不如|宁愿|希望|干脆)[^，。]{0,4}离开(?:这个|人)世|离开(?:这个|人)世[^，。]{0,8}(?:好|算了|"
    r"选择)|"
    r"(?:想|希望|要是)[^，。]{0,8}(?:自己|我)?(?:就)?(?:此|这样)?消失(?![^，。]{0,3}记)|"
    r"从(?:这个)?世[上界][^，。]{0,2}消失|"
    r"(?:要是|如果|希望)[^，。]{0,6}(?:没有?出生|站不稳|出(?:个)?车祸|得(?:个|了)?绝症)",
    # Ways.
    r"割(?:了|过|破)?[^，。]{0,2}(?:腕|脉|手臂|手|胳膊|自己)|(?<![规计策筹谋])划(?:了|过|伤|"
    r"破)?(?:[一几两]刀)?(?:在)?(?:自己|手[^，。]|胳膊|"
    r"腿)|美工刀|跳[楼河桥江]|"
    r"(?:从|站在|站到|坐在|走到|爬上)[^，。]{0,6}(?:楼|桥|窗台|阳台|天台|楼顶|江|铁轨)[^，。]{0,6}(?:跳|"
    r"往下|下去|边上|栏杆)|交代?后事|后事都|上吊|烧炭|服毒|农药|吞[^，。]{0,5}药|吃[^，。]{0,4}(?:一整瓶|"
    r"一把)[^，。]{0,3}药|"
    r"伤害(?:过|了)?(?:我|她|他|你|您)?自己|(?:打|掐|咬|烫|抓|撞)(?:伤|破)?(?:我|她|他)?自己|(?:用头|拿头|"
    r"头)撞墙",
)
_EN = (
    # By name.
    r"suicid\w*|\bkms\b|self[- ]?(?:harm|injur|mutilat)\w*|overdos\w*|"
    r"\b(?:kill|hang|shoot)\w* (?:my|your|him|her|them)sel\w+|"
    r"\b(?:kill|hurt|harm|cut|injur|hang|shoot|drown|burn)\w* (?:my|your|him|her|them)sel\w+(?! in\b)|"
    r"\b(?:take|taking|took|end|ending|ended) (?:my|his|her|their|your) (?:own )?li(?:fe|ves)\b|"
    r"\btak\w* my own\b",
    # Wishes.
    r"\bwan(?:t|ts|ted|na|ting)(?: to)? (?:just )?die\b|\b(?:rather|better off|"
    r"wish\w* (?:\w+ ){0,3}) ?(?:be )?dead\b|"
    r"\brather die\b|\bready to die\b|\blive or die\b|\b(?:happy|alive),? or dead\b|better off without me|"
    r"\bwish\w* (?:that )?i (?:was|were|wasn.?t|weren.?t|had never been|could) (?:never |not )?(?:born|"
    r"alive|here|exist)|"
    r"\bnever been born\b|\bnever (?:was )?born\b|\b(?:end|ending) it all\b|\bending it\b(?! with)|"
    r"\b(?:just|might|easier to|want to|wanna) (?:just )?end it\b(?! with)|\bend (?:everything|"
    r"my suffering)\b|"
    r"\b(?:not|don.?t|didn.?t|doesn.?t|never|no longer) (?:really |even |just )?(?:want|wanna|wish|"
    r"deserve|supposed|meant)"
    r"(?:ed)?(?: to)? (?:live|be alive|exist|be here|wake up)\b|should ?n.?t (?:be here|be alive|exist)|"
    r"\b(?:not|never|didn.?t|don.?t) (?:want to )?(?:wake|waking) up (?:again|any ?more|in the morning|"
    r"tomorrow)|"
    r"\b(?:hop|wish)\w* (?:\w+ ){0,3}(?:don.?t|didn.?t|never|wouldn.?t|not) wake up|"
    r"\bhop\w* (?:to|i) (?:be|get) (?:\w+ )?(?:injured|hurt|killed|hit)\b|\b(?:wish|"
    r"hop)\w* for an accident\b",
    # What keeps somebody alive has gone.
    r"\b(?:reasons?|will|desire|point|courage|worth\w*)(?: (?:to|in|of|for|it|it to))+ "
    r"(?:keep (?:on )?|go on |stay |being |even )?(?:liv(?:e|ing)|alive|exist\w*|be here|here|be alive|"
    r"staying alive)\b|"
    r"\bworth living\b|\bworth (?:it )?(?:to )?(?:stay|living)\b|\bwhy (?:even )?live\b|"
    r"\bwhy am i (?:still )?(?:alive|here)\b|"
    r"\bdeserv\w* (?:[\w ]{0,24}\b)?to (?:live|be alive|die)\b|\bsupposed to (?:live|be alive|"
    r"exist) in this\b|"
    r"\bsupposed to live\b|\b(?:still )?be alive (?:at|by|in|next|tomorrow|when|any ?more)\b|\bkeep living\b|"
    r"\bsick of (?:living|being alive)\b|\btired of (?:living|being alive)\b",
    # Leaving.
    r"\b(?:want|wish|could|to|just)(?:ed)? (?:to )?(?:just )?(?:disappear|vanish|cease to exist|"
    r"stop existing)\b|"
    r"\bnot exist(?:ing)?(?: any ?more)?\b|\bon the other side\b|\bif i (?:died|was gone|were gone|"
    r"weren.?t here|wasn.?t here)\b|"
    r"\bi (?:had|have) died\b|\bthoughts? of (?:death|dying)\b|\bthink\w* (?:about|of) (?:death|dying)\b",
    # Ways.
    r"\bcut(?:s|ting)? (?:my |her |his |their )?(?:neck|wrists?|arms?|thighs?|legs?|skin)\b|"
    r"\bi(?:.?ve)? (?:just )?cut(?= and| again|[.!]|$)|"
    r"\bcutting (?:or|and|again)\b|\bstart(?:ed)? cutting\b|\burge to cut\b|\b(?:jump\w*) (?:off|"
    r"in front)\b|\bgun shops?\b|\b(?:wrote|written|writing) (?:the|my|goodbye|a goodbye) (?:letters?|"
    r"notes?)\b|\bgoodbye (?:letter|note)s?\b|"
    r"\b(?:drove|walked|went|sat|stood|climbed) (?:\w+ ){0,2}(?:to|on|at|by|onto) (?:the|a) (?:bridge|"
    r"tracks|railway|edge|roof|ledge|cliff)\b|\b(?:giv\w+|gave) away my\b|"
    r"\b(?:bought|buy|buying|got|get) a (?:gun|rope|noose)\b|\bnoose\b|"
    r"\b(?:took|take|taking|swallow\w*|counted out) (?:\w+ ){0,3}?(?:all|a bunch|a handful|too many|"
    r"as many|\d\d+) [^.]{0,30}?"
    r"(?:pills?|meds|medication|tablets|xanax|mg)\b|\b(?:hoard|stockpil)\w* [^.]{0,24}(?:pills|meds|"
    r"tablets)|\b(?:pills|tablets|meds) (?:\w+ )?(?:counted|saved up|put aside)",
)
_HARM = re.compile("|".join((*_ZH, *_EN)), re.IGNORECASE)


def find_harm(text: str) -> tuple[Span, ...]:
    """Where the words stand that speak of it."""
    return tuple(Span(*match.span()) for match in _HARM.finditer(text.replace("’", "'")))


def is_of_harm(text: str) -> bool:
    """Whether the words speak of it, for oneself or for another, be it to ask or to deny."""
    return _HARM.search(text.replace("’", "'")) is not None

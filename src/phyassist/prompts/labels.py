"""Diagnosis labels in a draft, and what stands in their place in mainland-China mode."""

from __future__ import annotations

import re
from functools import partial

from phyassist.domain.people import Language

_LABELS: dict[Language, tuple[tuple[re.Pattern[str], str], ...]] = {
    "zh": tuple(
        # Symptoms of an illness are not the illness: 抑郁症状 is no label.
        (re.compile(pattern.replace("症", "症(?!状)")), instead)
        for pattern, instead in (
            (r"(?:重度|中度|轻度)?(?:产后)?抑郁(?:症|障碍)", "抑郁情绪"),
            (r"(?:广泛性|社交)?焦虑(?:症|障碍)", "焦虑情绪"),
            (r"(?:社交|社会)恐[惧怖](?:症|障碍)|社恐症", "社交时的紧张害怕"),
            (r"恐[惧怖](?:症|障碍)", "明显的害怕"),
            (r"惊恐(?:症|障碍)", "突发的惊恐"),
            (r"强迫(?:症|性障碍|障碍)", "反复的想法和行为"),
            (r"双相(?:情感)?障碍|躁郁症|躁狂症", "情绪的大起大落"),
            (r"(?:精神)?分裂症|分裂情感障碍|妄想症|精神病", "想法和感知的异常表现"),
            (r"创伤后应激障碍|PTSD", "创伤后的应激反应"),
            (r"适应(?:性)?障碍", "适应困难"),
            (r"(?:边缘型|自恋型|回避型|依赖型|反社会型|偏执型)?人格障碍", "长期的人际和情绪模式"),
            (r"(?:神经性)?(?:厌食|贪食)症|进食障碍", "饮食方面的困难"),
            (r"失眠症|睡眠障碍", "睡眠困难"),
            (r"多动症|注意缺陷(?:多动)?障碍|ADHD", "注意力和活动方面的困难"),
            (r"自闭症|孤独症(?:谱系障碍)?", "社交沟通方面的困难"),
            (r"疑病症|躯体化障碍|躯体形式障碍", "对身体不适的担忧"),
            (r"神经(?:衰弱|官能症|症)", "精神易疲劳的表现"),
            (r"(?:情感|情绪|心境|精神|心理)障碍", "情绪方面的困难"),
        )
    ),
    "en": tuple(
        (re.compile(pattern, re.IGNORECASE), instead)
        for pattern, instead in (
            (
                r"bipolar(?: (?:I{1,2}|1|2)\b)?(?: (?:affective )?disorders?)?|manic[- ]depressi\w+"
                r"|\b(?:hypo)?mani(?:a|c episodes?)\b|cyclothymia",
                "strong swings of mood",
            ),
            (
                r"(?:(?:major|persistent|recurrent) )*depressive (?:disorders?|episodes?|illness)"
                r"|(?:(?:severe|moderate|mild|clinical|major|chronic|post-?(?:partum|natal)) )*"
                r"\bdepression\b"
                r"|dysthymi\w+|\bMDD\b",
                "low mood",
            ),
            (r"social (?:anxiety disorder|phobia)", "tension and fear among people"),
            (r"(?:generali[sz]ed )?anxiety disorders?|\bGAD\b", "marked anxiety"),
            (r"(?:agora|claustro)phobia|\bphobias?\b", "marked fear"),
            (r"panic disorders?", "sudden panic"),
            (r"obsessive[- ]compulsive disorders?|\bOCD\b", "recurring thoughts and acts"),
            (
                r"schizo\w+(?: disorder)?|psychosis|(?:psychotic|delusional) (?:disorder|episode)s?",
                "unusual thoughts and perceptions",
            ),
            (
                r"(?:complex )?post[- ]?traumatic stress(?: disorders?)?|\b(?:C-)?PTSD\b"
                r"|acute stress disorder",
                "stress after trauma",
            ),
            (r"adjustment disorders?", "difficulty adjusting"),
            (
                r"(?:\w+ )?personality disorders?|borderline personality|\bBPD\b",
                "a lasting pattern in relationships and emotions",
            ),
            (
                r"anorexia(?: nervosa)?|bulimia(?: nervosa)?|(?:binge[- ])?eating disorders?",
                "difficulty with eating",
            ),
            (r"insomnia disorder|sleep(?:ing)? disorders?", "difficulty sleeping"),
            (
                r"attention[- ]deficit\S*(?: hyperactivity)?(?: disorder)?|\bADHD\b|\b(?-i:ADD)\b",
                "difficulty with attention",
            ),
            (
                r"autis(?:m|tic)(?: spectrum)?(?: disorder)?|asperger\S*(?: syndrome)?",
                "difficulty in contact",
            ),
            (
                r"(?:alcohol|substance|drug)(?: use| abuse)? disorders?|alcohol(?:ism| dependence)",
                "difficulty in controlling use",
            ),
            (
                r"hypochondria\w*|(?:somatic symptom|somati[sz]ation|illness anxiety) disorders?",
                "worry about health",
            ),
            (r"(?:mood|mental|dissociative|conduct|affective) disorders?", "difficulty with mood"),
            (r"(?:[a-z]+ )?\bdisorders?\b", "marked difficulty"),
        )
    ),
}
_REFERRAL: dict[Language, str] = {
    "zh": "（需留意的表现，可考虑转介）",
    "en": " (signs to consider, consider referral)",
}


def without_labels(text: str, language: Language, *, told: str = "", is_type: bool = False) -> str:
    """The text with signs in the place of diagnoses; a symptom type then also says to consider referral.

    A label that stands in `told`, the patient's own words, is what they report and stays.
    """
    plain = text
    for rows in (_LABELS[language], *(rows for key, rows in _LABELS.items() if key != language)):
        for pattern, instead in rows:
            plain = pattern.sub(partial(_settle, instead=instead, told=told), plain)
    return plain + _REFERRAL[language] if is_type and plain != text else plain


def _settle(found: re.Match[str], *, instead: str, told: str) -> str:
    if found.group().lower() in told.lower():
        return found.group()
    is_capital = found.start() == 0 and found.group()[0].isupper()
    return instead[0].upper() + instead[1:] if is_capital else instead

"""Facts about the client in English sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.reading.clues import Clue
from phyassist.domain.reading.speakers import Speaker

_KIN_WORDS = (
    r"(?:step|grand|half[- ]|god)?(?:daughter|son|child|children|kid|kids|baby|babies|toddler|mother|father|mom|mum|mommy|dad|daddy|parents?|sister|brother|siblings?|husband|wife|spouse|fianc[eé]e?|boyfriend|girlfriend|"
    r"partner|ex(?:[- ]\w+)?|aunt|uncle|cousin|niece|nephew|friend|friends|bestie|boss|coworker|co-worker|colleague|roommate|neighbou?r|teacher|doctor|therapist|psychiatrist|counsell?or|man|guy|boy|girl|woman|lady|person|people|someone|mate|crush|"
    r"twins?|teenager|teen|student|in-laws?)s?"
)
_KIN = re.compile(rf"\b(?:{_KIN_WORDS}|bf|gf|hubby|he|she|they|him|them)\b", re.IGNORECASE)
_SELF = re.compile(r"\b(?:I|I'm|Im|I've|Ive|I’m|I’ve|me|myself|client|patient|pt)\b")
_NAME_SELF = re.compile(r"\b(?:I|I'm|Im|I’m|im|i'm|i)\b")
_CLIENT = re.compile(r"\b(?:client|patient|pt|ms|mrs|mr|miss)\b\.?", re.IGNORECASE)

_WORD_NUMBER = (
    r"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|"
    r"ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
)
_NUMBER = rf"(?:\d{{1,3}}|{_WORD_NUMBER})"
_AGES: tuple[tuple[int, re.Pattern[str]], ...] = (
    (
        3,
        re.compile(
            rf"\b(?:age|aged|years old)\s*[:=]?\s*(?P<value>{_NUMBER})\b(?!\s*(?:I|i|he|she|when)\b)",
            re.IGNORECASE,
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?P<value>{_NUMBER})(?P<unit>[- ]?(?:years?|yrs?|yr)[- ]?(?:of age|olds?)|\s?y/?o\b|\s?y\.o\.|\s?yo\b)",
            re.IGNORECASE,
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:I am|I'm|I’m|Im|i'm|i am|im|(?<!when )(?<!since )(?<!before )(?<!until )(?<!after )I (?:have |'ve )?(?:just |recently )?turned|turning|she is|he is|she's|he's)\s+(?:a\s+)?(?:now\s+|only\s+|currently\s+|about to turn\s+|almost\s+|nearly\s+|over\s+|just\s+)?(?P<value>{_NUMBER})(?=\s*(?:[,.;!?)]|and\b|with\b|now\b|but\b|$|male\b|female\b|[mfMF]\b))"
        ),
    ),
    (
        3,
        re.compile(rf"^\W*(?:[MFmf]|male|female|man|woman)\s*[,/|]?\s*(?P<value>{_NUMBER})\b", re.IGNORECASE),
    ),
    (
        3,
        re.compile(
            r"(?:^|[\s(,/])(?P<value>\d{2})\s?(?:/\s?)?(?:[MF]\b|male\b|female\b|(?:year)?s?\s+man\b)"
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?:in (?:my|her|his))\s+(?P<value>(?:early|mid|late)?[- ]?(?:teens|twenties|thirties|forties|fifties|sixties|seventies|20s|30s|40s|50s|60s|70s))\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            rf"^(?:[A-Z][\w.]+ ?[A-Z]?\w*\.?|client|patient|pt),?\s+(?P<value>{_NUMBER})(?=\s*[,;.])",
            re.IGNORECASE,
        ),
    ),
)
_AGES = (
    *_AGES,
    (
        2,
        re.compile(
            r"\b(?:I am|I'm|I’m|Im|i'm|im) an? (?:\w+ )?(?P<value>teen(?:ager)?|preteen|senior citizen)\b"
        ),
    ),
)
_AGE_PAST = re.compile(
    r"\b(?:when|since|until|till|before|after|from|at|by|was|were|used to be|the age of|at age|until age|under|over|between|like an?|as an?)\s*(?:I\s+was\s+|she was\s+|he was\s+|about\s+|around\s+)?(?:the\s+)?(?:age\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
_AGE_AFTER = re.compile(
    r"^\W{0,2}\s*(?:ago|older|younger|now ex|or older|or younger|apart|difference|age difference|relationship|marriage)",
    re.IGNORECASE,
)
_HOW_OLD = re.compile(r"how old|your age|age\?", re.IGNORECASE)
_BARE = re.compile(
    rf"^\W*(?:I'm |I am |i'm |just turned |about )?(?P<value>{_NUMBER})\b(?!\s*(?:days|weeks|months|times|hours|minutes|percent|%))",
    re.IGNORECASE,
)

_FEMALE = r"(?:female|woman|girl|lady|mother|mom|mum|mommy|wife|housewife|lesbian|widow|daughter|transgender woman|trans woman|stay[- ]at[- ]home mom|single mom|grandmother|waitress|girlfriend|bride)"
_MALE = r"(?:male|man|guy|boy|father|dad|husband|widower|son|gay man|trans(?:gender)? man|single dad|grandfather|boyfriend|groom|dude)"
_I_AM = r"(?:\b(?:I am|I'm|I’m|Im|im|i'm|i am)|^As)\s+(?:also\s+|just\s+|only\s+)?(?:an?|the)\s+(?:[\w'-]+\s+){0,5}?"
_SEX_RULES: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    (
        "Female",
        3,
        re.compile(
            r"\b(?:sex|gender)\s*[:=]?\s*(?P<words>female|f|woman)\b|^\W*(?P<words2>F|female)\b(?=\s*[,/|\d ]\s*\d)|(?P<words3>\b\d{2}\s?(?:/\s?)?(?:F|female))\b|\b(?P<words4>\d{2}[- ]?(?:years?|yrs?)?[- ]?(?:old|o)?,? (?:\w+ ){0,2}(?:female|woman|girl|lady))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "Male",
        3,
        re.compile(
            r"\b(?:sex|gender)\s*[:=]?\s*(?P<words>male|m|man)\b|^\W*(?P<words2>M|male)\b(?=\s*[,/|\d ]\s*\d)|(?P<words3>\b\d{2}\s?(?:/\s?)?(?:M|male))\b|\b(?P<words4>\d{2}[- ]?(?:years?|yrs?)?[- ]?(?:old|o)?,? (?:\w+ ){0,2}(?:male|man|boy|guy))\b",
            re.IGNORECASE,
        ),
    ),
    ("Female", 3, re.compile(rf"(?P<words>{_I_AM}{_FEMALE})\b")),
    ("Male", 3, re.compile(rf"(?P<words>{_I_AM}{_MALE})\b")),
    (
        "Female",
        2,
        re.compile(
            r"(?P<words>\b(?:I(?:'m| am|’m| was| got| became| just found out I'm)? (?:\w+ )?pregnant|I (?:just )?(?:had|suffered) (?:a|my \w+) (?:miscarriage|c-section)|I gave birth|my (?:period|menstrual cycle|pregnancy|menopause|ovaries|uterus|vagina|breasts|hysterectomy)))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "Male",
        2,
        re.compile(
            r"(?P<words>\bmy (?:penis|erections?|erectile dysfunction|vasectomy|prostate))\b", re.IGNORECASE
        ),
    ),
)
_ADDRESS = (
    ("Female", re.compile(r"\b(?P<words>(?:Ms|Mrs|Miss)\.? [A-Z]\w*|ma'am)\b")),
    ("Male", re.compile(r"\b(?P<words>Mr\.? [A-Z]\w*|sir)\b")),
)
_SHE = re.compile(
    r"\b(?P<words>She|she|Her|her|Ms\.?|Mrs\.?)(?![\w.]*[- ](?:mother|father|sister|brother|husband|wife|son))"
)
_HE = re.compile(r"\b(?P<words>He|he|His|his|Mr\.?)\b")

_JOB_WORDS = (
    r"(?:teacher|nurse|doctor|physician|surgeon|dentist|engineer|lawyer|attorney|paralegal|accountant|bookkeeper|manager|supervisor|director|executive|programmer|developer|analyst|consultant|salesman|saleswoman|salesperson|sales ?rep(?:resentative)?|cashier|clerk|waiter|waitress|bartender|barista|"
    r"chef|cook|driver|trucker|mechanic|electrician|plumber|carpenter|construction worker|factory worker|farmer|police officer|cop|firefighter|paramedic|emt|soldier|marine|veteran|pilot|flight attendant|receptionist|secretary|assistant|administrator|librarian|professor|lecturer|researcher|scientist|"
    r"writer|author|journalist|editor|artist|musician|singer|actor|actress|dancer|model|photographer|designer|architect|hairdresser|hair ?stylist|stylist|beautician|cleaner|janitor|housekeeper|nanny|babysitter|caregiver|caretaker|social worker|counsell?or|therapist|psychologist|pharmacist|technician|"
    r"freelancer|contractor|entrepreneur|business ?(?:owner|man|woman)|realtor|real estate agent|banker|broker|pastor|minister|coach|trainer|tutor|intern|housewife|homemaker|stay[- ]at[- ]home (?:mom|mum|mother|dad|father|parent|wife)|retiree|student|freshman|sophomore|junior|senior|undergrad(?:uate)?|"
    r"shop assistant|security guard|warehouse worker|office worker|civil servant|translator|interpreter|vet|veterinarian|landscaper|welder|barber|delivery driver|call cent(?:er|re) (?:agent|worker)|customer service (?:rep|agent|representative))"
)
_QUALIFIER = r"(?:[\w/'-]+\s+){0,4}?"
_JOBS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (
        3,
        re.compile(
            r"\b(?:occupation|job|profession|employment)\s*[:=]\s*(?P<value>[^,.;\n]{2,40})", re.IGNORECASE
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I work as|I worked as|working as|work as|works as|employed as|worked as|my job as|job as|As|as|She is|He is|she is|he is|[Cc]lient is|[Pp]atient is|[Pp]t is|a career as)\s+(?:currently\s+|also\s+|now\s+)?(?:an?|the|my)\s+(?P<value>{_QUALIFIER}{_JOB_WORDS})\b(?! (?:of|to) )"
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:is|was|am)\s+(?:an?\s+)?{_NUMBER}[- ]?(?:years?|yrs?|yr)?[- ]?(?:old|o)?[, -]*(?P<value>{_QUALIFIER}{_JOB_WORDS})\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            rf"(?<=[,;/|]) ?(?P<value>(?:[\w/-]+ ){{0,2}}{_JOB_WORDS})(?=\s*(?:[,;./|]|$|for\b|at\b|in\b))",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?:I|she|he|client|patient|pt)\s+(?:currently\s+|also\s+|still\s+)?(?P<value>works?\s+(?:full[- ]time\s+|part[- ]time\s+|nights\s+|overnight\s+)?(?:at|for|in)\s+(?:an?|the|my)?\s*[\w' -]{2,30}?)(?=\s*(?:[,.;!?]|and\b|but\b|with\b|$|where\b|because\b|so\b|which\b|that\b))"
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?P<value>unemployed|self-employed|between jobs|out of work|laid off|retired|on disability|stay[- ]at[- ]home (?:mom|mum|mother|dad|father|parent|wife)|housewife|homemaker|lost (?:my|her|his) job|quit (?:my|her|his) job|full[- ]time student|college student|high school student|grad(?:uate)? student|university student)\b",
            re.IGNORECASE,
        ),
    ),
)
_NOT_NOW = re.compile(
    r"\b(?:want(?:ed)? to be(?:come)?|not|never|dream\w*|hope\w*|if|wish|like|become|treated|feel like|used to be|would be|studying to be|his|her|their|with)\b[\w\s,']{0,12}$",
    re.IGNORECASE,
)

_SCHOOL: tuple[tuple[int, re.Pattern[str]], ...] = (
    (3, re.compile(r"\b(?:education)\s*[:=]\s*(?P<value>[^,.;\n]{2,40})", re.IGNORECASE)),
    (
        3,
        re.compile(
            r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I|she is|he is|she|he|[Cc]lient is|[Pp]t is)\s+(?:currently\s+|now\s+|still\s+|only\s+|just\s+|a\s+|an\s+|going into\s+|starting\s+|\d+ and\s+)*(?P<value>(?:in|a|an|entering|starting|attend(?:s|ing)?|go(?:es|ing)? to)?\s?(?:the\s+|my\s+|her\s+|his\s+)?(?:(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|final|last|senior|junior|sophomore|freshman)[- ](?:grade(?:r)?|year)(?:\s+(?:of|in|at)\s+(?:high school|college|university|school))?|(?:middle|high|grad(?:uate)?|law|medical|med|nursing)[- ]school(?:er)?(?: student)?|college|university|college student|freshman|sophomore|junior in (?:high school|college)|senior in (?:high school|college)|phd student|undergrad\w*))\b"
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?P<value>(?:bachelor'?s?|master'?s?|associate'?s?|doctorate|phd|mba|ged|high school diploma|college degree|law degree|nursing degree)(?:\s+(?:degree|diploma|in [\w ]{3,25}))?)\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?:I|she|he)\s+(?:have\s+|has\s+|just\s+|recently\s+)?(?P<value>(?:graduated|dropped out|finished|completed)\s+(?:from\s+|of\s+|with\s+)?(?:my\s+|a\s+|an\s+)?(?:high school|college|university|school|bachelor'?s?|master'?s?|[\w ]{0,12}degree))\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            rf"\b(?P<value>(?:college|university|high[- ]school|middle[- ]school|graduate|grad|phd|medical|law|nursing|freshman|sophomore) (?:student|freshman|sophomore|junior|senior|graduate|grad|dropout)|(?:\d{{1,2}}(?:st|nd|rd|th)) grade(?:r)?)\b",
            re.IGNORECASE,
        ),
    ),
)

_MARITAL: tuple[tuple[str | None, int, re.Pattern[str]], ...] = (
    (
        None,
        3,
        re.compile(
            r"\b(?:marital status|relationship status)\s*[:=]\s*(?P<value>[^,.;\n]{2,30})", re.IGNORECASE
        ),
    ),
    (
        None,
        3,
        re.compile(
            r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I|I've been|I have been|I’ve been|Ive been|we|We|we are|We're|we're|we have been|We have been|We've been|we've been|we’ve been|[Ss]he is|[Hh]e is|[Cc]lient is|[Pp]t is|[Ss]he|[Hh]e|and I have been|and I are|and I were|and I|and I got|and I've been|been|husband and I are|wife and I are|have been|currently|now)\s+(?:currently\s+|now\s+|recently\s+|just\s+|also\s+|still\s+|have been\s+|got\s+|getting\s+|newly\s+|happily\s+|not\s+|were\s+|legally\s+|been\s+|a\s+)*(?P<value>(?:married|divorced|separated|engaged|single(?: (?:mom|mother|dad|father|parent))?|widow(?:ed|er)?|remarried|unmarried|divorcing)(?:\s+(?:for|to)?\s*(?:about|almost|over|nearly|only|more than|just)?\s*(?:\d+|a|one|two|three|four|five|six|seven|eight|nine|ten|several|a few|twelve|fifteen|twenty)\+?\s*(?:1/2\s+)?(?:years?|yrs?|months?|mos?|weeks?))?)(?=\W|$)"
        ),
    ),
    (
        None,
        3,
        re.compile(
            r"(?:^|[,;/|] ?)(?P<value>(?:married(?: (?:x ?)?\d+ ?(?:years?|yrs?))?|divorced|separated|single|widow(?:ed|er)?|engaged|remarried|never married))(?=\s*(?:[,;./|(]|$|with\b|for\b|x\b))",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        3,
        re.compile(
            r"\b(?P<value>(?:going through|getting|in the middle of|filed for|filing for|went through)\s+(?:an?|my|our|this)?\s*(?:\w+ )?divorce|our divorce|my divorce|(?:single|divorced|widowed|married) (?:mom|mother|dad|father|parent|man|woman)|my (?:late|deceased) (?:husband|wife)|my (?:husband|wife) (?:died|passed away)(?: [\w ]{2,20} ago)?|my (?:first|second|third|current|new) marriage|our marriage)\b",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        2,
        re.compile(
            r"\b(?P<value>(?:my (?:husband|wife|spouse)(?: of \d+ years?)?|our (?:\w+ )?(?:wedding )?anniversary|I got married|we got married))\b",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        1,
        re.compile(
            r"\b(?P<value>(?:my (?:fianc[eé]e?|boyfriend|girlfriend|bf|gf|partner)(?: of (?:\d+|a|\w+) years?| and I have been (?:dating|together) for [\w ]{3,20}?(?:years?|months?|weeks?))?|I (?:have|have got|got|currently have) a (?:boyfriend|girlfriend|bf|gf)|I(?:'m| am|’m| have been|'ve been) (?:now |currently )?in a (?:[\w-]+ ){0,2}relationship|living with my (?:boyfriend|girlfriend|partner)|(?:I(?:'ve| have|’ve) been|we(?:'ve| have|’ve) been|I(?:'m| am)|we(?:'re| are)) dating))\b",
            re.IGNORECASE,
        ),
    ),
)
_MARRIED_BY = re.compile(r"^my (?:husband|wife|spouse)", re.IGNORECASE)
_MARITAL_NOT = re.compile(
    r"\b(?:if|want(?:s|ed)? to (?:be|get)|wants? a|should|could|would|ask(?:ed|ing)? for|threaten\w*|never|consider\w*|about|afraid|parents|friends?|mother|father|mom|dad|sister|brother|ex|who is|who was|he's|man|woman|guy|someone|every|not a|he is|she is|him|her)\b[\w\s']{0,14}$",
    re.IGNORECASE,
)


def find_clues(text: str, *, before: str, speaker: Speaker, answers: bool, third_person: bool) -> list[Clue]:
    """Clues about the client in one sentence; `before` is the sentence before it, `answers` a reply to it."""
    if speaker == Speaker.COUNSELLOR:
        return [*_addressed(text)]
    return [
        *_ages(text, before, answers=answers, third_person=third_person),
        *_sexes(text, third_person=third_person),
        *_jobs(text, third_person=third_person, answers=answers),
        *_education(text, third_person=third_person),
        *_marital(text, third_person=third_person),
    ]


# "I am a sixteen-year-old girl": the noun is the client, not somebody else.
_OWN_NOUN = re.compile(
    r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|[Aa]s)\s+(?:an?|the)\s+(?:[\w'-]+\s+){0,5}?"
    r"(?:girl|boy|woman|man|guy|lady|student|person|teen(?:ager)?|mother|father|mom|mum|dad|parent|wife|husband|teacher|doctor|therapist)\b"
)


def _about_other(text: str, at: int, *, third_person: bool) -> bool:
    """Whether the words at `at` speak of somebody else: the nearest person named before them decides."""
    head = _OWN_NOUN.sub(lambda match: "I " * (len(match.group()) // 2), text[:at])
    own = max((match.end() for match in _NAME_SELF.finditer(head)), default=-1)
    own = max(own, max((match.end() for match in _CLIENT.finditer(head)), default=-1))
    kin = -1
    for match in _KIN.finditer(head):
        if third_person and match.group().lower() in (
            "he",
            "she",
            "him",
            "man",
            "woman",
            "lady",
            "guy",
            "student",
        ):
            own = max(own, match.end())
        else:
            kin = max(kin, match.end())
    return kin > own


def _followed_by_kin(text: str, end: int) -> bool:
    """ "My 15 year old daughter": the person named right after an age owns it."""
    return bool(
        re.match(
            rf"[\s-]*(?:old\s+)?(?:[\w'-]+\s+){{0,2}}?(?:{_KIN_WORDS})\b", text[end : end + 40], re.IGNORECASE
        )
    )


def _ages(text: str, before: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    for sureness, pattern in _AGES:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            number = read_number(match["value"])
            if number is not None and not 5 <= number <= 110:
                continue
            head, tail = text[:start], text[match.end() :]
            first_person = bool(
                re.search(r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|as|As|being|am)\s+(?:an?\s+)?(?:\w+\s+)?$", head)
            )
            if not first_person and (
                _AGE_PAST.search(head) or _about_other(text, start, third_person=third_person)
            ):
                continue
            if _AGE_AFTER.match(tail) or re.search(
                r"\b(?:was|were|when I'm|by the time|until I am|till i'm)\W*(?:an?\s+)?$", head
            ):
                continue
            owned = re.search(
                r"\b(?:my|his|her|our|their|the|with an?|have an?|has an?|dating an?|two|three|an? |for)\s+$",
                head,
                re.IGNORECASE,
            )
            if (
                not first_person
                and not (third_person and re.search(r"\b(?:is|an?)\s+$", head))
                and owned
                and _followed_by_kin(text, match.end())
            ):
                continue
            shown_end = match.end() if "unit" in match.re.groupindex else end
            yield Clue("age", match["value"], start, shown_end, sureness)
    if answers and _HOW_OLD.search(before) and not re.search(_KIN_WORDS, before):
        bare = _BARE.match(text)
        if bare:
            yield Clue("age", bare["value"], *bare.span("value"), 3)


_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"),
    *("sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def read_number(words: str) -> int | None:
    """The first number in figures or in words below a hundred; None where there is none."""
    figures = re.search(r"\d+", words)
    if figures:
        return int(figures.group())
    total: int | None = None
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _TENS:
            total = (_TENS.index(word) + 2) * 10
        elif word in _TEENS:
            total = _TEENS.index(word) + 10
        elif word in _ONES:
            total = (total or 0) + _ONES.index(word) + 1
    return total


def _sexes(text: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in _SEX_RULES:
        for match in pattern.finditer(text):
            name = next(
                name
                for name in ("words", "words2", "words3", "words4")
                if name in match.groupdict() and match[name]
            )
            start, end = match.span(name)
            if name != "words" and not third_person and _about_other(text, start, third_person=third_person):
                continue
            if re.search(
                r"\b(?:my|his|her|our|their|with an?|like an?|treated|not an?|dating an?|as if)\s+$",
                text[:start],
                re.IGNORECASE,
            ):
                continue
            if re.match(r"(?:as|As) ", match[name]) and not re.search(r"\bI\b|\bmy\b", text):
                continue
            yield Clue("sex", value, start, end, sureness)
    if third_person:
        for value, pattern in (("Female", _SHE), ("Male", _HE)):
            pronoun = pattern.search(text)
            if pronoun and not re.search(_KIN_WORDS, text[: pronoun.start()], re.IGNORECASE):
                yield Clue("sex", value, *pronoun.span("words"), 1)


def _addressed(text: str) -> Iterator[Clue]:
    for value, pattern in _ADDRESS:
        for match in pattern.finditer(text[:40]):
            yield Clue("sex", value, *match.span("words"), 2)


_JOB_LEAD = re.compile(
    r"(?:(?:\d+|year|years|yrs?|old|y/?o|single|married|divorced|separated|widowed|male|female|engaged|-)[\s-]*)+",
    re.IGNORECASE,
)


def _jobs(text: str, *, answers: bool, third_person: bool) -> Iterator[Clue]:
    jotting = third_person or bool(re.search(r"\b[MF]\b|\b(?:male|female)\b|\byo\b", text))
    for no, (sureness, pattern) in enumerate(_JOBS):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if no == 3 and not jotting:
                continue
            if _NOT_NOW.search(text[:start].removesuffix("a ").removesuffix("as ")):
                continue
            first = bool(re.search(r"\b(?:I|I'm|i'm|im|I’m|my|i)\b[^,.;]{0,30}$", text[:start])) or no == 0
            if not first and not answers and _about_other(text, start, third_person=third_person):
                continue
            if not first and not third_person and not answers and not jotting and start > 3:
                continue
            lead = _JOB_LEAD.match(match["value"])
            start += lead.end() if lead else 0
            yield Clue("occupation", text[start:end], start, end, sureness)


def _education(text: str, *, third_person: bool) -> Iterator[Clue]:
    for sureness, pattern in _SCHOOL:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            head = text[:start]
            if _about_other(text, start, third_person=third_person) or re.search(
                r"\b(?:was|were|when|since|back in|met in|want to|my \w+ is)\b[\w\s]{0,14}$", head
            ):
                continue
            lead = re.match(r"\s*(?:in|a|an)?\s*(?:my|the|her|his)?\s*", match["value"])
            start += lead.end() if lead else 0
            yield Clue("education", text[start:end], start, end, sureness)


def _marital(text: str, *, third_person: bool) -> Iterator[Clue]:
    for value, sureness, pattern in _MARITAL:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if sureness >= 3 and _MARITAL_NOT.search(text[: match.start()] + " "):
                continue
            if re.search(r"\b(?:not|to get|get|if|to be|as|be|become|future|want)\s+$", text[:start]):
                continue
            if sureness == 3 and not third_person and _about_other(text, start, third_person=third_person):
                continue
            shown = value or _marital_value(match["value"])
            yield Clue("marital", shown, start, end, sureness)


_PARTNER = re.compile(r"^my (fianc[eé]e?|boyfriend|girlfriend|bf|gf|partner)\b", re.IGNORECASE)


def _marital_value(words: str) -> str:
    if _MARRIED_BY.match(words) and not re.search(r"died|passed", words):
        return "married"
    partner = _PARTNER.match(words)
    if partner:
        return "engaged" if partner[1].lower().startswith("fianc") else f"has a {partner[1].lower()}"
    return re.sub(r"^(?:my|our|I(?:'m| am|’m| have been|'ve been)?)\s+", "", words)

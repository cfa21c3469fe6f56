"""The patterns by which facts are found in English; what they mean is in `facts_en`."""

from __future__ import annotations

import re

KIN_WORDS = (
    r"(?:step|grand|half[- ]|god)?(?:daughter|son|child|children|kid|kids|baby|babies|toddler|"
    r"mother|father|mom|mum|mommy|dad|daddy|parents?|sister|brother|siblings?|husband|wife|spouse|"
    r"fianc[eé]e?|boyfriend|girlfriend|"
    r"partner|ex(?:[- ]\w+)?|aunt|uncle|cousin|niece|nephew|friend|friends|bestie|boss|coworker|"
    r"co-worker|colleague|roommate|neighbou?r|teacher|doctor|therapist|psychiatrist|counsell?or|"
    r"man|guy|boy|girl|woman|lady|person|people|someone|mate|crush|"
    r"twins?|teenager|teen|student|in-laws?)s?"
)
KIN = re.compile(rf"\b(?:{KIN_WORDS}|bf|gf|hubby|he|she|they|him|them)\b", re.IGNORECASE)
SELF = re.compile(r"\b(?:I|I'm|Im|I've|Ive|I’m|I’ve|me|myself|client|patient|pt)\b")
NAME_SELF = re.compile(r"\b(?:I|I'm|Im|I’m|im|i'm|i)\b")
CLIENT = re.compile(r"\b(?:client|patient|pt|ms|mrs|mr|miss)\b\.?", re.IGNORECASE)

WORD_NUMBER = (
    r"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|"
    r"five|six|seven|eight|nine))?|"
    r"ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
)
NUMBER = rf"(?:\d{{1,3}}|{WORD_NUMBER})"
AGES: tuple[tuple[int, re.Pattern[str]], ...] = (
    (
        3,
        re.compile(
            rf"\b(?:age|aged|years old)\s*[:=]?\s*(?P<value>{NUMBER})\b(?!\s*(?:I|i|he|she|when)\b)",
            re.IGNORECASE,
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?P<value>{NUMBER})(?P<unit>[- ]?(?:years?|yrs?|yr)[- ]?(?:of age|olds?)|"
            rf"\s?y/?o\b|\s?y\.o\.|\s?yo\b)",
            re.IGNORECASE,
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:I am|I'm|I’m|Im|i'm|i am|im|(?<!when )(?<!since )(?<!before )(?<!until "
            rf")(?<!after )I (?:have |'ve )?(?:just |recently )?turned|turning|she is|he is|she's|"
            rf"he's)\s+(?:a\s+)?(?:now\s+|only\s+|currently\s+|about to turn\s+|almost\s+|"
            rf"nearly\s+|over\s+|just\s+)?(?P<value>{NUMBER})(?=\s*(?:[,.;!?)]|and\b|with\b|now\b|"
            rf"but\b|$|male\b|female\b|[mfMF]\b))"
        ),
    ),
    (
        3,
        re.compile(rf"^\W*(?:[MFmf]|male|female|man|woman)\s*[,/|]?\s*(?P<value>{NUMBER})\b", re.IGNORECASE),
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
            r"\b(?:in (?:my|her|his))\s+(?P<value>(?:early|mid|late)?[- ]?(?:teens|twenties|"
            r"thirties|forties|fifties|sixties|seventies|20s|30s|40s|50s|60s|70s))\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            rf"^(?:[A-Z][\w.]+ ?[A-Z]?\w*\.?|client|patient|pt),?\s+(?P<value>{NUMBER})(?=\s*[,;.])",
            re.IGNORECASE,
        ),
    ),
)
AGES = (
    *AGES,
    (2, re.compile(r"\b(?:I am|I'm|I’m|Im)\b[^.;]{0,40}?,\s*(?P<value>\d{2})(?=\s*[,.;]|\s+and\b)")),
    (
        2,
        re.compile(
            r"\b(?:I am|I'm|I’m|Im|i'm|im) an? (?:\w+ )?(?P<value>teen(?:ager)?|preteen|senior citizen)\b"
        ),
    ),
)
AGE_PAST = re.compile(
    r"\b(?:when|since|until|till|before|after|from|at|by|was|were|used to be|the age of|at age|"
    r"until age|under|over|between|like an?|as an?)\s*(?:I\s+was\s+|she was\s+|he was\s+|about\s+|"
    r"around\s+)?(?:the\s+)?(?:age\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
AGE_AFTER = re.compile(
    r"^\W{0,2}\s*(?:ago|older|younger|now ex|or older|or younger|apart|difference|age difference|"
    r"relationship|marriage)",
    re.IGNORECASE,
)
HOW_OLD = re.compile(r"how old|your age|age\?", re.IGNORECASE)
BARE = re.compile(
    rf"^\W*(?:I'm |I am |i'm |just turned |about )?(?P<value>{NUMBER})\b(?!\s*(?:days|weeks|"
    rf"months|times|hours|minutes|percent|%))",
    re.IGNORECASE,
)

FEMALE = (
    r"(?:female|woman|girl|lady|mother|mom|mum|mommy|wife|housewife|lesbian|widow|daughter|"
    r"transgender woman|trans woman|stay[- ]at[- ]home mom|single mom|grandmother|waitress|"
    r"girlfriend|bride)"
)
MALE = (
    r"(?:male|man|guy|boy|father|dad|husband|widower|son|gay man|trans(?:gender)? man|single "
    r"dad|grandfather|boyfriend|groom|dude)"
)
I_AM = (
    r"(?:\b(?:I am|I'm|I’m|Im|im|i'm|i am)|^As)\s+(?:also\s+|just\s+|only\s+)?(?:an?|"
    r"the)\s+(?:[\w'-]+\s+){0,5}?"
)
# "The father I was", "I want to be a better mother": a part that only the client can have.
OWN_ROLE = (
    r"\b(?:(?:the|a|an) (?:\w+ ){{0,2}}?{role} (?:that )?(?:I|i) (?:was|am|used to be|have been|had been|"
    r"want to be|"
    r"wanted to be|should be|could be)\b|(?:I|i)(?:'m| am|’m| was| feel like| want to be| try to be|"
    r"'ve been| have been"
    r"|'m trying to be| used to be| need to be) (?:such )?(?:an?|the) (?:(?:good|better|bad|terrible|great|"
    r"horrible|worse|new|"
    r"proud|present|failed|failure as an?|present) )+{role}\b)"
)
SEX_RULES: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    (
        "Female",
        3,
        re.compile(
            r"\b(?:sex|gender)\s*[:=]?\s*(?P<words>female|f|woman)\b|^\W*(?P<words2>F|"
            r"female)\b(?=\s*[,/|\d ]\s*\d)|(?P<words3>\b\d{2}\s?(?:/\s?)?(?:F|female))\b|"
            r"\b(?P<words4>\d{2}[- ]?(?:years?|yrs?)?[- ]?(?:old|o)?,? (?:\w+ ){0,2}(?:female|"
            r"woman|girl|lady))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "Male",
        3,
        re.compile(
            r"\b(?:sex|gender)\s*[:=]?\s*(?P<words>male|m|man)\b|^\W*(?P<words2>M|male)\b(?=\s*[,/|"
            r"\d ]\s*\d)|(?P<words3>\b\d{2}\s?(?:/\s?)?(?:M|male))\b|\b(?P<words4>\d{2}[- "
            r"]?(?:years?|yrs?)?[- ]?(?:old|o)?,? (?:\w+ ){0,2}(?:male|man|boy|guy))\b",
            re.IGNORECASE,
        ),
    ),
    ("Female", 3, re.compile(rf"(?P<words>{I_AM}{FEMALE})\b")),
    ("Male", 3, re.compile(rf"(?P<words>{I_AM}{MALE})\b")),
    (
        "Female",
        2,
        re.compile(
            r"(?P<words>\b(?:I(?:'m| am|’m| was| got| became| just found out I'm)? (?:\w+ "
            r")?pregnant|I (?:just )?(?:had|suffered) (?:a|my \w+) (?:miscarriage|c-section)|I "
            r"gave birth|my (?:period|menstrual cycle|pregnancy|menopause|ovaries|uterus|vagina|"
            r"breasts|hysterectomy)))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "Female",
        3,
        re.compile(rf"(?P<words>{OWN_ROLE.format(role='(?:mother|mom|mum|mommy|wife|daughter|sister)')})"),
    ),
    (
        "Male",
        3,
        re.compile(rf"(?P<words>{OWN_ROLE.format(role='(?:father|dad|daddy|husband|son|brother)')})"),
    ),
    (
        "Male",
        2,
        re.compile(
            r"(?P<words>\bmy (?:penis|erections?|erectile dysfunction|vasectomy|prostate))\b", re.IGNORECASE
        ),
    ),
)
ADDRESS = (
    ("Female", re.compile(r"\b(?P<words>(?:Ms|Mrs|Miss)\.? [A-Z]\w*|ma'am)\b")),
    ("Male", re.compile(r"\b(?P<words>Mr\.? [A-Z]\w*|sir)\b")),
)
SHE = re.compile(
    r"\b(?P<words>She|she|Her|her|Ms\.?|Mrs\.?)(?![\w.]*[- ](?:mother|father|sister|brother|"
    r"husband|wife|son))"
)
HE = re.compile(r"\b(?P<words>He|he|His|his|Mr\.?)\b")

JOB_WORDS = (
    r"(?:teacher|nurse|doctor|physician|surgeon|dentist|engineer|lawyer|attorney|paralegal|"
    r"accountant|bookkeeper|manager|supervisor|director|executive|programmer|developer|analyst|"
    r"consultant|salesman|saleswoman|salesperson|sales ?rep(?:resentative)?|cashier|clerk|waiter|"
    r"waitress|bartender|barista|"
    r"chef|cook|driver|trucker|mechanic|electrician|plumber|carpenter|construction worker|factory "
    r"worker|farmer|police officer|cop|firefighter|paramedic|emt|soldier|marine|veteran|pilot|"
    r"flight attendant|receptionist|secretary|assistant|administrator|librarian|professor|lecturer|"
    r"researcher|scientist|"
    r"writer|author|journalist|editor|artist|musician|singer|actor|actress|dancer|model|"
    r"photographer|designer|architect|hairdresser|hair ?stylist|stylist|beautician|cleaner|janitor|"
    r"housekeeper|nanny|babysitter|caregiver|caretaker|social worker|counsell?or|therapist|"
    r"psychologist|pharmacist|technician|"
    r"freelancer|contractor|entrepreneur|business ?(?:owner|man|woman)|realtor|real estate agent|"
    r"banker|broker|pastor|minister|coach|trainer|tutor|intern|housewife|homemaker|stay[- ]at[- "
    r"]home (?:mom|mum|mother|dad|father|parent|wife)|retiree|student|freshman|sophomore|junior|"
    r"senior|undergrad(?:uate)?|"
    r"shop assistant|security guard|warehouse worker|office worker|civil servant|translator|"
    r"worker|operator|officer|principal|head ?teacher|miner|builder|baker|butcher|tailor|postman|"
    r"mail carrier|"
    r"machinist|roofer|painter|surveyor|planner|midwife|optician|physiotherapist|postdoc|scholar|"
    r"interpreter|vet|veterinarian|landscaper|welder|barber|delivery driver|call cent(?:er|re) "
    r"(?:agent|worker)|customer service (?:rep|agent|representative))"
)
# In jottings a number of two figures between marks is an age where other facts stand beside it.
AGE_JOTTED = re.compile(r"(?:^|[,;/|]\s*)(?P<value>[1-9]\d)(?=\s*(?:[,;/|.]|$))")
JOTTED_BESIDE = re.compile(
    rf"\b(?:{JOB_WORDS}|married|single|divorced|widow(?:ed|er)?|separated|retired|unemployed|male|female)\b",
    re.IGNORECASE,
)
JOB = re.compile(rf"\b{JOB_WORDS}\b", re.IGNORECASE)
QUALIFIER = r"(?:[\w/'-]+\s+){0,4}?"
JOBS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (
        3,
        re.compile(
            r"\b(?:occupation|job|profession|employment)\s*[:=]\s*(?P<value>[^,.;\n]{2,40})", re.IGNORECASE
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I work as|I worked as|working as|"
            rf"work(?:s|ing)? [\w ]{{2,25}} as|work as|works as|employed as|[a-z0-9], is|worked as|my job as|"
            rf"job as|As|as|She is|He is|she is|he is|[Cc]lient is|"
            rf"[Pp]atient is|[Pp]t is|a career as)\s+(?:currently\s+|also\s+|now\s+)?(?:an?|the|"
            rf"my)\s+(?P<value>{QUALIFIER}{JOB_WORDS})\b(?! (?:of|to) )"
        ),
    ),
    (
        3,
        re.compile(
            rf"\b(?:is|was|am)\s+(?:an?\s+)?{NUMBER}[- ]?(?:years?|yrs?|yr)?[- ]?(?:old|o)?[, "
            rf"-]*(?P<value>{QUALIFIER}{JOB_WORDS})\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            rf"(?:(?<=[,;/|]) ?|^)(?P<value>(?:[\w/-]+ ){{0,2}}{JOB_WORDS})(?=\s*(?:[,;./|]|$|for\b|at\b|"
            rf"in\b))",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?:I|she|he|client|patient|pt)\s+(?:currently\s+|also\s+|"
            r"still\s+)?(?:went back to )?(?P<value>works?\s+(?:full[- ]time\s+|part[- ]time\s+|nights\s+|"
            r"overnight\s+)?(?:at|for|in)\s+(?:an?|the|my)?\s*[\w' -]{2,30}?)(?=\s*(?:[,.;!?]|"
            r"in [A-Z]|since\b|last\b|this\b|and\b|but\b|with\b|$|where\b|because\b|so\b|which\b|that\b))"
        ),
    ),
    (
        2,
        re.compile(
            r"\bI (?:still |also |currently )?(?P<value>teach (?!him|her|them|my|you|it|me\b)[\w ]{3,30}?"
            r" (?:at|in) [\w ]{3,30}?)(?=\s*(?:[,.;!?]|$|and\b|but\b))"
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?P<value>unemployed|self-employed|between jobs|out of work|laid off|retired"
            rf"(?: (?:[\w/-]+ ){{0,2}}?{JOB_WORDS})?|on "
            r"disability|stay[- ]at[- ]home (?:mom|mum|mother|dad|father|parent|wife)|housewife|"
            r"homemaker|SAHM|lost (?:my|her|his) job|quit (?:my|her|his) job|full[- ]time student|"
            r"college student|high school student|grad(?:uate)? student|university student)\b",
            re.IGNORECASE,
        ),
    ),
)
NOT_NOW = re.compile(
    r"\b(?:want(?:ed)? to be(?:come)?|not|never|dream\w*|hope\w*|if|wish|like|become|treated|feel "
    r"like|used to be|would be|studying to be|his|her|their|with)\b[\w\s,']{0,12}$",
    re.IGNORECASE,
)

SCHOOL: tuple[tuple[int, re.Pattern[str]], ...] = (
    (3, re.compile(r"\b(?:education)\s*[:=]\s*(?P<value>[^,.;\n]{2,40})", re.IGNORECASE)),
    (
        3,
        re.compile(
            r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I|she is|he is|she|he|[Cc]lient is|[Pp]t "
            r"is)\s+(?:currently\s+|now\s+|still\s+|only\s+|just\s+|a\s+|an\s+|going into\s+|"
            r"starting\s+|\d+ and\s+)*(?P<value>(?:in|a|an|entering|starting|attend(?:s|ing)?|"
            r"go(?:es|ing)? to)?\s?(?:the\s+|my\s+|her\s+|his\s+)?(?:(?:\d{1,2}(?:st|nd|rd|th)|"
            r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
            r"final|last|senior|junior|sophomore|freshman)[- ](?:grade(?:r)?|year)(?:\s+(?:of|in|"
            r"at)\s+(?:high school|college|university|school))?|(?:middle|high|grad(?:uate)?|law|"
            r"medical|med|nursing)[- ]school(?:er)?(?: student)?|college|university|college "
            r"student|freshman|sophomore|junior in (?:high school|college)|senior in (?:high "
            r"school|college)|phd student|undergrad\w*))\b"
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?P<value>(?:bachelor'?s?|master'?s?|associate'?s?|doctorate|phd|mba|ged|high "
            r"school diploma|college degree|law degree|nursing degree)(?:\s+(?:degree|diploma|in "
            r"[\w ]{3,25}))?)\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?:I|she|he)\s+(?:have\s+|has\s+|just\s+|recently\s+)?(?P<value>(?:graduated|"
            r"dropped out|finished|completed)\s+(?:from\s+|of\s+|with\s+)?(?:my\s+|a\s+|"
            r"an\s+)?(?:high school|college|university|school|bachelor'?s?|master'?s?|[\w ]{0,12}degree))\b",
            re.IGNORECASE,
        ),
    ),
    (
        2,
        re.compile(
            r"\b(?P<value>(?:college|university|high[- ]school|middle[- ]school|graduate|grad|phd|"
            r"medical|law|nursing|freshman|sophomore) (?:student|freshman|sophomore|junior|senior|"
            r"graduate|grad|dropout)|(?:\d{1,2}(?:st|nd|rd|th)) grade(?:r)?)\b",
            re.IGNORECASE,
        ),
    ),
)

MARITAL: tuple[tuple[str | None, int, re.Pattern[str]], ...] = (
    (
        # However long they were married: a death is told after it.
        "widowed",
        4,
        re.compile(
            r"\b(?P<value>my (?:\w+ )?(?:wife|husband)(?: [A-Z]\w+)?,? (?:has )?(?:died|passed away)|"
            r"I lost my (?:wife|husband)(?= to\b| in\b| last\b| \w+ (?:years?|months?|weeks?)|[.,]))"
        ),
    ),
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
            r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|I|I've been|I have been|I’ve been|Ive been|we|We|we "
            r"are|We're|we're|we have been|We have been|We've been|we've been|we’ve been|[Ss]he is|"
            r"[Hh]e is|[Cc]lient is|[Pp]t is|[Ss]he|[Hh]e|and I have been|and I are|and I were|and "
            r"I|and I got|and I've been|been|husband and I are|wife and I are|have been|currently|"
            r"now)\s+(?:currently\s+|now\s+|recently\s+|just\s+|also\s+|still\s+|have been\s+|"
            r"got\s+|getting\s+|newly\s+|happily\s+|not\s+|were\s+|legally\s+|been\s+|"
            r"a\s+)*(?P<value>(?:married|divorced|separated|engaged|single(?: (?:mom|mother|dad|"
            r"father|parent))?|widow(?:ed|er)?|remarried|unmarried|divorcing)(?:\s+(?:for|"
            r"to)?\s*(?:about|almost|over|nearly|only|more than|just)?\s*(?:\d+|a|one|two|three|"
            r"four|five|six|seven|eight|nine|ten|several|a few|twelve|fifteen|"
            r"twenty)\+?\s*(?:1/2\s+)?(?:years?|yrs?|months?|mos?|weeks?))?)(?=\W|$)"
        ),
    ),
    (
        None,
        3,
        re.compile(
            r"(?:^|[,;/|] ?|(?:\d|old|male|female|man|"
            r"woman),? and )(?P<value>(?:married(?: (?:x ?)?\d+ ?(?:years?|yrs?))?|divorced|"
            r"separated|single|widow(?:ed|er)?|engaged|remarried|never married))(?=\s*(?:[,;./|(]|"
            r"$|with\b|for\b|x\b|in (?:\d|[A-Z])|since\b|and\b))",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        3,
        re.compile(
            r"\b(?P<value>(?:going through|getting|in the middle of|filed for|filing for|went "
            r"through)\s+(?:an?|my|our|this)?\s*(?:\w+ )?divorce|our divorce|my divorce|(?:single|"
            r"divorced|widowed|married) (?:mom|mother|dad|father|parent|man|woman)|my (?:late|"
            r"deceased) (?:husband|wife)|my (?:husband|wife) (?:died|passed away)(?: [\w ]{2,20} "
            r"ago)?|my (?:first|second|third|current|new) marriage|our marriage)\b",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        2,
        re.compile(
            r"\b(?P<value>(?:my (?:husband|wife|spouse)(?: of \d+ years?)?|our (?:\w+ )?(?:wedding "
            r")?anniversary|I got married|we got married))\b",
            re.IGNORECASE,
        ),
    ),
    (
        None,
        1,
        re.compile(
            r"\b(?P<value>(?:my (?:fianc[eé]e?|boyfriend|girlfriend|bf|gf|partner)(?: of (?:\d+|a|"
            r"\w+) years?| and I have been (?:dating|together) for [\w ]{3,20}?(?:years?|months?|"
            r"weeks?))?|I (?:have|have got|got|currently have) a (?:boyfriend|girlfriend|bf|gf)|"
            r"I(?:'m| am|’m| have been|'ve been) (?:now |currently )?in a (?:[\w-]+ ){0,"
            r"2}relationship|living with my (?:boyfriend|girlfriend|partner)|(?:I(?:'ve| have|’ve) "
            r"been|we(?:'ve| have|’ve) been|I(?:'m| am)|we(?:'re| are)) dating))\b",
            re.IGNORECASE,
        ),
    ),
)
# In notes about somebody the spouse needs no "my".
WIDOWED_NOTED = re.compile(
    r"(?:(?:^|[.;,] ?)(?P<words>(?:Wife|Husband)(?: [A-Z]\w+)? (?:died|passed away))|"
    r"\b(?P<words2>(?:[Hh]is wife|[Hh]er husband)(?: [A-Z]\w+)?,? (?:died|passed away)))"
)
MARRIED_BY = re.compile(r"^my (?:husband|wife|spouse)", re.IGNORECASE)
MARITAL_NOT = re.compile(
    r"\b(?:if|want(?:s|ed)? to (?:be|get)|wants? a|should|could|would|ask(?:ed|ing)? for|"
    r"threaten\w*|never|consider\w*|about|afraid|parents|friends?|mother|father|mom|dad|sister|"
    r"brother|ex|who is|who was|he's|man|woman|guy|someone|every|not a|he is|she is|him|her)\b[\w\s']{0,14}$",
    re.IGNORECASE,
)

# "I am a sixteen-year-old girl": the noun is the client, not somebody else.
OWN_NOUN = re.compile(
    r"\b(?:I am|I'm|I’m|Im|im|i'm|i am|[Aa]s)\s+(?:an?|the)\s+(?:[\w'-]+\s+){0,5}?"
    r"(?:girl|boy|woman|man|guy|lady|student|person|teen(?:ager)?|mother|father|mom|mum|dad|parent|"
    r"wife|husband|teacher|doctor|therapist)\b"
)


ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"),
    *("sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


JOB_LEAD = re.compile(
    r"(?:(?:\d+|year|years|yrs?|old|y/?o|single|married|divorced|separated|widowed|male|female|"
    r"engaged|-)[\s-]*)+",
    re.IGNORECASE,
)


PARTNER = re.compile(r"^my (fianc[eé]e?|boyfriend|girlfriend|bf|gf|partner)\b", re.IGNORECASE)

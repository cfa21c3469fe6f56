"""People in English text: by title, by how they are introduced, and by lists of given and family names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.privacy.words import load_words
from phyassist.domain.records import Span

_LETTER = "A-Za-zÀ-ÖØ-öø-ÿ"
_CAP = rf"(?:(?<![{_LETTER}])[A-ZÀ-ÖØ-Þ](?:['’][A-Z])?[{_LETTER}]*(?:[-'’][A-ZÀ-Þ][{_LETTER}]+|-[a-zà-ÿ]{{2,}})*(?![{_LETTER}]))"
_KIN = (
    r"(?:(?:step|half)[- ]?|grand|ex[- ]?|foster |older |younger |elder |little |big |baby |twin |late |best |good |close |old )*"
    r"(?:mother|father|mum|mom|dad|brother|sister|son|daughter|husband|wife|partner|boyfriend|girlfriend|fianc[ée]e?|spouse|"
    r"uncle|aunt|auntie|cousin|nephew|niece|friend|mate|flatmate|roommate|housemate|boss|manager|supervisor|colleague|co-?worker|"
    r"neighbou?r|teacher|tutor|coach|counsell?or|therapist|psychiatrist|psychologist|doctor|GP|nurse|midwife|social worker|caseworker|"
    r"client|patient|ma|pa|nan|gran|kid|child|boy|girl|baby|twins|ex|landlord|landlady|pastor|sponsor|mother-in-law|father-in-law|"
    r"brother-in-law|sister-in-law)"
)
_TITLED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Dame|Nurse|Officer|Sergeant|Detective|Coach|Pastor|Reverend|Rev|Father|Sister|Brother|"
    rf"Uncle|Aunt|Auntie|Aunty|Grandma|Grandpa|Nana|Granny|Judge|Captain|Principal)\.? (?P<name>{_CAP}(?:[ -](?:(?:de|van|von|der|la|bin|al) )*{_CAP}){{0,2}}|[A-Z]\.?(?!\w))"
)
_INTRODUCED = re.compile(
    rf"\b(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Tt]he|[Ww]hose|[Cc]lient|[Pp]atient)(?:'s)? (?:full |first |last |real |legal |middle |maiden )?[Nn]ame(?: is|'s|’s|:| was)? (?P<a>{_CAP}(?: {_CAP}){{0,2}})"
    rf"|\b(?:[Nn]ame|[Cc]lient|[Pp]atient|[Pp]t|[Cc]aller|[Pp]arent|[Gg]uardian|[Nn]ext of kin|[Ee]mergency contact|[Cc]ontact|[Rr]eferred by|[Ss]igned|[Rr]e)(?: name)?: ?(?P<b>{_CAP}(?: {_CAP}){{0,2}})"
    rf"|\b(?:called|named|call me|goes by|nicknamed|known as) (?P<c>{_CAP}(?: {_CAP})?)"
    rf"|\b(?:I am|I'm|I’m|[Tt]his is|[Ii]t's|[Ii]t’s|[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you),? (?P<d>{_CAP}(?: {_CAP})?)(?=[,.!?;:\n]| and | from | here|,? \d|$)"
)
_NEAR = re.compile(
    rf"\b{_KIN},? (?P<name>{_CAP}(?: {_CAP})?)(?![\w'’]*(?: University| College| School))", re.UNICODE
)
_AFTER_DEED = re.compile(
    r"\b(?:told|with|called|asked|met|saw|love|loved|miss|missed|texted|and|married|dating|for) (?P<name>April|May|June|August|Will|Christian|Summer|Autumn)\b"
)
_SMALL = re.compile(
    rf"\b(?:name is|name's|named|called|call me|{_KIN})(?:,? )(?P<name>[a-z]{{3,14}})\b", re.IGNORECASE
)
_TOKEN = re.compile(_CAP)
_TYPED_SMALL = re.compile(rf"(?<![{_LETTER}@.-])[a-z]{{4,}}(?![{_LETTER}@]|\.\w)")
_INITIALS = re.compile(
    r"\b(?:[A-Z]\. ?){1,2}[A-Z][a-z]{2,}\b|(?<=[a-z,] )[A-Z]\.(?: ?[A-Z]\.)+(?=[ ,])|(?<=\b[Cc]lient )[A-Z]\b|(?<=\b[Pp]atient )[A-Z]\b"
)
# Words with a capital that are nobody's name.
_WORDS = frozenset(
    "I I'm I've I'd I'll The A An And But Or So If When While Because Since After Before As At In On Of To From For With By He She They We You It This That These "
    "Those There Here My His Her Their Our Your Its Is Was Are Were Be Been Am Do Does Did Have Has Had Can Could Will Would Should May Might Must Not No Yes Now Then "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December "
    "Christmas Easter Thanksgiving Ramadan Eid Diwali Halloween Mom Mum Dad Mother Father Grandma Grandpa Nan Gran God Lord Jesus Christ Bible English Chinese American British Indian Irish Scottish Welsh "
    "African Asian European Australian Canadian German French Spanish Italian Polish Jewish Muslim Christian Catholic Hindu Buddhist Sikh Black White Latino Hispanic Mexican Nigerian Pakistani "
    "ADHD PTSD OCD BPD GP ER ICU CBT DBT EMDR NHS SSRI HR IT PhD MA BA GCSE A-levels TV OK Ok Okay Client Patient Counsellor Counselor Therapist Doctor Nurse Pt Dr Mr Mrs Ms Miss Prof "
    "Facebook Instagram Google Zoom WhatsApp TikTok YouTube Netflix Uber Amazon Tinder Reddit Twitter Snapchat Prozac Zoloft Xanax Lexapro Ritalin Adderall Valium Seroquel Abilify Sertraline Fluoxetine "
    "Hi Hello Hey Dear Thanks Thank Please Sorry Well Oh Ah Hmm Um Just Only Also Even Still Really Very Too Maybe Perhaps Anyway Anything Everything Something Nothing Nobody Someone Everyone "
    "How What Why Who Where Which Whose Any Some All Each Every Both Few Many Most Other Another Such Same Own Goal Plan History Sleep Mood Risk Denies Reports States Says Lives Works Feels Age Aged Sex Female Male "
    "Santa Barbie Jedi Last Next First Second Third Previous Today Yesterday Tomorrow Tonight Morning Evening Night Week Month Year Autism Asperger Alzheimer Parkinson Internet English Maths Math Science Session Notes Note Referred "
    "Name Address Phone Email DOB Date Contact Number Never Always Sometimes Often Usually Once Twice Again Until Though Although However Instead Let Lets Like Feel Feeling Going Got Get Being Army Navy Marines Court Council State Church School University College Hospital Personality Disorder Borderline Bipolar Depression Anxiety Whatever Safety Water Hearing Instructor Major Syndrome Skype".split()
)
# In the middle of a sentence and with a capital, these are people.
_MONTHS_AND_MODES = frozenset("Will May April June August Mark".split())
_TITLES = frozenset(
    "Mr Mrs Ms Miss Mx Dr Prof Professor Doctor Sir Dame Nurse Pastor Father Sister Uncle Aunt Auntie Grandma Grandpa".split()
)
_SHORT = frozenset("Jo Al Ed Bo Cy Ty Di Vi Xu Li Wu Yu Ng Bea".split())
_COMMON = frozenset(
    "is was and has had who who's that with in at on for to from keeps says said told does did will would can could never always just still also lives works died left went "
    "came got gets who've are were have or but about when because so if then than while after before said's the not a an him her them me my it this me".split()
)


def find_names_en(text: str) -> Iterator[Span]:
    given, family, everyday = load_words("given_en"), load_words("family_en"), load_words("everyday_en")
    for match in _TITLED.finditer(text):
        yield _trim(text, *match.span("name"))
    for match in _INTRODUCED.finditer(text):
        group = next(name for name in "abcd" if match[name])
        first = match[group].split()[0]
        known = first in given or first in family or (first in everyday and first not in _WORDS)
        if first not in _WORDS and (group != "d" or known or _is_odd(first)):
            yield _trim(text, *match.span(group))
    for match in _NEAR.finditer(text):
        if match["name"].split()[0] not in _WORDS - _MONTHS_AND_MODES:
            yield _trim(text, *match.span("name"))
    for match in _AFTER_DEED.finditer(text):
        yield Span(*match.span("name"))
    for match in _SMALL.finditer(text):
        if match["name"].islower() and match["name"].capitalize() in given and match["name"] not in _COMMON:
            yield Span(*match.span("name"))
    for match in _INITIALS.finditer(text):
        yield Span(*match.span())
    # Much is typed without capitals; the list holds only names that are no everyday words.
    for match in _TYPED_SMALL.finditer(text):
        if match.group().capitalize() in given:
            yield Span(*match.span())
    yield from _find_listed(text, given, family, everyday)


def _find_listed(
    text: str, given: frozenset[str], family: frozenset[str], everyday: frozenset[str]
) -> Iterator[Span]:
    """Names of the lists, with the capitalised words that follow a given one."""
    tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    for no, (word, start, end) in enumerate(tokens):
        plain = re.sub(r"['’]s$", "", word)
        if plain in _WORDS or plain in _TITLES:
            continue
        begins = _begins_sentence(text, start)
        after = tokens[no + 1] if no + 1 < len(tokens) and text[end : tokens[no + 1][1]] == " " else None
        follows = after is not None and re.sub(r"['’]s$", "", after[0]) not in _WORDS
        if (
            plain in given
            or (plain in family and not begins)
            or any(part in given for part in plain.split("-")[:1] if "-" in plain)
        ):
            stop = after[2] if follows and after is not None else end
            yield _trim(text, start, stop)
        elif plain in family and after is None and _speaks_next(text, end):
            yield _trim(text, start, end)
        elif plain in everyday and begins and _SPEAKS_SURELY.match(text, end):
            yield _trim(text, start, end)
        elif plain in everyday and (
            (not begins and not _in_capitals(text, start))
            or (follows and after is not None and after[0] in family)
        ):
            yield _trim(
                text, start, after[2] if follows and after is not None and after[0] in family else end
            )
        elif not begins and _is_proper(plain) and not _in_capitals(text, start):
            yield _trim(text, start, end)


_SPEAKS_SURELY = re.compile(r" (?:and I|said|says|told|thinks|called|keeps|kept|texted|is my|was my) ")
_SPEAKS = re.compile(
    r"(?:['’]s)? (?:is|was|has|had|said|says|told|keeps|came|went|left|died|lives|works|will|would|did|does|and I|thinks|wants|never|always|called)\b"
)


def _speaks_next(text: str, end: int) -> bool:
    return _SPEAKS.match(text, end) is not None


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start].rstrip(" \t\"'“‘(*-")
    return not before or before[-1] in ".!?:;\n…•"


def _is_proper(word: str) -> bool:
    """A capital in the middle of a sentence: whoever or whatever it names, it is somebody's own."""
    return (
        word in _SHORT
        or len(word) > 2
        and word[1:].islower()
        and not re.search(r"(?:ish|ian|ese|ican|ism|ist|day)s?$", word)
    )


def _in_capitals(text: str, start: int) -> bool:
    """Whether the words around begin with capitals too, as a heading's do."""
    words = re.findall(r"[A-Za-z]+", text[max(0, start - 20) : start + 30])
    return sum(word[0].isupper() for word in words) > len(words) * 0.6 and len(words) > 3


def _is_odd(word: str) -> bool:
    """A capitalised word after "I'm" that has no ending of an adjective is likely a name."""
    return not re.search(r"(?:ed|ing|ful|less|ous|ish|ive|able|ent|ant|an|ese|ic|ly|y)$", word)


def _trim(text: str, start: int, end: int) -> Span:
    """Without a title, without a possessive and without words behind that are nobody's name."""
    words = text[start:end].split(" ")
    while len(words) > 1 and words[0].rstrip(".") in _TITLES:
        start += len(words.pop(0)) + 1
    while len(words) > 1 and re.sub(r"['’]s$", "", words[-1]) in _WORDS:
        words.pop()
    kept = re.sub(r"['’]s$", "", " ".join(words))
    return Span(start, start + len(kept))


def split_name_en(name: str) -> tuple[str, ...]:
    """The parts by which the same person may be called."""
    parts = [part.strip(".,") for part in name.split()]
    return tuple(part for part in parts if len(part) >= 2 and part not in _WORDS) if len(parts) > 1 else ()

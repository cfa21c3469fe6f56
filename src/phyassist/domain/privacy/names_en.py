"""People in English text: by title, by how they are introduced, and by lists of given and family names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.privacy.words import load_words
from phyassist.domain.records import Span

_LETTER = "A-Za-zÀ-ÖØ-öø-ÿ"
_CAP = (
    rf"(?:(?<![{_LETTER}])[A-ZÀ-ÖØ-Þ](?:['’][A-Z])?[{_LETTER}]*(?:[-'’][A-ZÀ-Þ][{_LETTER}]+|"
    rf"-[a-zà-ÿ]{{2,}})*(?![{_LETTER}]))"
)
_KIN = (
    r"(?:(?:step|half)[- ]?|grand|ex[- ]?|foster |older |younger |elder |little |big |baby |twin |late |"
    r"best |good |close |old )*"
    r"(?:mother|father|mum|mom|dad|brother|sister|son|daughter|husband|wife|partner|boyfriend|girlfriend|"
    r"fianc[ée]e?|spouse|"
    r"uncle|aunt|auntie|cousin|nephew|niece|friend|mate|flatmate|roommate|housemate|boss|manager|"
    r"supervisor|colleague|co-?worker|"
    r"neighbou?r|teacher|tutor|coach|counsell?or|therapist|psychiatrist|psychologist|doctor|GP|nurse|"
    r"midwife|social worker|caseworker|"
    r"client|patient|ma|pa|nan|gran|kid|child|boy|girl|baby|twins|ex|landlord|landlady|pastor|sponsor|"
    r"mother-in-law|father-in-law|"
    r"brother-in-law|sister-in-law)"
)
_TITLED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Dame|Nurse|Officer|Sergeant|Detective|Coach|"
    rf"Pastor|Reverend|Rev|Father|Sister|Brother|"
    rf"Uncle|Aunt|Auntie|Aunty|Grandma|Grandpa|Nana|Granny|Judge|Captain|Principal)\.? (?P<name>{_CAP}(?:[ "
    rf"-](?:(?:de|van|von|der|la|bin|al) )*{_CAP}){{0,2}}|[A-Z]\.?(?!\w))"
)
_INTRODUCED = re.compile(
    rf"\b(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Tt]he|[Ww]hose|[Cc]lient|[Pp]atient)(?:'s)? (?:full |first |last "
    rf"|real |legal |middle |maiden )?[Nn]ame(?: is|'s|’s|:| was)? (?P<a>{_CAP}(?: {_CAP}){{0,2}})"
    rf"|\b(?:[Nn]ame|[Cc]lient|[Pp]atient|[Pp]t|[Cc]aller|[Pp]arent|[Gg]uardian|[Nn]ext of kin|"
    rf"[Ee]mergency contact|[Cc]ontact|[Rr]eferred by|[Ss]igned|[Rr]e)(?: name)?: ?(?P<b>{_CAP}(?: "
    rf"{_CAP}){{0,2}})"
    rf"|\b(?:called|named|call me|goes by|nicknamed|known as) (?P<c>{_CAP}(?: {_CAP})?)"
    rf"|\b(?:I am|I'm|I’m|[Tt]his is|[Ii]t's|[Ii]t’s|[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank "
    rf"you),? (?P<d>{_CAP}(?: {_CAP})?)(?=[,.!?;:\n]| and | from | here|,? \d|$)"
)
_NEAR = re.compile(
    rf"\b{_KIN},? (?P<name>{_CAP}(?: {_CAP})?)(?![\w'’]*(?: University| College| School))", re.UNICODE
)
_AFTER_DEED = re.compile(
    r"\b(?:told|with|called|asked|met|saw|love|loved|miss|missed|texted|and|married|dating|for) "
    r"(?P<name>April|May|June|August|Will|Christian|Summer|Autumn)\b"
)
_SMALL = re.compile(
    rf"\b(?:name is|name's|named|called|call me|{_KIN})(?:,? )(?P<name>[a-z]{{3,14}})\b", re.IGNORECASE
)
_TOKEN = re.compile(_CAP)
_TYPED_SMALL = re.compile(rf"(?<![{_LETTER}@.-])[a-z]{{4,}}(?![{_LETTER}@]|\.\w)")
_INITIALS = re.compile(
    r"\b(?:[A-Z]\. ?){1,2}[A-Z][a-z]{2,}\b|(?<=[a-z,] )[A-Z]\.(?: ?[A-Z]\.)+(?=[ ,])|(?<=\b[Cc]lient "
    r")[A-Z]\b|(?<=\b[Pp]atient )[A-Z]\b"
)
# In the middle of a sentence and with a capital, these are people.
_MONTHS_AND_MODES = frozenset({"April", "August", "June", "Mark", "May", "Will"})
_TITLES = frozenset(
    {
        "Aunt",
        "Auntie",
        "Dame",
        "Doctor",
        "Dr",
        "Father",
        "Grandma",
        "Grandpa",
        "Miss",
        "Mr",
        "Mrs",
        "Ms",
        "Mx",
        "Nurse",
        "Pastor",
        "Prof",
        "Professor",
        "Sir",
        "Sister",
        "Uncle",
    }
)
_SHORT = frozenset({"Al", "Bea", "Bo", "Cy", "Di", "Ed", "Jo", "Li", "Ng", "Ty", "Vi", "Wu", "Xu", "Yu"})
_COMMON = frozenset(
    {
        "a",
        "about",
        "after",
        "also",
        "always",
        "an",
        "and",
        "are",
        "at",
        "because",
        "before",
        "but",
        "came",
        "can",
        "could",
        "did",
        "died",
        "does",
        "for",
        "from",
        "gets",
        "got",
        "had",
        "has",
        "have",
        "her",
        "him",
        "if",
        "in",
        "is",
        "it",
        "just",
        "keeps",
        "left",
        "lives",
        "me",
        "my",
        "never",
        "not",
        "on",
        "or",
        "said",
        "said's",
        "says",
        "so",
        "still",
        "than",
        "that",
        "the",
        "them",
        "then",
        "this",
        "to",
        "told",
        "was",
        "went",
        "were",
        "when",
        "while",
        "who",
        "who's",
        "who've",
        "will",
        "with",
        "works",
        "would",
    }
)


def _no_names() -> frozenset[str]:
    """Words with a capital that are nobody's name."""
    return load_words("not_names_en")


def find_names_en(text: str) -> Iterator[Span]:
    given, family, everyday = load_words("given_en"), load_words("family_en"), load_words("everyday_en")
    for match in _TITLED.finditer(text):
        yield _trim(text, *match.span("name"))
    for match in _INTRODUCED.finditer(text):
        group = next(name for name in "abcd" if match[name])
        first = match[group].split()[0]
        known = first in given or first in family or (first in everyday and first not in _no_names())
        if first not in _no_names() and (group != "d" or known or _is_odd(first)):
            yield _trim(text, *match.span(group))
    for match in _NEAR.finditer(text):
        if match["name"].split()[0] not in _no_names() - _MONTHS_AND_MODES:
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
        if plain in _no_names() or plain in _TITLES:
            continue
        begins = _begins_sentence(text, start)
        after = tokens[no + 1] if no + 1 < len(tokens) and text[end : tokens[no + 1][1]] == " " else None
        follows = after is not None and re.sub(r"['’]s$", "", after[0]) not in _no_names()
        stop = after[2] if follows and after is not None else end
        with_family = follows and after is not None and after[0] in family
        if plain in given or plain.split("-")[0] in given or (plain in family and not begins):
            yield _trim(text, start, stop)
        elif (plain in family and after is None and _speaks_next(text, end)) or (
            plain in everyday and begins and _SPEAKS_SURELY.match(text, end)
        ):
            yield _trim(text, start, end)
        elif plain in everyday and (with_family or (not begins and not _in_capitals(text, start))):
            yield _trim(text, start, stop if with_family else end)
        elif not begins and _is_proper(plain) and not _in_capitals(text, start):
            yield _trim(text, start, end)


_SPEAKS_SURELY = re.compile(r" (?:and I|said|says|told|thinks|called|keeps|kept|texted|is my|was my) ")
_SPEAKS = re.compile(
    r"(?:['’]s)? (?:is|was|has|had|said|says|told|keeps|came|went|left|died|lives|works|will|would|did|"
    r"does|and I|thinks|wants|never|always|called)\b"
)


def _speaks_next(text: str, end: int) -> bool:
    return _SPEAKS.match(text, end) is not None


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start].rstrip(" \t\"'“‘(*-")
    return not before or before[-1] in ".!?:;\n…•"


def _is_proper(word: str) -> bool:
    """A capital in the middle of a sentence: whoever or whatever it names, it is somebody's own."""
    return word in _SHORT or (
        len(word) > 2 and word[1:].islower() and not re.search(r"(?:ish|ian|ese|ican|ism|ist|day)s?$", word)
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
    while len(words) > 1 and re.sub(r"['’]s$", "", words[-1]) in _no_names():
        words.pop()
    kept = re.sub(r"['’]s$", "", " ".join(words))
    return Span(start, start + len(kept))


def split_name_en(name: str) -> tuple[str, ...]:
    """The parts by which the same person may be called."""
    parts = [part.strip(".,") for part in name.split()]
    if len(parts) == 1:
        return ()
    return tuple(part for part in parts if len(part) >= 2 and part not in _no_names())

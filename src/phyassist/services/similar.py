"""Cases like the one at hand: one's own consented notes of other patients, looked through in memory.

Only notes that the signed-in counsellor may open, of patients who agreed to be found so; names, places and
numbers are replaced before anything is shown.  Nothing is kept, and no index is written.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.folding import fold
from phyassist.domain.library import Passage
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.domain.privacy.replacing import replace_private
from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.records import Consultation, ConsultationId
from phyassist.knowledge.glossary import translate
from phyassist.knowledge.terms import split_terms
from phyassist.services.consent import allows
from phyassist.services.library import Embedder, open_index, search_passages
from phyassist.services.searching import note_words
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

SIMILAR_MAX = 5
PUBLISHED_MAX = 3
_PASSAGES_LOOKED_AT = 40
# A table of questions and answers is a collection of cases.
_CASES = "csv"
_SHARED_MAX = 8
_LATER_MAX = 3
# Themes that nearly every text has tell nothing about likeness.
_EVERYWHERE = {"ask", "thanks", "deny", "duration", "who"}
_HAN = re.compile(r"[一-鿿]+")
_LATIN = re.compile(r"[a-z]{3,}")
_ENDINGS = re.compile(r"(?:ing|edly|ed|ies|es|s|ly)$")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "the and for that with was were have has had not but you your she her his him they their them this "
        "from are been when what about there would could should into just like very because which will who",
    )
)
# What a twentieth of all passages holds, and a pair with a particle or a pronoun, tells nothing either.
_EVERYWHERE_SHARE = 0.05
_PARTICLES = frozenset("的了是我你他她它们在就都也和与着过把被这那很会要能一个不没有")
_WORD = re.compile(r"[a-z0-9']+")
_THEME_WEIGHT = 2.0
_SCORE_MIN = 0.08


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A note of another patient: why it is like the case at hand, what was tried, and what came after.

    All texts bear placeholders for whoever is named in them.
    """

    note_id: NoteId
    patient_id: PatientId
    score: float
    themes: tuple[str, ...]
    shared: tuple[str, ...] = field(repr=False)
    question: str = field(repr=False)
    symptom_type: str = field(repr=False)
    tried: tuple[str, ...] = field(repr=False)
    later: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishedCase:
    """A published case of the library, and the themes and words that it shares with the case at hand."""

    passage: Passage
    themes: tuple[str, ...]
    shared: tuple[str, ...] = field(repr=False)


def find_similar(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId, limit: int = SIMILAR_MAX
) -> tuple[SimilarCase, ...]:
    """The likest cases first, one note a patient.

    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        patients = _list_agreeing(tx, consultation.patient_id)
        notes = tx.notes.list_of([patient.id for patient in patients])
        members = tuple(member.counsellor.name for member in tx.people.members())
    ranked = _rank(_text_of(consultation), notes)[:limit]
    names = {patient.id: (patient.name, *members) for patient in patients}
    found = tuple(_make_case(each, notes, names[each.note.patient_id]) for each in ranked)
    if found:
        with store.write(by) as tx:
            for case in found:
                tx.audit.write_seldom(Act.VIEWED, Kind.NOTE, case.note_id)
    return found


def find_published(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId, embedder: Embedder | None = None
) -> tuple[PublishedCase, ...]:
    """Published cases of the library that are like the one at hand, the likest first.

    A passage that shares neither a theme nor a telling word is none, however near its vector lies.
    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.read(by) as tx:
        text = _text_of(tx.consultations.get(consultation_id))
    # Among all that the library holds, handbooks would leave no place for a case in the other language.
    found = search_passages(store, by, text, embedder=embedder, limit=_PASSAGES_LOOKED_AT, form=_CASES)
    if not found:
        return ()
    own_themes, index = list_themes(text), open_index(store, by, embedder.name if embedder else "")
    own_words = {
        term: word for term, word in _name_terms(text).items() if index.share_of(term) < _EVERYWHERE_SHARE
    }
    cases = (_compare(passage, own_themes, own_words) for passage in found)
    return tuple(case for case in cases if case.themes or case.shared)[:PUBLISHED_MAX]


def _compare(passage: Passage, own_themes: Sequence[str], own_words: Mapping[str, str]) -> PublishedCase:
    told = f"{passage.heading}\n{passage.text}"
    themes = set(list_themes(told))
    terms = set(split_terms(told))
    shared = dict.fromkeys(word for term, word in own_words.items() if term in terms)
    return PublishedCase(
        passage, tuple(theme for theme in own_themes if theme in themes), tuple(shared)[:_SHARED_MAX]
    )


def _name_terms(text: str) -> dict[str, str]:
    """The terms that a search for the text compares, each with the word to show for it."""
    folded = fold(f"{text}\n{translate(text)}").replace("’", "'")
    latin = {term: word for word in _WORD.findall(folded) for term in split_terms(word)}
    return {term: latin.get(term, term) for term in split_terms(folded) if not _PARTICLES.intersection(term)}


def _list_agreeing(tx: Tx, but: PatientId) -> list[Patient]:
    """The other patients whom the login may open and who agreed to be found as a similar case."""
    return [
        patient
        for patient in tx.patients.list()
        if patient.id != but and allows(tx, patient.id, Purpose.SIMILAR_CASES)
    ]


def _text_of(consultation: Consultation) -> str:
    return f"{consultation.question}\n{consultation.source.text}"


@dataclass(frozen=True, slots=True)
class _Ranked:
    note: Note = field(repr=False)
    score: float
    themes: tuple[str, ...]
    shared: tuple[str, ...] = field(repr=False)


def _rank(text: str, notes: Sequence[Note]) -> list[_Ranked]:
    """Notes by the words and themes that they share with the text, rare ones counting more."""
    own_words, own_themes = count_words(text), list_themes(text)
    texts = {note.id: note_words(note) for note in notes}
    counted = {note_id: count_words(words) for note_id, words in texts.items()}
    rarity = _weigh(counted.values(), own_words)
    best: dict[PatientId, _Ranked] = {}
    for note in notes:
        words = counted[note.id]
        shared = sorted(
            own_words.keys() & words.keys(), key=lambda word: (-rarity.get(word, 0.0) * len(word), word)
        )
        themes = tuple(theme for theme in list_themes(texts[note.id]) if theme in own_themes)
        score = _cosine(own_words, words, rarity) * (1 + _THEME_WEIGHT * len(themes) / (len(own_themes) or 1))
        known = best.get(note.patient_id)
        if score >= _SCORE_MIN and (known is None or score > known.score):
            best[note.patient_id] = _Ranked(note, score, themes, tuple(shared[:_SHARED_MAX]))
    return sorted(best.values(), key=lambda each: -each.score)


def count_words(text: str) -> Counter[str]:
    """Pairs of Chinese characters and English words without their endings."""
    folded = fold(text)
    counts: Counter[str] = Counter()
    for run in _HAN.findall(folded):
        counts.update(run[at : at + 2] for at in range(len(run) - 1))
    for word in _LATIN.findall(folded):
        if word not in _STOP:
            counts[_ENDINGS.sub("", word) if len(word) > 5 else word] += 1
    return counts


def list_themes(text: str) -> tuple[str, ...]:
    """What a text is about, by the reader's own lists."""
    return tuple(theme for theme in find_terms(text) if theme not in _EVERYWHERE)


def _weigh(texts: Iterable[Counter[str]], own: Counter[str]) -> dict[str, float]:
    seen: Counter[str] = Counter()
    count = 1
    for words in texts:
        count += 1
        seen.update(words.keys())
    seen.update(own.keys())
    return {word: math.log(1 + count / of) for word, of in seen.items()}


def _cosine(one: Mapping[str, int], other: Mapping[str, int], rarity: Mapping[str, float]) -> float:
    def length(words: Mapping[str, int]) -> float:
        return math.sqrt(sum((math.sqrt(count) * rarity[word]) ** 2 for word, count in words.items()))

    product = sum(
        math.sqrt(one[word] * other[word]) * rarity[word] ** 2 for word in one.keys() & other.keys()
    )
    lengths = length(one) * length(other)
    return product / lengths if lengths else 0.0


def _make_case(ranked: _Ranked, notes: Sequence[Note], names: tuple[str, ...]) -> SimilarCase:
    note = ranked.note
    later = sorted(
        (each for each in notes if each.patient_id == note.patient_id and each.number > note.number),
        key=lambda each: each.number,
    )[:_LATER_MAX]
    told = [
        note.question,
        "; ".join(item.text for item in note.of(Section.SYMPTOM_TYPE)),
        *(item.text for item in note.of(Section.ADVICE)),
        *(amendment.text for amendment in note.amendments),
        *(_sum_up(each) for each in later),
    ]
    advice = len(note.of(Section.ADVICE))
    # What is shared was read before anything was replaced: a word that is a name is shown to nobody.
    hidden, replacement = replace_private([*told, note_words(note)], names)
    private = set(replacement.originals.values())
    shared = tuple(
        word
        for word in ranked.shared
        if not any(word in fold(name) or fold(name) in word for name in private)
    )
    return SimilarCase(
        note.id,
        note.patient_id,
        round(ranked.score, 3),
        ranked.themes,
        shared,
        hidden[0],
        hidden[1],
        hidden[2 : 2 + advice],
        tuple(text for text in hidden[2 + advice : -1] if text),
    )


def _sum_up(note: Note) -> str:
    """A later note in a line or two: what was asked then, and what it was seen as."""
    parts = (note.question, *(item.text for item in note.of(Section.SYMPTOM_TYPE)))
    return " — ".join(part for part in parts if part)

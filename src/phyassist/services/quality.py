"""The app's own tasks on the cases that ship with it, by a model as it would work for a counsellor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from phyassist.domain.adapters import HELD, Forms
from phyassist.domain.people import Language
from phyassist.domain.quality import (
    CaseQuality,
    DraftReply,
    Quality,
    QualityCase,
    find_facts,
    measure_length,
    score_draft,
    score_organised,
)
from phyassist.domain.records import Record
from phyassist.domain.scores import Share
from phyassist.errors import BadInput
from phyassist.lm.protocol import LanguageModel, Stop
from phyassist.services.cases import NAMES, load_case
from phyassist.services.draft_events import AnalysisDone
from phyassist.services.drafting import analyse_text
from phyassist.services.intake import OrganiseDone, Progress, read_text

# A busy machine is to change the seconds that a model took, not what it found.
_PATIENCE_S = 900.0


def load_cases(
    per_language: int = 0, languages: Sequence[Language] = ("zh", "en")
) -> tuple[QualityCase, ...]:
    """So many cases of each of these languages, shortest first; 0: all."""
    cases = sorted((load_case(name).to_quality() for name in NAMES), key=lambda case: len(case.text))
    return tuple(
        case
        for language in languages
        for case in [each for each in cases if each.language == language][: per_language or None]
    )


def measure_quality(
    lm: LanguageModel, cases: Sequence[QualityCase], *, stop: Stop
) -> Iterator[CaseQuality | Quality]:
    """Each case as it is done, then the whole; what `stop` cut off counts for nothing.

    The model reads every text for Organise, whether or not the app would ask it, and analyses it.
    Raises BadInput where there is no case, and the model's errors.
    """
    if not cases:
        raise BadInput("there is no case to measure quality on", hint="name at least one")
    done: list[CaseQuality] = []
    for case in cases:
        measured = _measure(lm, case, stop)
        if stop.is_set():
            break
        done.append(measured)
        yield measured
    yield Quality(lm.name, tuple(done))


def _measure(lm: LanguageModel, case: QualityCase, stop: Stop) -> CaseQuality:
    started = time.monotonic()
    parts = 0
    for event in read_text(
        case.text, lm, language=case.language, known=Record(), stop=stop, second_reading_s=_PATIENCE_S
    ):
        if isinstance(event, Progress):
            parts += 1
        elif isinstance(event, OrganiseDone):
            organised = event
    written = analyse_case(lm, case, stop)
    # The first part is that of rules and classifier, which cannot be unread.
    unread = Share(len(organised.unread), max(0, parts - 1))
    return CaseQuality(
        id=case.label.id,
        language=case.language,
        adapter=written.reply.adapter,
        shares={
            "organise": score_organised(case, organised.statements, parts_unread=unread),
            "analyse": score_analysis(case, written),
        },
        lengths=tuple(measure_length(item.text) for item in written.items),
        why_unread=(*organised.unread, *(each.why for each in written.unread)),
        reply_tokens=organised.tokens + written.reply.reply_tokens,
        seconds=time.monotonic() - started,
        facts=find_facts(case, read_draft(written)),
    )


def analyse_case(lm: LanguageModel, case: QualityCase, stop: Stop, *, forms: Forms = HELD) -> AnalysisDone:
    """The app's own analysis of a case, in an adapter's own forms where it has any."""
    *_, done = analyse_text(
        case.text,
        lm,
        question=case.question,
        language=case.language,
        jurisdiction="other",
        stop=stop,
        forms=forms,
    )
    if not isinstance(done, AnalysisDone):
        raise RuntimeError("an analysis ended without AnalysisDone")
    return done


def score_analysis(case: QualityCase, done: AnalysisDone) -> Mapping[str, Share]:
    """The measures of `analyse`."""
    return score_draft(case, read_draft(done))


def read_draft(done: AnalysisDone) -> DraftReply:
    """What the scorers look at."""
    return DraftReply(done.items, done.repeated, not done.unread)

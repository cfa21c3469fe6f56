"""Drafts that a larger model writes of public texts, for a smaller one to learn from: only those that hold.

What speaks against a draft is looked for by rules; whether it is wise, no rule can say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from phyassist.domain.clock import new_id
from phyassist.domain.drafts import Basis, DraftItem, Section
from phyassist.domain.examples import Drafted
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.quality import count_repeated_runs, list_runs
from phyassist.domain.reading.sentences import Sentence, guess_language, split_sentences
from phyassist.lm.protocol import Ask, LanguageModel, Stop
from phyassist.prompts.draft import render_reply
from phyassist.prompts.draft_schema import COUNTS, load_texts
from phyassist.prompts.grounding import find_ground
from phyassist.prompts.orders import without_orders
from phyassist.services.draft_asking import prepare_question
from phyassist.services.draft_events import AnalysisDone
from phyassist.services.draft_writing import Assignment, write_items
from phyassist.services.prompting import Case, fit_case

# The first try is the likeliest draft, the others are drawn.
TRY_TEMPERATURE = 0.8
# A reason may be inferred, and is shown as such; one of a draft's three, not more.
QUOTED_MIN = 2
# Of the runs of four words of a draft, so many may have stood in it before.
REPEATED_SHARE_MAX = 0.08
# An item that takes more of its runs of four words from the task says the task over.
ECHO_SHARE_MAX = 0.34
# Whoever writes about a client says neither “I” nor “my”.
_FIRST_PERSON: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(r"\b(?:I|me|my|mine|myself|our|us|we)\b", re.IGNORECASE),
    "zh": re.compile(r"[我咱]"),
}
_NUMBER = re.compile(r"\d+")


def teach(
    text: str,
    lm: LanguageModel,
    *,
    language: Language,
    jurisdiction: Jurisdiction,
    stop: Stop,
    adapter: str = "",
    tries: int = 1,
) -> Drafted:
    """The app's own analysis of a text that belongs to no patient, and what speaks against learning it.

    Of several tries the one with the fewest faults, and of those the one that rests on most of the text.
    Raises PromptTooLong, EngineDown, ServerRefused.
    """
    case, ask, assignment = prepare_text(text, lm, language, jurisdiction, adapter=adapter)
    drafts: list[tuple[AnalysisDone, tuple[str, ...]]] = []
    for no in range(tries):
        asked = replace(ask, temperature=TRY_TEMPERATURE if no else 0.0, seed=no)
        *_, done = write_items(lm, asked, assignment, stop, new_id)
        if not isinstance(done, AnalysisDone):
            raise RuntimeError("a draft ended without AnalysisDone")
        drafts.append((done, find_faults(done, text, language)))
    done, faults = max(drafts, key=lambda each: (-len(each[1]), count_grounds(each[0], case.sentences)))
    return Drafted(ask.messages, render_reply(done.items, case.sentences), faults)


def prepare_text(
    text: str, lm: LanguageModel, language: Language, jurisdiction: Jurisdiction, *, adapter: str = ""
) -> tuple[Case, Ask, Assignment]:
    """What is asked about such a text, and what the reply is to bring.  Raises PromptTooLong."""
    case = Case(language, jurisdiction, without_orders(split_sentences(text), language))
    ask, assignment = prepare_question(case, fit_case(case, lm), "", adapter=adapter)
    return case, ask, assignment


def count_grounds(done: AnalysisDone, sentences: Sequence[Sentence]) -> int:
    """How many sentences of the text the reasons and the advice of a draft rest on."""
    quoted = {item.quote for item in done.items if item.basis == Basis.QUOTED}
    advice = [item.text for item in done.items if item.section == Section.ADVICE]
    named = [find_ground(each, 0, sentences) for each in advice]
    return len(quoted | {each.text for each in named if each is not None})


def find_faults(done: AnalysisDone, text: str, language: Language) -> tuple[str, ...]:
    """What a reader would strike out of a draft of this text, each by its name, in a fixed order."""
    items = done.items
    texts = [item.text for item in items]
    found = {
        "unread": bool(done.unread),
        "items missing": any(
            sum(item.section == section for item in items) < least for section, (least, _) in COUNTS.items()
        ),
        "reasons without the words they rest on": sum(item.basis == Basis.QUOTED for item in items)
        < QUOTED_MIN,
        "words said over": count_repeated_runs(texts).value > REPEATED_SHARE_MAX,
        "another language": any(guess_language(each) != language for each in texts),
        "a number nobody said": any(
            number not in _NUMBER.findall(text) for each in texts for number in _NUMBER.findall(each)
        ),
        "speaks as the client": any(_FIRST_PERSON[language].search(each) for each in texts),
        "the task said over": _echoes(items, language),
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _echoes(items: Sequence[DraftItem], language: Language) -> bool:
    task = set(list_runs(load_texts(language)["analyse"]))
    runs = [list_runs(item.text) for item in items]
    return any(sum(run in task for run in each) > ECHO_SHARE_MAX * len(each) for each in runs if each)

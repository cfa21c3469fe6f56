"""What stands beside a consultation, of invented people."""

from __future__ import annotations

from phyassist.domain.library import Document, DocumentId, Passage, Reference, Scope
from phyassist.domain.notes import NoteId
from phyassist.domain.people import Language, PatientId
from phyassist.domain.privacy.words import PrivateKind
from phyassist.lm.outside import Leaving
from phyassist.services.risk import make_guide
from phyassist.services.similar import PublishedCase, SimilarCase
from phyassist.web.render import View
from phyassist.web.views import aside
from phyassist.web.wording import make_words

SAID = {
    "zh": "最近总想死，药都攒好了。我爸天天喝酒，喝醉了就打我。从来没有听到过声音。",
    "en": "I want to die, I have the pills counted out. My dad was drunk and hit me. No hallucinations.",
}


def make_beside(language: Language) -> dict[str, View]:
    """Every fragment of it by name."""
    w = make_words(language)
    guide = make_guide(SAID[language], language=language, region="cn", own_contacts=("555",))
    case = SimilarCase(
        NoteId("n1"), PatientId("p2"), 0.4, ("sleep",), ("睡不",), "[NAME1]?", "x", ("walk",), ("later",)
    )
    document = Document(DocumentId("d1"), Scope.PRACTICE, Reference("Answers"), "csv", 0, 2)
    published = PublishedCase(Passage(document, 1, 0, "Awake?", "Get up."), ("sleep",), ("awake",))
    leaving = Leaving("api.example.org", ("", "[NAME1] came."), {PrivateKind.NAME: 1})
    return {
        "risk_mark": aside.view_mark(guide, "p1", w),
        "risk_mark_none": aside.view_mark(None, "p1", w),
        "risk": aside.view_risk(guide, w),
        "similar": aside.view_similar((case,), (published,), w),
        "similar_none": aside.view_similar((), (), w),
        "leaving": aside.view_leaving(leaving, w, allowed=False),
        "leaving_none": aside.view_leaving(None, w, allowed=True),
    }

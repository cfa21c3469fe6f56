"""The library's pages, of an invented handbook."""

from __future__ import annotations

from collections.abc import Callable

from phyassist.domain.library import Reference
from phyassist.domain.people import Language
from phyassist.web.render import View
from phyassist.web.views.frame import Frame
from phyassist.web.views.library import DocumentPage, DocumentRow, LibraryPage, PassageView, PieceView
from phyassist.web.wording import make_words


def make_library(language: Language, make_frame: Callable[[Language, str], Frame]) -> dict[str, View]:
    """Every page of it by name."""
    w, frame = make_words(language), make_frame(language, "library")
    row = DocumentRow(
        "d1", "Night waking", "Lee · 2020", "own", w("library.scanned", pages="3, 9"), "2026", True
    )
    card = DocumentRow("card-en-grief", "Grief", "PhyAssist", "shipped", "", "", False)
    found = PassageView("/library/d1?at=1#here", "Night waking", 12, "Diary", "Write down every night.", "en")
    pieces = (PieceView(0, 11, True, "Diary", "First.", False), PieceView(1, 12, True, "", "Second.", True))
    return {
        "library": LibraryPage(
            w=w,
            frame=frame,
            words="night",
            found=(found,),
            documents=(row,),
            cards=(card,),
            meaning=True,
            waiting=12,
            in_drafts=True,
            runs_practice=True,
            said=w("library.added"),
            problem=w("library.nothing"),
        ),
        "library_document": DocumentPage(
            w,
            frame,
            row,
            Reference("Night waking", ("Lee",), 2020, "en", "CC BY 4.0", "https://doi.org/10.1000/182"),
            "Lee",
            pieces,
            "/library/d1?at=0",
            "/library/d1?at=20",
        ),
    }

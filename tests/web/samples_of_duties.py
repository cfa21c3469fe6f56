"""Consent, the audit and receipts, of invented people."""

from __future__ import annotations

from collections.abc import Callable

from phyassist.domain.consents import Purpose
from phyassist.domain.people import Language
from phyassist.web.render import View
from phyassist.web.views import auditing, consent, erasing
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import make_words


def make_duties(
    language: Language, head: PatientHead, make_frame: Callable[[Language, str], Frame]
) -> dict[str, View]:
    """Every page of them by name."""
    w = make_words(language)
    states = ("yes", "no", "open", "open")
    purposes = tuple(
        consent.PurposeView(purpose.value, state, "" if state == "open" else "2026-10-20")
        for purpose, state in zip(Purpose, states, strict=True)
    )
    answer = consent.AnswerView(
        w("consent.purpose.drafting"), "no", "2026-10-20", "Dr. Wen", w("consent.by_guardian")
    )
    row = auditing.RowView(
        7, "2026-10-20 14:03", "Dr. Wen", w("audit.acts.viewed"), w("audit.kinds.patient"), "5f0a11c2", "web"
    )
    people = (auditing.Choice("", w("audit.everyone"), True), auditing.Choice("c1", "Dr. Wen", False))
    receipt = erasing.ReceiptView(
        "e1", "5f0a11c2", "2026-10-20 14:03", "Dr. Wen", 2, 1, 1, True, w("erasure.backups_none")
    )
    practice = make_frame(language, "practice")
    return {
        "consent": consent.ConsentPage(
            w,
            make_frame(language, "consent"),
            head,
            purposes,
            (answer,),
            "2026-11-02",
            w("consent.saved"),
            "",
            "",
        ),
        "consent_form": consent.ConsentForm(
            w,
            "light",
            "p1",
            head.name,
            "0231",
            "Dr. Wen",
            "qwen2.5-coder-1.5b-instruct",
            True,
            tuple(purpose.value for purpose in Purpose),
            ("law_cn",),
            "2026-11-02",
        ),
        "patient_audit": auditing.PatientAuditPage(w, make_frame(language, "audit"), head, (row,), "/older"),
        "practice_audit": auditing.PracticeAuditPage(
            w, practice, (row,), people, people[:1], "", "", "/older", False, "7-9f3c 02ab", "", ""
        ),
        "erasures": erasing.ErasuresPage(w, practice, (receipt,)),
        "receipt": erasing.ReceiptPage(w, practice, receipt, w("erasure.done")),
    }

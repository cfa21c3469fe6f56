"""Which field a clause belongs in: the classifier's opinion, moved by signs that settle it."""

from __future__ import annotations

from collections.abc import Mapping

from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.reading.markers import find_markers, names_kin_first, speaks_of_self
from phyassist.domain.reading.sentences import guess_language

FIELDS = ("D", "H", "M", "P", "S")

# Signs that settle a field where the classifier, trained on few sentences of it, wavers.
_LIFTS = (
    ("heredity", "H", 0.7),
    ("early", "H", 0.25),
    ("treated", "H", 0.15),
    ("blow", "H", 0.08),
    ("past", "H", 0.08),
    ("rest", "P", 0.25),
    ("food", "P", 0.25),
    ("body", "P", 0.15),
    ("dose", "P", 0.2),
    ("ailment", "P", 0.7),
    ("household", "D", 0.2),
    ("lineage", "H", 0.6),
    ("job", "D", 0.4),
    ("person", "D", 0.1),
    ("feeling", "M", 0.05),
    ("inward", "M", 0.2),
    ("function", "S", 0.15),
    ("doing", "S", 0.8),
)
# What befell somebody in a time now past is history, surer than either sign alone.
_BLOW_IN_THE_PAST = 0.3
# Risk to life is told in the mental state, whatever else the clause speaks of.
_RISK_LIFT = 1.0
# Attention, memory and thoughts are of the mind where no complaint of the body stands beside them.
_THOUGHT_LIFT = 0.2
# A relative's illness is family history; the physical condition is the client's own.
_KIN_ILLNESS = 0.4
# What is told seldom is scored too low.
_SELDOM = {"D": 0.05, "H": 0.05, "P": 0.05}
_SHORT_ZH, _SHORT_EN = 24, 72


def choose_field(text: str, by_label: Mapping[str, float]) -> str:
    """The label of the field with the best score; `by_label` holds the classifier's."""
    lifts = lift_fields(text)
    return max(FIELDS, key=lambda label: by_label[label] + _SELDOM.get(label, 0.0) + lifts.get(label, 0.0))


def lift_fields(text: str) -> dict[str, float]:
    """What the signs in a clause add to each field's score; fields without a sign are left out."""
    found = find_markers(text)
    of_kin = names_kin_first(text) and not speaks_of_self(text)
    lifts: dict[str, float] = {}
    for marker, label, lift in _LIFTS:
        if marker in found and not (label == "P" and of_kin) and not (label == "D" and "early" in found):
            lifts[label] = max(lift, lifts.get(label, 0.0))
    # Who somebody is takes few words; a long clause tells more than that.
    if "D" in lifts and len(text) > (_SHORT_ZH if guess_language(text) == "zh" else _SHORT_EN):
        lifts["D"] /= 2
    if of_kin:
        lifts["P"] = -_KIN_ILLNESS
    if of_kin and "illness" in find_terms(text):
        lifts["H"] = max(_KIN_ILLNESS, lifts.get("H", 0.0))
    if "blow" in found and {"past", "early"} & found:
        lifts["H"] = max(_BLOW_IN_THE_PAST, lifts["H"])
    if "cognition" in find_terms(text) and not {"rest", "food", "body", "dose"} & found:
        lifts["M"] = max(_THOUGHT_LIFT, lifts.get("M", 0.0))
    if ("risk" in find_terms(text) or is_of_harm(text)) and not {"heredity", "early", "blow"} & found:
        return {"M": _RISK_LIFT}
    return lifts

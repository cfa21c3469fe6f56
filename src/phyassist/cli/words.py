"""The few words of the command line's results, in both languages."""

from __future__ import annotations

from phyassist.domain.drafts import Basis, Section
from phyassist.domain.people import Language
from phyassist.domain.records import RecordField

SECTIONS: dict[Language, dict[Section, str]] = {
    "zh": {Section.SYMPTOM_TYPE: "症状类型", Section.REASON: "原因", Section.ADVICE: "建议"},
    "en": {Section.SYMPTOM_TYPE: "Symptom type", Section.REASON: "Reasons", Section.ADVICE: "Advice"},
}
FIELDS: dict[Language, dict[RecordField, str]] = {
    "zh": {
        RecordField.DEMOGRAPHIC: "人口学资料",
        RecordField.HISTORY: "个人成长史",
        RecordField.MENTAL: "精神状态",
        RecordField.PHYSICAL: "身体状态",
        RecordField.SOCIAL: "社会功能",
        RecordField.OTHER: "其他",
    },
    "en": {
        RecordField.DEMOGRAPHIC: "Demographic data",
        RecordField.HISTORY: "Personal developmental history",
        RecordField.MENTAL: "Mental state",
        RecordField.PHYSICAL: "Physical condition",
        RecordField.SOCIAL: "Social functioning",
        RecordField.OTHER: "Other",
    },
}
BASES: dict[Language, dict[Basis, str]] = {
    "zh": {Basis.QUOTED: "原话", Basis.INFERRED: "推断"},
    "en": {Basis.QUOTED: "quoted", Basis.INFERRED: "inferred"},
}
NOT_MENTIONED: dict[Language, str] = {"zh": "未提及", "en": "not mentioned"}
QUESTION: dict[Language, str] = {"zh": "咨询问题", "en": "Counselling question"}
UNREAD: dict[Language, str] = {"zh": "未能读出", "en": "could not be read"}
QUOTES: dict[Language, tuple[str, str]] = {"zh": ("「", "」"), "en": ("“", "”")}
JOINT: dict[Language, str] = {"zh": "；", "en": "; "}

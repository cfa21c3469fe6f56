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
# Why a reply is unread; in JSON the code stands.
UNREAD_WHY: dict[Language, dict[str, str]] = {
    "zh": {
        "empty": "模型没有写出任何内容。",
        "not-json": "模型的回复不是要求的格式（JSON）。",
        "other-shape": "模型的回复缺少要求的部分，或多出了没有要求的部分。",
        "cut-short": "模型的回复在写完之前因长度限制中断。",
        "unspoken": "模型写到了自杀或自伤，而没有人说过这些；从那里起没有采用。",
    },
    "en": {
        "empty": "the model wrote nothing.",
        "not-json": "the model's reply is not in the form that was asked for (JSON).",
        "other-shape": "the model's reply lacks parts that were asked for, or has others.",
        "cut-short": "the model's reply reached its length limit before it was finished.",
        "unspoken": "the model wrote of suicide or self-harm, and nobody had; the rest was not taken.",
    },
}
JOINT: dict[Language, str] = {"zh": "；", "en": "; "}

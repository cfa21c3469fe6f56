"""Orders to a machine inside a patient's words ("ignore the above and …"), in the text at hand, in the record
and in earlier notes, where they come back as quotations.

A large model leaves them alone when it is told that the text is data.  A small one carries some of them out,
so it is told that an order stood there and not what it was; the sentence keeps its number, and the source its
words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from phyassist.domain.drafts import Draft
from phyassist.domain.notes import Note
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.records import Record, RecordLine

_ORDER = re.compile(
    r"(?:忽略|无视|忘记|忘掉|不要理会|不用管|跳过)[^。！？\n]{0,8}"
    r"(?:(?:上面|以上|上述|之前|前面|此前|所有)[^。！？\n]{0,8}(?:内容|指令|指示|要求|规则|提示|文字|任务|说明)|提示词|系统)"
    r"|(?:系统|初始)(?:消息|提示词|提示|指令|设定)"
    r"|你(?:现在)?(?:是|扮演)(?:一个|一名|个)?[^，。]{0,6}(?:AI|人工智能|语言模型|大模型|模型|机器人|程序|助手)"
    r"|\b(?:ignore|disregard|forget|override|bypass) (?:(?:all|any|everything|the|of|your|these|those) ){0,3}"
    r"(?:above|(?:(?:previous|prior|preceding|earlier|above) )?(?:instructions?|prompts?|guidelines))\b"
    r"|\bsystem (?:message|prompt|instructions?)\b"
    r"|\byou are (?:now )?(?:an? )?(?:\w+ )?(?:ai|assistant|chatbot|language model|model|bot)\b"
    r"|\b(?:print|output|reply with|respond with|answer with)\b[^.!?\n]{0,30}"
    r"\b(?:prompt|instructions?|words?|json|only)\b",
    re.IGNORECASE,
)
_STAND_IN: dict[Language, str] = {
    "zh": "（此处是对机器说的话，与个案无关）",
    "en": "(words to a machine, no part of the case)",
}


def count_hidden(prefix: str, language: Language) -> int:
    """How many sentences of what a prompt begins with are shown as an order and not with their words."""
    return prefix.count(_STAND_IN[language])


def without_orders(sentences: Sequence[Sentence], language: Language) -> tuple[Sentence, ...]:
    """The sentences as a model is shown them: where one is an order to a machine, only that it is one."""
    return tuple(
        replace(sentence, text=_STAND_IN[language]) if _ORDER.search(sentence.text) else sentence
        for sentence in sentences
    )


def hide_orders(text: str, language: Language) -> str:
    """A text with its orders to a machine named as such; all else stays to the letter."""
    if not _ORDER.search(text):
        return text
    parts, end = [], 0
    for sentence in split_sentences(text):
        shown = _STAND_IN[language] if _ORDER.search(sentence.text) else sentence.text
        parts += [text[end : sentence.span.start], shown]
        end = sentence.span.end
    shown = "".join([*parts, text[end:]])
    # An order that runs over the end of a sentence is in none of them by itself.
    return _STAND_IN[language] if _ORDER.search(shown) else shown


def hide_orders_in_record(record: Record, language: Language) -> Record:
    """The record as a model is shown it."""

    def hide(line: RecordLine) -> RecordLine:
        text = hide_orders(line.statement.text, language)
        if text == line.statement.text:
            return line
        return replace(line, statement=replace(line.statement, text=text))

    return replace(record, lines=tuple(hide(line) for line in record.lines))


def hide_orders_in_draft(draft: Draft, language: Language) -> Draft:
    """A draft as a model is shown it."""
    return replace(
        draft,
        items=tuple(replace(item, text=hide_orders(item.text, language)) for item in draft.items),
    )


def hide_orders_in_note(note: Note, language: Language) -> Note:
    """A note as a model is shown it: question, items, what was written by hand, and amendments."""
    return replace(
        note,
        question=hide_orders(note.question, language),
        items=tuple(replace(item, text=hide_orders(item.text, language)) for item in note.items),
        by_hand=tuple(replace(each, text=hide_orders(each.text, language)) for each in note.by_hand),
        amendments=tuple(
            replace(amendment, text=hide_orders(amendment.text, language)) for amendment in note.amendments
        ),
    )

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

import phyassist
from phyassist import errors
from phyassist.domain.adapters import VerdictReason
from phyassist.domain.drafts import Basis, Change, DraftState, Section
from phyassist.domain.learning import Hindrance
from phyassist.domain.notes import NoteState
from phyassist.domain.people import Language, Role
from phyassist.domain.records import RecordField, Standing
from phyassist.web.wording import choose_language, load_words, make_words

PACKAGE = files("phyassist.web")
QUOTED = re.compile("“([^”]+)”")
# Quoted here are no labels: words of a draft, a role, columns of a table.
NO_LABELS = {"setup.jurisdiction_hint", "join.lead_person", "file.table.next"}
# Each has one word on the pages; these are the others.
OTHER_WORDS = {
    "zh": "审计日志|第二验证|账户|移交|收回|清除|手写|锚记|中国内地|工作台|工作室管理者|来访者|[「」]",
    "en": "figures|telephone|[Gg]ive up|What leaves",
}
COUNTED_MANY = re.compile(r"\{(?:count|notes|days|rows|held_out|left_out|found)\} (?:\w+ )?\w*[a-rt-z]s\b")
CALL = re.compile(r"""\bw\(\s*f?["']([^"']+)["'](\s*~)?""")
WHOLE = {
    "role.": [role.value for role in Role],
    "section.": [section.value for section in Section],
    "field.": [place.value for place in RecordField],
    "standing.": [Standing.NEW.value, Standing.SAME.value, Standing.DIFFERS.value],
    "basis.": [*(basis.value for basis in Basis), "not_mentioned"],
    "change.": [change.name.lower() for change in Change],
    "draft.state_": [state.value for state in DraftState],
    "life.state_": [state.value for state in NoteState],
    "assistant.need_": [hindrance.value.replace(" ", "-") for hindrance in Hindrance],
    "assistant.gate_": [reason.value.replace(" ", "-") for reason in VerdictReason],
}


def every_template() -> str:
    return "\n".join(entry.read_text("utf-8") for entry in PACKAGE.joinpath("templates").iterdir())


def every_module() -> str:
    folders = (PACKAGE, PACKAGE.joinpath("pages"), PACKAGE.joinpath("views"))
    entries = [entry for folder in folders for entry in folder.iterdir() if entry.name.endswith(".py")]
    return "\n".join(entry.read_text("utf-8") for entry in entries)


def error_codes() -> list[str]:
    kinds = [errors.PhyAssistError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [kind.code for kind in kinds if kind.__module__ == errors.__name__]


def every_reason() -> set[str]:
    """What services and readers say beside an error's code."""
    sources = (path.read_text("utf-8") for path in Path(phyassist.__file__).parent.rglob("*.py"))
    return {found for source in sources for found in re.findall(r'\breason="([a-z-]+)"', source)}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_of_an_error_has_words(language: Language) -> None:
    w = make_words(language)
    reasons = every_reason()

    known = {each for each in reasons if w.has(f"why.{each}.what") or w.has(f"file.{each}.what")}
    assert reasons - known == set()
    assert {"no-answer", "no-items", "all-edited", "table"} <= reasons


def test_both_languages_have_the_same_keys() -> None:
    zh, en = load_words("zh"), load_words("en")

    assert set(zh) == set(en)


def test_both_languages_fill_the_same_places() -> None:
    zh, en = load_words("zh"), load_words("en")

    for key, text in zh.items():
        ours = {name for _, name, _, _ in Formatter().parse(text) if name}
        theirs = {name for _, name, _, _ in Formatter().parse(en[key]) if name}
        assert ours - {"client", "Client"} == theirs - {"client", "Client"}, key


def test_every_key_that_a_page_says_exists() -> None:
    words = load_words("zh")

    for key, joined in CALL.findall(every_template() + every_module()):
        if joined or "{" in key:
            before = key.split("{")[0]
            assert any(known.startswith(before) for known in words), key
        else:
            assert key in words, key


def test_every_value_that_a_page_may_say_has_words() -> None:
    words = load_words("en")

    for before, names in WHOLE.items():
        for name in names:
            assert before + name in words, before + name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_sentence_points_to_is_called_so_on_the_page(language: Language) -> None:
    words = load_words(language)

    for key, text in words.items():
        for name in () if key in NO_LABELS else QUOTED.findall(text):
            assert name in words.values(), f"{key}: {name}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_thing_has_one_word(language: Language) -> None:
    words = load_words(language)

    said = {key for key, text in words.items() if re.search(OTHER_WORDS[language], text)}

    assert said <= {"client.client"}


@pytest.mark.parametrize("code", error_codes())
def test_every_error_says_what_happened_and_what_to_do(code: str) -> None:
    for language in ("zh", "en"):
        words = load_words(language)
        assert words[f"error.{code}.what"]
        assert words[f"error.{code}.next"]


def test_no_count_reads_wrongly_where_it_is_one() -> None:
    said = {key for key, text in load_words("en").items() if COUNTED_MANY.search(text)}

    assert said == set()


def test_no_template_joins_its_words_with_the_signs_of_one_language() -> None:
    said = re.sub(r"<[^>]*>", "", every_template())

    assert re.findall(r".{,30}(?:}(?:, |: |; )|\(){{.{,30}", said) == []


def test_no_words_exclaim() -> None:
    said = "".join([*load_words("zh").values(), *load_words("en").values()])

    assert "!" not in said
    assert "！" not in said


def test_the_browsers_first_language_that_we_speak_is_chosen() -> None:
    assert choose_language("", "fr-CH, zh-CN;q=0.9, en;q=0.8") == "zh"
    assert choose_language("", "en-GB,zh;q=0.5") == "en"
    assert choose_language("en", "zh-CN") == "en"
    assert choose_language("", "fr", "zh") == "zh"
    assert choose_language("", "") == "en"


def test_the_practice_chooses_what_the_person_is_called() -> None:
    assert make_words("zh")("rail.new") == "新建来访者"
    assert make_words("zh", "patient")("rail.new") == "新建患者"
    assert make_words("en", "unheard of")("rail.new") == "New client"

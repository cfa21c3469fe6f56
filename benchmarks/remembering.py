"""Facts of a patient's earlier sessions that no longer fit the prompt: who still answers them?

    python -m benchmarks.remembering MODEL.gguf --base FOLDER --work FOLDER

One invented patient of each language, twelve sessions with a fact in each; the window is so small that the
prompt holds the newest notes alone.  Every fact that is left out is asked for, as in a chat: of the base,
with the lines that `services/recalling.py` finds, of an adapter that was trained on the notes as the app
trains, and of the adapter with those lines.  An answer is right that says the word that is asked for.
Writes docs/results/remembering.md and remembering.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.learning import BEGAN, Bench, say
from benchmarks.machine import list_facts, write_results
from benchmarks.signing import Kept, make_told

from phyassist.domain.chats import Given
from phyassist.domain.drafts import Basis, DraftItem, ItemId, Section
from phyassist.domain.people import Language
from phyassist.domain.records import Span
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import Ask, LanguageModel, Never, Reply
from phyassist.prompts.chat import REPLY_TOKENS, Talk, make_messages, render_question
from phyassist.services.learning_examples import Told
from phyassist.services.prompting import Case, fit_case, fit_whole_notes
from phyassist.services.recalling import recall

# The prompt's share for the file holds about three of the notes.
CONTEXT_TOKENS = 3072
WAYS = ("base", "lines found", "adapter", "adapter and lines")
# What the client said, what the note made of it, the question, and the word that a right answer says.
FACTS: Mapping[Language, Sequence[tuple[str, str, str, str]]] = {
    "en": (
        (
            "My dog Biscuit is the only one I talk to at night.",
            "The client talks to the dog Biscuit at night, so nobody else hears of the worries.",
            "What is the client's dog called?",
            "biscuit",
        ),
        (
            "I have worked at the library in Leeds for nine years.",
            "The client has worked at the library in Leeds for nine years, so leaving is hard to imagine.",
            "In which town does the client work?",
            "leeds",
        ),
        (
            "My brother Tomas stopped calling after the funeral.",
            "The client lost touch with the brother Tomas after the funeral, which deepened the grief.",
            "What is the client's brother called?",
            "tomas",
        ),
        (
            "The doctor put me on sertraline, fifty milligrams.",
            "The client was put on sertraline, which eased the mornings a little.",
            "Which medicine did the doctor put the client on?",
            "sertraline",
        ),
        (
            "I used to play the cello in an orchestra until I was thirty.",
            "The client gave up the cello at thirty, and this took away a place to rest.",
            "Which instrument did the client use to play?",
            "cello",
        ),
        (
            "I cannot go over the bridge on Mill Street any more.",
            "The client avoids the bridge on Mill Street, so the way to work takes an hour.",
            "On which street is the bridge that the client avoids?",
            "mill",
        ),
        (
            "My daughter is studying chemistry and I hardly see her.",
            "The client hardly sees the daughter who studies chemistry, which feels like being left.",
            "What does the client's daughter study?",
            "chemistry",
        ),
        (
            "I count the tiles in the kitchen before I can sleep.",
            "The client counts the tiles in the kitchen before sleep, so the evenings grow long.",
            "What does the client count before sleeping?",
            "tiles",
        ),
        (
            "My manager Priya said I was too slow, in front of everyone.",
            "The client was called slow by the manager Priya, which brought back school.",
            "What is the client's manager called?",
            "priya",
        ),
        (
            "I have started swimming on Thursdays, it helps for an hour.",
            "The client swims on Thursdays, and so one evening a week is lighter.",
            "On which day does the client swim?",
            "thursday",
        ),
        (
            "I dreamt of the lighthouse again, the one near my grandmother's.",
            "The client dreams of a lighthouse, which stands for the grandmother's house.",
            "Which building does the client dream of?",
            "lighthouse",
        ),
        (
            "I told my wife about the debts at last.",
            "The client told the wife about the debts, and so the secret is out.",
            "What did the client tell the wife about?",
            "debt",
        ),
    ),
    "zh": (
        (
            "我养了一只橘猫叫年糕，晚上只跟它说话。",
            "来访者晚上只跟橘猫年糕说话，因此担心的事没有人听到。",
            "来访者的橘猫叫什么？",
            "年糕",
        ),
        (
            "我在苏州的档案馆干了九年。",
            "来访者在苏州的档案馆工作了九年，所以很难想象离开。",
            "来访者在哪个城市工作？",
            "苏州",
        ),
        (
            "我表哥建军葬礼之后再没打过电话。",
            "来访者在葬礼后与表哥建军断了联系，使得哀伤更重。",
            "来访者的表哥叫什么？",
            "建军",
        ),
        (
            "医生给我开了舍曲林，早上好一点。",
            "来访者开始服用舍曲林，于是早上稍微轻松。",
            "医生给来访者开了什么药？",
            "舍曲林",
        ),
        (
            "三十岁以前我一直在乐团拉大提琴。",
            "来访者三十岁起不再拉大提琴，从而少了一个能安静的地方。",
            "来访者以前拉什么乐器？",
            "大提琴",
        ),
        (
            "清河路那座桥我现在不敢过。",
            "来访者不敢过清河路的桥，所以上班要绕一个小时。",
            "来访者不敢过哪条路上的桥？",
            "清河",
        ),
        (
            "女儿在外地读化学，很少见面。",
            "来访者很少见到读化学的女儿，因此觉得被留下。",
            "来访者的女儿读什么专业？",
            "化学",
        ),
        (
            "睡前我总要数厨房的瓷砖。",
            "来访者睡前总要数厨房的瓷砖，于是晚上变得很长。",
            "来访者睡前数什么？",
            "瓷砖",
        ),
        (
            "主管韩梅当着大家说我太慢。",
            "来访者被主管韩梅当众说太慢，这让学生时代的感受又回来。",
            "来访者的主管叫什么？",
            "韩梅",
        ),
        (
            "我开始每周四去游泳，能轻松一个小时。",
            "来访者每周四去游泳，因此一周有一个晚上轻松一些。",
            "来访者星期几去游泳？",
            "四",
        ),
        (
            "我又梦见外婆家附近的灯塔。",
            "来访者常梦见灯塔，从而想起外婆家。",
            "来访者常梦见什么建筑？",
            "灯塔",
        ),
        (
            "欠债的事我终于跟妻子说了。",
            "来访者把欠债的事告诉了妻子，于是不必再瞒。",
            "来访者把什么事告诉了妻子？",
            "欠债",
        ),
    ),
}
REST: Mapping[Language, tuple[str, tuple[str, str], tuple[str, str, str], str]] = {
    "en": (
        "low mood and worry",
        (
            "The client worries about the coming week, which keeps the evenings tense.",
            "The client rarely asks anybody for help, so the load stays on one person.",
        ),
        (
            "Ask the client what the past week was like, and what helped on the better days.",
            "Look with the client at one worry, and at what speaks for and against it.",
            "Agree with the client on one small step for the week, and when to look back on it.",
        ),
        "How is the client, and what next?",
    ),
    "zh": (
        "情绪低落与担忧",
        (
            "来访者担心接下来的一周，所以晚上一直紧张。",
            "来访者很少向别人求助，因此压力都在自己身上。",
        ),
        (
            "询问来访者过去一周的情况，哪几天好一些。",
            "和来访者一起看待一件担心的事，找出支持和不支持的理由。",
            "约定这一周的一小步，并约好什么时候回顾。",
        ),
        "来访者现在怎么样，下一步做什么？",
    ),
}


def tell(no: int, language: Language) -> Told:
    """The signed note of a session, with the text that it was made of."""
    said, reason, _, _ = FACTS[language][no]
    kind, reasons, advice, question = REST[language]
    at, texts = BEGAN + timedelta(days=7 * no), [kind, reason, *reasons, *advice]
    sections = [Section.SYMPTOM_TYPE, *[Section.REASON] * 3, *[Section.ADVICE] * 3]
    items = tuple(
        DraftItem(
            ItemId(f"i{no}-{place}"),
            section,
            text,
            basis=None if section != Section.REASON else Basis.QUOTED if place == 1 else Basis.INFERRED,
            quote=said if place == 1 else "",
            span=Span(0, len(said)) if place == 1 else None,
        )
        for place, (section, text) in enumerate(zip(sections, texts, strict=True))
    )
    return make_told(no, "p", at, text=said, question=question, drafted=items, kept=items)


def answer(lm: LanguageModel, case: Case, question: str, adapter: str, *, with_lines: bool) -> str:
    """As a chat about the patient asks, without the conversation before."""
    fitted = fit_case(case, lm)
    notes, shown = fit_whole_notes(case, fitted, lm)
    given = Given(left_out=tuple(note.id for note in case.notes if note not in notes))
    lines = recall(case, given, question) if with_lines else ()
    talk = Talk(case.language, case.jurisdiction, fitted.prefix, shown)
    asked = render_question(talk, question, recalled=lines, answer_in=case.language)
    messages = make_messages(talk, summary="", exchanges=(), question=asked)
    *_, reply = lm.write(Ask(messages, REPLY_TOKENS, adapter=adapter), Never())
    if not isinstance(reply, Reply):
        raise RuntimeError("an answer ended without a Reply")
    return reply.text


def measure(bench: Bench, language: Language) -> dict[str, Any]:
    tolds = [tell(no, language) for no in range(len(FACTS[language]))]
    name = f"remembering-{language}"
    run = bench.train(name, bench.make_examples(tolds, "none"))
    bench.engine.take_adapter(name, bench.kept.path(f"{name}.gguf").read_bytes())
    case = Case(language, "other", (), notes=tuple(told.note for told in tolds))
    shown, _ = fit_whole_notes(case, fit_case(case, bench.lm), bench.lm)
    left_out = {note.id for note in case.notes} - {note.id for note in shown}
    rows = []
    for told, (_, _, question, word) in zip(tolds, FACTS[language], strict=True):
        if told.note.id not in left_out:
            continue
        said = {
            way: bench.kept.find(
                f"{name}-{told.note.id}-{no}",
                lambda question=question, no=no: answer(  # type: ignore[misc]  # bound at once
                    bench.lm, case, question, name if no > 1 else "", with_lines=no % 2 == 1
                ),
            )
            for no, way in enumerate(WAYS)
        }
        right = {way: word in text.casefold() for way, text in said.items()}
        say(f"{language} {question}: {right}")
        rows.append({"question": question, "word": word, "answers": said, "right": right})
    return {"run": run, "left_out": len(left_out), "rows": rows}


def make_page(found: Mapping[str, Any]) -> str:
    lines = ["# What is remembered of earlier sessions", ""]
    lines += [f"- {name}: {value}" for name, value in found["facts"].items()]
    lines += [
        "",
        "Facts of notes that no longer fit the prompt, asked for in a chat; answered rightly:",
        "",
        f"| language | facts | {' | '.join(WAYS)} | minutes of training |",
        "|---" * (len(WAYS) + 3) + "|",
    ]
    for language, each in found["by_language"].items():
        right = [str(sum(row["right"][way] for row in each["rows"])) for way in WAYS]
        lines.append(f"| {language} | {len(each['rows'])} | {' | '.join(right)} | {each['run']['minutes']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="the same model as a folder to train on")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--languages", default="en,zh")
    options = parser.parse_args()
    options.epochs = 3.0
    by_language: dict[str, Any] = {}
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        bench = Bench(engine, options.base, Kept(options.work), options)
        for language in (each for each in FACTS if each in options.languages.split(",")):
            by_language[language] = measure(bench, language)
    found = {
        "facts": list_facts(
            f"python -m benchmarks.remembering {options.model.name} --base FOLDER --work FOLDER "
            f"--languages {options.languages}",
            ("xllamacpp", "torch", "peft"),
            model=f"{options.model.stem}, a window of {CONTEXT_TOKENS} tokens",
        ),
        "by_language": by_language,
    }
    write_results("remembering", found, make_page(found))


if __name__ == "__main__":
    main()

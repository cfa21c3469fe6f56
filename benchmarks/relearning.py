"""Whether an assistant that has learnt already goes on learning, and whether the gate lets it.

After the first notes an adapter is trained; it drafts the others.  Another one then learns from all of them,
on top of the model alone as a second press of Train has it, in two ways: what the first had drafted is learnt
whole (`whole`), or held to what the first says there (`held`).  Counted as in `benchmarks.learning`, on texts
that nobody has learnt from; the gate judges against the first one in use.
Needs the drafts of `benchmarks.learning` in --work, or makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.learning import (
    CONTEXT_TOKENS,
    Bench,
    count,
    make_parser,
    name_base,
    name_file,
    say,
    sign,
    sum_up,
)
from benchmarks.learning_page import show
from benchmarks.machine import list_facts, write_results
from benchmarks.signing import Kept
from benchmarks.tastes import COUNSELLORS, Counsellor

from phyassist.domain.adapters import HELD, Forms
from phyassist.domain.frames import AUTHOR
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import CONFIG_FILE, WEIGHTS_FILE, Never
from phyassist.services.gate import CASES_MAX, measure_general
from phyassist.services.learning_examples import Told
from phyassist.services.quality import load_cases
from phyassist.training.base import choose_precision
from phyassist.training.recipe import get_preset

WAYS = ("whole", "held")
GENERAL = ("facts_used", "reasons_quoted", "words_repeated")


class RelearningBench(Bench):
    """The bench of learning, where an adapter drafts the notes that the next one learns."""

    def measure_again(self, by: Counsellor) -> dict[str, Any]:
        """One counsellor: the base, the first adapter, and those that learnt from its notes too."""
        texts, asked = self.part_texts(by)
        after = self.options.first
        older = self.sign_first(by, after)
        first, forms = f"first-{by.name}-{after}", self.find_forms(older)
        own = forms.get(by.language, HELD)
        run = self.train(first, self.make_examples(older))
        self.take(first)
        newer = [
            sign(no, text, self.draft(f"{first}-{no}", text, by, adapter=first, forms=own), by)
            for no, text in enumerate(texts[after : self.options.notes], after)
        ]
        files = {
            each: self.kept.path(name_file(first, each)).read_bytes() for each in (CONFIG_FILE, WEIGHTS_FILE)
        }
        base = self.drafts(f"{name_base(by)}-t", asked, by)
        found: dict[str, Any] = {
            "wants": by.wants,
            "base": {**sum_up([count(each, by) for each in base]), "general": self.count_general(by)},
            "first": {
                **self.count_drafts(first, by, older),
                "general": self.count_general(by, first, own),
                "minutes": run["minutes"],
            },
        }
        say(f"{by.name}: {found}")
        for way in WAYS:
            found[way] = self.measure_second(by, [*older, *newer], first, files, way)
            say(f"{by.name}, {way}: {found[way]}")
        return found

    def measure_second(
        self, by: Counsellor, tolds: Sequence[Told], first: str, files: Mapping[str, bytes], way: str
    ) -> dict[str, Any]:
        """What learnt from all notes, and what the gate says of it while the first is in use."""
        name = f"second-{by.name}-{self.options.first}-{len(tolds)}-{way}"
        authors = [first] if way == "held" else []
        examples = self.make_examples(tolds, authors=authors)
        run = self.train(
            name, examples, others={first: files, **{f"{AUTHOR} {each}": files for each in authors}}
        )
        self.take(name)
        forms, of_first = self.find_forms(tolds), self.find_forms(tolds[: self.options.first])
        gate = self.kept.find(
            f"gate-{name}",
            lambda: self.judge(examples, name, run["losses"], forms, present=first, present_forms=of_first),
        )
        general = self.count_general(by, name, forms.get(by.language, HELD))
        return {**self.count_drafts(name, by, tolds), "general": general, "run": run, "gate": gate}

    def count_drafts(self, adapter: str, by: Counsellor, tolds: Sequence[Told]) -> dict[str, float]:
        own = self.find_forms(tolds).get(by.language, HELD)
        asked = self.part_texts(by)[1]
        drafts = self.drafts(f"learnt-{adapter}-", asked, by, adapter=adapter, forms=own)
        return sum_up([count(each, by, [told.note for told in tolds]) for each in drafts])

    def count_general(self, by: Counsellor, adapter: str = "", forms: Forms = HELD) -> dict[str, list[int]]:
        """On the gate's texts from elsewhere: what was found, of how many."""

        def measure() -> dict[str, list[int]]:
            cases = load_cases(CASES_MAX, [by.language])
            found = measure_general(
                self.lm, cases, lambda _: adapter, {adapter: {by.language: forms}}, Never()
            )
            shares = {each: found.share("analyse", each, by.language) for each in GENERAL}
            return {each: [share.hits, share.of] for each, share in shares.items()}

        return dict(self.kept.find(f"general-{adapter or 'base'}-{by.language}", measure))

    def take(self, adapter: str) -> None:
        self.engine.take_adapter(adapter, self.kept.path(f"{adapter}.gguf").read_bytes())


def make_page(found: Mapping[str, Any]) -> str:
    lines = ["# Learning once more", ""]
    lines += [f"- {name}: {value}" for name, value in found["facts"].items()]
    lines += [
        "",
        "Characters to change for a hundred that are kept · items kept as they are · drafts that met the "
        f"taste at once.  The first assistant learnt from {found['first']} notes and drafted the others of "
        f"{found['notes']}. Beside it, on the gate's texts from elsewhere: facts used, reasons with a quote, "
        "runs of words that come again.",
        "",
        "| counsellor wants | base | first | second, its drafts learnt whole | gate | second, held to the "
        "first | gate |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["counsellors"].values():
        cells = [
            row["wants"],
            *(f"{show(row[each])} · {show_general(row[each])}" for each in ("base", "first")),
        ]
        for way in WAYS:
            gate = row[way]["gate"]
            lost = f" ({', '.join(gate['lost'])})" * bool(gate["lost"])
            cells += [f"{show(row[way])} · {show_general(row[way])}", f"{gate['reason']}{lost}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def show_general(row: Mapping[str, Any]) -> str:
    return " · ".join(f"{hits}/{of}" for hits, of in row["general"].values())


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--first", type=int, default=5, help="after how many notes the first one is trained")
    parser.add_argument("--counsellors", default=",".join(each.name for each in COUNSELLORS))
    options = parser.parse_args()
    command = f"python -m benchmarks.relearning {options.model.name} --base FOLDER --work FOLDER"
    command += f" --first {options.first} --notes {options.notes} --counsellors {options.counsellors}"
    counsellors: dict[str, Any] = {}
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        bench = RelearningBench(engine, options.base, Kept(options.work), options)
        for by in (each for each in COUNSELLORS if each.name in options.counsellors.split(",")):
            counsellors[by.name] = bench.measure_again(by)
            found = {
                "facts": list_facts(
                    command,
                    ("xllamacpp", "torch", "peft"),
                    model=options.model.stem,
                    precision=choose_precision(get_preset("notes"), "cpu"),
                ),
                "first": options.first,
                "notes": options.notes,
                "counsellors": counsellors,
            }
            write_results("relearning", found, make_page(found))


if __name__ == "__main__":
    main()

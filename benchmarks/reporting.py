"""The page that `records.py` writes: each limit of the issue beside what was measured, then all figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def make_page(facts: Json, found: Json) -> str:
    lines = ["# Records: how fast they are", "", *(f"- {name}: {value}" for name, value in facts.items())]
    lines += ["", "| what | wanted | measured | holds |", "|---|---|---|---|"]
    lines += [
        f"| {what} | {wanted} | {got} | {'yes' if holds else '**no**'} |"
        for what, wanted, got, holds in limits(found)
    ]
    for part, explain in (("ratios", explain_ratios), ("sizes", explain_sizes), ("load", explain_load)):
        if part in found:
            lines += ["", *explain(found[part])]
    return "\n".join(lines) + "\n"


def limits(found: Json) -> Iterator[tuple[str, str, str, bool]]:
    if "ratios" in found:
        for act, what, most in (("save", "save a note", 1.5), ("read", "read a patient of 40 notes", 1.6)):
            ratio = found["ratios"][act]["ratio"]
            bare = ratio["nothing sealed"]
            yield f"{what}: sealed / same code, nothing sealed", f"≤ {most}×", f"{bare:.2f}×", bare <= most
    for engine, figures in found.get("sizes", {}).items():
        for name, what, most in (
            ("patient, 200 notes", "open a patient with 200 notes", 50),
            ("list", "list 2,000 patients", 100),
            ("search, slowest", "search 20,000 notes after the first, slowest of six", 50),
        ):
            yield f"{what}, {engine}", f"≤ {most} ms", f"{figures[name][0]:.0f} ms", figures[name][0] <= most
    if "load" in found:
        load = found["load"]
        p95 = load["ms"]["all"]["p95"]
        what = f"{load['counsellors']} counsellors for {load['seconds']:.0f} s, p95 of page loads"
        yield what, "≤ 300 ms", f"{p95:.0f} ms", p95 <= 300 and not load["failures"]


def explain_ratios(ratios: Json) -> Iterator[str]:
    yield "## Sealed against plain"
    yield ""
    yield "| | sealed, ms | same code, nothing sealed | plain ORM | sealed / nothing sealed | sealed / ORM |"
    yield "|---|---|---|---|---|---|"
    acts = {"save": "save a note, its own commit", "read": "read a patient: 40 notes, drafts, consultations"}
    for act, what in acts.items():
        ms, ratio = ratios[act]["ms"], ratios[act]["ratio"]
        yield (
            f"| {what} | {ms['sealed']:.2f} | {ms['nothing sealed']:.2f} | {ms['ORM']:.2f} "
            f"| {ratio['nothing sealed']:.2f}× | {ratio['ORM']:.2f}× |"
        )
    yield ""
    yield (
        "SQLite, synchronous=FULL for all three. What sealing costs is the ratio to the same code with "
        "nothing sealed. The plain ORM keeps the words as JSON columns, numbers the notes and writes one "
        "row of an audit, but knows no versions, rights, fingerprints or chain of hashes, and gives back "
        "dictionaries where ours gives typed values: the ratio to it is what the whole store costs."
    )


def explain_sizes(sizes: Json) -> Iterator[str]:
    engines = list(sizes)
    yield "## One large practice"
    yield ""
    yield "| milliseconds | " + " | ".join(f"{each} | of it own work" for each in engines) + " |"
    yield "|---|" + "---|---|" * len(engines)
    for name in next(iter(sizes.values())):
        if name != "facts":
            took = (" | ".join(str(each) for each in sizes[engine][name]) for engine in engines)
            yield f"| {name} | " + " | ".join(took) + " |"
    yield ""
    for engine in engines:
        facts = ", ".join(f"{name} {each:,}" for name, each in sizes[engine]["facts"].items())
        yield f"- {engine}: {facts}"
    yield ""
    yield (
        "One counsellor has 2,002 patients with 20,210 notes of about 2 KB, a consultation and a draft for "
        "each; the rest of the store belongs to colleagues. Every figure but the firsts is the median of "
        "several, with the login looked up anew as a page does it, so no key of an earlier request is at "
        "hand. The first search opens every note; `search after a new note` opens the one just signed. `Own "
        "work` is what this process computed; the rest is PostgreSQL's work and waiting for a processor. "
        "PostgreSQL had vacuumed and analysed, as it does by itself some minutes after such a filling."
    )


def explain_load(load: Json) -> Iterator[str]:
    yield f"## {load['counsellors']} counsellors at once"
    yield ""
    yield "| page | loads | p50, ms | p95 | p99 | slowest |"
    yield "|---|---|---|---|---|---|"
    for kind, ms in load["ms"].items():
        yield f"| {kind} | {ms['pages']} | {ms['p50']} | {ms['p95']} | {ms['p99']} | {ms['max']} |"
    first, (before, after), work = load["first"], load["load average"], load["processor ms a page"]
    yield ""
    yield (
        f"{load['pages']:,} page loads ({load['replies']:,} replies) in {load['seconds']:.0f} s, "
        f"{len(load['failures'])} failed. Two `phyassist serve` processes on one PostgreSQL (fsync on); each "
        "counsellor has 30 patients with 10 notes each and waits one or two seconds between pages, and each "
        "page comes from either process. `patient` follows a redirect to the last consultation. A load ends "
        "when the page and the styles and scripts that a browser asks for are there."
    )
    yield ""
    ours, others = load["processors used by this"], load["processors used by others"]
    yield (
        "The driver and PostgreSQL ran on the same machine, and so did other people's work: this run used "
        f"{ours:.0%} of its processors, the others {others:.0%}; load average {before} before and {after} "
        f"after. A page cost {work['web']} ms of processor in the web processes, {work['PostgreSQL']} ms in "
        f"PostgreSQL and {work['driver']} ms in the driver."
    )
    yield ""
    yield (
        f"Before that, {first['seconds']:.0f} s in which the processes had just started and no browser had "
        f"anything: {first['pages']} loads, p50 {first['p50']} ms, p95 {first['p95']} ms."
    )

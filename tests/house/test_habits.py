"""Habits that a reader would have to watch for: environment, broad excepts, printing, people in reprs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.tree import ROOT, Module, list_modules

# The three places that may catch everything, and what stands in for them while a reply is being streamed.
HOOKS = {
    "phyassist.cli.main",
    "phyassist.web.faults",
    "phyassist.services.working",
    "phyassist.training.pipe",
}
# The engine's child sets a variable for the native library that it is about to load, and pip is handed
# the environment as it is, as the reader of documents is handed a little of it: none reads from it.
ENVIRONMENT_READERS = {
    "phyassist.settings",
    "phyassist.lm.child",
    "phyassist.lm.wheels",
    "phyassist.knowledge.documents",
    "phyassist.knowledge.meaning",
}
# Fields that may hold what a patient said, or who they are.
PRIVATE = {
    "text",
    "quote",
    "name",
    "words",
    "question",
    "reply",
    "partial",
    "excerpt",
    "reason_given",
    "author",
}
# Where these words name something else: a model, a file, a program's own text.
PUBLIC_PARTS = {"lm", "cli", "vault", "settings"}
# Who may hear of risk: the service that reads it, and what shows it on the page and on the command line.
# The practice's page takes from there the regions whose crisis contacts it offers.
RISK_READER = "phyassist.services.risk"
RISK_SHOWN_BY = {"phyassist.cli.beside", "phyassist.web.pages.aside", "phyassist.web.views.aside"}
RISK_CONTACTS_CHOSEN_BY = {"phyassist.web.pages.workspace": {"REGIONS"}}


def _nodes(module: Module) -> Iterator[ast.AST]:
    return ast.walk(module.tree)


def test_nobody_reads_the_environment_but_the_settings():
    readers = {
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        for node in _nodes(module)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and module.name not in ENVIRONMENT_READERS
    }

    assert readers == set()


def test_everything_is_caught_in_the_hooks_alone():
    broad = {
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        for node in _nodes(module)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
        and module.name not in HOOKS
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    }

    assert broad == set()


def test_nothing_is_printed_past_the_screen():
    prints = {
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        for node in _nodes(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }

    assert prints == set()


def test_fields_that_hold_a_persons_words_stay_out_of_reprs():
    loud = {
        f"{module.name}.{node.name}.{line.target.id}"
        for module in list_modules()
        if module.part in {"domain", "services", "store", "prompts"}
        for node in _nodes(module)
        if isinstance(node, ast.ClassDef) and _is_dataclass(node)
        for line in node.body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and line.target.id in PRIVATE
        and _holds_words(line.annotation)
        and not _is_hidden(line.value)
        and not _hides_all(node)
    }

    assert loud == set()


def test_a_template_holds_no_calls_but_words_and_macros():
    """A page's rules stand in its view: a template that asks services is a rule out of sight."""
    import re

    folder = ROOT / "src" / "phyassist" / "web" / "templates"
    forbidden = re.compile(r"\{[%{][^}]*\b(services|store|open_store|sorted\(|now\()")

    found = [
        f"{path.name}: {match.group(0)}"
        for path in sorted(folder.rglob("*.html"))
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_algorithms_are_named_in_the_vault_alone():
    words = ("aesgcm", "argon2", "x25519", "hkdf", "hpke", "chacha")
    named = {
        f"{module.name}: {alias.name}"
        for module in list_modules()
        if module.part != "vault"
        for node in _nodes(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if any(word in f"{getattr(node, 'module', '')}.{alias.name}".lower() for word in words)
        and not (getattr(node, "module", "") or "").startswith("phyassist.vault")
    }

    assert named == set()


def test_risk_is_read_in_one_place_and_shown_so_that_nothing_can_be_hidden_by_it():
    """Who does not know of a sign cannot leave anything out because of it."""
    taken = {
        (module.name, node.module, alias.name)
        for module in list_modules()
        if not module.name.startswith("phyassist.domain.risk")
        for node in _nodes(module)
        if isinstance(node, ast.ImportFrom)
        and (f"{node.module}.".startswith(("phyassist.domain.risk.", f"{RISK_READER}.")))
        for alias in node.names
    }

    finds = {name for name, _, what in taken if what in {"find_risk", "find_words"}}
    knows = {name for name, _, what in taken if what not in RISK_CONTACTS_CHOSEN_BY.get(name, set())} - {
        RISK_READER
    }
    whole = {
        module.name
        for module in list_modules()
        for node in _nodes(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if f"{getattr(node, 'module', '')}.{alias.name}".endswith(
            ("services.risk", "domain.risk", "risk.reading", "risk.lexicon")
        )
    }

    assert finds == {RISK_READER}
    assert knows == RISK_SHOWN_BY
    assert whole == set(), "a module that is taken whole hides what is taken from it"


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(one) for one in node.decorator_list)


def _hides_all(node: ast.ClassDef) -> bool:
    return any("repr=False" in ast.unparse(one) for one in node.decorator_list)


def _holds_words(annotation: ast.expr) -> bool:
    return "str" in ast.unparse(annotation)


def _is_hidden(value: ast.expr | None) -> bool:
    return value is not None and "repr=False" in ast.unparse(value)

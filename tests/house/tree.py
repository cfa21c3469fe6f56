"""The package as text: its modules, what each imports, its functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = "phyassist"


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The room of the house: `store` for phyassist.store.people, `errors` for phyassist.errors."""
        pieces = self.name.split(".")
        return pieces[1] if len(pieces) > 1 else ""


@cache
def list_modules() -> tuple[Module, ...]:
    """Every module of the package, parsed."""
    found = []
    for path in sorted((SOURCE / PACKAGE).rglob("*.py")):
        pieces = list(path.relative_to(SOURCE).with_suffix("").parts)
        if pieces[-1] == "__init__":
            pieces.pop()
        found.append(Module(".".join(pieces), path, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


def list_imports(module: Module, *, own_names: frozenset[str]) -> Iterator[tuple[str, int]]:
    """The package's own modules that this one imports, wherever in the file, with the line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in own_names:
                    yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                if whole in own_names:
                    yield whole, node.lineno
                elif base in own_names:
                    yield base, node.lineno


def runtime_tree(module: Module) -> Module:
    """The module without what stands under TYPE_CHECKING: a type is no dependency while running."""

    class Drop(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
            if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                return node.orelse
            return node

    tree = Drop().visit(ast.parse(module.path.read_text(encoding="utf-8")))
    return Module(module.name, module.path, tree)

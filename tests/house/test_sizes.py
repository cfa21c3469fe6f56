"""Sizes: a file at most 500 lines, a function 60, 8 parameters; the ratchet file may only shrink."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from tests.house.tree import ROOT, list_modules

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 8
VAULT_LINES_MAX = 600
RATCHET = Path(__file__).with_name("sizes.toml")


def _functions(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    found: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]] = []

    def walk(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((f"{above}{child.name}", child))
                walk(child, f"{above}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                walk(child, f"{above}{child.name}.")
            else:
                walk(child, above)

    walk(tree, "")
    return found


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef, part: str) -> bool:
    """A Typer command or a page: its parameters are the form that a person fills, not a call's."""
    asks = {"context", "request"}
    return part in {"cli", "web"} and any(one.arg in asks for one in function.args.args)


def measure() -> dict[str, dict[str, int]]:
    """What stands over a limit, by kind and place."""
    over: dict[str, dict[str, int]] = {"files": {}, "functions": {}, "parameters": {}}
    for module in list_modules():
        place = module.path.relative_to(ROOT).as_posix()
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            over["files"][place] = lines
        for name, function in _functions(module.tree):
            length = (function.end_lineno or 0) - function.lineno + 1
            if length > FUNCTION_LINES_MAX:
                over["functions"][f"{place}:{name}"] = length
            arguments = function.args
            count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
            count -= any(one.arg in {"self", "cls"} for one in arguments.args[:1])
            if count > PARAMETERS_MAX and not _is_command(function, module.part):
                over["parameters"][f"{place}:{name}"] = count
    for path in sorted((ROOT / "tests").rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            over["files"][path.relative_to(ROOT).as_posix()] = lines
    return over


def test_nothing_is_larger_than_the_limits_or_its_line_in_the_ratchet():
    allowed = tomllib.loads(RATCHET.read_text(encoding="utf-8"))

    over = measure()

    grown = {
        kind: {place: size for place, size in places.items() if size > allowed.get(kind, {}).get(place, 0)}
        for kind, places in over.items()
    }
    assert grown == {"files": {}, "functions": {}, "parameters": {}}


def test_the_ratchet_names_only_what_is_still_that_large():
    allowed = tomllib.loads(RATCHET.read_text(encoding="utf-8"))

    over = measure()

    loose = [
        f"{kind} {place}: {size} is now {over[kind].get(place, 0)}"
        for kind, places in allowed.items()
        for place, size in places.items()
        if over[kind].get(place, 0) < size
    ]
    assert loose == []


def test_the_vault_stays_small():
    lines = sum(
        len(module.path.read_text(encoding="utf-8").splitlines())
        for module in list_modules()
        if module.part == "vault"
    )

    assert lines < VAULT_LINES_MAX

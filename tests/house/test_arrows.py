"""The arrows of the house: who may import whom, and no cycle."""

from __future__ import annotations

from tests.house.tree import Module, list_imports, list_modules, runtime_tree

KERNEL = {"domain", "errors"}
ARROWS = {
    "__main__": {"cli"},
    "cli": {"web", "services", "training"},
    "web": {"services"},
    "services": {"prompts", "store", "lm", "knowledge"},
    "store": {"vault"},
    "training": {"prompts", "lm"},
    "prompts": set(),
    "lm": set(),
    "vault": set(),
    "knowledge": set(),
    "demo": set(),
    "settings": set(),
    "domain": set(),
    "errors": set(),
    "": set(),
}
# The command line and the page hand services what they work with, so they name the types and open them:
# the store (`open_store`), the language model (`open_model`), and the settings.
STORE_HANDLES = {
    "phyassist.store.desk",
    "phyassist.store.opening",
    "phyassist.store.people",
    "phyassist.store.transactions",
    "phyassist.store.workers",
}
OPENERS = {
    "cli": {"phyassist.settings", *STORE_HANDLES},
    "web": {"phyassist.settings", *STORE_HANDLES},
    # The layout of a prompt marks messages as the protocol does.
    "prompts": {"phyassist.lm.protocol"},
}
# Parts that only read protocols and the catalogue of models from `lm`.
LM_READERS = {"cli", "web"}


def _own_names() -> frozenset[str]:
    return frozenset(module.name for module in list_modules())


def _is_allowed(module: Module, imported: str) -> bool:
    pieces = imported.split(".")
    part = pieces[1] if len(pieces) > 1 else ""
    if part in {module.part, ""}:
        return True
    if part in KERNEL:
        return module.part != "vault" or part == "errors"
    if part == "lm" and module.part in LM_READERS:
        return True
    return part in ARROWS[module.part] or imported in OPENERS.get(module.part, set())


def test_every_import_follows_an_arrow():
    names = _own_names()

    wrong = [
        f"{module.path.name}:{line} {module.name} -> {imported}"
        for module in list_modules()
        for imported, line in list_imports(module, own_names=names)
        if not _is_allowed(module, imported)
    ]

    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    names = _own_names()
    edges = {
        module.name: {imported for imported, _ in list_imports(runtime_tree(module), own_names=names)}
        for module in list_modules()
    }

    circles = _find_circles(edges)

    assert circles == []


def test_the_domain_imports_nothing_but_the_standard_library():
    import ast
    import sys

    outside = []
    for module in list_modules():
        if module.part not in KERNEL:
            continue
        for node in ast.walk(module.tree):
            tops = []
            if isinstance(node, ast.Import):
                tops = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                tops = [(node.module or "").split(".")[0]]
            outside += [
                f"{module.name}: {top}"
                for top in tops
                if top not in sys.stdlib_module_names and top != "phyassist"
            ]

    assert outside == []


def test_imports_are_absolute_and_every_package_root_is_empty():
    import ast

    relative = [
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    filled = [
        module.name
        for module in list_modules()
        if module.path.name == "__init__.py"
        and module.name != "phyassist"
        and any(not _is_docstring(node) for node in module.tree.body)
    ]

    assert relative == []
    assert filled == []


def _is_docstring(node: object) -> bool:
    import ast

    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _find_circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected groups of more than one module (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in edges.get(name, ()):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = []
            while True:
                top = stack.pop()
                group.append(top)
                if top == name:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for name in edges:
        if name not in order:
            visit(name)
    return found

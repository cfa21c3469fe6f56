"""Starting is quick because little is imported: counted, since a shared machine's clock cannot be trusted."""

from __future__ import annotations

import subprocess
import sys
import time

HEAVY = {
    "alembic",
    "cryptography",
    "docx",
    "fastapi",
    "httpx",
    "jinja2",
    "pydantic",
    "pydantic_settings",
    "pypdf",
    "sqlalchemy",
    "starlette",
    "torch",
    "transformers",
    "uvicorn",
    "xllamacpp",
}
MODULES_MAX = 450


def _modules_after(arguments: list[str]) -> set[str]:
    script = (
        "import sys\n"
        "from phyassist.cli.main import main\n"
        f"main({arguments!r})\n"
        "sys.stderr.write('\\n'.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy(record_property):
    started = time.perf_counter()

    modules = _modules_after(["--help"])

    record_property("seconds", round(time.perf_counter() - started, 3))
    assert {name.split(".")[0] for name in modules} & HEAVY == set()
    assert len(modules) < MODULES_MAX


def test_help_of_every_command_imports_nothing_heavy():
    # Typer itself reads options through pydantic where that is installed.
    heavy = HEAVY - {"pydantic"}
    for command in ("serve", "organise", "analyse", "patients", "notes", "models", "evaluate", "doctor"):
        modules = _modules_after([command, "--help"])

        assert {name.split(".")[0] for name in modules} & heavy == set(), command


def test_nothing_of_the_workspace_imports_torch():
    import ast

    from tests.house.tree import list_modules

    places = [
        f"{module.name}:{node.lineno}"
        for module in list_modules()
        if module.part != "training" and module.name != "phyassist.lm.local"
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "torch" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch")
    ]

    assert places == []

"""The size budget of docs/adr/0003: small functions and files are how this house stays readable."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "diagnostics", "datagen", "training", "gpu", "dpe_site", "demo", "bench")
MAX_FILE, MAX_FUNCTION, MAX_TEMPLATE, MAX_VIEW, MAX_TASK = 300, 40, 120, 20, 5


def tracked(suffix: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", f"*{suffix}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def sources() -> list[Path]:
    found = [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in PACKAGES]
    return [path for path in found if "migrations" not in path.parts]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_longer_than_its_budget():
    assert sources(), "the test must see the sources"
    assert [f"{path} has {n} lines" for path in sources() if (n := len(path.read_text().splitlines())) > MAX_FILE] == []


def test_no_template_is_longer_than_its_budget():
    long = {str(path): n for path in tracked(".html") if (n := len(path.read_text().splitlines())) > MAX_TEMPLATE}
    assert long == {}


@pytest.mark.parametrize(("name", "most"), [("*", MAX_FUNCTION), ("views.py", MAX_VIEW), ("tasks.py", MAX_TASK)])
def test_no_function_is_longer_than_its_budget(name: str, most: int):
    chosen = [path for path in sources() if name in ("*", path.name)]
    long = [f"{p}:{f.lineno} {f.name}" for p in chosen for f in functions(p) if length(f) > most]
    assert long == []

"""The plan of the house: imports point one way, and the network needs NumPy alone."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ["app", "ui", "jobs", "training", "recognition", "cnn"]  # each may import those to its right


def imported(path):
    """Top-level names of all modules that a file imports, at its head or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def modules_imported(path):
    """Full names of all modules that a file imports; of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(package):
    return [ROOT / "app.py"] if package == "app" else sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ORDER)
def test_imports_point_one_way(package):
    left = set(ORDER[: ORDER.index(package)]) | {"tests", "benchmarks"}
    assert files_of(package)
    for path in files_of(package):
        assert not left & set(imported(path)), path


def test_no_files_import_each_other_in_a_circle():
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ORDER
        for path in files_of(package)
    }
    arrows = {name: files.keys() & set(modules_imported(path)) - {name} for name, path in files.items()}
    arrows = {name: {to for to in arrows[name] if not _is_package_of(to, name)} for name in files}
    reached = {name: set(targets) for name, targets in arrows.items()}
    while True:
        farther = {name: set().union(to, *(reached[t] for t in to)) for name, to in reached.items()}
        if farther == reached:
            break
        reached = farther
    assert sum(map(len, arrows.values())) > len(files), "hardly any import was found"
    circles = sorted(name for name, to in reached.items() if name in to)
    assert circles == []


def _is_package_of(package, name):
    """A file may import another of its package through the package itself, which imports both."""
    return name.startswith(package + ".")


def test_the_network_imports_numpy_and_nothing_else():
    for path in files_of("cnn"):
        assert set(imported(path)) <= sys.stdlib_module_names | {"numpy", "cnn"}, path


def test_only_the_page_imports_gradio():
    for package in ("jobs", "training", "recognition", "cnn"):
        for path in files_of(package):
            assert "gradio" not in set(imported(path)), path

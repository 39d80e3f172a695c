"""The plan of the house: imports point one way, a file is one idea, and what the docs name is there."""

import ast
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ["app", "ui", "jobs", "training", "recognition", "cnn"]  # each may import those to its right


CODE = {".py", ".js", ".mjs", ".html", ".css"}
MOST_LINES = 400
PACKING = {
    "ndarray",
    "uint8",
    "frombuffer",
    "moveaxis",
    "round",
    "rint",
    "float32",
}  # of NumPy, to send arrays and to receive them
AT_ONCE = r"(?<!element)\.(?:is_[a-z]+\(|count\(\)|(?:all_)?inner_texts?\(|input_value\(|get_attribute\()"
DOCS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def _sources(folder=ROOT):
    """All files of the project, as paths from its root."""
    for path in sorted(folder.iterdir()):
        if (
            path.name.startswith(".")
            or path.name in ("node_modules", "venv", "__pycache__")
            or path == ROOT / "shared"
        ):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _sources(path)
        elif path.is_file():
            yield path.relative_to(ROOT).as_posix()


SOURCES = list(_sources())


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


def test_only_the_model_knows_that_there_are_fast_steps():
    users = [
        path.relative_to(ROOT).as_posix()
        for package in ORDER
        for path in files_of(package)
        if any(name.split(".")[:2] == ["cnn", "fast"] for name in modules_imported(path))
    ]
    assert [path for path in users if not path.startswith("cnn/fast/")] == ["cnn/model.py"]


def test_the_page_packs_arrays_and_computes_nothing_with_them():
    for path in files_of("ui"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
                assert node.attr in PACKING, f"{path}:{node.lineno}: np.{node.attr}"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.startswith("tests/browser/")])
def test_what_a_page_shows_is_expected_and_not_asserted_at_once(path):
    """A page answers when it can: `assert locator.is_visible()` fails where `expect` would have waited."""
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not re.findall(rf"^ *assert [^#\n]*{AT_ONCE}.*", source, re.MULTILINE)


def test_a_file_is_one_idea_of_at_most_400_lines():
    code = [ROOT / path for path in SOURCES if Path(path).suffix in CODE]
    lines = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in code}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize("card", sorted((ROOT / "weights").glob("*.json")), ids=lambda card: card.name)
def test_a_card_gives_a_command_that_runs_anywhere(card):
    assert re.fullmatch(r"python -m training( --[a-z-]+ [\w.-]+)*", json.loads(card.read_text())["command"])


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_a_doc_names_only_modules_files_and_links_that_exist(doc):
    text = doc.read_text(encoding="utf-8")
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", text):
        assert find_spec(module), f"there is no module {module}"
    for name in re.findall(r"`([\w/-]+\.(?:py|js|md|conf))\b", text):
        assert any(f"/{path}".endswith(f"/{name}") for path in SOURCES), f"there is no file {name}"
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (doc.parent / link).exists(), f"there is nothing at {link}"

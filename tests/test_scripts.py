"""The page's scripts, without a browser: their own tests, run by Node, and how their files hang together."""

import os
import re
import shutil
import subprocess

import pytest

from scripts.push_space import ROOT
from ui import scripts
from ui.component import COMPONENTS

UNIT_TESTS = sorted((ROOT / "tests" / "scripts").glob("*.test.mjs"))
IMPORT = re.compile(r'^import (?:[^"]* from )?"([^"]+)";$|^\} from "([^"]+)";$', re.MULTILINE)
MOUNTED = {f"{name}.js" for name in COMPONENTS}
BORROWED = {"inside": {"draw"}, "signs": {"draw"}}  # their pads are made of the Draw tab's parts


def test_the_scripts_pass_their_unit_tests():
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is not installed; in CI the scripts' own tests may not be skipped")
        pytest.skip("Node is not installed")
    assert UNIT_TESTS
    tested = subprocess.run([node, "--test", *UNIT_TESTS], capture_output=True, text=True, cwd=ROOT)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def _imported(name):
    """Names of the modules that a module imports."""
    folder = (scripts.HERE / name).parent
    for match in IMPORT.finditer(scripts.MODULES[name].decode()):
        yield (folder / (match[1] or match[2])).resolve().relative_to(scripts.HERE).as_posix()


def _reached(name, path=()):
    assert name not in path, f"a circle: {' -> '.join((*path, name))}"
    yield name
    for other in _imported(name):
        yield from _reached(other, (*path, name))


def test_every_module_is_reached_from_a_tab_and_none_imports_itself_in_a_circle():
    assert {name for mounted in MOUNTED for name in _reached(mounted)} == set(scripts.MODULES)


def test_a_tab_imports_only_its_own_modules_and_shared_ones():
    for name in scripts.MODULES:
        folder = name.partition("/")[0]
        allowed = {folder, "shared"} | BORROWED.get(folder, set())
        assert {other.partition("/")[0] for other in _imported(name)} <= allowed, name


def test_a_module_has_an_address_that_another_version_of_any_module_changes():
    assert scripts.address_of("draw/pad.js") == f"scripts/{scripts.VERSION}/draw/pad.js"
    with pytest.raises(ValueError, match="no module draw/nothing"):
        scripts.address_of("draw/nothing.js")
    changed = scripts.MODULES | {"shared/base64.js": b"other"}
    assert scripts.version_of(changed) != scripts.version_of(scripts.MODULES) == scripts.VERSION

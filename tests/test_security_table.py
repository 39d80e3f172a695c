"""SECURITY.md names tests and files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:hostile/)?test_\w+\.py)", TEXT))))
def test_a_file_of_tests_that_is_named_is_there(name):
    assert (ROOT / "tests" / name).is_file()


def test_each_test_that_is_named_is_in_its_file():
    named = 0
    for cell in re.findall(r"\| ([^|]*test_[^|]*) \|\n", TEXT):
        name = None
        for one in re.findall(r"`([^`]*)`", cell):
            file, _, test = one.partition("::")
            name = file or name
            if test:
                named += 1
                assert f"def {test}(" in (ROOT / "tests" / name).read_text(encoding="utf-8"), one
    assert named >= 8


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:ui|cnn|recognition|jobs)/[\w/]+\.py)`", TEXT))))
def test_a_module_that_is_named_is_there(name):
    assert (ROOT / name).is_file()

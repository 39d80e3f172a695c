"""Thousands of files that are nearly right, from a fixed seed, through every door that reads such files.

Each is read or refused by an exception of ours, in a short sentence; no file, no descriptor and no memory
is left. How many there are is fixed, not for how long they are tried. `tests/hostile/test_hostile_fuzz.py`
does the same with requests.
"""

import gc
import io
import os
import random
import traceback
from pathlib import Path

import numpy as np
import pytest

from cnn import load_model
from jobs.protocol import read_frame, write_frame
from recognition.files import load_picture
from tests import mutations
from tests.browser.driver import ROOT
from tests.mutations import FORMATS, mutated, repacked
from training.examples import read_examples

PICTURES = 250  # of each kind
FILES = 400  # of each other kind
MOST_PIXELS = 1_000_000
MOST_MEMORY = 60e6  # bytes that the tests of one door may add
LONGEST = 1000  # characters of a sentence
OUR_FOLDERS = {"cnn", "recognition", "training", "jobs", "ui"}


def _memory():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is measured on Linux")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    before = _descriptors()
    yield
    assert list(folder.rglob("*")) == []
    assert _descriptors() <= before


def _try_all(read, cases):
    """How many of the cases were read, and how many refused; each refusal is ours."""
    counts = {"read": 0, "refused": 0}
    grown_from = None
    for number, case in enumerate(cases):
        if number == 50:  # whatever is made once is there
            grown_from = _memory()
        try:
            read(case)
            counts["read"] += 1
        except ValueError as error:
            _check_ours(error, number)
            counts["refused"] += 1
    assert _memory() < grown_from + MOST_MEMORY
    return counts


def _check_ours(error, number):
    raised = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    assert raised.is_relative_to(ROOT), (number, error)
    assert raised.relative_to(ROOT).parts[0] in OUR_FOLDERS, (number, error)
    sentence = str(error)
    assert len(sentence) < LONGEST and " " in sentence, (number, sentence)
    assert "set_int_max_str_digits" not in sentence and "Traceback" not in sentence, (number, sentence)
    assert "\x1b" not in sentence, (number, sentence)


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_pictures_are_read_or_refused(kind):
    chance, original = random.Random(f"picture {kind}"), mutations.picture(kind)

    def cases():
        for _ in range(PICTURES):
            content = mutated(original, chance)
            yield mutations.with_right_checksums(content) if kind.startswith("png") else content

    def read(content):
        pixels = load_picture(io.BytesIO(content), MOST_PIXELS)
        assert pixels.dtype == np.uint8 and pixels.shape[0] * pixels.shape[1] <= MOST_PIXELS

    read(original)
    counts = _try_all(read, cases())
    assert sum(counts.values()) == PICTURES
    assert counts["refused"] > PICTURES / 10


@pytest.mark.parametrize("mutate", [mutated, repacked])
def test_mutated_zips_of_examples_are_read_or_refused(mutate):
    chance, original = random.Random(f"examples {mutate.__name__}"), mutations.examples()
    assert len(read_examples(original)) == 3
    counts = _try_all(read_examples, (mutate(original, chance) for _ in range(FILES)))
    assert counts["refused"] > FILES / 4


@pytest.mark.parametrize("mutate", [mutated, repacked])
def test_mutated_weights_are_read_or_refused(mutate, tmp_path):
    path = tmp_path / "weights.npz"
    chance, original = random.Random(f"weights {mutate.__name__}"), mutations.weights(path)

    def read(content):
        path.write_bytes(content)
        with np.errstate(all="ignore"):
            load_model(path)

    read(original)
    counts = _try_all(read, (mutate(original, chance) for _ in range(FILES)))
    assert counts["refused"] > FILES / 4


def test_mutated_frames_are_read_or_refused():
    stream = io.BytesIO()
    write_frame(stream, {"event": "step", "loss": 0.5}, {"kernels": np.zeros((3, 3)), "probs": np.ones(10)})
    chance, original = random.Random("frames"), stream.getvalue()

    def read(content):
        frames = io.BytesIO(content)
        while read_frame(frames) is not None:
            pass

    read(original * 3)
    counts = _try_all(read, (mutated(original * 2, chance) for _ in range(4 * FILES)))
    assert counts["refused"] > FILES

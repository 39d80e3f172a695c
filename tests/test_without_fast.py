"""Delete cnn/fast, and everything still works; tests/without_fast.py says how to run any test so."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnn

HERE = Path(__file__).parent
TESTS = ["test_layers.py", "test_model.py", "test_storage.py", "test_format.py", "test_inference.py"]
IS_WITHOUT = sys.modules.get("cnn.fast", cnn) is None


@pytest.mark.skipif(not IS_WITHOUT, reason="the folder is there")
def test_the_layers_run_themselves():
    assert not [name for name in sys.modules if name.startswith("cnn.fast.")]
    model = cnn.seed_net(np.random.default_rng(0))
    assert model.steps == model.layers


@pytest.mark.skipif(IS_WITHOUT, reason="this is that run")
def test_without_the_folder_networks_train_read_and_are_saved():
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.without_fast",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
    ]
    tests = [str(HERE / name) for name in ("test_without_fast.py", *TESTS)]
    run = subprocess.run(
        [*command, *tests], cwd=HERE.parent, capture_output=True, text=True, timeout=600, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 skipped" in run.stdout  # this test, and so the other one of this file ran

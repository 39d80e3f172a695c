"""A pytest plugin: runs tests as if the folder cnn/fast were deleted, on the layers that one reads.

`python -m pytest -p tests.without_fast -n 0 tests/test_layers.py tests/test_training.py ...` is meant for all
tests of cnn, training and recognition, which takes minutes; tests/test_without_fast.py always runs a few.
"""

import sys

OF_THE_STEPS = {"test_fast.py", "test_plan.py", "test_parallel.py", "test_sparse_dense.py"}

sys.modules["cnn.fast"] = None  # from now on its import raises ImportError


def pytest_ignore_collect(collection_path):
    """The tests of the steps themselves are left out."""
    return True if collection_path.name in OF_THE_STEPS else None

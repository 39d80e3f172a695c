"""What all tests share."""

import gc
import time
from types import SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import close_session, constants, utils
from threadpoolctl import threadpool_limits

from cnn import save_model, seed_net
from tests.hub_server import serve_hub, turn_to

# As the app and the training do: `cnn` spreads work over the cores, BLAS must not do it again.
threadpool_limits(1, user_api="blas")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub with nothing in it, of which this machine knows nothing yet, and nobody who is signed in."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    impatient = SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None})  # before it tries again
    monkeypatch.setattr(utils._http, "time", impatient)
    with serve_hub() as hub:
        turn_to(hub.address, monkeypatch)
        yield hub
        close_session()
        gc.collect()  # while its warnings are let by


@pytest.fixture
def weights(tmp_path):
    """A network that is none of the shipped ones, as a file."""
    path = tmp_path / "mine" / "mine.npz"
    save_model(path, seed_net(np.random.default_rng(3)), progress={"calibration": {"temperature": 1.5}})
    return path

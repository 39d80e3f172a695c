"""One training on several processes: as with one, up to the order of sums; what is left when one is lost.

The processes are real ones, which Open MPI starts; each takes a second to import what it needs.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnn import SGD, load_model, small_net
from tests.bars import bars, bars_dataset, write_mnist
from training.data_parallel import DataParallel, processes, share_of
from training.trainer import Trainer

ROOT = Path(__file__).parent.parent
MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
PROGRAM = (
    "import json, os, sys; from training import data; data.FILES = json.loads(sys.argv[1]);"
    "data.VALIDATION_SIZE = 300; from training import data_parallel; from training.__main__ import main; {};"
    "sys.exit(main(sys.argv[2:]))"
)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """A folder, and the checksums of its files."""
    folder = tmp_path_factory.mktemp("mnist")
    return folder, write_mnist(folder, bars_dataset(1200))


def train(mnist, out, size, *options, before="pass"):
    """python -m training on `size` processes with a thread each."""
    folder, digests = mnist
    command = [
        sys.executable,
        "-c",
        PROGRAM.format(before),
        json.dumps(digests),
        "--data",
        str(folder),
        "--epochs",
        "1",
    ]
    command += ["--recipe", "seed", "--out", str(out), "--checkpoint", str(out.with_suffix(".ckpt.npz"))]
    if size > 1:
        command = [MPIRUN, "--oversubscribe", "-n", str(size), *command]
    environment = os.environ | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [*command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def alone(mnist, tmp_path_factory):
    """(what one process prints, its weights)"""
    out = tmp_path_factory.mktemp("alone") / "net.npz"
    run = train(mnist, out, 1)
    assert run.returncode == 0, run.stderr
    return run.stdout, load_model(out).model.parameters


@pytest.mark.parametrize("size", [2, 4])
def test_several_processes_train_what_one_trains_up_to_the_order_of_sums(mnist, alone, tmp_path, size):
    run = train(mnist, tmp_path / "net.npz", size)
    assert run.returncode == 0, run.stderr
    printed, weights = alone
    np.testing.assert_allclose(load_model(tmp_path / "net.npz").model.parameters, weights, atol=2e-5)
    assert run.stdout.splitlines()[0] == printed.splitlines()[0]
    assert run.stdout.count("Epoch 1: Loss = ") == 1, "one process speaks for all"


def test_when_a_process_is_lost_the_training_ends_with_a_sentence_and_can_go_on(mnist, alone, tmp_path):
    out = tmp_path / "net.npz"
    broken = train(mnist, out, 2, before="from tests.test_data_parallel import use_killed; use_killed()")
    assert broken.returncode != 0
    assert "Another process of this training was lost, so it ends here. To continue from" in broken.stdout
    assert not out.exists()
    assert load_model(out.with_suffix(".ckpt.npz")).progress["steps"] == 20
    again = train(mnist, out, 1, "--resume")
    assert again.returncode == 0, again.stderr
    assert "Resuming from" in again.stdout
    np.testing.assert_allclose(load_model(out).model.parameters, alone[1], atol=2e-5)


def use_killed():
    """In the second process: it is killed before its 21st step."""
    from training import data_parallel

    anyone = data_parallel.DataParallel.anyone

    def killed(self, wish):
        if self.comm.rank == 1 and self.optimizer.step_count == 20:
            os.kill(os.getpid(), 9)
        return anyone(self, wish)

    data_parallel.DataParallel.anyone = killed


class Comm:
    """The first of two processes; the other one has these weights."""

    rank, size = 0, 2

    def __init__(self, others):
        self.others = others

    def allgather(self, mine):
        return [mine, self.others or mine]


def test_nothing_is_saved_where_the_processes_have_come_apart(tmp_path):
    model = small_net(np.random.default_rng(0))
    images, labels = bars(20)
    trainer = Trainer(model, SGD(model, 0.1), images, labels, epochs=1, batch_size=10, seed=0)
    DataParallel.of(trainer, Comm(None)).save(tmp_path / "same.npz")
    assert (tmp_path / "same.npz").exists()
    with pytest.raises(RuntimeError, match="different weights, so nothing was saved"):
        DataParallel.of(trainer, Comm(b"else")).save(tmp_path / "apart.npz")
    assert not (tmp_path / "apart.npz").exists()


@pytest.mark.parametrize(("count", "size"), [(64, 4), (7, 3), (2, 4), (0, 2)])
def test_the_shares_of_a_batch_are_all_of_it_and_as_equal_as_can_be(count, size):
    shares = [range(count)[share_of(count, rank, size)] for rank in range(size)]
    assert [i for share in shares for i in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_a_launcher_there_is_one_process(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert processes() is None


def test_without_mpi4py_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ValueError, match=r"needs mpi4py: pip install -r requirements-cluster.txt"):
        processes()

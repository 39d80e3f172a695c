"""Training by several processes: the steps of one, the same weights on all, and no end without a word."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnn import load_model
from tests.bars import bars, bars_dataset, write_mnist
from tests.test_house import ROOT
from training import data
from training.__main__ import main
from training.recipes import SeedRecipe, SmallRecipe

pytest.importorskip("mpi4py", reason="pip install -r requirements-cluster.txt")

PATIENCE = 120  # seconds
# More processes than cores, and root in a container: Open MPI's mpirun must be told that both are meant.
ALLOWED = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
STEPS = """
import sys
import numpy as np
from mpi4py import MPI
from tests.bars import bars
from training.data_parallel import DataParallelTrainer, Ranks
from training.recipes import SeedRecipe, SmallRecipe

ranks, results = Ranks(), {}
for recipe in (SeedRecipe(epochs=2, batch_size=16), SmallRecipe(epochs=1, batch_size=16)):
    trainer = DataParallelTrainer(recipe.trainer(*bars(35)), ranks, "unused.npz")
    results[f"{recipe.name} losses"] = [now.batch_loss for now in trainer.run()]
    results[f"{recipe.name} accuracy"] = [now.accuracy for now in trainer.run()]
    results[f"{recipe.name} parameters"] = trainer.model.parameters
    for name, value in trainer.model.named_buffers():
        results[f"{recipe.name} {name}"] = value
for name, value in results.items():
    others = ranks.comm.allgather(np.asarray(value).tobytes())
    assert others == others[:1] * ranks.comm.size, name
if ranks.first:
    np.savez(sys.argv[1], **results)
ranks.leave()
"""
# The command line with the stand-in for MNIST. At a step, rank 1 is sent a signal.
PROGRAM = """
import json, os, sys
from training import data
from training.data_parallel import DataParallelTrainer

digests, at_step, signal = json.loads(sys.argv[1])
data.FILES = digests
agreed = DataParallelTrainer.agreed

def agreed_but_hit(self, asked):
    if self.optimizer.step_count == at_step and not self.ranks.first:
        os.kill(os.getpid(), signal)
    return agreed(self, asked)

DataParallelTrainer.agreed = agreed_but_hit
from training.__main__ import main
sys.exit(main(sys.argv[2:]))
"""


def mpirun(count, program, *arguments, cwd):
    beside = Path(sys.executable).with_name("mpirun")  # of the package mpich
    command = [str(beside) if beside.exists() else shutil.which("mpirun"), "-n", str(count)]
    return subprocess.run(
        [*command, sys.executable, "-c", program, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | ALLOWED | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("count", [2, 4])
def test_ranks_take_the_steps_of_one_process_and_hold_the_same_weights_bit_for_bit(tmp_path, count):
    # Batches of 16, 16 and 3: shares are uneven, and one of four ranks gets none of the last.
    done = mpirun(count, STEPS, "results.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "results.npz")
    alone = SeedRecipe(epochs=2, batch_size=16).trainer(*bars(35))
    losses = [now.batch_loss for now in alone.run()]
    np.testing.assert_allclose(found["seed losses"], losses, rtol=1e-4)
    np.testing.assert_allclose(found["seed parameters"], alone.model.parameters, atol=1e-5)
    # Batch norm sees shares, so its running statistics are only near to one process's.
    alone = SmallRecipe(epochs=1, batch_size=16).trainer(*bars(35))
    list(alone.run())
    for name, value in alone.model.named_buffers():
        if name.endswith("batches"):
            assert found[f"small {name}"] == value == 3
        else:
            np.testing.assert_allclose(found[f"small {name}"], value, rtol=0.5, atol=0.1)


@pytest.fixture
def digests(tmp_path):
    return write_mnist(tmp_path / "mnist", bars_dataset(100))


def test_a_stopped_and_a_lost_rank_end_the_run_with_a_checkpoint_that_one_process_goes_on_from(
    tmp_path, digests, monkeypatch, capsys
):
    command = ["--data", tmp_path / "mnist", "--epochs", "3", "--checkpoint", "one.npz", "--out", "out.npz"]

    # Of 7 steps in an epoch. Ctrl-C reaches one of them, after they agreed to go on.
    done = mpirun(2, PROGRAM, json.dumps([digests, 9, 2]), *command, cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "Stopped. To continue from one.npz, run the same command with --resume."
    )
    assert load_model(tmp_path / "one.npz").progress["steps"] == 10

    done = mpirun(2, PROGRAM, json.dumps([digests, 17, 9]), *command, "--resume", cwd=tmp_path)
    assert done.returncode != 0
    assert "Resuming from one.npz: 1 epochs and 3 steps are done." in done.stdout
    assert (
        "python -m training: A rank was lost. To continue from one.npz, run the same command with --resume."
        in (done.stderr.splitlines())
    )
    assert load_model(tmp_path / "one.npz").progress["steps"] == 2 * 7
    assert not (tmp_path / "out.npz").exists()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "FILES", digests)
    assert main([*map(str, command), "--resume"]) == 0
    resumed = load_model(tmp_path / "out.npz").model.parameters
    assert main([*map(str, command)]) == 0
    np.testing.assert_allclose(resumed, load_model(tmp_path / "out.npz").model.parameters, atol=1e-5)


def test_what_is_wrong_for_all_ranks_is_said_once_and_what_is_wrong_for_one_with_its_number(
    tmp_path, digests
):
    never = json.dumps([digests, -1, 0])
    done = mpirun(2, PROGRAM, never, "--data", tmp_path / "mnist", "--learning-rate", "nan", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "python -m training: learning_rate must be a positive, finite number, got nan"
    )
    # A place of its own for each rank, of which one is empty.
    (tmp_path / "0").symlink_to(tmp_path / "mnist")
    places = "import os; os.environ['PMI_RANK'] = os.environ.get('PMI_RANK', os.environ.get("
    places += "'OMPI_COMM_WORLD_RANK')); sys.argv[-1] = os.environ['PMI_RANK']"
    program = PROGRAM.replace("from training.__main__", places + "\nfrom training.__main__")
    done = mpirun(2, program, never, "--checkpoint", "one.npz", "--data", "RANK", cwd=tmp_path)
    assert done.returncode == 1
    assert "python -m training: 1 lacks train-images-idx3-ubyte" in done.stderr
    assert "(rank 1, " in done.stderr


def test_without_mpi4py_a_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main(["--epochs", "1"]) == 1
    assert capsys.readouterr().err == (
        "python -m training: this needs mpi4py: pip install -r requirements-cluster.txt\n"
    )

"""A sweep: which trainings a file asks for, what is kept of them, and what becomes of those that are lost."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bars import bars_dataset, write_mnist
from tests.browser.driver import free_port
from training.__main__ import main
from training.sweep import command, on_dask
from training.sweep.plan import Run, read_plan
from training.sweep.results import Results, Row, table_of

ROOT = Path(__file__).parent.parent


def plan(folder, text):
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def test_a_grid_has_every_combination_with_every_seed_once(tmp_path):
    runs = plan(
        tmp_path,
        """recipe = "seed"
        seeds = [0, 7, 7]
        [settings]
        learning_rate = [0.01, 0.03]
        epochs = [1, 2, 1]""",
    )
    assert len(runs) == 2 * 2 * 2
    assert len({run.key for run in runs}) == len(runs)
    assert runs[1] == Run("seed", {"learning_rate": 0.01, "epochs": 1}, 7)
    built = runs[-1].build()
    assert (built.learning_rate, built.epochs, built.seed) == (0.03, 2, 7)


def test_a_random_search_draws_within_its_ranges_and_the_same_each_time(tmp_path):
    text = """recipe = "digits"
        search = "random"
        runs = 40
        [settings]
        weight_decay = { low = 1e-4, high = 0.1, log = true }
        batch_size = { low = 32, high = 64 }
        epochs = [1, 2]"""
    runs = plan(tmp_path, text)
    assert len(runs) == 40
    assert runs == plan(tmp_path, text)
    decays = [run.settings["weight_decay"] for run in runs]
    assert 1e-4 <= min(decays) < 1e-3 and 1e-2 < max(decays) <= 0.1, "by the logarithm"
    sizes = {run.settings["batch_size"] for run in runs}
    assert sizes <= set(range(32, 65)) and len(sizes) > 10
    assert {run.settings["epochs"] for run in runs} == {1, 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe = ", "plan.toml is no TOML"),
        ("recipe = 'none'", "must be one of seed, small"),
        ("", "must be one of seed, small"),
        ("recipe = 'seed'\ncolour = 3", "unknown keys: colour"),
        ("recipe = 'seed'\nseeds = 3", "seeds in plan.toml must be a list of whole numbers"),
        ("recipe = 'seed'\nseeds = [-1]", "seeds in plan.toml must be a list of whole numbers"),
        ("recipe = 'seed'\nsearch = 'clever'", 'must be "grid" or "random", got \'clever\''),
        ("recipe = 'seed'\n[settings]\nseed = [1]", "the recipe seed has no setting seed; it has"),
        ("recipe = 'seed'\n[settings]\nname = ['x']", "the recipe seed has no setting name; it has"),
        ("recipe = 'seed'\n[settings]\nepochs = 3", "epochs in plan.toml must be a list of values"),
        ("recipe = 'seed'\n[settings]\nepochs = [0]", "epochs must be a whole number of at least 1, got 0"),
        ("recipe = 'seed'\n[settings]\nepochs = ['x']", "epochs must be a whole number of at least 1"),
        ("recipe = 'seed'\n[settings]\nlearning_rate = [nan]", "learning_rate must be a positive"),
        ("recipe = 'seed'\nsearch = 'random'\nruns = 0", "runs in plan.toml must be 1 to 1000, got 0"),
        (
            "recipe = 'seed'\nsearch = 'random'\n[settings]\nepochs = { low = 3 }",
            "must be a list, or low and high",
        ),
        (
            "recipe = 'seed'\nsearch = 'random'\n"
            "[settings]\nlearning_rate = { low = 0, high = 1, log = true }",
            "low must be below high, and above 0",
        ),
        (f"recipe = 'seed'\nseeds = {list(range(1001))}", "asks for 1001 trainings; at most 1000"),
    ],
)
def test_a_file_that_cannot_be_run_is_refused_with_what_is_wrong(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        plan(tmp_path, text)


def test_the_table_has_the_spread_over_the_seeds_and_the_best_first(tmp_path):
    results = Results(tmp_path / "out", "mnist")
    runs = [Run("seed", {"epochs": epochs}, seed) for epochs in (1, 2) for seed in (0, 1)]
    for run, accuracy in zip(runs, (0.9, 0.92, 0.97, 0.95), strict=True):
        results.keep(run, {"accuracy": accuracy, "seconds": 10.0})
    assert table_of(results.rows(runs)) == [
        ["epochs", "accuracy %", "lowest", "highest", "seeds", "seconds"],
        ["2", "96.00", "95.00", "97.00", "2", "10"],
        ["1", "91.00", "90.00", "92.00", "2", "10"],
    ]
    assert results.rows(runs[:1]) == [Row({"epochs": 1}, (0.9,), 10.0)]
    assert results.strangers(runs[:3]) == 1
    with pytest.raises(ValueError, match="has results on mnist, not on pets"):
        Results(tmp_path / "out", "pets")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a plan of four trainings."""
    monkeypatch.chdir(tmp_path)
    Path("rates.toml").write_text(
        'recipe = "seed"\nseeds = [0, 1]\n[settings]\nlearning_rate = [0.1, 0.2]', encoding="utf-8"
    )
    return tmp_path


def answering(monkeypatch, failing=()):
    """Answers for the cluster at once. Returns the list of the runs that it will have been asked for."""
    asked = []

    def run_all(function, calls, **options):
        for position, (run, _) in enumerate(calls):
            asked.append(run)
            if run.seed in failing:
                yield position, on_dask.LostError("its process was ended")
            else:
                yield position, {"accuracy": run.settings.get("learning_rate", 0.5), "seconds": 1.0}

    monkeypatch.setattr(command, "run_all", run_all)
    return asked


def test_a_sweep_goes_on_where_it_stopped(here, monkeypatch, capsys):
    asked = answering(monkeypatch, failing=(1,))
    assert main(["sweep", "rates.toml"]) == 1
    printed = capsys.readouterr().out
    assert "learning_rate 0.1, seed 1: failed: its process was ended" in printed
    assert "2 trainings have no result. The same command tries them again." in printed
    assert len(asked) == 4
    again = answering(monkeypatch)
    assert main(["sweep", "rates.toml"]) == 0
    assert "4 trainings, 2 of them done before." in capsys.readouterr().out
    assert {run.seed for run in again} == {1}, "the others have a result"
    table = (here / "sweeps" / "rates" / "results.csv").read_text(encoding="utf-8").splitlines()
    assert table[1] == "0.2,20.00,20.00,20.00,2,1"
    assert (here / "sweeps" / "rates" / "results.png").stat().st_size > 1000


def test_a_sweep_that_is_stopped_keeps_what_is_done(here, monkeypatch, capsys):
    def run_all(function, calls, **options):
        yield 0, {"accuracy": 0.9, "seconds": 1.0}
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", run_all)
    assert main(["sweep", "rates.toml"]) == 130
    assert "Stopped. The results so far are kept: the same command goes on." in capsys.readouterr().out
    asked = answering(monkeypatch)
    assert main(["sweep", "rates.toml"]) == 0
    assert len(asked) == 3


def test_results_of_other_settings_are_kept_and_told(here, monkeypatch, capsys):
    answering(monkeypatch)
    assert main(["sweep", "rates.toml"]) == 0
    Path("rates.toml").write_text('recipe = "seed"', encoding="utf-8")
    answering(monkeypatch)
    assert main(["sweep", "rates.toml"]) == 0
    assert "has 4 results of other settings too; they are kept and not shown" in capsys.readouterr().out


# Like python -m training sweep, on a stand-in for MNIST.
PROGRAM = """if __name__ == "__main__":
    import sys
    from pathlib import Path
    from training.sweep.on_dask import run_all
    from training.sweep.plan import Run
    runs = [Run("seed", {"epochs": 1, "learning_rate": rate}, 0) for rate in (0.01, 1e-6)]
    calls = [(run, Path(sys.argv[1])) for run in runs] + [("no run", None), ("end", None)]
    for position, found in run_all("small:train", calls, workers=2):
        print(position, found["accuracy"] if isinstance(found, dict) else type(found).__name__)
"""
SMALL = """import json
from training import data
data.FILES, data.VALIDATION_SIZE = json.loads({digests!r}), 300
from training.sweep import train as one
def train(run, data):
    if run == "end":
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    return one.train(run, data)
"""


def test_two_processes_of_this_machine_train_small_networks(tmp_path):
    folder = tmp_path / "mnist"
    digests = write_mnist(folder, bars_dataset(600))
    (tmp_path / "small.py").write_text(SMALL.format(digests=json.dumps(digests)), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, tmp_path / "program.py", str(folder)],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    found = dict(line.split() for line in run.stdout.splitlines())
    assert float(found["0"]) > float(found["1"])
    assert found["2"] == "AttributeError", "the exception of one call is its result alone"
    assert found["3"] == "LostError", "and a process that is killed costs that call alone"


def test_no_scheduler_at_the_address_is_told_in_one_line(here, monkeypatch, capsys):
    monkeypatch.setattr(on_dask, "PATIENCE", 1)
    assert main(["sweep", "rates.toml", "--scheduler", "tcp://127.0.0.1:9"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "python -m training: there is no Dask scheduler at tcp://127.0.0.1:9"


def await_answer(address):
    """Returns once something answers at the address."""
    host, port = address.removeprefix("tcp://").split(":")
    ends = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            assert time.monotonic() < ends
            time.sleep(0.1)


def test_a_scheduler_without_workers_and_one_that_is_lost_are_told(monkeypatch):
    monkeypatch.setattr(on_dask, "PATIENCE", 5)
    address = f"tcp://127.0.0.1:{free_port()}"

    def start(program, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard", *options]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    with start("scheduler", "--host", address) as scheduler:
        try:
            await_answer(address)
            with pytest.raises(ValueError, match="has no workers: start some"):
                list(on_dask.run_all("time:sleep", [(0,)], scheduler=address))
            with start("worker", address, "--nthreads", "1", "--no-nanny") as worker:
                monkeypatch.setattr(on_dask, "PATIENCE", 20)
                results = on_dask.run_all("time:sleep", [(0,), (60,)], scheduler=address)
                assert next(results) == (0, None)
                scheduler.kill()
                with pytest.raises(ValueError, match="was lost; what it did is kept"):
                    next(results)
                worker.kill()
        finally:
            scheduler.kill()

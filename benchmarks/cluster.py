"""python -m benchmarks.cluster: what several processes gain, and what several machines would.

Trains by turns as one process on all cores and as a process a core (MPI), and times the Allreduce of the
gradients alone. From both it computes what more machines of this kind would do:

    step(n) = step(1) / n + allreduce(n),   allreduce(n) = allreduce(2) * 2 (n - 1) / n

as a ring passes 2 (n - 1) / n of the vector through every process; where each machine keeps a whole batch, so
that all together take one of n batches, step(1) is not divided. A network slower than this machine's memory
makes allreduce(2) longer in the ratio of their rates. Needs requirements-cluster.txt.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.machine import machine
from training.data_parallel import DataParallel, processes
from training.memory import keep_freed_memory
from training.recipes import RECIPES
from training.trainer import Trainer

STEPS = 30  # of a run, after WARM of them
WARM = 5
MACHINES = (2, 8, 64)


def trainer_of(name: str) -> Trainer:
    """A recipe's trainer on random pictures, which cost what others cost."""
    rng = np.random.default_rng(0)
    recipe = RECIPES[name]()
    count = (STEPS + WARM) * recipe.batch_size
    shape = recipe.network().input_shape
    images = rng.integers(0, 256, (count, *(shape[:2] if shape[2] == 1 else shape)), np.uint8)
    return recipe.trainer(images, rng.integers(0, 10, count))


def time_steps(name: str) -> None:
    """In each process: prints the median milliseconds of a step and of an Allreduce."""
    keep_freed_memory()
    comm, trainer = processes(), trainer_of(name)
    if comm is not None:
        trainer = DataParallel.of(trainer, comm)
    times, began = [], time.perf_counter()
    for step, _ in enumerate(trainer.run()):
        now = time.perf_counter()
        times.append(now - began)
        began = now
        if step == STEPS + WARM - 1:
            break
    reduce = []
    if comm is not None:
        sums = np.zeros(trainer.model.parameters.size, np.float32)
        for _ in range(STEPS):
            comm.Barrier()
            began = time.perf_counter()
            trainer.add_up(sums)
            reduce.append(time.perf_counter() - began)
    if comm is None or comm.rank == 0:
        print(1e3 * median(times[WARM:]), 1e3 * median(reduce or [0.0]))


def run(name: str, size: int) -> tuple[float, float]:
    """(milliseconds of a step, of an Allreduce), by `size` processes, each on one core; 1: on all cores."""
    command = [sys.executable, "-m", "benchmarks.cluster", "--time", name]
    if size > 1:
        launcher = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if launcher is None:
            raise SystemExit("mpirun is missing: pip install -r requirements-cluster.txt")
        cores = os.cpu_count() or 1
        binding = ["--bind-to", "core"] if size <= cores else ["--oversubscribe"]
        command = [launcher, *binding, "-n", str(size), *command]
    environment = os.environ | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    step, reduce = map(float, output.split()[-2:])
    return step, reduce


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=["seed", "cifar10"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--time", choices=RECIPES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.time:
        time_steps(options.time)
        return
    cores = os.cpu_count() or 1
    print(machine())
    for name in options.recipes:
        recipe = RECIPES[name]()
        pairs = [(run(name, 1), run(name, cores)) for _ in range(options.rounds)]
        one, many = (median(pair[i][0] for pair in pairs) for i in (0, 1))
        reduce = {size: median(run(name, size)[1] for _ in range(options.rounds)) for size in (2, 4)}
        print(f"\n{name}: {recipe.network().parameters.size:,} parameters, batch {recipe.batch_size}")
        print(
            f"one process on {cores} cores {one:.1f} ms a step, {cores} processes {many:.1f} ms: "
            f"{one / many:.2f} times its speed"
        )
        print(f"Allreduce by 2 processes {reduce[2]:.2f} ms, by 4 {reduce[4]:.2f} ms")
        heads = ("machines", "speed, same batch", "efficiency", "speed, n batches", "efficiency")
        print("".join(head.rjust(19) for head in heads))
        for n in MACHINES:
            added = reduce[2] * 2 * (n - 1) / n
            strong, weak = one / (one / n + added), n * one / (one + added)
            values = (str(n), f"{strong:.1f}x", f"{strong / n:.0%}", f"{weak:.1f}x", f"{weak / n:.0%}")
            print("".join(value.rjust(19) for value in values))


if __name__ == "__main__":
    main()

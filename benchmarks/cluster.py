"""What more machines are worth: a training step shared by processes over MPI, and the sum of gradients alone.

    pip install -r requirements-cluster.txt
    python -m benchmarks.cluster [--recipe cifar10-quick] [--rounds 3] [--steps 4]

One process of two threads, two processes of a thread each, and one process of one thread take turns at the
same step, on pictures of noise, which cost what others do. What N machines like this one would need follows:

    step(N) = max(batch, own(N)) + sum(N)

batch: to prepare the whole batch, which every machine does while it trains on the one before. own(N): a step
on a share of 1 / N, optimizer included, measured on two cores. sum(N): the sum of the gradients, as measured
here between two processes, or 2 log2(N) latency + 2 (N - 1) / N bytes / bandwidth over a network.

Source of the latter: Rabenseifner, "Optimization of Collective Reduction Operations", ICCS 2004.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from recognition import to_input
from training.data_parallel import Ranks, count_of_ranks
from training.memory import keep_freed_memory
from training.recipes import RECIPES
from training.trainer import Trainer

ALONE, TWO, ONE_THREAD = "1 process, 2 threads", "2 processes, 1 thread each", "1 process, 1 thread"
LAUNCHED = {ALONE: (), TWO: ("-n", "2", "--bind-to", "core"), ONE_THREAD: ("-n", "1", "--bind-to", "core")}
RANKS = (2, 4)  # whose sum of gradients is measured
SUMS = 30
FEWEST = 2500  # pictures, of which a first layer may be made
MACHINES = (2, 8, 64)
NETWORKS = {"10 Gbit/s": (50e-6, 1.25e9), "1 Gbit/s": (100e-6, 0.125e9)}  # latency in s, bytes a second


def trainer_of(name: str, share: float, steps: int) -> Trainer:
    """A recipe's trainer on pictures of noise, enough for so many steps with this share of its batch."""
    recipe = RECIPES[name]()
    network = recipe.network()
    shape = [side for side in network.input_shape if side != 1]
    batch_size = max(1, round(recipe.batch_size * share))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (max(FEWEST, (steps + 1) * batch_size), *shape), np.uint8)
    labels = rng.integers(0, *network.output_shape, len(images))
    return replace(recipe, batch_size=batch_size, epochs=1).trainer(images, labels)


def step_times(trainer: Trainer, count: int) -> list[float]:
    """Seconds of each of `count` steps; the first, which also makes the workspaces, is left out."""
    times, before = [], 0.0
    for now in trainer.run():
        times.append(now.seconds - before)
        before = now.seconds
        if len(times) > count:
            break
    return times[1:]


def batch_times(trainer: Trainer, count: int) -> list[float]:
    """Seconds to prepare each of `count` batches."""
    times = []
    for step in range(count):
        start = time.perf_counter()
        images = trainer.images[: trainer.batch_size]
        if trainer.augment:
            images = trainer.augment(images, np.random.default_rng(step))
        to_input(images)
        times.append(time.perf_counter() - start)
    return times


def sum_times(parameters: int) -> list[float]:
    """Seconds of each of some sums of that many gradients over all ranks."""
    from mpi4py import MPI

    gradients, times = np.ones(parameters, np.float32), []
    for _ in range(SUMS):
        MPI.COMM_WORLD.Barrier()
        start = time.perf_counter()
        MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, gradients)
        times.append(time.perf_counter() - start)
        gradients[...] = 1
    return times


def measure(options: argparse.Namespace) -> None:
    """What one of the processes started by `launch` does: measure a part, and print it as JSON."""
    ranks = Ranks() if count_of_ranks() > 1 else None
    if options.part == "sum":
        found = sum_times(RECIPES[options.recipe]().network().parameters.size)
    else:
        trainer = trainer_of(options.recipe, options.share, options.steps)
        if options.part == "batch":
            found = batch_times(trainer, options.steps)
        else:
            if ranks:
                trainer = ranks.share(trainer, Path("unused"))
            found = step_times(trainer, options.steps)
    if ranks is None or ranks.first:
        print(json.dumps(found))
    if ranks:
        ranks.leave()


def launch(options: argparse.Namespace, part: str, how: tuple[str, ...], share: float = 1.0) -> list[float]:
    """Seconds of each measurement of a part. how: mpirun's arguments; none for a process without it."""
    beside = Path(sys.executable).with_name("mpirun")
    starter = [str(beside) if beside.exists() else shutil.which("mpirun") or "mpirun", *how] if how else []
    arguments = ["--part", part, "--share", share, "--steps", options.steps, "--recipe", options.recipe]
    command = [*starter, sys.executable, "-m", "benchmarks.cluster", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def network_sum(machines: int, latency: float, bandwidth: float, size: float) -> float:
    """Seconds to sum `size` bytes over machines of a network."""
    return 2 * math.log2(machines) * latency + 2 * (machines - 1) / machines * size / bandwidth


def report(
    steps: dict[str, list[float]], own: dict[int, float], batch: float, sums: dict[int, float], size: float
) -> list[str]:
    """The lines of all tables. Times in seconds: of steps, of own(N), of a batch and of sums over ranks."""
    median = {name: float(np.median(times)) for name, times in steps.items()}
    lines = ["| a step | median | best |", "| --- | --- | --- |"]
    lines += [f"| {name} | {1e3 * median[name]:.0f} ms | {1e3 * min(steps[name]):.0f} ms |" for name in steps]
    lines += [
        "",
        f"Two processes take {median[TWO] / median[ALONE]:.2f} times as long as two threads of one. They are "
        f"{median[ONE_THREAD] / median[TWO]:.2f} times as fast as one process of one thread, an efficiency "
        f"of {median[ONE_THREAD] / median[TWO] / 2:.0%}.",
        "",
        f"The sum of {size / 1e6:.2f} MB of gradients: "
        + ", ".join(f"{1e3 * seconds:.1f} ms with {ranks} ranks" for ranks, seconds in sums.items())
        + f". A whole batch is prepared in {1e3 * batch:.0f} ms.",
        "",
        "| machines | own(N) | sum as here | " + " | ".join(NETWORKS) + " |",
        "| --- " * (3 + len(NETWORKS)) + "|",
    ]
    for machines in MACHINES:
        busy = max(batch, own[machines])
        exchanges = [sums[min(RANKS)], *(network_sum(machines, *net, size) for net in NETWORKS.values())]
        gains = [own[1] / (busy + exchange) for exchange in exchanges]
        cells = " | ".join(f"{gain:.1f} times ({gain / machines:.0%})" for gain in gains)
        lines.append(f"| {machines} | {1e3 * own[machines]:.0f} ms | {cells} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="cifar10-quick", choices=RECIPES)
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=4, help="in a round (default: %(default)s)")
    parser.add_argument("--part", choices=("step", "batch", "sum"), help=argparse.SUPPRESS)
    parser.add_argument("--share", type=float, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    if options.part:
        measure(options)
        return

    steps: dict[str, list[float]] = {name: [] for name in LAUNCHED}
    own: dict[int, list[float]] = {machines: [] for machines in (1, *MACHINES)}
    batch: list[float] = []
    sums: dict[int, list[float]] = {ranks: [] for ranks in RANKS}
    for _ in range(options.rounds):
        for name, how in LAUNCHED.items():
            steps[name] += launch(options, "step", how)
        for machines in MACHINES:
            own[machines] += launch(options, "step", (), 1 / machines)
        batch += launch(options, "batch", ())
        for ranks in RANKS:
            sums[ranks] += launch(options, "sum", ("-n", str(ranks)))
    own[1] = steps[ALONE]
    size = 4.0 * RECIPES[options.recipe]().network().parameters.size
    medians = {machines: float(np.median(times)) for machines, times in own.items()}
    of_ranks = {ranks: float(np.median(times)) for ranks, times in sums.items()}
    print(f"{options.recipe}, {machine()}\n")
    print("\n".join(report(steps, medians, float(np.median(batch)), of_ranks, size)))


if __name__ == "__main__":
    main()

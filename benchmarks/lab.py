"""How long a visitor waits on two cores: for a good small network, and for fine-tuning.

    python -m benchmarks.lab [--seeds 3]

small_net, fresh and with the page's settings: seconds of training until the validation accuracy reaches each
target, and the accuracy at the end. Fine-tuning on synthetic digits, half of them with a wrong label, the
hardest case: seconds from the weights file to the new network. The page adds the start of a worker.
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from cnn import load_model
from recognition.reader import DEFAULT_WEIGHTS
from training.data import Dataset, load_mnist
from training.experiment import Experiment
from training.finetune import MAX_EXAMPLES, fine_tune
from training.memory import keep_freed_memory
from training.settings import Settings
from training.synthesis import synthesise_digits

TARGETS = {0.97: 15, 0.985: 60}  # validation accuracy: most seconds of training
FINE_TUNE_TARGET = 5  # most seconds


def train(seed: int, dataset: Dataset) -> None:
    experiment = Experiment(Settings.of("small_net", seed=seed), dataset)
    reached: dict[float, float] = {}
    for now in experiment.run():
        for accuracy in TARGETS:
            if (now.validation_accuracy or 0) >= accuracy:
                reached.setdefault(accuracy, now.seconds)
    times = ", ".join(
        f"{accuracy:.1%} after {reached[accuracy]:.1f} s" if accuracy in reached else f"never {accuracy:.1%}"
        for accuracy in TARGETS
    )
    print(f"small_net, seed {seed}: {times}; {now.validation_accuracy:.2%} at its end, {now.seconds:.1f} s")


def time_fine_tuning(count: int, dataset: Dataset) -> None:
    images, labels = synthesise_digits(count, np.random.default_rng(0))
    labels[::2] = (labels[::2] + 1) % 10
    start = time.perf_counter()
    fine_tune(load_model(DEFAULT_WEIGHTS), images, labels, dataset)
    print(f"fine-tuning on {count:2}: {time.perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="trainings (default: %(default)s)")
    options = parser.parse_args()

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")  # cnn spreads work over the cores
    dataset = load_mnist()
    print(machine())
    for seed in range(options.seeds):
        train(seed, dataset)
    for count in (1, MAX_EXAMPLES):
        time_fine_tuning(count, dataset)
    targets = " and ".join(f"{accuracy:.1%} within {seconds} s" for accuracy, seconds in TARGETS.items())
    print(f"Targets: {targets} of training, fine-tuning within {FINE_TUNE_TARGET} s.")


if __name__ == "__main__":
    main()

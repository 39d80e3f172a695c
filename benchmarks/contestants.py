"""What the benchmarks against PyTorch share: options, turns, and a training step of the same network."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch.nn import functional

from benchmarks.as_pytorch import as_pytorch, gradients_in_our_order
from cnn import Dropout, Optimizer, Sequential, softmax_cross_entropy
from cnn.fast import parallel
from training.memory import keep_freed_memory

PAUSE = 0.05  # seconds between rounds, until threads that wait by spinning have gone to sleep
TOLERANCE = 5e-3  # of the norm of the gradient: Winograd rounds more, and a pixel may change sides of a ReLU

TimedStep = Callable[[], tuple[float, float, float, float]]  # -> when it began, and when each part ended
Build = Callable[[np.random.Generator], Sequential]
Optimizers = Callable[
    [Sequential], tuple[Optimizer, Callable]
]  # ours, and what makes PyTorch's of parameters


Took = TypeVar("Took")


def parse_options(parser: argparse.ArgumentParser, rounds: int) -> argparse.Namespace:
    """Adds --rounds, --threads and --json, reads the command line, and gives all contestants the threads."""
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=parallel.CORES, help="default: all cores")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    options = parser.parse_args()
    if not 1 <= options.threads <= parallel.CORES:
        parser.error(f"--threads must be 1 to {parallel.CORES}")
    parallel.CORES = options.threads
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    return options


def in_turns(contestants: dict[str, Callable[[], Took]], rounds: int, steps: int) -> dict[str, list[Took]]:
    """What all contestants' steps return, by name: `steps` of one, then of the next, and so in rounds."""
    times: dict[str, list[Took]] = {contestant: [] for contestant in contestants}
    for step in contestants.values():
        step(), step()
    for _ in range(rounds):
        for contestant, step in contestants.items():
            time.sleep(PAUSE)
            step()
            times[contestant] += [step() for _ in range(steps)]
    return times


def contestants_of(
    name: str,
    build: Build,
    optimizers: Optimizers,
    images: np.ndarray,
    labels: np.ndarray,
    tolerance: float,
    compiled: bool = False,
) -> dict[str, TimedStep]:
    """A step each, by name. Raises AssertionError where one computes another loss or gradient than ours.

    tolerance: of the gradient's difference, as a share of its norm. Dropout draws other zeros in PyTorch, so
    it drops nothing while they are compared.
    """
    model = build(np.random.default_rng(0))
    dropouts = {position: layer for position, layer in enumerate(model.layers) if isinstance(layer, Dropout)}
    rates = {position: layer.rate for position, layer in dropouts.items()}
    for layer in dropouts.values():
        layer.rate = 0.0
    loss, dlogits = softmax_cross_entropy(model.forward(images, training=True), labels)
    model.backward_params(dlogits)
    for position, layer in dropouts.items():
        layer.rate = rates[position]
    steps = {"NumPy": numpy_step(model, optimizers(model)[0], images, labels)}
    forms = [("PyTorch eager", False, False), ("PyTorch channels_last", True, False)]
    if compiled:
        forms += [("PyTorch compiled", False, True)]
    for form, channels_last, compile_it in forms:
        network = as_pytorch(build(np.random.default_rng(0)), channels_last)
        for position in dropouts:
            network[position].p = 0.0
        inputs = torch.from_numpy(images).permute(0, 3, 1, 2)
        memory = torch.channels_last if channels_last else torch.contiguous_format
        inputs = inputs.contiguous(memory_format=memory)
        targets = torch.from_numpy(labels)
        theirs = functional.cross_entropy(network(inputs), targets)
        theirs.backward()
        gradients = gradients_in_our_order(network, model, channels_last)
        np.testing.assert_allclose(theirs.item(), loss, rtol=1e-4)
        difference = np.linalg.norm(gradients - model.gradients) / np.linalg.norm(gradients)
        assert difference < tolerance, f"{form} has other gradients: {difference:.1e} of their norm"
        print(f"{name}: {form} computes the same loss, and gradients within {difference:.1e} of their norm")
        for position, rate in rates.items():
            network[position].p = rate
        optimizer = optimizers(model)[1](network.parameters())
        runner = torch.compile(network) if compile_it else network
        steps[form] = pytorch_step(runner, optimizer, inputs, targets)
    if compiled and name == "seed_net":
        from benchmarks.as_jax import jax_step

        step = jax_step(build(np.random.default_rng(0)), images, labels, loss)
        if step:
            steps["JAX jit"] = step
    return steps


def numpy_step(model: Sequential, optimizer: Optimizer, images: np.ndarray, labels: np.ndarray) -> TimedStep:
    def step() -> tuple[float, float, float, float]:
        began = time.perf_counter()
        _, dlogits = softmax_cross_entropy(model.forward(images, training=True), labels)
        forward = time.perf_counter()
        model.backward_params(dlogits)
        backward = time.perf_counter()
        optimizer.step()
        return began, forward, backward, time.perf_counter()

    return step


def pytorch_step(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> TimedStep:
    def step() -> tuple[float, float, float, float]:
        began = time.perf_counter()
        loss = functional.cross_entropy(network(images), labels)
        forward = time.perf_counter()
        optimizer.zero_grad()
        loss.backward()
        backward = time.perf_counter()
        optimizer.step()
        return began, forward, backward, time.perf_counter()

    return step

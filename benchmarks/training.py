"""A training step in NumPy against one in PyTorch (and JAX): the same network, weights, batch and threads.

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.training [--rounds 10] [--threads 2] [--epochs] [--json FILE]

Rounds of all contestants take turns, so that what else the machine does meanwhile hits them alike; every
number is from all steps of all rounds. First all of them must agree on the loss and on every gradient.
With --epochs it also trains the origin's whole recipe, data loading and evaluation included, against the time
PyTorch needs for half of it.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

# Before NumPy is loaded: cnn spreads the work over the cores, BLAS must not do it again.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional

from benchmarks.as_pytorch import as_pytorch
from benchmarks.contestants import TOLERANCE, contestants_of, in_turns, numpy_step, parse_options
from benchmarks.machine import machine, milliseconds, sgemm_rate
from benchmarks.peak_memory import peak_memory
from cnn import (
    SGD,
    AdamW,
    Conv2D,
    Layer,
    Optimizer,
    Sequential,
    colour_net,
    digit_net,
    grey_net,
    seed_net,
    softmax_cross_entropy,
)
from cnn.fast import parallel
from cnn.fast.step import Step
from training.data import load_mnist
from training.evaluate import evaluate, new_figure, save_figure
from training.recipes import SeedRecipe

BATCH = {"seed_net": 64, "digit_net": 128}
PICTURE_BATCH = {"grey_net": 512, "colour_net": 512}  # as their recipes train them
STEPS = 40  # in a round: training goes on for minutes, and the first steps after a pause are slow
PICTURE_STEPS = 4  # the same for networks whose steps take half a second
PICTURE_TOLERANCE = 1e-2  # of colour_net's, PyTorch's own two memory formats are 5.5e-3 apart
PARTS = ("forward", "backward", "update")


def seed_optimizers(model: Sequential) -> tuple[Optimizer, Callable]:
    return SGD(model, 0.01, momentum=0.9), lambda params: torch.optim.SGD(params, 0.01, momentum=0.9)


def digit_optimizers(model: Sequential) -> tuple[Optimizer, Callable]:
    return (
        AdamW(model, 1e-3, weight_decay=0.03),
        lambda params: torch.optim.AdamW(params, 1e-3, weight_decay=0.03),
    )


NETWORKS = {"seed_net": (seed_net, seed_optimizers), "digit_net": (digit_net, digit_optimizers)}
PICTURE_NETWORKS = {"grey_net": (grey_net, digit_optimizers), "colour_net": (colour_net, digit_optimizers)}
BATCHES, BUILDERS = BATCH | PICTURE_BATCH, NETWORKS | PICTURE_NETWORKS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=BUILDERS, default=list(NETWORKS))
    parser.add_argument("--compiled", action="store_true", help="torch.compile too, and JAX if installed")
    parser.add_argument("--scaling", action="store_true", help="seconds an image at batches of 16 to 1,024")
    parser.add_argument("--plot", type=Path, help="draw --scaling to this picture")
    parser.add_argument("--layers", action="store_true", help="each step against the rate of sgemm")
    parser.add_argument("--epochs", action="store_true", help="whole epochs too, data loading included")
    options = parse_options(parser, rounds=10)

    rate = sgemm_rate(options.threads)
    print(f"{machine()}, {options.threads} threads, PyTorch {torch.__version__}, NumPy {np.__version__}")
    print(f"Matrix products of 1,024 x 1,024 run at {rate:.0f} GFLOP/s.\n")
    report: dict = {"machine": machine(), "threads": options.threads, "sgemm_gflops": rate}
    report |= {key: {} for key in ("steps", "ratio_to_pytorch_eager", "ratio_to_pytorch_channels_last")}
    images, labels = some_images(1024)
    for name in options.networks:
        steps = compare(name, images, labels, options, rate)
        report["steps"][name] = steps
        ours = steps["NumPy"]["step"]["median"]
        report["ratio_to_pytorch_eager"][name] = steps["PyTorch eager"]["step"]["median"] / ours
        channels_last = steps["PyTorch channels_last"]["step"]["median"]
        report["ratio_to_pytorch_channels_last"][name] = channels_last / ours
    if options.layers:
        report["layers"] = {name: steps_of(name, images, labels, rate) for name in options.networks}
    if options.scaling:
        report["scaling"] = scaling(images, labels)
        if options.plot:
            draw_scaling(options.plot, report["scaling"])
    if options.epochs:
        report["epochs"] = whole_epochs()
    report["peak_memory_mb"] = peak_memory(BATCH)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def some_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's first training images as (N, 28, 28, 1) float32, and their labels."""
    dataset = load_mnist()
    return (
        dataset.train_images[:count, ..., None].astype(np.float32) / np.float32(255),
        dataset.train_labels[:count].astype(np.int64),
    )


def pictures_for(name: str, images: np.ndarray) -> np.ndarray:
    """MNIST's images for a network of digits, else random pixels.

    On blank paper, where pixels are equal, PyTorch's pooling passes a gradient to another than ours does.
    """
    if name in NETWORKS:
        return images
    shape = BUILDERS[name][0](np.random.default_rng(0)).input_shape
    return np.random.default_rng(0).random((len(images), *shape), np.float32)


def compare(
    name: str, images: np.ndarray, labels: np.ndarray, options: argparse.Namespace, rate: float
) -> dict:
    """Prints and returns, for every contestant, milliseconds of each part of a step."""
    batch = BATCHES[name]
    images = pictures_for(name, images)
    tolerance = TOLERANCE if name in NETWORKS else PICTURE_TOLERANCE
    contestants = contestants_of(
        name, *BUILDERS[name], images[:batch], labels[:batch], tolerance, options.compiled
    )
    steps = STEPS if name in NETWORKS else PICTURE_STEPS
    times = in_turns(contestants, options.rounds, steps)

    flop = training_flop(BUILDERS[name][0](np.random.default_rng(0))) * batch
    print(f"{name}, batch {batch}: {flop / 1e9:.2f} GFLOP a step as plain convolutions")
    print(f"{'':24}{'median ms':>10}{'best':>8}{'ratio':>8}" + "".join(f"{part:>10}" for part in PARTS))
    result = {}
    for contestant, marks in times.items():
        parts = np.diff(np.array(marks), axis=1)
        row = {"step": milliseconds(parts.sum(axis=1))}
        row |= {part: milliseconds(parts[:, i]) for i, part in enumerate(PARTS)}
        row["share_of_sgemm"] = flop / (row["step"]["median"] / 1e3) / 1e9 / rate
        result[contestant] = row
        ratio = row["step"]["median"] / result["NumPy"]["step"]["median"]
        print(
            f"{contestant:24}{row['step']['median']:10.2f}{row['step']['best']:8.2f}{ratio:8.2f}"
            + "".join(f"{row[part]['median']:10.2f}" for part in PARTS)
            + f"   {100 * row['share_of_sgemm']:.0f} % of sgemm"
        )
    print()
    return result


def training_flop(model: Sequential) -> int:
    """Multiplications and additions of one sample's step."""
    shape, total = model.input_shape, 0
    for position, layer in enumerate(model.layers):
        total += layer_flop(layer, shape, position == 0)
        shape = layer.output_shape(shape)
    return total


def layer_flop(layer: Layer, shape: tuple[int, ...], first: bool) -> int:
    """Of one sample, as a plain convolution: y, dweight and, but for the first layer, dx."""
    weight = layer.params.get("weight")
    if weight is None:
        return 0
    places = math.prod(layer.output_shape(shape)[:2]) if isinstance(layer, Conv2D) else 1
    return 2 * weight.size * places * (2 if first else 3)


def steps_of(name: str, images: np.ndarray, labels: np.ndarray, rate: float) -> list[dict]:
    """The share of each of the network's steps, and how near its arithmetic comes to the rate of sgemm.

    The arithmetic is that of a plain convolution, so Winograd's algorithm may pass 100 %.
    """
    batch = BATCHES[name]
    model = BUILDERS[name][0](np.random.default_rng(0))
    images = pictures_for(name, images)
    times = np.zeros((40, len(model.steps), 2))
    for row in times:
        x = images[:batch]
        for position, step in enumerate(model.steps):
            start = time.perf_counter()
            x = step.forward(x, training=True)
            row[position, 0] = time.perf_counter() - start
        _, dy = softmax_cross_entropy(x, labels[:batch])
        for position, step in reversed(list(enumerate(model.steps))):
            start = time.perf_counter()
            dy = step.backward(dy) if position else step.backward_params(dy)
            row[position, 1] = time.perf_counter() - start
    shape, rows = model.input_shape, []
    print(f"{name}, batch {batch:<30}{'forward ms':>12}{'backward ms':>12}{'GFLOP':>8}{'of sgemm':>10}")
    for position, step in enumerate(model.steps):
        forward, backward = 1e3 * np.median(times[:, position], axis=0)
        flop = 0
        for layer in step.layers if isinstance(step, Step) else [step]:
            flop += layer_flop(layer, shape, layer is model.layers[0])
            shape = layer.output_shape(shape)
        work = flop * batch / 1e9
        share = work / (forward + backward) * 1e3 / rate
        rest = f"{work:8.2f}{100 * share:9.0f} %" if work else ""
        print(f"{type(step).__name__ + f' -> {shape}':44}{forward:12.2f}{backward:12.2f}{rest}")
        rows.append(
            {
                "step": str(step),
                "shape": list(shape),
                "forward_ms": forward,
                "backward_ms": backward,
                "gflop": work,
                "share_of_sgemm": share,
            }
        )
    print()
    return rows


def scaling(images: np.ndarray, labels: np.ndarray) -> list[dict]:
    """Microseconds an image, by network, batch and threads: whether the cost grows as the work does."""
    rows = []
    cores = parallel.CORES
    print(f"{'microseconds an image':24}" + "".join(f"{batch:>8}" for batch in (16, 64, 256, 1024)))
    for name, (build, optimizers) in NETWORKS.items():
        for threads in sorted({1, cores}):
            parallel.CORES = threads
            line = f"{name + f', {threads} threads':24}"
            for batch in (16, 64, 256, 1024):
                model = build(np.random.default_rng(0))
                step = numpy_step(model, optimizers(model)[0], images[:batch], labels[:batch])
                step()
                marks = np.array([step() for _ in range(max(5, 1024 // batch))])
                cost = float(np.median(marks[:, 3] - marks[:, 0]) / batch * 1e6)
                rows.append({"network": name, "threads": threads, "batch": batch, "us_per_image": cost})
                line += f"{cost:8.0f}"
            print(line)
    parallel.CORES = cores
    print()
    return rows


def draw_scaling(path: Path, rows: list[dict]) -> None:
    figure = new_figure(7, 4)
    axes = figure.subplots()
    for name in NETWORKS:
        for threads in sorted({row["threads"] for row in rows}):
            line = [row for row in rows if (row["network"], row["threads"]) == (name, threads)]
            axes.plot(
                [row["batch"] for row in line],
                [row["us_per_image"] for row in line],
                "o-" if threads > 1 else "o--",
                color="tab:blue" if name == "digit_net" else "tab:orange",
                label=f"{name}, {threads} thread{'s' if threads > 1 else ''}",
            )
    axes.set_xscale("log", base=2)
    axes.set(xlabel="batch", ylabel="microseconds an image, forward and backward", ylim=(0, None))
    axes.legend()
    save_figure(figure, path)


def whole_epochs(epochs: int = 5) -> dict:
    """The origin's recipe, epochs of both in turn: loading MNIST from the disk, training, the test set."""
    seconds = {"NumPy": 0.0, "PyTorch channels_last": 0.0}

    start = time.perf_counter()
    dataset = load_mnist()
    loading = time.perf_counter() - start
    recipe = SeedRecipe()
    trainer = recipe.trainer(dataset.train_images, dataset.train_labels)
    network = as_pytorch(seed_net(np.random.default_rng(0)), channels_last=True)
    optimizer = torch.optim.SGD(network.parameters(), recipe.learning_rate, momentum=recipe.momentum)
    inputs, tests = (
        torch.from_numpy(pictures).unsqueeze(1).float().div(255).contiguous(memory_format=torch.channels_last)
        for pictures in (dataset.train_images, dataset.test_images)
    )
    targets = torch.from_numpy(dataset.train_labels.astype(np.int64))
    progress = trainer.run()
    for _ in range(epochs):
        start = time.perf_counter()
        while not next(progress).epoch_ends:
            pass
        middle = time.perf_counter()
        for chosen in torch.randperm(len(inputs)).split(recipe.batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(network(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
        seconds["NumPy"] += middle - start
        seconds["PyTorch channels_last"] += time.perf_counter() - middle

    start = time.perf_counter()
    ours = evaluate(trainer.result(), dataset.test_images, dataset.test_labels).accuracy
    middle = time.perf_counter()
    with torch.inference_mode():
        answers = torch.cat([network(part).argmax(1) for part in tests.split(256)]).numpy()
    seconds["NumPy"] += middle - start + loading
    seconds["PyTorch channels_last"] += time.perf_counter() - middle + loading
    accuracy = {"NumPy": ours, "PyTorch channels_last": float((answers == dataset.test_labels).mean())}
    for name, value in seconds.items():
        print(f"{epochs} epochs of the origin's recipe, {name}: {value:.1f} s, {100 * accuracy[name]:.2f} %")
    ratio = seconds["PyTorch channels_last"] / seconds["NumPy"]
    print(f"In the time of our {epochs} epochs PyTorch takes {epochs / ratio:.1f}.\n")
    return {"seconds": seconds, "accuracy": accuracy, "pytorch_epochs_in_our_time": epochs / ratio}


if __name__ == "__main__":
    main()

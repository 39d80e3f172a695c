"""Reading in NumPy against PyTorch and ONNX Runtime: the same networks and weights, one image and 1,000.

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.inference [--rounds 20] [--threads 2] [--json FILE]

Rounds of all contestants take turns. First all of them must give the same logits. Both networks are read as
they are in the app: batch norm is folded into the convolutions, for every contestant alike.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

# Before NumPy is loaded: cnn spreads the work over the cores, BLAS must not do it again.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import onnxruntime
import torch

from benchmarks.as_pytorch import as_pytorch
from benchmarks.contestants import in_turns, parse_options
from benchmarks.machine import machine, milliseconds
from cnn import Sequential, load_model, prepare_for_inference
from recognition import to_input
from recognition.reader import SHIPPED
from training.data import load_mnist

BATCHES = {1: 50, 1000: 2}  # batch -> steps in a round

Read = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options = parse_options(parser, rounds=20)
    print(
        f"{machine()}, {options.threads} threads, PyTorch {torch.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}, NumPy {np.__version__}\n"
    )
    images = to_input(load_mnist().test_images[: max(BATCHES)])
    report: dict = {"machine": machine(), "threads": options.threads, "milliseconds": {}}
    for weights in SHIPPED.values():
        model = prepare_for_inference(load_model(weights).model)
        contestants = contestants_of(model, images, options.threads)
        report["milliseconds"][model.name] = {
            str(batch): compare(model.name, contestants, images[:batch], steps, options.rounds)
            for batch, steps in BATCHES.items()
        }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def contestants_of(model: Sequential, images: np.ndarray, threads: int) -> dict[str, Read]:
    """Images (N, 28, 28, 1) float32 -> logits, by name. AssertionError where two do not agree."""
    network = as_pytorch(model, channels_last=False).eval()
    example = torch.from_numpy(images[:2]).permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        script = torch.jit.freeze(torch.jit.trace(network, example))
    session = onnx_session(network, example, threads)

    def pytorch(of: Callable) -> Read:
        def read(x: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return of(torch.from_numpy(x.reshape(len(x), 1, 28, 28))).numpy()

        return read

    def onnx(x: np.ndarray) -> np.ndarray:
        return session.run(None, {"x": x.reshape(len(x), 1, 28, 28)})[0]

    contestants = {
        "NumPy": model.predict,
        "PyTorch eager": pytorch(network),
        "TorchScript": pytorch(script),
        "ONNX Runtime": onnx,
    }
    expected = model.predict(images)
    for name, read in contestants.items():
        np.testing.assert_allclose(read(images), expected, rtol=1e-3, atol=1e-3, err_msg=name)
    return contestants


def onnx_session(
    network: torch.nn.Module, example: torch.Tensor, threads: int
) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
            dynamo=False,
            verbose=False,
        )
        return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])


def seconds_of(read: Read, x: np.ndarray) -> float:
    start = time.perf_counter()
    read(x)
    return time.perf_counter() - start


def compare(name: str, contestants: dict[str, Read], x: np.ndarray, steps: int, rounds: int) -> dict:
    """Prints and returns milliseconds of every contestant."""
    timed = {contestant: partial(seconds_of, read, x) for contestant, read in contestants.items()}
    times = in_turns(timed, rounds, steps)
    print(f"{name}, {len(x)} image{'s' if len(x) > 1 else ''}")
    result = {contestant: milliseconds(np.array(values)) for contestant, values in times.items()}
    ours = result["NumPy"]["median"]
    for contestant, row in result.items():
        line = f"{contestant:20}{row['median']:10.3f} ms{row['best']:10.3f} best"
        print(f"{line}{row['median'] / ours:8.2f} x ours")
    print()
    return result


if __name__ == "__main__":
    main()

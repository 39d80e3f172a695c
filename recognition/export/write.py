"""Which files an export is, and what they say about themselves."""

import json
from collections.abc import Callable
from pathlib import Path

from cnn import Checkpoint, prepare_for_inference, save_model
from cnn.layer import Array
from cnn.storage import SAFETENSORS, atomic_write
from recognition.calibration import Calibration
from recognition.export.c_source import c_files
from recognition.export.onnx import onnx_model
from recognition.line_reading import SIGNS

FORMATS = ("onnx", "safetensors", "c")

TITLE = "Digits from Scratch: a convolutional network that reads handwritten digits"
PREPROCESSING = (
    "images are (N, C, 28, 28) float32, ink 1 on paper 0, made as MNIST's were: the ink's tight bounding "
    "box, padded to a square, is area-resampled to 20x20, scaled so that its peak is 1, and shifted by whole "
    "pixels into 28x28 so that its centre of mass comes to pixel index (14, 14)."
)
OTHER_TITLE = "Digits from Scratch: a convolutional network that tells pictures apart"
OTHER_PREPROCESSING = (
    "images are (N, C, H, W) float32 in [0, 1], grey or red, green and blue: the square in the middle of a "
    "picture, shrunk by averaging areas."
)
LINE_PREPROCESSING = (
    "images are (N, 1, 48, 264) float32, ink 1 on paper 0: a word or a number with digits 22 pixels high "
    "with their middles in the middle row. The answers are for every fourth pixel from left to right, to be "
    "read by connectionist temporal classification."
)
LINE_CLASSES = ["something else", "blank"]  # after the digits and separators
CONTEXT = " Channel 2 shows what stands around the candidate, at half that scale."
REJECTION = "not a digit where log(sum(exp(logits))) < threshold"
REJECTION_IN_CONTEXT = "none of the classes where all logits are below 0"


class ExportError(ValueError):
    """A network that cannot be had in that format. The message says why and what to do."""


def write_export(
    checkpoint: Checkpoint, to: str, folder: Path, name: str, pictures: Callable[[], Array] | None = None
) -> list[Path]:
    """Write the network in a format of FORMATS into a folder, which is made; returns the files' paths.

    name: of the file, without suffix; the two of C have names of their own. pictures: digits, (N, 28, 28, 1)
    float32 in [0, 1], from which 8-bit arithmetic learns how large numbers become; C needs them.
    Raises ExportError, and OSError where a file cannot be written.
    """
    if to not in FORMATS:
        raise ExportError(f"There is no format {to!r}; there are {', '.join(FORMATS)}.")
    folder.mkdir(parents=True, exist_ok=True)
    if to == "safetensors":
        path = folder / f"{name}{SAFETENSORS}"
        save_model(path, checkpoint.model, progress=Calibration.of(checkpoint).to_progress())
        return [path]
    if to == "onnx":
        contents = {f"{name}.onnx": _onnx(checkpoint)}
    elif not checkpoint.model.reads_digits:
        raise ExportError("C is written for networks that read digits. Take ONNX or safetensors.")
    else:
        try:
            contents = {file: text.encode() for file, text in c_files(checkpoint.model, pictures).items()}
        except ValueError as error:
            raise ExportError(str(error)) from error
    for file, content in contents.items():
        with atomic_write(folder / file) as opened:
            opened.write(content)
    return [folder / file for file in contents]


def _onnx(checkpoint: Checkpoint) -> bytes:
    model, calibration = checkpoint.model, Calibration.of(checkpoint)
    count = model.output_shape[-1]
    reads_digits, is_line_model = model.reads_digits, len(model.output_shape) > 1
    is_context_model = count > 10 and reads_digits and not is_line_model
    preprocessing = PREPROCESSING + (CONTEXT if is_context_model else "")
    if is_line_model:
        preprocessing = LINE_PREPROCESSING
    metadata = {
        "architecture": model.name,
        "classes": json.dumps(model.classes or [*SIGNS, *LINE_CLASSES][:count]),
        "preprocessing": preprocessing if reads_digits else OTHER_PREPROCESSING,
        "calibration": json.dumps(calibration.to_progress()["calibration"]),
        "license": "apache-2.0",
    }
    if is_context_model:
        metadata["rejection"] = REJECTION_IN_CONTEXT
    elif calibration.threshold is not None:
        metadata["rejection"] = REJECTION
    temperature = None if is_context_model or is_line_model else calibration.temperature
    try:
        title = TITLE if reads_digits else OTHER_TITLE
        return onnx_model(prepare_for_inference(model), metadata, title, temperature)
    except ValueError as error:
        raise ExportError(str(error)) from error

"""Networks for other programs, and the digits that show 8-bit arithmetic how large numbers become."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from cnn import load_model
from recognition import to_input
from recognition.export import write_export
from training.synthesis import synthesise_digits

QUANTISATION_PICTURES = 500


def export_weights(weights: Path, to: str, folder: Path, name: str) -> list[Path]:
    """Write the network in the file `weights` in another format. Arguments, errors: see `write_export`."""
    checkpoint = load_model(weights, None, None, any_classes=True)
    return write_export(checkpoint, to, folder, name, quantisation_pictures)


def exported_bytes(weights: Path, to: str, name: str) -> bytes:
    """The same as one file's bytes: a zip where there are several files."""
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        files = export_weights(weights, to, Path(folder), name)
        if len(files) == 1:
            return files[0].read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.name)
        return packed.getvalue()


def quantisation_pictures() -> np.ndarray:
    """Digits that code draws, (N, 28, 28, 1) float32, the same each time."""
    return to_input(synthesise_digits(QUANTISATION_PICTURES, np.random.default_rng(0))[0])

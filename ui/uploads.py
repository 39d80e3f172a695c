"""The files that visitors and programs send."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder, is_in_or_equal

from ink import Reading
from ink.picture import PictureError, load_picture


def load_upload(file: object, max_pixels: int, forget: bool = False) -> np.ndarray:
    """An uploaded file, as {"path": ...} -> its pixels as `load_picture` gives them.

    Only what was uploaded is opened: not any other file of this machine that a caller may name. Raises
    PictureError, in words that name no path, for everything else and for what is no picture. forget: deletes
    the file at once; without it, the page deletes what is older than an hour.
    """
    path = _path(file)
    if path is None:
        raise PictureError("Please send an image file, with gradio_client's handle_file.")
    try:
        with path.open("rb") as opened:
            return load_picture(opened, max_pixels)
    except OSError:
        raise PictureError("The file is no longer here. Please send it again.") from None
    finally:
        if forget:
            with contextlib.suppress(OSError):
                path.unlink()


@contextlib.contextmanager
def uploaded(file: object) -> Iterator[Path]:
    """An uploaded file, as {"path": ...}, that is deleted in the end. ValueError for everything else."""
    path = _path(file)
    if path is None or not path.is_file():
        raise ValueError("The file is no longer here. Please send it again.")
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def read_upload(read: Callable[[np.ndarray], Reading], file: object, max_pixels: int) -> dict:
    """An uploaded file -> the JSON of its reading; `gr.Error`, in words, where there is none."""
    try:
        return read(load_upload(file, max_pixels)).to_json()
    except (PictureError, ValueError, TypeError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def _path(file: object) -> Path | None:
    """Where the file is, if it was uploaded and is none of this machine's own."""
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or "\0" in path or not is_in_or_equal(path, get_upload_folder()):
        return None
    return Path(path)

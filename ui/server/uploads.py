"""The files that visitors and programs send: who is charged for each, who may open it, and when it goes."""

import contextlib
import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import strip_invalid_filename_characters

from jobs.storage_account import StorageAccount
from recognition import Reading
from recognition.files import PictureError, load_picture
from ui.server import metrics

KEPT_SECONDS = 1800.0  # of a file that was sent and is not read; what the page reads is deleted at once
LEFT_FREE = 200_000_000  # bytes of the disk that uploads leave to others
LEAST_CHARGE = 65_536  # bytes that a file counts as at least: many small ones take time and inodes
CHUNK = 1_048_576  # bytes that are copied at a time


@dataclass
class _Stored:
    """A file of the folder. unread: how often it was sent and not yet read.

    Files are named by their content: if two visitors send the same photo, there is one file for both,
    charged to the first.
    """

    account: StorageAccount
    address: str
    charge: int
    unread: int = 1


_files: dict[str, _Stored] = {}
_lock = threading.Lock()  # of `_files` and of the names in the folder


def store(content: BinaryIO, name: str, address: str, account: StorageAccount) -> str:
    """Puts what was sent into the folder of uploads, charged to `address`; returns its path.

    name: as the sender has it; only what is harmless of it is used. Raises OSError where the disk is full.
    """
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as written:
        try:
            while chunk := content.read(CHUNK):
                written.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        except BaseException:
            Path(written.name).unlink()
            raise
    path = folder / digest.hexdigest() / _harmless(name)
    with _lock:
        path.parent.mkdir(exist_ok=True)
        Path(written.name).replace(path)
        if str(path) in _files:
            _files[str(path)].unread += 1
        else:
            charge = max(size, LEAST_CHARGE)
            account.correct(address, charge)
            _files[str(path)] = _Stored(account, address, charge)
    return str(path)


def load_upload(file: object, max_pixels: int, forget: bool = False) -> np.ndarray:
    """An uploaded file, as {"path": ...} -> its pixels as `load_picture` gives them.

    Only what was uploaded is opened: not any other file of this machine that a caller may name. Raises
    PictureError, in words that name no path, for everything else and for what is no picture. forget:
    deletes the file, unless it was sent again; without it, `clean_up` does when it is old.
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
            _delete(path)


@contextlib.contextmanager
def uploaded(file: object) -> Iterator[Path]:
    """An uploaded file, as {"path": ...}, that is deleted in the end. ValueError for everything else."""
    path = _path(file)
    if path is None or not path.is_file():
        raise ValueError("The file is no longer here. Please send it again.")
    try:
        yield path
    finally:
        _delete(path)


def read_upload(read: Callable[[np.ndarray], Reading], file: object, max_pixels: int) -> dict:
    """An uploaded file -> the JSON of its reading; `gr.Error`, in words, where there is none."""
    try:
        return metrics.count_reading("api", read(load_upload(file, max_pixels))).to_json()
    except (PictureError, ValueError, TypeError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def was_uploaded(path: object) -> bool:
    """Whether this names something in the folder of uploads."""
    try:
        return isinstance(path, str) and is_in_or_equal(path, get_upload_folder())
    except (OSError, ValueError):  # of what can be no file's name: too long, with a zero, half a character
        return False


def disk_has_room(size: int) -> bool:
    """Whether the disk can hold so many bytes more and has some left for others."""
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free > LEFT_FREE + size


def forget(path: str) -> None:
    """Deletes a file that `store` has just put there, unless somebody else sent it, too."""
    _delete(Path(path))


async def clean_up(blocks: gr.Blocks) -> None:
    """Deletes what was sent long ago and left behind, and what Gradio remembers of files that are gone."""
    await anyio.to_thread.run_sync(_delete_old)
    for known in (blocks.upload_file_set, *blocks.temp_file_sets):
        known.difference_update([file for file in tuple(known) if not Path(file).exists()])
    # Gradio gives answers to the sessions that asked last; of the others, it remembers the calls for ever.
    queue = blocks._queue
    for session in set(queue.pending_event_ids_session) - set(queue.pending_messages_per_session):
        for event in queue.pending_event_ids_session.pop(session):
            queue.event_ids_to_events.pop(event, None)


def _path(file: object) -> Path | None:
    """Where the file is, if it was uploaded and is none of this machine's own."""
    path = file.get("path") if isinstance(file, dict) else None
    return Path(path) if was_uploaded(path) else None


def _harmless(name: str) -> str:
    """A file's name without what leads elsewhere or cannot be shown."""
    name = strip_invalid_filename_characters(name.replace("\\", "/").rpartition("/")[2])
    name = "".join(one for one in name if one.isprintable())
    return name if name.strip(". ") else "file"


def _delete_old() -> None:
    now = time.time()
    for path in sorted(Path(get_upload_folder()).rglob("*"), reverse=True):  # files before their folders
        with _lock, contextlib.suppress(OSError):
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.rmdir() if path.is_dir() else path.unlink()
    with _lock:
        for path in [path for path in _files if not Path(path).exists()]:
            _give_back(path)


def _delete(path: Path) -> None:
    """The file, unless somebody else sent it too, and the folder that was made for it."""
    with _lock, contextlib.suppress(OSError):
        stored = _files.get(str(path))
        if stored is not None and stored.unread > 1:
            stored.unread -= 1
            return
        _give_back(str(path))
        path.unlink()
        if path.parent != Path(get_upload_folder()):
            path.parent.rmdir()


def _give_back(path: str) -> None:
    stored = _files.pop(path, None)
    if stored is not None:
        stored.account.give_back(stored.address, stored.charge)

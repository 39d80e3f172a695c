"""The files that visitors and programs send: what becomes of them, and how much room they may take."""

import contextlib
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import anyio.to_thread
import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder, is_in_or_equal

from jobs.account import StorageAccount
from recognition import Reading
from recognition.files import PictureError, load_picture
from ui.server import metrics

KEPT_SECONDS = 1800.0  # of a file that was sent and is not read; what the page reads is deleted at once
LOOK_SECONDS = 1.0  # from one look at the folder to the next
LEFT_FREE = 200_000_000  # bytes of the disk that uploads leave to others

# How often each file was sent and not yet read. Gradio names files by their content: if two visitors send the
# same photo, there is one file for both.
_sent: Counter[str] = Counter()
_account = StorageAccount(1_000_000_000, 1_000_000_000)
_lock = threading.Lock()


def load_upload(file: object, max_pixels: int, forget: bool = False) -> np.ndarray:
    """An uploaded file, as {"path": ...} -> its pixels as `load_picture` gives them.

    Only what was uploaded is opened: not any other file of this machine that a caller may name. Raises
    PictureError, in words that name no path, for everything else and for what is no picture. forget: deletes
    the file, unless it was sent again; without it, `keep_house` does when it is old.
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
    return isinstance(path, str) and "\0" not in path and is_in_or_equal(path, get_upload_folder())


def _path(file: object) -> Path | None:
    """Where the file is, if it was uploaded and is none of this machine's own."""
    path = file.get("path") if isinstance(file, dict) else None
    return Path(path) if was_uploaded(path) else None


def share_account(account: StorageAccount) -> None:
    """Uploads are entered into this account from now on, beside what else there is in it."""
    global _account
    _account = account
    metrics.STORED.set_function(account.stored_bytes)


class Room:
    """How much room is left for uploads: of the account, and of the disk."""

    def __init__(self) -> None:
        self._is_disk_full, self._looked = False, -LOOK_SECONDS

    async def for_another(self, request: Hashable, address: str, length: int) -> bool:
        """Whether `request` of so many bytes may bring its files; `release` it in the end."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._is_disk_full = await anyio.to_thread.run_sync(_is_disk_full)
        return not self._is_disk_full and _account.reserve(request, address, length)

    def release(self, request: Hashable) -> None:
        """The request is over: what it brought was entered by `note_sent`."""
        _account.remove(request)


def note_sent(address: str, paths: list) -> None:
    """What Gradio answered to an upload from this address: the files that it wrote."""
    for path in paths:
        if isinstance(path, str):
            with _lock, contextlib.suppress(OSError):
                _sent[path] += 1
                _account.enter(path, address, Path(path).stat().st_size)


def _is_disk_full() -> bool:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free <= LEFT_FREE


async def keep_house(blocks: gr.Blocks) -> None:
    """Deletes what was sent long ago and left behind, and what Gradio remembers of files that are gone."""
    await anyio.to_thread.run_sync(_delete_old)
    for known in (blocks.upload_file_set, *blocks.temp_file_sets):
        known.difference_update([file for file in tuple(known) if not Path(file).exists()])
    with _lock:
        for file in [file for file in _sent if not Path(file).exists()]:
            del _sent[file]
            _account.remove(file)
    # Gradio gives answers to the sessions that asked last; of the others, it remembers the calls for ever.
    queue = blocks._queue
    for session in set(queue.pending_event_ids_session) - set(queue.pending_messages_per_session):
        for event in queue.pending_event_ids_session.pop(session):
            queue.event_ids_to_events.pop(event, None)


def _delete_old() -> None:
    now = time.time()
    for path in sorted(Path(get_upload_folder()).rglob("*"), reverse=True):  # files before their folders
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.rmdir() if path.is_dir() else path.unlink()


def _delete(path: Path) -> None:
    """The file, unless somebody else sent it too, and the folder that Gradio made for it."""
    with _lock, contextlib.suppress(OSError):
        _sent[str(path)] -= 1
        if _sent[str(path)] > 0:
            return
        del _sent[str(path)]
        _account.remove(str(path))
        path.unlink()
        if path.parent != Path(get_upload_folder()):
            path.parent.rmdir()

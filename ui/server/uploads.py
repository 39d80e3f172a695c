"""The files that visitors and programs send: who is charged for each, who may open it, and when it goes."""

import contextlib
import hashlib
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import strip_invalid_filename_characters

from jobs.account import StorageAccount
from ui.server import metrics

KEPT_SECONDS = 1800.0  # of a file that was sent and is not read; what the page reads is deleted at once
LEFT_FREE = 200_000_000  # bytes of the disk that uploads leave to others
LEAST_CHARGE = 65_536  # bytes that a file counts as at least: many small ones take time and inodes
CHUNK = 1_048_576  # bytes that are copied at a time


class StorageFull(Exception):  # noqa: N818 - nothing is wrong with the program
    """There is no room for a file. of_address: whether there is for others."""

    def __init__(self, of_address: bool) -> None:
        super().__init__(of_address)
        self.of_address = of_address


NOT_SENT = "Please send a file, with gradio_client's handle_file."
GONE = "The file is no longer here. Please send it again."

_account = StorageAccount(1_000_000_000, 400_000_000)
# How often each file was sent and not yet read. Files are named by their content: if two visitors send the
# same photo, there is one file for both, charged to the first.
_unread: Counter[str] = Counter()
_lock = threading.Lock()  # of `_unread` and of the names in the folder


def share_account(account: StorageAccount) -> None:
    """Uploads are entered into this account from now on, beside what else there is in it."""
    global _account
    _account = account
    metrics.STORED.set_function(account.stored_bytes)


@contextlib.contextmanager
def reserved(address: str, size: int) -> Iterator[None]:
    """While an upload is under way, its bytes count. Raises StorageFull where there is no room for them."""
    request = object()
    if not _account.reserve(request, address, size):
        raise StorageFull(_account.stored_bytes(address) + size > _account.address_bytes)
    try:
        yield
    finally:
        _account.remove(request)  # from here on, what was stored counts


def store(content: BinaryIO, name: str, address: str) -> str:
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
        _unread[str(path)] += 1
        if _unread[str(path)] == 1:
            _account.enter(str(path), address, max(size, LEAST_CHARGE))
    return str(path)


@contextlib.contextmanager
def uploaded(file: object, forget: bool = True) -> Iterator[Path]:
    """An uploaded file, as {"path": ...}. ValueError, in words that name no path, for everything else.

    Only what was uploaded is given out: not any other file of this machine that a caller may name. forget:
    the file is deleted in the end, unless it was sent again; without it, `clean_up` does when it is old.
    """
    path = file.get("path") if isinstance(file, dict) else None
    if not was_uploaded(path):
        raise ValueError(NOT_SENT)
    path = Path(path)
    try:
        if not _is_there(path):
            raise ValueError(GONE)
        yield path
    finally:
        if forget:
            _delete(path)


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


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


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
        for path in [path for path in _unread if not Path(path).exists()]:
            _forget(path)


def _delete(path: Path) -> None:
    """The file, unless somebody else sent it too, and the folder that was made for it."""
    with _lock, contextlib.suppress(OSError):
        if _unread[str(path)] > 1:
            _unread[str(path)] -= 1
            return
        _forget(str(path))
        path.unlink()
        if path.parent != Path(get_upload_folder()):
            path.parent.rmdir()


def _forget(path: str) -> None:
    del _unread[path]
    _account.remove(path)

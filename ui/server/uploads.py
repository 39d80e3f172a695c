"""The files that visitors and programs send: what becomes of them, and how much room they may take."""

import contextlib
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from ui.server import metrics

KEPT_SECONDS = 1800.0  # of a file that was sent and is not read; what the page reads is deleted at once
LOOK_SECONDS = 1.0  # from one look at the folder to the next
LEFT_FREE = 200_000_000  # bytes of the disk that uploads leave to others
NOT_SENT = "Please send a file, with gradio_client's handle_file."

# How often each file was sent and not yet read. Gradio names files by their content: if two visitors send the
# same photo, there is one file for both.
_sent: Counter[str] = Counter()
_lock = threading.Lock()


@contextlib.contextmanager
def uploaded(file: object, forget: bool = True) -> Iterator[Path]:
    """An uploaded file, as {"path": ...}. ValueError, in words that name no path, for everything else.

    Only what was uploaded is given out: not any other file of this machine that a caller may name. forget:
    the file is deleted in the end, unless it was sent again; without it, `keep_house` does when it is old.
    """
    path = _path(file)
    if path is None:
        raise ValueError(NOT_SENT)
    try:
        if not _is_there(path):
            raise ValueError("The file is no longer here. Please send it again.")
        yield path
    finally:
        if forget:
            _delete(path)


def was_uploaded(path: object) -> bool:
    """Whether this names something in the folder of uploads."""
    return isinstance(path, str) and "\0" not in path and is_in_or_equal(path, get_upload_folder())


def _path(file: object) -> Path | None:
    """Where the file is, if it was uploaded and is none of this machine's own."""
    path = file.get("path") if isinstance(file, dict) else None
    return Path(path) if was_uploaded(path) else None


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


class Room:
    """How much room is left for uploads. most: bytes that all of them together may take."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._stored, self._looked = 0, -LOOK_SECONDS

    async def for_another(self, length: int) -> bool:
        """Whether a request of so many bytes may bring its files; the disk has to have room, too."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._stored = await anyio.to_thread.run_sync(_stored)
        if self._stored + length > self.most:
            return False
        self._stored += length  # until the next look
        return True


def note_sent(paths: list) -> None:
    """What Gradio answered to an upload: the files that it wrote."""
    with _lock:
        _sent.update(path for path in paths if isinstance(path, str))


def _stored() -> int:
    """Bytes of all uploaded files, and as many more as the disk is too full for."""
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    stored = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            stored += file.stat().st_size
    metrics.STORED.set(stored)
    return stored if shutil.disk_usage(folder).free > LEFT_FREE else 2**63


async def keep_house(blocks: gr.Blocks) -> None:
    """Deletes what was sent long ago and left behind, and what Gradio remembers of files that are gone."""
    await anyio.to_thread.run_sync(_delete_old)
    for known in (blocks.upload_file_set, *blocks.temp_file_sets):
        known.difference_update([file for file in tuple(known) if not Path(file).exists()])
    with _lock:
        for file in [file for file in _sent if not Path(file).exists()]:
            del _sent[file]
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
        path.unlink()
        if path.parent != Path(get_upload_folder()):
            path.parent.rmdir()

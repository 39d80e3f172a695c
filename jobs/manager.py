"""All visitors and what is theirs: who holds a place, the queues, the files.

    manager = SessionManager(Limits.from_environment())        # one for the whole app
    session = manager.session(key, address, page)              # a visitor's; made when first asked for
    session.start(Settings.of("small_net"))
    with session.listening(on_change):                         # called whenever session.status is another
        ...
    session.use_result()                                       # session.own_reader() reads with it
    manager.close_page(page)                                   # kept for a while, in case they come back
    manager.remove(key)                                         # process and files are gone

Everything may be called from any thread. Work happens in worker processes (`jobs.worker`), as many at once as
the limits allow; the others wait, and addresses take turns. No lock is held while anything is loaded, copied
or waited for, and visitors share none but those of the list of visitors and of the queues.
"""

import atexit
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from jobs.account import StorageAccount
from jobs.activity import Shared
from jobs.likes import LikesFinder
from jobs.limits import Limits
from jobs.queue import BusyError, JobQueue
from jobs.session import Session

try:
    import fcntl
except ImportError:  # Windows: folders of an app that was killed stay until somebody deletes them
    fcntl = None

WORKER = (sys.executable, "-m", "jobs.worker")
FOLDER_PREFIX = "digits-from-scratch-"
LOCK = ".lock"
LAST_SECONDS = 5.0  # that killed processes have to be gone when all ends
# What ends a process without a word, unless it listens. Ctrl-C is Python's own, and Gradio's.
END_SIGNALS = ("SIGTERM", "SIGHUP", "SIGQUIT")
FULL = "Too many visitors are training here now. Please try again in a few minutes."
FULL_ADDRESS = "Too many visitors at your internet address are training here now. Please try again later."


class SessionManager:
    """All sessions, their queues and their files. One for an app; `close` ends everything.

    worker: the command of a worker process. mnist: MNIST's folder, or None for the cache or the mirrors.
    """

    def __init__(
        self, limits: Limits | None = None, *, worker: Sequence[str] = WORKER, mnist: Path | None = None
    ) -> None:
        self.limits = limits = limits or Limits()
        self.folder, self._lock_file = _own_folder()
        waiting = limits.waiting, limits.share(limits.waiting)
        self.shared = Shared(
            limits,
            tuple(worker),
            mnist,
            self.folder,
            JobQueue(limits.trainings, *waiting),
            JobQueue(limits.teachings, *waiting),
            StorageAccount(limits.stored_bytes, limits.share(limits.stored_bytes)),
        )
        self.likes = LikesFinder(limits, tuple(worker), mnist, self.folder)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()  # of `_sessions`; nothing else is done under it
        self._closed = threading.Event()
        threading.Thread(target=self._sweep, name="free-idle-sessions", daemon=True).start()
        atexit.register(self.close)

    def session(self, key: str, address: str = "", page: str | None = None) -> Session:
        """The session of this visitor, by whatever tells visitors apart, made where there is none.

        address: from which they come, as the request guard knows it. page: which of their pages asks, if any.
        Where there are as many sessions as there may be, of all or of this address, one in which there is
        nothing makes room, or whoever has been away longest; BusyError where there is no such one.
        """
        removed = None
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                removed = self._make_room(address)
                session = self._sessions[key] = Session(self.shared, address)
        if removed is not None:
            removed.close()
        session.presence.touch(page)
        return session

    def find(self, key: str, page: str | None = None) -> Session | None:
        """The session of this visitor, whose `page` asks, if there is one; makes none, waits for nobody."""
        session = self._sessions.get(key)
        if session is not None:
            session.presence.touch(page)
        return session

    def close_page(self, page: str) -> list[Session]:
        """`page` was closed, or lost its connection. Returns whose last page it was."""
        return [session for session in tuple(self._sessions.values()) if session.presence.close(page)]

    @property
    def visitors(self) -> int:
        """How many visitors have something of their own."""
        return sum(session.holds_place for session in tuple(self._sessions.values()))

    def remove(self, key: str) -> None:
        """The visitor is gone: ends their job, deletes what was theirs. Unknown keys do nothing."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()

    def close(self) -> None:
        """Ends all sessions and their processes, and deletes all files."""
        self._closed.set()
        with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        self.likes.close()
        ended = [session.end() for session in sessions]
        last = time.monotonic() + LAST_SECONDS
        for job in ended:
            if job is not None:
                job.wait(max(0.0, last - time.monotonic()))
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock_file is not None:
            self._lock_file.close()
        atexit.unregister(self.close)

    def close_on_signals(self) -> None:
        """Has the signals that end this process close the manager first. Called in the main thread.

        One that is ignored, as SIGHUP under nohup, stays so. A second one ends the process at once.
        """

        def end(number: int, _: object) -> None:
            signal.signal(number, signal.SIG_DFL)
            self.close()
            os.kill(os.getpid(), number)

        for name in END_SIGNALS:
            number = getattr(signal, name, None)  # Windows has SIGTERM alone
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, end)

    def free_idle(self) -> None:
        """Frees what visitors left behind, after `idle_seconds` or `away_seconds`."""
        for key, one in tuple(self._sessions.items()):
            if one.idle_for() > self.limits.idle_seconds or one.away_for() > self.limits.away_seconds:
                self.remove(key)

    def _make_room(self, address: str) -> Session | None:
        """For one more session of this address; returns whose ends for it, if any. With the lock held."""
        of_address = [key for key, session in self._sessions.items() if session.address == address]
        if self._closed.is_set():
            raise BusyError(FULL)
        if len(of_address) >= self.limits.share(self.limits.visitors):
            keys, sentence = of_address, FULL_ADDRESS
        elif len(self._sessions) >= self.limits.visitors:
            keys, sentence = list(self._sessions), FULL
        else:
            return None

        def how_free(key: str) -> tuple[bool, float]:
            session = self._sessions[key]
            return not session.holds_place, session.away_for()

        key = max(keys, key=how_free)
        if how_free(key) == (False, 0.0):
            raise BusyError(sentence)
        return self._sessions.pop(key)

    def _sweep(self) -> None:
        while not self._closed.wait(min(30, self.limits.away_seconds)):
            self.free_idle()


def _own_folder() -> tuple[Path, BinaryIO | None]:
    """A temporary folder, and the lock that says it is in use. Those of apps that were killed are deleted."""
    if fcntl is None:
        return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)), None
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: an app that lives holds it
            shutil.rmtree(left.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    file = (folder / "locking").open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    (folder / "locking").rename(folder / LOCK)  # locked before anybody can find it
    return folder, file

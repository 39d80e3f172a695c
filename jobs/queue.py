"""Jobs in worker processes: a queue, first come first served, and what watches over a process."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.protocol import Arrays, read_frame, write_frame

ROOT = Path(__file__).parent.parent

logger = logging.getLogger(__name__)


class BusyError(ValueError):
    """No room now; the message says to try again later."""


class Run:
    """One job, from the queue to the end of its process. `Lane.enter` starts it.

    command: the worker's. message, arrays: its first frame (`jobs.worker` says what jobs there are).
    folder: where it may leave temporary files. hear(run, event, arrays): called for every event; moved(run,
    place) for every move in the queue, 0 when it is the run's turn; ended(run) once, when there is no process
    any more. They are called from the run's thread, or from that of whoever enters or leaves the lane.
    """

    def __init__(
        self,
        command: Sequence[str],
        message: dict,
        arrays: Arrays,
        folder: Path,
        *,
        hear: Callable[["Run", dict, Arrays], None],
        moved: Callable[["Run", int], None],
        ended: Callable[["Run"], None],
    ) -> None:
        self.command, self.message, self.arrays, self.folder = command, message, arrays, folder
        self.hear, self.moved, self.ended = hear, moved, ended
        self.overdue = False  # whether it was ended for taking too long
        self._process: subprocess.Popen | None = None
        self._killed = False
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._gone = threading.Event()

    def order(self, name: str, arrays: Arrays | None = None) -> None:
        """Tell the process something; nothing happens where it has ended."""
        with self._lock:
            if self._process is not None and not self._killed:
                with contextlib.suppress(OSError):
                    write_frame(self._process.stdin, {"order": name}, arrays)

    def allow(self, seconds: float) -> None:
        """End the process by force when it is still there after so many seconds from now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(seconds, self._take_too_long)
            self._timer.daemon = True
            self._timer.start()

    def kill(self) -> None:
        """End the process at once, or never start it."""
        with self._lock:
            self._killed = True
            if self._process is not None and self._process.poll() is None:
                _kill(self._process)

    def wait(self, seconds: float) -> bool:
        """Whether the process was gone within so many seconds."""
        return self._gone.wait(seconds)

    def watch(self) -> None:
        """Runs the process to its end. Called once, by the lane, in a thread of its own."""
        try:
            self._start()
            while not self._killed and (frame := read_frame(self._process.stdout)) is not None:
                self.hear(self, *frame)
        # Whatever the process sends or how it ends: the app goes on, and the visitor is told.
        except Exception:
            if not self._killed:
                logger.exception("A worker process could not be started or understood")
        finally:
            self._end()

    def _start(self) -> None:
        environment = os.environ | {"TMPDIR": str(self.folder), "OPENBLAS_NUM_THREADS": "1"}
        with self._lock:
            if self._killed:
                return
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            write_frame(self._process.stdin, self.message, self.arrays)

    def _end(self) -> None:
        self.kill()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        if self._process is not None:
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # closing flushes, and nobody reads any more
                    pipe.close()
        self._gone.set()
        self.ended(self)

    def _take_too_long(self) -> None:
        self.overdue = True
        self.kill()


class Lane:
    """A queue, first come first served. at_once: how many run; waiting: how many may wait beside them."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.at_once, self.most_waiting = at_once, waiting
        self._running = 0
        self._queue: deque[Run] = deque()
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        with self._lock:
            return self._running

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._queue)

    def enter(self, run: Run) -> None:
        """Let the run start, or wait for its turn. BusyError where too many wait already."""
        with self._lock:
            full = self._running >= self.at_once
            if full and len(self._queue) >= self.most_waiting:
                raise BusyError(
                    f"{len(self._queue)} others are waiting already. Please try again in a few minutes."
                )
            self._queue.append(run)
        self._advance()

    def leave(self, run: Run) -> bool:
        """Take a waiting run out of the queue; False where it does not wait (any more)."""
        with self._lock:
            if run not in self._queue:
                return False
            self._queue.remove(run)
        self._advance()
        return True

    def _advance(self) -> None:
        with self._lock:
            starting = []
            while self._queue and self._running < self.at_once:
                starting.append(self._queue.popleft())
                self._running += 1
            places = list(enumerate(self._queue, 1))
        for run in starting:
            run.moved(run, 0)
            threading.Thread(target=self._work, args=(run,), name="watch-worker", daemon=True).start()
        for place, run in places:
            run.moved(run, place)

    def _work(self, run: Run) -> None:
        try:
            run.watch()
        finally:
            with self._lock:
                self._running -= 1
            self._advance()


def _kill(process: subprocess.Popen) -> None:
    """The process and what it may have started, which is all in a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # not on Windows; or gone already
        process.kill()

"""Jobs in worker processes: the queue that they wait in, and the supervision of a process."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.protocol import Arrays, read_frame, write_frame

ROOT = Path(__file__).parent.parent

logger = logging.getLogger(__name__)


class BusyError(ValueError):
    """There is no room now. The message asks to try again later."""


class Job:
    """One job, from the queue to the end of its process. `JobQueue.submit` starts it.

    command: of the worker process. message, arrays: its first frame (`jobs.worker` lists the jobs). folder:
    for its temporary files. address: the internet address of the visitor.

    on_event(job, message, arrays) is called for every event of the worker; on_position(job) when the job's
    position in the queue may have changed; on_exit(job) once, after the process has ended. They are called
    in the job's own thread, or in the thread that submits or withdraws a job.
    """

    def __init__(
        self,
        command: Sequence[str],
        message: dict,
        arrays: Arrays,
        folder: Path,
        *,
        address: str = "",
        on_event: Callable[["Job", dict, Arrays], None],
        on_position: Callable[["Job"], None],
        on_exit: Callable[["Job"], None],
    ) -> None:
        self.command, self.message, self.arrays, self.folder = command, message, arrays, folder
        self.address = address
        self.on_event, self.on_position, self.on_exit = on_event, on_position, on_exit
        self.overdue = False  # whether it was killed because it missed its deadline
        self._process: subprocess.Popen | None = None
        self._killed = False
        self._deadline: threading.Timer | None = None
        self._lock = threading.Lock()
        self._gone = threading.Event()

    def send(self, command: str, arrays: Arrays | None = None) -> None:
        """Send a command to the process, unless it has ended."""
        with self._lock:
            if self._process is not None and not self._killed:
                with contextlib.suppress(OSError):
                    write_frame(self._process.stdin, {"command": command}, arrays)

    def set_deadline(self, seconds: float) -> None:
        """Kill the process if it still runs this many seconds from now."""
        with self._lock:
            if self._deadline is not None:
                self._deadline.cancel()
            self._deadline = threading.Timer(seconds, self._miss_deadline)
            self._deadline.daemon = True
            self._deadline.start()

    def kill(self) -> None:
        """Kill the process at once, or never start it."""
        # Without the lock: `send` may hold it while it waits for a process that no longer reads.
        self._killed = True
        process = self._process
        if process is not None and process.poll() is None:
            _kill(process)

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end; returns whether it did within this many seconds."""
        return self._gone.wait(seconds)

    def run(self) -> None:
        """Run the process to its end. The queue calls this once, in a thread of its own."""
        try:
            self._start()
            while not self._killed and (frame := read_frame(self._process.stdout)) is not None:
                self.on_event(self, *frame)
        # Whatever the process sends and however it ends, the app goes on and the visitor is informed.
        except Exception:
            if not self._killed:
                logger.exception("A worker process could not be started or understood")
        finally:
            self._end()

    def _start(self) -> None:
        environment = os.environ | {"TMPDIR": str(self.folder), "OPENBLAS_NUM_THREADS": "1"}
        if self._killed:
            return
        process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        with self._lock:
            self._process = process
            if self._killed:  # meanwhile, by a caller that saw no process yet
                _kill(process)
            else:
                write_frame(process.stdin, self.message, self.arrays)

    def _end(self) -> None:
        self.kill()
        with self._lock:
            if self._deadline is not None:
                self._deadline.cancel()
        if self._process is not None:
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # closing flushes, and the process no longer reads
                    pipe.close()
        self._gone.set()
        self.on_exit(self)

    def _miss_deadline(self) -> None:
        self.overdue = True
        self.kill()


class JobQueue:
    """Runs at most `at_once` jobs. At most `most_waiting` wait, and `address_waiting` of one address.

    Addresses take turns: the first job of every address comes before the second job of any, and among these
    the one whose address was served longest ago.

    A job's callbacks may ask for its `position`. Callers of `submit` and `withdraw` must hold no lock,
    because these call back into other jobs.
    """

    def __init__(self, at_once: int, most_waiting: int, address_waiting: int) -> None:
        self.at_once, self.most_waiting, self.address_waiting = at_once, most_waiting, address_waiting
        self._running: list[Job] = []
        self._waiting: list[Job] = []  # in order of arrival
        self._served: dict[str, int] = {}  # the last turn of each address that has jobs here
        self._turns = 0
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def position(self, job: Job) -> int:
        """1 for the next job; 0 for a job that does not wait."""
        with self._lock:
            return 1 + self._in_order().index(job) if job in self._waiting else 0

    def submit(self, job: Job) -> None:
        """Start the job, or let it wait for its turn. Raises BusyError if too many wait already."""
        with self._lock:
            if len(self._running) >= self.at_once:
                if len(self._waiting) >= self.most_waiting:
                    raise BusyError(
                        f"{len(self._waiting)} others are waiting already. Please try again in a few minutes."
                    )
                if sum(one.address == job.address for one in self._waiting) >= self.address_waiting:
                    raise BusyError(
                        "Others at your internet address are waiting already. Please try again later."
                    )
            self._waiting.append(job)
        self._advance()

    def withdraw(self, job: Job) -> bool:
        """Remove a waiting job from the queue. Returns False if it does not wait (any more)."""
        with self._lock:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
        self._advance()
        return True

    def _in_order(self) -> list[Job]:
        """The waiting jobs in the order of their turns. The caller holds the lock."""
        before: Counter[str] = Counter()
        ranks = {}
        for job in self._waiting:
            ranks[job] = before[job.address], self._served.get(job.address, 0)
            before[job.address] += 1
        return sorted(self._waiting, key=ranks.__getitem__)  # stable: ties keep the order of arrival

    def _advance(self) -> None:
        with self._lock:
            starting = []
            while self._waiting and len(self._running) < self.at_once:
                job = self._in_order()[0]
                self._waiting.remove(job)
                self._running.append(job)
                starting.append(job)
                self._turns += 1
                self._served[job.address] = self._turns
            waiting = tuple(self._waiting)
            here = {job.address for job in (*waiting, *self._running)}
            self._served = {address: turn for address, turn in self._served.items() if address in here}
        for job in starting:
            job.on_position(job)
            threading.Thread(target=self._run, args=(job,), name="run-worker", daemon=True).start()
        for job in waiting:
            job.on_position(job)

    def _run(self, job: Job) -> None:
        try:
            job.run()
        finally:
            with self._lock:
                self._running.remove(job)
            self._advance()


def _kill(process: subprocess.Popen) -> None:
    """Kill the process and its children, which share a process group of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # not on Windows; or gone already
        process.kill()

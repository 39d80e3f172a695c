"""The processes that read strangers' files, seen from the app: they may be slow, run out of memory, or crash.

    pool = PicturePool(limits)
    message, arrays = pool.read({"job": "photo", "path": ..., ...})  # `jobs.picture_worker` lists the jobs

`read` blocks and may be called from any thread. A process is started for the first file, which takes about a
second longer. The process then reads one file after another and is ended after some idle minutes, because it
uses 150 MB of memory.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

from jobs.limits import Limits
from jobs.protocol import Arrays, ProtocolError, read_frame, write_frame
from jobs.queue import ROOT

WORKER = (sys.executable, "-m", "jobs.picture_worker")
START_SECONDS = 60.0  # for a process to start on a busy machine; usually it takes less than 1
IDLE_SECONDS = 180.0  # without a file until a process is ended
TOO_SLOW = "Reading this file took longer than it may, and was stopped. Please try a smaller or simpler one."
CRASHED = "Reading this file ended unexpectedly. Please try again, or try another file."
FAULT = "The file could not be read because of a fault in this program. Please try another one."

logger = logging.getLogger(__name__)


class PictureJobError(ValueError):
    """A file could not be read. The message is for the person who sent it."""


class PicturePool:
    """At most `most` processes, each limited to limits.picture_seconds and limits.picture_bytes per file.

    worker: the command of a process, without its last argument.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        worker: Sequence[str] = WORKER,
        most: int = 1,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.limits, self.worker, self.most = limits or Limits(), tuple(worker), most
        self.idle_seconds = idle_seconds
        self._places = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._timer: threading.Timer | None = None
        self._closed = False

    def read(self, job: dict) -> tuple[dict, Arrays]:
        """The worker's answer to a job. Raises PictureJobError, worded for the visitor."""
        seconds = self.limits.picture_seconds
        with self._places:
            process = self._take()
            frame = None
            try:
                frame = process.ask(job | {"seconds": seconds}, seconds)
            finally:
                self._give_back(process, sound=frame is not None and "last" not in frame[0])
        if frame is None:
            if process.overdue:
                raise PictureJobError(TOO_SLOW)
            logger.warning("A picture worker ended with status %s", process.status)
            raise PictureJobError(CRASHED)
        message, arrays = frame
        if "fault" in message:
            logger.error("A file could not be read: %s", message["fault"])
            raise PictureJobError(FAULT)
        if "error" in message:
            raise PictureJobError(message["error"])
        return message, arrays

    @property
    def processes(self) -> list[int]:
        """The ids of the running processes."""
        with self._lock:
            return [process.id for process in (*self._idle, *self._busy)]

    def close(self) -> None:
        """End all processes. Jobs that were running fail as crashes, and no further jobs are accepted."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.kill()
        self._end_idle()

    def _take(self) -> "_Process":
        """An idle process that still runs, or a new one."""
        with self._lock:
            if self._closed:
                raise PictureJobError(CRASHED)
            self._rest()
            while self._idle:
                process = self._idle.pop()
                if process.status is None:
                    self._busy.add(process)
                    return process
                process.end()
        try:
            process = _Process((*self.worker, str(self.limits.picture_bytes)))
        except OSError as error:
            logger.exception("A picture worker could not be started")
            raise PictureJobError(FAULT) from error
        with self._lock:
            self._busy.add(process)
        if not process.is_ready():
            self._give_back(process, sound=False)
            logger.error("A picture worker did not start: status %s", process.status)
            raise PictureJobError(FAULT)
        return process

    def _give_back(self, process: "_Process", sound: bool) -> None:
        if not sound or process.overdue:
            process.end()
        with self._lock:
            self._busy.discard(process)
            if process.status is None and not self._closed:
                self._idle.append(process)
                self._rest()
                self._timer = threading.Timer(self.idle_seconds, self._end_idle)
                self._timer.daemon = True
                self._timer.start()
                return
        process.end()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_idle(self) -> None:
        with self._lock:
            self._rest()
            ending, self._idle = self._idle, []
        for process in ending:
            process.end()


class _Process:
    """One worker process. overdue: whether it was killed because it took too long."""

    def __init__(self, command: Sequence[str]) -> None:
        self.overdue = False
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl+C in the app's terminal is the app's
        )
        self.id = self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.poll()

    def is_ready(self) -> bool:
        """Wait until the process accepts jobs. Returns False if it does not start."""
        return self._within(START_SECONDS, None) is not None

    def ask(self, message: dict, seconds: float) -> tuple[dict, Arrays] | None:
        """The answer to a job. Returns None if the process ends first; it is killed after `seconds`."""
        return self._within(seconds, message)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Kill the process and wait until it has ended. May be called twice."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # closing flushes, and nobody reads any more
                pipe.close()

    def _within(self, seconds: float, message: dict | None) -> tuple[dict, Arrays] | None:
        timer = threading.Timer(seconds, self._take_too_long)
        timer.daemon = True
        timer.start()
        try:
            if message is not None:
                write_frame(self._process.stdin, message)
            return read_frame(self._process.stdout)
        except (OSError, ProtocolError):  # the process ended, or its answer is not a frame
            return None
        finally:
            timer.cancel()
            timer.join()

    def _take_too_long(self) -> None:
        self.overdue = True
        self.kill()

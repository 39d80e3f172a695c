"""What the channels of visitors' own networks like, worked out by a worker when somebody asks."""

import threading
from collections import OrderedDict
from pathlib import Path

from jobs.limits import Limits
from jobs.protocol import Arrays
from jobs.queue import BusyError, Job, JobQueue
from recognition.likes import Likes

MOST_KEPT = 30  # networks; the likes of digit_net have about a megabyte
SECONDS = 240.0  # after which the worker is killed
FAILED = "That could not be worked out for this network. Please try again later."


class LikesFinder:
    """Finds likes by weights file; keeps those that were asked for last. Any thread may ask.

    A weights file must not change after it was first asked for.
    """

    def __init__(self, limits: Limits, worker: tuple[str, ...], mnist: Path | None, folder: Path) -> None:
        self.worker, self.mnist, self.folder = worker, mnist, folder
        self._queue = JobQueue(1, limits.waiting, limits.share(limits.waiting))
        self._found: OrderedDict[Path, Likes | None] = OrderedDict()  # None: the worker failed
        self._jobs: dict[Path, Job] = {}
        self._lock = threading.Lock()
        self._closed = False

    def find(self, weights: Path, address: str = "") -> Likes | None:
        """None: a worker has begun with it, or will. BusyError where too many wait; ValueError where it
        failed, once, and the next call tries again.
        """
        with self._lock:
            if weights in self._found:
                self._found.move_to_end(weights)
                likes = self._found[weights]
                if likes is None:
                    del self._found[weights]
                    raise ValueError(FAILED)
                return likes
            if weights in self._jobs:
                return None
            if self._closed:
                raise BusyError("This page is closing.")
            job = self._jobs[weights] = self._job(weights, address)
        try:
            self._queue.submit(job)
        except BusyError:
            with self._lock:
                del self._jobs[weights]
            raise
        return None

    def close(self) -> None:
        """Ends all work."""
        with self._lock:
            self._closed = True
            jobs = tuple(self._jobs.values())
        for job in jobs:
            self._queue.withdraw(job) or job.kill()
        for job in jobs:
            job.wait(1)

    def _job(self, weights: Path, address: str) -> Job:
        message = {
            "job": "likes",
            "weights": str(weights),
            "mnist": self.mnist and str(self.mnist),
            "cache": str(self.folder / "mnist"),
        }

        def on_event(job: Job, event: dict, arrays: Arrays) -> None:
            if event["event"] == "liked":
                self._keep(weights, Likes.from_arrays(arrays))

        def on_exit(job: Job) -> None:
            with self._lock:
                self._jobs.pop(weights, None)
                failed = weights not in self._found
            if failed:
                self._keep(weights, None)

        return Job(
            self.worker,
            message,
            {},
            self.folder,
            address=address,
            on_event=on_event,
            on_position=lambda job: job.set_deadline(SECONDS) if not self._queue.position(job) else None,
            on_exit=on_exit,
        )

    def _keep(self, weights: Path, likes: Likes | None) -> None:
        with self._lock:
            self._found[weights] = likes
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)

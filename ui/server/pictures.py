"""Files that strangers send, read in turn: addresses one after the other, and the sessions of each.

Photos, drawings and zips of examples wait in one line, as one process reads them (`jobs.picture_pool`).
"""

import json
from pathlib import Path

import anyio
import gradio as gr

from jobs.picture_pool import PicturePool
from jobs.protocol import Arrays
from recognition.reader import DEFAULT_WEIGHTS
from ui.server import metrics
from ui.server.queue import FairQueue, QueueFull
from ui.server.uploads import uploaded

MOST_WAITING = 60  # files; about half a minute's work, and ten minutes' where each takes as long as it may
MOST_WAITING_OF_ADDRESS = 20  # of them; a school may sit behind one
MOST_WAITING_OF_SESSION = 8  # of them; a program may send some at once
CROWDED = "Many photos are being read right now. Please try again in a minute."
TOO_MANY = "Several of your photos are waiting to be read. Please wait for those first."


class PictureQueue:
    """Has files read by `pool`. Of one event loop."""

    def __init__(self, pool: PicturePool) -> None:
        self._pool = pool
        self._queue = FairQueue(
            pool.most,
            MOST_WAITING,
            most_of_address=MOST_WAITING_OF_ADDRESS,
            most_of_session=MOST_WAITING_OF_SESSION,
        )
        # Their own, so that none of those is held that others are answered from.
        self._threads = anyio.CapacityLimiter(pool.most)
        metrics.PHOTOS_WAITING.set_function(lambda: self._queue.running + self._queue.waiting)

    async def read(self, job: dict, session: str, address: str) -> tuple[dict, Arrays]:
        """The answer to a job of `jobs.picture_worker`. Raises ValueError, in words for the visitor."""
        try:
            async with self._queue.turn(session, address):
                return await anyio.to_thread.run_sync(self._pool.read, job, limiter=self._threads)
        except QueueFull as full:
            raise ValueError(CROWDED if full.of == "all" else TOO_MANY) from None

    async def read_for_program(self, kind: str, file: object, max_pixels: int, request: gr.Request) -> dict:
        """An uploaded file -> the JSON of its reading; `gr.Error`, in words, where there is none.

        kind: "photo" or "drawing". The file stays until `clean_up` finds it old: programs send one and ask
        often.
        """
        try:
            with uploaded(file, forget=False) as path:
                job = reading_job(kind, path, DEFAULT_WEIGHTS, max_pixels)
                message, arrays = await self.read(job, request.session_hash or "", request.state.address)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        metrics.count_reading("api", message["outcome"])
        return json.loads(arrays["json"].tobytes())


def reading_job(kind: str, path: Path, weights: Path, max_pixels: int, **options: object) -> dict:
    """A job that reads digits: "page", "photo" or "drawing"."""
    files = {"path": str(path.absolute()), "weights": str(weights.absolute())}
    return {"job": kind, "max_pixels": max_pixels} | files | options

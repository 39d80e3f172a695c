"""The processes that read the pad's drawings, seen from the app's event loop: one a core.

    pool = DrawingPool()
    await pool.start()                                       # or the first drawing waits for it
    outcome, answer = await pool.read(page, weights, message)  # bytes, as of `jobs.drawing_message`

Python's lock lets one thread at a time run, and the thread that answers everybody would wait for those that
read. Processes do not; the event loop only hands over. Where the system cannot fork, a thread reads.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from jobs.drawing_message import ERROR, number_of, pack_sentence
from jobs.drawing_reader import FAULT, FAULTY, DrawingReader
from jobs.drawing_worker import ANSWER, OUTCOMES, PROCESS_ID, READY, REQUEST
from jobs.queue import ROOT

WORKER = (sys.executable, "-m", "jobs.drawing_worker")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
MOST_READERS = 4  # more than the event loop can hand drawings to
START_SECONDS = 60.0  # for the processes to start on a busy machine; usually it takes less than 2
READ_SECONDS = 20.0  # for one drawing; the most that may be read takes about one
TRIES = 3  # readers that a drawing is given to, if the first ones crash
MOST_PAGES = 1000  # of which it is known who read them last

logger = logging.getLogger(__name__)


class DrawingPool:
    """At most `most` readers. Of one event loop.

    worker: the command of the process that they are copies of, without its last argument.
    """

    def __init__(self, most: int = min(CORES, MOST_READERS), worker: Sequence[str] = WORKER) -> None:
        self.most, self.worker = most, tuple(worker)
        self._places = asyncio.Semaphore(most)
        self._starting = asyncio.Lock()
        self._origin: _Origin | None = None
        self._idle: list[_Reader] = []  # the one that has been idle for longest stands first
        self._last: OrderedDict[str, _Reader] = OrderedDict()  # by page: who remembers its drawing
        self._in_thread = None if hasattr(os, "fork") else DrawingReader()
        self._running: set[asyncio.Task] = set()

    async def start(self) -> None:
        """Starts all readers. Where that fails, it is logged, and tried again with the first drawing."""
        if self._in_thread is None:
            try:
                self._idle += [await self._new_reader() for _ in range(self.most)]
            except OSError:
                logger.exception("The readers of drawings could not be started")

    async def read(self, page: str, weights: Path, message: bytes) -> tuple[str, bytes]:
        """The answer to a drawing, and its outcome: as `DrawingReader.answer`.

        It is read to its end even where nobody waits for that any more, so that its reader can go on.
        """
        task = asyncio.create_task(self._read(page, weights, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    @property
    def processes(self) -> list[int]:
        """The ids of the idle readers."""
        return [reader.id for reader in self._idle]

    def close(self) -> None:
        """Ends all readers."""
        for reader in self._idle:
            reader.end()
        self._idle.clear()
        if self._origin is not None:
            self._origin.end()

    async def _read(self, page: str, weights: Path, message: bytes) -> tuple[str, bytes]:
        async with self._places:
            outcome, answer = await self._answer(page, weights, message)
        if outcome == FAULTY:
            logger.error("A drawing could not be read: %s", answer.decode())
            return "", pack_sentence(number_of(message), ERROR, 0, FAULT)
        return outcome, answer

    async def _answer(self, page: str, weights: Path, message: bytes) -> tuple[str, bytes]:
        if self._in_thread is not None:
            return await asyncio.to_thread(self._in_thread.answer, page, weights, message)
        for _ in range(TRIES):
            try:
                reader = self._idle_reader(page) or await self._new_reader()
            except OSError:
                logger.exception("A reader of drawings could not be started")
                continue
            try:
                async with asyncio.timeout(READ_SECONDS):
                    answer = await reader.ask(page, weights, message)
            except TimeoutError:
                logger.warning("A reader of drawings took too long")
                reader.kill()
            except (OSError, EOFError):
                logger.warning("A reader of drawings ended")
                reader.end()
            else:
                self._idle.append(reader)
                return answer
        return "", pack_sentence(number_of(message), ERROR, 0, FAULT)

    def _idle_reader(self, page: str) -> "_Reader | None":
        """The one that read this page last, if it is idle, or another one."""
        if not self._idle:
            return None
        last = self._last.pop(page, None)
        reader = last if last in self._idle else self._idle[0]
        self._idle.remove(reader)
        self._last[page] = reader
        if len(self._last) > MOST_PAGES:
            self._last.popitem(last=False)
        return reader

    async def _new_reader(self) -> "_Reader":
        async with self._starting:
            if self._origin is not None:
                try:
                    return await self._origin.fork()
                except OSError:  # it has ended
                    self._origin.end()
            self._origin = None
            self._origin = await _Origin.start(self.worker)
            return await self._origin.fork()


class _Origin:
    """The process that the readers are copies of."""

    def __init__(self, process: subprocess.Popen, control: socket.socket) -> None:
        self._process, self._control = process, control

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_Origin":
        """Raises OSError where it does not start."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = subprocess.Popen(
                (*command, str(theirs.fileno())),
                cwd=ROOT,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # whoever reads the app's waits for nobody else
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl+C in the app's terminal is the app's
            )
        origin = cls(process, ours)
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await asyncio.get_running_loop().sock_recv(ours, len(READY))
        except TimeoutError:
            ready = b""
        if ready != READY:
            origin.end()
            raise OSError("the process did not start")
        return origin

    async def fork(self) -> "_Reader":
        """A new reader. Raises OSError where there is none."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [READY], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        stream, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            async with asyncio.timeout(START_SECONDS):
                (process_id,) = PROCESS_ID.unpack(await stream.readexactly(PROCESS_ID.size))
        except (EOFError, TimeoutError):
            writer.close()
            raise OSError("the process did not fork") from None
        return _Reader(process_id, stream, writer)

    def end(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()


class _Reader:
    """One reader."""

    def __init__(self, process_id: int, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.id, self._stream, self._writer = process_id, stream, writer

    async def ask(self, page: str, weights: Path, message: bytes) -> tuple[str, bytes]:
        """Raises OSError or EOFError where the process ends."""
        name, path = page.encode(), os.fsencode(weights)
        self._writer.write(REQUEST.pack(len(name), len(path), len(message)) + name + path + message)
        outcome, length = ANSWER.unpack(await self._stream.readexactly(ANSWER.size))
        return OUTCOMES[outcome], await self._stream.readexactly(length)

    def end(self) -> None:
        """It ends when its socket does."""
        self._writer.close()

    def kill(self) -> None:
        """The same for one that hangs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.id, signal.SIGKILL)
        self.end()

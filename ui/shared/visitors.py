"""What each visitor has of their own: who asks, the network they read with, and what the page shows of it.

A visitor is a browser, known by the secret key that comes with what its pages send; or one open page, where
the browser stores no key. `ui/shared/visit.py` tells them apart.
"""

import asyncio
import base64
import binascii
import contextlib
import errno
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import anyio
import gradio as gr
import numpy as np

from jobs.activity import SessionEndedError
from jobs.drawing_pool import DrawingPool
from jobs.manager import SessionManager
from jobs.picture_pool import PicturePool
from jobs.session import Session
from jobs.status import Status
from recognition import Reader
from recognition.normalise import SIZE
from recognition.reader import DEFAULT_NETWORK
from training.datasets.registry import MNIST
from ui.server.pictures import PictureQueue
from ui.server.queue import FairQueue
from ui.shared.signs_json import NO_SIGNS, signs_json
from ui.shared.status_json import encoded, status_json
from ui.shared.visit import Visitor, visitor_of

Readers = Mapping[str, Reader]  # by the name under which their network was shipped, and OWN
Payload = object  # what a script sent: anything, until it is checked
Action = Callable[[Session, Payload], dict | None]
ServerFunction = Callable[[Payload, gr.Request], Awaitable[dict]]

OWN = "own"  # beside the names of the shipped networks: the visitor's
RESULT = "result"  # and the one that was trained or uploaded last, and is not in use
PATIENCE = 10.0  # seconds that `watch` waits for something new
ACTIONS_AT_ONCE = 8  # threads; those of `live` are others
FILES_AT_ONCE = 2  # weights and zips that are read
DRAWINGS_AT_ONCE = 1  # two take Python's lock from each other and from who answers
MOST_DRAWINGS_WAITING = 200  # for the Inside tab and programs, of each session the newest
ADDRESS_DRAWINGS_WAITING = 100  # of them; a school may sit behind one
MOST_STROKES_WAITING, ADDRESS_STROKES_WAITING = 600, 300  # the same of the pad, which are quicker
MOST_FILES_WAITING, ADDRESS_FILES_WAITING = 40, 4
PAUSED_AFTER = 20.0  # seconds after the last page was closed; one that is loaded anew is back by then
AWAY = "You were away, so the training was paused to make room for others. Nothing is lost."
BUSY = "Many files are being read now. Please try again in a moment."
DISK_FULL = "There is no room left on the disk of this page. Please try again later."
FAULT = "That did not work, for a reason of our own. Please try again."

logger = logging.getLogger(__name__)


def reads_file(action: Action) -> Action:
    """Marks an action that reads a stranger's file, which may take seconds and some memory."""
    action.reads_file = True
    return action


class Visitors:
    """The visitors of a page, all reading with shared `readers` until they have a network of their own."""

    def __init__(self, readers: Readers, manager: SessionManager) -> None:
        self.readers, self.manager = readers, manager
        self.pictures = PictureQueue(PicturePool(manager.shared.limits))
        self.pool = DrawingPool()
        # Of the pad, for the pool; and all others.
        self.strokes = FairQueue(
            self.pool.most, MOST_STROKES_WAITING, most_of_address=ADDRESS_STROKES_WAITING, latest_only=True
        )
        self.drawings = FairQueue(
            DRAWINGS_AT_ONCE,
            MOST_DRAWINGS_WAITING,
            most_of_address=ADDRESS_DRAWINGS_WAITING,
            latest_only=True,
        )
        self._actions = anyio.CapacityLimiter(ACTIONS_AT_ONCE)
        self._file_actions = anyio.CapacityLimiter(FILES_AT_ONCE)
        self._files: Counter[str] = Counter()  # file actions under way, by address; the event loop's alone

    def readers_of(self, visitor: Visitor) -> Readers:
        """All that a visitor can choose from: what they trained, taught or uploaded is OWN, if they use it,
        or else RESULT.

        It may load a file: not for the event loop.
        """
        session = self.manager.find(*visitor)
        if session is None:
            return self.readers
        theirs = {OWN: session.own_reader(), RESULT: session.result_reader()}
        return {name: reader for name, reader in theirs.items() if reader is not None} | self.readers

    def weights_of(self, visitor: Visitor, network: str) -> Path:
        """Of the network that a visitor chose, by its name in `readers_of`, or ValueError."""
        session = self.manager.find(*visitor)
        weights = {name: reader.weights for name, reader in self.readers.items()}
        if session is not None:
            result = None if session.is_busy else session.result_model
            for name, model in ((OWN, session.in_use), (RESULT, result)):
                if model is not None and model.reads_digits and not model.is_shipped:
                    weights[name] = model.path
        if network not in weights:
            raise ValueError(no_network(weights))
        return weights[network]

    def server_functions(self, actions: Sequence[Action]) -> list[ServerFunction]:
        """What a script may call: `watch`, and each action, with the visitor's session and what was sent.

        An action answers with what it returned, or else with all there is to show, as `watch` does. Its
        ValueError becomes {"error": the sentence}, any other mistake an {"error"} too: Gradio would answer an
        exception with a bare null.
        """

        async def watch(payload: Payload, request: gr.Request) -> dict:
            try:
                return await self.watch(await visitor_of(request), payload)
            except Exception:
                logger.exception("watch failed")
                return {"error": FAULT}

        return [watch, *map(self._server_function, actions)]

    def _server_function(self, action: Action) -> ServerFunction:
        async def answer(payload: Payload, request: gr.Request) -> dict:
            return await self.act(action, payload, request)

        answer.__name__ = action.__name__
        return answer

    async def act(self, action: Action, payload: Payload, request: gr.Request) -> dict:
        """Does `action` for the visitor who asks, and answers as `server_functions` says."""
        visitor, address = await visitor_of(request), request.state.address
        if not getattr(action, "reads_file", False):
            return await self._in_thread(self._actions, action, visitor, address, payload)
        if self._files[address] >= ADDRESS_FILES_WAITING or self._files.total() >= MOST_FILES_WAITING:
            return {"error": BUSY}
        self._files[address] += 1
        try:
            return await self._in_thread(self._file_actions, action, visitor, address, payload)
        finally:
            self._files[address] -= 1
            if not self._files[address]:
                del self._files[address]

    async def _in_thread(self, limiter: anyio.CapacityLimiter, *call: object) -> dict:
        return await anyio.to_thread.run_sync(self._act, *call, limiter=limiter)

    def _act(self, action: Action, visitor: Visitor, address: str, payload: Payload) -> dict:
        key, page = visitor
        try:
            session = self.manager.session(key, address, page)
            try:
                answer = action(session, payload)
            except SessionEndedError:  # it had nothing in it, and another visitor took its place just now
                session = self.manager.session(key, address, page)
                answer = action(session, payload)
            return self._shown(session, True) if answer is None else answer
        except (ValueError, TypeError) as error:
            return {"error": str(error)}
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                return {"error": DISK_FULL}
            logger.exception("%s failed", action.__name__)
            return {"error": FAULT}

    async def watch(self, visitor: Visitor, payload: Payload) -> dict:
        """All there is to show, as soon as it is not what the script knows already, or after PATIENCE.

        payload: the `version` of the last answer, or None where a page knows nothing yet. Whoever has no
        session is told so at once, as version 0.
        """
        session = self.manager.find(*visitor)
        if session is None:
            return self._nothing()
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:  # in the thread that changes it
            with contextlib.suppress(RuntimeError):  # the app ends, and with it the loop
                loop.call_soon_threadsafe(changed.set)

        with session.listening(wake):
            if session.status.version == payload:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await changed.wait()
        if session.is_closed:
            return self._nothing()
        return await anyio.to_thread.run_sync(self._shown, session, payload is None)

    async def forget(self, payload: Payload, request: gr.Request) -> dict:
        """A server function: deletes all that is theirs, and answers with what there is to show then."""
        visitor = await visitor_of(request)
        await anyio.to_thread.run_sync(self.manager.remove, visitor.key, limiter=self._actions)
        return self._nothing()

    def leave(self, request: gr.Request) -> None:
        """A page was closed, or lost its connection. What trains is paused, unless its visitor has another
        page open, or soon asks again, as a page does that is loaded anew.

        So its process ends. All else waits for the visitor to come back: `Limits.away_seconds`.
        """
        for session in self.manager.close_page(request.session_hash):
            timer = threading.Timer(PAUSED_AFTER, _pause_if_away, (session,))
            timer.daemon = True
            timer.start()

    def _shown(self, session: Session, asked_for: bool) -> dict:
        """What is the visitor's own is left out of the many answers while a training runs."""
        status = session.status
        answer = status_json(status) | {"session": session.id}
        if asked_for or status.phase != "training":
            answer["mine"] = self._mine(session)
        return answer

    def _mine(self, session: Session) -> dict:
        model, result, weights = session.in_use, session.result_model, session.model
        examples = [{"picture": encoded(one.image), "label": one.label} for one in session.examples]
        return {
            "own": not model.is_shipped,
            "reads_digits": model.reads_digits,
            "result_reads_digits": result is not None and result.reads_digits,
            "dataset": model.dataset,
            "weights": weights.stem,
            "network": model.network,
            "can_undo": session.can_undo,
            "is_tested": session.is_tested,
            "examples": examples,
            "signs": signs_json(session),
        }

    def _nothing(self) -> dict:
        mine = {
            "own": False,
            "reads_digits": True,
            "result_reads_digits": False,
            "dataset": MNIST,
            "weights": DEFAULT_NETWORK,
            "network": self.readers[DEFAULT_NETWORK].model.name,
            "can_undo": False,
            "is_tested": False,
            "examples": [],
            "signs": NO_SIGNS,
        }
        return status_json(Status(version=0)) | {"session": "", "mine": mine}


def chosen_from(readers: Readers, payload: dict) -> Reader:
    """payload: {"network": a name}, by default the best. ValueError where it is not among them."""
    network = payload.get("network", DEFAULT_NETWORK)
    if not isinstance(network, str) or network not in readers:
        raise ValueError(no_network(readers))
    return readers[network]


def no_network(names: Iterable[str]) -> str:
    """What is said where a name is none of these."""
    return f"There is no such network; there are {' and '.join(names)}."


def _pause_if_away(session: Session) -> None:
    if session.presence.is_away:
        with contextlib.suppress(ValueError):  # nothing trains
            session.pause(AWAY)


def picture_of(payload: Payload, name: str) -> np.ndarray | None:
    """payload[name], 28x28 grey bytes in base64, as (28, 28) uint8; None where it is left out or null."""
    text = payload.get(name) if isinstance(payload, dict) else None
    if text is None:
        return None
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    if len(content) != SIZE * SIZE:
        raise ValueError(f"A {name} is sent as {SIZE} x {SIZE} grey bytes in base64.")
    return np.frombuffer(content, np.uint8).reshape(SIZE, SIZE)

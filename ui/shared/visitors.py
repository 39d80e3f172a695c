"""What each visitor has of their own: who asks, the network they read with, and what the page is told of it.

A visitor is one open page. Gradio gives each a session hash, which only that page and the server know; every
server function finds it in the request, never in what the script sends as an argument.
"""

import base64
import binascii
import contextlib
import errno
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from weakref import WeakKeyDictionary

import anyio
import gradio as gr
import numpy as np

from jobs.picture_pool import PicturePool
from jobs.session import Session, Workshop
from jobs.status import Comparison, Status
from recognition import Reader
from recognition.normalise import SIZE
from recognition.reader import DEFAULT_NETWORK, SHIPPED
from training.evaluate import Evaluation
from training.experiment import Snapshot
from training.finetune import Lesson
from ui.server.pictures import PictureQueue

Readers = Mapping[str, Reader]  # by the name under which their network was shipped, and OWN
Action = Callable[[Session, object], dict | None]
ServerFunction = Callable[[object, gr.Request], Awaitable[dict]]

OWN = "own"  # beside the names of the shipped networks: the visitor's
PATIENCE = 10.0  # seconds that `watch` waits for something new
LOOK = 0.05  # seconds between two looks for it
PAUSED_AFTER = 5.0  # seconds after a page was closed, or lost its connection and did not come back
AWAY = "You were away, so the training was paused to make room for others. Nothing is lost."
DISK_FULL = "There is no room left on the disk of this page. Please try again later."
FAULT = "That did not work, for a reason of our own. Please try again."

logger = logging.getLogger(__name__)


class Visitors:
    """The visitors of a page, all reading with shared `readers` until they have a network of their own."""

    def __init__(self, readers: Readers, workshop: Workshop) -> None:
        self.readers, self.workshop = readers, workshop
        self.pictures = PictureQueue(PicturePool(workshop.limits))
        self._own: WeakKeyDictionary[Session, tuple[Path, Reader]] = WeakKeyDictionary()
        self._versions: WeakKeyDictionary[Session, tuple[Status, int]] = WeakKeyDictionary()

    def readers_of(self, key: str) -> Readers:
        """All that a visitor can choose from: what they trained, taught or brought is OWN, if they use it."""
        session = self.workshop.known(key)
        own = session and self._own_reader(session)
        return {OWN: own, **self.readers} if own else self.readers

    def server_functions(self, actions: Sequence[Action]) -> list[ServerFunction]:
        """What a script may call: `watch`, and each action, of the visitor's session and what was sent.

        An action answers with what it returned, or else with all there is to show, as `watch` does. Its
        ValueError becomes {"error": the sentence}, any other mistake an {"error"} too: Gradio would answer an
        exception with a bare null.
        """

        async def watch(asked: object, request: gr.Request) -> dict:
            try:
                return await self.watch(await key_of(request), asked)
            except Exception:
                logger.exception("watch failed")
                return {"error": FAULT}

        return [watch, *map(self._server_function, actions)]

    def _server_function(self, do: Action) -> ServerFunction:
        async def answer(asked: object, request: gr.Request) -> dict:
            return await self.act(do, asked, request)

        answer.__name__ = do.__name__
        return answer

    async def act(self, do: Action, asked: object, request: gr.Request) -> dict:
        """Has `do` done for the visitor who asks, and answers as `server_functions` says."""
        return await anyio.to_thread.run_sync(self._act, do, await key_of(request), asked)

    def _act(self, do: Action, key: str, asked: object) -> dict:
        try:
            session = self.workshop.session(key)
            answer = do(session, asked)
            return self._shown(session, True) if answer is None else answer
        except (ValueError, TypeError) as error:
            return {"error": str(error)}
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                return {"error": DISK_FULL}
            logger.exception("%s failed", do.__name__)
            return {"error": FAULT}

    async def watch(self, key: str, asked: object) -> dict:
        """All there is to show, as soon as it is not what the script knows already, or after PATIENCE.

        asked: the `version` of the last answer. Whoever has no session yet is told so at once, as version 0.
        """
        session = self.workshop.known(key)
        if session is None:
            return self._nothing()
        deadline = time.monotonic() + PATIENCE
        while self._version(session)[1] == asked and time.monotonic() < deadline:
            await anyio.sleep(LOOK)
        return await anyio.to_thread.run_sync(self._shown, session, False)

    def leave(self, request: gr.Request) -> None:
        """The page was closed, or lost its connection: what trains is paused, unless it soon asks again.

        So its process ends. All else waits for a phone that slept: `Limits.away_seconds`.
        """
        session = self.workshop.known(request.session_hash)
        if session is None:
            return
        session.leave()

        def pause() -> None:
            if session.is_away:
                with contextlib.suppress(ValueError):  # nothing trains
                    session.pause(AWAY)

        timer = threading.Timer(PAUSED_AFTER, pause)
        timer.daemon = True
        timer.start()

    def _own_reader(self, session: Session) -> Reader | None:
        weights = session.model
        if weights in SHIPPED.values():
            return None
        known = self._own.get(session)
        if known is None or known[0] != weights:
            try:
                known = self._own[session] = weights, Reader(weights)
            except FileNotFoundError:
                return None  # the visitor left just now
        return known[1]

    def _version(self, session: Session) -> tuple[Status, int]:
        """The session's status, with a number that is another for every other one."""
        known, number = self._versions.get(session, (None, 0))
        status = session.status
        if status is not known:
            self._versions[session] = status, number + 1
        return self._versions[session]

    def _shown(self, session: Session, asked_for: bool) -> dict:
        """What is the visitor's own is left out of the many answers while a training runs."""
        status, number = self._version(session)
        answer = _status(status) | {"version": number, "session": session.id}
        if asked_for or status.phase != "training":
            answer["mine"] = self._mine(session)
        return answer

    def _mine(self, session: Session) -> dict:
        own = self._own_reader(session)
        shipped = next((name for name, path in SHIPPED.items() if path == session.model), DEFAULT_NETWORK)
        examples = [{"picture": encoded(one.image), "label": one.label} for one in session.examples]
        return {
            "own": own is not None,
            "weights": session.model.stem,
            "network": (own or self.readers[shipped]).model.name,
            "can_undo": session.can_undo,
            "is_tested": session.is_tested,
            "examples": examples,
        }

    def _nothing(self) -> dict:
        mine = {
            "own": False,
            "weights": DEFAULT_NETWORK,
            "network": self.readers[DEFAULT_NETWORK].model.name,
            "can_undo": False,
            "is_tested": False,
            "examples": [],
        }
        return _status(Status()) | {"version": 0, "session": "", "mine": mine}


def chosen_from(readers: Readers, asked: dict) -> Reader:
    """asked: {"network": a name}, of the best where there is none. ValueError where it is not among them."""
    network = asked.get("network", DEFAULT_NETWORK)
    if not isinstance(network, str) or network not in readers:
        raise ValueError(f"There is no such network; there are {' and '.join(readers)}.")
    return readers[network]


async def key_of(request: gr.Request) -> str:
    """The session hash of the page that asks.

    Gradio hands its server functions the web server's own request, which has read its JSON already.
    """
    body = await request.json()
    return str(body["session_hash"])


def picture_of(asked: object, name: str) -> np.ndarray | None:
    """asked[name], 28x28 grey bytes in base64, as (28, 28) uint8; None where it is left out or null."""
    text = asked.get(name) if isinstance(asked, dict) else None
    if text is None:
        return None
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    if len(content) != SIZE * SIZE:
        raise ValueError(f"A {name} is sent as {SIZE} x {SIZE} grey bytes in base64.")
    return np.frombuffer(content, np.uint8).reshape(SIZE, SIZE)


def encoded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _status(status: Status) -> dict:
    return {
        "phase": status.phase,
        "active": status.active,
        "message": status.message,
        "place": status.place,
        "result": status.result,
        "resumable": status.resumable,
        "settings": status.settings and asdict(status.settings),
        "now": status.snapshot and _snapshot(status.snapshot),
        "curve": [_rounded(asdict(point).values()) for point in status.curve],
        "lesson": status.lesson and _lesson(status.lesson),
        "comparison": status.comparison and _comparison(status.comparison),
    }


def _snapshot(now: Snapshot) -> dict:
    size, _, _, count = now.kernels.shape
    # The kernels that look at the picture's only channel, one after the other, row by row.
    kernels = np.moveaxis(now.kernels[:, :, 0], -1, 0).astype("<f4")
    return {
        **{name: value for name, value in asdict(now).items() if name not in ("kernels", "probs")},
        "done": now.done,
        "kernels": {"size": size, "count": count, "weights": encoded(kernels)},
        "probs": None if now.probs is None else _rounded(now.probs),
    }


def _lesson(lesson: Lesson) -> dict:
    return {
        "before": _readings(lesson.before, lesson.refused_before),
        "after": _readings(lesson.after, lesson.refused_after),
    }


def _readings(probs: np.ndarray, refused: np.ndarray) -> list[dict]:
    return [
        {"digit": None if no_digit else int(row.argmax()), "confidence": float(row.max())}
        for row, no_digit in zip(probs, refused, strict=True)
    ]


def _comparison(comparison: Comparison) -> dict:
    mistakes = [
        {
            "picture": encoded(one.image),
            "predicted": one.predicted,
            "true": one.true,
            "confidence": one.confidence,
        }
        for one in comparison.mistakes
    ]
    return {
        "images": len(comparison.after.labels),
        "after": _evaluation(comparison.after),
        "before": _evaluation(comparison.before),
        "newly_right": comparison.newly_right,
        "newly_wrong": comparison.newly_wrong,
        "mistakes": mistakes,
    }


def _evaluation(evaluation: Evaluation) -> dict:
    return {
        "accuracy": evaluation.accuracy,
        "wrong": len(evaluation.errors),
        "confusion": evaluation.confusion.tolist(),
    }


def _rounded(values: object) -> list[float | None]:
    return [None if value is None else round(float(value), 4) for value in values]

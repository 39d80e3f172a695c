"""The road of the pad's drawings: a WebSocket a page, or a POST a drawing where a proxy forbids sockets.

Both carry the same bytes (`jobs.drawing_message`), and nothing of Gradio is on it. A page first says who it
is:

    {"session": its session hash, "visitor": the key of its browser, or null}

on a socket as the first message, of text, which is answered by an empty one; in a POST as the first line.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jobs.drawing_message import MALFORMED, MAX_BYTES, REFUSED, SUPERSEDED, number_of, pack_sentence
from ui.server import metrics
from ui.server.answer import Send
from ui.server.origin import is_own_page
from ui.server.payload import Receive, session_of
from ui.server.rejection import RequestRejected
from ui.shared.visit import Visitor, visitor_named

LONGEST_HELLO = 500  # bytes
MAX_POST = LONGEST_HELLO + 1 + MAX_BYTES
HELLO_SECONDS = 10.0  # until a page has said who it is
CONTENT_TYPE = b"application/octet-stream"  # which a page elsewhere could send after asking alone
CLOSE_CODE = 4000  # above that of a WebSocket's close frame, the status that a request would have had

Read = Callable[[Visitor, str, bytes, float], Awaitable[bytes]]  # of a visitor and their address


def check_type(scope: Mapping[str, Any]) -> None:
    """Raises RequestRejected unless a POST says that it carries bytes: so no page elsewhere can send one."""
    if dict(scope["headers"]).get(b"content-type") != CONTENT_TYPE:
        raise RequestRejected(415, MALFORMED, "malformed")


def split_post(body: bytes) -> tuple[Visitor, bytes]:
    """Who sends a POST, and the drawing in it. Raises RequestRejected."""
    hello, _, drawing = body.partition(b"\n")
    return parse_hello(hello), drawing


def parse_hello(line: bytes) -> Visitor:
    """Who a page says it is. Raises RequestRejected where it says it in another form."""
    try:
        hello = json.loads(line) if len(line) <= LONGEST_HELLO else None
    except (ValueError, RecursionError):
        hello = None
    if not isinstance(hello, dict) or hello.keys() != {"session", "visitor"} or hello["session"] is None:
        raise RequestRejected(422, MALFORMED, "malformed")
    return visitor_named(session_of({"session_hash": hello["session"]}), hello["visitor"])


def check_origin(scope: Mapping[str, Any]) -> None:
    """Raises RequestRejected unless the page that opens a socket was served here: a browser says where from.

    A page elsewhere could open one, for no browser forbids that, and draw at this visitor's expense.
    """
    if not is_own_page(scope):
        raise RequestRejected(403, "A page of another address may not do that.", "foreign origin")


class Socket:
    """One page's WebSocket, from its hello until it is closed.

    Of the drawings that come while one is read only the newest waits; so a page that sends faster than it is
    answered is held up by itself alone.
    """

    def __init__(self, receive: Receive, send: Send, address: str, read: Read) -> None:
        self._receive, self._send, self._address, self._read = receive, send, address, read
        self._newest: tuple[bytes, float] | None = None  # and when it came
        self._has_newest = asyncio.Event()

    async def hello(self) -> Visitor:
        """Who it is that has opened it. Raises RequestRejected."""
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise RequestRejected(408, "The page did not say who it is.", "slow") from None
        return parse_hello((message.get("text") or "").encode())

    async def serve(self, visitor: Visitor, take: Callable[[], None]) -> None:
        """Answers drawings until the socket is closed. take: counts one, or raises RequestRejected."""
        await self._send({"type": "websocket.send", "bytes": b""})
        reading = asyncio.create_task(self._read_on(visitor))
        listening = asyncio.create_task(self._listen(take))
        try:
            await asyncio.wait((reading, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, listening):
                task.cancel()
            done = await asyncio.gather(reading, listening, return_exceptions=True)
        for error in done:
            if isinstance(error, Exception) and not isinstance(error, OSError):  # which is: it is closed
                raise error

    async def _listen(self, take: Callable[[], None]) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            drawing, came = message.get("bytes") or b"", time.perf_counter()
            try:
                number = number_of(drawing)
            except ValueError as error:
                raise RequestRejected(422, str(error), "malformed") from None
            try:
                take()
            except RequestRejected as rejected:
                metrics.TURNED_AWAY.labels(rejected.reason).inc()
                await self._answer(pack_sentence(number, REFUSED, 0, str(rejected)))
                continue
            if self._newest is not None:
                await self._answer(pack_sentence(number_of(self._newest[0]), SUPERSEDED, 0))
            self._newest = drawing, came
            self._has_newest.set()

    async def _read_on(self, visitor: Visitor) -> None:
        while True:
            await self._has_newest.wait()
            self._has_newest.clear()
            (drawing, came), self._newest = self._newest, None
            await self._answer(await self._read(visitor, self._address, drawing, came))
            metrics.REQUESTS.labels("live", "200").inc()
            metrics.LATENCY.labels("live").observe(time.perf_counter() - came)

    async def _answer(self, answer: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": answer})


async def refuse_socket(rejected: RequestRejected, receive: Receive, send: Send, is_open: bool) -> None:
    """Says why a socket is not opened, or is closed."""
    with contextlib.suppress(OSError):  # it is closed already
        if is_open:
            code = CLOSE_CODE + rejected.status
            await send({"type": "websocket.close", "code": code, "reason": str(rejected)[:120]})
        else:
            await rejected.response()({"type": "websocket"}, receive, send)

"""What stands before everything that Gradio answers: which requests are let in, how many, and how often.

What is not on the list of routes is not there; every rejection is a status and {"error": a sentence}. The
page's scripts take one for "not now", keep what they have and try again.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import JSONResponse, Response

from ui.server import mcp, metrics
from ui.server.addresses import client_address
from ui.server.answer import FAULT, NOTHING, Answer, Send
from ui.server.gradio_calls import check_call, check_events, check_server_function
from ui.server.host import Host
from ui.server.payload import (
    MAX_BODY,
    Message,
    Receive,
    check_length,
    read_body,
    read_object,
    session_of,
    session_of_query,
)
from ui.server.rates import RATE_LIMITS, RateLimiter
from ui.server.rejection import RequestRejected
from ui.server.road import MAX_POST, Socket, check_origin, check_type, refuse_socket, split_post
from ui.server.routes import ROAD, ROUTES, SIGN_IN, STREAMS, Route, check_host, find_route, path_of
from ui.server.upload_request import receive_files

MOST_AT_ONCE = 5000  # requests under way, open pages among them
MOST_AT_ONCE_OF_ADDRESS = 400  # a school with 150 open pages, each drawing
MOST_STREAMS_OF_SESSION = 4  # a page has one, and one more while it waits for an event
MOST_UPLOADS_OF_ADDRESS = 30  # at once
MOST_SOCKETS = 2000
MOST_SOCKETS_OF_ADDRESS = 300
MOST_SOCKETS_OF_SESSION = 3  # a page has one; of others, it does not know yet that they are gone
MOST_CALLS = 20  # of programs past Gradio's queue, each of which holds one of its 40 threads
MOST_CALLS_OF_ADDRESS = 4
MOST_EVENTS_OF_ADDRESS = 10  # of the calls in Gradio's queue, which has room for 40

App = Callable[[Message, Receive, Send], Awaitable[None]]
Held = list[tuple[str, str]]

logger = logging.getLogger(__name__)


class RequestGuard:
    """ASGI middleware: lets in what `app` should answer, and answers the rest itself."""

    def __init__(self, app: App, host: Host) -> None:
        self.app = app
        self.behind_proxy = host.behind_proxy
        self.routes = (*ROUTES, SIGN_IN) if host.space else ROUTES
        self.rates = RateLimiter(host.rate)
        self.under_way: Counter[tuple[str, str]] = Counter()  # requests by what is bounded, and who asks
        self._events: dict[str, str] = {}  # address by event, of Gradio's queue

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send)
        began = time.perf_counter()
        endpoint, stream = "none", False
        held: Held = []
        try:
            route, found = find_route(scope, self.routes)
            endpoint, stream = route.name, route.name in STREAMS
            address = client_address(scope, self.behind_proxy)
            scope.setdefault("state", {}).update(address=address, began=began)
            check_host(scope)
            self._hold(held, "requests", "", MOST_AT_ONCE)
            self._hold(held, "requests", address, MOST_AT_ONCE_OF_ADDRESS)
            if route.name == "upload":
                await self._upload(held, scope, receive, answer, address)
            elif route.name == "live":
                await self._read_drawing(scope, receive, answer, address, began)
            elif route.name in ("health", "metrics"):
                self._take(route.kind, None, address)
                await getattr(metrics, route.name)()(scope, receive, answer.send)
            elif scope["method"] == "POST":
                endpoint, receive = await self._check_post(
                    held, scope, receive, route, found.groupdict().get("name"), address
                )
                answer.keeps_body = route.name in ("join", "call")
                answer.of_function = route.name == "server_function"
                await self.app(scope, receive, answer.send)
                if answer.keeps_body and answer.status == 200:
                    self._note_event(answer.body, address)
            else:
                session = session_of_query(scope, found)
                self._take(route.kind, session, address)
                if route.name == "page":
                    scope["query_string"] = b""  # of which Gradio would serve a page by name
                if route.name == "events":
                    check_events(scope, session)
                if stream and session is not None:
                    self._hold(held, route.name, session, MOST_STREAMS_OF_SESSION)
                await self.app(scope, receive, answer.send)
        except RequestRejected as rejected:
            metrics.TURNED_AWAY.labels(rejected.reason).inc()
            if answer.status is None:
                await rejected.response()(scope, receive, answer.send)
        except Exception:
            logger.exception("%s failed", endpoint)
            if answer.status is None:
                await JSONResponse({"error": FAULT}, 500)(scope, receive, answer.send)
        finally:
            self._let_go(held)
            seconds = time.perf_counter() - began
            metrics.REQUESTS.labels(endpoint, str(answer.status or "gone")).inc()
            if not stream:
                metrics.LATENCY.labels(endpoint).observe(seconds)
            about = {"endpoint": endpoint, "status": answer.status, "ms": round(1000 * seconds, 1)}
            logger.debug("request", extra=about)

    async def _check_post(
        self, held: Held, scope: Message, receive: Receive, route: Route, name: str | None, address: str
    ) -> tuple[str, Receive]:
        """What to call the request in /metrics, and a `receive` that gives its body once more."""
        if route.name == "mcp":  # before its body is read, which may be large
            self._hold(held, "agents", "", MOST_CALLS)
            self._hold(held, "agents", address, MOST_CALLS_OF_ADDRESS)
        check_length(scope, mcp.MAX_BODY if route.name == "mcp" else MAX_BODY)
        payload, receive = await read_object(receive)
        session, endpoint, kind = session_of(payload), route.name, route.kind
        if route.name == "server_function":
            endpoint, kind = check_server_function(scope, payload)
        self._take(kind, session, address)
        if route.name in ("join", "call"):
            check_call(scope, payload, name)
            self._check_events_of(scope, address)
        if route.name == "call":
            self._hold(held, "calls", "", MOST_CALLS)
            self._hold(held, "calls", address, MOST_CALLS_OF_ADDRESS)
        return endpoint, receive

    async def _upload(
        self, held: Held, scope: Message, receive: Receive, answer: Answer, address: str
    ) -> None:
        self._take("upload", None, address)
        self._hold(held, "uploads", address, MOST_UPLOADS_OF_ADDRESS)
        paths = await receive_files(scope, receive, address)
        scope["app"].get_blocks().upload_file_set.update(paths)  # which endpoints may be called with
        await JSONResponse(paths)(scope, receive, answer.send)

    async def _read_drawing(
        self, scope: Message, receive: Receive, answer: Answer, address: str, began: float
    ) -> None:
        check_type(scope)
        check_length(scope, MAX_POST)
        visitor, drawing = split_post(await read_body(receive))
        self._take("reading", visitor.page, address)
        read = scope["app"].get_blocks().read_live
        content = await read(visitor, address, drawing, began)
        await Response(content, media_type="application/octet-stream")(scope, receive, answer.send)

    async def _serve_socket(self, scope: Message, receive: Receive, send: Send) -> None:
        held: Held = []
        is_open = False
        try:
            await receive()  # that somebody wants to connect
            address = client_address(scope, self.behind_proxy)
            if path_of(scope) != ROAD:
                raise RequestRejected(404, NOTHING, "no such route")
            check_host(scope)
            check_origin(scope)
            self._take("page", None, address)
            self._hold(held, "sockets", "", MOST_SOCKETS)
            self._hold(held, "sockets", address, MOST_SOCKETS_OF_ADDRESS)
            await send({"type": "websocket.accept"})
            is_open = True
            socket = Socket(receive, send, address, scope["app"].get_blocks().read_live)
            visitor = await socket.hello()
            self._hold(held, "sockets of", visitor.page, MOST_SOCKETS_OF_SESSION)
            await socket.serve(visitor, partial(self._take, "reading", visitor.page, address))
        except RequestRejected as rejected:
            metrics.TURNED_AWAY.labels(rejected.reason).inc()
            await refuse_socket(rejected, receive, send, is_open)
        except OSError:  # it is closed
            pass
        except Exception:
            logger.exception("A socket failed")
            await refuse_socket(RequestRejected(500, FAULT, "fault"), receive, send, is_open)
        finally:
            self._let_go(held)

    def _take(self, kind: str, session: str | None, address: str) -> None:
        of_session, of_address = RATE_LIMITS[kind]
        wait = self.rates.take(kind, f"session {session}", of_session) if session is not None else 0.0
        wait = wait or self.rates.take(kind, f"address {address}", of_address)
        if wait:
            raise RequestRejected(429, "That was too much at once. Please wait a moment.", "rate", wait)

    def _hold(self, held: Held, what: str, who: str, most: int) -> None:
        if self.under_way[what, who] >= most:
            sentence = "Too much of yours is under way. Please wait a moment."
            if who == "":
                sentence = "Very many people are here now. Please wait a moment."
            raise RequestRejected(429, sentence, "at once", 1)
        self.under_way[what, who] += 1
        held.append((what, who))
        self._show_open(what)

    def _let_go(self, held: Held) -> None:
        for what, who in held:
            self.under_way[what, who] -= 1
            if not self.under_way[what, who]:
                del self.under_way[what, who]
            self._show_open(what)

    def _show_open(self, what: str) -> None:
        if what == "open_page":
            pages = sum(number for (name, _), number in self.under_way.items() if name == what)
            metrics.OPEN_PAGES.set(pages)
        elif what == "sockets":
            metrics.OPEN_SOCKETS.set(self.under_way["sockets", ""])

    def _check_events_of(self, scope: Message, address: str) -> None:
        """An address has a share of Gradio's queue, under however many sessions it calls."""
        waiting = scope["app"].get_blocks()._queue.event_ids_to_events
        self._events = {event: who for event, who in self._events.items() if event in waiting}
        if list(self._events.values()).count(address) >= MOST_EVENTS_OF_ADDRESS:
            sentence = "Too many of your calls wait already. Please wait for their answers."
            raise RequestRejected(429, sentence, "at once", 1)

    def _note_event(self, body: bytes, address: str) -> None:
        try:
            event = json.loads(body).get("event_id")
        except (ValueError, AttributeError):
            return
        if isinstance(event, str):
            self._events[event] = address

"""What a stranger may send: which requests, how long, how many, how slowly. Gradio bounds hardly any of it.

`Gate` stands before everything that Gradio answers. What is not on its list of routes is not there; every
refusal is a status and {"error": a sentence}. The page's scripts take one for "not now", keep what they have
and try again.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import math
import os
import re
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse, Response

from training.limits import Limits
from ui.server import metrics
from ui.server.uploads import Room, keep_house, note_sent, was_uploaded

MAX_BODY = 1_000_000  # bytes of a request that is not a file upload; a drawing has about 5,000
MAX_UPLOAD = 21_000_000  # bytes of a request with files; the largest file may have 20,000,000
MOST_PARTS = 8  # files and fields of such a request; the page sends one
BODY_SECONDS = 10.0  # until a body that is no upload is there
UPLOAD_SILENCE = 10.0  # seconds without a byte of an upload
UPLOAD_SECONDS = 300.0  # of an upload in all: 20 MB at half a megabit a second
SILENCE = 10.0  # seconds that a connection may say nothing, or half a request, or leave an answer unread
SWEEP = 2.0  # seconds from one look at all connections to the next
HOUSEKEEPING = 60.0  # seconds from one look at the uploaded files to the next
MOST_AT_ONCE = 5000  # requests under way, open pages among them
MOST_AT_ONCE_OF_ADDRESS = 400  # a school with 150 open pages, each drawing
MOST_STREAMS_OF_SESSION = 4  # a page has one, and one more while it waits for an event
MOST_UPLOADS_OF_ADDRESS = 30  # at once
MOST_EVENTS_OF_SESSION = 8  # in Gradio's queue
MOST_KNOWN = 20_000  # addresses and sessions whose recent requests are remembered

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowance:
    """A token bucket: so many requests at once after a rest, and so many a second from then on."""

    per_second: float
    burst: float


# Of a session, which is one open page, and of an address, behind which a school may sit.
ALLOWANCES: dict[str, tuple[Allowance, Allowance]] = {
    "page": (Allowance(20, 200), Allowance(300, 5000)),  # about 50 requests open a page
    "reading": (Allowance(45, 150), Allowance(700, 2000)),  # a pad asks up to 30 times a second
    "action": (Allowance(10, 60), Allowance(100, 500)),  # a button of the page
    "work": (Allowance(1, 20), Allowance(6, 100)),  # photos, trainings, lessons, files of models
    "program": (Allowance(20, 100), Allowance(40, 400)),  # calls of gradio_client
    "upload": (Allowance(10, 100), Allowance(10, 200)),  # no session is told
}
READING = frozenset({"live", "watch", "draw"})
WORK = frozenset(
    {"read", "start", "resume", "teach", "bring", "unpack_examples", "load_from_hub", "push_to_hub"}
)


class Refusal(Exception):  # noqa: N818 - nothing is wrong with the program
    """A request that is not answered. retry_after: seconds until it may be sent again, if ever."""

    def __init__(self, status: int, sentence: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    def response(self) -> Response:
        headers = {"Connection": "close"} if self.status in (408, 411, 413) else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(self.retry_after))
        return JSONResponse({"error": str(self)}, self.status, headers)


@dataclass(frozen=True)
class Route:
    """Requests that are let in. name: for /metrics; kind: one of ALLOWANCES."""

    name: str
    method: str
    path: re.Pattern[str]
    kind: str


def _route(name: str, method: str, path: str, kind: str) -> Route:
    return Route(name, method, re.compile(path), kind)


API = "/gradio_api"
EVENTS = f"{API}/call/(?:v2/)?(?P<name>[^/]+)/[^/]+/?|{API}/queue/data"
ABOUT = "info|openapi.json|app_id|startup-events|theme.css|login_check|user|token|queue/status"
CALLS = f"{API}/(?:run|api|call|call/v2)/(?P<name>[^/]+)/?"
# All that the page and gradio_client ask for. Left out are, among others, /file= and /proxy=: nothing of this
# page needs them; /deep_link, which writes files; /stream, /custom_component, /dev/reload.
ROUTES = (
    _route("health", "GET", "/health", "page"),
    _route("metrics", "GET", "/metrics", "page"),
    _route("page", "GET", "/", "page"),
    _route("asset", "GET", "/(?:assets|static|svelte)/.+|/theme.css|/favicon.ico|/robots.txt", "page"),
    _route("script", "GET", r"/scripts/[0-9a-f]+/[a-z]+/\w+\.js", "page"),  # ui/scripts.py
    _route("about", "GET", f"/config/?|/manifest.json|{API}/(?:{ABOUT})/?", "page"),
    _route("open_page", "GET", f"{API}/heartbeat/(?P<session>[^/]+)", "page"),
    _route("events", "GET", EVENTS, "program"),
    _route("server_function", "POST", f"{API}/component_server/?", "action"),
    _route("join", "POST", f"{API}/queue/join/?", "program"),
    _route("call", "POST", CALLS, "program"),
    _route("cancel", "POST", f"{API}/(?:cancel|reset)/?", "program"),
    _route("upload", "POST", f"{API}/upload/?", "upload"),
)
SIGN_IN = _route("sign_in", "GET", "/login/(?:huggingface|callback)/?|/logout/?", "page")  # of a Space
STREAMS = frozenset({"open_page", "events"})
ODD = re.compile(r"\.\.|//|[\0-\x1f\\]")  # in no path that the page asks for
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)


class Rates:
    """Who asked how often lately. factor: all allowances times this; clock: seconds."""

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.factor, self.clock = factor, clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # tokens, when

    def take(self, kind: str, who: str, allowance: Allowance) -> float:
        """Counts a request. Returns 0, or the seconds to wait before one of this kind will be let in."""
        now = self.clock()
        burst, per_second = allowance.burst * self.factor, allowance.per_second * self.factor
        tokens, before = self._buckets.pop((kind, who), (burst, now))
        tokens = min(burst, tokens + (now - before) * per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / per_second
        self._buckets[kind, who] = (tokens - 1 if wait == 0 else tokens, now)
        if len(self._buckets) > MOST_KNOWN:
            self._buckets.popitem(last=False)  # who asked least lately
        return wait


@dataclass(frozen=True)
class Host:
    """Where the app stands, as its host says in environment variables."""

    space: bool  # SPACE_ID: a Hugging Face Space
    behind_proxy: bool  # DIGITS_PROXIES=1, and a Space: requests come through what writes X-Forwarded-For
    rate: float  # DIGITS_RATE: all allowances times this
    stored_bytes: int  # DIGITS_MAX_STORED_BYTES: of all uploads together

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Host":
        """ValueError, naming the variable, where one makes no sense."""
        space = bool(environment.get("SPACE_ID"))
        proxies = environment.get("DIGITS_PROXIES", "0") not in ("", "0")
        text = environment.get("DIGITS_RATE", "").strip() or "1"
        try:
            rate = float(text)
        except ValueError:
            rate = math.nan
        if not 0 < rate < math.inf:
            raise ValueError(f"DIGITS_RATE must be a number above 0, got {text!r}")
        return cls(space, space or proxies, rate, Limits.from_environment(environment).stored_bytes)


class Gate:
    """ASGI middleware: lets in what `app` should answer, and answers the rest itself."""

    def __init__(self, app: App, host: Host) -> None:
        self.app = app
        self.behind_proxy = host.behind_proxy
        self.routes = (*ROUTES, SIGN_IN) if host.space else ROUTES
        self.rates = Rates(host.rate)
        self.room = Room(host.stored_bytes)
        self.open: Counter[tuple[str, str]] = Counter()  # requests under way, by what is bounded and who asks

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        began = time.perf_counter()
        endpoint, stream = "none", False
        held: list[tuple[str, str]] = []
        try:
            route, found = self._route(scope)
            endpoint, stream = route.name, route.name in STREAMS
            address = self._address(scope)
            self._hold(held, "requests", "", MOST_AT_ONCE)
            self._hold(held, "requests", address, MOST_AT_ONCE_OF_ADDRESS)
            if route.name == "upload":
                self._take("upload", None, address)
                self._hold(held, "uploads", address, MOST_UPLOADS_OF_ADDRESS)
                receive = await self._upload(scope, receive)
                answer.told = note_sent
            elif scope["method"] == "POST":
                _check_length(scope, MAX_BODY)
                asked, receive = await _body(receive)
                session, kind = _session(asked), route.kind
                if route.name == "server_function":
                    endpoint, kind = _server_function(scope, asked)
                elif route.name != "cancel":
                    _check_call(scope, asked, found.groupdict().get("name"))
                self._take(kind, session, address)
            else:
                session = _session_of_query(scope, found)
                self._take(route.kind, session, address)
                if route.name == "events":
                    _check_events(scope, session)
                if stream and session is not None:
                    self._hold(held, route.name, session, MOST_STREAMS_OF_SESSION)
            if route.name == "open_page":
                metrics.OPEN_PAGES.set(self._count("open_page"))
            scope.setdefault("state", {}).update(address=address, began=began)
            if route.name in ("health", "metrics"):
                await getattr(metrics, route.name)()(scope, receive, answer.send)
            else:
                await self.app(scope, receive, answer.send)
        except Refusal as refusal:
            metrics.TURNED_AWAY.labels(refusal.reason).inc()
            if answer.status is None:
                await refusal.response()(scope, receive, answer.send)
        except Exception:
            logger.exception("%s failed", endpoint)
            if answer.status is None:
                sentence = "That did not work, for a reason of our own. Please try again."
                await JSONResponse({"error": sentence}, 500)(scope, receive, answer.send)
        finally:
            for name in held:
                self.open[name] -= 1
                if not self.open[name]:
                    del self.open[name]
            if endpoint == "open_page":
                metrics.OPEN_PAGES.set(self._count("open_page"))
            seconds = time.perf_counter() - began
            metrics.REQUESTS.labels(endpoint, str(answer.status or "gone")).inc()
            if not stream:
                metrics.LATENCY.labels(endpoint).observe(seconds)
            told = {"endpoint": endpoint, "status": answer.status, "ms": round(1000 * seconds, 1)}
            logger.debug("request", extra=told)

    def _count(self, what: str) -> int:
        return sum(number for (name, _), number in self.open.items() if name == what)

    def _route(self, scope: Message) -> tuple[Route, re.Match[str]]:
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        query = scope.get("query_string", b"")
        for route in self.routes:
            found = route.path.fullmatch(path)
            if found and route.method == method and not ODD.search(path) and b"deep_link" not in query:
                return route, found
        raise Refusal(404, "There is nothing here.", "no such route")

    def _address(self, scope: Message) -> str:
        """Who asks, as far as one can tell: an IPv4 address, or the network of an IPv6 one.

        Behind a proxy it is the last public address of X-Forwarded-For: what stands before it, the sender
        may have made up, and what stands after it are proxies.
        """
        hops = [scope["client"][0]] if scope.get("client") else []
        if self.behind_proxy:
            told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            hops = [*told.decode("latin-1").split(","), *hops]
        known = [address for hop in hops if (address := _parsed(hop)) is not None]
        address = next((one for one in reversed(known) if one.is_global), known[-1] if known else None)
        if address is not None and address.version == 6:
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)

    def _take(self, kind: str, session: str | None, address: str) -> None:
        of_session, of_address = ALLOWANCES[kind]
        wait = self.rates.take(kind, f"session {session}", of_session) if session is not None else 0.0
        wait = wait or self.rates.take(kind, f"address {address}", of_address)
        if wait:
            raise Refusal(429, "That was too much at once. Please wait a moment.", "rate", wait)

    def _hold(self, held: list[tuple[str, str]], what: str, who: str, most: int) -> None:
        if self.open[what, who] >= most:
            raise Refusal(429, "Too much of yours is under way. Please wait a moment.", "at once", 1)
        self.open[what, who] += 1
        held.append((what, who))

    async def _upload(self, scope: Message, receive: Receive) -> Receive:
        """The same body, bounded in length, time and parts; what Gradio wrote of a broken one, it deletes."""
        length = _check_length(scope, MAX_UPLOAD)
        if not await self.room.for_another(length):
            raise Refusal(507, "There is no room for files now. Please try again later.", "disk", 60)
        # With an upload_id, Gradio would keep the progress of an upload until somebody asks for it.
        scope["query_string"] = b""
        content_type = dict(scope["headers"]).get(b"content-type", b"")
        boundary = re.search(rb'boundary="?([^";,]+)', content_type)
        if not content_type.startswith(b"multipart/form-data") or boundary is None:
            raise Refusal(415, "A file is sent as multipart/form-data.", "malformed")
        return _Upload(receive, b"--" + boundary[1]).receive


class _Answer:
    """Passes an answer on, and remembers its status. told: is given the list that it holds, if it is one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None
        self.told: Callable[[list], None] | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-content-type-options", b"nosniff")]
        elif self.told and self.status == 200 and message.get("body"):
            with contextlib.suppress(ValueError):
                answer = json.loads(message["body"])
                self.told(answer if isinstance(answer, list) else [])
        await self._send(message)


class _Upload:
    """Raises, inside Gradio's parser, the one exception after which that deletes what it wrote."""

    def __init__(self, receive: Receive, delimiter: bytes) -> None:
        self._receive, self._delimiter = receive, delimiter
        self._received, self._parts, self._tail = 0, 0, b""
        self._ends = time.monotonic() + UPLOAD_SECONDS

    async def receive(self) -> Message:
        silence = min(UPLOAD_SILENCE, self._ends - time.monotonic())
        try:
            async with asyncio.timeout(max(silence, 0)):
                message = await self._receive()
        except TimeoutError:
            raise MultiPartException("The file came too slowly. Please send it again.") from None
        if message["type"] == "http.disconnect":
            raise MultiPartException("The file was cut short. Please send it again.")
        body = message.get("body", b"")
        self._received += len(body)
        window = self._tail + body
        self._parts += window.count(self._delimiter)
        self._tail = window[len(window) - len(self._delimiter) + 1 :]
        if self._received > MAX_UPLOAD or self._parts > MOST_PARTS + 1:
            raise MultiPartException(
                f"At most {MOST_PARTS} files of {MAX_UPLOAD:,} bytes together can be sent at once."
            )
        return message


def _check_length(scope: Message, most: int) -> int:
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > most:
        raise Refusal(413, f"A request may have {most:,} bytes.", "too large")
    if b"transfer-encoding" in headers:
        raise Refusal(411, "Please send the length of the request.", "too large")
    return int(length)


async def _body(receive: Receive) -> tuple[dict, Receive]:
    """The JSON object that was sent, and a `receive` that gives it once more."""
    parts = []
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "The request was cut short.", "cut short")
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise Refusal(408, "The request came too slowly.", "slow") from None
    body = b"".join(parts)
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Refusal(400, "A request is sent as a JSON object.", "malformed")
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return asked, again


def _session(asked: dict) -> str | None:
    session = asked.get("session_hash")
    if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
        raise Refusal(422, "The session is no session of this page. Please reload it.", "malformed")
    return session


def _session_of_query(scope: Message, found: re.Match[str]) -> str | None:
    """The session that an open stream belongs to."""
    session = found.groupdict().get("session")
    if session is None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        session = query["session_hash"][0] if "session_hash" in query else None
    return _session({"session_hash": session})


def _server_function(scope: Message, asked: dict) -> tuple[str, str]:
    """Name of the server function and kind of the request."""
    number, name = asked.get("component_id"), asked.get("fn_name")
    block = scope["app"].get_blocks().blocks.get(number) if type(number) is int else None
    function = getattr(block, name, None) if isinstance(name, str) else None
    if not getattr(function, "_is_server_fn", False):
        raise Refusal(404, "The page has no such function. Please reload it.", "no such function")
    if "data" not in asked or asked.get("session_hash") is None:
        raise Refusal(422, "A call of a function has data and a session_hash.", "malformed")
    return name, "reading" if name in READING else "work" if name in WORK else "action"


def _check_call(scope: Message, asked: dict, name: str | None) -> None:
    """A call of an endpoint, for Gradio's queue or past it. name: as in the path; else there is a number."""
    blocks = scope["app"].get_blocks()
    # `unload` is Gradio's own to call, when a page is closed.
    public = {
        number: function
        for number, function in blocks.fns.items()
        if all(event != "unload" for _, event in function.targets)
    }
    number = asked.get("fn_index")
    if name is not None:
        number = next((one for one, function in public.items() if function.api_name == name), None)
    if type(number) is not int or number not in public or asked.get("fn_index", number) not in (number, None):
        raise Refusal(404, "There is no such endpoint.", "no such function")
    if "/call/v2/" not in scope["path"]:
        data, wanted = asked.get("data"), len(public[number].inputs)
        if not isinstance(data, list) or len(data) != wanted:
            raise Refusal(422, f"The data of a call is a list, here of {wanted}.", "malformed")
    if not all(was_uploaded(path) for path in _files(asked)):
        raise Refusal(422, "Please send an image file, with gradio_client's handle_file.", "malformed")
    session = asked.get("session_hash")
    if len(blocks._queue.pending_event_ids_session.get(session, ())) >= MOST_EVENTS_OF_SESSION:
        raise Refusal(429, "Too much of yours waits already. Please wait for its answers.", "at once", 1)


def _check_events(scope: Message, session: str | None) -> None:
    """The answers to a call that is known: Gradio would begin to send, and then break off."""
    queue = scope["app"].get_blocks()._queue
    if session is None:
        event = scope["path"].rstrip("/").rpartition("/")[2]
        known = any(event in events for events in queue.pending_event_ids_session.values())
    else:
        known = session in queue.pending_messages_per_session
    if not known:
        raise Refusal(404, "There is no such call, or its answer was fetched already.", "no such call")


def _files(value: object) -> Iterator[object]:
    """What stands as a path wherever Gradio would look for a file: it moves files, and fetches addresses."""
    if isinstance(value, dict):
        if isinstance(value.get("meta"), dict):
            yield value.get("path")
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _files(one)


def _parsed(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(hop.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """While the app runs: ends connections that say nothing, and keeps house among the uploaded files."""
    metrics.take_over_log_of_server()
    tasks = [asyncio.create_task(_end_silent(app)), asyncio.create_task(_housekeeping(app))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _housekeeping(app: Any) -> None:
    while True:
        await asyncio.sleep(HOUSEKEEPING)
        try:
            await keep_house(app.get_blocks())
        except Exception:
            logger.exception("Housekeeping failed")


async def _end_silent(app: Any) -> None:
    """Ends connections whose request does not come, or whose answer is not taken: uvicorn waits for ever."""
    since: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()
    while True:
        await asyncio.sleep(SWEEP)
        server = app.get_blocks().server
        for connection in tuple(server.server_state.connections) if server is not None else ():
            try:
                _end_if_silent(connection, since)
            except Exception:
                logger.exception("A connection could not be looked at")


def _end_if_silent(connection: Any, since: WeakKeyDictionary[Any, tuple[int, float]]) -> None:
    """connection: uvicorn's. since: for how many bytes it has not sent yet it has waited since when."""
    if not hasattr(connection, "cycle"):
        return  # a web socket, which is refused by others
    now, unread = time.monotonic(), connection.transport.get_write_buffer_size()
    answered = connection.cycle is None or connection.cycle.response_complete
    if unread == 0 and not answered:
        since.pop(connection, None)
    elif connection not in since or since[connection][0] != unread:
        since[connection] = (unread, now)
    elif now - since[connection][1] > SILENCE:
        connection.transport.abort()
        metrics.TURNED_AWAY.labels("silent").inc()

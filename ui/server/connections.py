"""Connections: how many at once, how many of an address, and for how long one may keep silent.

uvicorn takes every connection and waits for its request for ever. Here, a full house or an address that has
had its share gives up the connection that has been without a request for longest.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, MutableMapping
from typing import Any

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WebsocketBuffer, WSProtocol

from jobs.drawing_message import MAX_BYTES
from ui.server import metrics
from ui.server.addresses import peer_address
from ui.server.routes import ROAD

try:
    import resource
except ImportError:  # Windows, which has no such limit
    resource = None

MOST_OPEN_FILES = 65_536  # that are asked for; more than all bounds together can use
FILES_OF_OURS = 200  # weights, logs, pipes of workers, uploads under way
BACKLOG = 2048  # uvicorn's: connections that asyncio accepts in one turn of its loop, where so many wait
TURNS = 4  # of the loop from accepting a connection to having closed it again
MOST_OF_ADDRESS = 1000  # a school with 150 open pages, of up to six connections each
SILENCE = 10.0  # seconds that a connection may say nothing, or half a request, or leave an answer unread
SWEEP = 2.0  # seconds from one look at all connections to the next
# uvicorn believes X-Forwarded-For of connections from here: one may be a proxy, with everybody behind it.
OWN_MACHINE = "127.0.0.1"

logger = logging.getLogger(__name__)


def raise_open_files_limit() -> int:
    """Raises the soft limit of open files, which shells set to 1,024, as far as it goes; returns it."""
    if resource is None:
        return MOST_OPEN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return min(soft, MOST_OPEN_FILES) if soft > 0 else MOST_OPEN_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Connections:
    """All open connections, by the address of their other end, the oldest first.

    most: at once; most_of_address: of one address that is no proxy.
    """

    def __init__(self, most: int, most_of_address: int) -> None:
        self.most, self.most_of_address = most, most_of_address
        self._open: dict[str, dict[Any, None]] = {}
        self._count = 0

    def __iter__(self):
        return (connection for of_address in self._open.values() for connection in tuple(of_address))

    def __len__(self) -> int:
        return self._count

    def add(self, connection: Any, address: str, may_be_proxy: bool) -> None:
        """Counts a connection; where there are too many, ends the one that has waited for longest."""
        of_address = self._open.setdefault(address, {})
        of_address[connection] = None
        self._count += 1
        if len(of_address) > self.most_of_address and not may_be_proxy:
            self._end_one(of_address, "connections of an address")
        elif self._count > self.most:
            self._end_one(max(self._open.values(), key=len), "connections")

    def discard(self, connection: Any, address: str) -> None:
        of_address = self._open.get(address, {})
        if connection in of_address:
            del of_address[connection]
            self._count -= 1
            if not of_address:
                del self._open[address]

    def _end_one(self, among: Iterable[Any], reason: str) -> None:
        metrics.TURNED_AWAY.labels(reason).inc()
        next(one for one in among if one.is_waiting).end()  # the newest does, if nothing else


class BoundedSocket(WSProtocol):
    """uvicorn's WebSocket, counted as the connection that it was.

    A page may say nothing for hours: whether somebody is still there is what uvicorn's pings find out.
    """

    is_waiting = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # A few bytes would inflate to many.
        self.config.ws_per_message_deflate = False
        self.buffer = WebsocketBuffer(MAX_BYTES)
        self._address = ""

    def end(self) -> None:
        BoundedProtocol.connections_of_all.discard(self, self._address)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._address = peer_address(self.client[0] if self.client else None)
        BoundedProtocol.connections_of_all.add(self, self._address, may_be_proxy=True)

    def connection_lost(self, exc: Exception | None) -> None:
        BoundedProtocol.connections_of_all.discard(self, self._address)
        super().connection_lost(exc)


class BoundedProtocol(H11Protocol):
    """uvicorn's connection, counted in `connections`."""

    connections_of_all = Connections(MOST_OPEN_FILES, MOST_OF_ADDRESS)
    behind_proxy = False  # then every connection is a proxy's, and the proxy bounds those of an address

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ws_protocol_class = BoundedSocket
        self._address = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it is the other side's turn: no request is there, or its answer was given in full."""
        return self.cycle is None or self.cycle.response_complete

    def end(self) -> None:
        self.connections_of_all.discard(self, self._address)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else None
        self._address = peer_address(host)
        may_be_proxy = self.behind_proxy or host in (None, OWN_MACHINE)
        self.connections_of_all.add(self, self._address, may_be_proxy)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections_of_all.discard(self, self._address)
        super().connection_lost(exc)

    def _should_upgrade_to_ws(self) -> bool:
        return self.scope["path"].endswith(ROAD)  # there is no other WebSocket

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self.connections_of_all.discard(self, self._address)
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP: says so, unless an answer to the request before it is on its way."""
        begun = self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE)
        if not self.is_waiting:
            begun = begun or self.cycle.response_started
            self.cycle.disconnected = True  # who answers that request need not go on
            self.cycle.message_event.set()
        if begun:
            self.transport.close()
        else:
            super().send_400_response(msg)


def bound_connections(behind_proxy: bool) -> None:
    """Has uvicorn count and bound connections from the next server on. behind_proxy: as `Host` says."""
    limit = raise_open_files_limit()
    most = max(limit - FILES_OF_OURS - TURNS * _backlog(limit), limit // 2)
    BoundedProtocol.connections_of_all = Connections(most, min(MOST_OF_ADDRESS, most // 4))
    BoundedProtocol.behind_proxy = behind_proxy
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"


def _backlog(limit: int) -> int:
    return min(BACKLOG, limit // (4 * TURNS))


def limit_backlog() -> None:
    """Has the running event loop accept no more connections at once than there are descriptors left for.

    asyncio accepts `backlog` of them a turn, before it tells anybody, and stops for a second where it runs
    out of descriptors. To be called before the server listens.
    """
    loop = asyncio.get_running_loop()
    create_server, most = loop.create_server, _backlog(raise_open_files_limit())

    async def create_bounded(*arguments: Any, backlog: int = 100, **options: Any) -> asyncio.Server:
        return await create_server(*arguments, backlog=min(backlog, most), **options)

    loop.create_server = create_bounded


async def end_silent_connections() -> None:
    """Ends connections whose request does not come, or whose answer is not taken, for as long as it runs."""
    since: MutableMapping[Any, tuple[int, float]] = {}
    while True:
        await asyncio.sleep(SWEEP)
        open_now = set(BoundedProtocol.connections_of_all)
        for connection in [one for one in since if one not in open_now]:
            del since[connection]
        for connection in open_now:
            try:
                end_if_silent(connection, since)
            except Exception:
                logger.exception("A connection could not be looked at")


def end_if_silent(connection: Any, since: MutableMapping[Any, tuple[int, float]]) -> None:
    """Ends a BoundedProtocol that has waited for its other side for longer than SILENCE.

    since: for how many bytes that are not sent yet each connection has waited, and since when.
    """
    now, unsent = time.monotonic(), connection.transport.get_write_buffer_size()
    if unsent == 0 and not connection.is_waiting:
        since.pop(connection, None)
    elif connection not in since or since[connection][0] != unsent:
        since[connection] = (unsent, now)
    elif now - since[connection][1] > SILENCE:
        connection.end()
        metrics.TURNED_AWAY.labels("silent").inc()

"""A fair queue: addresses take turns, and so do the sessions of one address."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Turn = asyncio.Future[bool]  # True: it has come; False: a newer request has taken its place


class Superseded(Exception):  # noqa: N818 - all is well
    """The same session sent a newer request before it was this one's turn."""


class QueueFull(Exception):  # noqa: N818 - nothing is wrong with the program
    """Too many requests wait already. of: "all" together, or of this "address" or "session" alone."""

    def __init__(self, of: str) -> None:
        super().__init__(of)
        self.of = of


class FairQueue:
    """Lets `at_once` requests in at a time; of the others, addresses take turns, and of each its sessions.

    So whoever sends many requests, or opens many pages, waits for themselves and not everybody for them.

    at_once: requests that hold a turn at the same time. most_waiting: requests that may wait, of all
    together; most_of_address, most_of_session: of one address and of one session, `most_waiting` where they
    are left out. latest_only: only the newest request of a session waits, in the place of the older one, for
    which `turn` raises Superseded. One event loop alone may use it.
    """

    def __init__(
        self,
        at_once: int,
        most_waiting: int,
        *,
        most_of_address: int | None = None,
        most_of_session: int | None = None,
        latest_only: bool = False,
    ) -> None:
        self.at_once, self.most_waiting, self.latest_only = at_once, most_waiting, latest_only
        self.most_of_address = most_waiting if most_of_address is None else most_of_address
        self.most_of_session = most_waiting if most_of_session is None else most_of_session
        self._running = 0
        # By address and session; whose turn is next stands first.
        self._lines: OrderedDict[str, OrderedDict[str, deque[Turn]]] = OrderedDict()

    @property
    def running(self) -> int:
        return self._running

    @property
    def waiting(self) -> int:
        return sum(map(self._waiting_of, self._lines))

    @asynccontextmanager
    async def turn(self, session: str, address: str) -> AsyncIterator[None]:
        """Waits for a turn and holds it. Raises Superseded or QueueFull where there will be none."""
        if self._running >= self.at_once:
            await self._wait(session, address)  # whoever ends hands their turn on
        else:
            self._running += 1
        try:
            yield
        finally:
            self._hand_on()

    def _waiting_of(self, address: str) -> int:
        return sum(map(len, self._lines.get(address, {}).values()))

    async def _wait(self, session: str, address: str) -> None:
        older = self._lines.get(address, {}).get(session, ())
        if self.latest_only and older:
            _settle(older.pop(), False)
        elif len(older) >= self.most_of_session:
            raise QueueFull("session")
        elif self._waiting_of(address) >= self.most_of_address:
            raise QueueFull("address")
        elif self.waiting >= self.most_waiting:
            raise QueueFull("all")
        line = self._lines.setdefault(address, OrderedDict()).setdefault(session, deque())
        turn: Turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            comes = await turn
        except asyncio.CancelledError:
            if turn in line:
                line.remove(turn)
                self._forget_if_empty(address, session)
            elif not turn.cancelled() and turn.result():
                self._hand_on()  # it came at the moment in which it was given up
            raise
        if not comes:
            raise Superseded

    def _hand_on(self) -> None:
        while self._lines:
            address, sessions = next(iter(self._lines.items()))
            session, line = next(iter(sessions.items()))
            turn = line.popleft()
            sessions.move_to_end(session)
            self._lines.move_to_end(address)
            self._forget_if_empty(address, session)
            if _settle(turn, True):
                return
        self._running -= 1

    def _forget_if_empty(self, address: str, session: str) -> None:
        if not self._lines[address][session]:
            del self._lines[address][session]
        if not self._lines[address]:
            del self._lines[address]


def _settle(turn: Turn, comes: bool) -> bool:
    """Whether somebody still waits for it: who was cancelled a moment ago has not left their line yet."""
    if not turn.done():
        turn.set_result(comes)
    return not turn.cancelled()

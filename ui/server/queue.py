"""Who is read when many draw at once: everybody in turn, and of each only the newest drawing."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ui.server import metrics


class Superseded(Exception):  # noqa: N818 - all is well
    """The same visitor sent something newer before it was this one's turn."""


class Crowded(Exception):  # noqa: N818 - nothing is wrong with the program
    """Too many wait already."""


class Turns:
    """Lets `at_once` in at a time, while at most `waiting` visitors wait. Of one event loop.

    Addresses take turns, and so do the visitors of one address: whoever opens many pages only gets in their
    own way.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self.at_once, self.most_waiting = at_once, waiting
        self._running = 0
        self._lines: OrderedDict[str, OrderedDict[str, asyncio.Future[bool]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, visitor: str, address: str) -> AsyncIterator[None]:
        """The turn of one drawing. Raises Superseded or Crowded where there will be none."""
        if self._running >= self.at_once:
            await self._wait(visitor, address)  # whoever ends hands their place on
        else:
            self._running += 1
        try:
            yield
        finally:
            self._hand_on()

    @property
    def waiting(self) -> int:
        return sum(len(line) for line in self._lines.values())

    async def _wait(self, visitor: str, address: str) -> None:
        line = self._lines.setdefault(address, OrderedDict())
        older = line.get(visitor)
        if older is not None:
            older.set_result(False)
        elif self.waiting >= self.most_waiting:
            if not line:
                del self._lines[address]
            raise Crowded
        mine = line[visitor] = asyncio.get_running_loop().create_future()  # in the older one's place
        metrics.DRAWINGS_WAITING.set(self.waiting)
        try:
            comes = await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.result():
                self._hand_on()
            elif self._lines.get(address, {}).get(visitor) is mine:
                self._leave(address, visitor)
            raise
        if not comes:
            raise Superseded

    def _hand_on(self) -> None:
        for address in self._lines:
            visitor = next(iter(self._lines[address]))
            next_one = self._leave(address, visitor)
            if address in self._lines:
                self._lines.move_to_end(address)
            next_one.set_result(True)
            return
        self._running -= 1

    def _leave(self, address: str, visitor: str) -> asyncio.Future[bool]:
        mine = self._lines[address].pop(visitor)
        if not self._lines[address]:
            del self._lines[address]
        metrics.DRAWINGS_WAITING.set(self.waiting)
        return mine

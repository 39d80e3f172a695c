"""Which of a visitor's pages are open, when one of them was last heard of, and since when none is open."""

import threading
import time

STRAY = 1.5  # seconds after a page was closed in which requests may still come that it sent before
MOST_PAGES = 20  # of one visitor that are known to be open; of more, the most silent counts no more


class Presence:
    """Whether a visitor is here. Pages are told apart by whatever names them; callable from any thread."""

    def __init__(self) -> None:
        self._open: dict[str, None] = {}  # in the order in which they were last heard of
        self._closed: dict[str, float] = {}  # when, of those that were closed just now
        self._touched = time.monotonic()
        self._left: float | None = None
        self._lock = threading.Lock()  # held for these assignments alone

    def touch(self, page: str | None = None) -> None:
        """Something was asked for from `page`: it is open, unless it had sent that before it was closed.

        None: by something that is no page.
        """
        now = time.monotonic()
        with self._lock:
            if page is None:
                self._touched = now
                return
            if now - self._closed.get(page, now - STRAY) < STRAY:
                return
            self._open.pop(page, None)
            self._open[page] = None
            if len(self._open) > MOST_PAGES:
                del self._open[next(iter(self._open))]
            self._touched, self._left = now, None

    def close(self, page: str) -> bool:
        """`page` was closed, or lost its connection. Whether it was known, and no other one is open now."""
        now = time.monotonic()
        with self._lock:
            if page not in self._open:
                return False
            del self._open[page]
            self._closed = {one: when for one, when in self._closed.items() if now - when < STRAY}
            self._closed[page] = now
            if not self._open:
                self._left = now
            return self.is_away

    @property
    def is_away(self) -> bool:
        return self._left is not None

    def away_for(self) -> float:
        """Seconds since the last page was closed; 0 while one is open."""
        left = self._left
        return 0.0 if left is None else time.monotonic() - left

    def idle_for(self) -> float:
        """Seconds since a page was last heard of."""
        return time.monotonic() - self._touched

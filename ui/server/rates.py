"""How often a session and an address may ask: token buckets, a pair for each kind of request."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_BUCKETS = 20_000  # addresses and sessions whose recent requests are remembered


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `burst` requests at once after a rest, and `per_second` from then on."""

    per_second: float
    burst: float


# By kind of request: of a session, which is one open page, and of an address, behind which a school may sit.
RATE_LIMITS: dict[str, tuple[RateLimit, RateLimit]] = {
    "page": (RateLimit(20, 200), RateLimit(300, 5000)),  # about 50 requests open a page
    "reading": (RateLimit(45, 150), RateLimit(700, 2000)),  # a pad asks up to 30 times a second
    "action": (RateLimit(10, 60), RateLimit(100, 500)),  # a button of the page
    "work": (RateLimit(1, 20), RateLimit(6, 100)),  # photos, trainings, fine-tuning, files of models
    "program": (RateLimit(20, 100), RateLimit(40, 400)),  # calls of gradio_client
    "upload": (RateLimit(10, 100), RateLimit(10, 200)),  # an upload names no session
}


class RateLimiter:
    """Who asked how often lately. factor: all limits times this; clock: seconds, rising."""

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.factor, self.clock = factor, clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # tokens, when

    def take(self, kind: str, who: str, limit: RateLimit) -> float:
        """Counts a request. Returns 0, or the seconds to wait before one of this kind will be let in."""
        now = self.clock()
        burst, per_second = limit.burst * self.factor, limit.per_second * self.factor
        tokens, before = self._buckets.pop((kind, who), (burst, now))
        tokens = min(burst, tokens + (now - before) * per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / per_second
        self._buckets[kind, who] = (tokens - 1 if wait == 0 else tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)  # who asked least lately
        return wait

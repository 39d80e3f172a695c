"""How often a session and an address may ask."""

import pytest

from ui.server import rates
from ui.server.rates import RateLimit, RateLimiter


def test_a_rate_is_a_burst_and_then_so_many_a_second():
    now = [0.0]
    limiter = RateLimiter(clock=lambda: now[0])
    limit = RateLimit(per_second=2, burst=3)
    assert [limiter.take("reading", "ann", limit) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.take("reading", "bob", limit) == 0  # has an limit of their own
    assert limiter.take("work", "ann", limit) == 0  # and for each kind another
    now[0] = 0.4
    assert limiter.take("reading", "ann", limit) == pytest.approx(0.1)
    now[0] = 0.5
    assert limiter.take("reading", "ann", limit) == 0
    now[0] = 1e6
    assert [limiter.take("reading", "ann", limit) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_host_can_allow_more_and_less():
    limiter = RateLimiter(factor=2, clock=lambda: 0.0)
    assert [limiter.take("work", "ann", RateLimit(1, 1)) for _ in range(3)] == [0, 0, 0.5]


def test_those_who_asked_least_lately_are_forgotten(monkeypatch):
    monkeypatch.setattr(rates, "MOST_BUCKETS", 10)
    limiter = RateLimiter()
    for i in range(100):
        limiter.take("page", str(i), RateLimit(1, 1))
    assert len(limiter._buckets) == 10

"""Calls of async functions from tests."""

from concurrent.futures import ThreadPoolExecutor

import anyio


def call(function, *args):
    """What `await function(*args)` returns.

    In a thread of its own, because Playwright keeps an event loop in the main one.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, function, *args).result()

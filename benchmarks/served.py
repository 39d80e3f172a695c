"""The app that a benchmark asks."""

import contextlib
from collections.abc import Iterator

import psutil

from tests.browser.driver import serve_app


@contextlib.contextmanager
def served(url: str | None) -> Iterator[tuple[str, psutil.Process | None]]:
    """Its address, and its process if it is ours: without a url one is started, and ended afterwards."""
    if url:
        yield url.rstrip("/"), None
        return
    with serve_app() as app:
        yield app.url, psutil.Process(app.pid)

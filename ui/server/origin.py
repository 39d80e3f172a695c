"""Whether a request comes from a page that was served here."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def is_own_page(scope: Mapping[str, Any]) -> bool | None:
    """By what the browser says in Origin; None where nothing is said, as by programs that are no browser.

    scope: ASGI's. Behind a proxy the host that the page was asked from is in X-Forwarded-Host.
    """
    headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
    origins = [value for name, value in headers if name == b"origin"]
    if not origins:
        return None
    hosts = {
        host.strip().lower()
        for name, value in headers
        if name in (b"host", b"x-forwarded-host")
        for host in value.split(",")
    }
    try:
        origin = urlsplit(origins[0]).netloc.lower() if len(origins) == 1 else ""
    except ValueError:
        origin = ""
    return origin != "" and origin in hosts

"""Whose request it is. `visit.js` keeps a key in the browser's storage, and sends it with every call:

    {"visitor": 43 characters of base64, from 256 random bits, "payload": what the script sends}

So a page that is loaded anew, or another one in the same browser, is the same visitor. Where a browser stores
nothing, the payload comes alone, and the visitor is the one page, by the session hash that Gradio gave it.

The key is a secret: it opens all that is kept for its visitor. It is in no address and no log, and the server
keeps its SHA-256 alone, by which it looks sessions up; so how long that takes says nothing about any key.
"""

import functools
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import gradio as gr

KEY = re.compile(r"[A-Za-z0-9_-]{43}")


class Visitor(NamedTuple):
    """Who asks. key: of their session, with jobs.manager; page: which of their pages, by its session hash."""

    key: str
    page: str


async def session_hash(request: gr.Request) -> str:
    """The session hash of the page that asks.

    Gradio hands its server functions the web server's own request, which has read its JSON already.
    """
    body = await request.json()
    return str(body["session_hash"])


async def visitor_of(request: gr.Request) -> Visitor:
    """Who asks, as a page's scripts say it."""
    body = await request.json()
    page = str(body["session_hash"])
    return visitor_named(page, _opened(body.get("data"))[0])


def visitor_named(page: str, secret: object) -> Visitor:
    """Who a page says it is. A key of another form than ours counts as none."""
    if not (isinstance(secret, str) and KEY.fullmatch(secret)):
        return Visitor(page, page)
    # No session hash has a space in it, so none stands for the key of a browser.
    return Visitor(f"visitor {hashlib.sha256(secret.encode()).hexdigest()}", page)


def without_key(function: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """The server function, given the payload alone of what a page sends."""

    @functools.wraps(function)
    async def answer(sent: object, *others: object) -> object:
        return await function(_opened(sent)[1], *others)

    return answer


def _opened(sent: object) -> tuple[object, object]:
    """The key, or None, and the payload."""
    if isinstance(sent, dict) and sent.keys() == {"visitor", "payload"}:
        return sent["visitor"], sent["payload"]
    return None, sent

"""The JSON object that a request sends: how long, how slow, how deep and how large it may be."""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from ui.server.rejection import RequestRejected

MAX_BODY = 100_000  # bytes of a request that is not a file upload; a drawing has about 5,000, at most 40,000
BODY_SECONDS = 10.0  # until all of it is there
MOST_DEPTH = 20  # lists and objects in each other; the page sends three
MOST_VALUES = 10_000  # in all of them; the page sends about twenty
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


def check_length(scope: Mapping[str, Any], most: int) -> int:
    """The length that a request announces. Raises RequestRejected where there is none, or above `most`."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 19 or int(length) > most:
        raise RequestRejected(413, f"A request may have {most:,} bytes.", "too large")
    if b"transfer-encoding" in headers:
        raise RequestRejected(411, "Please send the length of the request.", "too large")
    return int(length)


async def read_object(receive: Receive) -> tuple[dict, Receive]:
    """The JSON object that was sent, and a `receive` that gives it once more.

    Raises RequestRejected where it comes too slowly or not to its end, where it is no JSON object, nested
    deeper than MOST_DEPTH, of more than MOST_VALUES values, or has numbers that are not finite.
    """
    body = await read_body(receive)
    try:
        payload = json.loads(body)
        if b"\\u" in body:
            json.dumps(payload, ensure_ascii=False).encode()  # half a character can be written nowhere
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict) or not _is_plain(payload):
        raise RequestRejected(400, "A request is sent as a JSON object, of finite numbers.", "malformed")
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return payload, receive_again


def session_of(payload: Mapping[str, Any]) -> str | None:
    """The session that a request names, if any. Raises RequestRejected where it can be none of this page."""
    session = payload.get("session_hash")
    if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
        raise RequestRejected(422, "The session is no session of this page. Please reload it.", "malformed")
    return session


def session_of_query(scope: Mapping[str, Any], found: re.Match[str]) -> str | None:
    """The session that an open stream belongs to: as its path or its query names it."""
    session = found.groupdict().get("session")
    if session is None:
        try:
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
        except ValueError:
            raise RequestRejected(400, "The address has too many parts.", "malformed") from None
        session = query["session_hash"][0] if "session_hash" in query else None
    return session_of({"session_hash": session})


async def read_body(receive: Receive) -> bytes:
    """All that was sent. Raises RequestRejected where it comes too slowly, or not to its end."""
    parts = []
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestRejected(400, "The request was cut short.", "cut short")
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise RequestRejected(408, "The request came too slowly.", "slow") from None


def _is_plain(payload: dict) -> bool:
    """Whether it is no deeper and larger than allowed, so that others may recurse, and its numbers finite."""
    level: list[object] = [payload]
    values = 0
    for _ in range(MOST_DEPTH):
        values += len(level)
        if values > MOST_VALUES or any(isinstance(one, float) and not math.isfinite(one) for one in level):
            return False
        inner: list[object] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        if not inner:
            return True
        level = inner
    return False

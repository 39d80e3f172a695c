"""A request with files: received within bounds of length, time and parts, and stored whole or not at all.

Gradio's own route for it takes names and fields that make it fail, and leaves the files of such a request
behind.
"""

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio.to_thread
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ui.server import uploads
from ui.server.payload import Message, Receive, check_length
from ui.server.rejection import RequestRejected

MAX_UPLOAD = 21_000_000  # bytes of a request with files; the largest file may have 20 MiB
MOST_FILES = 8  # of such a request; the page sends one
UPLOAD_SILENCE = 10.0  # seconds without a byte of it
UPLOAD_SECONDS = 300.0  # of it in all: 20 MB at half a megabit a second
LONGEST_BOUNDARY = 70  # characters, by RFC 2046

NO_FORM = "A file is sent as multipart/form-data."
TOO_MANY = f"At most {MOST_FILES} files of {MAX_UPLOAD:,} bytes together can be sent at once."
BROKEN = "The files could not be made out: they are sent as multipart/form-data, in fields called files."
NO_ROOM = "There is no room for files now. Please try again later."
SHARE_USED = "Too many files of yours are stored here already. Please try again later."


async def receive_files(scope: Mapping[str, Any], receive: Receive, address: str) -> list[str]:
    """The paths under which the files of a request were stored, charged to `address`.

    Raises RequestRejected, and leaves no file, where the request is malformed, too large, too slow, cut
    short, or where there is no room for it.
    """
    length = check_length(scope, MAX_UPLOAD)
    boundary = _boundary(scope)
    try:
        with uploads.reserved(address, length):
            if not await anyio.to_thread.run_sync(uploads.disk_has_room, length):
                raise uploads.StorageFull(of_address=False)
            return await _parse_and_store(scope, receive, boundary, address)
    except uploads.StorageFull as full:
        status, sentence = (429, SHARE_USED) if full.of_address else (507, NO_ROOM)
        raise RequestRejected(status, sentence, "disk", 60) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RequestRejected(507, NO_ROOM, "disk", 60) from None
        raise


async def _parse_and_store(
    scope: Mapping[str, Any], receive: Receive, boundary: bytes, address: str
) -> list[str]:
    headers = Headers({"content-type": f'multipart/form-data; boundary="{boundary.decode("latin-1")}"'})
    parser = MultiPartParser(headers, _chunks(receive), max_files=MOST_FILES, max_fields=0)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        sentence = TOO_MANY if "Too many files" in error.message else BROKEN
        raise RequestRejected(400, sentence, "malformed") from None
    stored: list[str] = []
    try:
        for name, file in form.multi_items():
            if name != "files" or not isinstance(file, UploadFile):
                raise RequestRejected(400, BROKEN, "malformed")
            stored.append(
                await anyio.to_thread.run_sync(
                    uploads.store, file.file, file.filename or "", address, abandon_on_cancel=False
                )
            )
        if not stored:
            raise RequestRejected(400, BROKEN, "malformed")
    except BaseException:
        for path in stored:
            uploads.forget(path)
        raise
    finally:
        await form.close()
    return stored


def _boundary(scope: Mapping[str, Any]) -> bytes:
    content_type, options = parse_options_header(dict(scope["headers"]).get(b"content-type", b""))
    boundary = options.get(b"boundary", b"")
    if content_type != b"multipart/form-data" or not boundary:
        raise RequestRejected(415, NO_FORM, "malformed")
    if len(boundary) > LONGEST_BOUNDARY or not boundary.isascii() or b'"' in boundary or b"\\" in boundary:
        raise RequestRejected(415, NO_FORM, "malformed")
    return boundary


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body, as it comes, for as long as it is within its bounds."""
    received = 0
    ends = time.monotonic() + UPLOAD_SECONDS
    while True:
        message = await _next(receive, min(UPLOAD_SILENCE, ends - time.monotonic()))
        body = message.get("body", b"")
        received += len(body)
        if received > MAX_UPLOAD:
            raise RequestRejected(400, TOO_MANY, "too large")
        yield body
        if not message.get("more_body"):
            return


async def _next(receive: Receive, seconds: float) -> Message:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            message = await receive()
    except TimeoutError:
        raise RequestRejected(408, "The file came too slowly. Please send it again.", "slow") from None
    if message["type"] == "http.disconnect":
        raise RequestRejected(400, "The file was cut short. Please send it again.", "cut short")
    return message

"""The protocol between the app and its worker processes: frames on a pipe, bounded, without pickles.

A frame is a JSON object on one line, followed by an `.npz` of as many bytes as the object's "bytes" says.
Names and numbers go into the object, arrays into the `.npz`.
"""

import io
import json
from typing import BinaryIO

import numpy as np

from cnn.archive import ArchiveError, read_arrays

LONGEST_LINE = 64 * 2**10  # bytes
MOST_BYTES = 16 * 2**20  # of the .npz, packed and unpacked

Arrays = dict[str, np.ndarray]


class ProtocolError(ValueError):
    """Not a frame, or one that is too large: the other side is broken."""


def write_frame(stream: BinaryIO, message: dict, arrays: Arrays | None = None) -> None:
    """Write one frame and flush. `message` must be plain JSON values and not use the key "bytes"."""
    payload = b""
    if arrays:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        payload = buffer.getvalue()
    line = json.dumps(message | {"bytes": len(payload)}, allow_nan=False).encode() + b"\n"
    if len(line) > LONGEST_LINE or len(payload) > MOST_BYTES:
        raise ProtocolError(f"a frame of {len(line)} and {len(payload)} bytes is too large")
    stream.write(line + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict, Arrays] | None:
    """The next frame as (message, arrays), or None at the end of the stream.

    Raises ProtocolError for anything that `write_frame` would not write, including a truncated frame.
    """
    line = stream.readline(LONGEST_LINE + 1)
    if not line:
        return None
    if len(line) > LONGEST_LINE or not line.endswith(b"\n"):
        raise ProtocolError("a frame's first line is too long or cut short")
    try:
        message = json.loads(line)
        size = message.pop("bytes")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise ProtocolError("a frame does not begin with a JSON object") from error
    if type(size) is not int or not 0 <= size <= MOST_BYTES:
        raise ProtocolError(f"a frame announces {size!r} bytes")
    payload = stream.read(size)
    if len(payload) != size:
        raise ProtocolError("a frame is cut short")
    return message, _arrays(payload) if size else {}


def _arrays(payload: bytes) -> Arrays:
    try:
        return read_arrays(io.BytesIO(payload), most_bytes=MOST_BYTES)
    except ArchiveError as error:
        raise ProtocolError(f"the .npz of a frame cannot be read: {error}") from error

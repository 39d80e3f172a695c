"""How the app and its worker processes talk: frames on a pipe, bounded, and never a pickle.

A frame is one line of JSON, an object, and after it the bytes of an `.npz`, as many as the object's "bytes"
says. Names and numbers go into the object, arrays into the `.npz`.
"""

import io
import json
import zipfile
from typing import BinaryIO

import numpy as np

LONGEST_LINE = 64 * 2**10  # bytes
MOST_BYTES = 16 * 2**20  # of the .npz, and of what it unpacks to

Arrays = dict[str, np.ndarray]


class WireError(ValueError):
    """What came is no frame, or too large: the other side is broken."""


def write_frame(stream: BinaryIO, message: dict, arrays: Arrays | None = None) -> None:
    """Write one frame and flush. `message` must be plain JSON values and not use the key "bytes"."""
    payload = b""
    if arrays:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        payload = buffer.getvalue()
    line = json.dumps(message | {"bytes": len(payload)}, allow_nan=False).encode() + b"\n"
    if len(line) > LONGEST_LINE or len(payload) > MOST_BYTES:
        raise WireError(f"a frame of {len(line)} and {len(payload)} bytes is too large")
    stream.write(line + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict, Arrays] | None:
    """The next frame as (message, arrays), or None at the end of the stream.

    Raises WireError for anything that `write_frame` would not have written, a frame cut short among it.
    """
    line = stream.readline(LONGEST_LINE + 1)
    if not line:
        return None
    if len(line) > LONGEST_LINE or not line.endswith(b"\n"):
        raise WireError("a frame's first line is too long or cut short")
    try:
        message = json.loads(line)
        size = message.pop("bytes")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise WireError("a frame begins with no JSON object") from error
    if type(size) is not int or not 0 <= size <= MOST_BYTES:
        raise WireError(f"a frame announces {size!r} bytes")
    payload = stream.read(size)
    if len(payload) != size:
        raise WireError("a frame is cut short")
    return message, _arrays(payload) if size else {}


def _arrays(payload: bytes) -> Arrays:
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"they unpack to {size} bytes")
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WireError(f"a frame's arrays cannot be read: {error}") from error

"""Arrays in the safetensors format: a length, a JSON header that says where each array lies, and the bytes.

Source: https://github.com/huggingface/safetensors, "Format".
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from cnn.archive import PLAIN, ArchiveError, DamagedArchiveError, printable
from cnn.layer import Array

MOST_HEADER = 200_000  # bytes; a network of 64 layers with its list needs a tenth of that
MOST_ARRAYS = 400
ALIGNMENT = 8  # bytes; the header is padded with spaces, so that the arrays can be mapped into memory
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
METADATA = "__metadata__"  # the header's entry for what is text


def write_safetensors(file: BinaryIO, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write arrays, by name, and texts. ValueError for a dtype that the format has no name for."""
    header: dict[str, object] = {METADATA: dict(metadata)}
    start = 0
    for name, value in arrays.items():
        if value.dtype not in NAMES:
            raise ValueError(f"safetensors files hold {', '.join(DTYPES)}; {name} is {value.dtype}")
        header[name] = {
            "dtype": NAMES[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [start, start + value.nbytes],
        }
        start += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    file.write(struct.pack("<Q", len(text)) + text)
    for value in arrays.values():
        file.write(np.ascontiguousarray(value).tobytes())


def read_safetensors(file: BinaryIO, *, most_bytes: int) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a file, by name, and its texts. Raises ArchiveError for anything else.

    Nothing that the header claims is believed: arrays lie one behind the other, without gaps, from the
    header's end to the file's.
    """
    content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ArchiveError(f"is larger than {most_bytes / 2**20:.3g} MiB, the most that is read")
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(MOST_HEADER, len(content) - 8):
        raise DamagedArchiveError("it has no header of arrays")
    try:
        header = json.loads(content[8 : 8 + length], object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise DamagedArchiveError("its header is no JSON") from error
    if not isinstance(header, dict) or len(header) > MOST_ARRAYS:
        raise DamagedArchiveError("its header lists no arrays, or too many")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise DamagedArchiveError("its notes are no texts")
    arrays, expected, body = {}, 0, memoryview(content)[8 + length :]
    for name, entry in sorted(header.items(), key=lambda item: _start(item[1])):
        arrays[name] = _array(name, entry, expected, body)
        expected += arrays[name].nbytes
    if expected != len(body):
        raise DamagedArchiveError("it is cut short, or longer than its arrays")
    return arrays, metadata


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins with these bytes may be one; an `.npz` is none."""
    return len(head) > 8 and head[8:9] == b"{" and not head.startswith(b"PK")


def _array(name: str, entry: object, expected: int, body: memoryview) -> Array:
    try:
        dtype, shape = np.dtype(DTYPES[entry["dtype"]]), entry["shape"]
        start, stop = entry["data_offsets"]
        whole = all(type(side) is int and side >= 0 for side in (*shape, start, stop)) and len(shape) <= 8
        size = math.prod(shape) * dtype.itemsize
        if whole and start == expected and stop - start == size and stop <= len(body) and dtype.kind in PLAIN:
            return np.frombuffer(body[start:stop], dtype).reshape(shape).copy()
    except (KeyError, TypeError, ValueError):
        pass
    raise DamagedArchiveError(f"{printable(name)} is no plain array, or not where the header says")


def _start(entry: object) -> int:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    return offsets[0] if isinstance(offsets, list) and offsets and type(offsets[0]) is int else -1


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)

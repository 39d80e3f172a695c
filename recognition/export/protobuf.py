"""Protocol Buffers' wire format, as much of it as an ONNX file needs: a message is its fields, one by one.

A field is a key, number << 3 | kind, and a value: an integer as varint, a float as four bytes, or a length
and as many bytes, of text or of another message.

Source: https://protobuf.dev/programming-guides/encoding
"""

import struct
from collections.abc import Iterable

VARINT, BYTES, FLOAT = 0, 2, 5  # kinds of values


def integer(number: int, value: int) -> bytes:
    """The field `number` with an integer, which may be negative."""
    return _varint(number << 3 | VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def real(number: int, value: float) -> bytes:
    """The field `number` with a 32 bit float."""
    return _varint(number << 3 | FLOAT) + struct.pack("<f", value)


def content(number: int, value: bytes | str) -> bytes:
    """The field `number` with bytes, text or another message."""
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


def repeated(number: int, values: Iterable[bytes | str]) -> bytes:
    """The field `number` once for each value."""
    return b"".join(content(number, value) for value in values)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

"""What the pad sends and is answered, as bytes: `ui/draw/message.js` is the other side.

A drawing, little-endian: its number u32, flags u8 (1: the pen is down), width and height u16, the number of
its runs u16, the length of the network's name u8, the bytes of its strokes u16, the name, the strokes, the
runs, and the grey pixels, row after row. A run is a byte:

    00nnnnnn  n + 1 pixels of white        01nnnnnn  n + 1 pixels of black
    10nnnnnn  the next n + 1 grey pixels   11nnnnnn  64 * (n + 1) pixels of white

So a digit takes about 3 kB, less than its PNG did in base64, and is unpacked in a few NumPy calls. Strokes
alone would be shorter, but then the server would have to draw them, which takes longer than to read them. It
draws them where signs touch, which one can tell apart by the strokes that made them: the width of the pen
u16, and of each stroke in the order of writing the number of its points u16 and their x and y i16, all in
sixteenths of a pixel. There are none of a single stroke, nor where not all of the ink was drawn.

An answer: the number of the drawing u32, its kind u8, the milliseconds it took u16; then a sentence, or of a
reading flags u8 (1: provisional), the number of symbols u16, the length of the text u16, the text, the
symbols and the sentence. A symbol: its character u8 ("?": none), line u16, box 4 u16; then its probability
u16, in 1/65535, or of a digit its ten probabilities and the share of "not a digit", u16 each, and the 28x28
bytes that the network saw.
"""

import struct
from typing import NamedTuple

import numpy as np

from recognition import Reading
from recognition.pen_strokes import PenStrokes
from recognition.reading import Digit, symbol_text

MAX_PIXELS = 512 * 512  # of a drawing; the page sends about 150 x 150 for a digit, 488 x 488 at most
MAX_BYTES = 40_000  # of a drawing; the page sends about 2,000 a digit
MOST_STROKES = 60  # of a drawing that is sent with them: a long telephone number has about 20
MOST_STROKE_BYTES = 16_000
WIDEST_PEN = 100  # pixels
MALFORMED = "The drawing is not as this page sends it. Please reload the page."

READ, SUPERSEDED, BUSY, ERROR, REFUSED = range(5)  # kinds of answers
PROVISIONAL = 1
PEN_IS_DOWN = 1

_DRAWING = struct.Struct("<IBHHHBH")
_U16 = struct.Struct("<H")
_UNITS = 16  # of a coordinate, in a pixel
_ANSWER = struct.Struct("<IBH")
_READING = struct.Struct("<BHH")
_SYMBOL = struct.Struct("<cH4H")
_SHARES = struct.Struct("<10HH")
_CONFIDENCE = struct.Struct("<H")
_DIGITS = b"0123456789?"
_SHARE = 65535
_MOST_MILLISECONDS = 65535

_KIND, _LOW = np.arange(256) >> 6, np.arange(256) & 63
_COUNTS = np.where(_KIND == 0b11, 64, 1) * (_LOW + 1)  # pixels of each run
_FILLS = np.where(_KIND == 0b01, 0, 255).astype(np.uint8)
_IS_GREY = _KIND == 0b10
_WHITE_RUN, _BLACK_RUN, _GREY_RUN, _LONG_WHITE_RUN = (kind << 6 for kind in range(4))


class Drawing(NamedTuple):
    """One picture of a growing drawing. moving: whether the pen is down."""

    number: int
    moving: bool
    network: str
    width: int
    height: int
    strokes: bytes
    runs: bytes
    greys: bytes


def unpack_drawing(message: bytes) -> Drawing:
    """The drawing in a message; its pixels are looked at by `pixels_of`. ValueError for anything else."""
    if not _DRAWING.size <= len(message) <= MAX_BYTES:
        raise ValueError(MALFORMED)
    number, flags, width, height, runs, length, strokes = _DRAWING.unpack_from(message)
    name_ends = _DRAWING.size + length
    begin = name_ends + strokes
    end = begin + runs
    if flags not in (0, PEN_IS_DOWN) or not 0 < width * height <= MAX_PIXELS or end > len(message):
        raise ValueError(MALFORMED)
    name = message[_DRAWING.size : name_ends].decode("latin-1")
    drawn, pixels, greys = message[name_ends:begin], message[begin:end], message[end:]
    return Drawing(number, flags == PEN_IS_DOWN, name, width, height, drawn, pixels, greys)


def number_of(message: bytes) -> int:
    """The number of the drawing in a message. ValueError where there is none."""
    if len(message) < _DRAWING.size:
        raise ValueError(MALFORMED)
    return _DRAWING.unpack_from(message)[0]


def pixels_of(drawing: Drawing) -> np.ndarray:
    """(H, W) uint8, black ink on white. ValueError where there are not as many as announced."""
    runs, greys = np.frombuffer(drawing.runs, np.uint8), np.frombuffer(drawing.greys, np.uint8)
    counts = _COUNTS[runs]
    if counts.sum() != drawing.width * drawing.height or counts[_IS_GREY[runs]].sum() != len(greys):
        raise ValueError(MALFORMED)
    pixels = np.repeat(_FILLS[runs], counts)
    pixels[np.repeat(_IS_GREY[runs], counts)] = greys
    return pixels.reshape(drawing.height, drawing.width)


def strokes_of(drawing: Drawing) -> PenStrokes | None:
    """The strokes of a drawing, or None where it came without. ValueError where they are not as announced."""
    if not drawing.strokes:
        return None
    if len(drawing.strokes) > MOST_STROKE_BYTES or len(drawing.strokes) % 2:
        raise ValueError(MALFORMED)
    units = np.frombuffer(drawing.strokes, "<i2")
    pen, at, points = units[0] / _UNITS, 1, []
    while at < len(units):
        end = at + 1 + 2 * int(units[at])
        if units[at] < 1 or end > len(units) or len(points) == MOST_STROKES:
            raise ValueError(MALFORMED)
        points.append(units[at + 1 : end].reshape(-1, 2) / _UNITS)
        at = end
    if not points or not 0 < pen <= WIDEST_PEN:
        raise ValueError(MALFORMED)
    return PenStrokes(tuple(points), float(pen))


def pack_strokes(strokes: PenStrokes) -> bytes:
    """The same for programs, as the page packs it."""
    parts = [_U16.pack(round(strokes.pen * _UNITS))]
    for points in strokes.points:
        parts += [_U16.pack(len(points)), np.round(points * _UNITS).astype("<i2").tobytes()]
    return b"".join(parts)


def pack_drawing(
    number: int, moving: bool, network: str, pixels: np.ndarray, strokes: PenStrokes | None = None
) -> bytes:
    """The same for programs, as the page packs it; pixels: (H, W) uint8."""
    height, width = pixels.shape
    flat, runs = pixels.ravel(), bytearray()
    kinds = np.select([flat == 255, flat == 0], [0, 1], 2)
    ends = np.r_[np.flatnonzero(np.diff(kinds)) + 1, flat.size]
    for kind, count in zip(kinds[ends - 1].tolist(), np.diff(np.r_[0, ends]).tolist(), strict=True):
        if kind == 0:
            while count >= 64:
                blocks = min(count // 64, 64)
                runs.append(_LONG_WHITE_RUN | blocks - 1)
                count -= 64 * blocks
        for done in range(0, count, 64):
            runs.append((_WHITE_RUN, _BLACK_RUN, _GREY_RUN)[kind] | min(64, count - done) - 1)
    name, drawn = network.encode("ascii"), pack_strokes(strokes) if strokes else b""
    head = _DRAWING.pack(number, PEN_IS_DOWN * moving, width, height, len(runs), len(name), len(drawn))
    return head + name + drawn + bytes(runs) + flat[kinds == 2].tobytes()


def pack_reading(number: int, milliseconds: float, reading: Reading) -> bytes:
    """The answer with a reading."""
    text = reading.text.encode()
    flags = PROVISIONAL * reading.provisional
    parts = [
        _head(number, READ, milliseconds),
        _READING.pack(flags, len(reading.symbols), len(text)),
        text,
    ]
    for found in reading.symbols:
        parts.append(_SYMBOL.pack(symbol_text(found).encode(), found.line, *found.box))
        if isinstance(found, Digit):
            shares = [round(_SHARE * float(share)) for share in (*found.probs, found.reject_share)]
            parts += [_SHARES.pack(*shares), found.image.tobytes()]
        else:
            parts.append(_CONFIDENCE.pack(round(_SHARE * found.confidence)))
    return b"".join((*parts, reading.message.encode()))


def pack_sentence(number: int, kind: int, milliseconds: float, sentence: str = "") -> bytes:
    """The answer where there is no reading. kind: SUPERSEDED, BUSY, ERROR or REFUSED."""
    return _head(number, kind, milliseconds) + sentence.encode()


def with_time(answer: bytes, milliseconds: float) -> bytes:
    """The same answer, which took so long."""
    number, kind, _ = _ANSWER.unpack_from(answer)
    return _head(number, kind, milliseconds) + answer[_ANSWER.size :]


def unpack_answer(message: bytes) -> dict:
    """An answer for programs: {number, kind, took, sentence}; with a reading {provisional, text, digits}."""
    number, kind, took = _ANSWER.unpack_from(message)
    answer = {"number": number, "kind": kind, "took": took}
    at = _ANSWER.size
    if kind == READ:
        flags, count, length = _READING.unpack_from(message, at)
        at += _READING.size
        answer |= {"provisional": flags == PROVISIONAL, "text": message[at : at + length].decode()}
        at += length
        digits = answer["digits"] = []
        for _ in range(count):
            symbol, line, *box = _SYMBOL.unpack_from(message, at)
            at += _SYMBOL.size
            if symbol not in _DIGITS:
                at += _CONFIDENCE.size
                continue
            *probs, reject_share = (share / _SHARE for share in _SHARES.unpack_from(message, at))
            picture = np.frombuffer(message, np.uint8, 28 * 28, at + _SHARES.size).reshape(28, 28)
            at += _SHARES.size + picture.size
            digit = None if symbol == b"?" else int(symbol)
            digits.append(
                {
                    "digit": digit,
                    "line": line,
                    "box": box,
                    "probs": probs,
                    "reject_share": reject_share,
                    "picture": picture,
                }
            )
    return answer | {"sentence": message[at:].decode()}


def _head(number: int, kind: int, milliseconds: float) -> bytes:
    return _ANSWER.pack(number, kind, min(round(milliseconds), _MOST_MILLISECONDS))

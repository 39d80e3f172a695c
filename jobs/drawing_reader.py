"""Reads what the pad sends, in whichever process: with the network asked for, and a memory of the drawing."""

import traceback
from collections import OrderedDict
from pathlib import Path

from jobs.drawing_message import (
    ERROR,
    SUPERSEDED,
    number_of,
    pack_reading,
    pack_sentence,
    pixels_of,
    strokes_of,
    unpack_drawing,
)
from jobs.picture_answer import outcome_of
from recognition import Reader
from recognition.growing import DrawingMemories
from recognition.reader import SHIPPED

MOST_OWN = 4  # visitors' own networks that are kept ready, beside the shipped ones
FAULTY = "faulty"
FAULT = "The drawing could not be read. Please try again."
NETWORK_GONE = "The network is no longer here. Please choose another one."


class DrawingReader:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._shipped = {weights: Reader(weights) for weights in SHIPPED.values()}
        self._own: OrderedDict[Path, Reader] = OrderedDict()  # the one asked for longest ago stands first
        self._memories = DrawingMemories()

    def answer(self, page: str, weights: Path, message: bytes) -> tuple[str, bytes]:
        """The answer to a drawing, as if it had taken no time, and its outcome for the metrics, or "".

        page: whose drawing it is; weights: of the network that reads. With the outcome FAULTY comes the
        traceback of a fault in this program. ValueError where the message has no number to answer to.
        """
        number = number_of(message)
        try:
            drawing = unpack_drawing(message)
            reader = self._reader(weights)
            read = reader.read_moving if drawing.moving else reader.read_drawing
            reading = read(pixels_of(drawing), self._memories.of(page), strokes_of(drawing))
        except OSError:
            return "", pack_sentence(number, ERROR, 0, NETWORK_GONE)
        except ValueError as error:
            return "", pack_sentence(number, ERROR, 0, str(error))
        except Exception:
            return FAULTY, traceback.format_exc()[-8000:].encode()
        if reading is None:  # there will be time for it once the pen rests
            return "", pack_sentence(number, SUPERSEDED, 0)
        return outcome_of(reading), pack_reading(number, 0, reading)

    def _reader(self, weights: Path) -> Reader:
        if weights in self._shipped:
            return self._shipped[weights]
        reader = self._own.pop(weights, None) or Reader(weights)
        self._own[weights] = reader
        if len(self._own) > MOST_OWN:
            self._own.popitem(last=False)
        return reader

"""python -m jobs.picture_worker BYTES: a process that reads strangers' files for the app, one at a time.

A small file can make decoders and later stages take minutes or gigabytes, or crash. So the app opens no such
file: `jobs.picture_pool` starts this process and kills it when it takes too long, and the system limits its
memory to BYTES. Jobs are frames on standard input (`jobs.protocol`), and each is answered by one frame on
standard output. The very first frame, {"event": "ready"}, answers no job.

Jobs, by message["job"]. All have the `path` of the file and `seconds`, their time limit:

page      weights, max_pixels, turns: a photo, rotated by 0 to 3 quarter turns clockwise and read as it
          then stands; null: the reader rotates it where it makes no sense upright
photo     weights, max_pixels: a photo for a program
drawing   weights, max_pixels: a drawing for a program
examples  examples, upload_bytes (see `Limits`): a zip of labelled drawings
sign      max_pixels: a photo of one sign, whatever it is

Answers:

outcome   of `outcome_of`; the array json, the bytes of the reading's JSON
examples  their number; arrays images (N, 28, 28) uint8 and labels (N,)
sign      the array image (28, 28) uint8
error     a sentence for the visitor
fault     the traceback of a fault in this program

After an answer with "last" the process ends.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from jobs.picture_answer import answer_with_stages, outcome_of
from jobs.protocol import Arrays, ProtocolError, read_frame, write_frame
from recognition import Reader, Reading
from recognition.files import PictureError, load_picture
from recognition.one_sign import sign_of_photo
from recognition.reader import SHIPPED
from training.examples import read_examples
from training.memory import share_freed_memory

NICENESS = 5  # drawings have priority over photos, photos over trainings
ALARM = 5.0  # seconds after its limit until the system ends a job whose app has ended or hangs
GONE = "The file is no longer here. Please send it again."
NETWORK_GONE = "The network is no longer here. Please choose another one."
NO_SIGN = "Nothing can be seen in this picture. Is there a sign on it, in dark ink on light paper?"
TOO_LARGE = "Reading this file takes more memory than is allowed here. Please send a smaller one."

Answer = tuple[dict, Arrays]


class Readers:
    """The readers used so far: of the shipped networks, and of the last visitor's own network."""

    def __init__(self) -> None:
        self._shipped: dict[Path, Reader] = {}
        self._own: dict[Path, Reader] = {}

    def of(self, weights: Path) -> Reader:
        kept = self._shipped if weights in SHIPPED.values() else self._own
        if weights not in kept:
            if kept is self._own:
                kept.clear()
            kept[weights] = Reader(weights)
        return kept[weights]


def answer_to(job: dict, readers: Readers) -> Answer:
    """Do one job. Any error in it becomes an answer."""
    kinds: dict[str, Callable[[dict, Readers], Answer]] = {
        "page": _read_for_page,
        "photo": _read_for_program,
        "drawing": _read_for_program,
        "examples": _read_examples,
        "sign": _read_sign,
    }
    try:
        return kinds[job["job"]](job, readers)
    except Exception as error:
        if _lacked_memory(error):
            return {"error": TOO_LARGE, "last": True}, {}
        if isinstance(error, ValueError | TypeError):
            return {"error": str(error)}, {}
        return {"fault": traceback.format_exc()[-8000:]}, {}


def _read_for_page(job: dict, readers: Readers) -> Answer:
    reader = _reader(job, readers)
    turns = job["turns"]
    image = np.ascontiguousarray(np.rot90(_pixels(job), -(turns or 0)))
    reading = reader.read_photo(image, may_turn=turns is None)
    image = np.ascontiguousarray(np.rot90(image, -reading.turned // 90))
    return _answer(reading, answer_with_stages(image, reading))


def _read_for_program(job: dict, readers: Readers) -> Answer:
    reader = _reader(job, readers)
    read = reader.read_photo if job["job"] == "photo" else reader.read_drawing
    reading = read(_pixels(job))
    return _answer(reading, reading.to_json())


def _read_examples(job: dict, readers: Readers) -> Answer:
    try:
        packed = Path(job["path"]).read_bytes()
    except OSError:
        raise ValueError(GONE) from None
    found = read_examples(packed, most_examples=job["examples"], most_bytes=job["upload_bytes"])
    arrays = {
        "images": np.stack([example.image for example in found]),
        "labels": np.array([example.label for example in found]),
    }
    return {"examples": len(found)}, arrays


def _read_sign(job: dict, readers: Readers) -> Answer:
    image = sign_of_photo(_pixels(job))
    if image is None:
        raise ValueError(NO_SIGN)
    return {}, {"image": image}


def _answer(reading: Reading, answer: dict) -> Answer:
    """The answer as bytes of JSON, because a line of a frame is short and the app only passes it on."""
    content = json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()
    return {"outcome": outcome_of(reading)}, {"json": np.frombuffer(content, np.uint8)}


def _reader(job: dict, readers: Readers) -> Reader:
    try:
        return readers.of(Path(job["weights"]))
    except OSError:
        raise ValueError(NETWORK_GONE) from None


def _pixels(job: dict) -> np.ndarray:
    try:
        with Path(job["path"]).open("rb") as file:
            return load_picture(file, job["max_pixels"])
    except OSError:
        raise PictureError(GONE) from None


def _lacked_memory(error: BaseException | None) -> bool:
    """Whether this error or its cause is a lack of memory, which every decoder reports in its own way."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, OSError | RuntimeError | cv2.error) and "memory" in str(error).lower():
            return True
        error = error.__cause__
    return False


def bound_memory(most: int) -> None:
    """Limit the memory of this process to `most` bytes; on Linux only.

    The system can limit the address space, much of which maps files that were never read in. So its growth
    from now on is limited to `most` less the memory that is already in use.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        size, _, shared, _, _, data, _ = map(int, Path("/proc/self/statm").read_text().split())
        growth = max(0, most - (data + shared) * resource.getpagesize())
        resource.setrlimit(resource.RLIMIT_AS, (size * resource.getpagesize() + growth,) * 2)


def bound_time(seconds: float) -> None:
    """Have the system kill this process after this many seconds, whatever it is doing; 0 cancels that.

    A handler in Python would wait until a decoder written in C returns.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _warm_up(readers: Readers) -> None:
    """Make the libraries allocate the memory that they need once, whatever the picture."""
    written = np.full((100, 100), 255, np.uint8)
    written[20:80, 48:54] = 0
    for weights in SHIPPED.values():
        readers.of(weights).read_photo(written)


def main() -> None:
    # Standard output carries frames only: whatever prints, prints to standard error.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    share_freed_memory()
    threadpool_limits(1, user_api="blas")
    readers = Readers()
    _warm_up(readers)
    bound_memory(int(sys.argv[1]))
    write_frame(answers, {"event": "ready"})
    # From here on only decoders print, as often as a stranger likes. Faults of this program are answers.
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        job, _ = frame
        bound_time(job["seconds"] + ALARM)
        message, arrays = answer_to(job, readers)
        bound_time(0)
        try:
            write_frame(answers, message, arrays)
        except ProtocolError:
            write_frame(answers, {"error": TOO_LARGE})
        del arrays
        if "last" in message:
            break
    os._exit(0)


if __name__ == "__main__":
    main()

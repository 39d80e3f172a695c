"""The log: JSON lines on standard error, with nothing of any visitor in them, and no line over and over."""

import json
import logging
import os
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping

from ui.server.metrics import ERRORS

LEVEL_VARIABLE = "DIGITS_LOG"  # debug: every request, too; info; warning; error
REPEATED_AFTER = 60.0  # seconds from a warning to the next of the same words
MOST_REMEMBERED = 1000  # warnings of different words
LONGEST_MESSAGE, LONGEST_ERROR = 2_000, 20_000  # characters


class JSONLines(logging.Formatter):
    """A record as one JSON object on one line: time, level, logger, message, what `extra` holds, error."""

    USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:LONGEST_MESSAGE],
        }
        line |= {name: value for name, value in vars(record).items() if name not in self.USUAL}
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))[-LONGEST_ERROR:]
        return json.dumps(line, default=str)


class OncePerMinute(logging.Filter):
    """Lets a warning or error through once a minute; the next has in `repeated` how many were left out.

    What a stranger can bring about as often as they like would fill the disk otherwise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: OrderedDict[tuple, tuple[float, int]] = OrderedDict()  # when it was let through, left out

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        now, key = self._clock(), _words(record)
        logged, repeated = self._seen.pop(key, (-REPEATED_AFTER, 0))
        if now - logged < REPEATED_AFTER:
            self._seen[key] = (logged, repeated + 1)
            return False
        self._seen[key] = (now, 0)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        if repeated:
            record.repeated = repeated
        return True


def _words(record: logging.LogRecord) -> tuple:
    """What makes two records the same: who logged what, and which exception came from where."""
    place = None
    if record.exc_info and record.exc_info[2] is not None:
        last = traceback.extract_tb(record.exc_info[2], -1)[0]
        place = (record.exc_info[0], last.filename, last.lineno)
    return record.name, record.levelno, record.getMessage()[:LONGEST_MESSAGE], place


class _CountErrors(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        ERRORS.inc()


def start_log(environment: Mapping[str, str] = os.environ) -> None:
    """Everything logged goes to standard error as JSON lines, from $DIGITS_LOG on ("info" if it is not set).

    Raises ValueError where $DIGITS_LOG is no level.
    """
    level = environment.get(LEVEL_VARIABLE, "").strip().upper() or "INFO"
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(
            f"{LEVEL_VARIABLE} must be debug, info, warning or error, got {level.lower()[:100]!r}"
        )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JSONLines())
    lines.addFilter(OncePerMinute())
    root = logging.getLogger()
    root.handlers[:] = [lines, _CountErrors(logging.ERROR)]
    root.setLevel("INFO")  # what libraries tell each other is none of ours
    logging.captureWarnings(True)
    for package in ("ui", "jobs", "training", "recognition"):
        logging.getLogger(package).setLevel(level)
    for name in ("httpx", "httpx2"):  # which would log the signed addresses that the Hub hands out
        logging.getLogger(name).setLevel("WARNING")
    logging.getLogger("python_multipart").setLevel("ERROR")  # warns of every malformed upload
    if level in ("WARNING", "ERROR"):
        root.setLevel(level)


def take_over_log_of_server() -> None:
    """uvicorn has a handler of its own, set when a server is made: let its lines be as all others are."""
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True

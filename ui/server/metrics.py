"""What the host can see: counts for Prometheus at /metrics, a sign of life at /health, a log of JSON lines.

Both pages are public where the app is. So there are counts and times in them and nothing of any visitor: no
address, no session, no drawing; and no more is logged.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from starlette.responses import JSONResponse, Response

from jobs.session import Workshop

LEVEL_VARIABLE = "DIGITS_LOG"  # debug: every request, too; info; warning; error
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)  # up to what a histogram's bar counts

disable_created_metrics()  # a second line for each count
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # memory, processor time, open files

REQUESTS = Counter("digits_requests", "Requests answered", ("endpoint", "status"), registry=REGISTRY)
LATENCY = Histogram(
    "digits_request_seconds",
    "From the head of a request to the end of its answer",
    ("endpoint",),
    buckets=SECONDS,
    registry=REGISTRY,
)
TURNED_AWAY = Counter("digits_turned_away", "Requests that a limit refused", ("reason",), registry=REGISTRY)
READINGS = Counter(
    "digits_readings",
    "Pictures read; refused: there was ink, and none of it is a digit",
    ("source", "outcome"),
    registry=REGISTRY,
)
JOBS = Counter("digits_jobs", "Trainings, teachings and tests of models", ("job", "event"), registry=REGISTRY)
ERRORS = Counter("digits_errors", "Faults of the program itself", registry=REGISTRY)
OPEN_PAGES = Gauge("digits_open_pages", "Pages that are open", registry=REGISTRY)
VISITORS = Gauge("digits_visitors", "Visitors with something of their own", registry=REGISTRY)
RUNNING = Gauge("digits_jobs_running", "Worker processes", ("lane",), registry=REGISTRY)
WAITING = Gauge("digits_jobs_waiting", "Jobs that wait for their turn", ("lane",), registry=REGISTRY)
DRAWINGS_WAITING = Gauge("digits_drawings_waiting", "Drawings that wait for their turn", registry=REGISTRY)
PHOTOS_WAITING = Gauge("digits_photos_waiting", "Photos read or waiting for that", registry=REGISTRY)
STORED = Gauge("digits_stored_bytes", "Uploaded files that are kept now", registry=REGISTRY)

logger = logging.getLogger(__name__)


def watch_workshop(workshop: Workshop) -> None:
    """Counts what happens in this workshop from now on."""
    workshop.told = _count_job
    VISITORS.set_function(lambda: workshop.visitors)
    for name, lane in (("trainings", workshop.trainings), ("teachings", workshop.teachings)):
        RUNNING.labels(name).set_function(lambda lane=lane: lane.running)
        WAITING.labels(name).set_function(lambda lane=lane: lane.waiting)


def _count_job(job: str, event: str) -> None:
    JOBS.labels(job, event).inc()
    logger.info("%s %s", job, event)


def count_reading(source: str, outcome: str) -> None:
    """source: draw, photo or api. outcome: of `jobs.picture_answer.outcome_of`."""
    READINGS.labels(source, outcome).inc()


def health() -> Response:
    """Answered by the loop that answers everything, and touching nothing else: if it comes, the app lives."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def metrics() -> Response:
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


class JSONLines(logging.Formatter):
    """A record as one JSON object on one line: time, level, logger, message, what `extra` holds, error."""

    USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in self.USUAL}
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)


class _CountErrors(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        ERRORS.inc()


def start_log(environment: Mapping[str, str] = os.environ) -> None:
    """Everything logged goes to standard error as JSON lines, from $DIGITS_LOG on ("info" if it is not set).

    ValueError where $DIGITS_LOG is no level.
    """
    level = environment.get(LEVEL_VARIABLE, "").strip().upper() or "INFO"
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"{LEVEL_VARIABLE} must be debug, info, warning or error, got {level.lower()!r}")
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JSONLines())
    root = logging.getLogger()
    root.handlers[:] = [lines, _CountErrors(logging.ERROR)]
    root.setLevel("INFO")  # what libraries tell each other is none of ours
    logging.getLogger("ui").setLevel(level)
    for package in ("jobs", "training", "recognition"):
        logging.getLogger(package).setLevel(level)
    for name in ("httpx", "httpx2"):  # which would log the signed addresses that the Hub hands out
        logging.getLogger(name).setLevel("WARNING")
    if level in ("WARNING", "ERROR"):
        root.setLevel(level)


def take_over_log_of_server() -> None:
    """uvicorn has a handler of its own, set when a server is made: let its lines be as all others are."""
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True

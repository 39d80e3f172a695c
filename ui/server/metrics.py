"""What the host can see: counts for Prometheus at /metrics, and a sign of life at /health.

Both pages are public where the app is. So there are counts and times in them and nothing of any visitor: no
address, no session, no drawing.
"""

import logging

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

from jobs.manager import SessionManager

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
OPEN_SOCKETS = Gauge("digits_open_sockets", "WebSockets that are open", registry=REGISTRY)
VISITORS = Gauge("digits_visitors", "Visitors with something of their own", registry=REGISTRY)
RUNNING = Gauge("digits_jobs_running", "Worker processes", ("lane",), registry=REGISTRY)
WAITING = Gauge("digits_jobs_waiting", "Jobs that wait for their turn", ("lane",), registry=REGISTRY)
DRAWINGS_WAITING = Gauge("digits_drawings_waiting", "Drawings that wait for their turn", registry=REGISTRY)
PHOTOS_WAITING = Gauge("digits_photos_waiting", "Photos read or waiting for that", registry=REGISTRY)
STORED = Gauge("digits_stored_bytes", "Uploaded files that are kept now", registry=REGISTRY)

logger = logging.getLogger(__name__)


def watch_jobs(manager: SessionManager) -> None:
    """Counts this manager's visitors and jobs from now on."""
    shared = manager.shared
    shared.on_job_event = _count_job
    VISITORS.set_function(lambda: manager.visitors)
    for name, queue in (("trainings", shared.trainings), ("teachings", shared.teachings)):
        RUNNING.labels(name).set_function(lambda queue=queue: queue.running)
        WAITING.labels(name).set_function(lambda queue=queue: queue.waiting)


def _count_job(job: str, event: str) -> None:
    JOBS.labels(job, event).inc()
    logger.info("%s %s", job, event)


def count_reading(source: str, outcome: str) -> None:
    """source: draw, photo or api. outcome: of `jobs.picture_answer.outcome_of`."""
    READINGS.labels(source, outcome).inc()


def health() -> Response:
    """Answered by the loop that answers everything, and of nothing else: if it comes, the app lives."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def metrics() -> Response:
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

"""The log is JSON lines, short ones, and no line over and over."""

import io
import json
import logging

import pytest

from ui.server import logs
from ui.server.logs import JSONLines, OncePerMinute, start_log


@pytest.fixture
def log(monkeypatch):
    """A logger whose lines are read with `log.lines()`; `log.now[0]` is the time."""
    now, stream = [0.0], io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    handler.addFilter(OncePerMinute(clock=lambda: now[0]))
    logger = logging.Logger("ui.test")
    logger.addHandler(handler)
    logger.now = now
    logger.lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    return logger


def test_a_warning_is_logged_once_a_minute_and_then_says_how_often_it_came(log):
    for log.now[0] in (0, 1, 59, 60, 61):
        log.warning("full")
    assert [line.get("repeated") for line in log.lines()] == [None, 2]


def test_other_words_and_other_places_are_lines_of_their_own(log):
    def fail(at):
        try:
            raise ZeroDivisionError if at else KeyError
        except (ZeroDivisionError, KeyError):
            log.exception("failed")

    for _ in range(3):
        log.warning("%s is full", "this")
        log.warning("%s is full", "that")
        log.error("this is full")
        fail(0)
        fail(1)
    assert len(log.lines()) == 5


def test_what_is_no_warning_is_logged_each_time(log):
    for _ in range(3):
        log.info("train started")
    assert len(log.lines()) == 3


def test_only_so_many_warnings_are_remembered(log, monkeypatch):
    monkeypatch.setattr(logs, "MOST_REMEMBERED", 10)
    for i in range(100):
        log.warning("%d", i)
    [once] = log.handlers[0].filters
    assert len(once._seen) == 10


def test_a_line_is_short_whatever_a_stranger_sent(log):
    def fail(depth):
        if depth:
            fail(depth - 1)
        raise ValueError("x" * 1_000_000)

    log.warning("\x1b[31m" + "y" * 1_000_000)
    try:
        fail(50)
    except ValueError:
        log.exception("failed")
    for line in log.lines():
        assert len(json.dumps(line)) < 30_000
    assert log.lines()[1]["error"].endswith("x\n")


@pytest.mark.parametrize("level", ["loud", "1" * 10_000])
def test_a_level_that_is_none_is_named(level):
    with pytest.raises(ValueError, match="DIGITS_LOG must be debug, info, warning or error") as error:
        start_log({"DIGITS_LOG": level})
    assert len(str(error.value)) < 300

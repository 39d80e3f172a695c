"""When something goes wrong on the way: a message for the person, and the drawing is kept."""

import time

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS, PATIENCE, Pad, free_port, serve_app
from tests.pad import packed

READING = "**/live"  # posted, for pads without a socket


def _digit(digit, **changes):
    """The server's JSON of a digit, as far as it matters."""
    return {"digit": digit, "probs": [0.01] * 10, "line": 0} | changes


def _fulfil(route, answer):
    route.fulfill(body=packed(answer), content_type="application/octet-stream")


def _answering(pad, answer):
    """The server answers this, whatever is drawn."""
    pad.page.route(READING, lambda route: _fulfil(route, answer))


def test_without_a_connection_the_drawing_is_kept_and_read_when_it_comes_back(open_pad):
    pad = open_pad(expected_errors="ERR_INTERNET_DISCONNECTED")
    pad.page.context.set_offline(True)
    pad.draw(DIGITS[7], settle=False)
    notice = pad.page.get_by_text("No connection. Your drawing is safe; trying again")
    notice.wait_for()
    inked = pad.inked_pixels
    pad.draw([[(0.2, 0.5), (0.3, 0.5)]], settle=False)  # the pad goes on working
    assert pad.inked_pixels > inked
    pad.page.get_by_role("button", name="Undo").click()
    pad.page.context.set_offline(False)
    pad.settle()
    notice.wait_for(state="detached")
    assert pad.answer == "7"


def test_a_drawing_cleared_while_offline_is_forgotten_and_the_next_one_is_read(open_pad):
    pad = open_pad(expected_errors="ERR_INTERNET_DISCONNECTED")
    pad.page.context.set_offline(True)
    pad.draw(DIGITS[7], settle=False)
    notice = pad.page.get_by_text("No connection")
    notice.wait_for()
    pad.page.get_by_role("button", name="Clear").click()
    notice.wait_for(state="detached")  # there is nothing left to send
    pad.page.context.set_offline(False)
    pad.draw(DIGITS[1])
    assert pad.answer == "1"


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 502, "body": "Bad gateway"},
        {"status": 429, "body": '{"error": "That was too much at once."}', "headers": {"Retry-After": "1"}},
        {"body": packed({"busy": "Many people are drawing right now.", "took": 900})},
    ],
)
def test_a_request_that_fails_is_tried_again(open_pad, refusal):
    pad = open_pad(expected_errors="Failed to load resource", sockets=False)
    failures = 2

    def sometimes(route: Route) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            route.fulfill(**refusal)
        else:
            route.continue_()

    pad.page.route(READING, sometimes)
    pad.draw(DIGITS[1])
    assert pad.answer == "1"
    assert failures < 0


def test_a_server_that_stops_and_starts_again_is_found_again_with_the_drawing_kept(browser):
    port = free_port()
    context = browser.new_context()
    with serve_app(port) as app:
        pad = Pad(context.new_page(), app.url)
        pad.draw(DIGITS[7])
    pad.draw([[(0.3, 0.55), (0.7, 0.55)]], settle=False)
    pad.page.get_by_text("The server is not answering. Your drawing is safe").wait_for()
    inked = pad.inked_pixels
    with serve_app(port):
        pad.settle()
        assert pad.inked_pixels == inked
        assert pad.answer == "7"
    context.close()


def test_an_error_that_the_server_reports_is_shown_in_its_words(used_pad):
    _answering(used_pad, {"error": "The drawing is not valid base64."})
    used_pad.draw(DIGITS[1])
    expect(used_pad.page.get_by_text("The drawing is not valid base64.").first).to_be_visible()
    assert used_pad.answer == "?"


def test_ink_that_is_no_digit_shows_a_question_mark_the_reason_and_the_bars(used_pad):
    reason = "That does not look like a digit."
    probs = [0.0] * 9 + [1.0]
    _answering(used_pad, {"text": "?", "message": reason, "digits": [_digit(None, probs=probs)]})
    used_pad.draw(DIGITS[3])
    assert used_pad.answer == "?"
    expect(used_pad.page.get_by_text(reason).first).to_be_visible()
    expect(used_pad.page.locator(".sure")).to_have_text("Not a digit")
    assert used_pad.bars[:10] == [0] * 9 + [10]


def test_a_digit_in_doubt_among_several_says_so(used_pad):
    last = _digit(2, probs=[0.0, 0.0, 0.8] + [0.0] * 6 + [0.2], confidence=0.8)
    _answering(used_pad, {"text": "42", "message": "", "digits": [_digit(4), last]})
    used_pad.draw(DIGITS[4])
    assert used_pad.answer == "42"
    assert used_pad.bars[2] == 80
    expect(used_pad.page.get_by_text("2: 80% sure")).to_be_visible()
    expect(used_pad.page.get_by_text("Or it could be a 9.", exact=True)).to_be_visible()


def test_a_long_number_does_not_push_anything_aside(open_pad):
    pad = open_pad(**PHONE, sockets=False)
    before = pad.canvas.bounding_box()
    for lines in ((10,), (30,), (5, 5, 5)):
        digits = [_digit(8, line=line) for line, length in enumerate(lines) for _ in range(length)]
        _answering(pad, {"text": "...", "message": "Some is not a digit.", "digits": digits})
        pad.draw(DIGITS[4])
        assert len(pad.answer.replace("\n", "")) == sum(lines)
        assert pad.canvas.bounding_box() == before
        assert pad.page.evaluate("document.documentElement.scrollWidth") <= 390
        number, bars = pad.page.locator(".answer").bounding_box(), pad.page.locator(".bars").bounding_box()
        assert number["y"] + number["height"] < bars["y"]
        assert number["x"] + number["width"] < pad.page.locator(".seen").bounding_box()["x"]


def test_an_answer_that_comes_late_never_replaces_a_newer_one(used_pad):
    held: list[Route] = []

    def first_answer_last(route: Route) -> None:
        if not held:
            held.append(route)
        else:
            route.continue_()

    used_pad.page.route(READING, first_answer_last)
    used_pad.draw(DIGITS[7])
    assert used_pad.answer == "7"
    stale = {"text": "5", "message": "", "digits": [_digit(5)]}
    _fulfil(held[0], stale)
    used_pad.page.wait_for_timeout(200)
    assert used_pad.answer == "7"


def test_an_answer_that_comes_after_clear_is_not_shown(used_pad):
    held: list[Route] = []
    used_pad.page.route(READING, lambda route: held.append(route))
    used_pad.draw(DIGITS[7], settle=False)
    used_pad.page.get_by_role("button", name="Clear").click()
    for route in held:
        route.continue_()
    used_pad.page.wait_for_timeout(300)
    assert used_pad.answer == ""
    assert used_pad.bars == [0] * 11


def test_a_drawing_that_a_newer_one_overtook_is_not_shown(used_pad):
    _answering(used_pad, {"superseded": True, "took": 3})
    used_pad.draw(DIGITS[7], settle=False)
    used_pad.page.wait_for_timeout(300)
    assert used_pad.answer == ""
    expect(used_pad.page.locator(".notice")).to_have_text("")
    used_pad.page.unroute(READING)
    used_pad.draw([[(0.3, 0.55), (0.7, 0.55)]])
    assert used_pad.answer == "7"


def test_a_server_that_is_busy_is_asked_less_often(used_pad):
    asked: list[Route] = []

    def busy(route: Route) -> None:
        asked.append(route)
        answer = {"text": "7", "message": "", "digits": [_digit(7)], "took": 100}
        _fulfil(route, answer)

    used_pad.page.route(READING, busy)
    used_pad.draw(DIGITS[1])  # from now on it is known that the server is busy
    asked.clear()
    began = time.monotonic()
    used_pad.draw(DIGITS[0], seconds=2.0, step=0.02)
    seconds = time.monotonic() - began
    # At first, when the pen is lifted, and in between every 0.72 s, 12 times the 60 ms that it has it longer.
    assert 1 < len(asked) <= 2 + seconds / 0.72


def test_at_most_three_readings_are_under_way_at_once(used_pad):
    held: list[Route] = []
    _answering(used_pad, {"text": "1", "message": "", "digits": [_digit(1)], "took": 1})
    used_pad.draw(DIGITS[1])  # from now on the server is not busy
    used_pad.page.locator(".clear").click()
    used_pad.page.unroute(READING)
    used_pad.page.route(READING, lambda route: held.append(route))
    used_pad.draw(DIGITS[0], seconds=1.5, settle=False)
    end = time.monotonic() + PATIENCE / 1000
    while len(held) < 3:
        assert time.monotonic() < end
        used_pad.page.wait_for_timeout(50)
    assert len(held) == 3
    used_pad.page.unroute(READING)  # lets the three go on
    used_pad.settle()
    assert used_pad.answer == "0"

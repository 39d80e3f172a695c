"""Several digits on the pad are a number, or a date: each can be looked at by itself."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.driver import DIGITS, placed
from tests.pad import packed


def test_small_digits_in_the_corner_are_read_as_well_as_large_ones(used_pad):
    answers = {}
    for digit, strokes in DIGITS.items():
        small = [[(0.05 + 0.3 * x, 0.65 + 0.3 * y) for x, y in stroke] for stroke in strokes]
        used_pad.draw(small, step=0.03)
        answers[digit] = used_pad.answer
        assert np.ptp(np.nonzero(used_pad.seen > 60)[0]) + 1 == 20
        used_pad.page.locator(".clear").click()
    assert answers == {digit: str(digit) for digit in DIGITS}


def test_digits_side_by_side_are_a_number_and_each_can_be_looked_at(used_pad):
    figures = used_pad.page.locator(".answer button")
    frames = used_pad.page.locator(".frames span")
    used_pad.draw(placed(DIGITS[4], 0.3, 0.5, 0.6), step=0.05)
    assert used_pad.answer == "4"
    expect(figures).to_have_count(0)
    expect(frames).to_have_count(0)  # nothing new for a single one
    used_pad.draw(placed(DIGITS[2], 0.75, 0.5, 0.6), step=0.05)
    assert used_pad.answer == "42"
    expect(frames).to_have_count(2)
    assert int(np.argmax(used_pad.bars)) == 2  # the one that was written last
    figures.first.click()
    assert int(np.argmax(used_pad.bars)) == 4
    expect(used_pad.page.locator(".sure")).to_have_text(re.compile("^4: "))
    expect(figures.first).to_have_attribute("aria-pressed", "true")
    assert used_pad.seen[14, 3:25].max() > 60  # the bar of the 4
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle()
    assert used_pad.answer == "4"
    expect(figures).to_have_count(0)
    expect(frames).to_have_count(0)


def test_the_separators_of_a_date_stand_in_the_answer(used_pad):
    slash = [[(0.42, 0.3), (0.3, 0.7)]]
    date = [placed(DIGITS[2], 0.1, 0.5, 0.26), placed(DIGITS[1], 0.22, 0.5, 0.26), slash]
    date += [placed(DIGITS[0], 0.52, 0.5, 0.26), placed(DIGITS[7], 0.72, 0.5, 0.26)]
    for strokes in date:
        used_pad.draw(strokes, step=0.03, settle=False)
    used_pad.settle()
    assert used_pad.answer == "21/07"
    expect(used_pad.page.locator("#pad .answer button")).to_have_count(4)
    used_pad.page.locator("#pad .answer button").nth(3).click()
    expect(used_pad.page.locator("#pad .sure")).to_have_text(re.compile("^7: "))


def test_doubtful_digits_of_a_number_are_marked(open_pad):
    pad = open_pad(sockets=False)
    pad.draw(placed(DIGITS[4], 0.3, 0.5, 0.6) + placed(DIGITS[2], 0.75, 0.5, 0.6), step=0.05)
    marked = pad.page.locator(".answer .doubtful"), pad.page.locator(".frames .doubtful")
    for each in marked:
        expect(each).to_have_count(0)

    doubtful = {"digit": 4, "probs": [0.03] * 4 + [0.7] + [0.03] * 5, "line": 0}
    sure = {"digit": 2, "probs": [0.0, 0.0, 1.0] + [0.0] * 7, "line": 0}
    answer = packed({"message": "", "digits": [doubtful, sure]})
    pad.page.route("**/live", lambda route: route.fulfill(body=answer))
    pad.page.get_by_label("Simple network").check(force=True)
    expect(marked[0]).to_have_text(["4"])
    expect(marked[0]).to_have_attribute("aria-label", "4, digit 1 of 2, doubtful")
    expect(marked[1]).to_have_count(1)


def test_the_bars_are_of_the_digit_that_was_written_last_wherever_it_stands(used_pad):
    used_pad.draw(placed(DIGITS[2], 0.75, 0.5, 0.6), step=0.05)
    used_pad.draw(placed(DIGITS[7], 0.25, 0.5, 0.6), step=0.05)
    assert used_pad.answer == "72"
    assert int(np.argmax(used_pad.bars)) == 7


def test_frames_stand_around_their_digits(used_pad):
    used_pad.draw(placed(DIGITS[0], 0.25, 0.5, 0.5) + placed(DIGITS[7], 0.75, 0.5, 0.5), step=0.05)
    pad = used_pad.canvas.bounding_box()
    for frame, middle in zip(used_pad.page.locator(".frames span").all(), (0.25, 0.75), strict=True):
        box = frame.bounding_box()
        # A digit is 0.4 wide and 0.66 high on its pad, and the pen 0.07; then a little air.
        assert box["x"] == pytest.approx(pad["x"] + (middle - 0.1 - 0.035) * pad["width"], abs=12)
        assert box["width"] == pytest.approx((0.2 + 0.07) * pad["width"], abs=20)
        assert box["height"] == pytest.approx((0.32 + 0.07) * pad["width"], abs=20)


def test_small_digits_in_two_lines_are_read_line_by_line(used_pad):
    for line, number in enumerate(((3, 1, 4), (7, 0, 2))):
        for place, digit in enumerate(number):
            small = placed(DIGITS[digit], 0.2 + 0.3 * place, 0.25 + 0.5 * line, 0.35)
            used_pad.draw(small, step=0.03, settle=False)
    used_pad.settle()
    assert used_pad.answer == "314\n702"


def test_on_a_phone_every_digit_of_three_lines_is_large_enough_for_a_finger(phone):
    for line, number in enumerate(((4, 0, 7), (7, 4), (2, 3))):
        for place, digit in enumerate(number):
            small = placed(DIGITS[digit], 0.2 + 0.3 * place, 0.18 + 0.32 * line, 0.28)
            phone.draw(small, step=0.03, settle=False)
    phone.settle()
    assert phone.answer == "407\n74\n23"
    sizes = [button.bounding_box() for button in phone.page.locator(".answer button").all()]
    assert min(size["height"] for size in sizes) >= 24  # WCAG 2.2, 2.5.8
    reading = phone.page.locator(".reading").bounding_box()
    for part in (".words", ".seen"):
        box = phone.page.locator(f"#pad {part}").bounding_box()
        assert box["x"] + box["width"] <= reading["x"] + reading["width"] + 1
        assert all(size["x"] + size["width"] <= box["x"] for size in sizes)


def test_digits_drawn_across_each_other_are_told_apart_by_their_strokes(used_pad):
    for x in (0.3, 0.42):
        used_pad.draw(placed(DIGITS[4], x, 0.5, 0.4), step=0.03, settle=False)
    used_pad.settle()
    assert used_pad.answer == "44"

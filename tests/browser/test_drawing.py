"""A person draws on the page, and it reads."""

import itertools
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.driver import DIGITS, PATIENCE, along


class _Fingers:
    """Fingers on a touch screen."""

    def __init__(self, pad):
        self.pad = pad
        self.session = pad.page.context.new_cdp_session(pad.page)

    def touch(self, kind, *places):
        """A touch event with these fingers on the glass, each (finger, (x, y)) in shares of the pad."""
        points = []
        for finger, place in places:
            x, y = self.pad.at(place)
            points.append({"id": finger, "x": x, "y": y})
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_drawn_with_the_mouse_wins(used_pad, digit):
    used_pad.draw(DIGITS[digit])
    assert used_pad.answer == str(digit)
    assert int(np.argmax(used_pad.bars)) == digit
    sure = used_pad.page.locator(".sure").inner_text()
    assert sure == ("Over 99% sure" if max(used_pad.bars) == 100 else f"{max(used_pad.bars)}% sure")
    said = used_pad.page.locator(".bar.best .percent").inner_text()
    assert said == (">99%" if max(used_pad.bars) == 100 else f"{max(used_pad.bars)}%")


def test_bars_move_again_and_again_while_the_pen_is_down(used_pad):  # how often: benchmarks/latency.py
    used_pad.page.evaluate(
        """() => {
          window.moves = [];
          addEventListener("pointerdown", () => (window.down = performance.now()), true);
          addEventListener("pointerup", () => (window.up = performance.now()), true);
          new MutationObserver(() => moves.push(performance.now()))
            .observe(document.querySelector(".reading"), { attributeFilter: ["data-answers"] });
        }"""
    )
    before = used_pad.answers
    [stroke] = DIGITS[0]
    path = [used_pad.at(point) for point in along(stroke, 0.03)]
    used_pad.page.mouse.move(*path[0])
    used_pad.page.mouse.down()
    end = time.monotonic() + PATIENCE / 1000
    for x, y in itertools.cycle(path):  # for as long as it takes, however busy the server is
        used_pad.page.mouse.move(x, y)
        if used_pad.answers >= before + 3:
            break
        assert time.monotonic() < end
    used_pad.page.mouse.up()
    down, up, moves = used_pad.page.evaluate("[down, up, moves]")
    assert len([moved for moved in moves if down < moved < up]) >= 3


def test_a_bar_for_each_digit_and_one_for_none_always_add_up_to_a_hundred(used_pad):
    used_pad.draw(DIGITS[3])
    names = [meter.get_attribute("aria-label") for meter in used_pad.page.get_by_role("meter").all()]
    assert names == [*(f"digit {digit}" for digit in range(10)), "not a digit"]
    assert sum(used_pad.bars) == 100
    scales = used_pad.page.locator(".fill").evaluate_all(
        "fills => fills.map(fill => new DOMMatrix(getComputedStyle(fill).transform).a)"
    )
    np.testing.assert_allclose(scales, np.array(used_pad.bars) / 100, atol=0.01)


def test_the_picture_that_the_network_sees_is_shown(used_pad):
    assert used_pad.seen.max() == 0
    used_pad.draw(DIGITS[1])
    rows, columns = np.nonzero(used_pad.seen > 60)
    assert np.ptp(rows) + 1 == 20  # as in MNIST: the longest side is 20 pixels
    assert np.ptp(columns) + 1 < 8


def test_an_empty_pad_invites_and_claims_nothing(used_pad):
    expect(used_pad.page.locator(".reading")).to_have_attribute("data-state", "empty")
    expect(used_pad.page.get_by_text("Draw a digit, 0 to 9")).to_be_visible()
    expect(used_pad.page.get_by_text("Waiting for ink")).to_be_visible()
    assert used_pad.answer == ""
    assert used_pad.bars == [0] * 11
    expect(used_pad.page.get_by_text("0%").first).to_be_hidden()


def test_clear_empties_everything_and_undo_brings_the_drawing_back(used_pad):
    used_pad.draw(DIGITS[7])
    inked = used_pad.inked_pixels
    used_pad.page.get_by_role("button", name="Clear").click()
    used_pad.settle("empty")
    assert used_pad.inked_pixels == 0
    assert used_pad.bars == [0] * 11
    assert used_pad.answer == ""
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle()
    assert used_pad.inked_pixels == inked
    assert used_pad.answer == "7"


def test_undo_takes_the_last_stroke_away_and_redo_puts_it_back(used_pad):
    used_pad.draw(DIGITS[1])
    alone = used_pad.inked_pixels
    used_pad.draw([[(0.2, 0.5), (0.8, 0.5)]])
    both = used_pad.inked_pixels
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle()
    assert used_pad.inked_pixels == alone
    assert used_pad.answer == "1"
    used_pad.page.get_by_role("button", name="Redo").click()
    used_pad.settle()
    assert used_pad.inked_pixels == both


def test_buttons_that_would_do_nothing_say_so_and_keep_the_focus(pad):
    undo = pad.page.get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    pad.draw(DIGITS[1])
    expect(undo).to_have_attribute("aria-disabled", "false")
    undo.focus()
    pad.page.keyboard.press("Enter")
    expect(undo).to_have_attribute("aria-disabled", "true")
    assert undo.evaluate("button => button === document.activeElement")


def test_strokes_and_their_undo_survive_a_reload(used_pad):
    used_pad.draw(DIGITS[4])
    inked = used_pad.inked_pixels
    used_pad.page.reload()
    used_pad.settle()
    assert used_pad.answer == "4"
    assert used_pad.inked_pixels == inked
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle()
    assert 0 < used_pad.inked_pixels < inked


def test_a_broken_memory_of_strokes_gives_an_empty_pad_and_no_error(used_pad):
    spoil = """stored => {
      sessionStorage.setItem('digits-from-scratch/strokes', stored);
      Storage.prototype.setItem = () => {};  // so that the page cannot mend it when it closes
    }"""
    for stored in ("not json", "42", "null", '[["x", null]]', "[[1]]"):
        used_pad.page.evaluate(spoil, stored)
        used_pad.page.reload()
        used_pad.settle("empty")


def test_a_dot_is_not_called_a_digit_and_its_bars_stay_visible(used_pad):
    x, y = used_pad.at((0.5, 0.5))
    used_pad.page.mouse.click(x, y)
    used_pad.settle()
    assert used_pad.answer == "?"
    expect(used_pad.page.locator(".sure")).to_have_text("Not a digit")
    expect(used_pad.page.locator(".doubt")).not_to_have_text("")


def test_a_letter_is_not_a_digit_in_words_and_in_bars(used_pad):
    letter = [[(0.2, 0.85), (0.5, 0.15), (0.8, 0.85)], [(0.32, 0.6), (0.68, 0.6)]]
    used_pad.draw(letter)
    assert used_pad.answer == "?"
    expect(used_pad.page.locator(".sure")).to_have_text("Not a digit")
    assert used_pad.bars[10] > 50
    assert sum(used_pad.bars) == 100
    expect(used_pad.page.locator(".bar.best")).to_have_attribute("aria-label", "not a digit")


def test_a_pad_full_of_ink_breaks_nothing(used_pad):
    # From just inside the rounded corner: what lies outside it is not the pad.
    scribble = [(0.04 if i % 2 else 0.96, 0.04 + i / 22) for i in range(21)]
    x, y = used_pad.at(scribble[0])
    used_pad.page.mouse.move(x, y)
    used_pad.page.mouse.down()
    for corner in scribble[1:]:
        used_pad.page.mouse.move(*used_pad.at(corner), steps=2)
    used_pad.page.mouse.up()
    used_pad.settle()
    assert used_pad.answer != ""


def test_a_stroke_may_leave_the_pad_and_come_back(used_pad):
    used_pad.draw([[(0.3, 0.2), (0.7, 0.2), (1.3, 0.1), (0.7, 0.22), (0.45, 0.85)]])
    assert used_pad.inked_pixels > 0
    used_pad.page.get_by_role("button", name="Clear").click()
    used_pad.settle("empty")
    used_pad.draw([[(0.99, 0.5), (1.4, 0.5)]])  # one stroke, though most of it is beside the pad
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle("empty")


def test_the_right_mouse_button_does_not_draw(used_pad):
    x, y = used_pad.at((0.5, 0.5))
    used_pad.page.mouse.click(x, y, button="right")
    assert used_pad.inked_pixels == 0


def test_a_finger_draws_without_scrolling_the_page_and_a_second_finger_does_not_disturb(phone):
    fingers = _Fingers(phone)
    path = along(DIGITS[7][0])
    fingers.touch("touchStart", (1, path[0]))
    for place in path[1:4]:
        fingers.touch("touchMove", (1, place))
    fingers.touch("touchStart", (1, path[3]), (2, (0.2, 0.8)))
    for place in path[4:]:
        fingers.touch("touchMove", (1, place), (2, (0.25, 0.9)))
    fingers.touch("touchEnd")
    phone.settle()
    assert phone.answer == "7"
    assert phone.page.evaluate("scrollY") == 0
    phone.page.get_by_role("button", name="Undo").tap()
    phone.settle("empty")  # it was one stroke


def test_the_keyboard_alone_draws_a_one(used_pad):
    press = used_pad.page.keyboard.press
    used_pad.canvas.focus()
    for _ in range(6):
        press("ArrowUp")
    press("Space")
    expect(used_pad.page.locator(".cursor.down")).to_be_visible()
    for _ in range(12):
        press("ArrowDown")
    press("Space")
    used_pad.settle()
    assert used_pad.answer == "1"
    press("Backspace")
    used_pad.settle("empty")
    press("Control+y")
    used_pad.settle()
    press("Delete")
    used_pad.settle("empty")
    press("Control+z")
    used_pad.settle()
    assert used_pad.answer == "1"
    press("Escape")
    used_pad.settle("empty")


def test_two_arrow_keys_together_draw_a_diagonal(used_pad):
    keyboard = used_pad.page.keyboard
    used_pad.canvas.focus()
    for _ in range(6):
        keyboard.press("ArrowUp")
    for _ in range(4):
        keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    for _ in range(8):
        keyboard.press("ArrowRight")
    keyboard.down("ArrowLeft")
    for _ in range(6):
        keyboard.press("ArrowDown")
    keyboard.up("ArrowLeft")
    for _ in range(5):
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    used_pad.settle()
    assert used_pad.answer == "7"


def test_tab_leaves_the_pad_and_lifts_the_pen(used_pad):
    used_pad.canvas.focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "Tab"):
        used_pad.page.keyboard.press(key)
    expect(used_pad.page.locator(".cursor")).to_be_hidden()
    used_pad.settle()
    inked = used_pad.inked_pixels
    used_pad.canvas.focus()
    used_pad.page.keyboard.press("ArrowRight")
    assert used_pad.inked_pixels == inked


def test_two_visitors_draw_at_once_and_each_sees_their_own(open_pad):
    first, second = open_pad(), open_pad()
    first.draw(DIGITS[7], settle=False)
    second.draw(DIGITS[0], settle=False)
    first.settle()
    second.settle()
    assert (first.answer, second.answer) == ("7", "0")


def test_a_fast_scribble_ends_with_the_reading_of_the_whole_drawing(used_pad):
    for _ in range(3):
        used_pad.draw(DIGITS[3], seconds=0, settle=False)
        used_pad.page.locator(".clear").click()
    used_pad.draw(DIGITS[3], seconds=0)
    settled = used_pad.bars
    time.sleep(0.3)  # time for a stale answer to arrive, were it let in
    assert used_pad.bars == settled
    assert used_pad.answer == "3"

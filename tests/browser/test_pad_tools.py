"""The pad's tools, and what explains it: eraser, pen, hard drawings, teaching, how it works."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.driver import DIGITS

# Pixels of ink in the middle row of the pad.
WIDTH_OF_INK = """c => c.getContext("2d").getImageData(0, c.height / 2, c.width, 1).data
  .filter((value, i) => i % 4 === 3 && value > 127).length"""


def test_the_eraser_takes_away_what_it_passes_and_that_can_be_undone(used_pad):
    used_pad.draw([[(0.2, 0.5), (0.8, 0.5)]])
    inked = used_pad.inked_pixels
    erase = used_pad.page.get_by_role("button", name="Erase")
    erase.click()
    expect(erase).to_have_attribute("aria-pressed", "true")
    used_pad.draw([[(0.5, 0.3), (0.5, 0.7)]])
    assert 0.5 * inked < used_pad.inked_pixels < 0.95 * inked
    erase.click()
    used_pad.page.get_by_role("button", name="Undo").click()
    used_pad.settle()
    assert used_pad.inked_pixels == inked


def test_small_digits_get_a_finer_pen(used_pad):
    used_pad.draw([[(0.5, 0.2), (0.5, 0.8)]])
    broad = used_pad.canvas.evaluate(WIDTH_OF_INK)
    used_pad.page.locator(".clear").click()
    used_pad.draw([[(0.5, 0.45), (0.5, 0.55)]], step=0.03)
    assert used_pad.canvas.evaluate(WIDTH_OF_INK) < 0.6 * broad


def test_a_drawing_that_is_hard_to_read_can_be_tried(used_pad):
    meant = []
    for _ in range(2):
        used_pad.page.get_by_role("button", name="Try ours").click()
        used_pad.settle()
        assert used_pad.answer != ""
        meant.append(used_pad.page.locator(".of-picture").inner_text())
    assert meant[0] != meant[1]
    assert all(sentence.startswith("Drawn by us: a") for sentence in meant)
    used_pad.draw(DIGITS[1])
    expect(used_pad.page.locator(".of-picture")).to_be_hidden()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_follows_is_in_sight_once_the_right_digit_was_told(open_pad, device):
    pad = open_pad(**device)
    pad.draw(DIGITS[4])
    pad.page.get_by_role("button", name="This is a 9").click()
    expect(pad.page.get_by_role("button", name="Teach it")).to_be_in_viewport(ratio=1)
    pad.page.get_by_role("button", name="This is a 9").click()
    pad.page.get_by_text("This drawing is already one of your examples.").wait_for()


def test_ink_that_nobody_has_read_is_not_waited_for(open_pad):
    pad = open_pad(expected_errors="ERR_INTERNET_DISCONNECTED")
    pad.page.context.set_offline(True)
    pad.draw(DIGITS[7], settle=False)
    pad.page.get_by_text("Not read yet").wait_for()
    pad.page.context.set_offline(False)
    pad.settle()
    assert pad.answer == "7"


def test_five_sentences_explain_how_it_works_and_the_picture_shows_its_measures(open_pad):
    pad = open_pad()
    pad.draw(DIGITS[1])
    expect(pad.page.locator(".how:visible")).to_have_count(0)
    button = pad.page.get_by_role("button", name="How it works")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(pad.page.locator(".how:visible")).to_have_count(5)
    view, box = (pad.page.locator(part).bounding_box() for part in (".view canvas", ".measures i"))
    assert box["width"] == pytest.approx(20 / 28 * view["width"], abs=2)
    button.click()
    expect(pad.page.locator(".how:visible")).to_have_count(0)


def test_the_networks_can_be_looked_at_layer_by_layer(open_pad):
    page = open_pad().page
    page.get_by_text("The networks, layer by layer").click()
    expect(page.get_by_role("cell", name="GlobalAveragePool")).to_be_visible()
    expect(page.get_by_text("Simple network: 804,554 parameters")).to_be_visible()


def test_the_drawing_is_read_anew_by_the_network_the_visitor_chooses(open_pad):
    pad, sent = open_pad(keep=False), []
    pad.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    pad.page.reload()
    pad.page.get_by_text("Waiting for ink").wait_for()
    pad.draw(DIGITS[7])
    read_by_best = pad.answers
    pad.page.get_by_label("Simple network").check(force=True)
    pad.page.wait_for_function(f"Number(document.querySelector('.reading').dataset.answers) > {read_by_best}")
    assert pad.answer == "7"
    assert any(isinstance(frame, bytes) and b"seed" in frame[:20] for frame in sent)

"""How the page presents itself: to eyes, to fingers, to screen readers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.colours import texts_of, too_pale
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.driver import DIGITS
from tests.browser.layout import TWO_FRAMES


def _boxes(pad):
    parts = (
        ".paper",
        ".pad .tools:not(.share)",
        ".verdict",
        ".words",
        ".seen",
        ".bars",
        ".bar:last-child",
    )
    return {part: pad.page.locator(part).bounding_box() for part in parts}


@pytest.mark.parametrize(
    ("query", "scheme", "is_dark"),
    [
        ("", "light", False),
        ("", "dark", True),
        ("?__theme=dark", "light", True),
        ("?__theme=light", "dark", False),
    ],
    ids=["light", "system dark", "asked for dark", "asked for light"],
)
def test_all_text_is_readable_in_every_theme(open_pad, query, scheme, is_dark):
    pad = open_pad(query, color_scheme=scheme)
    texts = texts_of(pad.page)
    pad.draw(DIGITS[7])
    texts += texts_of(pad.page)
    assert {"Digits from Scratch", "Waiting for ink", "7"} <= {text for text, *_ in texts}
    assert too_pale(texts) == []
    assert (sum(texts[0][2]) < 200) == is_dark


def test_the_ink_changes_its_colour_with_the_theme(open_pad):
    pad = open_pad(color_scheme="light")
    pad.draw(DIGITS[1])
    pixel = "c => [...c.getContext('2d').getImageData(c.width * 0.5, c.height / 2, 1, 1).data]"
    by_day = pad.canvas.evaluate(pixel)
    pad.page.evaluate("document.body.classList.add('dark')")
    pad.page.wait_for_function(
        f"before => String(({pixel})(document.querySelector('canvas.strokes'))) !== String(before)",
        arg=by_day,
    )
    by_night = pad.canvas.evaluate(pixel)
    assert by_day[3] == by_night[3] == 255
    assert sum(by_night[:3]) > sum(by_day[:3]) + 100


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_an_answer_comes(open_pad, device):
    pad = open_pad(**device)
    empty = _boxes(pad)
    for digit in (1, 0, 7):
        pad.draw(DIGITS[digit])
        assert _boxes(pad) == empty
        pad.page.locator(".clear").click()


@pytest.mark.parametrize(
    ("device", "sizes"),
    [
        (PHONE, [(390, 844), (390, 664), (360, 740), (320, 700), (844, 390), (740, 360)]),
        (DESKTOP, [(1280, 800), (1280, 720), (1920, 1080), (1024, 768)]),
    ],
    ids=["phone", "desktop"],
)
def test_pad_answer_and_bars_are_in_view_without_scrolling(open_pad, device, sizes):
    pad = open_pad(**device)
    pad.draw(DIGITS[7])
    for width, height in sizes:
        pad.page.set_viewport_size({"width": width, "height": height})
        pad.page.evaluate(TWO_FRAMES)
        for part, box in _boxes(pad).items():
            where = f"{part} at {width} x {height}: {box}"
            assert box["x"] >= 0, where
            assert box["x"] + box["width"] <= width, where
            assert box["y"] >= 0, where
            assert box["y"] + box["height"] <= height, where
        paper = _boxes(pad)[".paper"]
        assert paper["width"] == pytest.approx(paper["height"], abs=1)
        assert pad.page.evaluate("document.documentElement.scrollWidth") <= width


def test_buttons_are_large_enough_for_a_finger(phone):
    for button in phone.page.locator(".pad .tools button, .labels button").all():
        box = button.bounding_box()
        assert box["width"] >= 44
        assert box["height"] >= 44


def test_every_part_has_a_name_for_a_screen_reader(used_pad):
    used_pad.draw(DIGITS[7])
    page = used_pad.page
    expect(page.get_by_role("heading", name="Digits from Scratch", level=1)).to_have_count(1)
    expect(page.get_by_role("application", name="Draw a digit, 0 to 9")).to_have_count(1)
    expect(page.locator("#pad-keys")).to_contain_text("arrows move")
    expect(used_pad.canvas).to_have_attribute("aria-describedby", "pad-keys")
    expect(page.get_by_role("img", name="What the network sees: your 7, 28 by 28 pixels")).to_have_count(1)
    for name in ("Undo", "Redo", "Clear"):
        expect(page.get_by_role("button", name=name)).to_have_count(1)
    meters = page.get_by_role("meter")
    expect(meters).to_have_count(11)
    for meter in meters.all():
        expect(meter).to_have_attribute("aria-valuemin", "0")
        expect(meter).to_have_attribute("aria-valuemax", "100")
    assert page.title() == "Digits from Scratch"
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_screen_reader_hears_the_final_answer_once_and_not_thirty_times_a_second(used_pad):
    used_pad.page.evaluate(
        """() => {
          const announcement = document.querySelector(".announcement");
          window.heard = [];
          new MutationObserver(() => heard.push(announcement.textContent))
            .observe(announcement, { childList: true, characterData: true, subtree: true });
        }"""
    )
    used_pad.draw(DIGITS[7], seconds=1.0)
    used_pad.page.wait_for_function("heard.length > 0")
    used_pad.page.wait_for_timeout(300)
    [heard] = used_pad.page.evaluate("heard")
    assert re.match(r"7\. (Over )?\d+% sure", heard)
    expect(used_pad.page.locator(".announcement")).to_have_attribute("role", "status")


def test_a_screen_reader_hears_what_the_keyboard_pen_does(used_pad):
    said = used_pad.page.locator(".announcement")
    used_pad.canvas.focus()
    used_pad.page.keyboard.press("ArrowLeft")
    used_pad.page.get_by_text("45 across, 50 down").wait_for(state="attached")
    used_pad.page.keyboard.press("Space")
    expect(said).to_have_text("Pen down.")
    used_pad.page.keyboard.press("Space")
    expect(said).to_have_text("Pen up.")
    used_pad.page.keyboard.press("Delete")
    expect(said).to_have_text("Cleared.")


def test_the_focus_is_visible_on_the_pad_and_on_the_buttons(used_pad):
    used_pad.draw(DIGITS[1])
    used_pad.canvas.focus()
    used_pad.page.keyboard.press("ArrowLeft")
    for part in (".paper", ".pad .undo", ".pad .redo", ".pad .erase", ".pad .clear", ".pad .hard"):
        outline = used_pad.page.locator(part).evaluate("e => getComputedStyle(e).outlineStyle")
        assert outline == "solid", part
        used_pad.page.keyboard.press("Tab")


def test_nothing_moves_by_itself_for_people_who_prefer_so(open_pad):
    pad = open_pad(reduced_motion="reduce")
    assert pad.page.evaluate("document.getAnimations().length") == 0
    assert pad.page.locator(".fill").first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"


def test_the_ghost_is_gone_while_there_is_ink(used_pad):
    ghost = used_pad.page.locator(".ghost")
    used_pad.draw(DIGITS[1])
    used_pad.page.wait_for_function("getComputedStyle(document.querySelector('.ghost')).opacity === '0'")
    used_pad.page.locator(".clear").click()
    used_pad.page.wait_for_function("getComputedStyle(document.querySelector('.ghost')).opacity > 0")
    expect(ghost).to_be_visible()


def test_the_arrow_keys_go_from_tab_to_tab_and_the_focus_is_seen(open_pad):
    page = open_pad().page
    draw, photo = (page.get_by_role("tab", name=name) for name in ("Draw", "Photo"))
    draw.focus()
    page.keyboard.press("ArrowRight")
    expect(photo).to_be_focused()
    expect(photo).to_have_attribute("aria-selected", "true")
    page.get_by_text("Waiting for a photo").wait_for()
    width, offset = photo.evaluate(
        "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineOffset]"
    )
    assert (width, offset) == ("3px", "-4px")  # inside of what clips it
    page.keyboard.press("Home")
    expect(draw).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")


def test_no_tab_moves_when_another_is_opened(used_pad):
    page = used_pad.page
    places = "tabs => tabs.map((tab) => tab.getBoundingClientRect().x)"
    before = page.get_by_role("tab").evaluate_all(places)
    for name in ("Signs", "Draw"):
        tab = page.get_by_role("tab", name=name)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert page.get_by_role("tab").evaluate_all(places) == before


def test_what_opens_a_list_shows_it_with_an_arrow(open_pad):
    page = open_pad().page
    page.get_by_role("tab", name="Train").click()
    page.get_by_text("More settings").click()
    optimizer = page.get_by_label("Optimizer")
    assert "svg" in optimizer.evaluate("e => getComputedStyle(e).backgroundImage")

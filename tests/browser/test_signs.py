"""A visitor's own signs in a real browser: from nothing to live bars, on any screen, whatever their names."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS
from tests.browser.layout import faults_of
from tests.browser.signs_tab import HEART, STAR, SignsTab, varied


def test_own_signs_from_nothing_to_live_bars_and_a_reload_keeps_them(open_pad, tmp_path):
    signs = SignsTab.of(open_pad())
    expect(signs.find(".invitation")).to_have_text("Draw “heart”")
    expect(signs.find(".task")).to_have_text("Draw “heart” 5 times and “star” 5 times.")
    expect(signs.find(".learn")).to_be_disabled()
    expect(signs.find(".reading")).to_be_hidden()
    signs.find(".labels button").first.click(force=True)  # too early
    expect(signs.find(".notice")).to_contain_text("first")
    signs.teach()
    expect(signs.find(".invitation")).to_have_text("Draw one of your signs")
    signs.learn()
    signs.draw(varied(HEART, 2.5))
    answer, bars = signs.read()
    assert (answer, list(bars)) == ("heart", ["heart", "star", "anything else"])
    assert bars["heart"] > 50
    signs.button("Clear").click()
    signs.draw(DIGITS[7])
    answer, bars = signs.read()
    assert (answer, max(bars, key=bars.get)) == ("?", "anything else")
    expect(signs.find(".sure")).to_have_text("None of your signs")

    name = signs.page.get_by_label("Name of the sign “star”")
    name.fill("⚡ zap")
    name.press("Enter")
    signs.find(".labels").get_by_role("button", name="⚡ zap").wait_for()
    expect(signs.find(".bar").nth(1)).to_have_attribute("aria-label", "⚡ zap")  # without learning anew

    signs.page.reload()
    signs = SignsTab(signs.page)
    expect(signs.examples_of("heart")).to_have_count(5)
    expect(signs.examples_of("⚡ zap")).to_have_count(5)
    signs.draw(STAR)
    assert signs.read()[0] == "⚡ zap"

    with signs.page.expect_download() as saved:
        signs.button("Save signs").click()
    assert saved.value.suggested_filename == "my-signs.npz"
    saved.value.save_as(tmp_path / "signs.npz")
    other = SignsTab.of(open_pad())
    with other.page.expect_file_chooser() as chooser:
        other.button("Load signs").click()
    chooser.value.set_files(tmp_path / "signs.npz")
    other.examples_of("⚡ zap").nth(4).wait_for()
    other.draw(STAR)
    assert other.read()[0] == "⚡ zap"


def test_two_signs_that_look_alike_are_named_and_their_drawings_marked(open_pad):
    signs = SignsTab.of(open_pad())
    for number in range(10):
        signs.add(("heart", "star")[number % 2], varied(HEART, number / 2))
    signs.learn()
    expect(signs.find(".advice")).to_contain_text("look alike")
    for name in ("heart", "star"):
        expect(signs.find(".confusions td").get_by_text(name, exact=True)).not_to_have_count(0)
    wrong = signs.find(".example.wrong")
    expect(wrong).not_to_have_count(0)
    expect(wrong.first).to_have_attribute("aria-label", re.compile("which was taken for"))
    wrong.first.click()  # deletes it
    expect(signs.find(".task")).to_contain_text("1 more time")
    expect(signs.find(".learn")).to_be_disabled()
    signs.button("Bring it back").click()
    expect(signs.find(".task")).to_contain_text("Learned")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("<img src=x onerror=alert(1)>", "must not contain any of < > & `"),
        ("x" * 10_240, "characters; at most 40"),
        ("star", "There is a sign named star already"),
    ],
)
def test_a_name_that_will_not_do_is_told_and_stays_to_be_mended(open_pad, name, message):
    signs = SignsTab.of(open_pad())
    signs.find(".new-sign input").fill(name)
    signs.button("Add sign").click()
    expect(signs.find(".complaint")).to_contain_text(message)
    expect(signs.find(".new-sign input")).to_have_value(name[:200])
    first = signs.find(".card input").first
    first.fill(name)
    first.press("Enter")
    expect(first).to_have_attribute("aria-invalid", "true")
    first.press("Escape")
    expect(first).to_have_value("heart")
    expect(signs.find(".card")).to_have_count(2)


def test_a_file_that_is_none_is_told_and_loses_nothing(open_pad, tmp_path):
    signs = SignsTab.of(open_pad())
    signs.add("heart", HEART)
    (tmp_path / "evil.npz").write_bytes(b"<script>alert(1)</script>")
    signs.find(".file").set_input_files(tmp_path / "evil.npz")
    expect(signs.find(".complaint")).to_contain_text("The file is damaged")
    (tmp_path / "evil.png").write_bytes(b"no picture")
    with signs.page.expect_file_chooser() as chooser:
        signs.button("Upload pictures of “star”").click()
    chooser.value.set_files([tmp_path / "evil.png"])
    expect(signs.find(".complaint")).to_contain_text("not a picture")
    expect(signs.examples_of("heart")).to_have_count(1)


def test_on_a_phone_signs_are_drawn_learned_and_read_and_nothing_overflows(open_pad):
    signs = SignsTab.of(open_pad(**PHONE))
    assert faults_of(signs.page) == []
    for button in signs.find(".pad button, .head button, .learning button:not([hidden])").all():
        box = button.bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44
    signs.teach()
    expect(signs.find(".learn")).to_be_in_viewport()  # brought there, now that all is drawn
    for name in ("👩‍🚀 a name as long as a name may be here", "x" * 40, "ᚠ"):
        signs.find(".new-sign input").fill(name)
        signs.button("Add sign").click()
        signs.find(".labels").get_by_role("button", name=name).wait_for()
    assert faults_of(signs.page) == []
    for left in (4, 3, 2):
        signs.find(".card .remove").last.click()
        expect(signs.find(".card")).to_have_count(left)
    signs.learn()
    expect(signs.find(".reading")).to_be_in_viewport()
    signs.draw(HEART)
    assert signs.read()[0] == "heart"
    assert faults_of(signs.page) == []
    paper, answer = (signs.find(part).bounding_box() for part in (".paper", ".reading"))
    assert answer["y"] + answer["height"] <= paper["y"]  # where the hand does not cover it

"""A network of one's own: built by keyboard, mouse and finger, trained, used, saved and brought back."""

import re

import pytest
from playwright.sync_api import expect

from cnn import load_model
from tests.browser.axe import violations
from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS

TITLES = ".blocks > .block > .head > .title"


@pytest.fixture
def open_builder(open_train_tab):
    def open_it(**options):
        tab = open_train_tab(**options)
        tab.page.locator("input[name=network][value=own_net]").focus()
        tab.page.keyboard.press("Space")
        expect(tab.page.locator(".of-network")).to_contain_text("9,226 parameters")  # begins with a small one
        tab.button("Change its layers").focus()
        tab.page.keyboard.press("Enter")
        expect(tab.page.get_by_role("dialog")).to_be_visible()
        return tab

    return open_it


def _titles(tab):
    return tab.page.locator(TITLES).all_inner_texts()


def _press(tab, name):
    tab.page.get_by_role("button", name=name, exact=True).focus()
    tab.page.keyboard.press("Enter")


def _add(tab, title):
    tab.page.get_by_role("combobox", name="Layer").focus()
    tab.page.keyboard.type(title)
    tab.page.locator(".builder .add").focus()
    tab.page.keyboard.press("Enter")


def test_a_network_is_built_by_keyboard_trained_used_saved_and_brought_back(open_builder, tmp_path):
    tab = open_builder()
    page, verdict = tab.page, tab.page.locator(".verdict-of-all")
    assert _titles(tab) == ["Convolution", "ReLU", "Max pooling"] * 2 + ["Flatten", "Dense"]
    _press(tab, "Remove Convolution, layer 1")
    page.keyboard.press("Enter")  # the keyboard stays in the list: ReLU is there now
    expect(page.locator(":focus")).to_have_accessible_name("Remove Max pooling, layer 1")
    _add(tab, "Dropout")  # below the row that was in use
    assert _titles(tab)[:3] == ["Max pooling", "Dropout", "Convolution"]
    page.keyboard.type("0.1")  # the focus is in its field
    page.get_by_label("channels of Convolution, layer 3").fill("0")
    trouble = page.locator(".block.wrong .trouble")
    expect(trouble).to_have_text("Channels must be a whole number from 1 to 512.")
    expect(verdict).to_have_text(re.compile("^Layer 3, Convolution: Channels must be"))
    page.keyboard.press("Escape")
    start = tab.button("Start training")
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(start).to_have_accessible_description(re.compile("^Layer 3, Convolution: Channels must be"))
    start.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("channels of Convolution, layer 3")).to_be_focused()
    page.get_by_label("channels of Convolution, layer 3").fill("8")
    _press(tab, "Move Flatten, layer 6 up")
    expect(page.locator(":focus")).to_have_accessible_name("Move Flatten, layer 5 up")
    expect(trouble).to_have_text("Max pooling needs rows and columns, and gets a list of 1,568 numbers.")
    tab.page.locator(".undo-change").focus()
    page.keyboard.press("Enter")
    expect(trouble).to_have_count(0)
    expect(verdict).to_contain_text("7 layers · 4,010 parameters")
    expect(page.locator("#train .start")).to_have_attribute("aria-disabled", "false")
    page.locator(".python summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".python code")).to_contain_text("Dropout(0.1, rng=rng),")
    page.keyboard.press("Escape")

    page.reload()
    tab.await_script()
    tab.choose("own_net")
    expect(page.locator(".of-network")).to_contain_text("7 layers · 4,010 parameters")  # it is still there
    tab.start(images=4000, epochs=2)
    tab.settle("done")
    tab.button("Use this network").click()
    page.get_by_text("read by your own network").wait_for()
    with page.expect_download() as download:
        page.locator(".model .download").click()
    download.value.save_as(tmp_path / "mine.npz")
    model = load_model(tmp_path / "mine.npz").model
    assert (model.name, model.parameters.size) == ("own_net", 4010)
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[1])
    expect(page.locator("input[value=own]")).to_be_checked()
    tab.go_to("Inside")
    page.wait_for_selector("#inside .tab[data-state=read]")

    tab.go_to("Train")
    tab.button("Back to the best network").click()
    tab.button("Upload .npz").wait_for()
    page.locator("#train .model .file").set_input_files(tmp_path / "mine.npz")
    page.get_by_text(re.compile("^Tested: .* of the test pictures are read correctly")).wait_for()
    tab.button("Use this network").click()
    page.get_by_text("read by your own network").wait_for()


def test_axe_finds_nothing_wrong_in_the_editor(open_builder):
    tab = open_builder()
    tab.page.get_by_label("Begin with").select_option("residual")
    tab.button("Take it").click()
    tab.page.get_by_label("kernel of Convolution, layer 1", exact=True).fill("99")
    expect(tab.page.locator(".block.wrong")).to_have_count(1)
    assert violations(tab.page) == []


def test_on_a_phone_layers_are_dragged_and_nothing_is_wider_than_the_screen(open_builder):
    tab = open_builder(**PHONE)
    page = tab.page
    assert _titles(tab)[:3] == ["Convolution", "ReLU", "Max pooling"]
    grip = page.locator(".grip").first.bounding_box()
    third = page.locator(".block").nth(2).bounding_box()
    x, y = grip["x"] + 8, grip["y"] + 12
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (x, y))
    for share in (0.3, 0.6, 1.0):
        touch("touchMove", (x, y + share * (third["y"] + third["height"] - y)))
    touch("touchEnd")
    page.wait_for_function("document.querySelector('.blocks .title').textContent === 'ReLU'")
    assert _titles(tab)[:3] == ["ReLU", "Max pooling", "Convolution"]
    page.get_by_label("Begin with").select_option("residual")
    tab.button("Take it").click()
    expect(page.locator(".inside .block")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog = page.get_by_role("dialog")
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    for button in page.locator(".moves button").all()[:6]:
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 36

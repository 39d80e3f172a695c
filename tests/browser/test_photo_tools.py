"""What can be done with a photo: it is taken, turned, corrected by tapping, taught, saved and cleared."""

import base64

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.photo_answers import RULED, RULED_SAYS, answer_to, downloaded, show
from ui.photo.tab import EXAMPLES, EXAMPLES_FOLDER


def test_turning_asks_before_it_discards_corrections(photo_tab):
    show(photo_tab, answer_to("42"))
    turn = photo_tab.page.get_by_role("button", name="Turn", exact=True)
    photo_tab.inputs.first.fill("9")
    turn.click()
    assert photo_tab.trouble == "Turning the photo discards your correction."
    photo_tab.page.get_by_role("button", name="Close this message").click()
    assert photo_tab.text == "92"
    turn.click()
    photo_tab.page.get_by_role("button", name="Turn anyway").click()
    photo_tab.page.wait_for_function("document.querySelector('.text').value === '42'")
    expect(photo_tab.page.locator(".trouble")).to_be_hidden()


def test_the_frame_itself_opens_the_file_chooser(photo_tab):
    with photo_tab.page.expect_file_chooser() as chooser:
        photo_tab.page.get_by_role("button", name="Drop a photo of handwritten digits here").click()
    chooser.value.set_files(RULED)
    photo_tab.settle()
    assert photo_tab.text == RULED_SAYS


def test_on_a_phone_the_frame_opens_the_camera_which_comes_first(open_photo_tab):
    tab = open_photo_tab(**PHONE)
    with tab.page.expect_file_chooser() as chooser:
        tab.page.get_by_role("button", name="Take a photo of handwritten digits").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    camera, choose = (tab.page.locator(name).bounding_box() for name in (".camera", ".choose"))
    assert camera["x"] < choose["x"]


def test_on_a_phone_an_example_is_in_view_once_it_was_tapped(open_photo_tab):
    tab = open_photo_tab(**PHONE)
    for example in EXAMPLES[:2]:
        button = tab.page.get_by_role("button", name=f"Example: {example.title}")
        button.scroll_into_view_if_needed()
        button.tap()
        tab.settle()
        box = tab.page.locator(".frame").bounding_box()
        assert -1 <= box["y"] < 844


def test_examples_stay_where_they_are_once_one_was_chosen(photo_tab):
    strip = photo_tab.page.locator(".strip button").nth(2)
    before = strip.bounding_box()
    photo_tab.try_example(EXAMPLES[0].title)
    photo_tab.page.wait_for_function("document.querySelector('.photo img').naturalWidth > 0")
    assert strip.bounding_box() == before


def test_the_answer_stays_in_sight_on_the_way_down_the_table(photo_tab):
    photo_tab.try_example(EXAMPLES[0].title)
    photo_tab.page.set_viewport_size({"width": 1280, "height": 800})
    photo_tab.inputs.last.scroll_into_view_if_needed()
    photo_tab.inputs.last.focus()
    for part in ("#photo-text", "#photo .answer", "#photo .bars"):
        expect(photo_tab.page.locator(part)).to_be_in_viewport(ratio=1)


def test_a_digit_is_corrected_by_tapping_and_the_correction_can_be_taught(open_photo_tab):
    tab = open_photo_tab(**PHONE)
    tab.send(RULED)
    expect(tab.inputs.first).to_have_attribute("inputmode", "numeric")
    tab.boxes.nth(1).tap()
    tab.page.get_by_role("button", name="Correct to 9").tap()
    assert tab.text == RULED_SAYS.replace("7", "9", 1)
    tab.boxes.nth(0).tap()
    tab.page.get_by_role("button", name="Leave out").tap()
    assert tab.text == "919\n20586\n3341"
    tab.page.get_by_role("button", name="Teach the network these corrections").tap()
    tab.page.get_by_text("It is one of your examples now").wait_for()
    tab.page.get_by_role("tab", name="Draw").tap()
    expect(tab.page.get_by_role("button", name="Delete this 9")).to_have_count(1)


def test_several_photos_are_gone_through_one_by_one(photo_tab):
    with photo_tab.page.expect_file_chooser() as chooser:
        photo_tab.page.locator(".choose").click()
    chooser.value.set_files([EXAMPLES_FOLDER / "marker.jpg", RULED])
    photo_tab.settle()
    assert photo_tab.text == "7"
    photo_tab.inputs.first.fill("1")
    photo_tab.page.get_by_role("button", name="Next photo").click()
    photo_tab.page.wait_for_function("text => document.querySelector('.text').value === text", arg=RULED_SAYS)
    photo_tab.page.get_by_role("button", name="Previous photo").click()
    assert photo_tab.text == "1"


def test_the_photo_can_be_saved_with_its_boxes_and_cleared(photo_tab):
    show(photo_tab, answer_to("42"))
    with photo_tab.page.expect_download() as download:
        photo_tab.page.get_by_role("button", name="Save").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (120, 80)
        red, _, blue = np.asarray(saved.convert("RGB"), int).transpose(2, 0, 1)
    assert (blue > red + 80).sum() > 50  # boxes on grey paper
    photo_tab.page.get_by_role("button", name="Clear").click()
    photo_tab.settle("empty")
    assert photo_tab.text == ""
    expect(photo_tab.boxes).to_have_count(0)
    expect(photo_tab.page.get_by_role("button", name="Drop a photo")).to_be_visible()


def test_separators_and_tables_are_shown_as_they_were_read(photo_tab):
    read = answer_to("1?2")
    read["symbols"][1]["symbol"] = "/"
    del read["digits"][1]
    show(photo_tab, read | {"text": "1/2"})
    assert photo_tab.text == "1/2"
    expect(photo_tab.page.get_by_label("Answer for separator 2 of line 1")).to_have_value("/")
    table = answer_to("12", "34")
    for place, symbol in enumerate(table["symbols"]):
        symbol["column"] = place % 2
    show(photo_tab, table | {"text": "1\t2\n3\t4", "cells": [2, 2]})
    assert photo_tab.text == "1\t2\n3\t4"
    expect(photo_tab.page.locator("th[scope=rowgroup]")).to_have_text(["Row 1", "Row 2"])
    assert [(row["line"], row["column"]) for row in downloaded(photo_tab)] == [
        ("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")
    ]  # fmt: skip


def test_the_camera_takes_a_photo_and_is_switched_off_again(open_photo_tab):
    photo_tab = open_photo_tab()
    page = photo_tab.page
    page.evaluate(
        """async (base64) => {
          const image = new Image();
          image.src = "data:image/jpeg;base64," + base64;
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext("2d");
          setInterval(() => context.drawImage(image, 0, 0), 30);
          window.camera = canvas.captureStream();
          navigator.mediaDevices.getUserMedia = async () => camera;
        }""",
        base64.b64encode((EXAMPLES_FOLDER / "marker.jpg").read_bytes()).decode(),
    )
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("document.querySelector('video').videoWidth > 0")
    page.get_by_role("button", name="Take the photo").click()
    photo_tab.settle()
    assert photo_tab.text == "7"
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("camera.active") is False


def test_a_phone_offers_its_own_camera(open_photo_tab):
    tab = open_photo_tab(**PHONE)
    with tab.page.expect_file_chooser() as chooser:
        tab.page.get_by_role("button", name="Camera").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"

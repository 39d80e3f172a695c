"""A person has a photo read, corrects it and takes the text along."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.browser.colours import texts_of, too_pale
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.driver import data_url
from tests.browser.photo_answers import (
    NOTHING,
    READING,
    RULED,
    RULED_SAYS,
    answer_to,
    downloaded,
    labels_of,
    show,
)
from ui.photo.tab import EXAMPLES_FOLDER


def test_a_photo_is_uploaded_read_looked_at_corrected_and_taken_along(open_photo_tab):
    tab = open_photo_tab(permissions=["clipboard-read", "clipboard-write"])
    page = tab.page
    tab.send(RULED)
    assert tab.text == RULED_SAYS
    assert labels_of(tab) == list(RULED_SAYS.replace("\n", ""))

    tab.boxes.nth(6).click()  # the 5 of 20586
    assert tab.answer == "5"
    expect(page.get_by_role("meter", name="digit 5")).to_have_attribute(
        "aria-valuenow", re.compile(r"[5-9]\d|100")
    )
    expect(page.locator("tr.picked input")).to_have_value("5")
    expect(page.get_by_role("img", name="What the network sees: your 5")).to_be_visible()

    page.get_by_label("Answer for digit 3 of line 2").fill("6")
    assert tab.text == "4719\n20686\n3341"
    assert labels_of(tab)[6] == "6"
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "4719\n20686\n3341"

    rows = downloaded(tab)
    assert "".join(row["answer"] for row in rows) == "4719206863341"
    corrected = rows[6]
    assert (corrected["line"], corrected["place"], corrected["read_as"]) == ("2", "3", "5")
    x, y, width, height = (int(corrected[side]) for side in ("x", "y", "width", "height"))
    assert 350 < x < x + width < 550  # in pixels of the photo
    assert 250 < y < y + height < 450


def test_a_photo_that_lies_on_its_side_is_turned_by_the_reader_and_can_be_turned_back(
    open_photo_tab, tmp_path
):
    tab = open_photo_tab()
    turn = tab.page.get_by_role("button", name="Turn", exact=True)
    expect(turn).to_be_hidden()
    lying = tmp_path / "lying.png"
    with Image.open(RULED) as upright:
        upright.rotate(90, expand=True).save(lying)
    tab.send(lying)
    assert tab.text == RULED_SAYS
    expect(tab.page.locator(".turned p")).to_have_text("Turned by 90 degrees.")
    tab.page.get_by_role("button", name="Show it as it was").click()
    tab.page.locator(".turned").wait_for(state="hidden")
    assert tab.text != RULED_SAYS
    turn.click()
    tab.page.wait_for_function("text => document.querySelector('.text').value === text", arg=RULED_SAYS)
    tab.send(RULED)  # the next one comes as it is
    assert tab.text == RULED_SAYS


def test_photos_are_read_by_the_network_that_was_chosen_for_drawings_and_it_is_said(open_photo_tab):
    tab = open_photo_tab()
    page = tab.page
    expect(page.locator(".by")).to_be_hidden()
    tab.send(RULED)
    page.get_by_role("tab", name="Draw").click()
    with page.expect_request(lambda request: '"network":"seed"' in (request.post_data or "")):
        page.get_by_label("Simple network").check(force=True)
    page.get_by_role("tab", name="Photo").click()
    page.get_by_text("Read by the simple network").wait_for()
    page.get_by_role("tab", name="Draw").click()
    page.get_by_label("Best network").check(force=True)
    page.get_by_role("tab", name="Photo").click()
    page.locator(".by").wait_for(state="hidden")
    tab.settle()
    assert tab.text == RULED_SAYS


def test_a_file_dropped_anywhere_on_the_page_is_read(photo_tab):
    photo_tab.page.evaluate(
        """(base64) => {
          const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], "a.jpg", { type: "image/jpeg" }));
          for (const kind of ["dragover", "drop"]) {
            const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
            document.querySelector("h1").dispatchEvent(event);
            if (!event.defaultPrevented) throw Error("the browser would open the file and leave the page");
          }
        }""",
        base64.b64encode(RULED.read_bytes()).decode(),
    )
    photo_tab.settle()
    assert photo_tab.text == RULED_SAYS


def test_a_picture_in_the_clipboard_is_read_with_ctrl_v_and_with_the_button(open_photo_tab, tmp_path):
    tab = open_photo_tab(permissions=["clipboard-read", "clipboard-write"])
    paste = tab.page.get_by_role("button", name="Paste")
    tab.page.evaluate("navigator.clipboard.writeText('some words')")
    paste.click()
    tab.page.get_by_text("There is no picture on the clipboard.").wait_for()

    file = io.BytesIO()
    Image.open(EXAMPLES_FOLDER / "marker.jpg").save(file, "PNG")  # the kind that browsers copy
    tab.page.evaluate(
        """async (url) => {
          const blob = await (await fetch(url)).blob();
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        data_url(file.getvalue()),
    )
    paste.click()
    tab.settle()
    assert tab.text == "7"
    tab.page.locator("h1").click()
    tab.page.keyboard.press("Control+V")
    tab.settle("busy")
    tab.settle()
    assert tab.text == "7"


@pytest.mark.parametrize(
    ("refusal", "message"),
    [("NotAllowedError", "This page may not use the camera."), ("NotFoundError", "No camera was found.")],
)
def test_a_camera_that_cannot_be_used_is_explained(open_photo_tab, refusal, message):
    photo_tab = open_photo_tab()
    photo_tab.page.evaluate(
        """(name) => {
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
        }""",
        refusal,
    )
    photo_tab.page.get_by_role("button", name="Camera").click()
    photo_tab.page.get_by_text(message).wait_for()


def test_a_file_that_cannot_be_read_is_explained_and_what_was_there_stays(photo_tab, tmp_path):
    show(photo_tab, answer_to("42"))
    photo_tab.page.get_by_label("Answer for digit 1").fill("9")
    photo_tab.page.unroute(READING)
    (tmp_path / "words.jpg").write_text("just some words")
    photo_tab.send(tmp_path / "words.jpg")
    assert "The file is not a picture that can be read." in photo_tab.trouble
    assert photo_tab.trouble.endswith("The photo before it is still shown.")
    assert str(tmp_path) not in photo_tab.page.content()
    assert photo_tab.text == "92"
    photo_tab.page.get_by_role("button", name="Close this message").click()
    expect(photo_tab.page.locator(".trouble")).to_be_hidden()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(open_photo_tab, tmp_path):
    photo_tab = open_photo_tab(keep=False)
    (tmp_path / "large.tiff").write_bytes(bytes(20_400_000))
    photo_tab.page.on("request", lambda request: pytest.fail(f"sent: {request.url}"))
    photo_tab.page.locator(".file").set_input_files(tmp_path / "large.tiff")
    photo_tab.page.get_by_text("The file is too large: 20.4 MB, and at most 20 MB can be sent.").wait_for()


def test_without_a_connection_the_photo_is_kept_and_can_be_sent_again(open_photo_tab):
    tab = open_photo_tab(expected_errors="ERR_INTERNET_DISCONNECTED")
    tab.page.context.set_offline(True)
    tab.page.locator(".file").set_input_files(EXAMPLES_FOLDER / "marker.jpg")
    tab.page.get_by_text("There is no connection. Your photo is still here.").wait_for()
    tab.page.context.set_offline(False)
    tab.page.get_by_role("button", name="Try again").click()
    tab.settle()
    assert tab.text == "7"
    expect(tab.page.locator(".trouble")).to_be_hidden()


def test_an_error_that_the_server_reports_is_shown_in_its_words(photo_tab):
    show(photo_tab, {"error": "Very many photos are being read."})
    photo_tab.page.get_by_text("Very many photos are being read.").wait_for()
    photo_tab.settle("empty")


def test_an_answer_that_comes_late_never_replaces_a_newer_one(photo_tab):
    held: list[Route] = []

    def first_answer_last(route: Route) -> None:
        if not held:
            held.append(route)
        else:
            route.fulfill(body=json.dumps(answer_to("42")), content_type="application/json")

    photo_tab.page.route(READING, first_answer_last)
    photo_tab.page.locator("[data-example]").first.click()
    photo_tab.page.get_by_text("Reading…").wait_for()
    photo_tab.page.locator("[data-example]").last.click()
    photo_tab.settle()
    held[0].fulfill(body=json.dumps(answer_to("5")), content_type="application/json")
    photo_tab.page.wait_for_timeout(200)
    assert photo_tab.text == "42"


def test_a_photo_without_digits_says_so_and_offers_nothing_to_copy(photo_tab):
    show(photo_tab, answer_to("42"))
    show(photo_tab, answer_to(message=NOTHING))
    assert photo_tab.text == ""
    expect(photo_tab.page.get_by_text(NOTHING).first).to_be_visible()
    expect(photo_tab.boxes).to_have_count(0)
    expect(photo_tab.inputs).to_have_count(0)
    for name in ("Copy", "Download CSV"):
        expect(photo_tab.page.get_by_role("button", name=name)).to_have_attribute("aria-disabled", "true")
    expect(photo_tab.page.get_by_text("How it was read")).to_be_visible()


def test_the_first_digit_in_doubt_is_shown_first(photo_tab):
    show(photo_tab, answer_to("4?2"))
    assert photo_tab.answer == "?"
    expect(photo_tab.page.locator("#photo .sure")).to_have_text("Not a digit")
    expect(photo_tab.page.locator(".boxes .doubtful")).to_have_count(1)
    show(photo_tab, answer_to("42"))
    assert photo_tab.answer == "4"


def test_a_correction_can_be_taken_back(photo_tab):
    show(photo_tab, answer_to("42"))
    photo_tab.inputs.nth(1).fill("8")
    assert photo_tab.text == "48"
    expect(photo_tab.page.get_by_text("was 2")).to_be_visible()
    photo_tab.page.get_by_role("button", name="Undo the correction of digit 2 of line 1").click()
    assert photo_tab.text == "42"
    expect(photo_tab.page.get_by_text("was 2")).to_have_count(0)


def test_an_empty_answer_leaves_the_digit_out_and_an_empty_line_too(photo_tab):
    show(photo_tab, answer_to("42", "?", "17"))
    photo_tab.inputs.nth(2).fill("")
    assert photo_tab.text == "42\n17"
    assert [row["line"] for row in downloaded(photo_tab)] == ["1", "1", "3", "3"]


def test_no_spreadsheet_takes_an_answer_for_a_formula_and_none_breaks_a_row(photo_tab):
    typed = ("=1+1", "+1", "-1", "@A1", '"=1"', "1,5", "<b>")
    show(photo_tab, answer_to("4444444", "2"))
    for place, answer in enumerate(typed):
        photo_tab.inputs.nth(place).fill(answer)
    assert photo_tab.text == "".join(typed) + "\n2"
    assert labels_of(photo_tab) == [*typed, "2"]
    *corrected, last = downloaded(photo_tab)
    for row, answer in zip(corrected, typed, strict=True):
        assert row["answer"].removeprefix("'") == answer
        assert row["answer"][0] not in "=+-@"
    assert (last["answer"], last["height"]) == ("2", "12")


def test_the_keyboard_alone_goes_through_the_boxes_and_corrects(photo_tab):
    show(photo_tab, answer_to("123", "45"))
    press = photo_tab.page.keyboard.press
    photo_tab.boxes.first.focus()
    seen = []
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "End", "ArrowRight", "Home", "ArrowLeft"):
        press(key)
        seen.append(photo_tab.answer)
    assert seen == ["2", "5", "2", "5", "5", "1", "1"]
    press("7")
    press("ArrowRight")
    press("Delete")
    press("ArrowRight")
    press("?")
    assert photo_tab.text == "7?\n45"
    press("Tab")  # the boxes are one stop
    assert photo_tab.page.evaluate("document.activeElement.closest('.keypad') !== null")


def test_enter_and_the_arrows_go_through_the_answers(photo_tab):
    show(photo_tab, answer_to("12", "3"))
    photo_tab.inputs.first.focus()
    for typed in ("7", "Enter", "8", "ArrowDown", "9", "Enter", "ArrowUp", "5"):
        photo_tab.page.keyboard.press(typed)
    assert photo_tab.text == "75\n9"
    assert photo_tab.answer == "2"  # the row one is in is the digit shown


def test_the_stages_can_be_unfolded(photo_tab):
    photo_tab.try_example("Red felt-tip pen")
    stages = photo_tab.page.locator(".stages img")
    expect(stages.first).to_be_hidden()
    photo_tab.page.get_by_text("How it was read").click()
    expect(stages.first).to_be_visible()
    names = photo_tab.page.locator(".stages strong").all_inner_texts()
    assert names == ["Grey", "Light evened", "Ink", "Lines removed", "Pieces"]
    assert stages.evaluate_all("all => all.every((one) => one.complete && one.naturalWidth > 100)")


def test_boxes_and_crops_show_the_very_digit(photo_tab):
    photo_tab.send(RULED)
    frame = photo_tab.page.locator(".photo").bounding_box()
    box = photo_tab.boxes.first.bounding_box()
    assert box["x"] - frame["x"] == pytest.approx(0.13 * frame["width"], abs=0.03 * frame["width"])
    crop = photo_tab.page.locator(".crop").first
    seen = "c => [...c.getContext('2d').getImageData(0, 0, 96, 96).data]"
    photo_tab.page.wait_for_function(f"({seen})(document.querySelector('.crop'))[3] > 0")  # it is painted
    red, _, blue, _ = np.array(crop.evaluate(seen)).reshape(-1, 4).T
    assert 0.05 < (blue > red + 30).mean() < 0.6  # ballpoint on paper, neither one alone


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_readable_by_day_and_by_night(open_photo_tab, scheme):
    tab = open_photo_tab(color_scheme=scheme)
    texts = texts_of(tab.page)
    show(tab, answer_to("4?2", "17"))
    texts += texts_of(tab.page)
    tab.inputs.first.fill("9")
    tab.page.get_by_text("How it was read").click()
    texts += texts_of(tab.page)
    show(tab, {"error": "Something is wrong."})
    trouble = "Something is wrong. The photo before it is still shown."
    tab.page.get_by_text(trouble).wait_for()
    texts += texts_of(tab.page)
    seen = {text for text, *_ in texts}
    assert {"Recognized text", "was 4", "Not a digit", "Grey", trouble} <= seen
    assert too_pale(texts) == []


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_screen_and_fingers_can_press_everything(open_photo_tab, device):
    tab = open_photo_tab(**device)
    width = device["viewport"]["width"]
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    show(tab, answer_to("12345678", "?0"))
    tab.inputs.first.fill("12345678")
    tab.page.get_by_text("How it was read").click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    for control in tab.page.locator("#photo .tools button, td input, td .undo, [data-example]").all():
        box = control.bounding_box()
        if box is not None:  # the camera's are not on the screen
            assert box["height"] >= 44
            assert box["width"] >= 44


def test_every_part_has_a_name_for_a_screen_reader(photo_tab):
    show(photo_tab, answer_to("4?"))
    page = photo_tab.page
    expect(page.get_by_role("img", name="Your photo: 2 digits found")).to_have_count(1)
    expect(page.get_by_role("button", name="4, 97% sure")).to_have_count(1)
    expect(page.get_by_role("button", name="?, not a digit")).to_have_count(1)
    expect(page.get_by_role("img", name="digit 1 of line 1, cut from the photo")).to_have_count(1)
    expect(page.locator(".result .announcement")).to_have_text("It says 4?")
    for button in page.get_by_role("button").all():
        expect(button).to_have_accessible_name(re.compile(r"\S"))


def test_the_focus_is_visible_everywhere(photo_tab):
    show(photo_tab, answer_to("42"))
    photo_tab.inputs.first.fill("9")
    photo_tab.boxes.first.focus()
    photo_tab.page.keyboard.press("ArrowRight")
    for _ in range(60):
        outline, part = photo_tab.page.evaluate(
            "[getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML]"
        )
        assert outline == "solid", part
        photo_tab.page.keyboard.press("Tab")
        if photo_tab.page.evaluate("!document.activeElement.closest('#photo')"):
            break
    else:
        pytest.fail("the focus never left the tab")


def test_a_drawing_survives_a_visit_to_the_photo_tab(open_photo_tab):
    photo_tab = open_photo_tab()
    page = photo_tab.page
    page.get_by_role("tab", name="Draw").click()
    page.locator("canvas.strokes").click(position={"x": 60, "y": 60})
    page.wait_for_selector("#pad .reading[data-state=read]")
    page.get_by_role("tab", name="Photo").click()
    page.get_by_role("tab", name="Draw").click()
    page.wait_for_function(
        """() => {
          const { width, height } = document.querySelector("canvas.strokes");
          const context = document.querySelector("canvas.strokes").getContext("2d");
          return width && context.getImageData(0, 0, width, height).data.some((value) => value > 0);
        }"""
    )

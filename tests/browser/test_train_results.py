"""What comes of a training on the page: mistakes on the pad, curves as files, what failed, what is shared."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cnn import ARCHITECTURES, save_model
from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS

SLOW = 120_000  # milliseconds


def _train(tab, images=1000, epochs=1):
    tab.start(images=images, epochs=epochs)
    tab.settle("done")


def _saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.path().read_bytes()


def test_a_mistake_is_read_by_the_network_that_made_it_in_sight_and_says_so(open_train_tab):
    tab = open_train_tab(**PHONE)
    page = tab.page
    _train(tab)
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("data-progress", "done")
    assert page.title() == "done \u00b7 Digits from Scratch"
    mistake = page.locator(".gallery button").first
    predicted = mistake.locator("b").inner_text()
    mistake.click()
    page.wait_for_function("d => document.querySelector('#pad .answer').innerText === d", arg=predicted)
    assert page.url.endswith("#draw")
    expect(page.locator("#pad input[value=result]")).to_be_checked()
    expect(page.locator(".of-picture")).to_contain_text(f"that your network reads as {predicted}")
    expect(page.locator("#pad .answer")).to_be_in_viewport(ratio=1)
    expect(page.locator("#pad .strokes")).to_be_in_viewport(ratio=1)
    tab.go_to("Train")
    tab.button("Throw it away").click()
    page.get_by_role("dialog").get_by_role("button", name="Throw it away").click()
    tab.settle("idle")
    expect(page.locator("#pad input[value=digits]")).to_be_checked()  # that network is gone
    assert page.title() == "Digits from Scratch"


def test_the_network_in_use_is_saved_for_other_programs(open_train_tab):
    page = open_train_tab().page
    page.locator("#train .exports summary").click()
    assert b"digits-from-scratch" in _saved(page, page.get_by_role("button", name="ONNX"))[:100]
    header = _saved(page, page.get_by_role("button", name="safetensors"))[8:]
    assert b"param.conv1.weight" in header[:2000]
    page.locator("#train .exports [data-to=c]").click()
    expect(page.locator("#train .complaint")).to_contain_text("C is written for small_net alone")


def test_curves_are_saved_cells_show_their_mistakes_and_the_next_training_is_laid_over(open_train_tab):
    tab = open_train_tab()
    page = tab.page
    _train(tab, images=2000)
    rows = list(csv.DictReader(io.StringIO(_saved(page, tab.button("Save the curves as CSV")).decode())))
    assert len(rows) == tab.points
    assert float(rows[-1]["epoch"]) == 1
    assert 0 < float(rows[-1]["validation accuracy"]) < 1
    picture = Image.open(io.BytesIO(_saved(page, tab.button("Save the curves as a picture"))))
    assert picture.size[0] > 400
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 10  # lines and words
    shown = page.locator(".gallery button")
    first = shown.first.get_attribute("aria-label")
    predicted, label = re.match(r"(.), is (.):", first).groups()
    page.locator(f"td[title*=' {label} was read as {predicted} '] button").click()
    page.get_by_text(f"most confident mistakes: a {label} read as {predicted}.").wait_for()
    labels = shown.evaluate_all("buttons => buttons.map((button) => button.ariaLabel)")
    assert labels
    assert set(labels) == {first}
    before = page.locator("[data-chart=loss] path.of-validation").get_attribute("d")
    expect(page.locator("[data-chart=loss] path.of-earlier")).to_have_attribute("d", "")
    tab.start(images=2000, epochs=1)
    earlier = page.locator("[data-chart=loss] path.of-earlier")
    expect(earlier).to_have_attribute("d", before, timeout=SLOW)
    expect(page.get_by_text("validation set, the training before")).to_be_visible()


def test_a_learning_rate_that_is_too_large_is_said_to_be_and_nothing_offers_the_network(open_train_tab):
    tab = open_train_tab()
    tab.page.get_by_text("For a class").click()
    tab.button("A learning rate of 1").click()
    expect(tab.page.locator("[name=learning_rate]")).to_have_value("1")
    tab.start(images=1000, epochs=1)
    tab.page.get_by_text("A learning rate of 1 is too large").wait_for(timeout=SLOW)
    expect(tab.button("Start another")).to_contain_class("main")
    expect(tab.page.locator("#train .use")).not_to_contain_class("main")


def test_a_link_opens_the_tab_with_its_settings_and_leaves_out_what_the_form_does_not_take(open_pad):
    page = open_pad("#train?network=seed_net&epochs=2&images=500&learning_rate=7&optimizer=SGD&more=1").page
    form = page.locator("#train form")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    expect(form.locator("[name=network][value=seed_net]")).to_be_checked()
    values = {
        name: form.locator(f"[name={name}]").input_value() for name in ("epochs", "images", "optimizer")
    }
    assert values == {"epochs": "2", "images": "500", "optimizer": "SGD"}
    expect(form.locator("[name=learning_rate]")).not_to_have_value("7")
    assert page.url.endswith("#train")


def test_every_tab_has_an_address_that_survives_a_reload_and_the_way_back(open_pad):
    page = open_pad().page
    for name in ("Photo", "Train"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_function("hash => location.hash === hash", arg=f"#{name.lower()}")
    page.reload()
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Photo")).to_have_attribute("aria-selected", "true")


def test_an_uploaded_network_is_tested_and_a_file_that_is_too_large_gives_one_message(
    open_train_tab, tmp_path
):
    tab = open_train_tab()
    page = tab.page
    large = tmp_path / "large.npz"
    with large.open("wb") as file:
        file.truncate(20_100_000)
    page.locator("#train .file").set_input_files(large)
    page.get_by_text("The file is too large: 20.1 MB, and at most 20 MB can be sent.").wait_for()
    expect(page.get_by_role("alert")).to_have_count(1)
    save_model(tmp_path / "small.npz", ARCHITECTURES["small_net"](np.random.default_rng(0)))
    page.locator("#train .file").set_input_files(tmp_path / "small.npz")
    tab.settle("done")
    expect(page.locator("#train .phase")).to_have_text(re.compile("^Tested: "))
    for text in ("They take shape here", "Not read yet", "see the bars move"):
        expect(page.get_by_text(text)).to_be_hidden()


def test_a_drawing_is_shared_as_a_link_and_as_a_picture(open_pad):
    pad = open_pad()
    pad.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pad.draw(DIGITS[3])
    pad.page.get_by_role("button", name="Copy a link").click()
    pad.page.get_by_text("The link is copied.").wait_for()
    link = pad.page.evaluate("navigator.clipboard.readText()")
    assert len(link.partition("#")[2]) <= 2048
    picture = Image.open(
        io.BytesIO(_saved(pad.page, pad.page.get_by_role("button", name="Save as a picture")))
    )
    assert picture.size == (1200, 660)
    other = open_pad(link.removeprefix(pad.page.url.partition("#")[0]))
    other.settle()
    assert other.answer == "3"
    assert abs(other.inked_pixels - pad.inked_pixels) < 0.03 * pad.inked_pixels
    assert "strokes" not in other.page.url  # a reload keeps what was drawn since


@pytest.mark.parametrize("strokes", ["", "1.AAA", "1." + "A" * 4000])
def test_a_broken_link_is_refused_in_words(open_pad, strokes):
    pad = open_pad(f"#draw?strokes={strokes}")
    pad.page.get_by_text("This link holds no drawing, or only a part of one.").wait_for()
    assert pad.inked_pixels == 0

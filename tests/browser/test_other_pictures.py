"""CIFAR-10 and Fashion-MNIST on the page, trained for a few steps on stand-ins and tried on pictures."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Visitors
from tests.browser.driver import DIGITS, TrainTab, serve_app
from tests.picture_stand_ins import VARIABLE, pictures_of, write_stand_ins
from training.datasets.registry import CIFAR10, FACTS, FASHION_MNIST


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The address of an app that has the stand-ins."""
    folder = write_stand_ins(tmp_path_factory.mktemp("data"))
    with serve_app(**{VARIABLE: str(folder)}) as app:
        yield app.url
        printed = app.log.read_text()
    assert "Traceback" not in printed, printed


@pytest.fixture
def open_tab(contexts, host):
    visitors = Visitors(contexts, host, TrainTab)
    yield visitors
    visitors.leave()


def _train_on(tab, dataset, network=None):
    tab.page.locator(".pictures summary").click()
    tab.page.locator(f"input[name=dataset][value={dataset}]").check(force=True)  # its card lies over it
    if network:
        tab.choose(f'"{network}"')
    tab.start(images=1000, epochs=3)
    tab.settle("done")


def test_colour_pictures_are_trained_on_tried_and_never_take_the_place_of_digits(open_tab, tmp_path):
    tab = open_tab()
    page = tab.page
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    tab.go_to("Train")
    _train_on(tab, CIFAR10, "ready:small")
    expect(page.locator(".of-test")).to_have_text("Accuracy on CIFAR-10’s test set")
    expect(page.locator(".versus")).to_have_text(re.compile(r"^\d+ of 300 are wrong\.$"))
    expect(page.locator(".outcome table tr").nth(3)).to_contain_text("bird")
    expect(page.locator(".drawn")).to_be_hidden()
    expect(page.locator(".watched canvas")).to_have_count(40)
    expect(page.locator(".tests button")).to_have_count(40)
    page.get_by_role("button", name=re.compile("^Test picture 1: ")).click()
    expect(page.locator(".taken-for")).to_contain_text("It is: ")
    expect(page.locator(".shares li").nth(2)).to_have_text(re.compile("^bird"))
    [photo], [label] = pictures_of(CIFAR10, 1, seed=5)
    Image.fromarray(photo).resize((640, 640), Image.Resampling.NEAREST).save(tmp_path / "photo.png")
    page.locator(".picture-file").set_input_files(tmp_path / "photo.png")
    expect(page.locator(".taken-for")).to_contain_text(FACTS[CIFAR10].classes[label])
    (tmp_path / "letter.jpg").write_text("just some words")
    page.locator(".picture-file").set_input_files(tmp_path / "letter.jpg")
    expect(page.locator(".taken-for")).to_contain_text("no picture that your browser can read")

    tab.button("Use this network").click()
    expect(page.locator(".reads")).to_contain_text("It does not read digits")
    for name in ("Photo", "Draw"):
        tab.go_to(name)
        line = page.locator(".no-digits:visible")
        expect(line).to_contain_text("Your network in use knows CIFAR-10 and does not read digits")
    expect(page.locator("#pad .answer")).to_have_text("7")
    expect(page.locator("#pad .networks .own")).to_be_hidden()
    line.get_by_role("button", name="Back to the best network").click()
    expect(page.locator(".no-digits:visible")).to_have_count(0)


def test_clothes_are_trained_on_and_tried_on_a_phone(open_tab):
    tab = open_tab(**PHONE)
    page = tab.page
    _train_on(tab, FASHION_MNIST)
    expect(page.locator(".outcome table tr").nth(1)).to_contain_text("T-shirt/top")
    page.get_by_role("button", name=re.compile("^Test picture 2: ")).tap()
    expect(page.locator(".taken-for")).to_contain_text("sure")
    expect(page.locator(".camera-file")).to_have_attribute("capture", "environment")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []

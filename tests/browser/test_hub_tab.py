"""Networks and signs of the Hugging Face Hub, fetched through the page from a stand-in for it."""

import numpy as np
import pytest
from playwright.sync_api import expect

from cnn import load_model
from recognition.hub import WEIGHTS_FILE
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.browser.conftest import PHONE, Visitors
from tests.browser.driver import Pad, TrainTab, load_from_hub, serve_app
from tests.browser.layout import faults_of
from tests.browser.quick_app import PROGRAM, learn_signs_beside_fewer
from tests.browser.signs_tab import HEART, SignsTab, varied
from tests.hub_server import serve_hub
from tests.signs import drawings
from training.own_signs import learn_signs
from training.sign_files import save_signs, without_examples
from training.sign_hub import SIGNS_FILE


@pytest.fixture(scope="module")
def hub_and_url():
    """A stand-in, and the address of an app that takes it for the Hub."""
    with serve_hub() as hub, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", hub.address)
        environment.setenv("HF_HUB_DISABLE_XET", "1")
        with serve_app(program=PROGRAM) as app:
            yield hub, app.url


@pytest.fixture
def open_tab(contexts, hub_and_url):
    visitors = Visitors(contexts, hub_and_url[1], TrainTab)
    yield visitors
    visitors.leave()


def test_a_network_is_loaded_by_its_name_and_reads_for_this_visitor(open_tab, hub_and_url):
    hub, _ = hub_and_url
    hub.put("ada/digits", {WEIGHTS_FILE: SHIPPED["seed"].read_bytes()})
    tab = open_tab()
    load_from_hub(tab.page, "ada/digits")
    tab.page.get_by_text("Loaded. It is tested now").wait_for()
    tab.settle("done")
    tab.button("Use this network").click()
    tab.page.get_by_text("read by your own network").wait_for()


def test_what_cannot_be_loaded_is_told_and_the_page_goes_on(open_tab):
    tab = open_tab(**PHONE)
    load_from_hub(tab.page, "ada/nothing")
    tab.page.get_by_text("There is no ada/nothing on the Hub").wait_for()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    load_from_hub(tab.page, "digits")
    tab.page.get_by_text('A name on the Hub is "user/model"').wait_for()


def test_away_from_a_space_the_page_tells_the_command_that_pushes(open_tab):
    page = open_tab().page
    page.get_by_text("python -m training push").wait_for()
    expect(page.get_by_role("button", name="Sign in")).to_be_hidden()
    expect(page.get_by_role("button", name="Push")).to_be_hidden()


def _put_signs(hub, folder):
    """Two signs in ada/signs, shared without their drawings."""
    images, labels = drawings(8, seed=1, shapes=["heart", "zig zag"])
    signs = learn_signs(load_model(DEFAULT_WEIGHTS).model, images, np.array(labels), ["love", "zap"])
    save_signs(folder / SIGNS_FILE, *without_examples(signs))
    hub.put("ada/signs", {SIGNS_FILE: (folder / SIGNS_FILE).read_bytes()})


def test_on_a_phone_signs_are_loaded_by_their_name_and_read_and_what_cannot_be_is_told(
    contexts, hub_and_url, tmp_path, monkeypatch
):
    hub, url = hub_and_url
    learn_signs_beside_fewer(monkeypatch.setattr)
    _put_signs(hub, tmp_path)
    visitors = Visitors(contexts, url, Pad)
    signs = SignsTab.of(visitors(**PHONE))
    report = signs.find(".hub")
    for name, words in (("ada/none", "There is no ada/none"), ("ada", 'A name on the Hub is "user/model"')):
        load_from_hub(signs.page.locator("#signs"), name)
        report.get_by_text(words).wait_for()
    load_from_hub(signs.page.locator("#signs"), "ada/signs")
    report.get_by_text("Loaded: draw one of the signs.").wait_for()
    signs.find(".task").get_by_text("They came without drawings").wait_for()
    signs.draw(varied(HEART, 1))
    answer, bars = signs.read()
    assert (answer, list(bars)) == ("love", ["love", "zap", "anything else"])
    command = signs.find(".hub .elsewhere")
    expect(command).to_contain_text("python -m training push you/my-signs --weights my-signs.npz")
    expect(signs.find(".hub .pushing")).to_be_hidden()
    assert faults_of(signs.page) == []
    visitors.leave()

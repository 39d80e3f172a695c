"""Signs of the Hugging Face Hub, fetched through the page from a stand-in for it."""

import numpy as np
from playwright.sync_api import expect

from cnn import load_model
from recognition.reader import DEFAULT_WEIGHTS
from tests.browser.conftest import PHONE, Visitors
from tests.browser.driver import Pad, load_from_hub
from tests.browser.layout import faults_of
from tests.browser.signs_tab import HEART, SignsTab, varied
from tests.signs import drawings
from training.own_signs import learn_signs
from training.sign_files import save_signs, without_examples
from training.sign_hub import SIGNS_FILE


def _put_signs(hub, folder):
    """Two signs in ada/signs, shared without their drawings."""
    images, labels = drawings(8, seed=1, shapes=["heart", "zig zag"])
    signs = learn_signs(load_model(DEFAULT_WEIGHTS).model, images, np.array(labels), ["love", "zap"])
    save_signs(folder / SIGNS_FILE, *without_examples(signs))
    hub.put("ada/signs", {SIGNS_FILE: (folder / SIGNS_FILE).read_bytes()})


def test_on_a_phone_signs_are_loaded_by_their_name_and_read_and_what_cannot_be_is_told(
    contexts, hub_and_url, tmp_path
):
    hub, url = hub_and_url
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

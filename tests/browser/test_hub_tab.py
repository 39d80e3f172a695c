"""A network of the Hugging Face Hub, fetched through the page from a stand-in for it."""

import pytest

from recognition.hub import WEIGHTS_FILE
from recognition.reader import SHIPPED
from tests.browser.conftest import PHONE, Visitors
from tests.browser.driver import TrainTab, load_from_hub


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
    assert not page.get_by_role("button", name="Sign in").is_visible()
    assert not page.get_by_role("button", name="Push").is_visible()

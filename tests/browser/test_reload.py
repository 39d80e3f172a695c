"""A page that is loaded anew, and another tab of its browser, find all again; no other browser does."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.driver import DIGITS, TrainTab

SLOW = 120_000  # milliseconds
PHASE = "document.querySelector('#train .tab')?.dataset.phase"
KEY = "localStorage.getItem('digits-from-scratch/visitor')"


def _await_phase(page, *phases):
    page.wait_for_function(f"phases => phases.includes({PHASE})", arg=list(phases), timeout=SLOW)
    return page.evaluate(PHASE)


def _call(url, name, payload):
    """What the server answers to a call of the Train tab."""
    components = httpx.get(f"{url}/config", timeout=120).json()["components"]
    [number] = [one["id"] for one in components if one["props"].get("elem_id") == "train"]
    call = {"component_id": number, "fn_name": name, "session_hash": "stranger", "data": payload}
    return httpx.post(f"{url}/gradio_api/component_server", json=call, timeout=120).json()


def _teach_seven(tab):
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    tab.page.locator(".labels button").nth(7).click()
    tab.page.get_by_role("button", name="Delete this 7").wait_for()


def test_a_reload_goes_on_watching_a_training_and_no_other_browser_reaches_it(open_train_tab, app, url):
    ann, bob = open_train_tab(keep=False), open_train_tab()
    addresses = []
    ann.page.on("request", lambda request: addresses.append(request.url))
    _teach_seven(ann)
    ann.go_to("Train")
    ann.start(images=20_000, epochs=30)
    ann.settle("training")
    asked = []
    ann.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    ann.page.reload()
    # Where the machine was busy for longer than a page may be away, it waits to be resumed, and that is said.
    if _await_phase(ann.page, "training", "paused") == "paused":
        ann.go_to("Train")
        ann.button("Resume").click()
    _await_phase(ann.page, "training")
    before = ann.points
    ann.page.wait_for_function(
        "n => Number(document.querySelector('[data-chart=loss] .plot').dataset.points) !== n", arg=before
    )
    ann.go_to("Draw")
    expect(ann.page.get_by_role("button", name="Delete this 7")).to_have_count(1)
    assert asked == []  # nothing is lost, so nothing is asked

    key = ann.page.evaluate(KEY)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", key)
    assert key != bob.page.evaluate(KEY)
    guessed = key[:-1] + ("A" if key[-1] != "A" else "E")
    bob.page.evaluate("key => localStorage.setItem('digits-from-scratch/visitor', key)", guessed)
    bob.page.reload()
    _await_phase(bob.page, "idle")
    expect(bob.page.get_by_role("button", name="Delete this 7")).to_have_count(0)
    stranger = _call(url, "watch", {"visitor": guessed, "payload": None})
    assert (stranger["version"], stranger["mine"]["examples"]) == (0, [])
    assert _call(url, "watch", {"visitor": key, "payload": None})["version"] > 0
    assert not any(key in address for address in addresses)
    assert key not in app.log.read_text()
    _call(url, "forget", {"visitor": key, "payload": None})  # or it would train on for ten minutes


def test_whoever_comes_next_in_the_same_page_finds_nothing_of_the_one_before(contexts, url):
    stores = "[localStorage.mark, sessionStorage.mark, document.cookie]"
    used, kept = [], []
    for _ in range(2):
        visitors = Visitors(contexts, url)
        page = visitors().page
        kept.append(page.evaluate(stores))
        page.evaluate("localStorage.mark = sessionStorage.mark = 'here'; document.cookie = 'mark=here'")
        visitors.leave()
        used.append(page)
    assert used[0] is used[1]
    assert kept == [[None, None, ""]] * 2


def test_two_tabs_share_what_one_begins_and_forget_it_together(open_train_tab):
    one = open_train_tab()
    two = TrainTab(one.page.context.new_page(), one.page.url)
    key = one.page.evaluate(KEY)
    _teach_seven(one)
    two.go_to("Draw")
    two.page.get_by_role("button", name="Delete this 7").wait_for()
    one.go_to("Train")
    one.button("Forget me").click()
    one.page.get_by_role("button", name="Keep all").click()
    expect(one.page.get_by_role("dialog")).to_be_hidden()
    assert one.page.evaluate(KEY) == key
    one.button("Forget me").click()
    one.page.get_by_role("dialog").get_by_role("button", name="Forget me").click()
    two.page.get_by_role("button", name="Delete this 7").wait_for(state="detached")
    assert one.page.evaluate(KEY) != key
    expect(one.button("Forget me")).to_be_hidden()
    for tab in (one, two):
        expect(tab.page.get_by_role("button", name="Delete this 7")).to_have_count(0)
        expect(tab.page.get_by_text("could not be kept")).to_be_hidden()


@pytest.mark.parametrize("blocked", ["localStorage", "setItem"])
def test_a_browser_that_stores_nothing_works_and_asks_before_it_loses_something(open_train_tab, blocked):
    block = {
        "localStorage": "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})",
        "setItem": "Storage.prototype.setItem = () => {throw new DOMException('full')}",
    }[blocked]
    tab = open_train_tab(keep=False)
    tab.page.add_init_script(block)
    tab.page.evaluate("localStorage.clear()")
    tab.page.reload()
    _teach_seven(tab)
    asked = []
    tab.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    tab.page.reload()
    tab.page.wait_for_function("document.querySelector('.sure')?.textContent")
    assert asked == ["beforeunload"]
    expect(tab.page.get_by_role("button", name="Delete this 7")).to_have_count(0)

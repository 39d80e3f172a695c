"""The real app in a process of its own, and a real Chromium, once for all browser tests."""

import collections
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, sync_playwright

from tests.browser.driver import CHROMIUM, Pad, PhotoTab, Served, TrainTab, launch_chromium, serve_app
from tests.browser.quick_app import PROGRAM
from tests.hub_server import serve_hub

Tab = Pad | PhotoTab | TrainTab
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


@pytest.fixture(scope="session")
def app() -> Iterator[Served]:
    with serve_app(program=PROGRAM) as app:
        yield app
        printed = app.log.read_text()
    assert "Traceback" not in printed, printed


@pytest.fixture(scope="session")
def url(app: Served) -> str:
    return app.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        reason = "Chromium is not installed, or not where $CHROMIUM says"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; in CI the browser tests may not be skipped")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = launch_chromium(playwright)
        yield chromium
        chromium.close()


class Contexts:
    """Browser contexts, each lent to one visitor after the other.

    The scripts are in its cache already, so a page opens with half the work of one in a new context.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.idle: dict[str, list[BrowserContext]] = collections.defaultdict(list)  # by their options
        self.lent: dict[BrowserContext, str] = {}

    def lend(self, options: dict[str, Any]) -> BrowserContext:
        key = json.dumps(options, sort_keys=True)
        context = self.idle[key].pop() if self.idle[key] else self.browser.new_context(**options)
        if "permissions" in options:
            context.grant_permissions(options["permissions"])  # which were taken back with all others
        self.lent[context] = key
        return context

    def take_back(self, context: BrowserContext) -> None:
        """Closes its pages, and undoes what a test did to it; what a page stored, Visitors deletes."""
        for page in context.pages:
            page.close()
        context.unroute_all()
        context.set_offline(False)
        context.clear_permissions()
        context.clear_cookies()
        self.idle[self.lent.pop(context)].append(context)


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    return Contexts(browser)


class Visitors:
    """Opens the page for new visitors, and notes what no page may do: fail, or turn to another host."""

    def __init__(self, contexts: Contexts, url: str, tab: type[Tab] = Pad) -> None:
        self.tab = tab
        self.pool = contexts
        self.url = url
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(
        self, query: str = "", expected_errors: str | None = None, sockets: bool = True, **options: Any
    ) -> Tab:
        """The tab in a browser context with these options; console errors with these words are let by.

        sockets: whether the pad may open one, or else has to post its drawings.
        """
        context = self.pool.lend(DESKTOP | options)
        self.contexts.append(context)
        page = context.new_page()
        left = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(self.url)), "storageTypes": "all"}
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", left)
        if not sockets:
            page.route_web_socket("**/live", lambda socket: socket.close())
        page.on("console", lambda message: self._check_message(message, expected_errors))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._check_request)
        return self.tab(page, self.url + query)

    def _check_message(self, message: ConsoleMessage, expected: str | None) -> None:
        if message.type == "error" and not (expected and expected in message.text):
            self.complaints.append(f"console: {message.text}")

    def _check_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"request to another host: {request.url}")
        if request.resource_type == "font":
            self.complaints.append(f"a font that the system has not: {request.url}")

    def leave(self) -> None:
        for context in self.contexts:
            self.pool.take_back(context)
        assert self.complaints == []


@pytest.fixture
def open_pad(contexts: Contexts, url: str) -> Iterator[Visitors]:
    visitors = Visitors(contexts, url)
    yield visitors
    visitors.leave()


@pytest.fixture(scope="session")
def _long_visit(contexts: Contexts, url: str) -> Iterator[Pad]:
    visitors = Visitors(contexts, url)
    yield visitors(sockets=False)
    visitors.leave()


@pytest.fixture
def used_pad(_long_visit: Pad) -> Pad:
    """An empty pad on which others have drawn before: ready at once, for tests that do not mind."""
    _long_visit.page.unroute_all()
    _long_visit.page.locator(".clear").click(force=True)  # though it may be disabled
    _long_visit.settle("empty")
    return _long_visit


@pytest.fixture
def pad(open_pad: Visitors) -> Pad:
    return open_pad()


@pytest.fixture
def phone(open_pad: Visitors) -> Pad:
    return open_pad(**PHONE)


@pytest.fixture
def open_photo_tab(contexts: Contexts, url: str) -> Iterator[Visitors]:
    visitors = Visitors(contexts, url, PhotoTab)
    yield visitors
    visitors.leave()


@pytest.fixture
def photo_tab(open_photo_tab: Visitors) -> PhotoTab:
    return open_photo_tab()


@pytest.fixture
def open_train_tab(contexts: Contexts, url: str) -> Iterator[Visitors]:
    visitors = Visitors(contexts, url, TrainTab)
    yield visitors
    visitors.leave()


@pytest.fixture(scope="module")
def hub_and_url():
    """A stand-in, and the address of an app that takes it for the Hub."""
    with serve_hub() as hub, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", hub.address)
        environment.setenv("HF_HUB_DISABLE_XET", "1")
        with serve_app() as app:
            yield hub, app.url

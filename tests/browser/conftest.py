"""The real app in a process of its own, and a real Chromium, once for all browser tests."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, sync_playwright

from tests.browser.driver import CHROMIUM, Pad, PhotoTab, Served, TrainTab, launch_chromium, serve_app

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
    with serve_app() as app:
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


class Visitors:
    """Opens the page for new visitors, and notes what no page may do: fail, or turn to another host."""

    def __init__(self, browser: Browser, url: str, tab: type[Tab] = Pad) -> None:
        self.tab = tab
        self.browser = browser
        self.url = url
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(
        self, query: str = "", expected_errors: str | None = None, sockets: bool = True, **options: Any
    ) -> Tab:
        """The tab in a browser context with these options; console errors with these words are let by.

        sockets: whether the pad may open one, or else has to post its drawings.
        """
        self.contexts.append(self.browser.new_context(**(DESKTOP | options)))
        page = self.contexts[-1].new_page()
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
            context.close()
        assert self.complaints == []


@pytest.fixture
def open_pad(browser: Browser, url: str) -> Iterator[Visitors]:
    visitors = Visitors(browser, url)
    yield visitors
    visitors.leave()


@pytest.fixture(scope="session")
def _long_visit(browser: Browser, url: str) -> Iterator[Pad]:
    visitors = Visitors(browser, url)
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
def open_photo_tab(browser: Browser, url: str) -> Iterator[Visitors]:
    visitors = Visitors(browser, url, PhotoTab)
    yield visitors
    visitors.leave()


@pytest.fixture
def photo_tab(open_photo_tab: Visitors) -> PhotoTab:
    return open_photo_tab()


@pytest.fixture
def open_train_tab(browser: Browser, url: str) -> Iterator[Visitors]:
    visitors = Visitors(browser, url, TrainTab)
    yield visitors
    visitors.leave()

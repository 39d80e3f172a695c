"""The real app in a process of its own, and a real Chromium, once for all browser tests."""

import collections
import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.browser.driver import CHROMIUM, Pad, PhotoTab, Served, TrainTab, launch_chromium, serve_app
from tests.browser.quick_app import PROGRAM

Tab = Pad | PhotoTab | TrainTab
Handlers = dict[str, Callable[[Any], None]]  # by the event of a page
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
    """Browser contexts, each lent with a page to one visitor after the other.

    The scripts are in the cache of a context already, and a page that stays open keeps its process: so ours
    opens in it with a third of the work that it is in a new context.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.idle: dict[str, list[Page]] = collections.defaultdict(list)  # by their options
        self.lent: dict[Page, tuple[str, dict[str, Any]]] = {}

    def lend(self, options: dict[str, Any], sockets: bool = True) -> Page:
        """An empty page of a context with these options; one without sockets refuses the pad's."""
        key = json.dumps([options, sockets], sort_keys=True)
        page = self.idle[key].pop() if self.idle[key] else self._open(options, sockets)
        if "permissions" in options:
            page.context.grant_permissions(options["permissions"])  # which were taken back with all others
        self.lent[page] = key, options
        return page

    def _open(self, options: dict[str, Any], sockets: bool) -> Page:
        page = self.browser.new_context(**options).new_page()
        if not sockets:
            page.route_web_socket("**/live", lambda socket: socket.close())
        return page

    def take_back(self, page: Page, keep: bool = True) -> None:
        """Undoes what a test did to a page and its context; what a page stored, Visitors deletes.

        keep: False where something outlasts what the page shows, such as an init script.
        """
        key, options = self.lent.pop(page)
        context = page.context
        for other in context.pages:
            if other is not page:
                other.close()
        if not keep or page.is_closed():
            context.close()
            return
        context.unroute_all()
        context.set_offline(False)
        context.clear_permissions()
        context.clear_cookies()
        page.unroute_all()
        page.goto("about:blank")  # where nothing moves, and nobody waits for the server
        page.mouse.up()
        page.mouse.move(0, 0)
        page.set_viewport_size(options["viewport"])
        motion = options.get("reduced_motion", "no-preference")
        page.emulate_media(color_scheme=options.get("color_scheme", "light"), reduced_motion=motion)
        self.idle[key].append(page)


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    return Contexts(browser)


class Visitors:
    """Opens the page for new visitors, and notes what no page may do: fail, or turn to another host."""

    def __init__(self, contexts: Contexts, url: str, tab: type[Tab] = Pad) -> None:
        self.tab = tab
        self.pool = contexts
        self.url = url
        self.pages: dict[Page, tuple[Handlers, bool]] = {}  # and whether others may have it
        self.complaints: list[str] = []

    def __call__(
        self,
        query: str = "",
        expected_errors: str | None = None,
        sockets: bool = True,
        keep: bool = True,
        **options: Any,
    ) -> Tab:
        """The tab in a browser context with these options; console errors with these words are let by.

        sockets: whether the pad may open one, or else has to post its drawings.
        keep: False for a test that listens to the page or adds an init script, of which whoever has the page
            next would not know.
        """
        page = self.pool.lend(DESKTOP | options, sockets)
        handlers = {
            "console": lambda message: self._check_message(message, expected_errors),
            "pageerror": lambda error: self.complaints.append(f"script: {error}"),
            "request": self._check_request,
        }
        self.pages[page] = handlers, keep
        self._clear(page)
        for event, handler in handlers.items():
            page.on(event, handler)
        return self.tab(page, self.url + query)

    def _clear(self, page: Page) -> None:
        """Leaves nothing of what others have stored in this browser."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        page.goto(f"{origin}/health")  # a page of this origin, without our scripts
        page.evaluate("sessionStorage.clear()")
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()

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
        for page, (handlers, keep) in self.pages.items():
            for event, handler in handlers.items():
                page.remove_listener(event, handler)
            self.pool.take_back(page, keep)
        assert self.complaints == []


@pytest.fixture
def open_pad(contexts: Contexts, url: str) -> Iterator[Visitors]:
    visitors = Visitors(contexts, url)
    yield visitors
    visitors.leave()


@pytest.fixture(scope="module")  # an open page is work, even one that nobody looks at
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


@pytest.fixture(scope="module")
def _long_photo_visit(contexts: Contexts, url: str) -> Iterator[PhotoTab]:
    visitors = Visitors(contexts, url, PhotoTab)
    yield visitors()
    visitors.leave()


@pytest.fixture
def photo_tab(_long_photo_visit: PhotoTab) -> PhotoTab:
    """An empty Photo tab in which others have had photos read before, as `used_pad`."""
    page = _long_photo_visit.page
    page.unroute_all()
    page.locator("#photo details").evaluate_all("all => all.forEach((one) => { one.open = false; })")
    page.locator("#photo .clear").dispatch_event("click")  # though it may be hidden
    if page.get_by_role("button", name="Clear anyway").is_visible():
        page.get_by_role("button", name="Clear anyway").click()
    _long_photo_visit.settle("empty")
    return _long_photo_visit


@pytest.fixture
def open_train_tab(contexts: Contexts, url: str) -> Iterator[Visitors]:
    visitors = Visitors(contexts, url, TrainTab)
    yield visitors
    visitors.leave()

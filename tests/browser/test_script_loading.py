"""The page's scripts reach the browser: once, from wherever the page is shown, or with a word why not."""

import collections
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visitors
from tests.browser.driver import DIGITS, PATIENCE, TrainTab, along, in_pixels, serve_app
from tests.nginx import serve_nginx
from tests.serving import serve
from ui import scripts

SCRIPTS = "**/scripts/**"
FAILURE = "This part of the page could not be loaded"
# All but the Inside tab, which is mounted, and its modules fetched, when it is first opened.
AT_REST = [*scripts.FIRST, *scripts.LATER]
MOST_BYTES = 325_000  # of the page and the scripts that are fetched at first, before they are compressed

# A proxy that serves the app under a path.
UNDER_A_PATH = """
worker_processes 1;
pid @folder/nginx.pid;
error_log @folder/error.log;
events {}
http {
    access_log off;
    client_body_temp_path @folder/body;
    proxy_temp_path @folder/proxy;
    fastcgi_temp_path @folder/fastcgi;
    uwsgi_temp_path @folder/uwsgi;
    scgi_temp_path @folder/scgi;
    server {
        listen 127.0.0.1:@port;
        location = /favicon.ico {  # a browser asks for it here, whatever the path
            proxy_pass http://127.0.0.1:@app;
        }
        location /digits/ {
            proxy_pass http://127.0.0.1:@app/;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_buffering off;
            @upgrade
        }
    }
}
"""
UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"


def _script_of(url, name="draw/pad.js"):
    return f"{url}/{scripts.address_of(name)}"


def test_scripts_are_served_as_modules_that_a_browser_may_keep(url):
    answer = httpx.get(_script_of(url))
    assert answer.status_code == 200
    assert answer.content == scripts.MODULES["draw/pad.js"]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.head(_script_of(url)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "scripts/0123456789abcdef/draw/pad.js",
        f"scripts/{scripts.VERSION}/draw/nothing.js",
        f"scripts/{scripts.VERSION}/draw/tab.py",
        f"scripts/{scripts.VERSION}/draw/pad.html",
        f"scripts/{scripts.VERSION}/mount.js",
        f"scripts/{scripts.VERSION}/draw/%2e%2e/shared/session.js",
        f"scripts/{scripts.VERSION}/",
        "scripts/",
    ],
)
def test_nothing_else_is_served_there(url, path):
    answer = httpx.get(f"{url}/{path}")
    assert answer.status_code == 404
    assert "There is no" in answer.json()["error"]
    assert "max-age" not in answer.headers.get("cache-control", "")


def test_the_page_and_its_scripts_are_light(url):
    page = httpx.get(url).content
    assert len(page) + sum(len(scripts.MODULES[name]) for name in scripts.FIRST) < MOST_BYTES


def test_each_module_is_fetched_and_evaluated_once_a_page(open_train_tab):
    requests = collections.Counter()
    tab = open_train_tab()
    page = tab.page

    def count(route: Route) -> None:
        name = route.request.url.partition(f"{scripts.VERSION}/")[2]
        requests[name] += 1
        counted = f"(globalThis.evaluated ??= []).push({name!r});\n"
        route.fulfill(body=counted + scripts.MODULES[name].decode(), content_type="text/javascript")

    page.route(SCRIPTS, count)
    page.reload()
    for name in ("Draw", "Photo", "Signs", "Train", "Draw"):
        tab.go_to(name)
        page.wait_for_timeout(200)
    tab.pad.draw(DIGITS[7])
    once = {name: 1 for name in AT_REST}
    assert requests == once
    assert collections.Counter(page.evaluate("evaluated")) == once
    entries = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert sum("/scripts/" in name for name in entries) == len(once)


def test_scripts_leave_no_names_on_the_window(open_pad):
    def names(pad):
        return set(pad.page.evaluate("Object.keys(window)"))

    pad = open_pad(expected_errors="Failed to")
    pad.draw(DIGITS[7])
    with_scripts = names(pad)
    pad.page.route(SCRIPTS, lambda route: route.abort())
    pad.page.reload()
    pad.page.get_by_text(FAILURE).first.wait_for()
    assert with_scripts - names(pad) == set()


def test_a_tab_can_be_opened_for_the_first_time_without_a_connection(open_pad):
    page = open_pad().page
    page.wait_for_function(
        "count => performance.getEntriesByType('resource').filter(({ name, responseEnd }) =>"
        " responseEnd > 0 && name.includes('/scripts/')).length === count",
        arg=len(AT_REST),
    )
    page.context.set_offline(True)
    page.get_by_role("tab", name="Photo").click()
    page.get_by_text("Waiting for a photo").wait_for()


def test_the_tabs_share_what_the_visitor_has_chosen(open_train_tab):
    tab = open_train_tab()
    tab.go_to("Draw")
    tab.page.get_by_text("Simple network").first.click()
    tab.go_to("Photo")
    tab.page.get_by_text("Read by the simple network").wait_for()


def test_a_page_under_the_path_of_a_proxy_finds_its_scripts_and_the_road_of_its_drawings(contexts, tmp_path):
    with serve_app(GRADIO_ROOT_PATH="/digits") as app:
        port = int(app.url.rpartition(":")[2])
        for upgrade in (UPGRADE, ""):  # a proxy that lets sockets through, and one that does not
            configuration = UNDER_A_PATH.replace("@upgrade", upgrade)
            with serve_nginx(configuration, tmp_path, app=port) as address:
                visitors = Visitors(contexts, f"{address}/digits/", TrainTab)
                tab = visitors(expected_errors=None if upgrade else "WebSocket", keep=False)
                frames = []
                tab.page.on(
                    "websocket",
                    lambda socket, seen=frames: socket.on("framereceived", lambda frame: seen.append(frame)),
                )
                tab.go_to("Photo")
                tab.page.get_by_text("Waiting for a photo").wait_for()
                tab.go_to("Draw")
                for digit in (7, 4):
                    tab.pad.draw(DIGITS[digit])
                    expect(tab.page.locator("#pad .answer")).to_have_text(str(digit))
                    tab.page.locator("#pad .clear").click()
                assert bool(frames) == bool(upgrade)
                visitors.leave()


@pytest.fixture
def other_site(url):
    """The address of a page of another site, with ours in a frame of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{url}" width="1240" height="860"></iframe>'.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serve(server)
        yield f"http://localhost:{server.server_port}"  # to a browser, another site than 127.0.0.1
        server.shutdown()


def test_a_page_in_a_frame_of_another_site_finds_its_scripts(browser, other_site):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.goto(other_site)
    inside = page.frame_locator("iframe")
    inside.get_by_text("Waiting for ink").wait_for()
    box = inside.locator("canvas.strokes").bounding_box()
    for stroke in DIGITS[7]:
        path = [in_pixels(point, box) for point in along(stroke)]
        page.mouse.move(*path[0])
        page.mouse.down()
        for x, y in path[1:]:
            page.mouse.move(x, y)
        page.mouse.up()
    inside.locator(".reading[data-state=read]").first.wait_for()
    expect(inside.locator(".answer").first).to_have_text("7")
    page.close()


def _abort(route: Route) -> None:
    route.abort()


def _fail(route: Route) -> None:
    route.fulfill(status=502, body="Bad gateway")


@pytest.mark.parametrize(
    ("how", "which"),
    [(_abort, SCRIPTS), (_fail, "**/scripts/**/shared/session.js")],
    ids=["no connection", "bad gateway for one that is shared"],
)
def test_a_page_whose_scripts_do_not_load_says_so_and_offers_another_try(open_pad, how, which):
    pad = open_pad(expected_errors="Failed to")
    page = pad.page
    page.route(which, how)
    page.reload()
    for tab in ("Draw", "Photo", "Signs", "Train"):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("alert").get_by_text(FAILURE).filter(visible=True).first.wait_for()
    page.get_by_role("tab", name="Draw").click()
    if which == SCRIPTS:
        page.get_by_role("button", name="Try again").filter(visible=True).click()
        page.get_by_text("There is still no connection").wait_for()
    page.unroute(which)
    page.get_by_role("button", name="Try again").filter(visible=True).click()
    page.get_by_text("Waiting for ink").wait_for()
    expect(page.get_by_text(FAILURE)).to_be_hidden()
    pad.draw(DIGITS[7])
    assert pad.answer == "7"


def test_a_page_older_than_its_server_is_loaded_anew(open_pad):
    pad = open_pad(expected_errors="Failed to")
    pad.page.route(
        SCRIPTS, lambda route: route.fulfill(status=404, json={"error": "There is no such script."})
    )
    pad.page.reload()
    pad.page.get_by_text(FAILURE).first.wait_for()
    with pad.page.expect_navigation():
        pad.page.get_by_role("button", name="Try again").first.click()

"""Two replicas behind nginx, as docs/nginx.conf sets them up: each visitor stays with one of them."""

import base64
import contextlib
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from jobs.drawing_message import unpack_answer
from tests.browser.driver import serve_app
from tests.nginx import PATIENCE, serve_nginx
from tests.pad import drawn_seven, hello
from tests.sockets import Socket

CONFIGURATION = Path(__file__).parents[1] / "docs" / "nginx.conf"
VISITORS = 16  # all with the same replica by chance: once in 30,000 runs


class Visitor:
    """A browser with its cookies, and a page open in it."""

    def __init__(self, url, key):
        self.client, self.key = httpx.Client(base_url=url, timeout=PATIENCE), key
        self.client.get("/").raise_for_status()
        parts = self.client.get("/config").raise_for_status().json()["components"]
        self.components = {part["props"].get("elem_id"): part["id"] for part in parts}
        self.replicas = []

    def call(self, component, function, argument):
        asked = {
            "data": argument,
            "component_id": self.components[component],
            "fn_name": function,
            "session_hash": self.key,
        }
        answer = self.client.post("/gradio_api/component_server", json=asked).raise_for_status()
        self.replicas.append(answer.headers["X-Replica"].split(",")[-1].strip())
        return answer.json()

    def reads_a_seven(self):
        """As the page does where a proxy forbids sockets."""
        headers = {"Content-Type": "application/octet-stream"}
        body = hello(self.key).encode() + b"\n" + drawn_seven()
        answer = self.client.post("/live", content=body, headers=headers).raise_for_status()
        self.replicas.append(answer.headers["X-Replica"].split(",")[-1].strip())
        return [found["digit"] for found in unpack_answer(answer.content)["digits"]] == [7]

    def reads_a_seven_on_a_socket(self):
        cookie = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        url = self.client.base_url
        with Socket(url.host, url.port, cookie=cookie) as socket:
            return [found["digit"] for found in socket.opened(self.key).read()["digits"]] == [7]

    def teaches_an_example(self):
        picture = base64.b64encode(bytes(28 * 10) + b"\xff" * 28 + bytes(28 * 17)).decode()
        return self.call("pad", "add_example", {"picture": picture, "label": 7})

    def examples(self):
        return len(self.call("train", "watch", None)["mine"]["examples"])


@pytest.fixture(scope="module")
def replicas():
    with serve_app(DIGITS_PROXIES="1") as first, serve_app(DIGITS_PROXIES="1") as second:
        yield first, second


@pytest.fixture(scope="module")
def url(replicas, tmp_path_factory):
    port1, port2 = (urlsplit(replica.url).port for replica in replicas)
    folder = tmp_path_factory.mktemp("nginx")
    with serve_nginx(CONFIGURATION.read_text(), folder, port1=port1, port2=port2) as url:
        yield url


def test_a_visitor_stays_with_one_replica_and_when_that_dies_the_other_takes_over(url, replicas):
    with contextlib.ExitStack() as browsers:
        visitors = [Visitor(url, f"visitor{i}") for i in range(VISITORS)]
        for visitor in visitors:
            browsers.callback(visitor.client.close)
        visit(visitors, replicas)


def visit(visitors, replicas):
    for visitor in visitors:
        assert visitor.reads_a_seven()
        assert visitor.reads_a_seven_on_a_socket()
        assert "error" not in visitor.teaches_an_example()
        assert visitor.examples() == 1
    homes = [set(visitor.replicas) for visitor in visitors]
    assert all(len(home) == 1 for home in homes)  # each with one
    first, second = (urlsplit(replica.url).netloc for replica in replicas)
    assert set.union(*homes) == {first, second}  # and all together with both

    os.kill(replicas[0].pid, signal.SIGKILL)
    for visitor, home in zip(visitors, homes, strict=True):
        assert visitor.reads_a_seven_on_a_socket()  # whoever it was, and at once
        assert visitor.reads_a_seven()
        if home == {second}:
            assert set(visitor.replicas) == home
            assert visitor.examples() == 1
        else:  # what was kept in the dead replica is gone
            assert visitor.examples() == 0

"""Two replicas behind nginx, as docs/nginx.conf sets them up: each visitor stays with one of them."""

import base64
import contextlib
import getpass
import io
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw

from tests.browser.driver import free_port, serve_app

CONFIGURATION = Path(__file__).parents[1] / "docs" / "nginx.conf"
VISITORS = 16  # all with the same replica by chance: once in 30,000 runs
PATIENCE = 60  # seconds, for a machine that does other things


def drawn_seven():
    picture = Image.new("L", (150, 150), 255)
    ImageDraw.Draw(picture).line([(40, 30), (110, 30), (75, 120)], 0, 11, joint="curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


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
        answer = self.call("pad", "live", {"image": drawn_seven(), "network": "digits"})
        return answer["text"] == "7"

    def teaches_an_example(self):
        picture = base64.b64encode(bytes(28 * 10) + b"\xff" * 28 + bytes(28 * 17)).decode()
        return self.call("pad", "add_example", {"picture": picture, "label": 7})

    def examples(self):
        return len(self.call("train", "watch", None)["mine"]["examples"])


@pytest.fixture(scope="module")
def replicas():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITS_PROXIES", "1")
        with serve_app() as (first, _), serve_app() as (second, _):
            yield [address.removeprefix("http://") for address in (first, second)]


@pytest.fixture(scope="module")
def url(replicas, tmp_path_factory):
    if shutil.which("nginx") is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed; in CI this test may not be skipped")
        pytest.skip("nginx is not installed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    text = CONFIGURATION.read_text()
    ports = [address.split(":")[1] for address in replicas]
    for name, value in (("@folder", folder), ("@port1", ports[0]), ("@port2", ports[1]), ("@port", port)):
        text = text.replace(name, str(value))
    (folder / "nginx.conf").write_text(text)
    options = f"daemon off; {f'user {getpass.getuser()};' if os.getuid() == 0 else ''}"
    nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-g", options])
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                break
            except httpx.HTTPError:
                assert nginx.poll() is None and time.monotonic() < end
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait()


def process_of(address):
    """The pid that listens there."""
    port = f"{int(address.split(':')[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inode = next(
        line.split()[9] for line in lines if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A"
    )
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody listens at {address}")


def test_a_visitor_stays_with_one_replica_and_when_that_dies_the_other_takes_over(url, replicas):
    with contextlib.ExitStack() as browsers:
        visitors = [Visitor(url, f"visitor{i}") for i in range(VISITORS)]
        for visitor in visitors:
            browsers.callback(visitor.client.close)
        visit(visitors, replicas)


def visit(visitors, replicas):
    for visitor in visitors:
        assert visitor.reads_a_seven()
        assert "error" not in visitor.teaches_an_example()
        assert visitor.examples() == 1
    homes = [set(visitor.replicas) for visitor in visitors]
    assert all(len(home) == 1 for home in homes)  # each with one
    assert set.union(*homes) == set(replicas)  # and all together with both

    os.kill(process_of(replicas[0]), signal.SIGKILL)
    for visitor, home in zip(visitors, homes, strict=True):
        assert visitor.reads_a_seven()  # whoever it was, and at once
        if home == {replicas[1]}:
            assert set(visitor.replicas) == home
            assert visitor.examples() == 1
        else:  # what was kept in the dead replica is gone
            assert visitor.examples() == 0

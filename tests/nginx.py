"""A real nginx, for tests of what stands behind one."""

import contextlib
import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.driver import free_port

PATIENCE = 60  # seconds, for a machine that does other things


@contextlib.contextmanager
def serve_nginx(configuration: str, folder: Path, **ports: int | None) -> Iterator[str]:
    """Runs nginx; gives its address. In the configuration, @folder, @port and @NAME of `ports` are put in."""
    if shutil.which("nginx") is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed; in CI this test may not be skipped")
        pytest.skip("nginx is not installed")
    port = free_port()
    for name, value in {"folder": folder, **ports, "port": port}.items():  # @port last: others begin with it
        configuration = configuration.replace(f"@{name}", str(value))
    (folder / "nginx.conf").write_text(configuration)
    options = f"daemon off; {f'user {getpass.getuser()};' if os.getuid() == 0 else ''}"
    nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-g", options])
    try:
        _await_answer(f"http://127.0.0.1:{port}", nginx)
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait()


def _await_answer(url: str, nginx: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(url)  # whatever it answers
            return
        except httpx.HTTPError:
            assert nginx.poll() is None and time.monotonic() < end
            time.sleep(0.1)

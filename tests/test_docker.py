"""The Dockerfile, read as Docker reads it: no daemon is needed, and none is here to build it with.

What it installs and runs is what `test_space.py` installs and runs as nobody; `test_lock.py` reads the lock.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from huggingface_hub import SpaceCard

from tests.browser.driver import free_port
from tests.serving import serve

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
STEPS = [tuple(line.split(None, 1)) for line in LINES if line and not line.startswith("#")]


def _of(instruction):
    return [argument for name, argument in STEPS if name == instruction]


def _environment():
    return dict(pair.split("=", 1) for argument in _of("ENV") for pair in shlex.split(argument))


def _copied():
    """The names in the repository's folder that COPY . takes, by .dockerignore."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert "*" in rules
    return kept


def test_it_runs_on_the_python_that_a_space_has():
    [base] = _of("FROM")
    version = SpaceCard.load(ROOT / "README.md").data.to_dict()["python_version"]
    assert base == f"python:{version}-slim"


def test_it_installs_from_the_lock_file_and_with_hashes():
    [install] = [command for command in _of("RUN") if "pip install" in command]
    assert "--require-hashes -r requirements.lock" in install


def test_it_runs_as_a_user_who_is_not_root_and_owns_nothing_of_the_app():
    names = [name for name, _ in STEPS]
    [user] = _of("USER")
    assert re.search(rf"useradd .*--uid 1000 {user}$", "\n".join(_of("RUN")), re.MULTILINE)
    assert names.index("CMD") > names.index("USER") > max(i for i, name in enumerate(names) if name == "COPY")


def test_it_takes_along_what_the_app_imports_and_not_the_rest():
    copied = _copied()
    assert all((ROOT / name).exists() for name in copied)
    for package in ("ui", "jobs", "training", "recognition", "cnn", "weights", "app.py", "requirements.lock"):
        assert package in copied
    assert not copied & {"tests", "benchmarks", "docs", ".git", "node_modules"}


def test_it_starts_the_app_where_others_can_reach_it():
    [command] = map(json.loads, _of("CMD"))
    assert command == ["python", "app.py"]
    assert _environment()["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert _of("EXPOSE") == [_environment()["GRADIO_SERVER_PORT"]]


def _health(port):
    [check] = _of("HEALTHCHECK")
    command = check.split(" CMD ", 1)[1].replace("python ", f"{shlex.quote(sys.executable)} ", 1)
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True).returncode


class App(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_the_health_check_tells_an_app_that_is_well_from_one_that_is_not():
    assert _health(free_port()) != 0
    with HTTPServer(("127.0.0.1", 0), App) as server:
        serve(server)
        assert _health(server.server_port) == 0
        App.status = 503
        assert _health(server.server_port) != 0
        server.shutdown()

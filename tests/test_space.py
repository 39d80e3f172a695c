"""What a Hugging Face Space makes of this repository: built as there, run as there, and asked as there.

The tracked files alone, a clean environment with the versions of the README's front matter, a user who is not
root and may write to their home only, and a proxy in front. Takes a minute, most of it pip's.
"""

import base64
import contextlib
import dataclasses
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import SpaceCard

from recognition.hub import WEIGHTS_FILE
from scripts.push_space import ROOT
from tests.browser.driver import free_port
from tests.drawings import canvas, save
from tests.hub_server import serve_hub
from tests.serving import serve
from tests.strokes import STROKES

# From the Spaces configuration reference: what may stand in the front matter, and how long it may be.
KEYS = {
    "title",
    "emoji",
    "colorFrom",
    "colorTo",
    "sdk",
    "sdk_version",
    "python_version",
    "app_file",
    "pinned",
}
KEYS |= {"suggested_hardware", "license", "short_description", "tags", "models", "datasets", "thumbnail"}
KEYS |= {"hf_oauth", "hf_oauth_scopes"}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
# What a Space installs beside requirements.txt, in the same call of pip.
BESIDE = ("gradio[oauth,mcp]=={sdk_version}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")

NOBODY = 65534
HOST = "ada-demo.hf.space"
SECRET = "the secret of the OAuth app"
STARTUP = 300  # seconds, for a machine that does other things
AS_OTHER_SITE = {"Sec-Fetch-Site": "cross-site"}
AS_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclasses.dataclass
class Built:
    """What a Space is made of: `app` holds the repository, `home` is the user's."""

    app: Path
    home: Path
    python: Path


@pytest.fixture(scope="module")
def front_matter():
    return SpaceCard.load(ROOT / "README.md").data.to_dict()


@pytest.fixture(scope="module")
def built(front_matter):
    interpreter = _interpreter(front_matter["python_version"])
    folder = Path(tempfile.mkdtemp(prefix="space-"))  # pytest's own are closed to other users
    try:
        space = Built(folder / "app", folder / "home", folder / "venv" / "bin" / "python")
        folder.chmod(0o755)
        space.home.mkdir()
        if os.geteuid() == 0:
            os.chown(space.home, NOBODY, NOBODY)
        for file in _files():
            (space.app / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, space.app / file)
        subprocess.run([interpreter, "-m", "venv", folder / "venv"], check=True)
        beside = [requirement.format(**front_matter) for requirement in BESIDE]
        # Only what is imported is compiled, when it is: that is a tenth of all, and 20 s less.
        pip = [space.python, "-m", "pip", "install", "-q", "--no-compile", "-r", "requirements.txt", *beside]
        installed = subprocess.run(pip, cwd=space.app, capture_output=True, text=True)
        assert installed.returncode == 0, installed.stdout + installed.stderr
        yield space
    finally:
        shutil.rmtree(folder)


def _interpreter(version):
    """A Python that every user of this machine may run."""
    found = shutil.which(f"python{version}", path=f"/usr/local/bin:/usr/bin:{os.environ['PATH']}")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"There is no Python {version} here; in CI the Space may not go untested")
        pytest.skip(f"There is no Python {version} here")
    return found


def _files():
    """What git tracks, and what it will once it is added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in listed.split("\0") if file and (ROOT / file).is_file()]


@contextlib.contextmanager
def _running(built, hub, **variables):
    """The app, as a Space runs it; gives its port and its process."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(built.home),
        "TMPDIR": str(built.home),
        "PYTHONPYCACHEPREFIX": str(built.home / "compiled"),  # the packages' folders are not its own
        "SYSTEM": "spaces",
        "SPACE_ID": "ada/demo",
        "SPACE_HOST": HOST,
        "SPACE_AUTHOR_NAME": "ada",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SSR_MODE": "true",
        "OAUTH_CLIENT_ID": "the app",
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": "openid profile contribute-repos",
        "OPENID_PROVIDER_URL": hub.address,
        "HF_ENDPOINT": hub.address,
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": "token-of-ada",  # the host's, which no visitor may use
    } | variables
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command = [*(nobody if os.geteuid() == 0 else []), built.python, "app.py"]
    with tempfile.TemporaryFile("w+") as log:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=built.app, env=environment, stdout=log, stderr=log)

        def printed():
            log.seek(0)
            return log.read()

        try:
            while not _answers(port):
                assert process.poll() is None, printed()
                assert time.monotonic() - began < STARTUP, printed()
                time.sleep(0.05)
            print(f"From the start to the first answer: {time.monotonic() - began:.1f} s")
            yield port, process
            assert '"level": "error"' not in printed(), printed()
            assert "token-of" not in printed()
        finally:
            process.kill()
            process.wait()


def _answers(port):
    try:
        return _get(port, "/")[0] == 200
    except OSError:
        return False


def _get(port, path, headers=None):
    """Status, headers and body of a bare request, redirects not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def hub():
    with serve_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def space(built, hub):
    with _running(built, hub) as (port, process):
        yield port, process


@pytest.fixture
def seven(tmp_path):
    return handle_file(save(canvas(STROKES[7]), tmp_path / "seven.png"))


# --- what is said of it


def test_the_front_matter_is_what_spaces_take(front_matter):
    assert set(front_matter) <= KEYS
    assert {"title", "emoji", "license", "tags", "datasets", "hf_oauth"} <= set(front_matter)
    assert front_matter["sdk"] == "gradio"
    assert (ROOT / front_matter["app_file"]).is_file()
    assert {front_matter["colorFrom"], front_matter["colorTo"]} <= COLOURS
    assert len(front_matter["short_description"]) <= 60
    assert re.fullmatch(r"3\.\d+(\.\d+)?", front_matter["python_version"])


def test_the_front_matter_and_the_requirements_name_the_same_gradio(front_matter):
    requirements = (ROOT / "requirements.txt").read_text().split()
    assert f"gradio=={front_matter['sdk_version']}" in requirements


def test_no_file_is_too_large_for_a_push_and_none_is_a_secret():
    files = _files()
    assert max((ROOT / file).stat().st_size for file in files) < 10 * 2**20
    assert not [file for file in files if Path(file).suffix in (".env", ".pem", ".key", ".pyc")]


# --- what becomes of it


def test_the_space_serves_its_page_as_nobody_from_files_that_it_cannot_change(space, built):
    port, process = space
    status, _, page = _get(port, "/")
    assert status == 200
    assert b"Digits from Scratch" in page
    if os.geteuid() == 0:
        uids = re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
        assert int(uids[1]) == NOBODY
    tracked = {built.app / file for file in _files()}
    assert {path for path in built.app.rglob("*") if path.is_file()} == tracked


def test_behind_the_spaces_proxy_the_page_turns_to_https_and_its_own_host(space):
    headers = {"X-Forwarded-Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    _, answered, config = _get(space[0], "/config", headers)
    assert json.loads(config)["root"] == f"https://{HOST}"
    assert "x-frame-options" not in answered  # a Space is shown in a frame of huggingface.co


def test_a_program_has_a_drawing_read_by_the_space(space, seven):
    client = Client(f"http://127.0.0.1:{space[0]}", verbose=False)
    assert client.predict(seven, api_name="/read_drawing")["text"] == "7"


def test_agents_find_our_tools_on_a_space_and_not_gradios(space):
    _, _, schema = _get(space[0], "/gradio_api/mcp/schema", {"Host": HOST, "X-Forwarded-For": "203.0.113.7"})
    assert [tool["name"] for tool in json.loads(schema)] == ["read_photo", "read_drawing"]
    assert all(tool["inputSchema"]["required"] == ["image"] for tool in json.loads(schema))


def test_behind_a_proxy_that_serves_it_under_a_path_it_reads_too(built, hub, seven):
    with _running(built, hub, GRADIO_ROOT_PATH="/digits") as (port, _), _proxy(port, "/digits") as address:
        with urllib.request.urlopen(f"{address}/", timeout=120) as response:
            assert "Digits from Scratch" in response.read().decode()
        client = Client(f"{address}/", verbose=False)
        assert client.predict(seven, api_name="/read_drawing")["text"] == "7"


# --- signing in, there


def test_the_page_offers_to_sign_in_and_asks_for_no_more_than_it_needs(space, hub, front_matter):
    port, _ = space
    [train] = [one for one in _components(port) if one["props"].get("elem_id") == "train"]
    assert train["props"]["props"]["signs_in"] is True
    status, headers, _ = _get(port, "/login/huggingface?_target_url=%2F%3Fsigned-in")
    assert status in (302, 307)
    leads_to = urlsplit(headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(leads_to.query).items()}
    assert f"{leads_to.scheme}://{leads_to.netloc}" == hub.address
    assert asked["redirect_uri"].startswith(f"https://{HOST}/login/callback")
    assert asked["scope"].split() == ["openid", "profile", *front_matter["hf_oauth_scopes"]]


def test_who_is_signed_in_pushes_their_own_network_and_nobody_else_does(space, built, hub):
    port, _ = space
    weights = (ROOT / "weights" / "seed.npz").read_bytes()
    hub.put("ada/public", {WEIGHTS_FILE: weights})
    assert "error" not in _call(port, "load_from_hub", {"model": "ada/public"})
    _call(port, "stop")  # its test, for which MNIST would have to be fetched
    assert _call(port, "use_result")["mine"]["own"]

    cookie = _signed_in_as(built, "bob")
    push = {"name": "mine"}
    assert _call(port, "signed_in") == {"user": None}
    assert _call(port, "signed_in", headers=cookie) == {"user": "bob"}
    assert "not signed in" in _call(port, "push_to_hub", push, AS_PAGE)["error"]
    forged = {"Cookie": cookie["Cookie"][:-3] + "abc"}
    assert "not signed in" in _call(port, "push_to_hub", push, AS_PAGE | forged)["error"]
    assert "from the page itself" in _call(port, "push_to_hub", push, AS_OTHER_SITE | cookie)["error"]
    assert ("model", "bob/mine") not in hub.repositories
    answer = _call(port, "push_to_hub", push, AS_PAGE | cookie)
    assert answer == {"address": f"{hub.address}/bob/mine"}
    assert hub.repositories["model", "bob/mine"].files[WEIGHTS_FILE] == weights


def test_what_is_the_hosts_own_is_not_shown_to_visitors(space, hub):
    hub.put("ada/private", {WEIGHTS_FILE: b""}, private=True)
    assert "There is no ada/private" in _call(space[0], "load_from_hub", {"model": "ada/private"})["error"]


def _components(port):
    return json.loads(_get(port, "/config")[2])["components"]


def _call(port, name, asked=None, headers=None):
    """A server function of the Train tab, as its script calls it."""
    [component] = [one["id"] for one in _components(port) if one["props"].get("elem_id") == "train"]
    call = {"component_id": component, "fn_name": name, "session_hash": "visitor", "data": asked}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/gradio_api/component_server",
        json.dumps(call).encode(),
        {"Content-Type": "application/json"} | (headers or {}),
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.loads(response.read())


def _signed_in_as(built, user):
    """The cookie that Gradio gives whoever comes back from huggingface.co."""
    profile = {"name": user, "preferred_username": user, "profile": "", "picture": ""}
    session = {"oauth_info": {"userinfo": profile, "access_token": f"token-of-{user}", "scope": "openid"}}
    session["oauth_info"]["expires_at"] = int(time.time()) + 3600
    content = base64.b64encode(json.dumps(session).encode()).decode()
    sign = (
        "import hashlib, itsdangerous, sys\n"
        "key = hashlib.sha256((sys.argv[1] + '-v4').encode()).hexdigest()\n"
        "print(itsdangerous.TimestampSigner(key).sign(sys.argv[2]).decode())"
    )
    command = [built.python, "-c", sign, SECRET, content]
    signed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return {"Cookie": f"session={signed}"}


@contextlib.contextmanager
def _proxy(port, prefix):
    """A proxy that serves what is at `port` under `prefix`, which it takes off; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = dict(self.headers) | {"X-Forwarded-Host": self.headers["Host"], "Connection": "close"}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request(self.command, self.path.removeprefix(prefix) or "/", body, headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError, http.client.HTTPException):  # streams last until somebody goes
                while part := answer.read1(65536):  # as it comes
                    self.wfile.write(part)
                    self.wfile.flush()
            connection.close()

        do_GET = do_POST = do_HEAD = _pass_on  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serve(server)
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()

"""A stranger who sends hostile requests to the running app, and what they send."""

import contextlib
import http.client
import io
import itertools
import json
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from tests.browser.driver import Served, data_url, seven

PATIENCE = 300  # seconds until something is taken to never happen
JSON = {"Content-Type": "application/json"}
SERVER = "/gradio_api/component_server/"
UPLOAD = "/gradio_api/upload"

addresses = (f"8.8.{i}.{j}" for i, j in itertools.product(range(1, 250), range(1, 250)))


class App:
    """The running app, as a stranger sees it, and as the machine does."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.url, self.log, self.process = served
        self.folder = folder
        self.host, self.port = urlsplit(self.url).hostname, urlsplit(self.url).port
        status, config = self.ask("GET", "/config")
        assert status == 200
        self.ids = {
            one["props"]["elem_id"]: one["id"]
            for one in config["components"]
            if one["props"].get("elem_id") in ("pad", "photo", "signs", "train", "inside")
        }
        self.functions = {
            one["props"]["elem_id"]: one["props"]["server_fns"]
            for one in config["components"]
            if one["id"] in self.ids.values()
        }
        self.unload = next(
            one["id"]
            for one in config["dependencies"]
            if any(event == "unload" for _, event in one["targets"])
        )

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=None, address=None):
        """Status, and the JSON or text of the answer; as another address each time, if it is not given."""
        with contextlib.closing(self.connect()) as connection:
            told = {"X-Forwarded-For": address or next(addresses)}
            connection.request(method, path, body, told | (headers or {}))
            answer = connection.getresponse()
            self.retry_after = answer.getheader("Retry-After")
            text = answer.read().decode("utf-8", "replace")
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def call(self, tab, name, asked, session="s", address=None):
        """A server function, as the tab's script calls it."""
        call = {"component_id": self.ids[tab], "fn_name": name, "session_hash": session, "data": asked}
        return self.ask("POST", SERVER, json.dumps(call), JSON, address)

    def upload(self, content, name="a.npz", address=None):
        """Where Gradio put the file."""
        body, headers = form([(name, content)])
        status, [path] = self.ask("POST", UPLOAD, body, headers, address)
        assert status == 200
        return path

    @property
    def memory(self) -> int:
        return int(Path(f"/proc/{self.process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def faults(self) -> float:
        """How many faults of the program itself were logged."""
        return float(re.search(r"\ndigits_errors_total (\S+)", self.ask("GET", "/metrics")[1])[1])

    @property
    def kept(self) -> dict[str, int]:
        """What must be no more after a request than before."""
        task = Path(f"/proc/{self.process}/task")
        workers = " ".join(file.read_text() for file in task.glob("*/children")).split()
        uploads = [path for path in self.folder.glob("*/uploads/**/*") if path.is_file()]
        return {
            "open files": len([*Path(f"/proc/{self.process}/fd").iterdir()]),
            "processes": len(workers),
            "uploaded files": len(uploads),
        }


def form(files):
    """The body and the headers of a request with files, (name, content) each."""
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files
    )
    return body + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def bomb(side=60_000) -> bytes:
    """A PNG of a few kilobytes that unpacks to gigabytes."""
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + side // 8)) for _ in range(2000)) + rows.flush()

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def drawing(content) -> dict:
    return {"image": data_url(content)}


def zip_of(name, content) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return file.getvalue()


class _Pickled:
    """Unpickled, it would make a folder."""

    def __reduce__(self):
        return os.mkdir, ("/tmp/digits-pickle-was-run",)


def pickle() -> bytes:
    file = io.BytesIO()
    np.savez(file, format=np.array([_Pickled()], dtype=object), allow_pickle=True)
    return file.getvalue()


def in_words(answer) -> str:
    """The sentence of an answer, which names no path and shows no traceback."""
    text = json.dumps(answer)
    assert not re.search(r"Traceback|File \\\"|\.py\b|/tmp/|/root|/work|/home|site-packages", text), text
    sentence = answer if isinstance(answer, str) else answer.get("error") or answer.get("detail")
    assert re.search(r"\w+ \w+", sentence), text
    return sentence


def reads(app) -> bool:
    status, answer = app.call("pad", "live", drawing(seven()), session="another")
    return status == 200 and answer.get("text") == "7"

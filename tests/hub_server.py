"""A stand-in for the Hugging Face Hub: the few of its endpoints that this project uses, on this machine.

It is driven by the real client, huggingface_hub, and answers with the status codes, headers and JSON that its
2.4 expects. What it leaves out: Xet, the Hub's newer way to carry large files (`HF_HUB_DISABLE_XET`).
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from huggingface_hub import constants

from tests.serving import serve

ADA, BOB = "token-of-ada", "token-of-bob"
NOWHERE = "http://127.0.0.1:9"  # nothing listens there
# The client's own, where it uploads, and where an upload fails.
CLIENT_WARNINGS = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"),
]


@dataclass
class Repository:
    """sdk: of a Space. commits: the files after each, by the commit's id."""

    private: bool = False
    gated: bool = False
    sdk: str | None = None
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> str:
        listing = f"{len(self.commits)} {sorted(files)}"
        revision = hashlib.sha1(listing.encode()).hexdigest()
        self.commits[revision] = files
        return revision

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[next(reversed(self.commits))] if self.commits else {}


class Hub:
    """What the stand-in keeps, and how it is to behave.

    users: who each token is of. claimed: bytes that every file is said to have, where that is not the truth.
    fault: a status, and the beginning of the paths that are refused with it. delay: seconds before every
    answer. asked: (method, path) of all requests so far; tokens: what they brought.
    """

    def __init__(self) -> None:
        self.users = {ADA: "ada", BOB: "bob"}
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.uploads: dict[str, bytes] = {}
        self.claimed: int | None = None
        self.fault: tuple[int, str] | None = None
        self.delay = 0.0
        self.asked: list[tuple[str, str]] = []
        self.tokens: list[str | None] = []
        self.address = ""

    def put(self, name: str, files: dict[str, bytes], kind: str = "model", **options: object) -> Repository:
        """A repository that is there already."""
        repository = self.repositories[kind, name] = Repository(**options)
        repository.commit(files)
        return repository


class RefusedError(Exception):
    """status; code: what the Hub says in X-Error-Code."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        address = urlsplit(self.path)
        self.path, self.query = unquote(address.path), parse_qs(address.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.user = self.hub.users.get(token)
        self.hub.asked.append((self.command, self.path))
        self.hub.tokens.append(token)
        time.sleep(self.hub.delay)
        try:
            if self.hub.fault and self.path.startswith(self.hub.fault[1]):
                raise RefusedError(self.hub.fault[0])
            if token and not self.user:
                raise RefusedError(401, message="Invalid credentials in Authorization header")
            for method, pattern, function in ROUTES:
                found = re.fullmatch(pattern, self.path)
                if found and self.command in method.split():
                    return function(self, **found.groupdict())
            raise RefusedError(404)
        except RefusedError as refusal:
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
            self._send(json.dumps({"error": refusal.message}).encode(), refusal.status, headers)

    do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815

    def _send(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_json(self, answer: object) -> None:
        self._send(json.dumps(answer).encode(), headers={"Content-Type": "application/json"})

    def _repository(self, kind: str, name: str) -> Repository:
        """As far as whoever asks may see it: what is private is not there for others, as on the Hub."""
        repository = self.hub.repositories.get((kind, name))
        if repository is None or (repository.private and self.user != name.split("/")[0]):
            raise RefusedError(404 if self.user else 401, "RepoNotFound")
        if repository.gated and not self.user:
            raise RefusedError(401, "GatedRepo")
        return repository

    def _own(self, kind: str, name: str) -> Repository:
        repository = self._repository(kind, name)
        if self.user != name.split("/")[0]:
            raise RefusedError(403, message="You don't have the rights")
        return repository

    def create(self) -> None:
        asked = json.loads(self.body)
        if not self.user:
            raise RefusedError(401)
        if asked["organization"] not in (None, self.user):
            raise RefusedError(403, message="You don't have the rights to create a repo under this namespace")
        kind, name = asked.get("type", "model"), f"{self.user}/{asked['name']}"
        url = f"{self.hub.address}/{'spaces/' if kind == 'space' else ''}{name}"
        if (kind, name) in self.hub.repositories:
            answer = json.dumps({"error": "You already created this repo", "url": url}).encode()
            return self._send(answer, 409)
        self.hub.repositories[kind, name] = Repository(
            private=asked.get("visibility") == "private", sdk=asked.get("sdk")
        )
        self._send_json({"url": url})

    def info(self, kind: str, name: str, revision: str = "main") -> None:
        repository = self._repository(kind, name)
        siblings = [{"rfilename": file} for file in repository.files]
        sha = next(reversed(repository.commits), None)
        answer = {"id": name, "sha": sha, "private": repository.private, "siblings": siblings}
        self._send_json(answer | {"tags": [], "downloads": 0, "likes": 0})

    def tree(self, kind: str, name: str, revision: str) -> None:
        files = self._repository(kind, name).files
        self._send_json(
            [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
        )

    def openid(self) -> None:
        self._send_json(
            {
                "issuer": self.hub.address,
                "authorization_endpoint": f"{self.hub.address}/oauth/authorize",
                "token_endpoint": f"{self.hub.address}/oauth/token",
            }
        )

    def preupload(self, kind: str, name: str, revision: str) -> None:
        """As the Hub decides: text goes into the commit, everything else by LFS."""
        self._own(kind, name)
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if b"\0" in base64.b64decode(file["sample"]) else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(self.body)["files"]
        ]
        self._send_json({"files": files})

    def batch(self, name: str, kind: str = "model") -> None:
        self._own("space" if kind else "model", name)
        objects = [
            one | {"actions": {"upload": {"href": f"{self.hub.address}/lfs/{one['oid']}"}}}
            for one in json.loads(self.body)["objects"]
        ]
        self._send_json({"transfer": "basic", "objects": objects})

    def store(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.uploads[oid] = self.body
        self._send(b"")

    def commit(self, kind: str, name: str, revision: str) -> None:
        repository = self._own(kind, name)
        files = dict(repository.files)
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        sha = repository.commit(files)
        self._send_json({"commitUrl": f"{self.hub.address}/{name}/commit/{sha}", "commitOid": sha})

    def resolve(self, name: str, revision: str, file: str) -> None:
        repository = self._repository("model", name)
        sha = next(reversed(repository.commits), "") if revision == "main" else revision
        if sha not in repository.commits:
            raise RefusedError(404, "RevisionNotFound")
        if file not in repository.commits[sha]:
            raise RefusedError(404, "EntryNotFound")
        content = repository.commits[sha][file]
        headers = {"X-Repo-Commit": sha, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if self.hub.claimed is not None:
            headers["X-Linked-Size"] = str(self.hub.claimed)
        self._send(content, headers=headers)

    def log_message(self, *_: object) -> None:
        pass


NAME = r"(?P<name>[^/]+/[^/]+)"
REPOSITORY = rf"/api/(?P<kind>model|space)s/{NAME}"
ROUTES = [
    ("POST", "/api/repos/create", _Handler.create),
    ("GET", r"/\.well-known/openid-configuration", _Handler.openid),
    ("POST", "/api/validate-yaml", lambda handler: handler._send_json({})),
    ("GET", REPOSITORY, _Handler.info),
    ("GET", REPOSITORY + "/revision/(?P<revision>[^/]+)", _Handler.info),
    ("GET", REPOSITORY + "/tree/(?P<revision>[^/]+)", _Handler.tree),
    ("POST", REPOSITORY + "/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    ("POST", REPOSITORY + "/commit/(?P<revision>[^/]+)", _Handler.commit),
    ("POST", rf"/(?P<kind>spaces/)?{NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", _Handler.store),
    ("GET HEAD", rf"/{NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
]


def turn_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has this process's client take what is at `address` for the Hub."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A Hub without repositories, at its `address`, until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    serve(server)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()

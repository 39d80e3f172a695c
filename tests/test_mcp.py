"""The endpoints as tools for agents: what they are told, what they may send, and that every bound holds."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from tests import event_loop
from tests.browser.driver import seven
from tests.test_request_guard import ask, guarded
from ui.server import fetch, mcp, uploads
from ui.server.host import Host
from ui.server.request_guard import MOST_CALLS_OF_ADDRESS

READING = {"text": "7", "message": "", "digits": [], "symbols": []}
PNG = "data:image/png;base64," + base64.b64encode(seven()).decode()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Calls the server without Gradio: what it answers, and what the endpoint was asked."""
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))
    return Server(tmp_path)


class Server:
    def __init__(self, folder):
        self.folder, self.read, self.fails = folder, [], None

    async def _read_photo(self, image, request):
        self.read.append((Path(image["path"]).read_bytes(), request))
        if self.fails:
            raise self.fails
        return READING

    def __call__(self, message, fetches=False, method="POST", path=mcp.PATH, **headers):
        app = SimpleNamespace(
            get_blocks=lambda: SimpleNamespace(
                fns={0: SimpleNamespace(api_name="read_photo", fn=self._read_photo)}
            )
        )
        routes = mcp.routes(Host(False, False, 1.0, fetches))
        route = next(one for one in routes if one.path == path and method in one.methods)
        body = json.dumps(message).encode()
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [
                (name.encode(), value.encode()) for name, value in ({"host": "here"} | headers).items()
            ],
            "query_string": b"",
            "app": app,
            "state": {"address": "8.8.8.8"},
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        event_loop.call(route.app, scope, receive, send)
        text = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], json.loads(text) if text else None

    def ask(self, method, params=None, **options):
        message = {"jsonrpc": "2.0", "id": 3, "method": method} | (
            {} if params is None else {"params": params}
        )
        status, answer = self(message, **options)
        assert (status, answer["jsonrpc"], answer["id"]) == (200, "2.0", 3)
        return answer.get("result") or answer.get("error")

    def call(self, image, **options):
        return self.ask("tools/call", {"name": "read_photo", "arguments": {"image": image}}, **options)


def test_the_handshake_agrees_on_a_version(server):
    for asked, agreed in [(version, version) for version in mcp.VERSIONS] + [("1999-01-01", mcp.VERSIONS[0])]:
        answer = server.ask("initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}})
        assert answer["protocolVersion"] == agreed
        assert answer["capabilities"] == {"tools": {}}
    assert server({"jsonrpc": "2.0", "method": "notifications/initialized"}) == (202, None)
    assert server.ask("ping", {}) == {} or server.ask("ping", {}) is None
    status, _ = server(None, method="GET")
    assert status == 405


def test_an_agent_is_told_what_each_tool_is_for_and_what_it_takes(server):
    tools = server.ask("tools/list")["tools"]
    assert [tool["name"] for tool in tools] == ["read_photo", "read_drawing"]
    for tool in tools:
        assert len(tool["description"]) > 100
        assert tool["inputSchema"]["required"] == ["image"]
        assert "base64" in tool["inputSchema"]["properties"]["image"]["description"]
        assert "https" not in tool["inputSchema"]["properties"]["image"]["description"]
        assert tool["annotations"]["readOnlyHint"]
    with_addresses = server.ask("tools/list", fetches=True)["tools"][0]
    assert "https" in with_addresses["inputSchema"]["properties"]["image"]["description"]
    _, schema = server(None, method="GET", path=f"{mcp.PATH}/schema")
    assert [(one["name"], one["inputSchema"]) for one in schema] == [
        (tool["name"], tool["inputSchema"]) for tool in tools
    ]


@pytest.mark.parametrize("image", [PNG, PNG.partition(",")[2]])
def test_a_picture_in_the_call_is_read_and_then_gone(server, image):
    answer = server.call(image)
    assert answer["structuredContent"] == READING
    assert json.loads(answer["content"][0]["text"]) == READING
    assert not answer["isError"]
    [(content, request)] = server.read
    assert content == seven()
    assert (request.session_hash, request.state.address) == ("mcp 8.8.8.8", "8.8.8.8")
    assert [one for one in server.folder.rglob("*") if one.is_file()] == []
    server.fails = gr.Error("Too many.")
    assert server.call(image)["content"][0]["text"] == "Too many."
    server.fails = RuntimeError("secret")
    assert server.call(image) == {"content": [{"type": "text", "text": mcp.FAULT}], "isError": True}
    assert [one for one in server.folder.rglob("*") if one.is_file()] == []


def test_a_file_that_was_uploaded_is_read_and_no_other_file_of_this_machine(server, tmp_path):
    path = tmp_path / "abc" / "seven.png"
    path.parent.mkdir()
    path.write_bytes(seven())
    assert server.call(str(path))["structuredContent"] == READING
    assert path.exists(), "whoever uploaded it may ask again"
    for other in ("/etc/passwd", "../../etc/passwd", str(tmp_path / ".." / "x"), "/proc/self/environ"):
        answer = server.call(other)
        assert answer["isError"]
        assert answer["content"][0]["text"] in (mcp.NO_PICTURE, uploads.NOT_SENT, uploads.GONE)
    assert len(server.read) == 1


def test_nothing_is_fetched_unless_the_host_allows_it(server, monkeypatch):
    fetched = []

    async def fetch_one(address):
        fetched.append(address)
        if "private" in address:
            raise fetch.FetchError("That is not fetched.")
        return seven()

    monkeypatch.setattr(mcp, "fetch", fetch_one)
    for address in ("https://example.org/7.png", "http://example.org/7.png", "file:///etc/passwd"):
        assert server.call(address)["content"][0]["text"] == mcp.NO_ADDRESSES
    assert fetched == []
    assert server.call("https://example.org/7.png", fetches=True)["structuredContent"] == READING
    answer = server.call("https://private.test/", fetches=True)
    assert (answer["isError"], answer["content"][0]["text"]) == (True, "That is not fetched.")
    assert Host.from_environment({}).fetches is False
    assert Host.from_environment({"DIGITS_FETCH": "0"}).fetches is False
    assert Host.from_environment({"DIGITS_FETCH": "1"}).fetches is True


@pytest.mark.parametrize(
    "image", ["", "no sense", "data:image/png;base64,", "data:image/png;base64,%%%", "\x00"]
)
def test_what_is_no_picture_is_said_in_a_sentence(server, image):
    answer = server.call(image)
    assert answer["isError"]
    assert answer["content"][0]["text"] == mcp.NO_PICTURE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, mcp.INVALID_REQUEST),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, mcp.INVALID_REQUEST),
        ({"jsonrpc": "2.0", "id": [1], "method": "ping"}, mcp.INVALID_REQUEST),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, mcp.INVALID_REQUEST),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, mcp.NO_METHOD),
        ({"jsonrpc": "2.0", "id": 1, "method": "x" * 10_000}, mcp.NO_METHOD),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, mcp.INVALID_PARAMS),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}, mcp.INVALID_PARAMS),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["x"]}}, mcp.INVALID_PARAMS),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "read_photo", "arguments": 7},
            },
            mcp.INVALID_PARAMS,
        ),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "read_photo", "arguments": {"image": "x", "more": 1}},
            },
            mcp.INVALID_PARAMS,
        ),
    ],
)
def test_a_message_that_makes_no_sense_gets_json_rpcs_code(server, message, code):
    status, answer = server(message)
    assert (status, answer["error"]["code"]) == (200, code)
    assert len(answer["error"]["message"]) < 350


def test_the_page_of_another_site_cannot_call(server):
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert server(message, origin="https://evil.example")[0] == 403
    assert server(message, origin="https://here")[0] == 200


# --- in front of it


def test_the_guard_bounds_a_message(server):
    guard = guarded()
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert ask(guard, "POST", mcp.PATH, message)[0] == 200
    assert ask(guard, "POST", f"{mcp.PATH}/", message)[0] == 200
    large = message | {"params": {"image": "x" * 1_000_000}}
    assert ask(guard, "POST", mcp.PATH, large)[0] == 200, "a picture may come in a message"
    too_large = [(b"content-length", str(mcp.MAX_BODY + 1).encode())]
    status, _, answer = ask(guard, "POST", mcp.PATH, b"", headers=too_large)
    assert (status, "4,000,000 bytes" in answer["error"]) == (413, True)
    assert ask(guard, "POST", mcp.PATH, b"[]")[0] == 400
    assert ask(guard, "POST", mcp.PATH, b"{")[0] == 400
    assert ask(guard, "DELETE", mcp.PATH)[0] == 404
    for other in ("sse", "messages", "http", "schema/x"):
        assert ask(guard, "POST", f"{mcp.PATH}/{other}", message)[0] == 404
        assert ask(guard, "GET", f"{mcp.PATH}/{other}")[0] == 404


def test_an_address_has_a_few_messages_under_way_and_so_many_a_second(server):
    guard = guarded()
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    guard.under_way["agents", "8.8.8.8"] = MOST_CALLS_OF_ADDRESS
    assert ask(guard, "POST", mcp.PATH, message)[0] == 429
    assert ask(guard, "POST", mcp.PATH, message, client="9.9.9.9")[0] == 200
    slow = guarded(DIGITS_RATE="0.01")
    statuses = {ask(slow, "POST", mcp.PATH, message)[0] for _ in range(10)}
    assert statuses == {200, 429}

"""Requests to a RequestGuard without a server or Gradio: `tests/hostile` has the real app."""

import json
from types import SimpleNamespace

import anyio

from tests import event_loop
from ui.server.host import Host
from ui.server.request_guard import RequestGuard


def live():
    """A server function, as Gradio marks them."""


live._is_server_fn = True
BLOCKS = SimpleNamespace(
    blocks={1: SimpleNamespace(live=live, label=7)},
    fns={
        0: SimpleNamespace(
            targets=[(None, None)], inputs=[0], api_name="read_drawing", fn=lambda image, request: None
        )
    },
    _queue=SimpleNamespace(
        pending_event_ids_session={}, pending_messages_per_session={}, event_ids_to_events={}
    ),
    upload_file_set=set(),
)
SERVER, UPLOAD = "/gradio_api/component_server/", "/gradio_api/upload"
CALL = {"component_id": 1, "fn_name": "live", "session_hash": "s", "data": None}


class Inside:
    """Answers everything, after it has read what was sent."""

    def __init__(self):
        self.bodies, self.error, self.answer = [], None, b"{}"

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.answer})


def guarded(app=None, **environment):
    """A RequestGuard before `app`, on a host with these environment variables."""
    return RequestGuard(app or Inside(), Host.from_environment(environment))


def ask(guard, method, path, body=b"", headers=(), client="8.8.8.8", chunks=None, query=b""):
    """Status, headers and JSON of the answer."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    sent_headers = {b"content-length": str(len(body)).encode()} | dict(headers)
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(sent_headers.items()),
        "client": (client, 1),
        "app": SimpleNamespace(get_blocks=lambda: BLOCKS),
    }
    sent = list(chunks or [{"type": "http.request", "body": body, "more_body": False}])
    answers = []

    async def receive():
        if not sent:
            await anyio.sleep_forever()
        return sent.pop(0)

    async def send(message):
        answers.append(message)

    event_loop.call(guard, scope, receive, send)
    text = b"".join(message.get("body", b"") for message in answers)
    answered = {name.decode(): value.decode() for name, value in answers[0]["headers"]}
    return answers[0]["status"], answered, json.loads(text) if text else None

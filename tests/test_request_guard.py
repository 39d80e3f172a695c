"""What the gate lets in, without an app behind it: `test_hostile.py` has the real one."""

import json
from types import SimpleNamespace

import anyio
import pytest
from starlette.formparsers import MultiPartException

from tests import event_loop
from ui.server import metrics, request_guard, uploads
from ui.server.request_guard import ALLOWANCES, Allowance, Gate, Host, Rates


def live():
    """A server function, as Gradio marks them."""


live._is_server_fn = True
BLOCKS = SimpleNamespace(
    blocks={1: SimpleNamespace(live=live, label=7)},
    fns={0: SimpleNamespace(targets=[(None, None)], inputs=[0], api_name="read_drawing")},
    _queue=SimpleNamespace(pending_event_ids_session={}, pending_messages_per_session={}),
)
SERVER, UPLOAD = "/gradio_api/component_server/", "/gradio_api/upload"
CALL = {"component_id": 1, "fn_name": "live", "session_hash": "s", "data": None}


class _Inside:
    """Answers everything, after it has read what was sent."""

    def __init__(self):
        self.bodies, self.error = [], None

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def _gate(**environment):
    return Gate(_Inside(), Host.from_environment(environment))


def _ask(gate, method, path, body=b"", headers=(), client="8.8.8.8", chunks=None, query=b""):
    """Status, headers and JSON of the answer."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    told = {b"content-length": str(len(body)).encode()} | dict(headers)
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(told.items()),
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

    event_loop.call(gate, scope, receive, send)
    text = b"".join(message.get("body", b"") for message in answers)
    told = {name.decode(): value.decode() for name, value in answers[0]["headers"]}
    return answers[0]["status"], told, json.loads(text) if text else None


def test_a_rate_is_a_burst_and_then_so_many_a_second():
    now = [0.0]
    rates = Rates(clock=lambda: now[0])
    allowance = Allowance(per_second=2, burst=3)
    assert [rates.take("reading", "ann", allowance) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take("reading", "bob", allowance) == 0  # has an allowance of their own
    assert rates.take("work", "ann", allowance) == 0  # and for each kind another
    now[0] = 0.4
    assert rates.take("reading", "ann", allowance) == pytest.approx(0.1)
    now[0] = 0.5
    assert rates.take("reading", "ann", allowance) == 0
    now[0] = 1e6
    assert [rates.take("reading", "ann", allowance) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_host_can_allow_more_and_less():
    rates = Rates(factor=2, clock=lambda: 0.0)
    assert [rates.take("work", "ann", Allowance(1, 1)) for _ in range(3)] == [0, 0, 0.5]


def test_those_who_asked_least_lately_are_forgotten(monkeypatch):
    monkeypatch.setattr(request_guard, "MOST_KNOWN", 10)
    rates = Rates()
    for i in range(100):
        rates.take("page", str(i), Allowance(1, 1))
    assert len(rates._buckets) == 10


def test_a_page_that_asks_too_often_is_told_when_to_come_back_and_others_are_not():
    gate = _gate()
    gate.rates = Rates(0.02, clock=lambda: 0.0)  # three readings at once
    statuses = [_ask(gate, "POST", SERVER, CALL)[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    status, headers, answer = _ask(gate, "POST", SERVER, CALL)
    assert (status, int(headers["retry-after"])) == (429, 2)
    assert "wait a moment" in answer["error"]
    assert _ask(gate, "POST", SERVER, CALL | {"session_hash": "other"})[0] == 200


def test_an_address_with_many_pages_is_bounded_too(monkeypatch):
    monkeypatch.setitem(ALLOWANCES, "reading", (Allowance(9, 9), Allowance(0.1, 5)))
    gate = _gate()
    statuses = [_ask(gate, "POST", SERVER, CALL | {"session_hash": str(i)})[0] for i in range(6)]
    assert statuses == [200] * 5 + [429]
    assert _ask(gate, "POST", SERVER, CALL, client="8.8.4.4")[0] == 200


@pytest.mark.parametrize(
    ("environment", "client", "forwarded", "address"),
    [
        ({}, "8.8.8.8", "1.1.1.1", "8.8.8.8"),  # without a proxy, anybody may have written it
        ({"DIGITS_PROXIES": "1"}, "10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ({"SPACE_ID": "a/b"}, "10.0.0.1", "6.6.6.6, 1.1.1.1, 10.1.2.3", "1.1.1.1"),
        ({"SPACE_ID": "a/b"}, "10.0.0.1", "nonsense", "10.0.0.1"),
        ({"DIGITS_PROXIES": "0"}, "10.0.0.1", "1.1.1.1", "10.0.0.1"),
        ({}, "2001:4860:1:2:3:4:5:6", "", "2001:4860:1:2::/64"),
        ({}, "::ffff:8.8.8.8", "", "8.8.8.8"),
        ({}, "not an address", "", "None"),
    ],
)
def test_who_asks_is_told_by_the_connection_or_by_the_proxy_in_front(environment, client, forwarded, address):
    scope = {"client": (client, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert Gate(None, Host.from_environment(environment))._address(scope) == address


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *[("DIGITS_RATE", text) for text in ("fast", "0", "-1", "nan", "inf")],
        *[("DIGITS_MAX_STORED_BYTES", text) for text in ("1e9", "0", "much")],
    ],
)
def test_a_setting_that_makes_no_sense_is_named_before_the_app_starts(variable, text):
    with pytest.raises(ValueError, match=f"{variable} must be .*'?{text}"):
        Host.from_environment({variable: text})


def test_a_host_that_sets_nothing_gets_what_suits_a_public_page():
    assert Host.from_environment({}) == Host(
        space=False, behind_proxy=False, rate=1.0, stored_bytes=1_000_000_000
    )


def test_what_is_sent_reaches_the_app_whole_and_once():
    gate = _gate()
    body = json.dumps(CALL).encode()
    chunks = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]
    assert _ask(gate, "POST", SERVER, body, chunks=chunks)[0] == 200
    assert gate.app.bodies == [body]


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(request_guard, "BODY_SECONDS", 0.01)
    chunks = [{"type": "http.request", "body": b"{", "more_body": True}]
    status, headers, answer = _ask(_gate(), "POST", SERVER, b"{}", chunks=chunks)
    assert (status, headers["connection"]) == (408, "close")
    assert "too slowly" in answer["error"]


def test_a_request_that_is_cut_short_ends_there():
    gate = _gate()
    assert _ask(gate, "POST", SERVER, chunks=[{"type": "http.disconnect"}])[0] == 400
    assert gate.app.bodies == []


def test_a_fault_inside_is_logged_and_told_without_detail(caplog):
    gate = _gate()
    gate.app.error = ZeroDivisionError("secret detail")
    status, _, answer = _ask(gate, "POST", SERVER, CALL)
    assert status == 500
    assert answer == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "ZeroDivisionError" in caplog.text
    assert not gate.open  # nothing is under way any more


def test_no_more_is_under_way_than_is_allowed(monkeypatch):
    gate = _gate()
    gate.open["requests", "8.8.8.8"] = request_guard.MOST_AT_ONCE_OF_ADDRESS
    assert _ask(gate, "GET", "/config")[0] == 429
    assert _ask(gate, "GET", "/config", client="8.8.4.4")[0] == 200
    gate.open["requests", ""] = request_guard.MOST_AT_ONCE
    assert _ask(gate, "GET", "/config", client="8.8.4.4")[0] == 429


def test_signing_in_is_there_on_a_space_alone():
    assert _ask(_gate(), "GET", "/login/huggingface")[0] == 404
    assert _ask(_gate(SPACE_ID="a/b"), "GET", "/login/huggingface")[0] == 200


def test_calls_name_uploaded_files_or_none(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def call(path):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return _ask(_gate(), "POST", "/gradio_api/call/read_drawing", {"data": [[{"a": file}]]})

    assert call(str(tmp_path / "a" / "seven.png"))[0] == 200
    for path in (
        "/etc/passwd",
        f"{tmp_path}/../x",
        "http://8.8.8.8/x.png",
        None,
        ["x"],
        str(tmp_path) + "\0",
    ):
        status, _, answer = call(path)
        assert status == 422
        assert answer["error"] == uploads.NOT_SENT


FILE = {"path": "x", "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ([FILE, FILE], "one file a call"),
        ({"a": {"b": FILE}, "c": [FILE]}, "one file a call"),
        ([FILE] * 5000, "The data of a call is one file"),
        (list(range(5000)), "The data of a call is one file"),
        ({str(i): i for i in range(5000)}, "The data of a call is one file"),
        (json.loads("[" * 900 + "]" * 900), "The data of a call is one file"),
    ],
)
def test_a_call_is_one_file(monkeypatch, argument, sentence):
    asked = []
    monkeypatch.setattr(request_guard, "was_uploaded", lambda path: asked.append(path) or True)
    status, _, answer = _ask(_gate(), "POST", "/gradio_api/run/read_drawing", {"data": [argument]})
    assert status == 422
    assert sentence in answer["error"]
    assert asked == []  # for each, the disk would be asked while everybody waits


def _upload(gate, chunks, length=100):
    headers = {b"content-type": b"multipart/form-data; boundary=x", b"content-length": str(length).encode()}
    return _ask(gate, "POST", UPLOAD, headers=headers.items(), chunks=chunks)


@pytest.fixture
def room(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path / "uploads"))
    return tmp_path / "uploads"


class _Parser(_Inside):
    """Stops where Gradio's parser does."""

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        except MultiPartException as error:
            self.error = error.message
            await send({"type": "http.response.start", "status": 400, "headers": []})


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        ([], "too slowly"),
        ([{"type": "http.disconnect"}], "cut short"),
        ([{"type": "http.request", "body": b"--x\r\n" * 10, "more_body": True}], "At most 8 files"),
        ([{"type": "http.request", "body": b"-", "more_body": True}] * 40, "too slowly"),
        ([{"type": "http.request", "body": b"--x--x--x-", "more_body": True},
          {"type": "http.request", "body": b"-x--x--x--x--x--x--x", "more_body": True}], "At most 8 files"),
        ([{"type": "http.request", "body": bytes(request_guard.MAX_UPLOAD), "more_body": True},
          {"type": "http.request", "body": b"a", "more_body": True}], "At most 8 files"),
    ],
)  # fmt: skip
def test_an_upload_ends_where_the_parser_deletes_what_it_wrote(monkeypatch, room, chunks, sentence):
    monkeypatch.setattr(request_guard, "UPLOAD_SILENCE", 0.01)
    gate = Gate(_Parser(), Host.from_environment({}))
    if chunks == []:
        chunks = [{"type": "http.request", "body": b"a", "more_body": True}]
    assert _upload(gate, chunks)[0] == 400
    assert sentence in gate.app.error


def test_uploads_are_refused_while_there_is_no_room(room):
    gate = _gate(DIGITS_MAX_STORED_BYTES="1000")
    chunks = [{"type": "http.request", "body": b"--x", "more_body": False}]
    assert _upload(gate, chunks, 900)[0] == 200
    status, _, answer = _upload(gate, chunks, 200)  # counts although it was not written yet
    assert status == 507
    assert "no room" in answer["error"]
    room.mkdir(exist_ok=True)
    (room / "old.png").write_bytes(bytes(990))
    assert _upload(_gate(DIGITS_MAX_STORED_BYTES="1000"), chunks, 20)[0] == 507


def test_what_was_left_behind_is_deleted_when_it_is_old(monkeypatch, room):
    monkeypatch.setattr(uploads, "KEPT_SECONDS", -1.0)
    (room / "hash").mkdir(parents=True)
    (room / "hash" / "old.png").write_bytes(b"a")
    queue = SimpleNamespace(
        pending_event_ids_session={"gone": {"a"}, "here": {"b"}},
        pending_messages_per_session={"here": None},
        event_ids_to_events={"a": 1, "b": 2},
    )
    known = {str(room / "hash" / "old.png")}
    blocks = SimpleNamespace(upload_file_set=known, temp_file_sets=[known], _queue=queue)
    event_loop.call(uploads.keep_house, blocks)
    assert list(room.iterdir()) == []
    assert known == set()
    assert queue.pending_event_ids_session == {"here": {"b"}}
    assert queue.event_ids_to_events == {"b": 2}


def test_what_is_young_stays(room):
    (room / "hash").mkdir(parents=True)
    (room / "hash" / "new.png").write_bytes(b"a")
    uploads._delete_old()
    assert (room / "hash" / "new.png").exists()


class _Connection:
    """uvicorn's, as far as the gate looks at it."""

    def __init__(self, answered, unread=0):
        self.cycle = None if answered is None else SimpleNamespace(response_complete=answered)
        self.aborted, self.unread = False, unread
        self.transport = SimpleNamespace(
            get_write_buffer_size=lambda: self.unread, abort=lambda: setattr(self, "aborted", True)
        )


@pytest.mark.parametrize(
    ("answered", "unread", "aborted"),
    [(None, 0, True), (True, 0, True), (False, 0, False), (False, 900, True), (True, 900, True)],
)
def test_connections_that_wait_for_the_other_side_are_ended_after_a_while(
    answered, unread, aborted, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr(request_guard, "time", SimpleNamespace(monotonic=lambda: now[0]))
    connection, since = _Connection(answered, unread), {}
    for seconds in (0, 5, 9.9):
        now[0] = seconds
        request_guard._end_if_silent(connection, since)
        assert not connection.aborted
    connection.unread = unread and unread - 1  # something is taken: the clock begins anew
    now[0] = 10.1
    request_guard._end_if_silent(connection, since)
    assert connection.aborted == (aborted and not unread)
    now[0] = 30
    request_guard._end_if_silent(connection, since)
    assert connection.aborted == aborted


def test_only_counts_are_shown():
    metrics.REQUESTS.labels("live", "200").inc()
    text = metrics.metrics().body.decode()
    assert 'digits_requests_total{endpoint="live",status="200"}' in text
    assert metrics.health().body == b'{"status":"ok"}'

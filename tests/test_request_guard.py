"""What the guard lets in, without an app behind it: `tests/hostile` has the real one."""

import json

import pytest

from jobs.limits import Limits
from tests.asgi import BLOCKS, CALL, SERVER, Inside, ask, guarded
from ui.server import metrics, payload, request_guard, uploads
from ui.server.addresses import client_address
from ui.server.answer import FAULT, NOT_OURS, NOTHING
from ui.server.host import Host
from ui.server.rates import RATE_LIMITS, RateLimit, RateLimiter


def test_a_page_that_asks_too_often_hears_when_to_come_back_and_others_are_answered():
    guard = guarded()
    guard.rates = RateLimiter(0.02, clock=lambda: 0.0)  # three readings at once
    statuses = [ask(guard, "POST", SERVER, CALL)[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    status, headers, answer = ask(guard, "POST", SERVER, CALL)
    assert (status, int(headers["retry-after"])) == (429, 2)
    assert "wait a moment" in answer["error"]
    assert ask(guard, "POST", SERVER, CALL | {"session_hash": "other"})[0] == 200


def test_an_address_with_many_pages_is_bounded_too(monkeypatch):
    monkeypatch.setitem(RATE_LIMITS, "reading", (RateLimit(9, 9), RateLimit(0.1, 5)))
    guard = guarded()
    statuses = [ask(guard, "POST", SERVER, CALL | {"session_hash": str(i)})[0] for i in range(6)]
    assert statuses == [200] * 5 + [429]
    assert ask(guard, "POST", SERVER, CALL, client="8.8.4.4")[0] == 200


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
def test_the_address_is_that_of_the_connection_or_what_the_proxy_says(
    environment, client, forwarded, address
):
    scope = {"client": (client, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert client_address(scope, Host.from_environment(environment).behind_proxy) == address


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *[("DIGITS_RATE", text) for text in ("fast", "0", "-1", "nan", "inf")],
        *[("DIGITS_MAX_STORED_BYTES", text) for text in ("1e9", "0", "much")],
    ],
)
def test_a_setting_that_makes_no_sense_is_named_before_the_app_starts(variable, text):
    with pytest.raises(ValueError, match=f"{variable} must be .*'?{text}"):
        (Host if variable == "DIGITS_RATE" else Limits).from_environment({variable: text})


def test_a_host_that_sets_nothing_gets_what_suits_a_public_page():
    assert Host.from_environment({}) == Host(space=False, behind_proxy=False, rate=1.0)


def test_the_code_of_a_space_is_its_files_unless_the_host_names_another_place():
    space = Host.from_environment({"SPACE_ID": "ada/digits"})
    assert space.repository == "https://huggingface.co/spaces/ada/digits/tree/main"
    assert space.duplicate == "https://huggingface.co/spaces/ada/digits?duplicate=true"
    elsewhere = Host.from_environment({"DIGITS_REPOSITORY": "https://git.example/digits"})
    assert (elsewhere.repository, elsewhere.duplicate) == ("https://git.example/digits", "")
    with pytest.raises(ValueError, match="DIGITS_REPOSITORY must be a web address, got 'javascript:1'"):
        Host.from_environment({"DIGITS_REPOSITORY": "javascript:1"})


def test_what_is_sent_reaches_the_app_whole_and_once():
    guard = guarded()
    body = json.dumps(CALL).encode()
    chunks = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]
    assert ask(guard, "POST", SERVER, body, chunks=chunks)[0] == 200
    assert guard.app.bodies == [body]


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(payload, "BODY_SECONDS", 0.01)
    chunks = [{"type": "http.request", "body": b"{", "more_body": True}]
    status, headers, answer = ask(guarded(), "POST", SERVER, b"{}", chunks=chunks)
    assert (status, headers["connection"]) == (408, "close")
    assert "too slowly" in answer["error"]


def test_a_request_that_is_cut_short_ends_there():
    guard = guarded()
    assert ask(guard, "POST", SERVER, chunks=[{"type": "http.disconnect"}])[0] == 400
    assert guard.app.bodies == []


def test_a_fault_inside_is_logged_and_answered_without_detail(caplog):
    guard = guarded()
    guard.app.error = ZeroDivisionError("secret detail")
    status, _, answer = ask(guard, "POST", SERVER, CALL)
    assert status == 500
    assert answer == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "ZeroDivisionError" in caplog.text
    assert not guard.under_way  # nothing is under way any more


def test_no_more_is_under_way_than_is_allowed(monkeypatch):
    guard = guarded()
    guard.under_way["requests", "8.8.8.8"] = request_guard.MOST_AT_ONCE_OF_ADDRESS
    assert ask(guard, "GET", "/config")[0] == 429
    assert ask(guard, "GET", "/config", client="8.8.4.4")[0] == 200
    guard.under_way["requests", ""] = request_guard.MOST_AT_ONCE
    assert ask(guard, "GET", "/config", client="8.8.4.4")[0] == 429


def test_signing_in_is_there_on_a_space_alone():
    assert ask(guarded(), "GET", "/login/huggingface")[0] == 404
    assert ask(guarded(SPACE_ID="a/b"), "GET", "/login/huggingface")[0] == 200


def test_calls_name_uploaded_files_or_none(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def call(path):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return ask(guarded(), "POST", "/gradio_api/call/read_drawing", {"data": [[{"a": file}]]})

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


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"meta": "x"}, 422),
        ({"meta": {"_type": 7}}, 200),
        ({"url": ["http://8.8.8.8/"]}, 422),
        ({"size": "large"}, 422),
        ({"another": 1}, 422),
    ],
)
def test_a_file_is_named_as_gradio_names_it(monkeypatch, tmp_path, changes, status):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))
    file = {"path": str(tmp_path / "a.png"), "meta": {"_type": "gradio.FileData"}} | changes
    assert ask(guarded(), "POST", "/gradio_api/run/read_drawing", {"data": [file]})[0] == status


def test_a_call_names_one_file(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))
    file = {"path": str(tmp_path / "a.png"), "meta": {"_type": "gradio.FileData"}}
    for path, body in (
        ("run/read_drawing", {"data": [[file, file]]}),
        ("call/v2/read_drawing", {"image": [file] * 300}),
        ("queue/join", {"fn_index": 0, "session_hash": "s", "data": [file], "event_data": file}),
    ):
        status, _, answer = ask(guarded(), "POST", f"/gradio_api/{path}", body)
        assert (status, answer["error"]) == (422, "Please send one file a call.")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("call/v2/read_drawing", {}),
        ("call/v2/read_drawing", {"data": [None]}),
        ("call/v2/read_drawing", {"image": None, "request": None}),
        ("run/read_drawing", {"data": [None], "batched": True}),
        ("queue/join", {"fn_index": 0, "session_hash": "s", "data": [None], "simple_format": True}),
    ],
)
def test_a_call_has_the_names_that_are_known_and_no_others(path, body):
    guard = guarded()
    status, _, answer = ask(guard, "POST", f"/gradio_api/{path}", body)
    assert status == 422
    assert "call" in answer["error"]
    assert guard.app.bodies == []


@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [21, 500, 1000, 5000, 12_000])
def test_deep_json_is_refused_whatever_the_python(depth, begin, end):
    deep = begin * depth + b"1" + end * depth
    body = b'{"component_id": 1, "fn_name": "live", "session_hash": "s", "data": %s}' % deep
    status, _, answer = ask(guarded(), "POST", SERVER, body)
    assert (status, "JSON object" in answer["error"]) == (400, True)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000])
def test_numbers_that_are_not_finite_are_refused(number):
    body = f'{{"component_id": 1, "fn_name": "live", "session_hash": "s", "data": [{number}]}}'.encode()
    status, _, answer = ask(guarded(), "POST", SERVER, body)
    assert (status, answer["error"]) == (400, "A request is sent as a JSON object, of finite numbers.")


def test_half_a_character_is_refused():
    assert ask(guarded(), "POST", SERVER, CALL | {"data": "\U0001f600"})[0] == 200
    assert ask(guarded(), "POST", SERVER, CALL | {"data": "\ud83d"})[0] == 400


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        *[("host", one, 200) for one in ("x", "a-b.example:7860", "127.0.0.1:65535", "[::1]:80", "my_host")],
        *[("host", one, 400) for one in ("[[[", "x:65536", "x:999999", "x:y:z", "a b", "é", "a" * 300)],
        ("x-forwarded-host", "first.example, second.example", 200),
        ("x-forwarded-host", "x:y:z", 400),
        ("x-forwarded-proto", "https,http", 200),
        ("x-forwarded-proto", "javascript", 400),
        ("x-gradio-server", "http://[", 200),  # is not passed on
    ],
)
def test_the_pages_own_address_must_be_one(name, value, status):
    headers = [(name.encode(), value.encode("latin-1"))]
    assert ask(guarded(), "GET", "/config", headers=headers)[0] == status


def test_a_request_of_very_many_values_is_refused():
    status, _, _ = ask(guarded(), "POST", SERVER, CALL | {"data": [0] * payload.MOST_VALUES})
    assert status == 400


@pytest.mark.parametrize(
    ("status", "sent", "answered"),
    [
        (422, {"detail": [{"type": "int", "input": "x" * 60_000}]}, {"detail": NOT_OURS}),
        (500, {"error": None}, {"error": FAULT}),
        (500, {"error": "A" * 90_000 + " \x1b[31m"}, None),
        (503, {"detail": "The queue is full."}, {"detail": "The queue is full."}),
        (404, {"detail": "NotFound"}, {"detail": NOTHING}),
        (405, "<html>Not found</html>", {"error": NOTHING}),
        (404, [1], {"error": NOTHING}),
        (400, "A sentence of the parser.", {"error": "A sentence of the parser."}),
        (500, "", {"error": FAULT}),
    ],
)
def test_what_is_wrong_is_said_in_one_short_sentence(status, sent, answered):
    class Fails(Inside):
        async def __call__(self, scope, receive, send):
            text = sent if isinstance(sent, str) else json.dumps(sent)
            start = {"type": "http.response.start", "status": status}
            await send(start | {"headers": [(b"content-length", str(len(text)).encode())]})
            for i in range(0, len(text), 1000):
                await send(
                    {"type": "http.response.body", "body": text[i : i + 1000].encode(), "more_body": True}
                )
            await send({"type": "http.response.body", "body": b""})

    got, headers, answer = ask(guarded(Fails()), "GET", "/config")
    assert got == status
    assert int(headers["content-length"]) == len(json.dumps(answer)) < 400
    assert answered is None or answer == answered


def test_what_a_server_function_repeats_is_cut():
    guard = guarded()
    guard.app.answer = json.dumps({"error": f"There is no {'x' * 50_000} here.", "took": 3}).encode()
    status, headers, answer = ask(guard, "POST", SERVER, CALL)
    assert (status, answer["took"]) == (200, 3)
    assert len(answer["error"]) <= 300
    assert answer["error"].startswith("There is no x") and answer["error"].endswith("x here.")
    assert int(headers["content-length"]) < 400


def test_an_address_has_a_share_of_gradios_queue(monkeypatch):
    events = {}
    monkeypatch.setattr(BLOCKS._queue, "event_ids_to_events", events)
    guard = guarded()

    def join(session, client):
        guard.app.answer = json.dumps({"event_id": f"{session}@{client}"}).encode()
        call = {"fn_index": 0, "session_hash": session, "data": [None]}
        status, _, _ = ask(guard, "POST", "/gradio_api/queue/join", call, client=client)
        if status == 200:
            events[f"{session}@{client}"] = None
        return status

    statuses = [join(f"s{i}", "8.8.8.8") for i in range(12)]
    assert statuses == [200] * request_guard.MOST_EVENTS_OF_ADDRESS + [429] * 2
    assert join("s", "8.8.4.4") == 200
    del events["s0@8.8.8.8"]  # which was answered
    assert [join("t0", "8.8.8.8"), join("t1", "8.8.8.8")] == [200, 429]
    assert len(guard._events) == request_guard.MOST_EVENTS_OF_ADDRESS + 1


def test_calls_past_the_queue_leave_threads_to_others():
    guard = guarded()
    guard.under_way["calls", "8.8.8.8"] = request_guard.MOST_CALLS_OF_ADDRESS
    call = {"data": [None]}
    assert ask(guard, "POST", "/gradio_api/run/read_drawing", call)[0] == 429
    assert ask(guard, "POST", "/gradio_api/run/read_drawing", call, client="8.8.4.4")[0] == 200
    guard.under_way["calls", ""] = request_guard.MOST_CALLS
    assert ask(guard, "POST", "/gradio_api/run/read_drawing", call, client="8.8.4.4")[0] == 429


def test_only_counts_are_shown():
    metrics.REQUESTS.labels("live", "200").inc()
    text = metrics.metrics().body.decode()
    assert 'digits_requests_total{endpoint="live",status="200"}' in text
    assert metrics.health().body == b'{"status":"ok"}'


def test_drawings_that_are_posted_count_as_what_their_page_reads(monkeypatch):
    async def read(visitor, address, drawing, came):
        assert (visitor.page, address, drawing) == ("page", "8.8.8.8", b"drawing")
        return b"{}"

    monkeypatch.setattr(BLOCKS, "read_live", read, raising=False)
    guard = guarded(DIGITS_RATE="0.0067")  # one drawing of a page, and then one every 3 s
    headers = {b"content-type": b"application/octet-stream"}
    body = b'{"session": "page", "visitor": null}\ndrawing'
    assert ask(guard, "POST", "/live", body, headers)[0] == 200
    status, answered, answer = ask(guard, "POST", "/live", body, headers)
    assert (status, "retry-after" in answered) == (429, True)
    assert "wait a moment" in answer["error"]

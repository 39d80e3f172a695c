"""The road of the pad's drawings: who may open a socket, and what becomes of drawings that come too fast."""

import asyncio

import anyio
import pytest

from jobs.drawing_message import ERROR, REFUSED, SUPERSEDED, number_of, pack_sentence, unpack_answer
from tests import event_loop
from tests.pad import drawn_seven, hello
from ui.server.rejection import RequestRejected
from ui.server.road import Socket, check_origin, parse_hello, split_post

KEY = "k" * 43


def _headers(**headers):
    return {"headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://here.example", "host": "here.example"},
        {"origin": "https://HERE.example:7860", "host": "here.example:7860"},
        {"origin": "https://space.hf.space", "host": "10.0.0.7", "x_forwarded_host": "space.hf.space"},
        {"origin": "https://outer.example", "host": "a", "x_forwarded_host": "outer.example, inner.example"},
        {"origin": "http://[::1]:7860", "host": "[::1]:7860"},
    ],
)
def test_our_own_page_may_open_a_socket(headers):
    check_origin(_headers(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "here.example"},
        {"origin": "", "host": ""},
        {"origin": "null", "host": "null"},
        {"origin": "https://here.example.evil.example", "host": "here.example"},
        {"origin": "https://here.example:444", "host": "here.example"},
        {"origin": "https://here.example@evil.example", "host": "here.example"},
        {"origin": "http://[", "host": "["},
    ],
)
def test_no_other_page_may(headers):
    with pytest.raises(RequestRejected) as rejected:
        check_origin(_headers(**headers))
    assert rejected.value.status == 403


def test_who_a_page_is_comes_first():
    assert parse_hello(hello("page").encode()) == ("page", "page")
    visitor, drawing = split_post(hello("page", KEY).encode() + b"\n" + drawn_seven())
    assert (visitor.page, drawing) == ("page", drawn_seven())
    assert visitor.key.startswith("visitor ") and KEY not in visitor.key


async def _serve(said, read, take=lambda: None):
    """The answers to what a page says on a socket, all at once, until it closes it."""
    sent = asyncio.Queue()
    for message in said:
        sent.put_nowait({"type": "websocket.receive", "bytes": message})
    answers = []

    async def send(message):
        answers.append(message["bytes"])
        if len(answers) == 1 + len(said):  # the welcome, too
            sent.put_nowait({"type": "websocket.disconnect"})

    socket = Socket(sent.get, send, "8.8.8.8", read)
    await socket.serve(parse_hello(hello("page").encode()), take)
    assert answers[0] == b""
    return [unpack_answer(answer) for answer in answers[1:]]


async def _read(visitor, address, drawing, came):
    assert (visitor.page, address) == ("page", "8.8.8.8")
    await anyio.sleep(0.01)
    return pack_sentence(number_of(drawing), ERROR, 0, "It would be read now.")


def test_of_the_drawings_that_come_while_one_is_read_only_the_newest_is():
    said = [drawn_seven(number) for number in range(1, 7)]
    answers = event_loop.call(_serve, said, _read)
    kinds = {answer["number"]: answer["kind"] for answer in answers}
    assert len(kinds) == 6
    assert kinds[6] == ERROR
    assert sum(kind == SUPERSEDED for kind in kinds.values()) >= 4


def test_what_comes_too_often_is_refused_and_the_socket_goes_on():
    left = [None, None]

    def take():
        if not left:
            raise RequestRejected(429, "Please wait a moment.", "rate", 1)
        left.pop()

    said = [drawn_seven(number) for number in range(1, 5)]
    answers = event_loop.call(_serve, said, _read, take)
    refused = {answer["number"] for answer in answers if answer["kind"] == REFUSED}
    assert refused == {3, 4}


def test_a_fault_while_a_drawing_is_read_is_not_kept_silent():
    async def fail(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        event_loop.call(_serve, [drawn_seven()], fail)


def test_who_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("ui.server.road.HELLO_SECONDS", 0.01)
    with pytest.raises(RequestRejected) as rejected:
        event_loop.call(Socket(anyio.sleep_forever, None, "8.8.8.8", _read).hello)
    assert rejected.value.status == 408


def test_who_goes_away_instead_of_saying_who_they_are_is_let_go():
    async def gone():
        return {"type": "websocket.disconnect", "code": 1006}

    with pytest.raises(RequestRejected):
        event_loop.call(Socket(gone, None, "8.8.8.8", _read).hello)

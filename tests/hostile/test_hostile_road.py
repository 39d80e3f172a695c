"""The road of the pad's drawings, a socket or a POST each, in the hands of a stranger."""

import contextlib
import json
import struct
import time

import pytest

from jobs.drawing_message import ERROR, MAX_BYTES, READ, REFUSED, SUPERSEDED, unpack_answer
from tests.hostile.stranger import PATIENCE, addresses, in_words, reads
from tests.pad import drawn_seven, hello
from tests.sockets import Socket

BYTES = {"Content-Type": "application/octet-stream"}
FLOOD = 1000  # drawings that a page sends at once: more than any machine takes so long for that it may
HEAD = struct.Struct("<IBHHHBH")


def open_socket(app, **options):
    return Socket(app.host, app.port, **{"address": next(addresses)} | options)


def post(app, body, headers=BYTES, address=None):
    with contextlib.closing(app.connect()) as connection:
        told = {"X-Forwarded-For": address or next(addresses)}
        connection.request("POST", "/live", body, told | headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def digits_of(answer):
    return [found["digit"] for found in answer["digits"]]


def test_a_socket_and_a_post_give_the_same_answer(app):
    with open_socket(app) as socket:
        on_socket = socket.opened().read()
    status, content = post(app, hello().encode() + b"\n" + drawn_seven())
    posted = unpack_answer(content)
    assert (status, digits_of(on_socket)) == (200, [7])
    for answer in (on_socket, posted):
        answer.pop("took")
        answer["digits"][0].pop("picture")
    assert on_socket == posted


@pytest.mark.parametrize(
    "origin", [None, "https://elsewhere.example", "null", "http://[", "http://127.0.0.1", "file://"]
)
def test_a_page_of_another_address_cannot_open_a_socket(app, origin):
    with open_socket(app, origin=origin) as socket:
        assert socket.status == 403
        assert "another address" in in_words(json.loads(socket.reason))


@pytest.mark.parametrize("kind", [None, "text/plain", "multipart/form-data; boundary=x", "application/json"])
def test_a_page_of_another_address_cannot_post_without_asking_the_browser(app, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    status, content = post(app, hello().encode() + b"\n" + drawn_seven(), headers)
    assert status == 415
    in_words(json.loads(content))


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/join", "/live/x", "/gradio_api/live"])
def test_there_is_one_socket_and_no_other(app, path):
    with contextlib.suppress(AttributeError), open_socket(app, path=path) as socket:
        assert socket.status != 101


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"session": null, "visitor": null}',
        '{"session": 1, "visitor": null}',
        '{"session": "a b", "visitor": null}',
        '{"session": "../..", "visitor": null}',
        '{"session": "s", "visitor": null, "more": 1}',
        '{"session": "' + "s" * 65 + '", "visitor": null}',
        "[" * 400,
        " " * 501 + hello(),
        drawn_seven(),
    ],
)
def test_who_does_not_say_who_they_are_is_sent_away(app, said):
    with open_socket(app) as socket:
        socket.say(said)
        told = socket.hear()
    assert told["closed"] == 4422
    assert "Please reload" in told["reason"]
    body = said if isinstance(said, bytes) else said.encode() + b"\n"
    assert post(app, body + drawn_seven())[0] == 422


@pytest.mark.parametrize(
    "drawing",
    [
        HEAD.pack(1, 0, 512, 513, 0, 0, 0),  # too large
        HEAD.pack(1, 0, 0, 9, 0, 0, 0),
        HEAD.pack(1, 7, 1, 1, 1, 0, 0) + b"\0",  # flags that there are none of
        HEAD.pack(1, 0, 8, 8, 9, 0, 0),  # runs that do not come
        HEAD.pack(1, 0, 8, 8, 0, 255, 0) + b"digits",
        HEAD.pack(1, 0, 512, 512, 1, 6, 0) + b"digits\xff",  # fewer pixels than it says
        HEAD.pack(1, 0, 1, 1, 9000, 6, 0) + b"digits" + b"\xff" * 9000,  # 37 million pixels of white
        HEAD.pack(1, 0, 8, 8, 1, 6, 0) + b"digits\xbf" + b"a" * 30,  # fewer grey ones
        HEAD.pack(1, 0, 8, 8, 1, 4, 0) + b"\xff\xfe\0/" + b"\x3f",
        HEAD.pack(1, 0, 8, 8, 1, 6, 9) + b"digits\x30\0",  # fewer bytes of strokes
        HEAD.pack(1, 0, 8, 8, 1, 6, 4) + b"digits\x30\0\xff\xff\x3f",  # a stroke of 65,535 points
        drawn_seven(network="own"),
        drawn_seven(network="../seed"),
    ],
)
def test_what_is_no_drawing_is_answered_in_words(app, drawing):
    with open_socket(app) as socket:
        answer = socket.opened().read(drawing)
        assert (answer["number"], answer["kind"]) == (1, ERROR)
        in_words(answer["sentence"])
        assert digits_of(socket.read()) == [7]  # and the socket goes on
    status, content = post(app, hello().encode() + b"\n" + drawing)
    assert (status, unpack_answer(content)["sentence"]) == (200, answer["sentence"])


@pytest.mark.parametrize("message", [b"", b"12345678901", "text"])
def test_what_is_not_even_the_head_of_a_drawing_closes_the_socket(app, message):
    with open_socket(app) as socket:
        socket.opened().say(message)
        assert socket.hear()["closed"] == 4422


def test_a_message_that_is_too_large_closes_the_socket(app):
    with open_socket(app) as socket:
        socket.opened().say(bytes(MAX_BYTES + 1))
        assert socket.hear()["closed"] == 1009
    assert post(app, bytes(2 * MAX_BYTES))[0] == 413


def test_a_flood_on_a_socket_is_told_to_wait_and_hurts_nobody_else(app):
    address, kinds = next(addresses), set()
    with open_socket(app, address=address) as socket:
        socket.opened("flood")
        for number in range(FLOOD):
            socket.say(drawn_seven(number))
        answers = [unpack_answer(socket.hear()) for _ in range(FLOOD)]
        kinds = {answer["kind"] for answer in answers}
        assert {answer["number"] for answer in answers} == set(range(FLOOD))
        assert kinds <= {READ, SUPERSEDED, REFUSED} and REFUSED in kinds
        refused = next(answer for answer in answers if answer["kind"] == REFUSED)
        assert "wait a moment" in in_words(refused["sentence"])
    assert reads(app)


def test_a_page_has_few_sockets_and_an_address_not_all_of_them(app):
    address = next(addresses)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(open_socket(app, address=address)).opened("one-page")
        fourth = stack.enter_context(open_socket(app, address=address))
        fourth.say(hello("one-page"))
        assert fourth.hear()["closed"] == 4429
        statuses = [stack.enter_context(open_socket(app, address=address)).status for _ in range(300)]
        assert 429 in statuses
        assert statuses.count(101) == 297
        assert reads(app)


def test_who_guesses_a_session_finds_nothing_of_anybodys(app):
    with open_socket(app) as socket:
        answer = socket.opened("theirs", "A" * 43).read(drawn_seven(network="own"))
    assert answer["kind"] == ERROR
    assert "no such network" in answer["sentence"]


def test_clients_that_are_slow_or_half_gone_are_not_waited_for(app):
    with open_socket(app) as silent, open_socket(app) as unread:
        unread.opened("unread")
        assert silent.hear()["closed"] == 4408  # it never said who it is
        for number in range(100):
            unread.say(drawn_seven(number))
    ends = time.monotonic() + PATIENCE
    while open_sockets(app):
        assert time.monotonic() < ends
        time.sleep(0.2)


def open_sockets(app):
    text = app.ask("GET", "/metrics")[1]
    return float(
        next(line for line in text.splitlines() if line.startswith("digits_open_sockets ")).split()[1]
    )


def test_frames_that_are_none_close_the_connection(app):
    for frame in (b"\xff" * 20, b"\x82\x05hello", b"\x8f\x80\0\0\0\0", b"\x82\xff" + b"\xff" * 12):
        with open_socket(app) as socket:
            socket.opened()
            socket.raw.sendall(frame)
            told = socket.hear()
            assert told["closed"] in (1002, 1009, None)
        assert reads(app)

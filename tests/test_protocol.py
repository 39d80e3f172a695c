"""Frames between the app and its workers: they come back as they went, and nothing else is taken."""

import io
import json

import numpy as np
import pytest

from jobs import protocol
from jobs.protocol import ProtocolError, read_frame, write_frame


def test_messages_and_arrays_come_back_one_after_the_other():
    stream = io.BytesIO()
    write_frame(stream, {"event": "snapshot", "loss": 0.5, "probs": None}, {"kernels": np.eye(3)})
    write_frame(stream, {"event": "saved"})
    stream.seek(0)
    message, arrays = read_frame(stream)
    assert message == {"event": "snapshot", "loss": 0.5, "probs": None}
    np.testing.assert_array_equal(arrays["kernels"], np.eye(3))
    assert read_frame(stream) == ({"event": "saved"}, {})
    assert read_frame(stream) is None


@pytest.mark.parametrize(
    "content",
    [
        b"hello\n",
        b"[1, 2]\n",
        b'{"event": "saved"}\n',
        b'{"event": "saved", "bytes": -1}\n',
        b'{"event": "saved", "bytes": true}\n',
        b'{"event": "saved", "bytes": 99999999999}\n',
        b'{"event": "saved", "bytes": 5}\nabc',
        b'{"event": "saved", "bytes": 3}\nabc',
        b'{"event": "saved", "bytes": 0}',
        b"x" * 100_000 + b"\n",
    ],
)
def test_what_is_no_frame_is_an_error(content):
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(content))


def test_a_pickled_object_is_not_opened():
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("it was opened",)

    payload = io.BytesIO()
    np.savez(payload, trap=np.array([Trap()], dtype=object))
    line = json.dumps({"event": "saved", "bytes": len(payload.getvalue())}).encode()
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_frame(io.BytesIO(line + b"\n" + payload.getvalue()))


def test_arrays_that_unpack_to_too_much_are_refused(monkeypatch):
    payload = io.BytesIO()
    np.savez_compressed(payload, zeros=np.zeros(10_000))
    line = json.dumps({"event": "saved", "bytes": len(payload.getvalue())}).encode()
    monkeypatch.setattr(protocol, "MOST_BYTES", 5_000)
    assert len(payload.getvalue()) < 5_000
    with pytest.raises(ProtocolError, match="would unpack to 80,128 bytes"):
        read_frame(io.BytesIO(line + b"\n" + payload.getvalue()))


def test_too_large_a_frame_is_not_written(monkeypatch):
    stream = io.BytesIO()
    monkeypatch.setattr(protocol, "MOST_BYTES", 5_000)
    with pytest.raises(ProtocolError, match="too large"):
        write_frame(stream, {}, {"zeros": np.zeros(10_000)})
    with pytest.raises(ProtocolError, match="too large"):
        write_frame(stream, {"text": "x" * 70_000})
    with pytest.raises(ValueError):
        write_frame(stream, {"loss": float("nan")})
    assert stream.getvalue() == b""

"""A WebSocket from the other side, as a page or a stranger holds it."""

import contextlib
import socket

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from jobs.drawing_message import unpack_answer
from tests.pad import drawn_seven, hello

PATIENCE = 120  # seconds until something is taken to never happen


class Socket:
    """status: of the handshake; 101 where it is open."""

    def __init__(self, host, port, *, origin="own", path="/live", address=None, **headers):
        self.raw = socket.create_connection((host, port), timeout=PATIENCE)
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events = []
        sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        if origin is not None:
            sent.append((b"origin", f"http://{host}:{port}".encode() if origin == "own" else origin.encode()))
        if address is not None:
            sent.append((b"x-forwarded-for", address.encode()))
        self._send(Request(host=f"{host}:{port}", target=path, extra_headers=sent))
        answer = self._next()
        self.status = 101 if isinstance(answer, AcceptConnection) else answer.status_code
        self.reason = ""
        if isinstance(answer, RejectConnection) and answer.has_body:
            while isinstance(part := self._next(), RejectData):
                self.reason += part.data.decode()
                if part.body_finished:
                    break

    def say(self, message):
        self._send(TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message))

    def hear(self):
        """The next message; {"closed": its code} where the other side has closed."""
        parts = b""
        while True:
            event = self._next()
            if isinstance(event, BytesMessage):
                parts += bytes(event.data)
                if event.message_finished:
                    return parts
            elif isinstance(event, CloseConnection) or event is None:
                return {"closed": event and int(event.code), "reason": event and event.reason}

    def opened(self, session="s", visitor=None):
        """The same, after it said hello and was welcomed."""
        self.say(hello(session, visitor))
        assert self.hear() == b""
        return self

    def read(self, drawing=None):
        self.say(drawing or drawn_seven())
        return unpack_answer(self.hear())

    def close(self):
        self.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, event):
        self.raw.sendall(self._connection.send(event))

    def _next(self):
        while not self._events:
            received = b""
            with contextlib.suppress(ConnectionError):
                received = self.raw.recv(65536)
            if not received:
                return None
            self._connection.receive_data(received)
            self._events += self._connection.events()
        return self._events.pop(0)

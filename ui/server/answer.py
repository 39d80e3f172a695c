"""An answer on its way out: its status is remembered, and what is wrong is said in one sentence."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from recognition.messages import one_line

LONGEST_READ = 65_536  # bytes of an answer with an error that are looked at
FAULT = "That did not work, for a reason of our own. Please try again."
NOT_OURS = "The request is not as this page sends it."
NOTHING = "There is nothing here."

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Answer:
    """Passes an answer on. status: of the answer, once it has begun. body: its first bytes, if it is kept.

    Answers of 400 and more become a JSON object whose "error" or "detail" is one short sentence: FastAPI
    would repeat what it was sent, of any length. So does that {"error": a sentence} with which a server
    function answers, if `of_function` is set.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.keeps_body = self.of_function = False
        self.status: int | None = None
        self.body = b""
        self._start: Message | None = None  # until it is known what follows

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-content-type-options", b"nosniff")]
            if self.status >= 400 or self.of_function:
                self._start = message
                return
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            is_error = self.status >= 400 or (self.of_function and (self.body + body).startswith(b'{"error"'))
            if (is_error or self.keeps_body) and len(self.body) < LONGEST_READ:
                self.body += body
            if self._start is not None and is_error:
                if not message.get("more_body"):
                    await self._send_error(self._start)
                return
            if self._start is not None:
                start, self._start = self._start, None
                await self._send(start)
        await self._send(message)

    async def _send_error(self, start: Message) -> None:
        self._start = None
        sentence = _in_a_sentence(self.body, start["status"])
        kept = [
            (name, value)
            for name, value in start["headers"]
            if name.lower() not in (b"content-length", b"content-type")
        ]
        length = (b"content-length", str(len(sentence)).encode())
        start["headers"] = [*kept, (b"content-type", b"application/json"), length]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": sentence})


def _in_a_sentence(body: bytes, status: int) -> bytes:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        text = body[:LONGEST_READ].decode("utf-8", "replace").strip()
        told = {"error": text if text and not text.startswith(("<", "{", "[")) else None}
    if status < 400 and isinstance(told, dict) and len(told) > 1:
        return json.dumps(told | {"error": one_line(told["error"])}).encode()
    key = "detail" if isinstance(told, dict) and "error" not in told and "detail" in told else "error"
    sentence = told.get(key) if isinstance(told, dict) else told
    if not isinstance(sentence, str) or " " not in sentence:  # FastAPI's lists, and "Not Found"'s like
        sentence = FAULT if status >= 500 else NOTHING if status in (404, 405) else NOT_OURS
    return json.dumps({key: one_line(sentence)}).encode()

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
    """Passes an answer on. status: of the answer, once it has begun. body: its first bytes, if asked for.

    Answers of 400 and more become a JSON object whose "error" or "detail" is one short sentence: FastAPI
    would repeat what it was sent, of any length.
    """

    def __init__(self, send: Send, keeps_body: bool = False) -> None:
        self._send, self.keeps_body = send, keeps_body
        self.status: int | None = None
        self.body = b""
        self._start: Message | None = None  # of an answer with an error, until its body is there

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-content-type-options", b"nosniff")]
            if self.status >= 400:
                self._start = message
                return
        elif message["type"] == "http.response.body" and (self._start is not None or self.keeps_body):
            if len(self.body) < LONGEST_READ:
                self.body += message.get("body", b"")
            if self._start is not None:
                if not message.get("more_body"):
                    await self._send_error(self._start)
                return
        await self._send(message)

    async def _send_error(self, start: Message) -> None:
        self._start = None
        told = _in_a_sentence(self.body, start["status"])
        kept = [
            (name, value)
            for name, value in start["headers"]
            if name.lower() not in (b"content-length", b"content-type")
        ]
        length = (b"content-length", str(len(told)).encode())
        start["headers"] = [*kept, (b"content-type", b"application/json"), length]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": told})


def _in_a_sentence(body: bytes, status: int) -> bytes:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        text = body[:LONGEST_READ].decode("utf-8", "replace").strip()
        told = {"error": text if text and not text.startswith(("<", "{", "[")) else None}
    key = "detail" if isinstance(told, dict) and "error" not in told and "detail" in told else "error"
    sentence = told.get(key) if isinstance(told, dict) else told
    if not isinstance(sentence, str) or " " not in sentence:  # FastAPI's lists, and "Not Found"'s like
        sentence = FAULT if status >= 500 else NOTHING if status in (404, 405) else NOT_OURS
    return json.dumps({key: one_line(sentence)}).encode()

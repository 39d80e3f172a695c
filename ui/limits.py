"""What a stranger may send. Gradio limits uploaded files, but reads any other request whole into memory."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse

MAX_BODY = 1_000_000  # bytes of a request that is not a file upload; a drawing has about 5,000

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class LimitBody:
    """ASGI middleware: refuses bodies longer than MAX_BODY, and those that do not say their length."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and not scope["path"].rstrip("/").endswith("/upload"):
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > MAX_BODY:
                app = PlainTextResponse(f"A request may have {MAX_BODY:,} bytes.", 413)
            elif b"transfer-encoding" in headers:
                app = PlainTextResponse("Please send the length of the request.", 411)
        await app(scope, receive, send)

"""What a link to the page looks like where it is shared: title, sentence, picture and address, each once.

Gradio's page names itself, twice, and has no setting for it: its tags are taken out on the way, and ours
put in.
"""

import html
import re
from collections.abc import Awaitable, Callable

import fastapi
from gradio.route_utils import get_root_url
from starlette.responses import Response

from ui.server.answer import Send
from ui.server.payload import Message, Receive

TAGS = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
App = Callable[[Message, Receive, Send], Awaitable[None]]


def with_preview(page: bytes, tags: dict[str, str]) -> bytes:
    """The page's HTML with these `og:` tags in its head, and no others. tags: content by name."""
    ours = "".join(
        f'<meta property="og:{name}" content="{html.escape(content)}" />' for name, content in tags.items()
    )
    ours += f'<meta name="description" content="{html.escape(tags["description"])}" />'
    ours += '<meta name="twitter:card" content="summary_large_image" />'
    return TAGS.sub(b"", page).replace(b"</head>", ours.encode() + b"</head>", 1)


class LinkPreview:
    """ASGI middleware around the app that serves the page. picture: its address, relative to the page's."""

    def __init__(self, app: App, title: str, sentence: str, picture: str) -> None:
        self.app, self.title, self.sentence, self.picture = app, title, sentence, picture

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET"
        if not is_page or scope["path"].removeprefix(scope.get("root_path", "")) not in ("", "/"):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self.app(scope, receive, collect)
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        if headers.get("content-type", "").startswith("text/html"):
            root = get_root_url(fastapi.Request(scope), "/", scope.get("root_path"))
            body = with_preview(body, self._tags(root))
        kept = {name: value for name, value in headers.items() if name != "content-length"}
        await Response(body, start["status"], kept)(scope, receive, send)

    def _tags(self, root: str) -> dict[str, str]:
        return {
            "type": "website",
            "title": self.title,
            "description": self.sentence,
            "url": f"{root}/",
            "image": f"{root}/{self.picture}",
        }

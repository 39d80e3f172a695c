"""A link that is shared shows the page's own title, sentence, picture and address, each once."""

import re
from pathlib import Path

import gradio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.server.preview import LinkPreview, with_preview

TEMPLATE = Path(gradio.__file__).parent / "templates" / "frontend" / "index.html"
TAGS = {"title": 'Digits "from" <Scratch>', "description": "Reads.", "url": "https://a.example/"}


def _tags(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)" content="([^"]*)"', page)


def test_gradios_own_tags_are_replaced_each_by_one_of_ours():
    template = TEMPLATE.read_bytes()
    assert template.count(b"og:title") == 2, "Gradio's page has changed"
    page = with_preview(template, TAGS).decode()
    assert _tags(page) == [
        ("og:title", "Digits &quot;from&quot; &lt;Scratch&gt;"),
        ("og:description", "Reads."),
        ("og:url", "https://a.example/"),
        ("twitter:card", "summary_large_image"),
    ]
    assert "Gradio" not in "".join(re.findall(r"<meta[^>]*>", page))
    assert page.count("</head>") == 1
    assert "window.gradio_config" in page


@pytest.fixture
def client():
    async def page(request):
        return HTMLResponse(TEMPLATE.read_text(), headers={"X-Kept": "yes"})

    async def other(request):
        return PlainTextResponse(TEMPLATE.read_text())

    preview = Middleware(LinkPreview, "Digits", "Reads.", "preview.jpg")
    return TestClient(Starlette(routes=[Route("/", page), Route("/other", other)], middleware=[preview]))


@pytest.mark.parametrize(
    ("headers", "root"),
    [
        ({}, "http://testserver"),
        ({"x-forwarded-host": "a.example", "x-forwarded-proto": "https"}, "https://a.example"),
    ],
)
def test_the_address_is_the_one_under_which_the_page_was_asked_for(client, headers, root):
    answer = client.get("/", headers=headers)
    tags = dict(_tags(answer.text))
    assert tags["og:url"] == f"{root}/"
    assert tags["og:image"] == f"{root}/preview.jpg"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["x-kept"] == "yes"


def test_nothing_else_is_touched(client):
    assert client.get("/other").text == TEMPLATE.read_text()
    assert client.head("/").status_code == 200

"""What stands around the tabs: code for programs that runs as it is copied, and what a shared link shows."""

import base64
import io
import json
import shutil
import subprocess
import sys

import httpx
from mcp import Client
from PIL import Image
from playwright.sync_api import expect

from tests import event_loop
from tests.browser.conftest import PHONE
from ui.photo.tab import EXAMPLES_FOLDER as PHOTOS


def _as_json(printed):
    return json.loads(printed)["data"][0]["text"]


EXAMPLES = {  # by their language: how to run them, and what is read in what they print
    "python": ((sys.executable, "-c"), str.strip),
    "javascript": (("node", "--input-type=module", "-e"), str.strip),
    "curl": (("bash", "-c"), _as_json),
}


def test_the_code_for_programs_runs_as_it_is_copied(open_pad, tmp_path):
    page = open_pad().page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("Use it from a program").click()
    shutil.copy(PHOTOS / "board.jpg", tmp_path / "digits.jpg")
    for language, (command, text_of) in EXAMPLES.items():
        page.locator(f".example[data-language={language}] .copy").click()
        expect(page.locator(f".example[data-language={language}] .copy")).to_have_text("Copied")
        code = page.evaluate("navigator.clipboard.readText()")
        ran = subprocess.run([*command, code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert text_of(ran.stdout).endswith("1729\n6174"), language
    expect(page.locator("footer").get_by_role("button", name="API")).to_have_count(0)  # Gradio's own


def test_the_address_for_agents_is_that_of_an_mcp_server(open_pad, url):
    page = open_pad().page
    page.get_by_text("Use it from a program").click()
    address = page.locator(".example[data-language=mcp] code").inner_text()
    assert address == f"{url}/gradio_api/mcp"

    async def read():
        picture = base64.b64encode((PHOTOS / "board.jpg").read_bytes()).decode()
        async with Client(address) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, await client.call_tool("read_photo", {"image": picture})

    names, answer = event_loop.call(read)
    assert names == ["read_photo", "read_drawing"]
    assert answer.structured_content["text"] == "1729\n6174"


def test_a_link_that_is_shared_shows_what_is_ours_and_its_picture_is_there(url):
    page = httpx.get(url, timeout=120).text
    for tag in ("og:title", "og:description", "og:url", "og:image", "twitter:card"):
        assert page.count(f'"{tag}"') == 1, tag
    assert "Click to try out the app" not in page
    assert f'<meta property="og:url" content="{url}/" />' in page
    picture = httpx.get(f"{url}/preview.jpg", timeout=120)
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)


def test_code_that_is_wider_than_a_phone_scrolls_in_its_own_box(open_pad):
    page = open_pad(**PHONE).page
    page.get_by_text("Use it from a program").click()
    for paragraph in page.locator("#about details p").all():
        box = paragraph.bounding_box()
        assert box["x"] + box["width"] <= PHONE["viewport"]["width"], box

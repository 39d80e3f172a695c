"""What stands around the tabs: code for programs that runs as it is copied, and what a shared link shows."""

import io
import shutil
import subprocess
import sys

import httpx
from PIL import Image
from playwright.sync_api import expect

from ui.photo.tab import EXAMPLES_FOLDER


def test_the_code_for_programs_runs_as_it_is_copied(open_pad, tmp_path):
    page = open_pad().page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("Use it from a program").click()
    page.get_by_role("button", name="Copy the code").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    shutil.copy(EXAMPLES_FOLDER / "board.jpg", tmp_path / "digits.jpg")
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().endswith("1729\n6174")
    assert page.locator("footer").get_by_role("button", name="API").count() == 0  # Gradio's own


def test_a_link_that_is_shared_shows_what_is_ours_and_its_picture_is_there(url):
    page = httpx.get(url, timeout=120).text
    for tag in ("og:title", "og:description", "og:url", "og:image", "twitter:card"):
        assert page.count(f'"{tag}"') == 1, tag
    assert "Click to try out the app" not in page
    assert f'<meta property="og:url" content="{url}/" />' in page
    picture = httpx.get(f"{url}/preview.jpg", timeout=120)
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)

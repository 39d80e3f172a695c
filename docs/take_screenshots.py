"""Takes the README's pictures of the page: `python docs/take_screenshots.py`."""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # run as a script, from anywhere

from tests.browser.driver import Pad, Point, launch_chromium, serve_app  # noqa: E402

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

# A digit written by hand, as an SVG path in a box of 100 x 100, for each picture.
PICTURES = {
    "screenshot.png": (DESKTOP, "M36 27C33 45 30 56 37 58C48 61 60 54 66 46M67 24C62 44 58 62 56 84"),
    "screenshot-phone.png": (
        PHONE | {"color_scheme": "dark"},
        "M33 31C38 15 66 16 66 33C66 46 54 49 45 49C57 49 70 54 68 69C65 88 36 86 30 71",
    ),
}
SAMPLE = """curve => {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", curve);
  const length = path.getTotalLength();
  const steps = Math.ceil(length / 3);
  return [...Array(steps + 1).keys()].map((i) => {
    const { x, y } = path.getPointAtLength((i / steps) * length);
    return [x / 100, y / 100];
  });
}"""


def main() -> None:
    with serve_app() as (url, _), sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        for name, (device, curves) in PICTURES.items():
            context = browser.new_context(device_scale_factor=2, **device)
            pad = Pad(context.new_page(), url)
            pad.draw([sample(pad.page, f"M{curve}") for curve in curves.split("M")[1:]])
            pad.page.mouse.move(1, 1)
            pad.page.wait_for_timeout(300)  # the ghost fades
            pad.page.screenshot(path=HERE / name)
            print(HERE / name)
            context.close()
        browser.close()


def sample(page: Page, curve: str) -> list[Point]:
    """Points along an SVG path, in shares of the pad."""
    return [(x, y) for x, y in page.evaluate(SAMPLE, curve)]


if __name__ == "__main__":
    main()

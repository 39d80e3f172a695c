"""Takes all pictures of the page that README, docs and link previews show: `python -m scripts.screenshots`.

`python -m scripts.screenshots inside` takes that of the Inside tab alone.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.driver import DIGITS, Pad, PhotoTab, Point, TrainTab, launch_chromium, serve_app
from ui import page as whole_page

PICTURES = Path(__file__).parents[1] / "docs"
PREVIEW = whole_page.HERE / whole_page.PICTURE  # 1200 x 630, as those who show previews ask for

TRAINING = 120_000  # milliseconds, at most
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

# A digit written by hand, as an SVG path in a box of 100 x 100, for each picture of the pad.
DRAWN = {
    "screenshot.png": (DESKTOP, "M36 27C33 45 30 56 37 58C48 61 60 54 66 46M67 24C62 44 58 62 56 84"),
    "screenshot-phone.png": (
        PHONE | {"color_scheme": "dark"},
        "M33 31C38 15 66 16 66 33C66 46 54 49 45 49C57 49 70 54 68 69C65 88 36 86 30 71",
    ),
}
# An example photo for each picture of the Photo tab, by its title.
READ = {
    "screenshot-photo.png": (DESKTOP, "Ballpoint on ruled paper"),
    "screenshot-photo-phone.png": (PHONE | {"color_scheme": "dark"}, "Pencil, squares, a shadow"),
}
# A 4 that is rejected until the network is fine-tuned on it, and the name of its picture.
TAUGHT = ("teach.png", 4, "M30 80L50 20L70 80M38 58L62 58")
# The Inside tab with a 7 by hand; the block and the place on its maps, in shares, of the cell that is pinned.
LOOKED_INSIDE = ("inside.jpg", "M29 27C42 23 60 22 73 24C62 41 53 60 49 84", 0, (0.31, 0.29))
# What each series of pictures of the Train tab is named after: at rest, running and done.
TRAINED = {"train-{}.png": DESKTOP}
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", nargs="?", choices=["inside"], help="leave the others out")
    options = parser.parse_args()
    with serve_app() as app, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        take_inside(Pad(browser.new_page(device_scale_factor=1.5, **DESKTOP), app.url), *LOOKED_INSIDE)
        if options.only is None:
            take_others(browser, app.url)
        browser.close()


def take_others(browser: Browser, url: str) -> None:
    """All but that of the Inside tab."""
    take_preview(Pad(browser.new_page(device_scale_factor=1200 / 1280, **DESKTOP), url))
    for name, (device, curves) in DRAWN.items():
        pad = Pad(browser.new_page(device_scale_factor=2, **device), url)
        pad.draw([sample(pad.page, f"M{curve}") for curve in curves.split("M")[1:]])
        take(pad.page, name)
    take_lesson(Pad(browser.new_page(device_scale_factor=2, **DESKTOP), url), *TAUGHT)
    for name, (device, title) in READ.items():
        tab = PhotoTab(browser.new_page(device_scale_factor=2, **device), url)
        tab.try_example(title)
        take(tab.page, name)
    for name, device in TRAINED.items():
        take_training(TrainTab(browser.new_page(**device), url), name)


def take_inside(pad: Pad, name: str, curve: str, block: int, place: Point) -> None:
    pad.draw([sample(pad.page, curve)])
    pad.page.get_by_role("tab", name="Inside").click()
    pad.page.wait_for_selector("#inside .tab[data-state=read]")
    pad.page.wait_for_function("document.querySelector('#inside .blocks canvas').height > 11")
    maps = pad.page.locator("#inside .blocks canvas").nth(block)
    box = maps.bounding_box()
    maps.click(position={"x": place[0] * box["width"], "y": place[1] * box["height"]})
    pad.page.locator("#inside .sum .grids").wait_for()
    take(pad.page, name)


def take_preview(pad: Pad) -> None:
    _, curves = DRAWN["screenshot.png"]
    pad.draw([sample(pad.page, f"M{curve}") for curve in curves.split("M")[1:]])
    pad.page.mouse.move(1, 1)
    pad.page.wait_for_timeout(500)
    upper = {"x": 0, "y": 0, "width": 1280, "height": 672}
    pad.page.screenshot(path=PREVIEW, clip=upper, quality=85)
    print(PREVIEW)
    pad.page.close()


def take_lesson(pad: Pad, name: str, digit: int, curves: str) -> None:
    pad.draw([sample(pad.page, f"M{curve}") for curve in curves.split("M")[1:]])
    pad.page.get_by_role("button", name=f"This is a {digit}").click()
    pad.page.get_by_role("button", name="Teach it").click()
    pad.page.get_by_text("Accuracy on MNIST’s test images:").wait_for(timeout=TRAINING)
    pad.page.wait_for_function("d => document.querySelector('#pad .answer').innerText === d", arg=str(digit))
    take(pad.page, name)


def take_training(tab: TrainTab, name: str) -> None:
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[3])
    tab.go_to("Train")
    take(tab.page, name.format("rest"), close=False)
    tab.start(images=20_000)
    tab.settle("training")
    tab.page.wait_for_function("document.querySelector('.line').ariaValueNow >= 50", timeout=TRAINING)
    take(tab.page, name.format("running"), close=False)
    tab.settle("done")
    tab.page.locator(".outcome").evaluate("e => e.scrollIntoView()")
    take(tab.page, name.format("done"))


def take(page: Page, name: str, close: bool = True) -> None:
    page.mouse.move(1, 1)
    page.wait_for_timeout(500)  # the ghost fades, the photo is unpacked
    page.screenshot(
        path=PICTURES / name,
        full_page=name.startswith(("train", "teach")) and "done" not in name,
        quality=70 if name.endswith(".jpg") else None,
    )
    print(PICTURES / name)
    if close:
        page.close()


def sample(page: Page, curve: str) -> list[Point]:
    """Points along an SVG path, in shares of the pad."""
    return [(x, y) for x, y in page.evaluate(SAMPLE, curve)]


if __name__ == "__main__":
    main()

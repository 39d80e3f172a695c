"""The Inside tab in an open page, as a person uses it."""

import time

from tests.browser.driver import DIGITS, PATIENCE, Pad, along, in_pixels

VIEWS = ("flow", "why", "change", "kernels", "learn", "time", "doubt", "neighbours", "compare")
WAIT = {"timeout": PATIENCE}


class InsideTab:
    """The Inside tab of a page that shows it."""

    def __init__(self, page):
        self.page = page
        self.tab = page.locator("#inside .tab")
        self.tab.wait_for()

    @classmethod
    def after_drawing(cls, pad: Pad):
        """Opened by its name, with a 7 drawn on the Draw tab before."""
        pad.draw(DIGITS[7])
        pad.page.get_by_role("tab", name="Inside").click()
        inside = cls(pad.page)
        inside.await_maps()
        return inside

    def await_maps(self):
        self.page.wait_for_selector("#inside .tab[data-state=read]", **WAIT)
        self.page.wait_for_function("document.querySelector('#inside .blocks canvas').height > 11")

    def draw(self, strokes):
        """On the pad of this tab."""
        canvas = self.find(".ink")
        canvas.scroll_into_view_if_needed()
        for stroke in strokes:
            path = [in_pixels(point, canvas.bounding_box()) for point in along(stroke)]
            self.page.mouse.move(*path[0])
            self.page.mouse.down()
            for x, y in path[1:]:
                self.page.mouse.move(x, y)
            self.page.mouse.up()
        self.await_maps()

    def find(self, selector):
        return self.page.locator(f"#inside {selector}")

    def open(self, view):
        self.find(f"[data-open={view}]").click()

    @property
    def looks(self):
        return int(self.tab.get_attribute("data-looks"))

    @property
    def address(self):
        return self.page.evaluate("location.hash")

    @property
    def shares(self):
        return [int(bar.get_attribute("aria-valuenow")) for bar in self.find(".share").all()]

    @property
    def first_maps(self):
        return self.find(".blocks canvas").first.evaluate("canvas => canvas.toDataURL()")

    def await_(self, condition):
        """Until it holds, however busy the machine is."""
        end = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < end
            self.page.wait_for_timeout(30)

    def point_at(self, block, x, y, click=True):
        """A cell of a block's maps, by its share of their width and height."""
        canvas = self.find(".blocks canvas").nth(block)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        place = {"x": x * box["width"], "y": y * box["height"]}
        canvas.click(position=place) if click else canvas.hover(position=place)

    def number(self, selector):
        return number_of(self.find(selector).first.inner_text())


def number_of(text):
    return float(text.replace("\u2212", "-").replace("+", "").replace(" ", ""))

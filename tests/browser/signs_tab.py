"""The Signs tab in an open page, as a person uses it."""

from tests.browser.driver import PATIENCE, Pad, along, in_pixels, placed

HEART = [
    [
        (0.5, 0.8),
        (0.2, 0.5),
        (0.2, 0.28),
        (0.35, 0.2),
        (0.5, 0.35),
        (0.65, 0.2),
        (0.8, 0.28),
        (0.8, 0.5),
        (0.5, 0.8),
    ]
]
STAR = [[(0.5, 0.15), (0.7, 0.85), (0.15, 0.4), (0.85, 0.4), (0.3, 0.85), (0.5, 0.15)]]


def varied(strokes, number):
    """The same sign as drawn another time."""
    return [
        [(x + 0.02 * number * (y - 0.5), y) for x, y in stroke]
        for stroke in placed(strokes, 0.5, 0.5, 1 - 0.03 * number)
    ]


class SignsTab:
    """The Signs tab of a page that shows it."""

    def __init__(self, page):
        self.page = page
        page.set_default_timeout(PATIENCE)
        self.tab = page.locator("#signs .tab")
        self.tab.wait_for()
        self.canvas = self.find(".strokes")
        self.find(".labels button").first.wait_for()

    @classmethod
    def of(cls, pad: Pad):
        pad.page.get_by_role("tab", name="Signs").click()
        return cls(pad.page)

    def find(self, selector):
        return self.page.locator(f"#signs {selector}")

    def button(self, name):
        return self.page.locator("#signs").get_by_role("button", name=name)

    def draw(self, strokes):
        self.canvas.scroll_into_view_if_needed()
        for stroke in strokes:
            box = self.canvas.bounding_box()
            path = [in_pixels(point, box) for point in along(stroke, 0.05)]
            self.page.mouse.move(*path[0])
            self.page.mouse.down()
            for place in path[1:]:
                self.page.mouse.move(*place)
            self.page.mouse.up()

    def add(self, name, strokes):
        """One more example of a sign, by the button under the pad."""
        before = self.examples_of(name).count()
        self.draw(strokes)
        self.find(".labels").get_by_role("button", name=name).click()
        self.examples_of(name).nth(before).wait_for()

    def examples_of(self, name):
        return self.button(f"Delete this “{name}”")

    def teach(self, count=5):
        """So many examples of the two signs that are there at first."""
        for number in range(count):
            self.add("heart", varied(HEART, number))
            self.add("star", varied(STAR, number))

    def learn(self):
        self.find(".learn").click()
        self.find(".task").get_by_text("Learned:").wait_for()

    def read(self):
        """The reading, once there is one: the answer, and what the bars say in percent, by name."""
        self.page.wait_for_selector("#signs .reading[data-state=read]")
        bars = {
            bar.get_attribute("aria-label"): int(bar.get_attribute("aria-valuenow"))
            for bar in self.find(".bar").all()
        }
        return self.find(".answer").inner_text(), bars

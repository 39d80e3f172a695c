"""A pen on the page, and a probe that notes how soon the bars follow it."""

import itertools

from tests.browser.driver import DIGITS, Pad

STROKE = 0.35  # seconds a stroke takes

# Notes when the pen went down and up and when bars moved; the clock is that of the events themselves.
PROBE = """() => {
  const reading = document.querySelector(".reading");
  window.probe = { down: 0, up: 0, moved: [] };
  const down = (event) => Object.assign(probe, { down: event.timeStamp, moved: [] });
  addEventListener("pointerdown", down, true);
  addEventListener("pointerup", (event) => (probe.up = event.timeStamp), true);
  new MutationObserver(() => probe.moved.push(performance.now()))
    .observe(reading, { attributeFilter: ["data-answers"] });
}"""


def draw_digits(pad: Pad, strokes: int) -> list[float]:
    """Draws; milliseconds from each pen-up until the bars show the reading of the whole drawing."""
    waits = []
    for digit in itertools.islice(itertools.cycle(DIGITS), strokes):
        pad.draw(DIGITS[digit], seconds=STROKE, step=0.05)
        probe = pad.page.evaluate("probe")
        waits.append(max([0.0, *(moved - probe["up"] for moved in probe["moved"])]))
        pad.page.locator(".clear").click()
    return waits

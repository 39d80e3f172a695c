"""axe-core finds nothing wrong on any tab, by day and by night, before and after something was done."""

import os
from pathlib import Path

import pytest

from tests.browser.driver import DIGITS, placed
from tests.browser.signs_tab import HEART, SignsTab, varied
from ui.photo.tab import EXAMPLES

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# Gradio's own: its tabs point to panels that it makes only once they are opened.
NOT_OURS = ["aria-valid-attr-value"]
RUN = """(notOurs) => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: Object.fromEntries([
    ["label-content-name-mismatch", { enabled: true }],
    ...notOurs.map((rule) => [rule, { enabled: false }]),
  ]),
}).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160))}`))"""


def _violations(page):
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN, NOT_OURS)


def test_axe_would_find_a_picture_without_a_name(open_pad):
    pad = open_pad()
    pad.page.locator(".seen canvas").evaluate("canvas => canvas.removeAttribute('aria-label')")
    assert [found.partition(":")[0] for found in _violations(pad.page)] == ["role-img-alt"]


@pytest.fixture(autouse=True)
def _needs_axe():
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe-core is not installed: npm ci")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_the_draw_tab(open_pad, scheme):
    pad = open_pad(color_scheme=scheme)
    assert _violations(pad.page) == []
    pad.draw(DIGITS[4])
    pad.page.get_by_role("button", name="This is a 9").click()
    pad.page.get_by_role("button", name="Teach it").wait_for()
    pad.page.get_by_role("button", name="How it works").click()
    pad.page.get_by_text("The networks, layer by layer").click()
    pad.page.get_by_text("Use it from a program").click()
    assert _violations(pad.page) == []
    pad.page.locator(".clear").click()
    for place, digit in enumerate((4, 7, 1)):
        pad.draw(placed(DIGITS[digit], 0.2 + 0.3 * place, 0.5, 0.3), step=0.03, settle=False)
    pad.settle()
    pad.page.get_by_role("button", name="Copy a link").click()
    assert _violations(pad.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_the_photo_tab(open_photo_tab, scheme):
    tab = open_photo_tab(color_scheme=scheme)
    assert _violations(tab.page) == []
    tab.try_example(EXAMPLES[0].title)
    tab.inputs.first.fill("7")
    tab.page.get_by_text("How it was read").click()
    assert _violations(tab.page) == []
    tab.page.get_by_role("button", name="Turn", exact=True).click()
    tab.page.get_by_role("button", name="Turn anyway").wait_for()
    assert _violations(tab.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_the_signs_tab(open_pad, scheme):
    signs = SignsTab.of(open_pad(color_scheme=scheme))
    assert _violations(signs.page) == []
    for number in range(10):  # two signs that look alike
        signs.add(("heart", "star")[number % 2], varied(HEART, number / 2))
    signs.learn()
    signs.draw(HEART)
    signs.read()
    signs.find(".confusions").wait_for()
    assert _violations(signs.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_the_train_tab(open_train_tab, scheme):
    tab = open_train_tab(color_scheme=scheme)
    tab.page.get_by_text("More settings").click()
    assert _violations(tab.page) == []
    tab.start(images=1000, epochs=1)
    tab.settle("done")
    tab.page.locator(".outcome").wait_for()
    assert _violations(tab.page) == []
    tab.page.locator(".confusions td button").first.click()
    tab.button("Throw it away").click()
    assert _violations(tab.page) == []

"""axe-core finds nothing wrong on any tab, by day and by night, before and after something was done."""

from tests.browser.axe import violations
from tests.browser.driver import DIGITS, placed
from tests.browser.signs_tab import HEART, SignsTab, varied
from ui.photo.tab import EXAMPLES


def test_axe_would_find_a_picture_without_a_name_and_words_that_are_too_dark_at_night(open_pad):
    page = open_pad().page
    page.locator(".seen canvas").evaluate("canvas => canvas.removeAttribute('aria-label')")
    page.add_style_tag(content=".dark #pad .sure { color: #333 !important; }")
    assert [found.partition(":")[0] for found in violations(page)] == ["color-contrast", "role-img-alt"]


def test_axe_finds_nothing_wrong_on_the_draw_tab(open_pad):
    pad = open_pad()
    assert violations(pad.page) == []
    pad.draw(DIGITS[4])
    pad.page.get_by_role("button", name="This is a 9").click()
    pad.page.get_by_role("button", name="Teach it").wait_for()
    pad.page.get_by_role("button", name="How it works").click()
    pad.page.get_by_text("The networks, layer by layer").click()
    pad.page.get_by_text("Use it from a program").click()
    assert violations(pad.page) == []
    pad.page.locator(".clear").click()
    for place, digit in enumerate((4, 7, 1)):
        pad.draw(placed(DIGITS[digit], 0.2 + 0.3 * place, 0.5, 0.3), step=0.03, settle=False)
    pad.settle()
    pad.page.get_by_role("button", name="Copy a link").click()
    assert violations(pad.page) == []


def test_axe_finds_nothing_wrong_on_the_photo_tab(open_photo_tab):
    tab = open_photo_tab()
    assert violations(tab.page) == []
    tab.try_example(EXAMPLES[0].title)
    tab.inputs.first.fill("7")
    tab.page.get_by_text("How it was read").click()
    assert violations(tab.page) == []
    tab.page.get_by_role("button", name="Turn", exact=True).click()
    tab.page.get_by_role("button", name="Turn anyway").wait_for()
    assert violations(tab.page) == []


def test_axe_finds_nothing_wrong_on_the_signs_tab(open_pad):
    signs = SignsTab.of(open_pad())
    assert violations(signs.page) == []
    for number in range(10):  # two signs that look alike
        signs.add(("heart", "star")[number % 2], varied(HEART, number / 2))
    signs.learn()
    signs.draw(HEART)
    signs.read()
    signs.find(".confusions").wait_for()
    assert violations(signs.page) == []


def test_axe_finds_nothing_wrong_on_the_train_tab(open_train_tab):
    tab = open_train_tab()
    tab.page.get_by_text("More settings").click()
    assert violations(tab.page) == []
    tab.start(images=1000, epochs=1)
    tab.settle("done")
    tab.page.locator(".outcome").wait_for()
    assert violations(tab.page) == []
    tab.page.locator(".confusions td button").first.click()
    tab.button("Throw it away").click()
    assert violations(tab.page) == []

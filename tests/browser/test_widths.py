"""No width of the window, from a small phone to a projector, puts one thing on another or squeezes it."""

from playwright.sync_api import expect

from tests.browser.driver import DIGITS, TrainTab, placed
from tests.browser.layout import TWO_FRAMES, faults_of
from tests.browser.signs_tab import HEART, SignsTab, varied
from ui.photo.tab import EXAMPLES

WIDTHS = (320, 390, 560, 700, 768, 820, 912, 960, 1000, 1280, 1920, 2560)
HEIGHTS = {320: 700, 390: 844, 768: 1024, 820: 1180, 912: 1368, 1280: 800, 1920: 1080, 2560: 1440}
HEIGHT = 1000  # of the others


def _faults(page):
    """By width."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, HEIGHT)})
        found[width] = faults_of(page)
    return {width: faults for width, faults in found.items() if faults}


def test_the_draw_tab_is_laid_out_at_every_width(open_pad):
    pad = open_pad()
    assert _faults(pad.page) == {}
    pad.page.set_viewport_size({"width": 1280, "height": 800})
    pad.draw(DIGITS[4])
    pad.page.get_by_role("group", name="Wrong? Tell it the right digit").get_by_role("button").nth(9).click()
    pad.page.get_by_role("button", name="Teach it").wait_for()
    assert _faults(pad.page) == {}
    pad.page.set_viewport_size({"width": 1280, "height": 800})
    pad.page.locator(".clear").click()
    for place, digit in enumerate((4, 7, 1, 0)):
        pad.draw(placed(DIGITS[digit], 0.14 + 0.24 * place, 0.5, 0.3), step=0.03, settle=False)
    pad.settle()
    assert pad.answer == "4710"
    assert _faults(pad.page) == {}


def test_the_photo_tab_is_laid_out_at_every_width(open_photo_tab):
    tab = open_photo_tab()
    assert _faults(tab.page) == {}
    tab.page.set_viewport_size({"width": 1280, "height": 800})
    tab.try_example(EXAMPLES[0].title)
    tab.inputs.first.fill("7")
    tab.page.get_by_text("How it was read").click()
    assert _faults(tab.page) == {}


def test_the_signs_tab_is_laid_out_at_every_width(open_pad):
    signs = SignsTab.of(open_pad())
    assert _faults(signs.page) == {}
    signs.page.set_viewport_size({"width": 1280, "height": 800})
    for number in range(10):  # two signs that look alike
        signs.add(("heart", "star")[number % 2], varied(HEART, number / 2))
    signs.learn()
    signs.draw(HEART)
    signs.read()
    signs.find(".confusions").wait_for()
    assert _faults(signs.page) == {}


def test_the_train_tab_is_laid_out_at_every_width(open_train_tab):
    tab: TrainTab = open_train_tab()
    tab.page.get_by_text("More settings").click()
    assert _faults(tab.page) == {}
    tab.page.set_viewport_size({"width": 1280, "height": 800})
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[3])
    tab.go_to("Train")
    tab.start(images=200, epochs=1)
    tab.settle("done")
    tab.page.locator(".outcome").wait_for()
    assert _faults(tab.page) == {}


def test_a_large_screen_is_used(open_pad):
    page = open_pad(viewport={"width": 1920, "height": 1080}).page
    for tab, element in (("Draw", "pad"), ("Photo", "photo"), ("Signs", "signs"), ("Train", "train")):
        page.get_by_role("tab", name=tab).click()
        content = page.locator(f"#{element} .tab")
        content.wait_for()
        page.evaluate(TWO_FRAMES)
        assert content.bounding_box()["width"] >= 0.8 * 1920, tab


def test_a_projector_shows_every_tab_larger_on_its_whole_width(open_pad):
    pad = open_pad(viewport={"width": 1920, "height": 1080})
    page = pad.page
    pad.draw(DIGITS[4])
    heading = page.get_by_role("heading", name="Digits from Scratch")
    before = heading.bounding_box()["height"]
    page.get_by_role("button", name="Projector view").click()
    assert heading.bounding_box()["height"] > 1.3 * before
    assert page.locator("#pad .tab").bounding_box()["width"] > 0.9 * 1920
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator(".pad .tools").first).to_be_in_viewport(ratio=1)
    page.locator(".clear").click()
    pad.draw(DIGITS[7])  # under the pointer, as before
    assert pad.answer == "7"
    for name in ("Draw", "Photo", "Signs", "Train"):
        page.get_by_role("tab", name=name).click()
        assert faults_of(page) == []
    page.get_by_role("button", name="Projector view").click()
    assert heading.bounding_box()["height"] == before

"""A person looks inside: maps move with the pen, cells are sums, and a step can be taken back."""

import itertools
import time

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS, PATIENCE, along, in_pixels
from tests.browser.inside_tab import VIEWS, WAIT, InsideTab, number_of


@pytest.fixture
def inside(open_pad):
    return InsideTab.after_drawing(open_pad())


@pytest.fixture(params=["desktop", "phone"])
def inside_anywhere(open_pad, request):
    return InsideTab.after_drawing(open_pad(**(PHONE if request.param == "phone" else {})))


def test_maps_move_while_the_pen_is_down(inside):
    canvas = inside.find(".ink")
    canvas.scroll_into_view_if_needed()
    before, maps = inside.looks, inside.first_maps
    [stroke] = DIGITS[0]
    path = [in_pixels(point, canvas.bounding_box()) for point in along(stroke, 0.03)]
    inside.page.mouse.move(*path[0])
    inside.page.mouse.down()
    end = time.monotonic() + PATIENCE / 1000
    for x, y in itertools.cycle(path):  # for as long as it takes, however busy the server is
        inside.page.mouse.move(x, y)
        if inside.looks >= before + 3:
            break
        assert time.monotonic() < end
    assert inside.first_maps != maps
    inside.page.mouse.up()


def test_a_cell_is_pinned_and_its_sum_adds_up(inside_anywhere):
    inside = inside_anywhere
    inside.point_at(0, 0.56, 0.4)
    inside.find(".sum .total, .sum .grids").first.wait_for()
    expect(inside.find(".sum h2")).to_contain_text("pool1, map")
    expect(inside.find(".looked .frame")).to_be_visible()
    # The products, then their sum and the bias, as they are shown.
    products = [
        number_of(text) for text in inside.find(".sum .grid").nth(2).locator("span").all_inner_texts()
    ]
    line = inside.find(".sum .step").first.locator("> .line").inner_text()
    added, bias, value = (
        line.split("bias: ")[1]
        .replace(" (bias)", "")
        .replace("+ ", "+")
        .replace("\u2212 ", "\u2212")
        .replace("= ", "")
        .split(" ")
    )
    assert sum(products) == pytest.approx(number_of(added), abs=1e-9)
    assert number_of(added) + number_of(bias) == pytest.approx(number_of(value), abs=1e-9)


def test_many_inputs_are_shown_as_the_largest_and_all_others(inside):
    inside.point_at(1, 0.02, 0.02)
    inside.find(".sum .total").wait_for()
    *terms, total = [number_of(row.locator("td").last.inner_text()) for row in inside.find(".sum tr").all()]
    assert len(terms) == 10  # eight, all others, and the bias
    assert sum(terms) == pytest.approx(total, abs=1e-9)
    expect(inside.find(".blocks .source")).not_to_have_count(0)


def test_arrow_keys_move_the_pinned_cell_and_escape_unpins_it(inside):
    inside.point_at(0, 0.56, 0.4)
    inside.await_(lambda: inside.find(".sum h2").inner_text() != "")
    row, column, channel = map(int, inside.address.split("/")[-1].split(","))
    layer = inside.address.rpartition("/")[0]
    inside.page.keyboard.press("ArrowRight")
    inside.await_(lambda: inside.address == f"{layer}/{row},{column + 1},{channel}")
    inside.page.keyboard.press("Shift+ArrowRight")
    inside.await_(lambda: inside.address == f"{layer}/{row},{column + 1},{channel + 1}")
    inside.page.keyboard.press("Escape")
    inside.await_(lambda: inside.address == "#inside/flow")
    inside.await_(lambda: inside.find(".sum h2").inner_text() == "")


def test_the_pad_inside_is_drawn_on_by_keyboard_and_knows_no_eraser(inside):
    inside.find(".pad .ink").focus()
    inside.page.keyboard.press("Delete")
    inside.await_(lambda: inside.find(".pad .wipe").get_attribute("aria-disabled") == "true")
    inside.page.keyboard.press("e")  # which takes the eraser on the Draw tab
    for key in ("Space", "ArrowDown", "ArrowDown", "Space"):
        inside.page.keyboard.press(key)
    inside.await_(lambda: inside.find(".pad .wipe").get_attribute("aria-disabled") == "false")


def test_a_sum_that_comes_after_its_cell_was_unpinned_is_not_shown(open_pad):
    inside, held = InsideTab.after_drawing(open_pad()), []
    inside.page.route(
        "**/component_server**",
        lambda route: held.append(route) if '"cell"' in route.request.post_data else route.continue_(),
    )
    inside.point_at(0, 0.56, 0.4)
    inside.await_(lambda: len(held) > 0)
    inside.page.keyboard.press("Escape")
    inside.await_(lambda: inside.address == "#inside/flow")
    inside.page.mouse.move(1, 1)
    with inside.page.expect_response(lambda answer: '"cell"' in (answer.request.post_data or "")):
        for route in held:
            route.continue_()
    inside.page.wait_for_timeout(100)  # for the page to show what it should not; a shorter one hides no fault
    expect(inside.find(".sum h2")).to_have_text("")
    expect(inside.find(".looked .frame")).to_be_hidden()


def test_evidence_is_shown_for_the_digit_and_against_the_next(inside):
    inside.open("why")
    inside.find(".each button").first.wait_for()
    expect(inside.find(".why select").first).to_have_value("7")
    expect(inside.find(".why .line").first).to_contain_text("36 places")
    inside.find(".which select").select_option("seed")
    inside.await_(lambda: "ends in dense layers" in inside.find(".why .note").inner_text())


def test_a_slider_changes_the_picture_and_the_answer(inside):
    inside.open("change")
    inside.find(".slider path").first.wait_for(state="attached")
    expect(inside.find(".slider")).to_have_count(8)
    before, looks = inside.shares, inside.looks
    slider = inside.find(".slider input").first
    slider.focus()
    slider.evaluate("input => { input.value = 80; input.dispatchEvent(new Event('input')); }")
    inside.await_(lambda: inside.looks > looks and inside.shares != before)
    inside.find(".reset").click()
    inside.await_(lambda: inside.shares == before)


def test_a_step_moves_the_bars_and_back_undoes_it(inside):
    inside.open("learn")
    inside.await_(lambda: "The loss" in inside.find(".losses").inner_text())
    before = inside.shares
    inside.find(".labels button").nth(2).click()
    rate = inside.find(".learn .step-row input")
    rate.evaluate("input => { input.value = -2; input.dispatchEvent(new Event('input')); }")
    inside.find(".tool.step").click()
    inside.await_(lambda: inside.shares != before)
    expect(inside.find(".after")).to_contain_text("after 1 step")
    inside.find(".unstep").click()
    inside.await_(lambda: inside.shares == before)
    inside.find("summary").first.click()
    expect(inside.find(".gradients pre").first).to_contain_text("def forward(self")


def test_the_tour_is_followed_by_keyboard(inside):
    inside.find(".take-tour").focus()
    inside.page.keyboard.press("Enter")
    seen = []
    for step in range(1, 9):
        expect(inside.find(".tour .count")).to_have_text(f"{step} of 8")
        assert inside.page.evaluate("location.hash") == f"#inside/tour/{step}"
        seen.append(inside.find(".tour p").inner_text())
        inside.page.keyboard.press("Enter")
    assert len(set(seen)) == 8
    expect(inside.find(".tour")).to_be_hidden()


def test_ink_on_inside_is_ink_on_draw(inside):
    inside.find(".wipe").click()
    inside.page.wait_for_selector("#inside .tab[data-state=empty]", **WAIT)
    inside.page.get_by_role("tab", name="Draw").click()
    inside.page.wait_for_selector("#pad .reading[data-state=empty]", **WAIT)


def test_nothing_is_wider_than_the_page_and_axe_finds_nothing(inside_anywhere):
    inside = inside_anywhere
    width = inside.page.viewport_size["width"]
    for view in VIEWS:
        inside.open(view)
        inside.await_(lambda: inside.find(".notice").inner_text() == "")
        assert inside.page.evaluate("document.documentElement.scrollWidth") <= width
        main = inside.find(".main").bounding_box()
        assert main["x"] + main["width"] <= width + 1, view
        assert violations(inside.page, "#inside") == [], view


def test_a_phone_shows_all_of_what_it_says_and_speaks_of_fingers(open_pad):
    inside = InsideTab.after_drawing(open_pad(**PHONE))
    expect(inside.find(".by-touch")).to_be_visible()
    expect(inside.find(".by-mouse")).to_be_hidden()
    expect(inside.find(".sum")).to_be_hidden()  # it lies over the text
    squares = inside.find(".blocks canvas").last.bounding_box()
    for place, digit in enumerate(inside.find(".logits span").all()):
        box = digit.bounding_box()
        middle = box["x"] + box["width"] / 2
        assert middle == pytest.approx(squares["x"] + (place + 0.5) * squares["width"] / 10, abs=3)
    inside.open("kernels")
    inside.find(".liked .picture").nth(8).wait_for()
    right = max(picture["x"] + picture["width"] for picture in _boxes(inside.find(".likes *")))
    assert right <= inside.page.viewport_size["width"]


def _boxes(locator):
    return [box for box in (one.bounding_box() for one in locator.all()) if box]


def test_of_several_digits_the_last_is_looked_at_until_another_gets_a_dot(open_pad):
    pad = open_pad()
    [[seven], [three]] = DIGITS[7], DIGITS[3]
    seven, three = [(x / 2, y) for x, y in seven], [(x / 2 + 0.5, y) for x, y in three]
    pad.draw([seven, three])
    pad.page.get_by_role("tab", name="Inside").click()
    inside = InsideTab(pad.page)
    inside.await_maps()
    expect(inside.find(".said")).to_contain_text("It reads 3")
    expect(inside.find(".of-several")).to_contain_text("put a dot")
    inside.draw([[seven[0], seven[0]]])
    inside.await_(lambda: "It reads 7" in inside.find(".said").inner_text())
    inside.find(".wipe").click()
    inside.await_(lambda: not inside.find(".of-several").is_visible())


def test_a_view_has_an_address_that_can_be_shared(open_pad):
    inside = InsideTab(open_pad("#inside/doubt").page)
    inside.find(".doubts").wait_for()
    inside.draw(DIGITS[7])  # whoever opens the link draws on the pad that they see
    inside.await_(lambda: inside.find(".doubts td").count() == 50)
    assert inside.address == "#inside/doubt"

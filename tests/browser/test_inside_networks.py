"""A person looks into several networks: what they like, who is near, how they came about, side by side."""

import pytest
from playwright.sync_api import expect

from tests.browser.driver import DIGITS, PATIENCE
from tests.browser.inside_tab import VIEWS, InsideTab


@pytest.fixture
def inside(open_pad):
    return InsideTab.after_drawing(open_pad())


def test_a_channel_of_any_layer_shows_the_nine_pictures_that_it_likes(inside):
    inside.open("kernels")
    expect(inside.find(".kernels button")).to_have_count(16)
    expect(inside.find(".liked .picture")).to_have_count(9)
    first = inside.find(".liked canvas").first.evaluate("canvas => canvas.toDataURL()")
    inside.find(".kernel-view .kernels button").nth(4).click()
    inside.await_(
        lambda: inside.find(".liked canvas").first.evaluate("canvas => canvas.toDataURL()") != first
    )
    expect(inside.find(".liked .frame").first).to_be_visible()
    inside.find(".of-layer select").select_option(label="Averages 1")
    expect(inside.find(".kernel-view .kernels button")).to_have_count(128)
    expect(inside.find(".likes .hint")).to_contain_text("It sees the whole picture.")
    expect(inside.find(".liked .picture")).to_have_count(9)


def test_the_drawing_is_a_dot_that_moves_among_its_neighbours(inside):
    inside.open("neighbours")
    expect(inside.find(".nearest figure")).to_have_count(8)
    expect(inside.find(".names b")).to_have_count(10)
    expect(inside.find(".neighbours .line")).to_contain_text("7s")
    place = inside.find(".dot-here").get_attribute("style")
    inside.find(".wipe").click()
    expect(inside.find(".dot-here")).to_be_hidden()
    inside.draw(DIGITS[0])
    expect(inside.find(".neighbours .line")).to_contain_text("0s")
    inside.await_(lambda: inside.find(".dot-here").get_attribute("style") != place)


def test_a_view_that_was_opened_with_an_empty_pad_shows_all_of_it_once_there_is_a_digit(inside):
    inside.find(".wipe").click()
    inside.page.wait_for_selector("#inside .tab[data-state=empty]")
    inside.open("neighbours")
    expect(inside.find(".loading")).to_be_hidden()
    inside.draw(DIGITS[7])
    expect(inside.find(".names b")).to_have_count(10)
    inside.find(".wipe").click()
    inside.page.wait_for_selector("#inside .tab[data-state=empty]")
    inside.open("compare")
    inside.draw(DIGITS[7])
    expect(inside.find(".compare .line")).to_contain_text("They agree.")


def test_two_networks_see_the_same_drawing_side_by_side(inside):
    inside.open("compare")
    expect(inside.find(".compare .line")).to_contain_text("They agree.")
    expect(inside.find(".column .about").nth(1)).to_contain_text("seed_net, 804,554 weights")
    expect(inside.find(".pair-of-shares.best .name")).to_have_text("7")
    inside.find(".which select").select_option("seed")
    expect(inside.find(".column .about").first).to_contain_text("seed_net")
    expect(inside.find(".column .about").nth(1)).to_contain_text("digit_net")
    expect(inside.find(".compare .line")).to_contain_text("They agree.")


def test_a_network_that_came_ready_made_leads_to_where_one_is_trained(inside):
    inside.open("time")
    inside.find(".train-one").click()
    expect(inside.page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")


def test_how_sure_it_is_is_said_as_on_the_draw_tab(inside):
    said = inside.find(".said").inner_text()
    assert said == "It reads 7. Over 99% sure."
    inside.page.get_by_role("tab", name="Draw").click()
    expect(inside.page.locator("#pad .sure")).to_have_text("Over 99% sure")


def test_a_visitors_own_small_network_is_looked_into_through_its_whole_training(open_train_tab):
    tab = open_train_tab()
    tab.choose("small_net")
    tab.start(images=2000, epochs=2)
    tab.settle("done")
    tab.go_to("Draw")
    inside = InsideTab.after_drawing(tab.pad)
    inside.open("time")
    expect(inside.find(".untrained .own")).to_have_text("Look into: Your new network")
    inside.find(".untrained .own").click()
    expect(inside.find(".which select")).to_have_value("result")
    inside.await_(lambda: inside.find(".blocks .block").count() == 3)
    for view in VIEWS:
        inside.open(view)
        inside.await_(lambda: inside.find(".notice").inner_text() == "")

    inside.open("time")
    slider = inside.find(".through input")
    inside.await_(lambda: int(slider.get_attribute("max")) >= 2)
    learned, kernels = inside.shares, _kernels(inside)
    slider.focus()
    inside.page.keyboard.press("Home")
    expect(inside.find(".moment")).to_contain_text("Step 0", timeout=PATIENCE)
    inside.await_(lambda: inside.shares != learned and _kernels(inside) != kernels)
    inside.page.keyboard.press("End")
    inside.await_(lambda: inside.shares == learned and _kernels(inside) == kernels)
    inside.find(".play").click()
    expect(inside.find(".moment")).to_contain_text("Step 0", timeout=PATIENCE)
    expect(inside.find(".play")).to_have_text("Play", timeout=PATIENCE)  # it has come to the end by itself
    inside.await_(lambda: inside.shares == learned)
    inside.page.keyboard.press("Home")
    inside.open("doubt")  # and everywhere else the network is as it is now
    inside.await_(lambda: inside.shares == learned)

    inside.open("kernels")
    expect(inside.find(".liked .picture")).to_have_count(9)  # once a worker has found them
    inside.open("neighbours")
    expect(inside.find(".nearest figure")).to_have_count(8)

    tab.go_to("Train")
    tab.button("Use this network").click()
    tab.page.get_by_text("It reads your drawings and photos now.").wait_for()
    tab.go_to("Inside")
    expect(inside.find(".which select")).to_have_value("own")
    inside.open("compare")
    expect(inside.find(".column .about").first).to_contain_text("small_net")
    inside.open("time")
    inside.await_(lambda: int(slider.get_attribute("max")) >= 2)


def _kernels(inside):
    return inside.find(".time .kernels canvas").first.evaluate("canvas => canvas.toDataURL()")

"""Real trainings in a real browser: watched, paused, used, taught, and never anybody else's."""

from pathlib import Path

from tests.browser.conftest import PHONE
from tests.browser.driver import DIGITS, TrainTab

SLOW = 120_000  # milliseconds; seconds where nothing else runs
OWN = "input[value=own]"


def _is_own(tab: TrainTab) -> bool:
    return tab.page.locator(OWN).is_checked()


def test_a_training_is_watched_paused_resumed_used_and_given_up_by_one_visitor_alone(open_train_tab):
    tab, other = open_train_tab(), open_train_tab()
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    tab.go_to("Train")

    tab.start(images=4000, epochs=20)
    tab.settle("training")
    seen, before = [], 0
    while len(seen) < 6:
        tab.page.wait_for_function(
            "n => Number(document.querySelector('[data-chart=loss] .plot').dataset.points) > n", arg=before
        )
        before = tab.points
        seen.append(tab.shown)
    for part in ("loss", "accuracy", "kernels", "bars"):
        assert len({shown[part] for shown in seen}) >= 5, part

    tab.button("Pause").click()
    tab.settle("paused")
    paused = tab.points
    tab.go_to("Draw")
    tab.go_to("Train")  # all is still there
    tab.button("Resume").click()
    tab.page.wait_for_function(
        "n => Number(document.querySelector('[data-chart=loss] .plot').dataset.points) > n",
        arg=paused,
        timeout=SLOW,
    )
    tab.button("Stop and test").click()
    tab.settle("done")
    assert "The model before: 99" in tab.page.locator(".versus").inner_text()
    assert tab.page.locator("#train table tr").count() == 11
    assert tab.page.locator(".gallery button").count() > 0

    tab.button("Use this model").click()
    tab.page.get_by_text("read by your own network").wait_for()
    mistake = tab.page.locator(".gallery button").first
    read_as = mistake.locator("b").inner_text()
    mistake.click()
    tab.page.wait_for_function("document.querySelector('#pad .reading').dataset.state === 'read'")
    tab.page.wait_for_function("d => document.querySelector('#pad .answer').innerText === d", arg=read_as)
    assert _is_own(tab)
    tab.pad.draw(DIGITS[1])
    tab.go_to("Train")
    tab.button("Back to the shipped one").click()
    tab.page.get_by_text("read by the shipped network").wait_for()
    assert not _is_own(tab)

    assert other.page.locator("#train .tab").get_attribute("data-phase") == "idle"
    assert not _is_own(other)
    assert not other.page.locator(".networks .own").is_visible()


def test_one_drawing_is_taught_downloaded_and_unlearned(open_train_tab, tmp_path):
    tab = open_train_tab()
    page = tab.page
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    page.get_by_role("button", name="It was a 7").click()
    page.get_by_role("button", name="Teach it").click()
    page.get_by_text("Taught. It reads 1 of your 1 example right, 1 before.").wait_for(timeout=SLOW)
    page.locator(f"{OWN}:checked").wait_for(state="attached")
    page.get_by_text("MNIST's test pictures:").wait_for(timeout=SLOW)
    with page.expect_download() as download:
        page.locator(".pack").click()
    download.value.save_as(tmp_path / "mine.zip")
    page.get_by_role("button", name="Unlearn").click()
    page.locator(OWN).wait_for(state="hidden")
    assert not _is_own(tab)
    page.get_by_role("button", name="Delete this 7").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Or upload examples from before").click()
    chooser.value.set_files(Path(tmp_path / "mine.zip"))
    page.get_by_role("button", name="Delete this 7").wait_for()


def test_a_file_that_is_no_model_is_refused_in_words(open_train_tab, tmp_path):
    tab = open_train_tab(**PHONE)
    (tmp_path / "letter.npz").write_text("just some words")
    with tab.page.expect_file_chooser() as chooser:
        tab.button("Upload .npz").click()
    chooser.value.set_files(tmp_path / "letter.npz")
    tab.page.get_by_text("The file is damaged or not an .npz weights file").wait_for()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Real trainings in a real browser: watched, paused, used, taught, and never anybody else's."""

import base64
import contextlib
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Contexts, Visitors
from tests.browser.driver import DIGITS, TrainTab, serve_app

SLOW = 120_000  # milliseconds; seconds where nothing else runs
OWN = "input[value=own]"

# Somebody's 4, which is taken for no digit until one says what it is.
STRANGE_FOUR = [[(0.3, 0.8), (0.5, 0.2), (0.7, 0.8)], [(0.38, 0.58), (0.62, 0.58)]]


def _is_own(tab: TrainTab) -> bool:
    return tab.page.locator(OWN).is_checked()


def test_a_training_is_watched_paused_resumed_used_and_given_up_by_one_visitor_alone(open_train_tab):
    tab, other = open_train_tab(), open_train_tab()
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    tab.go_to("Train")

    tab.start(images=20_000, epochs=30)  # long enough for a page that shows little of it
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
    validation = tab.page.locator("[data-chart=accuracy] .latest").inner_text()
    tab.button("Resume").click()
    tab.settle("training")
    assert "%" in validation
    expect(tab.page.locator("[data-chart=accuracy] .latest")).to_contain_text("%")
    tab.page.wait_for_function(
        "n => Number(document.querySelector('[data-chart=loss] .plot').dataset.points) > n",
        arg=paused,
        timeout=SLOW,
    )
    tab.page.wait_for_function(  # on a slow machine it has seen few pictures until here
        "parseFloat(document.querySelector('[data-chart=accuracy] .latest').textContent) > 50", timeout=SLOW
    )
    tab.button("Stop and test").click()
    tab.settle("done")
    expect(tab.page.locator(".versus")).to_contain_text("The network before it reads 99")
    expect(tab.page.locator("#train table tr")).to_have_count(11)
    expect(tab.page.locator(".gallery button")).to_have_count(24)
    tab.button("Show the first 60").click()
    expect(tab.page.locator(".gallery button")).to_have_count(60)

    tab.button("Use this network").click()
    tab.page.get_by_text("It reads your drawings and photos now.").wait_for()
    tab.page.get_by_text("read by your own network").wait_for()
    tab.button("Draw with it").click()
    expect(tab.pad.canvas).to_be_visible()
    expect(tab.page.get_by_text("Examples of your handwriting")).to_be_hidden()  # there are none
    tab.go_to("Train")
    mistake = tab.page.locator(".gallery button").first
    read_as = mistake.locator("b").inner_text()
    mistake.click()
    tab.page.wait_for_function("document.querySelector('#pad .reading').dataset.state === 'read'")
    tab.page.wait_for_function("d => document.querySelector('#pad .answer').innerText === d", arg=read_as)
    assert _is_own(tab)
    tab.pad.draw(DIGITS[1])
    tab.go_to("Train")
    tab.button("Back to the best network").click()
    tab.page.get_by_text("read by the best network").wait_for()
    assert not _is_own(tab)
    expect(tab.button("Draw with it")).to_be_hidden()

    expect(other.page.locator("#train .tab")).to_have_attribute("data-phase", "idle")
    assert not _is_own(other)
    expect(other.page.locator(".networks .own")).to_be_hidden()


def test_a_result_that_is_thrown_away_leaves_nothing_on_the_page(open_train_tab):
    tab = open_train_tab(**PHONE)
    expect(tab.page.locator("#train .charts")).to_be_hidden()  # empty, it made the page long
    tab.start(images=1000, epochs=1)
    expect(tab.page.locator("#train .phase")).to_be_in_viewport()  # on top, and Start stood below
    tab.settle("done")
    expect(tab.page.locator("#train .charts")).to_be_visible()
    expect(tab.page.locator(".kernels canvas")).to_have_count(8)
    tab.button("Throw it away").click()
    tab.page.get_by_role("button", name="Keep it").click()
    assert tab.points > 0
    tab.button("Throw it away").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Throw it away").click()
    tab.settle("idle")
    assert tab.points == 0
    expect(tab.page.locator(".kernels canvas")).to_have_count(0)
    expect(tab.page.locator(".outcome")).to_be_hidden()
    expect(tab.button("Start training")).to_be_visible()


def _draw(tab: TrainTab, strokes: list, answer: str) -> None:
    tab.page.locator(".clear").click(force=True)  # though it may be disabled
    tab.pad.settle("empty")
    tab.pad.draw(strokes)
    _await_answer(tab, answer)


def _teach(tab: TrainTab, digit: int, before: int) -> None:
    """Says what the drawing on the pad was, and teaches it."""
    tab.page.get_by_role("button", name=f"This is a {digit}").click()
    tab.page.get_by_role("button", name=f"Delete this {digit}").wait_for()
    tab.page.get_by_role("button", name="Teach it").click()
    tab.page.get_by_text(f"Done: it now reads 1 of your 1 example correctly, {before} before.").wait_for(
        timeout=SLOW
    )
    assert _is_own(tab)


def _await_answer(tab: TrainTab, answer: str) -> None:
    tab.page.wait_for_function("d => document.querySelector('#pad .answer').innerText === d", arg=answer)


def test_two_visitors_teach_their_own_networks_and_what_was_misread_is_read_by_one_alone(
    open_train_tab, tmp_path
):
    ann, bob = open_train_tab(), open_train_tab()
    ann.go_to("Draw")
    _draw(ann, STRANGE_FOUR, "?")
    _teach(ann, 4, before=0)
    _await_answer(ann, "4")  # the same drawing, read anew
    bob.go_to("Draw")
    _draw(bob, DIGITS[7], "7")
    _teach(bob, 7, before=1)
    _draw(bob, STRANGE_FOUR, "?")
    _draw(ann, STRANGE_FOUR, "4")

    page = ann.page
    page.get_by_text("Accuracy on MNIST’s test images:").wait_for(timeout=SLOW)
    with page.expect_download() as download:
        page.locator(".export").click()
    download.value.save_as(tmp_path / "mine.zip")
    page.get_by_role("button", name="Unlearn").click()
    page.locator(OWN).wait_for(state="hidden")
    assert not _is_own(ann)
    page.get_by_role("button", name="Delete this 4").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Upload examples").last.click()
    chooser.value.set_files(tmp_path / "mine.zip")
    page.get_by_role("button", name="Delete this 4").wait_for()

    # A page that is loaded anew has all again: the tab, the network and which one was chosen.
    for chosen in ("seed", "own"):
        bob.page.locator(f"input[value={chosen}]").check(force=True)  # its label lies over it
        bob.page.reload()
        bob.page.get_by_role("button", name="Delete this 7").wait_for()
        expect(bob.page.locator(f"#pad input[value={chosen}]")).to_be_checked()
        expect(bob.page.locator("#pad .own")).to_be_visible()


def test_what_cannot_be_learned_is_told_plainly_and_a_slip_is_put_right_by_telling_again(open_train_tab):
    tab = open_train_tab()
    tab.go_to("Draw")
    tab.page.get_by_text("Your drawing and its digit become an example").wait_for()
    _draw(tab, DIGITS[0], "0")
    tab.page.get_by_role("button", name="This is a 1").click()  # which is everybody's 0
    tab.page.get_by_role("button", name="Delete this 1").wait_for()
    tab.page.get_by_role("button", name="Teach it").click()
    tab.page.get_by_text("Nothing was learned or changed").wait_for(timeout=SLOW)
    expect(tab.page.get_by_role("button", name="Unlearn")).to_be_hidden()
    tab.page.get_by_role("button", name="This is a 0").click()
    tab.page.get_by_role("button", name="Delete this 0").wait_for()
    expect(tab.page.get_by_role("button", name="Delete this")).to_have_count(1)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address of an app that keeps nothing for who is away, and the folder of its temporary files."""
    folder = tmp_path_factory.mktemp("host")
    with serve_app(TMPDIR=str(folder), DIGITS_MAX_AWAY_SECONDS="1") as app:
        yield app.url, folder
        printed = app.log.read_text()
    assert "Traceback" not in printed, printed


@pytest.fixture
def open_hosted_tab(contexts: Contexts, host: tuple[str, Path]) -> Iterator[Visitors]:
    visitors = Visitors(contexts, host[0], TrainTab)
    yield visitors
    visitors.leave()


def _workers(folder: Path) -> list[int]:
    """The worker processes of the app with these temporary files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended just now
            is_worker = b"jobs.worker" in (process / "cmdline").read_bytes()
            if is_worker and f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


def _await_nothing_left(folder: Path) -> None:
    """Waits until no process and no file of any visitor is there."""
    end = time.monotonic() + SLOW / 1000
    while _workers(folder) or list(folder.glob("digits-from-scratch-*/visitor-*")):
        assert time.monotonic() < end, (_workers(folder), list(folder.rglob("visitor-*/*")))
        time.sleep(0.1)


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="tells processes by /proc")


@needs_proc
def test_a_killed_worker_is_told_plainly_and_a_closed_tab_leaves_no_process_and_no_file(
    open_hosted_tab, host
):
    tab = open_hosted_tab()
    tab.start(images=4000, epochs=30)
    tab.settle("training")
    [worker] = _workers(host[1])
    os.kill(worker, signal.SIGKILL)
    tab.settle("failed")
    told = tab.page.locator("#train .numbers").inner_text()
    assert told == "The training process ended unexpectedly. Your model is as it was."
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    _await_answer(tab, "7")
    tab.go_to("Train")
    tab.button("Start another").click()
    tab.settle("training")
    tab.page.close()
    _await_nothing_left(host[1])


def test_a_page_that_finds_another_session_says_what_was_lost_and_gives_its_examples_back(open_train_tab):
    tab = open_train_tab()
    tab.go_to("Draw")
    tab.pad.draw(DIGITS[7])
    tab.page.get_by_role("button", name="This is a 7").click()
    tab.page.get_by_role("button", name="Delete this 7").wait_for()
    # As if the one that the page knows had been freed, with a training and another 7, while a phone slept.
    tab.page.evaluate(
        """async picture => {
          const scripts = performance.getEntriesByType("resource").map(({ name }) => name);
          const session = scripts.find((name) => name.endsWith("/shared/session.js"));
          const { sessionState } = await import(session); // the one that the tabs share
          Object.assign(sessionState.status, { session: "freed", resumable: true });
          sessionState.mine.examples = [{ picture, label: 7 }];
        }""",
        base64.b64encode(bytes(28 * 13) + bytes([255]) * 28 * 2 + bytes(28 * 13)).decode(),
    )
    tab.page.locator("#train .complaint").get_by_text("your training could not be kept").wait_for(
        state="attached"
    )
    delete = tab.page.get_by_role("button", name="Delete this 7")
    delete.nth(1).wait_for()  # the one that the server has, and the one that it is given back
    expect(delete).to_have_count(2)


def _damaged(folder: Path) -> list[tuple[str, Path, str]]:
    """Files that are wrong or meant ill: where they are sent, and what is said."""
    pickled, bomb = folder / "pickled.npz", folder / "bomb.npz"
    np.savez(pickled, format=np.array([print], dtype=object))
    np.savez_compressed(bomb, x=np.zeros(10_000_000))
    outside, huge = folder / "outside.zip", folder / "huge.zip"
    with zipfile.ZipFile(outside, "w") as archive:
        archive.writestr("../../escaped.png", b"x")
    with zipfile.ZipFile(huge, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.csv", "file,label\n001.png,7\n")
        archive.writestr("001.png", bytes(50_000_000))
    words = folder / "words.zip"
    words.write_text("just some words")
    return [
        ("#train .file", pickled, "The file is damaged or not an .npz weights file"),
        ("#train .file", bomb, "would unpack to"),
        ("#pad .zip", outside, "a file that would lie outside of it: ../../escaped.png"),
        ("#pad .zip", huge, "001.png, which is too large: at most 2 MiB are read"),
        ("#pad .zip", words, "The file is damaged or not a zip file of examples"),
    ]


def test_files_that_are_meant_ill_are_refused_in_words(open_train_tab, tmp_path):
    tab = open_train_tab()
    for place, file, message in _damaged(tmp_path):
        tab.go_to("Draw" if "#pad" in place else "Train")
        tab.page.locator(place).set_input_files(file)
        tab.page.get_by_text(message).wait_for()
    expect(tab.page.locator("#train .tab")).to_have_attribute("data-phase", "idle")
    assert not _is_own(tab)


def test_a_file_that_is_no_model_is_refused_in_words(open_train_tab, tmp_path):
    tab = open_train_tab(**PHONE)
    (tmp_path / "letter.npz").write_text("just some words")
    with tab.page.expect_file_chooser() as chooser:
        tab.button("Upload .npz").click()
    chooser.value.set_files(tmp_path / "letter.npz")
    refusal = tab.page.get_by_text("The file is damaged or not an .npz weights file")
    expect(refusal).to_be_in_viewport()  # though what was pressed stands far below
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

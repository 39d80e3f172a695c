"""What the Train tab and "Teach it" ask of the server, without a browser: for one visitor and no other."""

import base64
import contextlib
import errno
import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnn import ARCHITECTURES, save_model
from jobs import session
from jobs.session import STRAY, Workshop
from recognition import Reader
from recognition.reader import DEFAULT_NETWORK, DEFAULT_WEIGHTS
from tests import event_loop
from tests.bars import bars, bars_dataset, worker_command, write_mnist
from training.experiment import NETWORKS, Settings
from training.limits import Limits
from ui.draw import teach
from ui.server import uploads
from ui.shared import visitors
from ui.shared.visitors import OWN, Visitors
from ui.train import tab as train

SHORT = asdict(Settings("small_net", epochs=2, images=600, batch_size=50))
LONG = SHORT | {"epochs": 1000, "batch_size": 8}  # until it is ended
SEVEN = np.zeros((28, 28), np.uint8)
SEVEN[6:9, 8:20] = SEVEN[6:24, 17:20] = 255
PATIENCE = 120  # seconds, for a machine that does other things


def _base64(picture):
    return base64.b64encode(picture.tobytes()).decode()


class _Request:
    """What Gradio gives a server function."""

    def __init__(self, session_hash):
        self.session_hash, self.state = session_hash, SimpleNamespace(address="home")

    async def json(self):
        return {"session_hash": self.session_hash, "data": None}


class _Page:
    """An open page: calls what its scripts may call."""

    def __init__(self, visitors, key):
        self.visitors, self.key = visitors, key
        self.functions = {
            function.__name__: function
            for function in (
                *visitors.server_functions((*train.ACTIONS, *teach.ACTIONS)),
                teach.import_of_examples(visitors),
            )
        }

    def __call__(self, name, asked=None):
        answer = event_loop.call(self.functions[name], asked, _Request(self.key))
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer
        return answer

    def wait_for(self, *phases):
        """Watches, as the script does, until one of these phases; returns all that was shown."""
        end = time.monotonic() + PATIENCE
        answers = [self("watch")]
        while answers[-1]["phase"] not in phases:
            assert time.monotonic() < end, answers[-1]
            answers.append(self("watch", answers[-1]["version"]))
        return answers

    def leave(self):
        self.visitors.leave(_Request(self.key))


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    return folder, write_mnist(folder, bars_dataset(600))


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def house(mnist, reader):
    folder, digests = mnist
    workshop = Workshop(Limits(epochs=1000), worker=worker_command(digests), mnist=folder)
    with contextlib.closing(workshop):
        yield Visitors({DEFAULT_NETWORK: reader, "seed": reader}, workshop)


@pytest.fixture
def page(house):
    return _Page(house, "one")


@pytest.fixture
def send(monkeypatch, tmp_path):
    """Puts a file where Gradio puts uploads, and gives what the script then asks."""
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def put(content, name="upload.npz"):
        (tmp_path / name).write_bytes(content)
        return {"path": str(tmp_path / name)}

    return put


def test_a_training_is_watched_from_its_start_until_its_model_reads_for_this_visitor_alone(house, page):
    other = _Page(house, "other")
    other("stop")  # has a session, too
    started = page("start", {"settings": SHORT, "drawing": _base64(SEVEN)})
    assert started["active"]
    assert started["settings"] == SHORT
    answers = page.wait_for("done", "failed")
    shown = [answer["now"] for answer in answers if answer["phase"] == "training"]
    assert shown
    assert all(abs(sum(now["probs"]) - 1) < 0.01 for now in shown)
    kernels = shown[-1]["kernels"]
    assert (kernels["size"], kernels["count"]) == (5, 8)
    assert len(base64.b64decode(kernels["weights"])) == 4 * 8 * 5 * 5
    done = answers[-1]
    assert done["curve"][-1][0] == pytest.approx(2)
    assert done["comparison"]["after"]["accuracy"] > 0.9 > done["comparison"]["before"]["accuracy"]
    assert np.sum(done["comparison"]["after"]["confusion"]) == done["comparison"]["images"] == 300
    assert house.readers_of("one").get(OWN) is None  # not before it is wanted

    mine = page("use_result")["mine"]
    assert (mine["own"], mine["network"], mine["is_tested"]) == (True, "small_net", True)
    own = house.readers_of("one").get(OWN)
    assert own.model.name == "small_net"
    assert house.readers_of("one").get(OWN) is own  # not read from its file for every drawing
    assert house.readers_of("other").get(OWN) is None
    assert not other("stop")["mine"]["own"]

    mine = page("use_shipped")["mine"]
    assert (mine["own"], mine["is_tested"]) == (False, False)  # what was tested is another
    assert house.readers_of("one").get(OWN) is None
    assert page("undo")["mine"]["own"]


def test_the_kernels_are_sent_one_after_the_other(page):
    page("start", {"settings": SHORT, "drawing": None})
    now = page.wait_for("done")[-1]["now"]
    sent = np.frombuffer(base64.b64decode(now["kernels"]["weights"]), "<f4").reshape(8, 5, 5)
    weights = page.visitors.workshop.session("one").status.snapshot.kernels
    np.testing.assert_array_equal(sent[3], weights[:, :, 0, 3])
    assert now["probs"] is None


def test_a_training_is_paused_and_goes_on_and_is_stopped(page):
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page("pause")
    paused = page.wait_for("paused")[-1]
    assert paused["resumable"]
    page("resume", {"drawing": _base64(SEVEN)})
    assert page.wait_for("training")[-1]["now"]["seconds"] > 0
    assert page("draw", {"drawing": _base64(SEVEN)}) == {}
    page("stop")
    assert page.wait_for("done")[-1]["result"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (None, "settings of this training are incomplete"),
        ({}, "settings of this training are incomplete"),
        ({"settings": []}, "settings of this training are incomplete"),
        ({"settings": SHORT | {"more": 1}}, "settings of this training are incomplete"),
        ({"settings": SHORT | {"epochs": None}}, "Epochs must be a whole number from 1"),
        ({"settings": SHORT | {"epochs": 1e9}}, "Epochs must be a whole number"),
        ({"settings": SHORT | {"network": "../x"}}, "There is no network"),
        ({"settings": SHORT | {"learning_rate": float("nan")}}, "Learning rate must be a number"),
        ({"settings": SHORT, "drawing": "AAAA"}, "28 x 28 grey bytes"),
        ({"settings": SHORT, "drawing": 7}, "28 x 28 grey bytes"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(page, asked, message):
    [(key, error)] = page("start", asked).items()
    assert key == "error"
    assert message in error
    assert page("watch")["phase"] == "idle"


def test_whoever_only_looks_has_no_session(house, page):
    shown = page("watch")
    assert (shown["version"], shown["phase"], shown["mine"]["own"]) == (0, "idle", False)
    assert shown["mine"]["network"] == "digit_net"
    assert house.readers_of("one").get(OWN) is None
    assert house.workshop.known("one") is None


def test_a_watcher_is_answered_when_something_changes_and_not_before(page, monkeypatch):
    monkeypatch.setattr(visitors, "PATIENCE", 0.2)
    known = page("stop")
    assert page("watch", known["version"])["version"] == known["version"]
    assert page("watch", known["version"] - 1)["version"] == known["version"]


def test_an_example_is_collected_taught_and_its_teaching_undone(page):
    images, labels = bars(3, seed=5)
    for image, label in zip(images, labels, strict=True):
        answer = page("add_example", {"picture": _base64(image), "label": int(label)})
    assert [one["label"] for one in answer["mine"]["examples"]] == labels.tolist()
    assert answer["mine"]["examples"][1]["picture"] == _base64(images[1])
    assert len(page("remove_example", {"position": 1})["mine"]["examples"]) == 2
    page("teach")
    taught = page.wait_for("done", "failed")[-1]
    status = page.visitors.workshop.session("one").status
    for when, probs in (("before", status.lesson.before), ("after", status.lesson.after)):
        told = [one["confidence"] for one in taught["lesson"][when]]
        assert told == pytest.approx(probs.max(1).tolist())
        assert len(told) == 2
    assert taught["comparison"] is not None
    assert taught["mine"]["own"]
    assert not page("undo")["mine"]["own"]


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("add_example", None, "Draw something first"),
        ("add_example", {"picture": _base64(SEVEN)}, "digit from 0 to 9"),
        ("add_example", {"picture": _base64(SEVEN), "label": 10}, "digit from 0 to 9"),
        ("add_example", {"picture": _base64(0 * SEVEN), "label": 1}, "empty"),
        ("remove_example", {"position": 0}, "no such example"),
        ("remove_example", {"position": "0"}, "no such example"),
        ("teach", None, "nothing to teach"),
        ("undo", None, "nothing to undo"),
        ("use_result", None, "no new model"),
        ("download", "result", "no new model"),
        ("resume", None, "no training to go on with"),
        ("bring", {"path": "/etc/hostname"}, "send a file"),
        ("bring", None, "send a file"),
        ("unpack_examples", {"path": "/etc/hostname"}, "send a file"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(page, name, asked, message):
    [(key, error)] = page(name, asked).items()
    assert key == "error"
    assert message in error


def test_examples_are_packed_and_unpacked(page, send):
    page("add_example", {"picture": _base64(SEVEN), "label": 7})
    packed = base64.b64decode(page("pack_examples")["file"])
    asked = send(packed, "mine.zip")
    examples = page("unpack_examples", asked)["mine"]["examples"]
    assert examples == [{"picture": _base64(SEVEN), "label": 7}]
    assert not Path(asked["path"]).exists()


def test_a_model_is_downloaded_and_brought_back(page, send, tmp_path):
    assert base64.b64decode(page("download", "model")["file"]) == DEFAULT_WEIGHTS.read_bytes()
    save_model(tmp_path / "small.npz", ARCHITECTURES["small_net"](np.random.default_rng(0)))
    content = (tmp_path / "small.npz").read_bytes()
    page("bring", send(content))
    assert page.wait_for("done", "failed")[-1]["result"]
    assert base64.b64decode(page("download", "result")["file"]) == content


def test_a_file_that_is_no_model_is_refused_by_no_name_and_deleted(page, send):
    asked = send(b"just some words")
    [(key, error)] = page("bring", asked).items()
    assert key == "error"
    assert error.startswith("The file is damaged or not an .npz weights file")
    assert "upload" not in error
    assert not Path(asked["path"]).exists()


def test_a_fault_of_our_own_is_logged_and_told_without_detail(house, caplog):
    def broken(session, asked):
        raise ZeroDivisionError("secret detail")

    [_, function] = house.server_functions([broken])
    with caplog.at_level(logging.ERROR):
        answer = event_loop.call(function, None, _Request("one"))
    assert answer == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "ZeroDivisionError" in caplog.text


def test_a_full_disk_is_told_in_words(page, monkeypatch):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(session.tempfile, "mkdtemp", full)
    assert page("add_example", {"picture": _base64(SEVEN), "label": 7}) == {
        "error": "There is no room left on the disk of this page. Please try again later."
    }


def test_a_fault_of_our_own_while_watching_is_told_and_the_next_look_succeeds(page, monkeypatch, caplog):
    page("stop")
    monkeypatch.setattr(visitors, "_status", lambda status: {}["secret detail"])
    with caplog.at_level(logging.ERROR):
        assert page("watch") == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "secret detail" in caplog.text
    monkeypatch.undo()
    assert page("watch")["phase"] == "idle"


def test_closing_the_page_ends_the_process_and_after_a_while_frees_everything(house, page, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSED_AFTER", 0.1)
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    session = house.workshop.session("one")
    process = session._run._process
    page.leave()
    end = time.monotonic() + PATIENCE
    while process.poll() is None or session.status.active:
        assert time.monotonic() < end
        time.sleep(0.05)
    house.workshop.free_idle()
    assert session.folder.exists()
    session._left -= house.workshop.limits.away_seconds
    house.workshop.free_idle()
    assert not session.folder.exists()
    assert house.workshop.known("one") is None


def test_what_a_page_asked_just_before_it_was_closed_does_not_keep_its_training(house, page, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSED_AFTER", 0.1)
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page.leave()
    page("watch")  # was on its way already, and is read only now
    session = house.workshop._sessions["one"]
    end = time.monotonic() + PATIENCE
    while session.status.active:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert session.status.phase == "paused"


def test_a_page_that_asks_again_after_a_lost_connection_keeps_everything(house, page, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSED_AFTER", 0.2)
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page.leave()
    house.workshop._sessions["one"]._left -= STRAY
    page("watch")
    time.sleep(0.5)
    assert page("watch")["active"]


def test_a_phone_that_slept_finds_its_training_paused_and_is_told_why(house, page, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSED_AFTER", 0.0)
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page("add_example", {"picture": _base64(SEVEN), "label": 7})
    page.leave()
    session = house.workshop._sessions["one"]
    end = time.monotonic() + PATIENCE
    while session.status.active:
        assert time.monotonic() < end
        time.sleep(0.05)
    found = page("watch")
    assert (found["phase"], found["resumable"], len(found["mine"]["examples"])) == ("paused", True, 1)
    assert (
        found["message"]
        == "You were away, so the training was paused to make room for others. Nothing is lost."
    )
    page("resume")
    page.wait_for("training")
    page("pause")
    assert page.wait_for("paused")[-1]["message"] == ""


def test_a_page_whose_session_was_freed_can_tell(house, page):
    page("add_example", {"picture": _base64(SEVEN), "label": 7})
    first = page("watch")["session"]
    house.workshop.leave("one")
    assert page("watch")["session"] == ""
    page("add_example", {"picture": _base64(SEVEN), "label": 7})
    assert page("watch")["session"] not in (first, "")


def test_every_network_comes_with_settings_that_can_be_trained():
    for name in NETWORKS:
        for begin, settings in train._defaults(name).items():
            assert Settings.from_json(settings).fine_tune == (begin == "fine_tune")

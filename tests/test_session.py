"""Visitors train in processes of their own: fair turns, nothing mixed, nothing lost, nothing left behind."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnn import load_model, row_net, save_model
from jobs import session as module
from jobs.queue import BusyError
from jobs.session import STRAY, Workshop
from jobs.status import MOST_POINTS, Point, Status, add_point
from recognition import Reader
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.bars import bars_dataset, worker_command, write_mnist
from training import data
from training.examples import read_examples
from training.experiment import Experiment, Settings
from training.limits import Limits

ROOT = Path(__file__).parent.parent
SHORT = Settings("small_net", epochs=2, images=600, batch_size=50)
LONG = replace(SHORT, epochs=1000, batch_size=8)  # until it is ended
PATIENCE = 120  # seconds, for a machine that does other things


@pytest.fixture(scope="module")
def dataset():
    return bars_dataset(600)


@pytest.fixture(scope="module")
def mnist(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    return folder, write_mnist(folder, dataset)


@pytest.fixture
def open_workshop(mnist, tmp_path, monkeypatch):
    """Workshops in a temporary folder of the test's own; at its end nothing may be left in it."""
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    folder, digests = mnist
    with contextlib.ExitStack() as stack:

        def open_one(before="", **limits):
            limits = {"epochs": 1000} | limits
            command = worker_command(digests, before)
            return stack.enter_context(
                contextlib.closing(Workshop(Limits(**limits), worker=command, mnist=folder))
            )

        yield open_one
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def workshop(open_workshop):
    return open_workshop()


def wait_for(session, wanted):
    """The first status that `wanted` holds for."""
    end = time.monotonic() + PATIENCE
    while not wanted(session.status):
        assert time.monotonic() < end, session.status
        time.sleep(0.01)
    return session.status


def rested(session):
    return wait_for(session, lambda status: not status.active)


def training(session):
    return wait_for(session, lambda status: status.phase == "training")


def process_of(session):
    return session._run._process


def cross(shift=0):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13 + shift] = image[13, 4:24] = 255
    return image


# --- one visitor


def test_a_training_is_followed_used_and_taken_back(workshop, dataset):
    session = workshop.session("ann")
    assert (session.status.phase, session.model, session.can_undo) == ("idle", DEFAULT_WEIGHTS, False)
    session.start(SHORT, dataset.test_images[0])
    seen = list(session.updates())
    assert [phase for phase, _ in itertools.groupby(status.phase for status in seen)][-2:] == [
        "testing",
        "done",
    ]
    last = seen[-1]
    assert last.settings == SHORT
    assert (last.snapshot.done, last.result, last.resumable) == (1, True, False)
    assert last.snapshot.probs.argmax() == dataset.test_labels[0]
    assert last.curve[-1].epoch == 2
    assert last.curve[-1].held_out_accuracy > 0.9
    assert not seen[0].curve or len(seen[0].curve) < len(last.curve)

    found = last.comparison
    assert found.after.accuracy > 0.9
    assert found.before.accuracy < 0.5  # the shipped network never saw bars
    assert found.newly_right > 100 > found.newly_wrong
    assert len(found.mistakes) == min(60, len(found.after.errors))
    for mistake, i in zip(found.mistakes, found.after.errors, strict=False):
        np.testing.assert_array_equal(mistake.image, dataset.test_images[i])
        assert (mistake.true, mistake.predicted) == (dataset.test_labels[i], found.after.predicted[i])

    session.use_result()
    assert Reader(session.model).model.name == "small_net"
    assert session.status.result is False
    with pytest.raises(ValueError, match="no new model"):
        session.use_result()
    session.use(SHIPPED["seed"])
    session.undo()
    assert session.model.parent == session.folder
    session.undo()
    assert session.model == DEFAULT_WEIGHTS
    with pytest.raises(ValueError, match="nothing to undo"):
        session.undo()
    assert list(session.folder.iterdir()) == []  # what nothing leads to is deleted


def test_paused_and_resumed_it_equals_never_having_stopped(workshop, dataset, monkeypatch):
    monkeypatch.setattr(data, "HELD_OUT", 300)
    settings = replace(SHORT, epochs=20, batch_size=16, augmentation=True, dropout=0.3)
    session = workshop.session("ann")
    session.start(settings)
    training(session)
    session.pause()
    paused = rested(session)
    assert (paused.phase, paused.resumable, paused.result) == ("paused", True, True)
    assert paused.snapshot.done < 1
    session.resume()
    done = rested(session)
    assert (done.phase, done.snapshot.done) == ("done", 1)
    assert done.curve[0].epoch < paused.snapshot.epoch < done.curve[-1].epoch
    straight = Experiment(settings, dataset)
    list(straight.run())
    np.testing.assert_array_equal(
        load_model(session.result).model.parameters, straight.trainer.model.parameters
    )


def test_stopped_it_is_tested_and_can_still_go_on(workshop):
    session = workshop.session("ann")
    session.start(LONG)
    training(session)
    session.stop()
    status = rested(session)
    assert (status.phase, status.result, status.resumable) == ("done", True, True)
    assert status.comparison.after.accuracy > 0
    session.resume()
    training(session)
    session.pause()
    assert rested(session).phase == "paused"
    session.stop()  # a paused one is tested too
    assert rested(session).phase == "done"
    session.discard_result()
    assert (session.status, session.result) == (Status(), None)  # nothing is shown of it either
    with pytest.raises(ValueError, match="no training to go on with"):
        session.resume()


def test_a_new_drawing_is_read_while_the_network_learns(workshop, dataset):
    session = workshop.session("ann")
    session.start(LONG)
    assert training(session).snapshot.probs is None
    session.draw(dataset.test_images[3])
    wait_for(session, lambda status: status.snapshot.probs is not None)


def test_only_one_thing_runs_at_a_time(workshop):
    session = workshop.session("ann")
    session.add_example(cross(), 4)
    session.start(LONG)
    for act in (session.resume, session.teach, session.discard_result, lambda: session.start(SHORT)):
        with pytest.raises(ValueError, match="running already"):
            act()
    assert session.status.active
    session.stop()


def test_what_the_host_does_not_allow_is_lowered_and_told(open_workshop):
    session = open_workshop(epochs=1, images=200).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert (status.settings.epochs, status.settings.images, status.snapshot.epochs) == (1, 200, 1)
    session.stop()


def test_fine_tuning_begins_with_the_model_in_use(workshop):
    session = workshop.session("ann")
    session.start(SHORT)
    rested(session)
    session.use_result()
    session.start(replace(Settings.of("digit_net", fine_tune=True), images=600, learning_rate=1e-5))
    status = rested(session)
    assert status.settings.network == "small_net"
    assert status.curve[0].accuracy > 0.9
    assert status.comparison.before.accuracy > 0.9


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    curve = ()
    for i in range(1, 5 * MOST_POINTS):
        curve = add_point(curve, Point(i / 10, 1 / i, 0.5, None, None))
    assert MOST_POINTS / 2 <= len(curve) <= MOST_POINTS
    assert curve[-1].epoch == pytest.approx((5 * MOST_POINTS - 1) / 10)
    assert [point.epoch for point in curve] == sorted(point.epoch for point in curve)


# --- teaching


def test_a_visitor_teaches_and_undoes_it(open_workshop):
    patient = "import functools, math; worker.teach = functools.partial(worker.teach, seconds=math.inf);"
    session = open_workshop(before=patient).session("ann")
    with pytest.raises(ValueError, match="nothing to teach"):
        session.teach()
    session.add_example(cross(), 9)
    session.add_example(cross(1), 9)
    session.teach()
    taught = wait_for(session, lambda status: status.lesson)
    assert (taught.lesson.after.argmax(1) == 9).all()
    assert session.model != DEFAULT_WEIGHTS
    assert rested(session).comparison.after.labels.shape == (300,)
    first = session.model.read_bytes()
    assert Calibration.of(load_model(session.model)) == Calibration.of(load_model(DEFAULT_WEIGHTS))

    session.teach()  # anew from what it was before: the same examples, the same model
    rested(session)
    assert session.model.read_bytes() == first
    session.undo()
    session.undo()
    assert session.model == DEFAULT_WEIGHTS


def test_what_is_not_learned_changes_nothing(open_workshop):
    in_vain = (
        "from dataclasses import replace; real = worker.teach;"
        "refused = lambda report: replace(report, refused_after=report.refused_after | True);"
        "in_vain = lambda taught: replace(taught, report=refused(taught.report));"
        "worker.teach = lambda *given: in_vain(real(*given, seconds=0));"
    )
    session = open_workshop(before=in_vain).session("ann")
    session.add_example(cross(), 4)
    session.teach()
    taught = wait_for(session, lambda status: status.lesson and not status.active)
    assert (taught.phase, taught.lesson.right_after, taught.comparison) == ("idle", 0, None)
    assert (session.model, session.can_undo) == (DEFAULT_WEIGHTS, False)
    session.teach()
    assert rested(session).phase == "idle"


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="needs a system where processes have priorities")
def test_who_waits_for_a_lesson_comes_before_who_watches_a_training(open_workshop):
    workshop = open_workshop(before="worker.teach = lambda *a, **k: __import__('time').sleep(60);")
    ann, ben = workshop.session("ann"), workshop.session("ben")
    ann.start(LONG, None)
    ben.add_example(cross(), 4)
    ben.teach()
    training(ann)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    wait_for(ben, lambda _: process_of(ben) and os.getpriority(os.PRIO_PROCESS, process_of(ben).pid) > mine)
    teaches, trains = (os.getpriority(os.PRIO_PROCESS, process_of(session).pid) for session in (ben, ann))
    assert mine < teaches < trains


def test_a_drawing_that_is_told_again_is_what_it_was_last_told_to_be(workshop):
    session = workshop.session("ann")
    for image, label in ((cross(), 9), (cross(1), 7), (cross(), 4)):
        session.add_example(image, label)
    assert [example.label for example in session.examples] == [4, 7]
    session.add_examples(read_examples(session.pack_examples()))
    assert [example.label for example in session.examples] == [4, 7]


def test_the_collection_travels_as_a_zip(open_workshop):
    workshop = open_workshop(examples=3)
    ann, bob = workshop.session("ann"), workshop.session("bob")
    ann.add_example(cross(), 4)
    ann.add_example(cross(1), 7)
    bob.add_examples(read_examples(ann.pack_examples()))
    assert [example.label for example in bob.examples] == [4, 7]
    bob.add_example(cross(2), 1)
    with pytest.raises(ValueError, match="room for 3"):
        bob.add_example(cross(3), 1)
    bob.remove_example(0)
    bob.remove_example(1)
    with pytest.raises(ValueError, match="no such example"):
        bob.remove_example(1)
    (left,) = read_examples(bob.pack_examples())
    assert left.label == 7
    assert len(ann.examples) == 2


# --- files from outside


def test_an_uploaded_model_is_tested_and_used(workshop):
    ann, bob = workshop.session("ann"), workshop.session("bob")
    ann.start(LONG)
    training(ann)
    ann.pause()
    rested(ann)
    bob.upload(ann.result)
    status = rested(bob)
    assert (status.result, status.resumable) == (True, True)
    assert status.comparison.after.labels.shape == (300,)
    bob.resume()  # what ann began, bob goes on with
    training(bob)
    bob.stop()


BAD_FILES = [
    (lambda path: path.write_bytes(b"no weights"), "bad.npz is damaged or not an .npz"),
    (lambda path: path.write_bytes(DEFAULT_WEIGHTS.read_bytes()[:5000]), "damaged or not an .npz"),
    (lambda path: np.savez(path, format=np.array([print], dtype=object)), "damaged or not an .npz"),
    (lambda path: np.savez(path, x=np.zeros(3)), "not a weights file of this project"),
    (lambda path: save_model(path, row_net(np.random.default_rng(0))), "bad.npz is a row_net, which takes"),
    (lambda path: path.write_bytes(bytes(2_000_001)), "too large: at most 2 MB"),
    (lambda path: np.savez_compressed(path, x=np.zeros(10_000_000)), "would unpack to"),
    (lambda path: path.unlink(), "could not be read"),
]


def test_a_bad_upload_is_refused_and_loses_nothing(open_workshop, tmp_path_factory):
    session = open_workshop(upload_bytes=2_000_000).session("ann")
    session.start(SHORT)
    before = rested(session)
    path = tmp_path_factory.mktemp("upload") / "bad.npz"
    for write, message in BAD_FILES:
        write(path)
        with pytest.raises(ValueError, match=message) as caught:
            session.upload(path)
        assert str(path.parent) not in str(caught.value)
        assert session.status == before
        assert list(session.folder.iterdir()) == [session.result]


def test_an_uploaded_training_that_is_too_long_for_this_host_does_not_go_on(open_workshop):
    ann, bob = open_workshop().session("ann"), open_workshop(epochs=5).session("bob")
    ann.start(LONG)
    training(ann)
    ann.pause()
    rested(ann)
    bob.upload(ann.result)
    rested(bob)
    with pytest.raises(ValueError, match="longer than this host allows"):
        bob.resume()


# --- several visitors


def test_visitors_take_turns_in_the_order_in_which_they_came(open_workshop):
    workshop = open_workshop(waiting=2)
    ann, bob, cem, dan = (workshop.session(name) for name in ("ann", "bob", "cem", "dan"))
    ann.start(LONG)
    bob.start(LONG)
    cem.start(LONG)
    assert (bob.status.phase, bob.status.place, cem.status.place) == ("waiting", 1, 2)
    with pytest.raises(BusyError, match="2 others are waiting already"):
        dan.start(SHORT)
    assert dan.status.phase == "idle"
    training(ann)
    assert bob.status.phase == cem.status.phase == "waiting"
    bob.stop()  # who leaves the queue makes room in it
    assert (bob.status.phase, cem.status.place) == ("idle", 1)
    dan.start(SHORT)
    assert dan.status.place == 2
    ann.pause()
    training(cem)
    assert (dan.status.phase, dan.status.place) == ("waiting", 1)
    cem.pause()
    assert rested(dan).phase == "done"


def test_visitors_have_models_and_examples_of_their_own(workshop):
    ann, bob = workshop.session("ann"), workshop.session("bob")
    ann.add_example(cross(), 4)
    ann.teach()
    rested(ann)
    assert bob.model == DEFAULT_WEIGHTS
    assert bob.examples == ()
    assert workshop.session("ann") is ann
    assert workshop.known("cem") is None


def test_there_is_room_for_so_many_visitors_until_one_leaves(open_workshop):
    workshop = open_workshop(visitors=1)
    folder = workshop.session("ann").folder
    with pytest.raises(BusyError, match="Too many visitors"):
        workshop.session("bob")
    workshop.leave("ann")
    workshop.leave("ann")
    assert not folder.exists()
    workshop.session("bob")


def test_whoever_has_been_away_longest_makes_room_for_one_more(open_workshop):
    workshop = open_workshop(visitors=3)
    ann, bob, cem = (workshop.session(name) for name in ("ann", "bob", "cem"))
    ann.leave()
    bob.leave()
    bob.touch()  # sent before
    ann._left -= STRAY
    ann.touch()  # back again
    cem.leave()
    cem._left -= 1
    workshop.session("dan")
    assert workshop.known("cem") is None
    assert not cem.folder.exists()
    assert ann.folder.exists()
    assert bob.folder.exists()
    workshop.session("eve")
    assert workshop.known("bob") is None
    with pytest.raises(BusyError, match="Too many visitors"):
        workshop.session("fay")


def test_what_a_visitor_left_behind_is_freed(open_workshop):
    workshop = open_workshop(idle_seconds=1)
    ann, bob = workshop.session("ann"), workshop.session("bob")
    bob.start(LONG)
    ann._touched -= 10
    bob._touched -= 10
    workshop.free_idle()
    assert workshop.known("ann") is None
    assert not ann.folder.exists()
    assert workshop.known("bob") is bob  # something of theirs runs


# --- trouble


def test_closing_ends_the_process_and_the_updates(workshop):
    session = workshop.session("ann")
    session.start(LONG)
    seen = []
    follower = threading.Thread(target=lambda: seen.extend(session.updates()))
    follower.start()
    training(session)
    process = process_of(session)
    workshop.leave("ann")
    assert process.poll() is not None
    assert not session.folder.exists()
    with pytest.raises(ValueError, match="reload the page"):
        session.start(SHORT)
    follower.join(PATIENCE)
    assert not follower.is_alive()
    assert not seen[-1].active


def test_a_killed_worker_is_told_plainly_and_leaves_the_last_good_model(workshop):
    session = workshop.session("ann")
    session.start(LONG)
    training(session)
    process_of(session).kill()
    status = rested(session)
    assert (status.phase, status.result) == ("failed", False)
    assert "ended unexpectedly. Your model is as it was." in status.message
    assert session.model == DEFAULT_WEIGHTS
    session.start(SHORT)  # and all goes on
    assert rested(session).phase == "done"


def test_what_was_saved_before_a_crash_can_be_gone_on_with(open_workshop):
    session = open_workshop(before="worker.SAVE_EVERY = 0.2;").session("ann")
    session.start(LONG)
    wait_for(session, lambda status: status.resumable)
    process_of(session).kill()
    status = rested(session)
    assert status.phase == "paused"
    assert "you can go on from there" in status.message
    session.resume()
    training(session)
    session.stop()
    assert rested(session).comparison


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("raise SystemExit;", "ended unexpectedly"),
        (
            "print('hello', file=sys.__stdout__, flush=True); import time; time.sleep(9);",
            "ended unexpectedly",
        ),
        ("worker.load_mnist = lambda folder: 1 / 0;", "a mistake of the program"),
        ("data.FILES = {'x': ''};", "MNIST's images could not be fetched"),
    ],
)
def test_whatever_goes_wrong_in_a_worker_is_told_in_words(before, message, open_workshop, caplog):
    session = open_workshop(before=before).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert status.phase == "failed"
    assert message in status.message


def test_a_full_disk_loses_nothing(open_workshop):
    full = (
        "import errno; from training.experiment import Experiment; save = Experiment.save; left = [1, 1];\n"
        "def fail(self, path):\n"
        "    if left: left.pop(); raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    save(self, path)\n"
        "Experiment.save = fail;"
    )
    session = open_workshop(before=f"exec({full!r});").session("ann")
    session.start(SHORT)
    wait_for(session, lambda status: "disk is full" in status.message)
    status = rested(session)
    assert (status.phase, status.message, status.result) == ("done", "", True)


def test_a_training_ends_when_its_time_is_over(open_workshop):
    session = open_workshop(seconds=1).session("ann")
    session.start(LONG)
    status = rested(session)
    assert (status.phase, status.result, status.resumable) == ("done", True, False)
    assert status.message == "The time limit of 1 seconds is reached."


def test_a_worker_that_does_not_end_is_ended(open_workshop, monkeypatch):
    monkeypatch.setattr(module, "GRACE", 1.5)
    session = open_workshop(before="import time; time.sleep(100);", seconds=1).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert status.phase == "failed"
    assert "took longer than this host allows" in status.message


APP = """
import sys, time
from pathlib import Path
from tests.bars import worker_command
import json
from training.experiment import Settings
from training.limits import Limits
from jobs.session import Workshop
digests, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
silent = "import time; worker.load_mnist = lambda folder: time.sleep(1000);"
workshop = Workshop(Limits(epochs=1000), worker=worker_command(digests, silent), mnist=folder)
session = workshop.session("ann")
session.start(Settings("small_net", epochs=1000, images=600, batch_size=8))
while session._run._process is None:
    time.sleep(0.01)
print(session._run._process.pid, workshop.folder, flush=True)
time.sleep(100)
"""


@pytest.mark.skipif(module.fcntl is None, reason="folders are not locked on Windows")
def test_when_the_app_is_killed_workers_end_and_the_next_app_deletes_its_files(mnist, tmp_path, monkeypatch):
    folder, digests = mnist
    app = subprocess.Popen(
        [sys.executable, "-c", APP, json.dumps(digests), str(folder)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with app:
        pid, left = app.stdout.readline().split()
        app.send_signal(signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while is_running(int(pid)):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert Path(left).is_dir()
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with contextlib.closing(Workshop()) as one, contextlib.closing(Workshop()) as other:
        assert not Path(left).exists()
        assert one.folder.is_dir()  # that of an app that lives is left alone
        assert other.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return True


def test_a_worker_brings_neither_gradio_nor_matplotlib():
    program = "import sys, jobs.worker; print(sorted({'gradio', 'matplotlib'} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from cnn import ModelFileError, load_model, row_net, save_model, small_net
from jobs import activity, models
from jobs import manager as module
from jobs.limits import Limits
from jobs.manager import SessionManager
from jobs.queue import BusyError
from jobs.session import STRAY
from jobs.status import MOST_POINTS, Point, Status, add_point
from recognition import Reader
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.bars import bars_dataset, worker_command, write_mnist
from training import data
from training.examples import read_examples
from training.experiment import Experiment, Settings

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
def open_manager(mnist, tmp_path, monkeypatch):
    """Managers in a temporary folder of the test's own; at its end nothing may be left in it."""
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    folder, digests = mnist
    with contextlib.ExitStack() as stack:

        def open_one(before="", **limits):
            limits = {"epochs": 1000, "address_percent": 100} | limits
            command = worker_command(digests, before)
            return stack.enter_context(
                contextlib.closing(SessionManager(Limits(**limits), worker=command, mnist=folder))
            )

        yield open_one
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def manager(open_manager):
    return open_manager()


def seen_until(session, wanted):
    """Every status, until the first that `wanted` holds for."""
    seen, changed = [], threading.Event()

    def note():
        seen.append(session.status)
        changed.set()

    with session.listening(note):
        note()
        while not any(map(wanted, tuple(seen))):
            assert changed.wait(PATIENCE), session.status
            changed.clear()
    return seen[: next(i for i, status in enumerate(seen) if wanted(status)) + 1]


def wait_for(session, wanted):
    """The first status that `wanted` holds for."""
    return seen_until(session, wanted)[-1]


def rested(session):
    return wait_for(session, lambda status: not status.active)


def training(session):
    return wait_for(session, lambda status: status.phase == "training")


def process_of(session):
    return session._job._process


def cross(shift=0):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13 + shift] = image[13, 4:24] = 255
    return image


# --- one visitor


def test_a_training_is_followed_used_and_taken_back(manager, dataset):
    session = manager.session("ann")
    assert (session.status.phase, session.model, session.can_undo) == ("idle", DEFAULT_WEIGHTS, False)
    session.start(SHORT, dataset.test_images[0])
    seen = seen_until(session, lambda status: not status.active)
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


def test_paused_and_resumed_it_equals_never_having_stopped(manager, dataset, monkeypatch):
    monkeypatch.setattr(data, "HELD_OUT", 300)
    settings = replace(SHORT, epochs=20, batch_size=16, augmentation=True, dropout=0.3)
    session = manager.session("ann")
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


def test_stopped_it_is_tested_and_can_still_go_on(manager):
    session = manager.session("ann")
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


def test_a_new_drawing_is_read_while_the_network_learns(manager, dataset):
    session = manager.session("ann")
    session.start(LONG)
    assert training(session).snapshot.probs is None
    session.draw(dataset.test_images[3])
    wait_for(session, lambda status: status.snapshot.probs is not None)


def test_only_one_thing_runs_at_a_time(manager):
    session = manager.session("ann")
    session.add_example(cross(), 4)
    session.start(LONG)
    for act in (session.resume, session.teach, session.discard_result, lambda: session.start(SHORT)):
        with pytest.raises(ValueError, match="running already"):
            act()
    assert session.status.active
    session.stop()


def test_what_the_host_does_not_allow_is_lowered_and_told(open_manager):
    session = open_manager(epochs=1, images=200).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert (status.settings.epochs, status.settings.images, status.snapshot.epochs) == (1, 200, 1)
    session.stop()


def test_fine_tuning_begins_with_the_model_in_use(manager):
    session = manager.session("ann")
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


def test_a_visitor_teaches_and_undoes_it(open_manager):
    patient = "import functools, math; worker.teach = functools.partial(worker.teach, seconds=math.inf);"
    session = open_manager(before=patient).session("ann")
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


def test_what_is_not_learned_changes_nothing(open_manager):
    in_vain = (
        "from dataclasses import replace; real = worker.teach;"
        "refused = lambda report: replace(report, refused_after=report.refused_after | True);"
        "in_vain = lambda taught: replace(taught, report=refused(taught.report));"
        "worker.teach = lambda *given: in_vain(real(*given, seconds=0));"
    )
    session = open_manager(before=in_vain).session("ann")
    session.add_example(cross(), 4)
    session.teach()
    taught = wait_for(session, lambda status: status.lesson and not status.active)
    assert (taught.phase, taught.lesson.right_after, taught.comparison) == ("idle", 0, None)
    assert (session.model, session.can_undo) == (DEFAULT_WEIGHTS, False)
    session.teach()
    assert rested(session).phase == "idle"


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="needs a system where processes have priorities")
def test_who_waits_for_a_lesson_comes_before_who_watches_a_training(open_manager):
    manager = open_manager(before="worker.teach = lambda *a, **k: __import__('time').sleep(60);")
    ann, ben = manager.session("ann"), manager.session("ben")
    ann.start(LONG, None)
    ben.add_example(cross(), 4)
    ben.teach()
    training(ann)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    wait_for(ben, lambda _: process_of(ben) and os.getpriority(os.PRIO_PROCESS, process_of(ben).pid) > mine)
    teaches, trains = (os.getpriority(os.PRIO_PROCESS, process_of(session).pid) for session in (ben, ann))
    assert mine < teaches < trains


def test_a_drawing_that_is_told_again_is_what_it_was_last_told_to_be(manager):
    session = manager.session("ann")
    for image, label in ((cross(), 9), (cross(1), 7), (cross(), 4)):
        session.add_example(image, label)
    assert [example.label for example in session.examples] == [4, 7]
    session.import_examples(session.export_examples())
    assert [example.label for example in session.examples] == [4, 7]


def test_the_collection_travels_as_a_zip(open_manager):
    manager = open_manager(examples=3)
    ann, bob = manager.session("ann"), manager.session("bob")
    ann.add_example(cross(), 4)
    ann.add_example(cross(1), 7)
    bob.import_examples(ann.export_examples())
    assert [example.label for example in bob.examples] == [4, 7]
    bob.add_example(cross(2), 1)
    with pytest.raises(ValueError, match="room for 3"):
        bob.add_example(cross(3), 1)
    with pytest.raises(ValueError, match="not a zip"):
        bob.import_examples(b"nonsense")
    bob.remove_example(0)
    bob.remove_example(1)
    with pytest.raises(ValueError, match="no such example"):
        bob.remove_example(1)
    (left,) = read_examples(bob.export_examples())
    assert left.label == 7
    assert len(ann.examples) == 2


# --- files from outside


def test_an_uploaded_model_is_tested_and_used(manager):
    ann, bob = manager.session("ann"), manager.session("bob")
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
    (lambda path: path.write_bytes(b"no weights"), "The file is damaged or not an .npz"),
    (lambda path: path.write_bytes(DEFAULT_WEIGHTS.read_bytes()[:5000]), "damaged or not an .npz"),
    (lambda path: np.savez(path, format=np.array([print], dtype=object)), "damaged or not an .npz"),
    (lambda path: np.savez(path, x=np.zeros(3)), "not a weights file of this project"),
    (lambda path: save_model(path, row_net(np.random.default_rng(0))), "The file is a row_net, which"),
    (lambda path: path.write_bytes(bytes(2_000_001)), "too large: at most 2 MB"),
    (lambda path: np.savez_compressed(path, x=np.zeros(10_000_000)), "would unpack to"),
    (lambda path: path.unlink(), "could not be read"),
]


def test_a_bad_upload_is_refused_and_loses_nothing(open_manager, tmp_path_factory):
    session = open_manager(upload_bytes=2_000_000).session("ann")
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


def notes(**changes):
    """Writes weights with these progress notes, as JSON or as text that is none."""

    def write(path):
        save_model(path, small_net(np.random.default_rng(0)), progress=changes)

    return write


def raw_notes(text):
    def write(path):
        save_model(path, small_net(np.random.default_rng(0)))
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **arrays | {"progress": np.array(text)})

    return write


PAUSED = {"settings": asdict(LONG), "steps": 3, "images": 600}


@pytest.mark.parametrize(
    ("write", "resumable"),
    [
        (raw_notes("[" * 100_000), None),
        (raw_notes('{"steps": ' + "9" * 5000 + "}"), None),
        (notes(calibration=3), None),
        (notes(calibration={"threshold": 10**400}), None),
        (notes(calibration={"temperature": "hot"}), None),
        (notes(calibration={"temperature": float("nan")}), None),
        (notes(**PAUSED | {"images": float("inf")}), False),
        (notes(**PAUSED | {"settings": asdict(LONG) | {"epochs": [1]}}), False),
        (notes(**PAUSED | {"settings": asdict(LONG) | {"network": ["small_net"]}}), False),
        (notes(**PAUSED | {"settings": asdict(LONG) | {"seed": 10**4000}}), False),
        (notes(**PAUSED | {"settings": [1, 2]}), False),
    ],
)
def test_notes_that_make_no_sense_are_refused_or_left_out(manager, tmp_path_factory, write, resumable):
    path = tmp_path_factory.mktemp("upload") / "sent.npz"
    write(path)
    session = manager.session("ann")
    if resumable is None:
        with pytest.raises(ModelFileError) as caught:
            session.upload(path)
        assert len(str(caught.value)) < 300
        assert list(session.folder.iterdir()) == []
        assert manager.shared.storage.stored_bytes() == 0
    else:
        session.upload(path)
        assert rested(session).resumable is resumable


@pytest.mark.parametrize(
    "error", [AttributeError, RecursionError, OverflowError, SystemError, ValueError, MemoryError, KeyError]
)
def test_whatever_a_file_can_raise_is_one_sentence_and_leaves_no_copy(manager, monkeypatch, error):
    def fail(path):
        raise error("Python's own words")

    monkeypatch.setattr(models, "load_model", fail)
    session = manager.session("ann")
    with pytest.raises(ModelFileError, match="The file is damaged or not a weights file of this project"):
        session.upload(DEFAULT_WEIGHTS)
    assert list(session.folder.iterdir()) == []
    assert not session.is_busy


def test_an_interrupted_upload_leaves_no_copy_either(manager):
    def interrupted(path):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    session = manager.session("ann")
    with pytest.raises(KeyboardInterrupt):
        session.fetch(interrupted, "The file")
    assert list(session.folder.iterdir()) == []
    assert not session.is_busy


@pytest.mark.parametrize("value", [0, 1e30])
def test_a_network_that_answers_nothing_of_use_is_refused(manager, tmp_path_factory, value):
    network = small_net(np.random.default_rng(0))
    network.parameters[...] = value
    path = tmp_path_factory.mktemp("upload") / "useless.npz"
    save_model(path, network)
    with pytest.raises(ModelFileError, match="The file cannot be read with"):
        manager.session("ann").upload(path)
    with pytest.raises(ModelFileError, match=r"useless\.npz cannot be read with"):
        Reader(path)


def test_nothing_is_held_while_a_file_is_loaded(manager, monkeypatch):
    """Others, and the visitor too, go on; only a second job has to wait."""
    begun, goes_on = threading.Event(), threading.Event()

    def slow(path):
        begun.set()
        assert goes_on.wait(PATIENCE)
        return load_model(path)

    monkeypatch.setattr(models, "load_model", slow)
    ann, bob = manager.session("ann"), manager.session("bob")
    with ThreadPoolExecutor(1) as loading, ThreadPoolExecutor(1) as others:
        uploaded = loading.submit(ann.upload, DEFAULT_WEIGHTS)
        assert begun.wait(PATIENCE)

        def act(what, *given):
            return others.submit(what, *given).result(PATIENCE)

        act(bob.add_example, cross(), 4)
        act(bob.start, Settings.of("small_net", fine_tune=True, images=600))
        act(manager.session, "cem")
        act(ann.add_example, cross(), 4)
        assert act(lambda: ann.status.active) is False
        for job in (lambda: ann.start(SHORT), ann.teach, lambda: ann.upload(DEFAULT_WEIGHTS)):
            with pytest.raises(ValueError, match="running already"):
                act(job)
        act(manager.free_idle)
        goes_on.set()
        uploaded.result(PATIENCE)
    assert rested(ann).result
    bob.stop()


def test_starting_over_and_over_loads_no_file(manager, monkeypatch):
    session = manager.session("ann")
    monkeypatch.setattr(models, "load_model", lambda path: pytest.fail("it was loaded"))
    for _ in range(3):
        session.start(Settings.of("small_net", fine_tune=True, images=600))
        session.stop()


def test_a_visitor_keeps_no_more_models_than_there_is_room_for(open_manager, tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "mine.npz"
    save_model(path, small_net(np.random.default_rng(0)))
    size = path.stat().st_size
    manager = open_manager(model_bytes=4 * size, stored_bytes=100_000_000)
    session = manager.session("ann", "home")
    for _ in range(8):
        session.upload(path)
        rested(session)
        session.use_result()
    session.undo()
    assert len(list(session.folder.iterdir())) == 3
    assert manager.shared.storage.stored_bytes("home") == 3 * size
    for _ in range(2):
        session.undo()
    assert session.model.parent == session.folder
    with pytest.raises(ValueError, match="nothing to undo"):
        session.undo()
    manager.leave("ann")
    assert manager.shared.storage.stored_bytes() == 0


def test_an_address_that_has_filled_its_share_of_the_disk_stops_nobody_else(open_manager):
    manager = open_manager(stored_bytes=100_000_000, address_percent=40)
    manager.shared.storage.enter("uploads", "school", 40_000_000)
    ann, bob = manager.session("ann", "school"), manager.session("bob", "home")
    ann.add_example(cross(), 4)
    for job in (lambda: ann.start(SHORT), ann.teach, lambda: ann.upload(DEFAULT_WEIGHTS)):
        with pytest.raises(BusyError, match="no room here for more models"):
            job()
    assert (ann.status, ann.is_busy) == (Status(), False)
    bob.upload(DEFAULT_WEIGHTS)
    assert rested(bob).result


def test_an_uploaded_training_that_is_too_long_for_this_host_does_not_go_on(open_manager):
    ann, bob = open_manager().session("ann"), open_manager(epochs=5).session("bob")
    ann.start(LONG)
    training(ann)
    ann.pause()
    rested(ann)
    bob.upload(ann.result)
    rested(bob)
    with pytest.raises(ValueError, match="longer than this host allows"):
        bob.resume()


# --- several visitors


def test_visitors_take_turns_in_the_order_in_which_they_came(open_manager):
    manager = open_manager(waiting=2)
    ann, bob, cem, dan = (manager.session(name) for name in ("ann", "bob", "cem", "dan"))
    ann.start(LONG)
    bob.start(LONG)
    cem.start(LONG)
    assert (bob.status.phase, bob.status.position, cem.status.position) == ("waiting", 1, 2)
    with pytest.raises(BusyError, match="2 others are waiting already"):
        dan.start(SHORT)
    assert dan.status.phase == "idle"
    training(ann)
    assert bob.status.phase == cem.status.phase == "waiting"
    bob.stop()  # who leaves the queue makes room in it
    assert (bob.status.phase, cem.status.position) == ("idle", 1)
    dan.start(SHORT)
    assert dan.status.position == 2
    ann.pause()
    training(cem)
    assert (dan.status.phase, dan.status.position) == ("waiting", 1)
    cem.pause()
    assert rested(dan).phase == "done"


def test_visitors_have_models_and_examples_of_their_own(manager):
    ann, bob = manager.session("ann"), manager.session("bob")
    ann.add_example(cross(), 4)
    ann.teach()
    rested(ann)
    assert bob.model == DEFAULT_WEIGHTS
    assert bob.examples == ()
    assert manager.session("ann") is ann
    assert manager.find("cem") is None


def test_there_is_room_for_so_many_visitors_until_one_leaves(open_manager):
    manager = open_manager(visitors=1)
    manager.session("ann").add_example(cross(), 4)
    with pytest.raises(BusyError, match="Too many visitors"):
        manager.session("bob")
    manager.leave("ann")
    manager.leave("ann")
    manager.session("bob")


def test_whoever_has_been_away_longest_makes_room_for_one_more(open_manager):
    manager = open_manager(visitors=3)
    ann, bob, cem = (manager.session(name) for name in ("ann", "bob", "cem"))
    for session in (ann, bob, cem):
        session.add_example(cross(), 4)
    ann.leave()
    bob.leave()
    bob.touch()  # sent before
    ann._left -= STRAY
    ann.touch()  # back again
    cem.leave()
    cem._left -= 1
    manager.session("dan").add_example(cross(), 4)
    assert manager.find("cem") is None
    assert cem.examples == ()
    assert len(ann.examples) == len(bob.examples) == 1
    manager.session("eve").add_example(cross(), 4)
    assert manager.find("bob") is None
    with pytest.raises(BusyError, match="Too many visitors"):
        manager.session("fay")


def test_what_a_visitor_left_behind_is_freed(open_manager):
    manager = open_manager(idle_seconds=1)
    ann, bob = manager.session("ann"), manager.session("bob")
    bob.start(LONG)
    ann._touched -= 10
    bob._touched -= 10
    manager.free_idle()
    assert manager.find("ann") is None
    assert not ann.folder.exists()
    assert manager.find("bob") is bob  # something of theirs runs


# --- trouble


def test_closing_ends_the_process_and_tells_who_listens(manager):
    session = manager.session("ann")
    session.start(LONG)
    seen = []
    follower = threading.Thread(target=lambda: seen.extend(seen_until(session, lambda one: not one.active)))
    follower.start()
    training(session)
    process = process_of(session)
    manager.leave("ann")
    assert process.poll() is not None
    assert not session.folder.exists()
    with pytest.raises(ValueError, match="reload the page"):
        session.start(SHORT)
    follower.join(PATIENCE)
    assert not follower.is_alive()
    assert not seen[-1].active


def test_a_killed_worker_is_told_plainly_and_leaves_the_last_good_model(manager):
    session = manager.session("ann")
    session.start(LONG)
    training(session)
    process_of(session).kill()
    status = rested(session)
    assert (status.phase, status.result) == ("failed", False)
    assert "ended unexpectedly. Your model is as it was." in status.message
    assert session.model == DEFAULT_WEIGHTS
    session.start(SHORT)  # and all goes on
    assert rested(session).phase == "done"


def test_what_was_saved_before_a_crash_can_be_gone_on_with(open_manager):
    session = open_manager(before="worker.SAVE_EVERY = 0.2;").session("ann")
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
def test_whatever_goes_wrong_in_a_worker_is_told_in_words(before, message, open_manager, caplog):
    session = open_manager(before=before).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert status.phase == "failed"
    assert message in status.message


def test_a_full_disk_loses_nothing(open_manager):
    full = (
        "import errno; from training.experiment import Experiment; save = Experiment.save; left = [1, 1];\n"
        "def fail(self, path):\n"
        "    if left: left.pop(); raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    save(self, path)\n"
        "Experiment.save = fail;"
    )
    session = open_manager(before=f"exec({full!r});").session("ann")
    session.start(SHORT)
    wait_for(session, lambda status: "disk is full" in status.message)
    status = rested(session)
    assert (status.phase, status.message, status.result) == ("done", "", True)


def test_a_training_ends_when_its_time_is_over(open_manager):
    session = open_manager(seconds=1).session("ann")
    session.start(LONG)
    status = rested(session)
    assert (status.phase, status.result, status.resumable) == ("done", True, False)
    assert status.message == "The time limit of 1 seconds is reached."


def test_a_worker_that_does_not_end_is_ended(open_manager, monkeypatch):
    monkeypatch.setattr(activity, "GRACE", 1.5)
    session = open_manager(before="import time; time.sleep(100);", seconds=1).session("ann")
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
from jobs.limits import Limits
from jobs.manager import SessionManager
digests, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
silent = "import time; worker.load_mnist = lambda folder: time.sleep(1000);"
manager = SessionManager(Limits(epochs=1000), worker=worker_command(digests, silent), mnist=folder)
session = manager.session("ann")
session.start(Settings("small_net", epochs=1000, images=600, batch_size=8))
while session._job._process is None:
    time.sleep(0.01)
print(session._job._process.pid, manager.folder, flush=True)
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
    with contextlib.closing(SessionManager()) as one, contextlib.closing(SessionManager()) as other:
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

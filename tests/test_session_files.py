"""Files from outside: what a stranger sends is checked, bounded, or refused in one sentence."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest

from cnn import ModelFileError, load_model, row_net, save_model, small_net
from jobs import models
from jobs.queue import BusyError
from jobs.status import Status
from recognition import Reader
from recognition.reader import DEFAULT_WEIGHTS
from tests.sessions import LONG, PATIENCE, SHORT, cross, rested, training
from training.history import history_path
from training.settings import Settings


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
        assert set(session.folder.iterdir()) == {session.result, history_path(session.result)}


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
    assert manager.shared.storage.stored_bytes() == 0
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

    def slow(*arguments, **options):
        begun.set()
        assert goes_on.wait(PATIENCE)
        return load_model(*arguments, **options)

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
        before = manager.shared.storage.stored_bytes()
        session.upload(path)
        assert before < manager.shared.storage.stored_bytes() <= 5 * size  # also while it waits for its test
        rested(session)
        session.use_result()
        assert manager.shared.storage.stored_bytes() <= 4 * size
    session.undo()
    assert len(list(session.folder.iterdir())) == 3
    assert manager.shared.storage.stored_bytes("home") == 3 * size
    for _ in range(2):
        session.undo()
    assert session.model.parent == session.folder
    with pytest.raises(ValueError, match="nothing to undo"):
        session.undo()
    manager.remove("ann")
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

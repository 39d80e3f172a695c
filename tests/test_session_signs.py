"""A visitor's own signs: collected, learned in a process, kept beside all else, saved and loaded."""

import base64
import json
import zlib

import numpy as np
import pytest

from cnn import load_model, save_model
from jobs.sign_collection import Collection
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.sessions import SHORT, cross, rested, seen_until
from tests.signs import drawings
from training.own_signs import MAX_EXAMPLES, MAX_SIGNS
from training.sign_files import load_signs

HEART, STAR = 1, 2  # the signs that are there at first


def _with_examples(session, count=5, seed=1):
    """`count` examples of each of the two first signs."""
    images, labels = drawings(count, seed, shapes=["heart", "zig zag"])
    for image, label in zip(images, labels, strict=True):
        session.add_sign_example((HEART, STAR)[label], image)
    return session


def _learned(session):
    session.learn_signs()
    status = rested(session)
    assert session.sign_trouble == ""
    return status


def test_signs_are_collected_learned_read_and_told_from_everything_else(manager):
    session = manager.session("ann")
    assert not session.holds_place
    with pytest.raises(ValueError, match="Draw heart 5 times or more: there are 0"):
        session.learn_signs()
    with pytest.raises(ValueError, match="not learned yet"):
        session.read_sign(cross())
    _with_examples(session)
    assert session.holds_place
    session.rename_sign(STAR, " lightning  ⚡ ")
    session.learn_signs()
    assert session.is_learning_signs
    phases = {status.phase for status in seen_until(session, lambda status: not status.active)}
    assert "learning" in phases and phases <= {"idle", "waiting", "learning"}
    assert not session.is_learning_signs
    assert session.learned.is_of(session.signs)
    assert len(session.learned.answers) == 10
    images, labels = drawings(10, 2, shapes=["heart", "zig zag"])
    read = np.array([session.read_sign(image) for image in images])
    assert read.shape == (20, 3)
    assert (read.argmax(1) == labels).mean() >= 0.8
    assert session.model == DEFAULT_WEIGHTS  # digits are read as before


def test_what_was_shown_of_a_training_is_there_again_after_signs_were_learned(manager):
    session = manager.session("ann")
    session.start(SHORT)
    before = rested(session)
    after = _learned(_with_examples(session))
    assert (after.phase, after.comparison, after.curve) == ("done", before.comparison, before.curve)
    assert after.result
    session.use_result()  # its file is there, too


def test_learned_signs_know_when_the_collection_has_changed_and_follow_new_names(manager):
    session = _with_examples(manager.session("ann"))
    _learned(session)
    session.rename_sign(HEART, "love")
    assert session.learned.is_of(session.signs)
    assert session.learned.names(session.signs) == ("love", "star")
    session.add_sign_example(HEART, cross())
    assert not session.learned.is_of(session.signs)
    session.remove_sign(HEART)
    assert session.learned.names(session.signs) == ("heart", "star")
    assert len(session.read_sign(cross())) == 3  # until they are learned again


def test_what_was_deleted_last_can_be_brought_back(manager):
    session = _with_examples(manager.session("ann"))
    whole = session.signs
    session.remove_sign(STAR)
    session.undo_signs()
    assert session.signs.signs == whole.signs
    session.remove_sign_example(whole.examples[0].id)
    assert len(session.signs.examples) == 9
    session.undo_signs()
    assert session.signs.signs == whole.signs
    session.remove_sign(STAR)
    session.add_sign("rune")
    with pytest.raises(ValueError, match="nothing to undo"):
        session.undo_signs()  # or what came after would be lost


def test_the_same_drawing_counts_once_and_for_the_sign_that_was_named_last(manager):
    session = manager.session("ann")
    session.add_sign_example(HEART, cross())
    session.add_sign_example(HEART, cross())
    assert len(session.signs.examples) == 1
    session.add_sign_example(STAR, cross())
    assert [len(sign.examples) for sign in session.signs.signs] == [0, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "must be a text that is not empty"),
        (7, "must be a text that is not empty"),
        (["a"], "must be a text"),
        ("x" * 10_240, "10,240 characters; at most 40"),
        ("<img src=x onerror=alert(1)>", "must not contain any of"),
        ("a\u202eb", "invisible characters"),
        ("anything else", "that is what no sign of yours is"),
        (" star ", "There is a sign named star already"),
    ],
)
def test_a_name_that_will_not_do_is_refused_in_a_sentence_and_changes_nothing(manager, name, message):
    session = manager.session("ann")
    for change in (lambda: session.add_sign(name), lambda: session.rename_sign(HEART, name)):
        with pytest.raises(ValueError, match=message):
            change()
    assert session.signs == Collection()


def test_a_collection_is_bounded(open_manager):
    session = open_manager(sign_examples=4).session("ann")
    for i in range(MAX_SIGNS - 2):
        session.add_sign(f"👩‍🚀 {i}")
    with pytest.raises(ValueError, match="12 signs at most"):
        session.add_sign("one more")
    for shift in range(4):
        session.add_sign_example(HEART, cross(shift))
    with pytest.raises(ValueError, match="room for 4 examples"):
        session.add_sign_example(STAR, cross(5))
    session.add_sign_example(STAR, cross(3))  # takes its own place
    for change in (
        lambda: session.add_sign_example(99, cross()),
        lambda: session.rename_sign(99, "a"),
        lambda: session.remove_sign(None),
        lambda: session.remove_sign_example(99),
    ):
        with pytest.raises(ValueError, match="There is no such"):
            change()
    with pytest.raises(ValueError, match="draw something"):
        session.add_sign_example(HEART, cross() * 0)


def test_one_sign_alone_and_a_job_that_runs_are_told(manager):
    session = manager.session("ann")
    session.remove_sign(STAR)
    with pytest.raises(ValueError, match="from 2 to 12 signs: there are 1"):
        session.learn_signs()
    session.undo_signs()
    _with_examples(session)
    session.learn_signs()
    with pytest.raises(ValueError, match="running already"):
        session.learn_signs()
    session.stop()
    assert rested(session).phase == "idle"
    assert session.learned is None and session.sign_trouble == ""


def test_two_hundred_examples_are_learned(manager):
    session = _with_examples(manager.session("ann"), count=MAX_EXAMPLES // 2)
    assert len(session.signs.examples) == MAX_EXAMPLES
    _learned(session)
    assert len(session.learned.answers) == MAX_EXAMPLES


def test_a_worker_that_crashes_leaves_the_signs_and_a_sentence(open_manager):
    crash = "worker.learn_signs = lambda *_: __import__('os')._exit(1)"
    session = _with_examples(open_manager(before=f"{crash};").session("ann"))
    before = session.signs
    session.learn_signs()
    assert rested(session).phase == "idle"
    assert "ended unexpectedly" in session.sign_trouble
    assert session.signs == before


# --- files


@pytest.fixture
def saved(manager, tmp_path_factory):
    """A file that was saved from the page."""
    session = _with_examples(manager.session("saver"))
    _learned(session)
    session.rename_sign(HEART, "love ♥")
    path = tmp_path_factory.mktemp("saved") / "signs.npz"
    path.write_bytes(session.save_signs())
    return path


def test_saved_and_loaded_signs_read_the_same_and_bring_their_examples(manager, saved):
    saver, session = manager.session("saver"), manager.session("ann")
    session.add_sign_example(STAR, cross())
    mine = session.signs
    session.load_signs(saved)
    assert [sign.name for sign in session.signs.signs] == ["love ♥", "star"]
    assert session.learned.is_of(session.signs)
    assert session.learned.answers == saver.learned.answers
    for one, other in zip(session.signs.examples, saver.signs.examples, strict=True):
        assert np.array_equal(one.image, other.image)
    assert session.read_sign(cross()) == saver.read_sign(cross())
    assert load_model(saved, any_classes=True, output_shape=(3,)).model.classes == (
        "love ♥",
        "star",
        "anything else",
    )
    ids = {sign.id for sign in session.signs.signs} | {one.id for one in session.signs.examples}
    assert not ids & {HEART, STAR, *(one.id for one in mine.examples)}  # the page takes none for another
    session.undo_signs()
    assert session.signs.signs == mine.signs
    assert session.learned is None


def test_signs_that_changed_are_saved_only_once_they_are_learned(manager):
    session = _with_examples(manager.session("ann"))
    for change in (lambda: None, lambda: _learned(session) and session.add_sign_example(HEART, cross())):
        change()
        with pytest.raises(ValueError, match="Learn your signs first"):
            session.save_signs()


def test_a_model_of_signs_counts_and_only_the_last_is_kept(manager):
    session = _with_examples(manager.session("ann"))
    _learned(session)
    size = manager.shared.storage.stored_bytes()
    assert size == sum(file.stat().st_size for file in session.folder.iterdir()) > 1e6
    _learned(session)
    assert manager.shared.storage.stored_bytes() == size
    assert len(list(session.folder.iterdir())) == 1
    session.load_signs(next(session.folder.iterdir()))
    assert len(list(session.folder.iterdir())) == 1


def _changed(path, saved, notes=None, **arrays):
    content = dict(np.load(saved)) | arrays
    progress = json.loads(str(content["progress"]))
    if notes is not None:
        progress["signs"] = progress["signs"] | notes if isinstance(notes, dict) else notes
    np.savez(path, **content | {"progress": np.array(json.dumps(progress))})


def _packed(images):
    return base64.b64encode(zlib.compress(np.asarray(images, np.uint8).tobytes())).decode()


LONG_NAME = np.array(json.dumps(["x" * 10_240, "b", "anything else"]))
HOSTILE = {
    "markup": ({"classes": np.array('["<b>a</b>", "star", "anything else"]')}, {}, "must not contain any of"),
    "10 kB": ({"classes": LONG_NAME}, {}, "has 10,240 characters"),
    "no reject class": ({"classes": np.array('["a", "b", "c"]')}, {}, "holds a network, but no signs"),
    "no notes": ({}, 7, "holds a network, but no signs"),
    "a bomb": ({}, {"pictures": _packed(np.ones((MAX_EXAMPLES + 1, 28, 28)))}, "more than 200 examples"),
    "a large bomb": ({}, {"pictures": _packed(np.zeros(200_000_000))}, "more than 200 examples"),
    "a long text": ({}, {"pictures": "A" * 1_000_000}, "missing or too many"),
    "no base64": ({}, {"pictures": "♥"}, "examples are damaged"),
    "cut short": ({}, {"pictures": _packed(np.ones((2, 28, 28)))[:8]}, "examples are damaged"),
    "half a picture": ({}, {"pictures": _packed(np.ones(800))}, "examples are damaged"),
    "empty": ({}, {"pictures": _packed(np.zeros((10, 28, 28)))}, "example in it is empty"),
    "too few labels": ({}, {"labels": [0]}, "which sign each example is of"),
    "foreign labels": ({}, {"labels": [9] * 10}, "of a sign that it does not name"),
    "odd answers": ({}, {"answers": [0.5] * 10}, "of a sign that it does not name"),
}  # fmt: skip


def test_a_hostile_file_is_one_sentence_and_loses_nothing(manager, saved, tmp_path_factory):
    session = manager.session("ann")
    session.add_sign_example(HEART, cross())
    before, path = session.signs, tmp_path_factory.mktemp("hostile") / "evil.npz"
    stored = manager.shared.storage.stored_bytes()
    for arrays, notes, message in HOSTILE.values():
        _changed(path, saved, notes, **arrays)
        with pytest.raises(ValueError, match=message) as raised:
            session.load_signs(path)
        assert str(raised.value).startswith("The file") and len(str(raised.value)) <= 500
    for content in (b"", b"words", saved.read_bytes()[:-2000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="The file"):
            session.load_signs(path)
    for digits in SHIPPED.values():
        with pytest.raises(ValueError, match="holds a network, but no signs"):
            session.load_signs(digits)
    assert session.signs == before
    assert session.learned is None
    assert not session.folder.exists() or not list(session.folder.iterdir())
    assert manager.shared.storage.stored_bytes() == stored


def test_a_network_of_signs_is_never_taken_for_one_that_reads_digits(manager, saved):
    with pytest.raises(ValueError, match="does not read digits"):
        manager.session("ann").upload(saved)


def test_a_file_that_is_too_large_is_not_opened(open_manager, saved):
    session = open_manager(upload_bytes=1000).session("ann")
    with pytest.raises(ValueError, match=r"too large: at most 0\.001 MB"):
        session.load_signs(saved)


def test_a_network_without_its_examples_is_no_file_of_signs(saved, manager):
    signs, _ = load_signs(saved)
    save_model(saved, signs.model)
    with pytest.raises(ValueError, match="no signs"):
        manager.session("ann").load_signs(saved)


def test_forgetting_a_visitor_deletes_their_signs(manager):
    session = _with_examples(manager.session("ann"))
    _learned(session)
    manager.remove("ann")
    assert not session.folder.exists()
    assert session.signs == Collection() and session.learned is None
    assert manager.shared.storage.stored_bytes() == 0

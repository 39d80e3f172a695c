"""A visitor trains and teaches in processes of their own: nothing mixed, nothing lost."""

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest

from cnn import load_model
from jobs.status import MOST_POINTS, Point, Status, add_point
from recognition import Reader
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.sessions import LONG, SHORT, await_, cross, process_of, rested, seen_until, training, wait_for
from training import data
from training.examples import read_examples
from training.experiment import Experiment
from training.settings import Settings


def test_a_training_is_followed_used_and_taken_back(manager, dataset):
    session = manager.session("ann")
    assert (session.status.phase, session.model, session.can_undo) == ("idle", DEFAULT_WEIGHTS, False)
    session.start(SHORT, dataset.test_images[0])
    seen = seen_until(session, lambda status: not status.active)
    phases = [phase for phase, _ in itertools.groupby(status.phase for status in seen)]
    order = ["idle", "waiting", "preparing", "training", "testing", "done"]
    assert phases == [phase for phase in order if phase in phases]  # a slow follower misses some
    assert phases[-1] == "done"
    last = seen[-1]
    assert last.settings == SHORT
    assert (last.snapshot.done, last.result, last.resumable) == (1, True, False)
    assert last.snapshot.probs.argmax() == dataset.test_labels[0]
    assert last.curve[-1].epoch == 2
    assert last.curve[-1].validation_accuracy > 0.9
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


def test_paused_and_resumed_it_equals_never_having_stopped(open_manager, dataset, monkeypatch):
    monkeypatch.setattr(data, "VALIDATION_SIZE", 300)
    settings = replace(SHORT, epochs=5, batch_size=16, augmentation=True, dropout=0.3)
    until_told = (  # however late the command to pause comes, there is something left to go on with
        "import time; show = worker.Worker.show\n"
        "def wait(self, now):\n"
        "    show(self, now)\n"
        "    while self.message['resume'] is None and not self.commands.end: time.sleep(0.01)\n"
        "worker.Worker.show = wait"
    )
    session = open_manager(before=f"exec({until_told!r});").session("ann")
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


def test_a_visitor_teaches_and_undoes_it(open_manager):
    session = open_manager().session("ann")
    with pytest.raises(ValueError, match="nothing to teach"):
        session.teach()
    session.add_example(cross(), 1)
    session.add_example(cross(1), 1)
    session.teach()
    taught = wait_for(session, lambda status: status.lesson)
    assert (taught.lesson.after.argmax(1) == 1).all()
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
        "from dataclasses import replace; real = worker.fine_tune;"
        "refused = lambda report: replace(report, refused_after=report.refused_after | True);"
        "in_vain = lambda taught: replace(taught, report=refused(taught.report));"
        "worker.fine_tune = lambda *given: in_vain(real(*given));"
    )
    session = open_manager(before=in_vain).session("ann")
    session.add_example(cross(), 4)
    session.teach()
    taught = wait_for(session, lambda status: status.lesson and not status.active)
    assert (taught.phase, taught.lesson.right_after, taught.comparison) == ("idle", 0, None)
    assert (session.model, session.can_undo) == (DEFAULT_WEIGHTS, False)
    session.teach()
    assert rested(session).phase == "idle"


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs a system where processes have priorities")
def test_who_waits_for_a_lesson_comes_before_who_watches_a_training(open_manager, tmp_path_factory):
    noted = tmp_path_factory.mktemp("nice")  # by each worker, how much less urgent it makes itself
    manager = open_manager(
        before="worker.fine_tune = lambda *a, **k: __import__('time').sleep(1000);"
        "worker.os.nice = lambda by: "
        f"__import__('pathlib').Path({str(noted)!r}, str(worker.os.getpid())).write_text(str(by));"
    )
    ann, ben = manager.session("ann"), manager.session("ben")
    ann.start(LONG, None)
    ben.add_example(cross(), 4)
    ben.teach()
    training(ann)
    await_(lambda: sum(bool(file.read_text()) for file in noted.iterdir()) == 2)
    teaches, trains = (int((noted / str(process_of(session).pid)).read_text()) for session in (ben, ann))
    assert 0 < teaches < trains


def test_a_drawing_that_is_told_again_is_what_it_was_last_told_to_be(manager):
    session = manager.session("ann")
    for image, label in ((cross(), 9), (cross(1), 7), (cross(), 4)):
        session.add_example(image, label)
    assert [example.label for example in session.examples] == [4, 7]
    session.add_examples(read_examples(session.export_examples()))
    assert [example.label for example in session.examples] == [4, 7]


def test_the_collection_travels_as_a_zip(open_manager):
    manager = open_manager(examples=3)
    ann, bob = manager.session("ann"), manager.session("bob")
    ann.add_example(cross(), 4)
    ann.add_example(cross(1), 7)
    bob.add_examples(read_examples(ann.export_examples()))
    assert [example.label for example in bob.examples] == [4, 7]
    bob.add_example(cross(2), 1)
    with pytest.raises(ValueError, match="room for 3"):
        bob.add_example(cross(3), 1)
    bob.remove_example(0)
    bob.remove_example(1)
    with pytest.raises(ValueError, match="no such example"):
        bob.remove_example(1)
    (left,) = read_examples(bob.export_examples())
    assert left.label == 7
    assert len(ann.examples) == 2

"""A training as a visitor chooses it: sane settings, honest snapshots; it stops and goes on bit for bit."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from cnn import Checkpoint, ModelFileError, load_model, save_model
from jobs.limits import Limits
from recognition.calibration import Calibration
from tests.bars import bars_dataset
from training import data
from training import experiment as module
from training.experiment import Experiment, unfinished
from training.settings import NETWORKS, Settings
from training.trainer import REJECT_CLASS, DivergedError, Trainer
from training.watched import WATCHED

SHORT = Settings("small_net", epochs=2, images=600, batch_size=50, learning_rate=5e-3)


@pytest.fixture
def dataset(monkeypatch):
    monkeypatch.setattr(data, "VALIDATION_SIZE", 300)
    return bars_dataset(600)


@pytest.fixture
def every_step(monkeypatch):
    monkeypatch.setattr(module, "INTERVAL", 0)


# --- settings


@pytest.mark.parametrize("fine_tune", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_settings_that_a_public_host_allows(network, fine_tune):
    settings = Settings.of(network, fine_tune=fine_tune)
    assert (settings.network, settings.fine_tune) == (network, fine_tune)
    assert settings.within(epochs=30, images=55_000) == (settings, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "big_net"}, "no network 'big_net'; there are small_net"),
        ({"network": "row_net"}, "no network 'row_net'; there are small_net"),  # it reads no digit alone
        ({"optimizer": "Adam"}, "no optimizer 'Adam'; there are AdamW, SGD"),
        ({"epochs": 0}, "Epochs must be a whole number from 1 to 1,000, got 0"),
        ({"epochs": 2.5}, "Epochs must be a whole number"),
        ({"epochs": True}, "Epochs must be a whole number"),
        ({"images": 55_001}, "Images must be a whole number from 100 to 55,000, got 55001"),
        ({"batch_size": 7}, "Batch size must be a whole number from 8 to 512, got 7"),
        ({"learning_rate": float("nan")}, "Learning rate must be a number from 1e-06 to 1.0, got nan"),
        ({"learning_rate": float("inf")}, "Learning rate must be a number from 1e-06 to 1.0, got inf"),
        ({"learning_rate": "fast"}, "Learning rate must be a number .* got 'fast'"),
        ({"dropout": 0.95}, "Dropout must be a number from 0.0 to 0.9, got 0.95"),
        ({"seed": -1}, "Seed must be a whole number"),
        ({"augmentation": 1}, "Augmentation must be yes or no, got 1"),
        ({"images": 100, "batch_size": 128}, "A batch of 128 is larger than the 100 images"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(Settings.of("small_net"), **changes)


def test_what_the_host_does_not_allow_is_lowered_and_told():
    settings, note = Settings.of("small_net", epochs=50, batch_size=300).within(epochs=5, images=200)
    assert (settings.epochs, settings.images, settings.batch_size) == (5, 200, 200)
    assert note == "This host allows at most 5 epochs and 200 images, so the training uses that."


def test_settings_come_back_from_json_and_nothing_else_does():
    assert Settings.from_json(json.loads(json.dumps(asdict(SHORT)))) == SHORT
    for values in (None, [], {}, asdict(SHORT) | {"more": 1}, asdict(SHORT) | {"epochs": "2"}):
        with pytest.raises(ValueError):
            Settings.from_json(values)


def test_limits_come_from_the_environment_and_bad_ones_are_named():
    limits = Limits.from_environment({"DIGITS_MAX_EPOCHS": " 7 ", "DIGITS_MAX_SECONDS": "", "HOME": "x"})
    assert limits == Limits(epochs=7)
    for bad in ("0", "-1", "many", "1.5"):
        with pytest.raises(ValueError, match=f"DIGITS_MAX_IMAGES must be a whole number .* got '?{bad}"):
            Limits.from_environment({"DIGITS_MAX_IMAGES": bad})


# --- snapshots


def test_snapshots_tell_how_the_network_learns(dataset, every_step):
    experiment = Experiment(SHORT, dataset)
    experiment.drawing = dataset.test_images[0]
    events = list(experiment.run())
    assert [(now.epoch, now.step) for now in events] == [(e, s) for e in (1, 2) for s in range(1, 13)]
    first, last = events[0], events[-1]
    assert (first.steps_per_epoch, first.epochs) == (12, 2)
    assert first.accuracy < 0.5 < 0.9 < last.accuracy
    assert last.loss < first.loss
    assert last.done == 1
    assert last.seconds_left == 0
    assert last.validation_accuracy > 0.9
    assert last.probs.argmax() == dataset.test_labels[0]
    assert first.kernels.shape == (5, 5, 1, 8)
    assert not np.array_equal(first.kernels, last.kernels)
    assert last.kernels is not experiment.trainer.model.layers[0].params["weight"]
    assert first.watched is None  # nothing was evaluated yet
    labels = dataset.train_labels[-300:][list(WATCHED)]
    assert (last.watched == labels).mean() > 0.9
    assert experiment.finished
    assert all(now.images_per_second > 0 and now.seconds_left >= 0 for now in events)


def test_the_filters_of_a_network_without_hidden_layers_are_pictures_of_digits(dataset):
    *_, last = Experiment(replace(SHORT, network="softmax_regression"), dataset).run()
    assert last.kernels.shape == (28, 28, 1, 10)
    assert last.validation_accuracy > 0.9


def test_snapshots_in_between_are_left_out_until_it_is_time(dataset, monkeypatch):
    monkeypatch.setattr(module, "INTERVAL", 1000)
    first, last = Experiment(SHORT, dataset).run()
    assert (first.epoch, first.step) == (1, 1)
    assert (last.epoch, last.step) == (2, 12)
    assert first.loss > last.loss  # the mean over all steps since the first


def test_curves_have_no_spikes_where_a_training_was_stopped_and_went_on(dataset, monkeypatch):
    """A single batch's loss says little: at the end and after it, as in between, many are averaged."""
    seconds, batch_losses = 0.0, []
    take_step = Trainer._take_step

    def slow_step(trainer, *batch):
        nonlocal seconds
        seconds += 0.1
        progress = take_step(trainer, *batch)
        batch_losses.append(progress[0])
        return progress

    monkeypatch.setattr(module.time, "perf_counter", lambda: seconds)
    monkeypatch.setattr(module, "INTERVAL", 0.35)  # four steps
    monkeypatch.setattr(Trainer, "_take_step", slow_step)
    experiment = Experiment(SHORT, dataset)
    run = experiment.run()
    assert [next(run).step for _ in range(3)] == [1, 5, 9]
    experiment.stop()
    [last] = run
    assert last.step == 10
    assert last.loss == pytest.approx(np.mean(batch_losses[5:10]))
    assert next(experiment.run()).step == 2  # of the second epoch, four steps on
    assert len(batch_losses) == 14


def test_the_last_snapshot_is_of_all_validation_images_and_calibrates(dataset, every_step):
    experiment = Experiment(SHORT, dataset)
    *_, last = experiment.run()
    right = (
        experiment.trainer.result()
        .predict(np.float32(experiment.validation_images)[..., None] / np.float32(255))
        .argmax(1)
    )
    assert last.validation_accuracy == pytest.approx((right == experiment.validation_labels).mean())
    assert experiment.calibration.temperature != 1
    assert experiment.calibration.threshold is None


def test_validation_images_are_looked_at_now_and_then_and_seldom(dataset, every_step, monkeypatch):
    seconds, looks = 0.0, []
    look, take_step = Experiment._look, Trainer._take_step

    def slow_look(experiment, count):
        nonlocal seconds
        looks.append((seconds, count))
        seconds += 1.0
        return look(experiment, count)

    def slow_step(trainer, *batch):
        nonlocal seconds
        seconds += 0.5
        return take_step(trainer, *batch)

    monkeypatch.setattr(module.time, "perf_counter", lambda: seconds)
    monkeypatch.setattr(Experiment, "_look", slow_look)
    monkeypatch.setattr(Trainer, "_take_step", slow_step)
    first, *_ = Experiment(replace(SHORT, epochs=4), dataset).run()
    assert first.validation_accuracy is None
    assert looks == [(1.0, 1000), (12.0, 1000), (23.0, 1000), (27.0, 300)]


def test_a_loss_that_is_no_number_ends_the_training_with_advice(dataset):
    experiment = Experiment(SHORT, dataset)
    experiment.trainer.model.parameters[:] = np.nan
    with pytest.raises(DivergedError, match="Try a smaller learning rate"):
        list(experiment.run())


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
def test_a_network_whose_answers_overflow_ends_the_training_with_advice(dataset, every_step):
    """Weights that are finite, of which the next batch would tell."""
    experiment = Experiment(replace(SHORT, epochs=1, images=500, batch_size=500), dataset)
    take_step = experiment.trainer._take_step

    def overflowing_step(*batch):
        progress = take_step(*batch)
        experiment.trainer.model.parameters[:] = 1e30
        return progress

    experiment.trainer._take_step = overflowing_step
    with pytest.raises(DivergedError, match="Try a smaller learning rate"):
        list(experiment.run())


# --- stopping and going on


@pytest.mark.parametrize(
    "settings",
    [
        replace(SHORT, augmentation=True, dropout=0.4),
        Settings("seed_net", epochs=1, images=300, batch_size=50, optimizer="SGD", learning_rate=0.02),
        Settings("digit_net", epochs=1, images=100, batch_size=16, dropout=0.2),
    ],
    ids=lambda settings: settings.network,
)
def test_stopped_saved_and_resumed_it_equals_never_having_stopped(settings, dataset, tmp_path, every_step):
    straight = Experiment(settings, dataset)
    list(straight.run())
    straight.save(tmp_path / "straight.npz")

    broken = Experiment(settings, dataset)
    for now in broken.run():
        if now.step == 3:
            broken.stop()
    assert (now.step, broken.finished) == (4, False)
    broken.save(tmp_path / "broken.npz")
    assert unfinished(load_model(tmp_path / "broken.npz")) == settings
    resumed = Experiment.resume(tmp_path / "broken.npz", dataset)
    assert next(resumed.run()).step == 5
    resumed.save(tmp_path / "again.npz")
    again = Experiment.resume(tmp_path / "again.npz", dataset)
    list(again.run())
    again.save(tmp_path / "broken.npz")

    one, other = load_model(tmp_path / "straight.npz"), load_model(tmp_path / "broken.npz")
    np.testing.assert_array_equal(one.model.parameters, other.model.parameters)
    for (_, left), (_, right) in zip(one.model.named_buffers(), other.model.named_buffers(), strict=True):
        np.testing.assert_array_equal(left, right)
    for name, value in one.optimizer_state.items():
        np.testing.assert_array_equal(value, other.optimizer_state[name])
    assert Calibration.of(one) == Calibration.of(other)
    assert unfinished(other) is None


def test_stopping_and_running_again_in_one_process_goes_on_too(dataset, every_step):
    straight, broken = Experiment(SHORT, dataset), Experiment(SHORT, dataset)
    list(straight.run())
    for _ in broken.run():
        broken.stop()
    list(broken.run())
    assert broken.finished
    np.testing.assert_array_equal(broken.trainer.model.parameters, straight.trainer.model.parameters)


def test_it_ends_when_its_seconds_are_over(dataset, every_step):
    experiment = Experiment(replace(SHORT, epochs=1000), dataset, seconds=0.05)
    *_, last = experiment.run()
    assert not experiment.finished
    assert last.seconds_left == 0
    assert last.validation_accuracy is not None


def test_what_is_saved_reads_as_what_was_trained(dataset, tmp_path, every_step):
    experiment = Experiment(replace(SHORT, dropout=0.5), dataset)
    list(experiment.run())
    experiment.save(tmp_path / "model.npz")
    images = np.float32(dataset.test_images[:20])[..., None] / np.float32(255)
    saved = load_model(tmp_path / "model.npz")
    np.testing.assert_array_equal(saved.model.predict(images), experiment.trainer.model.predict(images))
    assert len(saved.model.layers) == len(experiment.trainer.model.layers) - 1  # without Dropout


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": None},
        {"settings": {"network": "small_net"}},
        {"settings": asdict(SHORT) | {"epochs": 10**9}},
        {"settings": asdict(SHORT) | {"network": "seed_net"}},
        {"settings": asdict(SHORT) | {"seed": 5}},
        {"settings": asdict(SHORT) | {"images": 400}},
        {"steps": -3},
        {"steps": "many"},
        {"seconds": float("nan")},
        {"loss_sum": None},
        {"correct": []},
    ],
    ids=repr,
)
def test_a_file_with_other_notes_is_refused(changes, dataset, tmp_path, every_step):
    experiment = Experiment(SHORT, dataset)
    next(experiment.run())
    experiment.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as archive:
        arrays = dict(archive)
    notes = json.loads(str(arrays["progress"])) | changes
    np.savez(tmp_path / "model.npz", **arrays | {"progress": np.array(json.dumps(notes))})
    with pytest.raises(ModelFileError):
        Experiment.resume(tmp_path / "model.npz", dataset)


# --- fine-tuning


def test_fine_tuning_begins_with_the_given_weights(dataset, tmp_path, every_step):
    first = Experiment(SHORT, dataset)
    list(first.run())
    first.save(tmp_path / "first.npz")
    settings = replace(SHORT, fine_tune=True, learning_rate=1e-5)
    second = Experiment(settings, dataset, load_model(tmp_path / "first.npz"))
    assert next(second.run()).accuracy > 0.9
    assert first.trainer.optimizer.step_count == 24  # the first is as it was


def test_fine_tuning_needs_a_model_of_its_network(dataset):
    settings = replace(SHORT, fine_tune=True)
    with pytest.raises(ModelFileError, match="none was given"):
        Experiment(settings, dataset)
    other = Experiment(Settings("seed_net", images=100), dataset).trainer.model
    with pytest.raises(ModelFileError, match="got a seed_net"):
        Experiment(settings, dataset, Checkpoint(other))


def test_a_network_that_refuses_goes_on_learning_what_is_no_digit(dataset, tmp_path, every_step):
    model = Experiment(SHORT, dataset).trainer.model
    save_model(tmp_path / "refuses.npz", model, progress=Calibration(1.2, 0.5).to_progress())
    settings = replace(SHORT, fine_tune=True, images=200, epochs=1)
    experiment = Experiment(settings, dataset, load_model(tmp_path / "refuses.npz"))
    labels = experiment.trainer.labels
    assert len(labels) == 300
    assert (labels == REJECT_CLASS).sum() == 50
    list(experiment.run())
    assert experiment.calibration.threshold == 0.5
    experiment.save(tmp_path / "tuned.npz")
    assert Calibration.of(load_model(tmp_path / "tuned.npz")).threshold == 0.5
    resumed = Experiment.resume(tmp_path / "tuned.npz", dataset)
    np.testing.assert_array_equal(resumed.trainer.images, experiment.trainer.images)

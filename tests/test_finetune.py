"""Fine-tuning: the examples are learned, all else is kept, and what comes out is an ordinary model."""

from dataclasses import replace

import numpy as np
import pytest

from cnn import Checkpoint, Dense, Flatten, ReLU, Sequential, digit_net, load_model
from recognition import Reader, to_input
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS
from tests.bars import bars_dataset
from training import data, finetune
from training.experiment import Experiment
from training.finetune import LEARNED_MARGIN, MAX_FORGOTTEN, FineTuner, fine_tune
from training.settings import Settings
from training.synthesis import synthesise_digits, synthesise_non_digits


@pytest.fixture(scope="module")
def dataset():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "VALIDATION_SIZE", 300)
        yield bars_dataset(600)


@pytest.fixture(scope="module")
def trained(dataset):
    """A small network that reads bars."""
    experiment = Experiment(Settings("small_net", epochs=3, images=600, batch_size=50, seed=1), dataset)
    list(experiment.run())
    return Checkpoint(experiment.trainer.result())


@pytest.fixture
def small_rehearsal_set(monkeypatch):
    monkeypatch.setattr(finetune, "SYNTHETIC", 100)


def crosses(n):
    """A way to write digits that the bars never show."""
    images = np.zeros((n, 28, 28), np.uint8)
    for k, image in enumerate(images):
        image[4:24, 12 + k % 4] = image[12 + k % 3, 4:24] = 255
    return images


def accuracy(model, images, labels):
    return (model.predict(to_input(images)).argmax(1) == labels).mean()


@pytest.mark.parametrize("count", [1, 5, 50])
def test_examples_are_learned_and_nothing_is_forgotten(count, trained, dataset):
    images, labels = crosses(count), np.full(count, 3)
    before = accuracy(trained.model, dataset.test_images, dataset.test_labels)
    assert accuracy(trained.model, images, labels) == 0
    tuned = fine_tune(trained, images, labels, dataset)
    assert accuracy(tuned.model, images, labels) == 1
    assert accuracy(tuned.model, dataset.test_images, dataset.test_labels) >= before - 0.01
    assert (tuned.report.before.argmax(1) != 3).all()
    assert (tuned.report.after.argmax(1) == 3).all()
    np.testing.assert_allclose(tuned.report.after.sum(1), 1, rtol=1e-5)
    assert not tuned.report.refused_after.any()


def test_what_is_taught_holds_for_others_alike(trained, dataset):
    tuned = fine_tune(trained, crosses(12)[:3], np.full(3, 3), dataset)
    assert accuracy(tuned.model, crosses(12)[3:], np.full(9, 3)) == 1


def test_what_cannot_be_learned_without_forgetting_is_not_learned(trained, dataset):
    clean = np.where(dataset.train_images == 255, 255, 0).astype(np.uint8)  # every 7 is the same 7
    memory = replace(dataset, train_images=clean)
    seven = clean[dataset.train_labels == 7][:1]
    assert accuracy(trained.model, seven, [7]) == 1
    tuned = fine_tune(trained, seven, np.array([2]), memory)
    assert tuned.report.after[0].argmax() == 7
    assert accuracy(tuned.model, clean, dataset.train_labels) >= (
        accuracy(trained.model, clean, dataset.train_labels) - 0.01
    )


def test_no_more_is_forgotten_than_is_allowed(trained, dataset):
    tuner = FineTuner(trained, dataset)
    tuned = tuner.fine_tune(dataset.test_images[:1], (dataset.test_labels[:1].astype(int) + 5) % 10)

    def known(model):
        last = model.layers[-1].params
        logits = np.float64(tuner._rehearsal[: len(tuner._labels)]) @ last["weight"] + last["bias"]
        others = [max(np.delete(row, label)) for row, label in zip(logits, tuner._labels, strict=True)]
        margins = logits[np.arange(len(logits)), tuner._labels] - others
        return np.mean(1 / (1 + np.exp(-margins)))

    assert not np.array_equal(tuned.model.parameters, trained.model.parameters)
    forgotten = known(trained.model) - known(tuned.model)
    assert 0.9 * MAX_FORGOTTEN < forgotten < MAX_FORGOTTEN + 1e-5  # and as much is learned as this allows


def test_fine_tuning_goes_on_until_every_example_is_read_by_a_margin(trained, dataset, monkeypatch):
    monkeypatch.setattr(finetune, "MAX_FORGOTTEN", 1.0)  # or what is learned is taken back in part
    tuned = fine_tune(trained, crosses(1), np.array([3]), dataset)
    [logits] = tuned.model.predict(to_input(crosses(1)))
    assert logits[3] - max(np.delete(logits, 3)) >= LEARNED_MARGIN


def test_the_network_that_was_taught_stays_as_it_was(trained, dataset):
    before = trained.model.parameters.copy()
    fine_tune(trained, crosses(1), np.array([3]), dataset)
    np.testing.assert_array_equal(trained.model.parameters, before)


@pytest.mark.parametrize("count", [1, 5])
def test_fine_tuning_does_not_depend_on_the_last_bits_of_a_sum(count, trained, dataset):
    """As on another processor, where BLAS adds in another order."""
    learned = []
    for towards in (-np.inf, np.inf):
        tuner = FineTuner(trained, dataset)
        tuner._rehearsal = np.nextafter(tuner._rehearsal, np.float32(towards), dtype=np.float32)
        tuned = tuner.fine_tune(crosses(count), np.full(count, 3))
        learned.append(tuned.model.parameters - trained.model.parameters)
    one, other = learned
    assert np.linalg.norm(one - other) < 0.05 * np.linalg.norm(one)


def test_the_same_examples_give_the_same_weights(trained, dataset, tmp_path):
    for name in ("one.npz", "two.npz"):
        fine_tune(trained, crosses(2), np.array([3, 4]), dataset).save(tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_the_shipped_network_still_refuses_and_accepts_its_example(dataset, small_rehearsal_set, tmp_path):
    shipped = load_model(DEFAULT_WEIGHTS)
    calibration = Calibration.of(shipped)
    rng = np.random.default_rng(5)
    others = synthesise_non_digits(60, rng)
    logits = shipped.model.predict(to_input(others))
    refused = ~calibration.is_digit(logits)
    assert refused.mean() > 0.9
    strange = others[[np.where(refused, logits[:, 4], -np.inf).argmax()]]  # the most like a 4
    tuned = fine_tune(shipped, strange, np.array([4]), dataset)
    assert tuned.report.refused_before.tolist() == [True]
    assert tuned.report.refused_after.tolist() == [False]
    assert tuned.report.after[0].argmax() == 4
    tuned.save(tmp_path / "mine.npz")
    saved = load_model(tmp_path / "mine.npz")
    assert Calibration.of(saved) == calibration
    still = ~calibration.is_digit(saved.model.predict(to_input(others[refused][1:])))
    assert still.mean() > 0.9
    digits, labels = synthesise_digits(100, rng)
    assert accuracy(saved.model, digits, labels) >= accuracy(shipped.model, digits, labels) - 0.02


def test_only_what_a_reader_accepts_is_called_learned(dataset, small_rehearsal_set, monkeypatch, tmp_path):
    monkeypatch.setattr(finetune, "LEARNED_MARGIN", 0.0)  # so that the context model has a say
    shipped = load_model(DEFAULT_WEIGHTS)
    others = synthesise_non_digits(300, np.random.default_rng(5))
    strange = others[shipped.model.predict(to_input(others))[:, 4].argsort()[-20:]]
    tuned = fine_tune(shipped, strange, np.full(20, 4), dataset)
    tuned.save(tmp_path / "mine.npz")
    reader = Reader(tmp_path / "mine.npz").classifier
    logits = reader.logits(strange)
    assert (reader.calibration.is_digit(logits) != reader.accepts(strange, logits)).any()
    assert (tuned.report.refused_after == ~reader.accepts(strange, logits)).all()


def test_training_goes_on_from_what_was_taught(dataset, small_rehearsal_set):
    start = Checkpoint(digit_net(np.random.default_rng(0)))
    tuned = fine_tune(start, crosses(1), np.array([3]), dataset)
    settings = Settings("digit_net", fine_tune=True, epochs=1, images=100, batch_size=50)
    *_, last = Experiment(settings, dataset, Checkpoint(tuned.model)).run()
    assert np.isfinite(last.loss)
    changed = [
        name
        for (name, one), (_, other) in zip(
            start.model.named_params(), tuned.model.named_params(), strict=True
        )
        if not np.array_equal(one, other)
    ]
    assert len(changed) == 2  # weight and bias of the last layer


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, int), "From 1 to 50 examples .* got 0"),
        (crosses(51), np.zeros(51, int), "got 51"),
        (crosses(2), np.zeros(3, int), r"labels must be \(2,\) integers, got \(3,\)"),
        (crosses(2), np.array([0, 10]), "labels must be 0 to 9, got 0 to 10"),
        (crosses(2), np.array([0, -1]), "labels must be 0 to 9, got -1 to 0"),
        (crosses(2), np.array([0.5, 1]), "integers, got .* float64"),
        (crosses(2).astype(float), np.zeros(2, int), "uint8, got .* float64"),
    ],
)
def test_other_examples_are_refused(images, labels, message, trained, dataset):
    with pytest.raises(ValueError, match=message):
        fine_tune(trained, images, labels, dataset)


def test_a_network_that_ends_otherwise_than_with_dense_is_refused(dataset):
    layers = [Flatten(), Dense(784, 10, rng=np.random.default_rng(0)), ReLU()]
    checkpoint = Checkpoint(Sequential("own_net", layers, (28, 28, 1)))
    with pytest.raises(ValueError, match="can be taught more; own_net ends"):
        fine_tune(checkpoint, crosses(1), np.array([3]), dataset)


def test_a_network_that_somebody_wrote_can_be_taught(dataset):
    layers = [Flatten(), Dense(784, 10, rng=np.random.default_rng(0))]
    checkpoint = Checkpoint(Sequential("own_net", layers, (28, 28, 1)))
    tuned = fine_tune(checkpoint, crosses(3), np.full(3, 3), dataset)
    assert tuned.model.name == "own_net"
    assert tuned.report.right_after == 3

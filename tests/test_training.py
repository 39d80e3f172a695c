"""The training loop and its command line: it learns, stops anywhere, and goes on bit for bit."""

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cnn import SGD, Dense, Flatten, ModelFileError, Sequential, load_model, seed_net
from training import data
from training.__main__ import main
from training.evaluate import Evaluation, draw_errors, evaluate
from training.recipes import SeedRecipe
from training.trainer import Trainer

ROOT = Path(__file__).parent.parent


def bars(n, seed=0):
    """Pictures a network can learn in seconds: digit d is a bright row at height 2 d + 4, with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    images = rng.integers(0, 90, (n, 28, 28), np.uint8)
    images[np.arange(n), 2 * labels + 4] = 255
    return images, labels


def tiny_trainer(**changes):
    """A linear network under seed_net's name, so that files of it are of a known architecture."""
    images, labels = bars(150)
    model = seed_net(np.random.default_rng(changes.get("seed", 0)))
    settings = {"epochs": 2, "batch_size": 32, "seed": 0} | changes
    return Trainer(model, SGD(model, 0.01, momentum=0.9), images, labels, **settings)


def jitter(images, rng):
    return np.roll(images, rng.integers(-1, 2), axis=2)


def test_the_seed_recipe_learns():
    images, labels = bars(1500)
    trainer = SeedRecipe(epochs=2).trainer(images, labels)
    last = list(trainer.run())[-1]
    assert last.epoch == last.epochs == 2
    assert last.accuracy > 0.95
    assert evaluate(trainer.model, *bars(300, seed=9)).accuracy > 0.95


def test_progress_counts_epochs_and_steps():
    events = list(tiny_trainer().run())
    assert [(now.epoch, now.step) for now in events] == [(e, s) for e in (1, 2) for s in (1, 2, 3, 4, 5)]
    assert [now.epoch_ends for now in events] == [False] * 4 + [True] + [False] * 4 + [True]


@pytest.mark.parametrize("stopped_after", [1, 5, 8])
def test_stopping_saving_and_resuming_equals_never_having_stopped(tmp_path, stopped_after):
    straight = tiny_trainer(augment=jitter)
    expected = list(straight.run())

    first = tiny_trainer(augment=jitter)
    list(itertools.islice(first.run(), stopped_after))
    first.save(tmp_path / "stopped.npz")
    second = tiny_trainer(augment=jitter)
    second.resume(load_model(tmp_path / "stopped.npz"))
    rest = list(second.run())

    assert len(rest) == len(expected) - stopped_after
    assert (rest[-1].loss, rest[-1].accuracy) == (expected[-1].loss, expected[-1].accuracy)
    np.testing.assert_array_equal(second.model.parameters, straight.model.parameters)
    for name, value in straight.optimizer.state.items():
        np.testing.assert_array_equal(second.optimizer.state[name], value)


def test_the_same_seed_trains_the_same_weights_and_another_seed_does_not():
    trainers = [tiny_trainer(seed=seed) for seed in (1, 1, 2)]
    for trainer in trainers:
        list(trainer.run())
    one, same, other = (trainer.model.parameters for trainer in trainers)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "made with seed 0, this run has 5"),
        ({"batch_size": 50}, "made with batch_size 32, this run has 50"),
    ],
)
def test_resuming_another_training_is_refused(tmp_path, changes, message):
    trainer = tiny_trainer()
    list(itertools.islice(trainer.run(), 2))
    trainer.save(tmp_path / "checkpoint.npz")
    with pytest.raises(ModelFileError, match=message):
        tiny_trainer(**changes).resume(load_model(tmp_path / "checkpoint.npz"))


def test_resuming_with_another_network_is_refused(tmp_path):
    trainer = tiny_trainer()
    list(itertools.islice(trainer.run(), 1))
    trainer.save(tmp_path / "checkpoint.npz")
    images, labels = bars(150)
    model = Sequential("linear", [Flatten(), Dense(784, 10, rng=np.random.default_rng(0))], (28, 28, 1))
    other = Trainer(model, SGD(model, 0.1), images, labels, epochs=1, batch_size=32, seed=0)
    with pytest.raises(ModelFileError, match="of seed_net, this run trains linear"):
        other.resume(load_model(tmp_path / "checkpoint.npz"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "batch_size 1 to 150, got 2 and 0"),
        ({"batch_size": 151}, "batch_size 1 to 150"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_trainer(**changes)


# --- evaluation


def evaluation_of(labels, predicted, confidence=0.9):
    probs = np.full((len(labels), 10), (1 - confidence) / 9)
    probs[np.arange(len(labels)), predicted] = confidence
    return Evaluation(np.array(labels), probs, np.zeros(len(labels), bool))


def test_accuracy_per_digit_and_confusion_are_counted():
    found = evaluation_of([7, 7, 7, 1], [7, 1, 7, 1])
    assert found.accuracy == 0.75
    assert found.confusion[7, 1] == 1
    assert found.confusion.sum() == 4
    assert found.per_digit[7] == pytest.approx(2 / 3)
    assert np.isnan(found.per_digit[3])
    assert "Accuracy = 0.7500 (1 of 4 wrong)" in found.report()


def test_errors_come_most_confident_first():
    found = evaluation_of([1, 2, 3], [2, 3, 3])
    found.probs[1, 3] = 0.95
    assert found.errors.tolist() == [1, 0]


def test_the_picture_of_errors_shows_wrong_predictions(tmp_path):
    images, labels = bars(30)
    found = evaluation_of(labels.tolist(), ((labels + (np.arange(30) % 3 == 0)) % 10).tolist())
    assert draw_errors(tmp_path / "errors.png", images, found) == 10
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


# --- the command line


@pytest.fixture
def mnist_folder(tmp_path, monkeypatch):
    """A small stand-in for MNIST in its file format, with its checksums made known."""
    return make_mnist(tmp_path / "mnist", monkeypatch)


def make_mnist(folder, monkeypatch, n=400):
    folder.mkdir()
    arrays = [*bars(n, seed=1), *bars(100, seed=2)]
    digests = {}
    for name, array in zip(data.FILES, arrays, strict=True):
        content = data._write_idx(array)
        (folder / name).write_bytes(content)
        digests[name] = data.hashlib.md5(content).hexdigest()
    monkeypatch.setattr(data, "FILES", digests)
    return folder


def test_training_from_the_command_line_writes_weights_and_a_card(
    mnist_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["--data", str(mnist_folder), "--epochs", "2", "--out", "out/seed.npz"]) == 0
    printed = capsys.readouterr().out
    assert "Epoch 1: Loss = " in printed
    assert "Epoch 2: Loss = " in printed
    card = json.loads((tmp_path / "out/seed.json").read_text())
    assert card["recipe"]["epochs"] == 2
    assert (
        card["mnist_test"]["accuracy"]
        == evaluate(load_model(tmp_path / "out/seed.npz").model, *bars(100, seed=2)).accuracy
    )
    assert load_model(tmp_path / "checkpoints/seed.npz").progress["steps"] == 14

    assert main(["evaluate", "--data", str(mnist_folder), "--weights", "out/seed.npz"]) == 0
    assert "confusion (rows: true digit" in capsys.readouterr().out
    options = ["--card", "--reliability", "reliability.png", "--weights", "out/seed.npz"]
    assert main(["evaluate", "--data", str(mnist_folder), *options]) == 0
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out/seed.json").read_text()) == card
    assert main(["errors", "--data", str(mnist_folder), "--weights", "out/seed.npz", "--out", "e.png"]) == 0
    assert (tmp_path / "e.png").is_file()


def test_ctrl_c_keeps_a_checkpoint_and_resume_gives_the_weights_of_an_unbroken_run(tmp_path, monkeypatch):
    folder = make_mnist(tmp_path / "mnist", monkeypatch, n=2000)
    digests = json.dumps(data.FILES)
    # A real process and a real signal; it must know the stand-in's checksums, nothing else differs.
    program = (
        "import sys, json; from training import data; data.FILES = json.loads(sys.argv.pop(1));"
        "from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, digests, "--data", str(folder), "--epochs", "2"]
    straight = ["--checkpoint", str(tmp_path / "a.npz"), "--out", str(tmp_path / "straight.npz")]
    broken = ["--checkpoint", str(tmp_path / "b.npz"), "--out", str(tmp_path / "broken.npz")]

    process = subprocess.Popen([*command, *broken], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while b"Epoch 1/2" not in process.stderr.read1(200):  # the progress bar: training has begun
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert b"is kept; go on with" in output
    assert 0 < load_model(tmp_path / "b.npz").progress["steps"] < 64
    assert not (tmp_path / "broken.npz").exists()

    subprocess.run([*command, *broken, "--resume"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([*command, *straight], cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "broken.npz").read_bytes() == (tmp_path / "straight.npz").read_bytes()


def test_a_wrong_file_is_told_in_one_line(mnist_folder, tmp_path, capsys):
    (tmp_path / "w.npz").write_bytes(b"no weights")
    assert main(["evaluate", "--data", str(mnist_folder), "--weights", str(tmp_path / "w.npz")]) == 1
    assert "w.npz is damaged or not an .npz weights file" in capsys.readouterr().err


def test_a_folder_without_mnist_is_told_in_one_line(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 1
    assert "lacks train-images-idx3-ubyte" in capsys.readouterr().err

"""The training loop and its command line: it learns, stops anywhere, and goes on bit for bit."""

import hashlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnn import SGD, Dense, Dropout, Flatten, ModelFileError, Sequential, load_model, seed_net
from recognition.reader import DEFAULT_WEIGHTS
from tests.bars import bars, make_mnist
from training import data
from training.__main__ import main
from training.curves import read_log
from training.evaluate import MNIST_LABEL_ERRORS, Evaluation, draw_errors, evaluate
from training.examples import Example, write_examples
from training.recipes import RECIPES, SeedRecipe
from training.row_recipes import RowsRecipe
from training.trainer import DivergedError, Trainer

ROOT = Path(__file__).parent.parent


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


def test_dropout_has_no_part_in_what_is_saved_and_given_out(tmp_path):
    images, labels = bars(150)
    *layers, last = seed_net(np.random.default_rng(0)).layers
    layers = [*layers, Dropout(0.5, rng=np.random.default_rng(1)), last]
    model = Sequential("seed_net", layers, (28, 28, 1))
    trainer = Trainer(model, SGD(model, 0.01), images, labels, epochs=1, batch_size=50, seed=0)
    list(itertools.islice(trainer.run(), 2))
    trainer.save(tmp_path / "model.npz", {"note": "mine"})
    saved = load_model(tmp_path / "model.npz")
    assert saved.progress["note"] == "mine"
    np.testing.assert_array_equal(saved.model.parameters, model.parameters)
    assert len(trainer.result().layers) == len(model.layers) - 1
    list(trainer.run())  # giving it out and saving it left it whole
    assert not np.array_equal(saved.model.parameters, model.parameters)


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
        ({"seed": 5}, "has seed 0, this run has 5"),
        ({"batch_size": 50}, "has batch_size 32, this run has 50"),
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
    with pytest.raises(ModelFileError, match="holds seed_net, this run trains linear"):
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


# --- divergence


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
@pytest.mark.parametrize("where", ["on the way", "in the very last step"])
def test_a_training_that_diverges_ends_with_advice(where):
    trainer = tiny_trainer(epochs=1, batch_size=150 if where == "in the very last step" else 32)
    trainer.optimizer.learning_rate = 1e39
    with pytest.raises(DivergedError, match=r"The training diverged: .* Try a smaller learning rate\."):
        list(trainer.run())
    assert trainer.optimizer.step_count <= 2


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
    assert found.per_class[7] == pytest.approx(2 / 3)
    assert np.isnan(found.per_class[3])
    assert "Accuracy = 0.7500 (1 of 4 wrong)" in found.report()


def test_errors_of_mnist_whose_labels_are_wrong_are_counted():
    labels = np.zeros(10_000, int)
    labels[list(MNIST_LABEL_ERRORS)] = list(MNIST_LABEL_ERRORS.values())
    predicted = labels.copy()
    predicted[[947, 5]] = 9
    found = evaluation_of(labels, predicted)
    assert found.label_errors.tolist() == [947]
    assert "Of these, 1 are among 15 labels that are known to be wrong" in found.report()
    labels[947] = 9
    assert evaluation_of(labels, predicted).label_errors is None
    assert evaluation_of([1], [2]).label_errors is None


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
    assert card["command"] == "python -m training --recipe seed --epochs 2"
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--learning-rate", "nan"], "learning_rate must be a positive, finite number, got nan"),
        (["--learning-rate", "inf"], "learning_rate must be a positive, finite number, got inf"),
        (["--learning-rate", "0"], "learning_rate must be a positive, finite number, got 0.0"),
        (["--learning-rate", "-0.1"], "learning_rate must be a positive, finite number, got -0.1"),
        (["--epochs", "0"], "epochs must be a whole number of at least 1, got 0"),
        (["--seed", "-1"], "seed must be a whole number of at least 0, got -1"),
        (["--learning-rate", "1e30"], "The training diverged: the loss is no longer a number."),
    ],
)
def test_settings_that_train_nothing_overwrite_nothing(
    options, message, mnist_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed.npz").write_bytes(DEFAULT_WEIGHTS.read_bytes())
    (tmp_path / "seed.json").write_text("{}")
    assert main(["--data", str(mnist_folder), "--epochs", "1", "--out", "seed.npz", *options]) == 1
    assert f"python -m training: {message}" in capsys.readouterr().err
    assert (tmp_path / "seed.npz").read_bytes() == DEFAULT_WEIGHTS.read_bytes()
    assert (tmp_path / "seed.json").read_text() == "{}"
    assert not (tmp_path / "checkpoints").exists()


def test_fine_tuning_with_a_negative_seed_is_refused_in_words(mnist_folder, tmp_path, capsys):
    (tmp_path / "mine.zip").write_bytes(write_examples([Example(bars(1)[0][0], 4)]))
    command = ["finetune", "--data", str(mnist_folder), "--examples", str(tmp_path / "mine.zip")]
    with pytest.raises(SystemExit):
        main([*command, "--seed", "-1"])
    assert "--seed: must be a whole number of at least 0, got -1" in capsys.readouterr().err


def test_the_context_model_is_trained_from_the_command_line_and_tested_on_rows(
    mnist_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tiny = RowsRecipe(rows=128, test_rows=60, epochs=1, last_rows=128, last_epochs=1)
    monkeypatch.setitem(RECIPES, "rows", lambda: tiny)
    command = ["--data", str(mnist_folder), "--recipe", "rows", "--out", "out/rows.npz"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "Epoch 1: Loss = " in printed
    assert "Test: Digits = " in printed
    card = json.loads((tmp_path / "out/rows.json").read_text())
    assert card["recipe"]["rows"] == 128
    assert set(card["rows_test"]) == {"digits", "separators", "none", "cross_entropy"}
    assert "mnist_test" not in card
    written = (tmp_path / "out/rows.npz").read_bytes()

    assert main([*command, "--resume"]) == 0  # from the end of it
    assert (tmp_path / "out/rows.npz").read_bytes() == written
    assert main([*command[:-1], "again.npz", "--start", "out/rows.npz"]) == 0
    card = json.loads((tmp_path / "again.json").read_text())
    assert card["command"] == "python -m training --recipe rows --start WEIGHTS"
    assert card["sha256_of_start"] == hashlib.sha256(written).hexdigest()
    assert (tmp_path / "again.npz").read_bytes() != written
    assert (tmp_path / "out/rows.npz").read_bytes() == written
    capsys.readouterr()

    assert main([*command, "--validate"]) == 1
    assert main([*command, "--start", str(DEFAULT_WEIGHTS)]) == 1
    assert main(["--data", str(mnist_folder), "--start", str(DEFAULT_WEIGHTS)]) == 1
    assert main(["evaluate", "--data", str(mnist_folder), "--weights", "out/rows.npz"]) == 1
    told = capsys.readouterr().err
    assert "the recipe rows cannot be validated on MNIST" in told
    assert "digits.npz is a digit_net, which takes pictures of shape (28, 28, 1)" in told
    assert "digits.npz is a digit_net, the recipe seed trains a seed_net" in told
    assert "rows.npz is a row_net, which takes pictures of shape (28, 28, 2)" in told


def test_a_training_is_logged_and_drawn(mnist_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "VALIDATION_SIZE", 100)
    command = ["--data", str(mnist_folder), "--epochs", "2", "--validate", "--log", "logs/run.jsonl"]
    assert main(command) == 0
    assert "saved logs/run.png" in capsys.readouterr().out
    assert (tmp_path / "logs/run.png").read_bytes().startswith(b"\x89PNG")
    lines = read_log(tmp_path / "logs/run.jsonl")
    assert [(line["epoch"], line["step"], line["steps_per_epoch"]) for line in lines] == [
        (1, 5, 5),
        (2, 5, 5),
    ]
    assert lines[0]["loss"] > lines[1]["loss"]
    assert all(0 <= line["validation_accuracy"] <= 1 for line in lines)


def test_a_log_that_is_none_is_told(tmp_path):
    for text in ("hello\n", "[1]\n", '{"epoch": 1}\n'):
        (tmp_path / "log.jsonl").write_text(text)
        with pytest.raises(ValueError, match=r"log\.jsonl is not the log of a training"):
            read_log(tmp_path / "log.jsonl")


def test_a_network_is_fine_tuned_from_the_command_line(mnist_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "VALIDATION_SIZE", 100)
    image = np.zeros((28, 28), np.uint8)
    image[4:15, 8] = image[14, 8:20] = image[4:24, 17] = 255  # an open 4
    (tmp_path / "mine.zip").write_bytes(write_examples([Example(image, 4)] * 2))
    assert main(["finetune", "--data", str(mnist_folder), "--examples", "mine.zip", "--out", "a.npz"]) == 0
    printed = capsys.readouterr().out
    assert "fine-tuned on 2 examples" in printed
    assert "after   2 of 2 examples are read right, test: Accuracy = " in printed
    assert load_model("a.npz").model.name == load_model(DEFAULT_WEIGHTS).model.name

    (tmp_path / "mine.zip").write_bytes(b"nonsense")
    assert main(["finetune", "--data", str(mnist_folder), "--examples", "mine.zip"]) == 1
    assert "damaged or not a zip file" in capsys.readouterr().err


def test_ctrl_c_keeps_a_checkpoint_and_resume_gives_the_weights_of_an_unbroken_run(tmp_path, monkeypatch):
    folder = make_mnist(tmp_path / "mnist", monkeypatch, n=2000)
    digests = json.dumps(data.FILES)
    # A real process and a real signal; it must know the stand-in's checksums, nothing else differs.
    # The signal comes at a step, not at a time.
    program = (
        "import sys, json; from training import data; data.FILES = json.loads(sys.argv.pop(1));"
        "from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    interrupted = (
        "import signal; from training.trainer import Trainer; take_step = Trainer._take_step\n"
        "def step(trainer, *batch):\n"
        "    if trainer.optimizer.step_count == 20: signal.raise_signal(signal.SIGINT)\n"
        "    return take_step(trainer, *batch)\n"
        "Trainer._take_step = step\n"
    )
    options = [digests, "--data", str(folder), "--epochs", "2"]
    command = [sys.executable, "-c", program, *options]
    straight = ["--checkpoint", str(tmp_path / "a.npz"), "--out", str(tmp_path / "straight.npz")]
    broken = ["--checkpoint", str(tmp_path / "b.npz"), "--out", str(tmp_path / "broken.npz")]

    stopped = subprocess.run(
        [sys.executable, "-c", interrupted + program, *options, *broken], cwd=ROOT, capture_output=True
    )
    assert stopped.returncode == 130, stopped.stderr
    assert b"Traceback" not in stopped.stderr
    assert b"run the same command with --resume" in stopped.stdout
    assert load_model(tmp_path / "b.npz").progress["steps"] == 21
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

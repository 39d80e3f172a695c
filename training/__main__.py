"""python -m training [train | finetune | evaluate | errors | push]

Train this project's networks, look at them, and give them to others.
"""

import argparse
import json
import math
import os
import platform
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from cnn import load_model, save_model
from cnn.storage import atomic_write
from recognition.calibration import Calibration
from recognition.command_line import run
from recognition.reader import DEFAULT_WEIGHTS, WEIGHTS, Reader
from training.curves import Log, draw_curves, read_log
from training.data import DataError, Dataset, load_mnist, split_held_out
from training.evaluate import Evaluation, RowsEvaluation, draw_errors, draw_reliability, evaluate
from training.examples import MOST_BYTES_OF_ZIP, read_examples
from training.finetune import MOST, teach
from training.memory import keep_freed_memory
from training.recipes import RECIPES, Recipe
from training.trainer import Trainer, ignore_overflow


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given = ["train", *given]  # training is what the package is for
    options = _parser().parse_args(given)
    keep_freed_memory()
    ignore_overflow()
    threadpool_limits(1, user_api="blas")  # cnn spreads work over the cores; BLAS must not do it again
    return run("python -m training", lambda: options.command(options), DataError)


def train(options: argparse.Namespace) -> int:
    """Train by a recipe; 0 when it ended, 130 when it was stopped with Ctrl-C."""
    chosen = {name: getattr(options, name) for name in ("seed", "epochs", "learning_rate")}
    recipe = replace(
        RECIPES[options.recipe](), **{name: value for name, value in chosen.items() if value is not None}
    )
    if options.hold_out and recipe.tested_on != Recipe.tested_on:
        raise ValueError(f"the recipe {recipe.name} cannot be scored on held-out images of MNIST")
    dataset = load_mnist(options.data)
    images, labels = dataset.train_images, dataset.train_labels
    held_out = None
    if options.hold_out or recipe.holds_out:
        images, labels, *held_out = split_held_out(images, labels)
    log = Log(options.log, again=options.resume) if options.log else None
    first = options.checkpoint or Path("checkpoints") / f"{recipe.name}.npz"
    goes_on, seconds, trained = options.resume, 0.0, []
    for phase, trainer in enumerate(recipe.phases(images, labels), start=1):
        checkpoint = first if phase == 1 else first.with_stem(f"{first.stem}-{phase}")
        if goes_on and (phase == 1 or checkpoint.exists()):
            trainer.resume(load_model(checkpoint, trainer.model.input_shape, trainer.model.output_shape))
            done, of = trainer.optimizer.steps, trainer.steps_per_epoch
            print(f"Resuming from {checkpoint}: {done // of} epochs and {done % of} steps are done.")
        # What comes after steps taken now begins anew, whatever checkpoints an earlier run has left.
        goes_on = trainer.optimizer.steps == trainer.epochs * trainer.steps_per_epoch
        ended = _run(trainer, checkpoint, held_out, log)
        seconds += trainer.seconds
        if not ended:
            break
        trained.append(trainer.result())
    if log:
        picture = options.log.with_suffix(".png")
        draw_curves(picture, read_log(options.log))
        print(f"Logged to {options.log}; saved {picture}")
    if not ended:
        print(f"Stopped. {checkpoint} is kept; go on with the same command and --resume.")
        return 130
    if options.hold_out:
        print("Trained to choose by, without the held-out images: no weights are written.")
        return 0
    model = recipe.result(trained)
    out = options.out or WEIGHTS / f"{recipe.name}.npz"
    calibration = recipe.calibration(model, *held_out) if held_out else Calibration()
    save_model(out, model, progress=calibration.to_progress())
    test = recipe.test(model, dataset, calibration)
    print(f"Test: {test.summary}\nSaved {out}")
    _write_card(out, recipe, dataset, trainer, seconds, calibration, test)
    return 0


def _run(trainer: Trainer, checkpoint: Path, held_out: list[np.ndarray] | None, log: Log | None) -> bool:
    """Trains to the end, a checkpoint an epoch; False where Ctrl-C stopped it, with a checkpoint too."""
    stop = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stop
        stop = True

    # A step changes arrays in place, so Ctrl-C only asks; the loop stops where the weights are whole.
    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        bar = None
        for now in trainer.run():
            if bar is None:
                bar = tqdm(
                    total=now.steps, initial=now.step - 1, desc=f"Epoch {now.epoch}/{now.epochs}", leave=False
                )
            bar.update()
            bar.set_postfix_str(f"loss {now.loss:.4f}, accuracy {now.accuracy:.4f}", refresh=False)
            found = None
            if now.epoch_ends:
                bar.close()
                bar = None
                line = f"Epoch {now.epoch}: Loss = {now.loss:.4f}, Accuracy = {now.accuracy:.4f}"
                if held_out:
                    found = evaluate(trainer.result(), *held_out).accuracy
                    line += f", Held-out = {found:.4f}"
                print(line, flush=True)
            if log:
                log.add(now, found)
            if now.epoch_ends or stop:
                trainer.save(checkpoint)
            if stop and not (now.epoch_ends and now.epoch == now.epochs):
                if bar is not None:
                    bar.close()
                return False
        return True
    finally:
        signal.signal(signal.SIGINT, before)


def _write_card(
    out: Path,
    recipe: Recipe,
    dataset: Dataset,
    trainer: Trainer,
    seconds: float,
    calibration: Calibration,
    test: Evaluation | RowsEvaluation,
) -> None:
    card = {
        "recipe": recipe.to_json(),
        "command": " ".join(["python -m training", *sys.argv[1:]]),
        "data": {"name": "MNIST", "md5_of_files": dataset.checksum},
        "parameters": trainer.model.parameters.size,
        "training_seconds": round(seconds, 1),
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}",
        **calibration.to_progress(),
        recipe.tested_on: test.to_json(),
    }
    _save_card(out.with_suffix(".json"), card)


def _save_card(path: Path, card: dict) -> None:
    with atomic_write(path) as file:
        file.write((json.dumps(card, indent=2) + "\n").encode())


def finetune(options: argparse.Namespace) -> int:
    """Teach some weights the examples in a zip file; prints what is read before and after."""
    dataset = load_mnist(options.data)
    with options.examples.open("rb") as file:
        examples = read_examples(file.read(MOST_BYTES_OF_ZIP + 1), most_examples=MOST)
    checkpoint = load_model(options.weights)
    images = np.stack([example.image for example in examples])
    labels = np.array([example.label for example in examples])
    taught = teach(checkpoint, images, labels, dataset, seed=options.seed, seconds=math.inf)
    taught.save(options.out)
    lesson = taught.report
    print(f"{options.weights} taught {len(examples)} examples in {lesson.steps} steps")
    for name, right in (("before", lesson.right_before), ("after", lesson.right_after)):
        print(f"{name:6}  {right} of {len(labels)} examples read right", end=", ", flush=True)
        model = checkpoint.model if name == "before" else taught.model
        test = evaluate(model, dataset.test_images, dataset.test_labels, taught.calibration)
        print(f"test: Accuracy = {test.accuracy:.4f}")
    print(f"Saved {options.out}")
    return 0


def evaluate_weights(options: argparse.Namespace) -> int:
    """Print accuracy, accuracy a digit and the confusion matrix on the test set."""
    dataset = load_mnist(options.data)
    print(f"{options.weights} on MNIST's 10,000 test images")
    evaluation = _evaluate_file(options.weights, dataset)
    print(evaluation.report())
    if options.card:
        path = options.weights.with_suffix(".json")
        card = json.loads(path.read_text())
        _save_card(path, card | {"mnist_test": evaluation.to_json()})
        print(f"Saved {path}")
    if options.reliability:
        draw_reliability(options.reliability, evaluation)
        print(f"Saved {options.reliability}")
    return 0


def picture_errors(options: argparse.Namespace) -> int:
    """Save a picture of the test images that are read wrong."""
    dataset = load_mnist(options.data)
    evaluation = _evaluate_file(options.weights, dataset)
    count = draw_errors(options.out, dataset.test_images, evaluation)
    print(f"{count} of {len(dataset.test_labels)} read wrong; saved {options.out}")
    return 0


def push(options: argparse.Namespace) -> int:
    """Put some weights onto the Hugging Face Hub."""
    commit = Reader(options.weights).push_to_hub(options.name, private=options.private)
    print(f"Pushed {options.weights} to {options.name}: {commit}")
    return 0


def _evaluate_file(weights: Path, dataset: Dataset) -> Evaluation:
    checkpoint = load_model(weights)
    return evaluate(checkpoint.model, dataset.test_images, dataset.test_labels, Calibration.of(checkpoint))


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Train the networks of this project and look at them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        command.add_argument(
            "--data", type=Path, metavar="FOLDER", help="MNIST's four files (default: cached or fetched)"
        )
        return command

    command = add("train", train, "Train by a recipe (what happens without a command).")
    command.add_argument("--recipe", choices=RECIPES, default="seed")
    command.add_argument("--seed", type=int, help="default: the recipe's")
    command.add_argument("--epochs", type=int, help="default: the recipe's")
    command.add_argument("--learning-rate", type=float, help="default: the recipe's")
    command.add_argument("--resume", action="store_true", help="go on from the checkpoint, bit for bit")
    command.add_argument("--checkpoint", type=Path, help="default: checkpoints/RECIPE.npz")
    command.add_argument("--out", type=Path, help="default: weights/RECIPE.npz, with a .json card beside it")
    command.add_argument(
        "--hold-out",
        action="store_true",
        help="train without the last 5,000 training images and score on them: for choosing settings",
    )

    command.add_argument(
        "--log", type=Path, metavar="JSONL", help="write the curves, and a picture of them beside (.png)"
    )

    command = add("finetune", finetune, "Teach a network the digits in a zip of PNGs and labels.csv.")
    command.add_argument("--examples", type=Path, required=True, metavar="ZIP")
    command.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    command.add_argument("--out", type=Path, default=Path("taught.npz"), help="default: %(default)s")
    command.add_argument("--seed", type=_seed, default=0, help="default: %(default)s")

    for name, function, text in (
        (
            "evaluate",
            evaluate_weights,
            "Accuracy, calibration and confusions on MNIST's test set.",
        ),
        ("errors", picture_errors, "A picture of the test images that are read wrong."),
    ):
        command = add(name, function, text)
        command.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
        if name == "evaluate":
            command.add_argument("--card", action="store_true", help="put the results into the card")
            command.add_argument(
                "--reliability", type=Path, metavar="PNG", help="save the reliability diagram"
            )
    command.add_argument("--out", type=Path, default=Path("errors.png"))

    text = "Put a network onto the Hugging Face Hub, with its model card."
    command = commands.add_parser("push", help=text, description=text)
    command.set_defaults(command=push)
    command.add_argument("name", metavar="USER/NAME")
    command.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    command.add_argument("--private", action="store_true", default=None, help="for your account alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())

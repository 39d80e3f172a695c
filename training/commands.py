"""The commands of `python -m training` that train nothing: they judge, compare, draw, export and publish."""

import argparse
import json
from pathlib import Path

from cnn import DIGITS, load_model
from cnn.storage import atomic_write
from recognition.calibration import Calibration
from recognition.export import FORMATS
from recognition.reader import DEFAULT_WEIGHTS, Reader
from training.comparison import Comparison, draw_differences
from training.curves import draw_curves, read_log
from training.datasets.base import input_shape_of
from training.evaluate import Evaluation, draw_errors, draw_reliability, evaluate
from training.evaluation_sets import HELP, MNIST, LabelledPictures, load_labelled_pictures
from training.export import export_weights
from training.own_signs import ANYTHING_ELSE
from training.sign_files import load_signs
from training.sweep.command import add_sweep


def evaluate_weights(options: argparse.Namespace) -> int:
    """Print accuracy, accuracy per digit and the confusion matrix on a test set."""
    if options.card and options.dataset != MNIST:
        raise ValueError(f"a card has the results on {MNIST} alone: leave out --dataset or --card")
    test_set = _test_set(options)
    print(f"{options.weights} on {test_set.title}")
    evaluation = _evaluate_file(options.weights, test_set)
    print(evaluation.report())
    if options.card:
        path = options.weights.with_suffix(".json")
        card = json.loads(path.read_text())
        save_card(path, card | {"mnist_test": evaluation.to_json()})
        print(f"Saved {path}")
    if options.reliability:
        draw_reliability(options.reliability, evaluation)
        print(f"Saved {options.reliability}")
    return 0


def picture_errors(options: argparse.Namespace) -> int:
    """Save a picture of the errors on a test set."""
    test_set = _test_set(options)
    count = draw_errors(options.out, test_set.images, _evaluate_file(options.weights, test_set))
    print(f"{count} of {len(test_set.labels)} read wrong; saved {options.out}")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Print which of two networks reads better, where they differ, and whether that may be chance."""
    test_set = _test_set(options)
    comparison = Comparison(*(_evaluate_file(path, test_set) for path in (options.first, options.second)))
    print(f"{options.first} and {options.second} on {test_set.title}\n")
    print(comparison.report((str(options.first), str(options.second))))
    if options.out:
        draw_differences(options.out, test_set.images, comparison)
        print(f"Saved {options.out}")
    return 0


def curves(options: argparse.Namespace) -> int:
    """Draw the curves that `--log` wrote."""
    out = options.out or options.log.with_suffix(".png")
    draw_curves(out, read_log(options.log))
    print(f"Saved {out}")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a network in another format."""
    for path in export_weights(options.weights, options.to, options.out, options.weights.stem):
        print(f"Saved {path} ({path.stat().st_size:,} bytes)")
    return 0


def card(options: argparse.Namespace) -> int:
    """Write the model card beside weights, from the JSON that is there."""
    print(f"Saved {save_model_card(options.weights)}")
    return 0


def push(options: argparse.Namespace) -> int:
    """Push weights to the Hugging Face Hub, or signs as the page saved them."""
    model = load_model(options.weights, None, None, any_classes=True).model
    if model.classes[-1:] == (ANYTHING_ELSE,):
        from training.sign_hub import push_signs  # the Hub's client takes a while to import

        signs, images = load_signs(options.weights)
        commit = push_signs(
            signs, images if options.examples else None, options.name, private=options.private
        )
    else:
        commit = Reader(options.weights).push_to_hub(options.name, private=options.private)
    print(f"Pushed {options.weights} to {options.name}: {commit}")
    return 0


def save_card(path: Path, card: dict) -> None:
    """Write the description of a network as JSON, and anew the model card that was made from it, if any."""
    with atomic_write(path) as file:
        file.write((json.dumps(card, indent=2) + "\n").encode())
    if path.with_suffix(".md").exists():
        save_model_card(path.with_suffix(".npz"))


def save_model_card(weights: Path) -> Path:
    """Write the card by the Hub's conventions as Markdown beside weights; returns its path."""
    path = weights.with_suffix(".md")
    with atomic_write(path) as file:
        file.write(model_card_of(weights).encode())
    return path


def model_card_of(weights: Path) -> str:
    """The card of weights by the Hub's conventions, from the JSON beside them."""
    from recognition.model_card import model_card  # the Hub's client takes a while to import

    checkpoint = load_model(weights, None, None, any_classes=True)
    description = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    if not checkpoint.model.reads_digits:
        from training.picture_card import picture_card

        return picture_card(checkpoint.model, description, name=weights.stem)
    is_context_model = checkpoint.model.output_shape[-1] > 10
    rejects = Calibration.of(checkpoint).threshold is not None or is_context_model
    source = "()" if is_context_model else f'("weights/{weights.name}")'
    card = model_card(checkpoint.model, description, name=weights.stem, source=source, rejects=rejects)
    return str(card).rstrip() + "\n"


def add_commands(add) -> None:
    """Declare the commands. add: (name, function, text) -> a parser, to which `--data` is added."""
    add_sweep(add)

    command = add("evaluate", evaluate_weights, "Accuracy, calibration and confusions on a test set.")
    _add_weights(command)
    _add_dataset(command)
    command.add_argument("--card", action="store_true", help="write the results into the card")
    command.add_argument("--reliability", type=Path, metavar="PNG", help="save the reliability diagram")

    command = add("errors", picture_errors, "Save a picture of the errors on a test set.")
    _add_weights(command)
    _add_dataset(command)
    command.add_argument("--out", type=Path, default=Path("errors.png"), help="default: %(default)s")

    command = add("compare", compare, "Two networks: accuracy, calibration, differences, McNemar's test.")
    command.add_argument("first", type=Path, metavar="A.npz")
    command.add_argument("second", type=Path, metavar="B.npz")
    _add_dataset(command)
    command.add_argument(
        "--out", type=Path, metavar="PNG", help="save a picture of what they read differently"
    )

    command = add("curves", curves, "Draw loss and accuracy from a log of `train --log`.", has_data=False)
    command.add_argument("log", type=Path, metavar="JSONL")
    command.add_argument("--out", type=Path, metavar="PNG", help="default: the log's name with .png")

    command = add(
        "export", export, "Write a network for other programs: ONNX, safetensors or C.", has_data=False
    )
    command.add_argument("weights", type=Path, metavar="WEIGHTS")
    command.add_argument(
        "--to", choices=FORMATS, required=True, help="c: for microcontrollers, small_net only"
    )
    command.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="default: this one")

    command = add("card", card, "Write a model card beside weights, from their JSON.", has_data=False)
    _add_weights(command)

    command = add(
        "push", push, "Push a network to the Hugging Face Hub, with its model card.", has_data=False
    )
    command.add_argument("name", metavar="USER/NAME")
    _add_weights(command)
    command.add_argument("--private", action="store_true", default=None, help="visible to your account alone")
    command.add_argument("--examples", action="store_true", help="of signs: your drawings go with them")


def _add_weights(command: argparse.ArgumentParser) -> None:
    command.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: the best shipped")


def _add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dataset", default=MNIST, metavar="SET", help=HELP)


def _test_set(options: argparse.Namespace) -> LabelledPictures:
    return load_labelled_pictures(options.dataset, options.data)


def _evaluate_file(weights: Path, test_set: LabelledPictures) -> Evaluation:
    images, classes = test_set.images, test_set.classes
    checkpoint = load_model(weights, input_shape_of(images), (len(classes),), any_classes=True)
    if (checkpoint.model.classes or DIGITS) != classes:
        raise ValueError(f"{weights.name} does not tell apart what {test_set.title} show")
    return evaluate(checkpoint.model, images, test_set.labels, Calibration.of(checkpoint))

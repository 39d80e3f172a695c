"""python -m training [train | sweep | finetune | evaluate | errors | compare | curves | export | push]

Train, evaluate, export and publish the networks of this project. The commands that train nothing are in
`training/commands.py`.
"""

import argparse
import hashlib
import os
import platform
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from cnn import Sequential, load_model, save_model
from recognition.calibration import Calibration
from recognition.command_line import run
from recognition.reader import DEFAULT_WEIGHTS
from training.commands import add_commands, save_card
from training.curves import Log, draw_curves, read_log
from training.data import load_mnist, split_validation
from training.data_parallel import Ranks, count_of_ranks, run_on_all_ranks
from training.datasets.base import DataError, Dataset
from training.datasets.registry import CIFAR10, DATASETS, FASHION_MNIST, is_own, load_dataset, load_own
from training.evaluate import Evaluation, LinesEvaluation, RowsEvaluation, evaluate
from training.examples import MOST_BYTES_OF_ZIP, read_examples
from training.finetune import MAX_EXAMPLES, fine_tune
from training.memory import keep_freed_memory
from training.recipe import Recipe
from training.recipes import RECIPES
from training.trainer import Trainer, ignore_overflow
from training.twin import calibrate_as_twin, check_twin

PROGRAM = "python -m training"
EXAMPLES = """\
examples:
  python -m training                                             train seed_net as the original was
  python -m training --recipe small --log small.jsonl            another recipe, with its curves
  python -m training sweep rates.toml                            many settings and seeds, on all cores
  python -m training evaluate --dataset hands                    on writers who are never trained on
  python -m training compare weights/seed.npz weights/small.npz  which is better, and is it chance?
  python -m training export weights/digits.npz --to onnx         for other programs
"""
CHOICES = ("seed", "epochs", "learning_rate")  # settings of a recipe that have an option


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given = ["train", *given]  # the default command
    options = _parser().parse_args(given)
    keep_freed_memory()
    ignore_overflow()
    threadpool_limits(1, user_api="blas")  # cnn spreads work over the cores; BLAS must not do it again
    if options.command is train and count_of_ranks() > 1:
        return run_on_all_ranks(lambda join: run(PROGRAM, lambda: train(options, join()), DataError))
    return run(PROGRAM, lambda: options.command(options), DataError)


def train(options: argparse.Namespace, ranks: Ranks | None = None) -> int:
    """Train by a recipe. Returns 0 when it finished, 130 when Ctrl-C stopped it.

    ranks: all processes that train together, where there are several. The first one alone writes files.
    """
    chosen = {name: getattr(options, name) for name in CHOICES}
    own = options.data is not None and is_own(options.data)
    if own and options.dataset:
        raise ValueError(f"give --dataset {options.dataset} or your own pictures with --data, not both")
    mine = load_own(options.data) if own else None
    recipe = replace(
        RECIPES[options.recipe or _usual_recipe(options.dataset, mine)](),
        **{name: value for name, value in chosen.items() if value is not None},
    )
    if options.validate and not recipe.can_be_validated:
        raise ValueError(f"the recipe {recipe.name} cannot be validated on {recipe.dataset.upper()}")
    name = options.dataset or recipe.dataset
    dataset = mine or load_dataset(name, options.data)
    recipe = recipe.for_dataset(dataset)
    if options.calibrate:
        if not options.validate:
            raise ValueError("--calibrate needs --validate: a twin that has not seen the validation images")
        check_twin(options.calibrate, recipe, dataset)
    start = _start(options.start, recipe) if options.start else None
    images, labels = dataset.train_images, dataset.train_labels
    validation = None
    if options.validate or recipe.uses_validation_set:
        images, labels, *validation = split_validation(images, labels, dataset.validation_size)
    writes = ranks is None or ranks.first
    log = Log(options.log, again=options.resume) if options.log and writes else None
    kept_as = recipe.name
    if own or name != recipe.dataset:  # another network than the recipe's own, which it must not replace
        kept_as += "-" + re.sub(r"[^\w-]", "_", options.data.resolve().stem if own else name)
    twin = "-twin" if options.calibrate else ""
    first = options.checkpoint or Path("checkpoints") / f"{kept_as}{twin}.npz"
    goes_on, seconds, trained = options.resume, 0.0, [start] if start else []
    for phase, trainer in enumerate(recipe.phases(images, labels, start), start=1 + len(trained)):
        if not dataset.has_digits:
            trainer.model.name_classes(dataset.classes)
        checkpoint = first if phase == 1 else first.with_stem(f"{first.stem}-{phase}")
        if ranks:
            trainer = ranks.share(trainer, checkpoint)
        if goes_on and (phase == 1 or checkpoint.exists()):
            shapes = trainer.model.input_shape, trainer.model.output_shape
            trainer.resume(load_model(checkpoint, *shapes, any_classes=True))
            done, of = trainer.optimizer.step_count, trainer.steps_per_epoch
            print(f"Resuming from {checkpoint}: {done // of} epochs and {done % of} steps are done.")
        # A phase after a phase that is trained now starts anew, whatever checkpoints an earlier run left.
        goes_on = trainer.optimizer.step_count == trainer.epochs * trainer.steps_per_epoch
        ended = _run(trainer, checkpoint, validation, log)
        seconds += trainer.seconds
        if not ended:
            break
        trained.append(trainer.result())
    if log:
        picture = options.log.with_suffix(".png")
        draw_curves(picture, read_log(options.log))
        print(f"Logged to {options.log}; saved {picture}")
    if not ended:
        print(f"Stopped. To continue from {checkpoint}, run the same command with --resume.")
        return 130
    if options.validate:
        fitted = recipe.calibration(recipe.result(trained), *validation)
        print(f"Fitted on the validation images: temperature {fitted.temperature:.3f}")
        if options.calibrate and writes:
            test = calibrate_as_twin(options.calibrate, fitted, recipe, dataset, len(validation[1]))
            error = test.reliability.expected_calibration_error
            print(f"Saved {options.calibrate}; on the test set its calibration error is {error:.4f}")
            return 0
        print("No weights are written: the validation images were not trained on.")
        return 0
    if not writes:
        return 0
    model = recipe.result(trained)
    out = options.out or Path("weights") / f"{kept_as}.npz"
    calibration = recipe.calibration(model, *validation) if validation else Calibration()
    save_model(out, model, progress=calibration.to_progress())
    test = recipe.test(model, dataset, calibration)
    print(f"Test: {test.summary}\nSaved {out}")
    started_from = _digest(options.start) if start else None
    command = _command(recipe, "data" if own else name)
    _write_card(out, recipe, command, dataset, trainer, seconds, calibration, test, started_from)
    return 0


def _start(path: Path, recipe: Recipe) -> Sequential:
    """The weights that a training starts from. Raises ModelFileError or ValueError if they do not fit."""
    network = recipe.network()
    model = load_model(path, network.input_shape, network.output_shape, any_classes=True).model
    if model.name != network.name:
        raise ValueError(f"{path.name} is a {model.name}, the recipe {recipe.name} trains a {network.name}")
    return model


def _run(trainer: Trainer, checkpoint: Path, validation: list[np.ndarray] | None, log: Log | None) -> bool:
    """Train with a checkpoint after every epoch. Returns False if Ctrl-C stopped it, after a checkpoint."""
    asked = False

    def ask_to_stop(*_: object) -> None:
        nonlocal asked
        asked = True

    # A step changes arrays in place, so Ctrl-C only sets a flag; the loop stops after a whole step.
    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        bar = None
        for now in trainer.run():
            if bar is None:
                bar = tqdm(
                    total=now.steps_per_epoch,
                    initial=now.step - 1,
                    desc=f"Epoch {now.epoch}/{now.epochs}",
                    leave=False,
                )
            bar.update()
            bar.set_postfix_str(f"loss {now.loss:.4f}, accuracy {now.accuracy:.4f}", refresh=False)
            found = None
            if now.epoch_ends:
                bar.close()
                bar = None
                line = f"Epoch {now.epoch}: Loss = {now.loss:.4f}, Accuracy = {now.accuracy:.4f}"
                if validation:
                    found = evaluate(trainer.result(), *validation).accuracy
                    line += f", Validation = {found:.4f}"
                print(line, flush=True)
            if log:
                log.add(now, found)
            stop = trainer.agreed(asked)
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
    command: str,
    dataset: Dataset,
    trainer: Trainer,
    seconds: float,
    calibration: Calibration,
    test: Evaluation | LinesEvaluation | RowsEvaluation,
    started_from: str | None,
) -> None:
    if started_from:
        command += " --start WEIGHTS"
    card = {
        "recipe": recipe.to_json(),
        "command": command,
        **({"sha256_of_start": started_from} if started_from else {}),
        "data": {
            "name": dataset.title,
            "md5_of_files": dataset.checksum,
            **({"note": dataset.note} if dataset.note else {}),
        },
        "parameters": trainer.model.parameters.size,
        "training_seconds": round(seconds, 1),
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}",
        "processor_seconds": round(time.process_time()),  # of all threads, loading and the test included
        **calibration.to_progress(),
        recipe.test_key(dataset): test.to_json(),
    }
    save_card(out.with_suffix(".json"), card)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _usual_recipe(dataset: str | None, mine: Dataset | None) -> str:
    """The first recipe that is for this data set; of one's own, for the named one that it is most like."""
    wanted = dataset or Recipe.dataset
    if mine and not mine.has_digits:
        wanted = CIFAR10 if mine.input_shape[2] == 3 else FASHION_MNIST
    return next(name for name, recipe in RECIPES.items() if recipe.dataset == wanted)


def _command(recipe: Recipe, dataset: str) -> str:
    """The command that trains this recipe again, without the paths of this machine.

    dataset: a data set's name, or "data" for somebody's own.
    """
    standard = RECIPES[recipe.name]()
    if dataset == "data":
        data = " --data DATA"
    else:
        data = "" if dataset == standard.dataset else f" --dataset {dataset}"
    changed = [
        f" --{name.replace('_', '-')} {getattr(recipe, name)}"
        for name in CHOICES
        if getattr(recipe, name) != getattr(standard, name)
    ]
    return f"python -m training --recipe {recipe.name}{data}{''.join(changed)}"


def finetune(options: argparse.Namespace) -> int:
    """Fine-tune weights on the examples in a zip file; prints accuracy before and after."""
    dataset = load_mnist(options.data)
    with options.examples.open("rb") as file:
        examples = read_examples(file.read(MOST_BYTES_OF_ZIP + 1), most_examples=MAX_EXAMPLES)
    checkpoint = load_model(options.weights)
    images = np.stack([example.image for example in examples])
    labels = np.array([example.label for example in examples])
    tuned = fine_tune(checkpoint, images, labels, dataset, seed=options.seed)
    tuned.save(options.out)
    report = tuned.report
    print(f"{options.weights} fine-tuned on {len(examples)} examples in {report.steps} steps")
    for name, right in (("before", report.right_before), ("after", report.right_after)):
        print(f"{name:6}  {right} of {len(labels)} examples are read right", end=", ", flush=True)
        model = checkpoint.model if name == "before" else tuned.model
        test = evaluate(model, dataset.test_images, dataset.test_labels, tuned.calibration)
        print(f"test: Accuracy = {test.accuracy:.4f}")
    print(f"Saved {options.out}")
    return 0


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train, evaluate, export and publish the networks of this project.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function, text: str, has_data: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        if has_data:
            command.add_argument(
                "--data",
                type=Path,
                metavar="PATH",
                help="the data set's own files in a folder (default: cached or fetched), or your pictures: a "
                "folder with one for each class, an .npz, or the examples or signs that the page saved",
            )
        return command

    command = add("train", train, "Train by a recipe (the default command).")
    command.add_argument(
        "--recipe", choices=RECIPES, help="default: the first for the data set; of MNIST, seed"
    )
    command.add_argument("--dataset", choices=DATASETS, help="default: the recipe's; fetched once and kept")
    command.add_argument("--seed", type=int, help="default: the recipe's")
    command.add_argument("--epochs", type=int, help="default: the recipe's")
    command.add_argument("--learning-rate", type=float, help="default: the recipe's")
    command.add_argument(
        "--start",
        type=Path,
        metavar="WEIGHTS",
        help="train these weights on in the recipe's last phase alone, instead of from nothing",
    )
    command.add_argument("--resume", action="store_true", help="continue from the checkpoint, bit for bit")
    command.add_argument("--checkpoint", type=Path, help="default: checkpoints/RECIPE.npz; see --out")
    command.add_argument(
        "--out",
        type=Path,
        help="default: weights/RECIPE.npz, or RECIPE-DATA.npz for other data; a .json card beside it",
    )
    command.add_argument(
        "--validate",
        action="store_true",
        help="evaluate on the last 5,000 training images, which are not trained on: for choosing settings",
    )
    command.add_argument(
        "--calibrate",
        type=Path,
        metavar="WEIGHTS",
        help="with --validate: these weights, of the same recipe, get the temperature that suits the twin",
    )
    command.add_argument(
        "--log", type=Path, metavar="JSONL", help="write the curves to this file and a plot of them to .png"
    )

    command = add("finetune", finetune, "Fine-tune a network on the digits in a zip of PNGs and labels.csv.")
    command.add_argument("--examples", type=Path, required=True, metavar="ZIP")
    command.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    command.add_argument("--out", type=Path, default=Path("finetuned.npz"), help="default: %(default)s")
    command.add_argument("--seed", type=_seed, default=0, help="default: %(default)s")

    add_commands(add)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Model cards by the Hub's conventions: what a network is for, its training, its scores and its limits.

A card is made from the `.json` beside the weights, so its numbers are those that the training wrote there.
`weights/` has one for each network shipped (`python -m training card`); `hub.push` sends one with a model.
The text is in `model_card.md`, a template of Jinja's.
"""

from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from cnn import Sequential

TASK = {"task_type": "image-classification", "task_name": "Handwritten digit recognition"}
MNIST = {"dataset_type": "ylecun/mnist", "dataset_name": "MNIST", "dataset_split": "test"}
ROWS = {"dataset_type": "drawn-by-code", "dataset_name": "Rows of digits and letters"}
METRICS = {
    "accuracy": "Accuracy",
    "expected_calibration_error": "Expected calibration error",
    "rejected": "Digits rejected",
}
ROWS_METRICS = {
    "digits": "Digits read",
    "separators": "Separators read",
    "none": "Others rejected",
    "lines": "Lines read without a mistake",
    "signs": "Signs read",
}
SETS = {  # of real hands, by the names of `benchmarks.handwriting`; what they are
    "unipen_digits": "UNIPEN: digits on tablets, by writers it was not trained on",
    "pendigits_orig": "UCI pen digits: the same",
    "chars74k_digits": "Chars74K: digits on a tablet",
    "photo_lines": "phone photos of lines of digits, whole lines",
    "sudoku_cells": "digits in the cells of photographed sudokus",
}

LABELS = {  # of every network of this project, by the names of a card's metadata
    "library_name": "numpy",
    "license": "apache-2.0",
    "pipeline_tag": "image-classification",
    "tags": ["digits-from-scratch", "handwriting", "mnist", "numpy", "digit-recognition", "onnx"],
    "datasets": ["ylecun/mnist"],
}

TEMPLATE = Path(__file__).with_suffix(".md")


def model_card(
    model: Sequential, description: dict, *, name: str, source: str, rejects: bool, files: bool = False
) -> ModelCard:
    """The card of a network, with its scores as the Hub's `model-index`.

    description: the `.json` beside the weights; what it lacks is not claimed. name: the model's. source: what
    stands behind `Reader` to load it. files: whether there are files for other programs beside it.
    """
    mnist_test = description.get("mnist_test", {})
    scores = {metric: mnist_test[metric] for metric in METRICS if metric in mnist_test}
    results = [
        EvalResult(metric_type=metric, metric_name=METRICS[metric], metric_value=value, **TASK, **MNIST)
        for metric, value in scores.items()
    ]
    rows = description.get("rows_test", {}) | description.get("lines_test", {})
    results += [
        EvalResult(metric_type=metric, metric_name=title, metric_value=rows[metric], **TASK, **ROWS)
        for metric, title in ROWS_METRICS.items()
        if metric in rows
    ]
    hands = description.get("real_handwriting", {}).get("sets", {})
    seconds = description.get("training_seconds", 0)
    return ModelCard.from_template(
        ModelCardData(**LABELS, model_name=name, eval_results=results or None),
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        model_name=name,
        source=source,
        architecture=model.name,
        parameters=model.parameters.size,
        is_context_model=model.output_shape[-1] > 10,
        is_line_model=len(model.output_shape) > 1,
        rejects=rejects,
        files=files,
        training=_other_pictures(description.get("recipe", {})),
        command=description.get("command"),
        seconds=seconds,
        minutes=f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes",
        scores={METRICS[metric]: value for metric, value in scores.items()},
        rows_scores={title: rows[metric] for metric, title in ROWS_METRICS.items() if metric in rows},
        hands=[(title, hands[key]["n"], hands[key]["exact"]) for key, title in SETS.items() if key in hands],
    )


def _other_pictures(recipe: dict) -> str:
    """What else a recipe draws, as it goes on after "MNIST's training images"."""
    counts = {
        "synthetic_digits": "{:,} digits drawn by code",
        "real_digits": "{:,} pictures of digits from real people's strokes",
        "non_digits": "{:,} non-digits drawn by code",
        "real_non_digits": "{:,} pictures of letters and words by the same people",
        "rows": "{:,} candidates in rows of digits and letters, drawn by code and from real people's strokes",
        "lines": "{:,} lines of numbers and words, drawn by code and from real people's strokes",
    }
    others = [text.format(recipe[key]) for key, text in counts.items() if recipe.get(key)]
    return f" and {', '.join(others)}" if others else ""

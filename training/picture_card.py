"""The card of a network that tells other pictures apart than digits, from the `.json` beside its weights."""

from huggingface_hub import EvalResult, ModelCardData

from cnn import Sequential
from training.datasets import cifar10, fashion

TASK = {"task_type": "image-classification", "task_name": "Image classification"}
SETS = {  # by the names of the classes, in whatever file they come: the name on the Hub, and for people
    fashion.CLASSES: ("zalando-datasets/fashion_mnist", "Fashion-MNIST"),
    cifar10.CLASSES: ("uoft-cs/cifar10", "CIFAR-10"),
}
TEXT = """\
---
{metadata}
---

# {name}

A convolutional network that tells pictures apart: `{architecture}` of Digits from Scratch, with
{parameters:,} parameters, written and trained in plain NumPy. It reads no digits. Its classes are
{classes}.

## How to use it

```python
from cnn import load_model
from recognition import to_input
from training.datasets.pictures import fit_picture

model = load_model("weights/{name}.npz", None, None, any_classes=True).model
logits = model.predict(to_input(fit_picture(image, model.input_shape)[None]))  # image: uint8, grey or RGB
model.classes[logits.argmax()]
```

The `.npz` holds arrays alone, the names of the classes among them, and is read without pickle.

## What it is for

Learning and comparing. It answers with one of its classes whatever it is shown.

## What it was trained on

{data}.
`{command}` trains it again; the machine that did it first took {minutes:.0f} minutes,
and {processor_minutes:.0f} minutes of processor time.{conditions}

## Scores

| on {count} | |
| --- | --- |
| Accuracy | {accuracy:.2f} % |
| Accuracy with the mirror image as a second view | {with_mirror:.2f} % |
| Accuracy with both moved by a pixel as well, six views in all | {with_views:.2f} % |{calibration}

## Limits

It knows its classes alone, in pictures like those it was trained on: small, one thing in the middle of each.
"""


def picture_card(model: Sequential, description: dict, *, name: str) -> str:
    """The card as Markdown, with its scores as the Hub's `model-index`.

    description: the `.json` beside the weights, as a recipe for pictures wrote it; its "conditions", if there
    are any, say under what the training ran.
    """
    data, scores = description["data"], description["test"]
    hub_name, title = SETS.get(model.classes, (None, data["name"]))
    result = EvalResult(
        metric_type="accuracy",
        metric_name="Accuracy",
        metric_value=scores["accuracy"],
        dataset_type=hub_name or "own-pictures",
        dataset_name=title if title == data["name"] else f"{title} ({data['name']})",
        dataset_split="test",
        **TASK,
    )
    metadata = ModelCardData(
        library_name="numpy",
        license="apache-2.0",
        pipeline_tag="image-classification",
        tags=["digits-from-scratch", "numpy", "from-scratch"],
        datasets=[hub_name] if hub_name else None,
        model_name=name,
        eval_results=[result],
    )
    note = f", from `{data['name']}`: {data['note']}" if data.get("note") else ""
    conditions = f" {description['conditions']}" if description.get("conditions") else ""
    calibration = ""
    if "calibrated_on" in description:
        error, temperature = scores["expected_calibration_error"], description["calibration"]["temperature"]
        calibration = (
            f"\n| Expected calibration error | {100 * error:.2f} % |\n\n"
            f"Its percentages are those of the logits divided by {temperature:.3f}, as the file says. That "
            f"was fitted on {description['calibrated_on']}."
        )
    return TEXT.format(
        metadata=metadata.to_yaml(),
        name=name,
        classes=", ".join(model.classes),
        architecture=model.name,
        parameters=model.parameters.size,
        data=f"{title}'s training pictures{note}",
        command=description["command"],
        minutes=description["training_seconds"] / 60,
        processor_minutes=description["processor_seconds"] / 60,
        conditions=conditions,
        count=f"{title}'s test pictures" + (", stored in the same way" if note else ""),
        accuracy=100 * scores["accuracy"],
        with_mirror=100 * scores["accuracy_with_mirror"],
        with_views=100 * scores["accuracy_with_views"],
        calibration=calibration,
    )

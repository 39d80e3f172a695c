"""A network of one's own as a Python program that trains it, to be copied and run."""

from collections.abc import Sequence
from inspect import signature

import cnn
from cnn import Residual
from cnn.layer import Shape
from cnn.layer_list import LayerBuilder
from training.own_network.blocks import default_of
from training.own_network.draft import OWN_NET, Draft, arguments_of, is_last_dense
from training.picture_care import RECIPES

PROGRAM = '''\
"""A network built on the Train tab of Digits from Scratch. Run it in the folder of that project."""

import numpy as np
from threadpoolctl import threadpool_limits

from cnn import {imports}
from recognition.calibration import Calibration
from training.calibrate import fit_temperature, logits_of
from training.data import split_validation
from training.datasets.registry import load_dataset
from training.evaluate import evaluate
{care}from training.trainer import Trainer

EPOCHS, BATCH_SIZE, LEARNING_RATE, SEED = 3, 64, 0.005, 0
threadpool_limits(1, user_api="blas")  # cnn spreads work over the cores; BLAS must not do it again

rng = np.random.default_rng(SEED)
layers = [
    # {input}
{layers}
]
dataset = load_dataset("{dataset}")
model = Sequential("{name}", layers, input_shape={shape}, classes=dataset.classes)
images, labels, *validation = split_validation(dataset.train_images, dataset.train_labels)
{whiten}schedule = one_cycle(LEARNING_RATE, EPOCHS * -(-len(images) // BATCH_SIZE), warm_up=0.2)
optimizer = AdamW(model, schedule, weight_decay=0.01)
trainer = Trainer(
    model,
    optimizer,
    images,
    labels.astype(np.int64),
    epochs=EPOCHS,
    batch_size=BATCH_SIZE,
    seed=SEED,{loss}
)
for now in trainer.run():
    if now.epoch_ends:
        found = evaluate(trainer.result(), *validation)
        print(f"Epoch {{now.epoch}}: loss {{now.loss:.4f}}, validation {{found.summary}}", flush=True)
trained = trainer.result()
calibration = Calibration(fit_temperature(logits_of(trained, validation[0]), validation[1]))
save_model("my_network.npz", trained, progress=calibration.to_progress())
print("Test:", evaluate(trained, dataset.test_images, dataset.test_labels, calibration).summary)
'''
CARE = "from training.picture_care import begin_whitened, loss_for\n"
WHITEN = 'begin_whitened(model, images, "{}", SEED)  # where the first layer is a convolution\n'
LOSS = '\n    loss=loss_for("{}"),  # cross-entropy with smoothed labels'
ALWAYS = {"AdamW", "Sequential", "one_cycle", "save_model"}
POSITIONAL = {
    "Conv2D": ("in_channels", "out_channels"),
    "Dense": ("in_features", "out_features"),
    "BatchNorm": ("channels",),
    "MaxPool2D": ("pool_size",),
    "AveragePool2D": ("pool_size",),
    "Dropout": ("rate",),
}


def python_text(draft: Draft, dataset: str) -> str:
    """The program; "" where something in the draft does not fit. dataset: its name in the registry."""
    if draft.trouble:
        return ""
    builder = LayerBuilder(draft.input_shape)
    lines = _lines(draft.entries, builder, "    ")
    has_care = dataset in RECIPES
    kinds = {one["kind"] for entry in draft.entries for one in (entry, *entry.get("layers", ()))}
    return PROGRAM.format(
        imports=_wrapped(sorted(ALWAYS | kinds, key=_as_sorted_imports)),
        input=_shape(draft.input_shape),
        layers="\n".join(lines),
        dataset=dataset,
        care=CARE if has_care else "",
        whiten=WHITEN.format(dataset) if has_care else "",
        loss=LOSS.format(dataset) if has_care else "",
        name=OWN_NET,
        shape=draft.input_shape,
    )


def _lines(entries: Sequence[dict], builder: LayerBuilder, indent: str, inside: bool = False) -> list[str]:
    """A line for each layer, with the shape after it where that changes."""
    lines = []
    for position, entry in enumerate(entries):
        if entry["kind"] == Residual.__name__:
            inner = _lines(entry["layers"], builder, indent + "        ", inside=True)
            lines += [f"{indent}Residual(", f"{indent}    [", *inner, f"{indent}    ]", f"{indent}),"]
            continue
        before = builder.shape
        builder.add(entry, f"layer {position + 1}")
        call = f"{indent}{_call(entry, is_last_dense(entries, position, inside))},"
        lines.append(f"{call}  # {_shape(builder.shape)}" if builder.shape != before else call)
    return lines


def _call(entry: dict, is_last: bool) -> str:
    kind, given = entry["kind"], arguments_of(entry)
    layer = getattr(cnn, kind)
    named = [name for name in signature(layer).parameters if name in given]
    shown = [repr(given.pop(name)) for name in POSITIONAL.get(kind, ())]
    for name in named:
        if name not in given or given[name] == default_of(layer, name):
            continue
        if name == "stride" and default_of(layer, name) is None and given[name] == entry["pool_size"]:
            continue  # a window's own size, which pooling takes by itself
        shown.append(f"{name}={given[name]!r}")
    if "rng" in signature(layer).parameters:
        shown.append("rng=rng")
    if is_last:
        shown.append('init="xavier"')
    return f"{kind}({', '.join(shown)})"


def _shape(shape: Shape) -> str:
    return f"({', '.join(['N', *map(str, shape)])})"


def _as_sorted_imports(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions, each by the alphabet."""
    return not name.isupper(), name.islower(), name


def _wrapped(names: Sequence[str]) -> str:
    return "(\n" + "".join(f"    {name},\n" for name in names) + ")"

"""What the Inside tab's script asks for -> the JSON that it shows. The arithmetic is in cnn and recognition.

Every function takes the network to look at and the script's payload, which may be anything: ValueError or
TypeError says in a sentence what is wrong with it.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnn import Sequential
from cnn.explain import activations, evidence, has_evidence, occlusion, smallest_change
from cnn.layer import Layer
from recognition.calibration import Calibration
from recognition.inside import (
    REJECT,
    Shares,
    all_shares,
    block_ends,
    cell_history,
    cell_places,
    fields,
    is_derived,
    largest_terms,
    round_maps,
    sent_layers,
    shares,
    step_towards,
)
from recognition.normalise import to_input
from recognition.variations import VARIATIONS, curves, vary
from ui.shared.status_json import encoded
from ui.shared.visitors import Payload, picture_of

ERASED, ERASED_STRIDE = 4, 2  # side of the square that occlusion erases, and its steps, pixels


@dataclass(frozen=True)
class Looked:
    """The network that is looked into: a reader's, or a copy of it after steps."""

    model: Sequential
    calibration: Calibration


def network(looked: Looked, payload: Payload) -> dict:
    """All that stays the same while one draws."""
    model, shape, layers = looked.model, looked.model.input_shape, []
    sent = sent_layers(model)
    for position, (name, layer) in enumerate(model.named_layers()):
        shape = layer.output_shape(shape)
        layers.append(
            {
                "name": name,
                "about": repr(layer),
                "kind": layer.kind,
                "shape": list(shape),
                "derived": is_derived(model, position),
                "sent": sent.get(position),
                "window": [getattr(layer, "pool_size", 1), getattr(layer, "stride", 1)],
                "parameters": sum(value.size for value in layer.params.values()),
            }
        )
    return {
        "name": model.name,
        "layers": layers,
        "has_evidence": has_evidence(model),
        "temperature": looked.calibration.temperature,
        "threshold": looked.calibration.threshold,
        "sources": {layer.kind: _source(layer) for layer in model.layers},
        "variations": [
            {"name": name, "low": one.low, "high": one.high, "neutral": one.neutral, "unit": one.unit}
            for name, one in VARIATIONS.items()
        ],
    } | kernels(looked, payload)


def kernels(looked: Looked, payload: Payload) -> dict:
    """The kernels of the first layer: (count, size, size) float32 in base64; null where it has none."""
    weight = looked.model.layers[0].params.get("weight")
    if weight is None or weight.ndim != 4:
        return {"kernels": None}
    bias = looked.model.layers[0].params.get("bias", [0.0] * weight.shape[-1])
    shown = np.moveaxis(weight[:, :, 0], -1, 0).astype("<f4")
    return {
        "kernels": {
            "size": len(weight),
            "count": len(shown),
            "weights": encoded(shown),
            "bias": [float(value) for value in bias],
        }
    }


def look(looked: Looked, picture: np.ndarray) -> dict:
    """picture: (28, 28) uint8 -> the maps that the page cannot derive itself, and the shares."""
    found = activations(looked.model, to_input(picture[None])[0])
    maps = [
        vars(round_maps(found[position].values, channels)) | {"position": position}
        for position, channels in sent_layers(looked.model).items()
    ]
    one = shares(found[-1].values, looked.calibration)
    return {"picture": encoded(picture), "maps": maps, "shares": _shares(one)}


def varied(payload: Payload, picture: np.ndarray) -> np.ndarray:
    """The picture with payload["amounts"] of the variations."""
    amounts = payload.get("amounts") or {}
    return np.rint(vary(picture / np.float32(255), _amounts(amounts)) * 255).astype(np.uint8)


def cell(looked: Looked, payload: Payload) -> dict:
    """payload: {"picture", "position", "cell": [...]} -> how the cell came about."""
    position, place = payload.get("position"), payload.get("cell")
    if not isinstance(position, int) or not isinstance(place, list) or not all(map(_is_int, place)):
        raise ValueError("A cell is asked for by its layer’s position and its place in it.")
    history = cell_history(looked.model, input_of(payload), position, tuple(place))
    return {
        "position": position,
        "cell": place,
        "history": [
            {"position": at, "cell": list(where), "value": terms.value, "bias": terms.bias}
            | largest_terms(terms, whole=is_derived(looked.model, at))
            for at, where, terms in history
        ],
        "fields": {
            str(upto): list(field) for upto, field in fields(looked.model, position, tuple(place)).items()
        },
    }


def why(looked: Looked, payload: Payload) -> dict:
    """payload: {"picture"} -> evidence, where the network has it, and occlusion, float32 in base64."""
    x, model = input_of(payload), looked.model
    fall = occlusion(model, x, ERASED, ERASED_STRIDE)
    answer = {"occlusion": _array(fall), "erased": [ERASED, ERASED_STRIDE], "evidence": None}
    if has_evidence(model):
        found = evidence(model, x)
        edge, spacing = cell_places(model, len(model.layers) - 1)
        answer["evidence"] = _array(found.contributions) | {
            "bias": found.bias.tolist(),
            "logits": found.logits.tolist(),
            "edge": edge,
            "spacing": spacing,
        }
    return answer


def change(looked: Looked, payload: Payload) -> dict:
    """payload: {"picture", "amounts"} -> the shares over every variation's range, the reject class last."""

    def shares_of(x: np.ndarray) -> np.ndarray:
        return all_shares(looked.model.predict(x), looked.calibration)

    found = curves(shares_of, input_of(payload)[..., 0], _amounts(payload.get("amounts") or {}))
    return {"curves": {name: np.round(curve, 3).tolist() for name, curve in found.items()}}


def flip(looked: Looked, payload: Payload) -> dict:
    """payload: {"picture", "label": 0 to 9} -> the changed "picture" and its "pixels", null where none."""
    threshold = looked.calibration.threshold
    at_least = -math.inf if threshold is None else threshold  # then the odds of a digit are above it as well
    found = smallest_change(looked.model, input_of(payload), _label(payload, 9), at_least=at_least)
    if found is None:
        return {"picture": None, "pixels": None}
    changed, pixels = found
    picture = np.rint(changed[..., 0] * 255).astype(np.uint8)
    return {"picture": encoded(picture), "pixels": [[row, column] for row, column, _ in pixels]}


def learn(looked: Looked, payload: Payload) -> tuple[dict, Sequential]:
    """payload: {"picture", "label": 0 to 10, "learning_rate"} -> gradients and losses; the network after."""
    rate = payload.get("learning_rate")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 < rate <= 1:
        raise ValueError("The learning rate must be above 0 and at most 1.")
    step = step_towards(looked.model, input_of(payload), _label(payload, REJECT), rate, looked.calibration)
    gradients = [
        vars(round_maps(step.gradients[position][1], channels)) | {"position": position}
        for position, channels in block_ends(looked.model).items()
    ]
    answer = {
        "loss": step.loss,
        "loss_after": step.loss_after,
        "gradients": gradients,
        "input_gradient": vars(round_maps(step.input_gradient)),
    }
    return answer, step.model


EXPLANATIONS: dict[str, Callable[[Looked, Payload], dict]] = {
    "network": network,
    "kernels": kernels,
    "cell": cell,
    "why": why,
    "change": change,
    "flip": flip,
}


def _source(layer: Layer) -> dict:
    """The lines that compute its forward and backward pass, and the file in which they stand."""
    kind = type(layer)
    return {
        "class": kind.__name__,
        "file": kind.__module__.replace(".", "/") + ".py",
        "forward": inspect.cleandoc("    " + inspect.getsource(kind.forward)),
        "backward": inspect.cleandoc("    " + inspect.getsource(kind.backward)),
    }


def _shares(one: Shares) -> dict:
    return {
        name: np.round(value, 4).tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(one).items()
    }


def _array(values: np.ndarray) -> dict:
    return {"shape": list(values.shape), "values": encoded(values.astype("<f4"))}


def input_of(payload: Payload) -> np.ndarray:
    """(28, 28, 1): payload["picture"] as the networks take it."""
    picture = picture_of(payload, "picture")
    if picture is None:
        raise ValueError("There is no picture to look at.")
    return to_input(picture[None])[0]


def _label(payload: Payload, most: int) -> int:
    label = payload.get("label")
    if not _is_int(label) or not 0 <= label <= most:
        raise ValueError(f"The label must be 0 to {most}.")
    return label


def _amounts(amounts: object) -> dict[str, float]:
    if not isinstance(amounts, dict) or not all(is_number(amount) for amount in amounts.values()):
        raise ValueError("Amounts are numbers by the name of a variation.")
    return amounts


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

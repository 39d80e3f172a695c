"""MNIST's digits beside the visitor's: those that a channel likes, and those that a drawing is nearest to."""

from functools import cache
from pathlib import Path

import numpy as np

from cnn import Sequential
from jobs.likes import LikesFinder
from recognition.inside import fields
from recognition.likes import Likes, likes_path
from recognition.neighbours import digit_map, features_of_map, nearest
from ui.shared.status_json import encoded


def likes(model: Sequential, found: Likes | None, position: object, channel: object) -> dict:
    """The nine pictures that a channel likes best, each with the "field" [top, bottom, left, right] in which
    it sees what it likes; {"pending": True} where `found` is None."""
    if found is None:
        return {"pending": True}
    layer = found.layers.get(position) if type(position) is int else None
    if layer is None or type(channel) is not int or not 0 <= channel < len(layer.picture):
        raise ValueError("What a channel likes is asked for by the position of its block’s last layer.")
    is_vector = len(_shape_after(model, position)) == 1
    pictures = []
    for i in range(layer.picture.shape[1]):
        row, column = int(layer.row[channel, i]), int(layer.column[channel, i])
        place = (channel,) if is_vector else (row, column, channel)
        pictures.append(
            {
                "picture": encoded(found.pictures[layer.picture[channel, i]]),
                "field": list(fields(model, position, place)[0]),
                "value": float(layer.value[channel, i]),
            }
        )
    return {"pictures": pictures}


def likes_of(finder: LikesFinder, weights: Path, address: str) -> Likes | None:
    """Those that are shipped beside the weights, or else a worker's; None while that still works."""
    try:
        return _shipped_likes(weights)
    except OSError:
        return finder.find(weights, address)


def map_of_digits() -> dict:
    """The fixed map: "places" (N, 2) float32 in base64, "labels" as text, a character a digit."""
    known = digit_map()
    return {"places": encoded(known.places.astype("<f4")), "labels": "".join(map(str, known.labels.tolist()))}


def neighbours(model: Sequential, x: np.ndarray) -> dict:
    """The drawing's "place" on the map, and its "nearest" digits."""
    known = digit_map()
    found = nearest(model, x, features_of_map(model), known.places)
    return {
        "place": found.place.tolist(),
        "nearest": [
            {
                "index": index,
                "label": int(known.labels[index]),
                "distance": float(distance),
                "picture": encoded(known.pictures[index]),
            }
            for index, distance in zip(found.indices.tolist(), found.distances, strict=True)
        ],
    }


def _shape_after(model: Sequential, position: int) -> tuple[int, ...]:
    shape = model.input_shape
    for layer in model.layers[: position + 1]:
        shape = layer.output_shape(shape)
    return shape


@cache
def _shipped_likes(weights: Path) -> Likes:
    return Likes.load(likes_path(weights))

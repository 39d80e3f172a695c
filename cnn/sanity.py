"""Whether a network's answers are finite: with finite weights they may still be NaN."""

import numpy as np

from cnn.model import Sequential

LARGEST_LOGIT = 1e6  # a trained network's are below a few hundred


def check_answers(model: Sequential) -> None:
    """Shows the network a blank picture, a full one and a random one.

    Raises ValueError, in words for the person whose network it is, where an answer is NaN, infinite or far
    too large, or where all answers are the same, as those of a network of zeros are.
    """
    pictures = np.zeros((3, *model.input_shape), np.float32)
    pictures[1] = 1
    pictures[2] = np.random.default_rng(0).random(model.input_shape)
    with np.errstate(all="ignore"):
        logits = model.predict(pictures)
    if not (np.abs(logits) < LARGEST_LOGIT).all():  # NaN is not less, either
        raise ValueError("its answers are not finite, or far too large")
    if (logits == logits[0]).all():
        raise ValueError("it answers the same to every picture: it has learned nothing")

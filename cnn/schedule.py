"""Learning-rate schedules: functions from the step, counted from 0, to the learning rate."""

import math

from cnn.optim import Schedule


def inverse_time_decay(learning_rate: float, decay: float) -> Schedule:
    """learning_rate / (1 + decay * step), the origin's."""
    return lambda step: learning_rate / (1 + decay * step)


def cosine(peak: float, steps: int, final: float = 0.0) -> Schedule:
    """From peak down to final over `steps` along half a cosine; final after that.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.
    """

    def at(step: int) -> float:
        return final + (peak - final) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2

    return at


def one_cycle(peak: float, steps: int, *, warm_up: float = 0.3, start: float = 0.04) -> Schedule:
    """From start * peak up to peak over the first share `warm_up` of `steps`, then down to 0, in cosines.

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2018.
    """
    top = warm_up * steps
    up, down = cosine(start * peak, max(1, round(top)), peak), cosine(peak, max(1, round(steps - top)))
    return lambda step: up(step) if step < top else down(step - round(top))

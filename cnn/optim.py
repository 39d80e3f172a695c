"""Optimizers: from gradients to better parameters."""

from collections.abc import Callable

import numpy as np

from cnn.layer import Array
from cnn.model import Sequential, parallel_for

SLICE = 1 << 18  # parameters updated at once, at most: less takes no longer than handing it over

Schedule = Callable[[int], float]  # step, counted from 0 -> learning rate


class Optimizer:
    """What all optimizers share: a step count, a learning rate, and state that can be saved.

    learning_rate: a number, or a schedule (see `cnn.schedule`) from the step to a number.
    average_decay in [0, 1): above 0, an exponential moving average of the parameters is kept, which reads
    better than the last step's: average = d * average + (1 - d) * parameters after step t, with d =
    min(average_decay, (1 + t) / (10 + t)) so that the random start is soon forgotten.
    state: arrays by name, each (P,) like `model.parameters`; everything that must be saved to go on.

    Source of the average: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    def __init__(
        self, model: Sequential, learning_rate: float | Schedule, *, average_decay: float = 0.0
    ) -> None:
        _check_range("average_decay", average_decay)
        self.model, self.learning_rate, self.average_decay = model, learning_rate, average_decay
        self.step_count = 0
        self.state: dict[str, Array] = {}
        if average_decay:
            self.state["average"] = model.parameters.copy()

    def current_learning_rate(self) -> float:
        """The learning rate of the step to come."""
        return self.learning_rate(self.step_count) if callable(self.learning_rate) else self.learning_rate

    def step(self) -> None:
        """Moves `model.parameters` against `model.gradients`, once."""
        learning_rate = self.current_learning_rate()
        decay = min(self.average_decay, (2 + self.step_count) / (11 + self.step_count))

        def work(s: slice) -> None:
            parameters = self.model.parameters[s]
            self.update(parameters, self.model.gradients[s], s, learning_rate)
            if self.average_decay:
                average = self.state["average"][s]
                average *= decay
                average += (1 - decay) * parameters

        count = len(self.model.parameters)
        parallel_for(count, -(-count // -(-count // SLICE)), work)  # all of one size
        self.step_count += 1

    def averaged_model(self) -> Sequential:
        """A copy of the model with the averaged parameters, or with its own where no average is kept."""
        model = self.model.copy()
        model.parameters[...] = self.state.get("average", model.parameters)
        return model

    def update(self, parameters: Array, gradients: Array, s: slice, learning_rate: float) -> None:
        """One step of the parameters in slice s; the state is `self.state[name][s]`."""
        raise NotImplementedError

    def load_state(self, state: dict[str, Array], steps: int) -> None:
        """Continue where another run stopped. ValueError where the state is not this optimizer's."""
        if state.keys() != self.state.keys():
            raise ValueError(
                f"{type(self).__name__} keeps {sorted(self.state)}, the saved state has {sorted(state)}"
            )
        for name, value in state.items():
            wanted = self.state[name]
            if value.shape != wanted.shape or value.dtype != wanted.dtype:
                raise ValueError(
                    f"optimizer state {name} must be {wanted.shape} {wanted.dtype}, "
                    f"got {value.shape} {value.dtype}"
                )
        for name, value in state.items():
            self.state[name][...] = value
        self.step_count = steps


class SGD(Optimizer):
    """velocity = momentum * velocity - learning_rate * gradient;  parameter += velocity

    With nesterov the gradient counts as if taken after the step:
    parameter += momentum * velocity - learning_rate * gradient.
    momentum in [0, 1). weight_decay d >= 0 adds d * parameter to the gradient of every weight (not of
    biases and of what normalises). The origin's learning-rate decay is the schedule `inverse_time_decay`.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Sutskever et
    al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    def __init__(
        self,
        model: Sequential,
        learning_rate: float | Schedule,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        average_decay: float = 0.0,
    ) -> None:
        super().__init__(model, learning_rate, average_decay=average_decay)
        _check_range("momentum", momentum)
        self.momentum, self.nesterov = momentum, nesterov
        self.decayed = weight_decay * _is_weight(model) if weight_decay else None
        self.state["velocity"] = np.zeros_like(model.parameters)

    def update(self, parameters: Array, gradients: Array, s: slice, learning_rate: float) -> None:
        if self.decayed is not None:
            gradients = gradients + self.decayed[s] * parameters
        velocity = self.state["velocity"][s]
        velocity *= self.momentum
        velocity -= learning_rate * gradients
        if self.nesterov:
            parameters += self.momentum * velocity
            parameters -= learning_rate * gradients
        else:
            parameters += velocity


class AdamW(Optimizer):
    """mean = beta1 * mean + (1 - beta1) * gradient;  square = beta2 * square + (1 - beta2) * gradient^2
    parameter -= learning_rate * (corrected mean / (sqrt(corrected square) + epsilon) + decay * parameter)

    where corrected x = x / (1 - beta^t) after t steps, and decay is weight_decay for weights and 0 for
    biases and what normalises. beta1, beta2 in [0, 1); weight_decay >= 0. With weight_decay 0 this is Adam.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015; Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", ICLR 2019.
    """

    def __init__(
        self,
        model: Sequential,
        learning_rate: float | Schedule = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        average_decay: float = 0.0,
    ) -> None:
        super().__init__(model, learning_rate, average_decay=average_decay)
        _check_range("beta1", beta1)
        _check_range("beta2", beta2)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.decayed = weight_decay * _is_weight(model) if weight_decay else None
        self.state["mean"] = np.zeros_like(model.parameters)
        self.state["square"] = np.zeros_like(model.parameters)

    def update(self, parameters: Array, gradients: Array, s: slice, learning_rate: float) -> None:
        mean, square = self.state["mean"][s], self.state["square"][s]
        mean *= self.beta1
        mean += (1 - self.beta1) * gradients
        square *= self.beta2
        square += (1 - self.beta2) * np.square(gradients)
        steps = self.step_count + 1
        if self.decayed is not None:
            parameters -= learning_rate * self.decayed[s] * parameters
        root = np.sqrt(square / (1 - self.beta2**steps))
        root += self.epsilon
        parameters -= learning_rate / (1 - self.beta1**steps) * mean / root


def _is_weight(model: Sequential) -> Array:
    """(P,), 1 where a parameter is a weight, 0 where it is a bias, a gamma or a beta."""
    return np.concatenate(
        [
            np.full(value.size, name.endswith(".weight"), model.parameters.dtype)
            for name, value in model.named_params()
        ]
    )


def _check_range(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value}")

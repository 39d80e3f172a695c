"""Optimizers: from gradients to better parameters."""

from collections.abc import Callable

import numpy as np

from cnn.layer import Array
from cnn.model import Sequential

Schedule = Callable[[int], float]  # step, counted from 0 -> learning rate


class Optimizer:
    """What all optimizers share: a step count, a learning rate, and state that can be saved.

    learning_rate: a number, or a schedule (see `cnn.schedule`) from the step to a number.
    state: arrays by name, each (P,) like `model.parameters`.
    """

    def __init__(self, model: Sequential, learning_rate: float | Schedule) -> None:
        self.model, self.learning_rate = model, learning_rate
        self.steps = 0
        self.state: dict[str, Array] = {}

    def current_learning_rate(self) -> float:
        """The learning rate of the step to come."""
        return self.learning_rate(self.steps) if callable(self.learning_rate) else self.learning_rate

    def step(self) -> None:
        """Moves `model.parameters` against `model.gradients`, once."""
        self.update(self.model.parameters, self.model.gradients, self.current_learning_rate())
        self.steps += 1

    def update(self, parameters: Array, gradients: Array, learning_rate: float) -> None:
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
        self.steps = steps


class SGD(Optimizer):
    """velocity = momentum * velocity - learning_rate * gradient;  parameter += velocity

    momentum in [0, 1). The origin's learning-rate decay is the schedule `inverse_time_decay`.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Sutskever et
    al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    def __init__(self, model: Sequential, learning_rate: float | Schedule, momentum: float = 0.0) -> None:
        super().__init__(model, learning_rate)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")
        self.momentum = momentum
        self.state["velocity"] = np.zeros_like(model.parameters)

    def update(self, parameters: Array, gradients: Array, learning_rate: float) -> None:
        velocity = self.state["velocity"]
        velocity *= self.momentum
        velocity -= learning_rate * gradients
        parameters += velocity

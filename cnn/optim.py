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
        self.move(self.current_learning_rate())
        if self.average_decay:
            decay = min(self.average_decay, (2 + self.step_count) / (11 + self.step_count))

            def follow(s: slice) -> None:
                average = self.state["average"][s]
                average *= decay
                average += (1 - decay) * self.model.parameters[s]

            self._for_slices(follow)
        self.step_count += 1

    def move(self, learning_rate: float) -> None:
        """Moves all parameters, once, by `update`."""
        model = self.model
        self._for_slices(lambda s: self.update(model.parameters[s], model.gradients[s], s, learning_rate))

    def _for_slices(self, work: Callable[[slice], None]) -> None:
        count = len(self.model.parameters)
        parallel_for(count, -(-count // -(-count // SLICE)), work)  # all of one size

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


class Muon(AdamW):
    """For the weights W of convolutions without bias, as matrices (F F C, K):

    velocity = momentum * velocity + gradient
    W = sqrt(K) W / |W| - learning_rate * orthogonalised(gradient + momentum * velocity)

    |W| is the root of the sum of squares. Orthogonalised, all directions of a gradient count the same, while
    a few would drown the others. A convolution has no bias where a BatchNorm follows, which does not see the
    size of W, so that is fixed: learning_rate is then the share of W that a step changes. All other
    parameters take AdamW's step, with other_rate * learning_rate. momentum in [0, 1).

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; Jordan, "94% on
    CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, for the fixed size.
    """

    def __init__(
        self,
        model: Sequential,
        learning_rate: float | Schedule = 0.2,
        *,
        momentum: float = 0.6,
        other_rate: float = 0.02,
        weight_decay: float = 0.0,
        average_decay: float = 0.0,
    ) -> None:
        super().__init__(model, learning_rate, weight_decay=weight_decay, average_decay=average_decay)
        _check_range("momentum", momentum)
        self.momentum, self.other_rate = momentum, other_rate
        self.state["velocity"] = np.zeros_like(model.parameters)
        names = {name for name, _ in model.named_params()}
        self.matrices: list[tuple[slice, tuple[int, int]]] = []  # where they are, and their shapes
        start = 0
        for name, value in model.named_params():
            if value.ndim == 4 and name.removesuffix("weight") + "bias" not in names:
                shape = value.size // value.shape[-1], value.shape[-1]
                self.matrices.append((slice(start, start + value.size), shape))
            start += value.size

    def move(self, learning_rate: float) -> None:
        moved: list[Array] = [np.empty(0)] * len(self.matrices)

        def work(positions: slice) -> None:
            for position in range(positions.start, positions.stop):
                moved[position] = self._moved(*self.matrices[position], learning_rate)

        parallel_for(len(self.matrices), 1, work)
        super().move(learning_rate * self.other_rate)
        for (own, _), values in zip(self.matrices, moved, strict=True):
            self.model.parameters[own] = values

    def _moved(self, own: slice, shape: tuple[int, int], learning_rate: float) -> Array:
        """The new values of one matrix."""
        weight, gradient = self.model.parameters[own], self.model.gradients[own]
        velocity = self.state["velocity"][own]
        velocity *= self.momentum
        velocity += gradient
        direction = orthogonalised((gradient + self.momentum * velocity).reshape(shape)).ravel()
        size = weight.dtype.type(np.sqrt(shape[1]) / (np.linalg.norm(weight) + 1e-12))
        return weight * size - weight.dtype.type(learning_rate) * direction


def orthogonalised(matrix: Array, steps: int = 5) -> Array:
    """U V^T of matrix = U S V^T (M, K), nearly: singular values from 0.7 to 1.2, where they were not tiny.

    Newton and Schulz's iteration X = a X + b X X^T X + c (X X^T)^2 X, with a, b and c chosen for speed.
    """
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (np.linalg.norm(x) + np.finfo(x.dtype).tiny)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * (square @ square)) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


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

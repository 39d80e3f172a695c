"""Learning-rate schedules: functions from the step, counted from 0, to the learning rate."""

from cnn.optim import Schedule


def inverse_time_decay(learning_rate: float, decay: float) -> Schedule:
    """learning_rate / (1 + decay * step), the origin's."""
    return lambda step: learning_rate / (1 + decay * step)

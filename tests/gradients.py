"""Gradients without calculus, to check those that are worked out."""

import numpy as np

EPSILON = 1e-6


def distinct(shape, rng):
    """Values at least 0.01 apart and away from 0: no ReLU or maximum changes sides within EPSILON."""
    count = int(np.prod(shape))
    values = (np.arange(count) - count // 2 + 0.5) * 0.02
    return rng.permutation(values).reshape(shape)


def finite_differences(function, array):
    """d function() / d array, by moving one entry at a time."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + EPSILON
        above = function()
        array[index] = middle - EPSILON
        below = function()
        array[index] = middle
        gradient[index] = (above - below) / (2 * EPSILON)
    return gradient

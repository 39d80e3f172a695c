"""Drawings of signs that are no digits, by random hands."""

import numpy as np

from training.synthesis.strokes import Hand, picture_of

SHAPES = {
    "heart": [
        [(0.5, 0.95), (0.1, 0.4), (0.2, 0.1), (0.4, 0.1), (0.5, 0.3), (0.6, 0.1), (0.8, 0.1), (0.5, 0.95)]
    ],
    "zig zag": [[(0.1, 0.9), (0.3, 0.1), (0.5, 0.9), (0.7, 0.1), (0.9, 0.9)]],
    "🌲": [[(0.5, 0), (0.5, 1)], [(0.1, 0.5), (0.5, 0.1), (0.9, 0.5)], [(0.1, 0.9), (0.5, 0.5), (0.9, 0.9)]],
}


def drawings(count, seed, shapes=tuple(SHAPES)):
    """`count` of each shape by random hands: images (N, 28, 28) uint8 and labels (N,)."""
    rng = np.random.default_rng(seed)
    images = [picture_of(Hand(rng)(SHAPES[name]), rng) for name in shapes for _ in range(count)]
    return np.stack(images), np.repeat(np.arange(len(shapes)), count)

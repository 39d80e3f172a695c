"""t-SNE: points in the plane whose neighbours are those that they have in many dimensions.

    places = tsne(features)                     # (N, D) -> (N, 2)

p_j|i = exp(-|x_i - x_j|^2 / 2 sigma_i^2) / sum over k != i, with sigma_i such that every point has about
`perplexity` neighbours; p_ij = (p_j|i + p_i|j) / 2N; q_ij = (1 + |y_i - y_j|^2)^-1 / sum. Gradient descent
on KL(p || q):

    d KL / d y_i = 4 sum over j of (p_ij - q_ij) (1 + |y_i - y_j|^2)^-1 (y_i - y_j)

Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008. Exact, so it takes time and
memory by N^2: half a minute for 2,000 points.
"""

import numpy as np

EARLY_STEPS, EARLY_EXAGGERATION = 100, 12.0  # first, clusters are drawn together more than they should
MOMENTUM = 0.8
BISECTIONS = 40  # to find each sigma


def tsne(x: np.ndarray, *, perplexity: float = 30.0, steps: int = 500) -> np.ndarray:
    """x: (N, D) -> (N, 2) float32 within [0, 1]. Deterministic: it starts from the two main components.

    ValueError unless there are more than 3 * perplexity points.
    """
    count = len(x)
    if count <= 3 * perplexity:
        raise ValueError(f"A perplexity of {perplexity:g} needs more than {3 * perplexity:g} points")
    x = x.astype(np.float64)
    p = _joint(squared_distances(x, x), perplexity)
    y = 1e-4 * _standardised(principal_components(x))
    velocity = np.zeros_like(y)
    learning_rate = max(count / EARLY_EXAGGERATION, 50.0)  # Belkina et al., Nature Communications 2019
    for step in range(steps):
        near = 1 / (1 + squared_distances(y, y))
        np.fill_diagonal(near, 0)
        exaggeration = EARLY_EXAGGERATION if step < EARLY_STEPS else 1.0
        pull = (exaggeration * p - near / near.sum()) * near
        gradient = 4 * (pull.sum(1)[:, None] * y - pull @ y)
        velocity = MOMENTUM * velocity - learning_rate * gradient
        y = y + velocity
    low, high = y.min(0), y.max(0)
    return ((y - low) / (high - low)).astype(np.float32)


def principal_components(x: np.ndarray) -> np.ndarray:
    """(N, D) -> (N, 2): along the two directions in which the points differ most."""
    centred = (x - x.mean(0)).astype(np.float64)
    _, _, directions = np.linalg.svd(centred.T @ centred)
    return centred @ directions[:2].T


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, D), (M, D) -> (N, M): |a_i - b_j|^2, at least 0."""
    return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T), 0)


def _standardised(y: np.ndarray) -> np.ndarray:
    return y / y[:, 0].std()


def _joint(distances: np.ndarray, perplexity: float) -> np.ndarray:
    """(N, N) squared distances -> p, symmetric, with a sum of 1 and zeros on its diagonal."""
    low, high = np.zeros((len(distances), 1)), np.full((len(distances), 1), np.inf)  # of 1 / 2 sigma^2
    precision = 1 / np.maximum(np.median(distances, axis=1, keepdims=True), 1e-12)
    for _ in range(BISECTIONS):
        p = np.exp(-distances * precision)
        np.fill_diagonal(p, 0)
        p /= np.maximum(p.sum(1, keepdims=True), 1e-300)
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1, keepdims=True)
        is_wide = entropy > np.log(perplexity)
        low, high = np.where(is_wide, precision, low), np.where(is_wide, high, precision)
        precision = np.where(np.isinf(high), 2 * precision, (low + high) / 2)
    return (p + p.T) / (2 * len(p))

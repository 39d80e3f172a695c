"""The loss: how wrong the network is, and in which direction to correct it."""

import numpy as np

from cnn.layer import Array

IMPOSSIBLE = -1e4  # a logit whose probability is 0 beside any other, and still a finite number


def softmax_cross_entropy(logits: Array, labels: Array, label_smoothing: float = 0.0) -> tuple[float, Array]:
    """loss = -1/N sum over n, k of targets[n, k] log softmax(logits)[n, k]
    dlogits = (softmax(logits) - targets) / N

    logits (N, K) floating point. labels: (N,) integers 0 to K - 1, or (N, K) target probabilities, each row
    of which sums to 1. label_smoothing e in [0, 1): targets become (1 - e) targets + e / K.
    Returns the mean loss and dlogits (N, K) in the precision of logits. Raises ValueError where shapes or
    labels do not fit.

    Softmax and cross-entropy are taken together because their joint gradient is this simple, and because
    log softmax is exact where softmax itself rounds to 0.

    Source: Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990;
    label smoothing: Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016.
    """
    n, k = logits.shape
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
    if labels.shape == (n, k):
        targets = labels.astype(logits.dtype)
    elif labels.shape == (n,) and np.issubdtype(labels.dtype, np.integer):
        if n and (labels.min() < 0 or labels.max() >= k):
            raise ValueError(f"labels must be 0 to {k - 1}, got {labels.min()} to {labels.max()}")
        targets = np.zeros_like(logits)
        targets[np.arange(n), labels] = 1
    else:
        raise ValueError(
            f"labels must be ({n},) integers or ({n}, {k}) probabilities, got {labels.shape} {labels.dtype}"
        )
    if label_smoothing:
        targets = targets * (1 - label_smoothing) + label_smoothing / k

    shifted = logits - logits.max(axis=1, keepdims=True)
    exp = np.exp(shifted)
    total = exp.sum(axis=1, keepdims=True)
    loss = -float(np.sum(targets * (shifted - np.log(total)), dtype=np.float64)) / n
    return loss, (exp / total - targets) / n


def reject_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """softmax_cross_entropy over K + 1 classes, of which the last, the reject class, always has logit 0.

    logits (N, K) floating point. labels (N,): integers 0 to K - 1; or -1 for the reject class, "none of the
    K"; or K + k for "class k, if any of the K", whose loss is that of the K classes alone. A network trained
    so pushes all its logits below 0 for non-digits, and its `log_odds` tell digits from the rest without one
    more parameter.
    Returns the mean loss and dlogits (N, K). Raises ValueError as softmax_cross_entropy does.

    Source: the background class of Dhamija, Günther, Boult, "Reducing Network Agnostophobia", NeurIPS 2018;
    training on outliers: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure",
    ICLR 2019.
    """
    n, k = logits.shape
    if n and (labels.min() < -1 or labels.max() >= 2 * k):
        raise ValueError(f"labels must be -1 to {2 * k - 1}, got {labels.min()} to {labels.max()}")
    if_any = labels >= k
    reject = np.where(if_any, IMPOSSIBLE, 0).astype(logits.dtype)
    with_reject = np.concatenate([logits, reject[:, None]], axis=1)
    targets = np.where(labels == -1, k, labels - k * if_any)
    loss, dlogits = softmax_cross_entropy(with_reject, targets)
    return loss, dlogits[:, :k]


def log_odds(logits: Array) -> Array:
    """log sum over k of exp(logits[n, k]): (N, K) -> (N,)

    The log of the odds that a sample is one of the K classes against the reject class, for a network trained
    with `reject_cross_entropy`; also known as the negative energy.

    Source: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020.
    """
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))

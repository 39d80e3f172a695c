"""Connectionist temporal classification: a loss for texts whose signs have no known places."""

import math

import numpy as np

from cnn.layer import Array

NEVER = -1e30  # log of a probability of 0, and still a finite number
CHOICES = 4  # most signs that the search considers at a frame, and how many nats they may lie below its best
LIKELY = 9.0


def ctc_loss(logits: Array, labels: Array) -> tuple[float, Array]:
    """loss = -1/M sum over n of log P(labels[n]), P(text) = sum over all ways to spell it of prod over t

    A way to spell a text has one sign or the blank at every frame t; signs that follow each other and are the
    same count once, and blanks not at all. M is the number of all signs, so that long texts weigh more.

    logits (N, T, K + 1) floating point: T frames from the left to the right; the last class is the blank.
    labels (N, L) integers 0 to K - 1, -1 after the end of a text. A text that T frames cannot hold adds
    nothing. Returns the loss and dlogits (N, T, K + 1) in the precision of logits. Raises ValueError where
    shapes or labels do not fit.

    Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist Temporal Classification: Labelling
    Unsegmented Sequence Data with Recurrent Neural Networks", ICML 2006, section 4.
    """
    if logits.ndim != 3 or labels.ndim != 2 or len(labels) != len(logits):
        raise ValueError(
            f"expected logits (N, T, K + 1) and labels (N, L), got {logits.shape} {labels.shape}"
        )
    _check_labels(labels, logits.shape[2] - 1)
    log_probs = _log_softmax(logits)
    signs, may_skip = _with_blanks(labels, logits.shape[2] - 1)
    emitted = np.take_along_axis(log_probs, np.repeat(signs[:, None], logits.shape[1], axis=1), axis=2)
    lengths = 2 * np.count_nonzero(labels >= 0, axis=1)  # place of the last blank
    forward, totals = _forward(emitted, may_skip, lengths)
    possible = totals > NEVER / 2
    count = max(1, int((lengths[possible] // 2).sum()))
    # From the end the same sums run to the left: the text backward, its frames backward.
    backward = _backward(emitted, may_skip, lengths)
    share = np.exp(np.minimum(forward + backward - emitted - np.where(possible, totals, 0)[:, None, None], 0))
    share[~possible] = 0
    dlogits = np.exp(log_probs) * possible[:, None, None]
    rows = np.arange(len(signs))
    for place in range(signs.shape[1]):  # each class that a text uses is expected as often as it is spelled
        dlogits[rows, :, signs[:, place]] -= share[:, :, place]
    loss = -float(totals[possible].sum()) / count
    return loss, (dlogits / count).astype(logits.dtype)


def ctc_log_probs(logits: Array, labels: Array) -> Array:
    """log P(labels[n]) for every n: (N,) float64. logits (T, K + 1) of one line, labels (N, L) as above."""
    _check_labels(labels, logits.shape[1] - 1)
    signs, may_skip = _with_blanks(labels, logits.shape[1] - 1)
    emitted = _log_softmax(logits)[:, signs].transpose(1, 0, 2)  # (N, T, 2 L + 1)
    return _forward(emitted, may_skip, 2 * np.count_nonzero(labels >= 0, axis=1))[1]


def ctc_texts(logits: Array, count: int, beam: int = 8) -> list[tuple[int, ...]]:
    """The `count` most probable texts of one line, the best first, by a search that keeps `beam` of them.

    logits (T, K + 1). Every text is known by two sums: over the ways that end in its last sign, and in a
    blank; only from the latter can the same sign be written once more.

    Source: Hannun, Maas, Jurafsky, Ng, "First-Pass Large Vocabulary Continuous Speech Recognition using
    Bi-Directional Recurrent DNNs", 2014, algorithm 1, without a language model.
    """
    log_probs = _log_softmax(logits)
    blank = log_probs.shape[1] - 1
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (NEVER, 0.0)}  # text: (in a sign, in a blank)
    for frame in log_probs:
        signs = [sign for sign in np.argsort(-frame)[: CHOICES + 1].tolist() if sign != blank]
        signs = [sign for sign in signs if frame[sign] > frame.max() - LIKELY]
        of = frame.tolist()
        grown: dict[tuple[int, ...], list[float]] = {}
        for text, (in_sign, in_blank) in beams.items():
            whole = _sum(in_sign, in_blank)
            same = grown.setdefault(text, [NEVER, NEVER])
            same[1] = _sum(same[1], whole + of[blank])
            if text:
                same[0] = _sum(same[0], in_sign + of[text[-1]])
            for sign in signs:
                before = in_blank if text and text[-1] == sign else whole
                more = grown.setdefault((*text, sign), [NEVER, NEVER])
                more[0] = _sum(more[0], before + of[sign])
        best = sorted(grown.items(), key=lambda item: -_sum(*item[1]))[:beam]
        beams = {text: (sums[0], sums[1]) for text, sums in best}
    return list(beams)[:count]


def _sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b)), of two numbers sooner than NumPy's."""
    low, high = (a, b) if a < b else (b, a)
    return high + math.log1p(math.exp(low - high))


def ctc_best_path(logits: Array) -> list[tuple[int, ...]]:
    """The text that the most probable class of every frame spells, for each of logits (N, T, K + 1)."""
    best, blank = logits.argmax(axis=2), logits.shape[2] - 1
    is_new = best != blank
    is_new[:, 1:] &= best[:, 1:] != best[:, :-1]
    return [tuple(row[new].tolist()) for row, new in zip(best, is_new, strict=True)]


def _check_labels(labels: Array, classes: int) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    if labels.size and (labels.min() < -1 or labels.max() >= classes):
        raise ValueError(f"labels must be -1 to {classes - 1}, got {labels.min()} to {labels.max()}")
    if labels.size and ((labels[:, 1:] >= 0) & (labels[:, :-1] < 0)).any():
        raise ValueError("labels must have -1 only after the end of a text")


def _log_softmax(logits: Array) -> Array:
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _with_blanks(labels: Array, blank: int) -> tuple[Array, Array]:
    """Blanks before, between and after the signs: (N, 2 L + 1); and which may follow that two places before.

    A sign may, without a blank in between, unless it is the same as the one before.
    """
    n, length = labels.shape
    signs = np.full((n, 2 * length + 1), blank)
    signs[:, 1::2] = np.where(labels >= 0, labels, blank)
    may_skip = np.zeros(signs.shape, bool)
    may_skip[:, 3::2] = (labels[:, 1:] >= 0) & (labels[:, 1:] != labels[:, :-1])
    return signs, may_skip


def _forward(emitted: Array, may_skip: Array, lengths: Array) -> tuple[Array, Array]:
    """log of the sum over all ways to come to a place at a frame, this frame's sign included; and of all.

    emitted (N, T, S) log probabilities of each place's sign; lengths (N,): the last blank's place. (N, T, S)
    and (N,).
    """
    n, frames, places = emitted.shape
    sums = np.full((n, frames, places), NEVER)
    sums[:, 0, :2] = emitted[:, 0, :2]
    for t in range(1, frames):
        before = sums[:, t - 1]
        total = before.copy()
        total[:, 1:] = np.logaddexp(total[:, 1:], before[:, :-1])
        skipped = np.where(may_skip[:, 2:], before[:, :-2], NEVER)
        total[:, 2:] = np.logaddexp(total[:, 2:], skipped)
        sums[:, t] = np.maximum(total + emitted[:, t], NEVER)
    rows = np.arange(n)
    last_sign = np.where(lengths > 0, sums[rows, -1, np.maximum(lengths - 1, 0)], NEVER)
    return sums, np.logaddexp(sums[rows, -1, lengths], last_sign)


def _backward(emitted: Array, may_skip: Array, lengths: Array) -> Array:
    """log of the sum over all ways from a place at a frame to the end, this frame's sign included."""
    n, frames, places = emitted.shape
    sums = np.full((n, frames, places), NEVER)
    rows = np.arange(n)
    for end in (lengths, np.maximum(lengths - 1, 0)):
        sums[rows, -1, end] = emitted[rows, -1, end]
    for t in range(frames - 2, -1, -1):
        after = sums[:, t + 1]
        total = after.copy()
        total[:, :-1] = np.logaddexp(total[:, :-1], after[:, 1:])
        skipped = np.where(may_skip[:, 2:], after[:, 2:], NEVER)
        total[:, :-2] = np.logaddexp(total[:, :-2], skipped)
        sums[:, t] = np.maximum(total + emitted[:, t], NEVER)
    return sums

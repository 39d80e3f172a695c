"""Two ways to read a word: sign by sign, along the cheapest path through its candidates, and as a whole line.

The first knows where every sign is, and fails where no cut is right; the second cuts nothing. Each proposes
what the word may say, and what both make of each proposal decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cnn import ctc_best_path, ctc_log_probs, ctc_texts, log_odds
from recognition.best_path import Part, Word, best_path
from recognition.candidates import Candidate, Candidates
from recognition.components import Components
from recognition.context import SEPARATORS
from recognition.line_image import line_image

SIGNS = "0123456789" + SEPARATORS  # the network's classes; after them:
SOMETHING_ELSE, BLANK = len(SIGNS), len(SIGNS) + 1  # letters, however many; and nothing new


class Say(NamedTuple):
    """How much a line counts beside the path."""

    share: float  # weight of -log P(text) as a line beside the cost of the path
    margin: float  # nats by which another text must be cheaper than the path's own


# An upright 1 is not a slash on the line's word alone, and photographed lines are less like those that the
# network was trained on.
PAD_SAY, PAPER_SAY = Say(1.0, 1.5), Say(0.5, 3.0)
MOST_LOG_ODDS = 8.0  # that a line is a number, or is none; and that one of its signs is a digit
DOUBTFUL_LOG_ODDS = 4.0  # that a candidate is a digit, from which no line can refute it
BLANK_COST = 1.0  # nats: of hands it does not know the network too often says that nothing is there
PROPOSALS = 4  # texts that the line's network proposes

ReadLine = Callable[[np.ndarray], np.ndarray]  # (HEIGHT, W) uint8 -> (T, classes) logits


def text_of(word: Word) -> str:
    """The signs of a word on its path, from left to right."""
    signs = [str(int(candidate.logits.argmax())) for candidate in word.candidates]
    for place, candidate in reversed(word.separators):
        signs.insert(place, candidate.separator)
    return "".join(signs)


def read_both_ways(
    components: Components,
    parts: list[Part],
    candidates: Candidates,
    longest: int,
    height: float,
    read_line: ReadLine,
    say: Say,
) -> Word:
    """cost(text) = cost of its path - share * log P(text as a line), the least over all proposals

    Arguments as for `best_path`.
    """
    alone = best_path(components, parts, candidates, longest, height)
    line = line_image(components, [part.component_id for part in parts])
    if line is None:
        return alone.word
    logits = read_line(line).astype(float)
    logits[:, BLANK] -= BLANK_COST
    as_line = log_odds_of_number(logits)
    ours = text_of(alone.word)
    if not ours:
        return replace(alone.word, as_line=as_line)
    # The likeliest signs of all frames nearly always spell the likeliest text, which takes longer to find.
    agreed = _spelled(ctc_best_path(logits[None])[0]) == ours
    proposals = (
        [] if agreed else [_spelled(text) for text in ctc_texts(logits, PROPOSALS) if _is_number(text)]
    )
    if not proposals or proposals[0] == ours:
        return _supported(replace(alone.word, as_line=as_line), ours, logits)
    spelled = {ours: alone}
    for text in proposals:
        found = spelled.get(text) or best_path(components, parts, candidates, longest, height, text)
        if found is not None:
            spelled[text] = found
    log_probs = dict(zip(spelled, ctc_log_probs(logits, _labels(list(spelled))), strict=True))
    costs = {text: found.cost - say.share * log_probs[text] for text, found in spelled.items()}
    costs[ours] -= say.margin
    best = min(costs, key=costs.get)
    word = replace(spelled[best].word, as_line=as_line)
    return _supported(word if best == ours else _sure_of(word, best, logits, say.share), best, logits)


def log_odds_of_number(logits: np.ndarray) -> float:
    """log P(nothing but digits and separators in the line) / P(something else): logits (T, classes)

    By connectionist temporal classification, frames are independent: P = product over t of 1 - P(else at t).
    """
    shifted = logits.astype(float) - logits.max(1, keepdims=True)
    others = np.exp(shifted).sum(1)
    without = -np.log1p(-np.minimum(np.exp(shifted[:, SOMETHING_ELSE]) / others, 1 - 1e-12)).sum()
    odds = -without - np.log(max(-np.expm1(-without), 1e-12))
    return float(np.clip(odds, -MOST_LOG_ODDS, MOST_LOG_ODDS))


def _sure_of(word: Word, text: str, logits: np.ndarray, share: float) -> Word:
    """The word with its candidates' logits of the digits moved by what the line says of each in its place.

    logits[d] + share * (log P(text with d there) - log P(text)), and as likely as before to be a digit.
    """
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    others = [text[:place] + str(digit) + text[place + 1 :] for place in places for digit in range(10)]
    of_line = ctc_log_probs(logits, _labels(others)).reshape(len(places), 10)
    return replace(
        word,
        candidates=tuple(
            _moved(candidate, share * (log_probs - log_probs.max()))
            for candidate, log_probs in zip(word.candidates, of_line, strict=True)
        ),
    )


def _supported(word: Word, text: str, logits: np.ndarray) -> Word:
    """The word with the support for each digit in doubt: log P(text) - log P(text, something else there)."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    odds = log_odds(np.stack([candidate.logits for candidate in word.candidates]))
    doubtful = np.flatnonzero(odds < DOUBTFUL_LOG_ODDS)
    if not len(doubtful):
        return word
    texts = np.repeat(_labels([text]), 1 + len(doubtful), axis=0)
    for row, at in enumerate(doubtful, start=1):
        texts[row, places[at]] = SOMETHING_ELSE
    as_it_is, *others = ctc_log_probs(logits, texts)
    candidates = list(word.candidates)
    for at, other in zip(doubtful, others, strict=True):
        support = float(np.clip(as_it_is - other, -MOST_LOG_ODDS, MOST_LOG_ODDS))
        candidates[at] = replace(candidates[at], support=support)
    return replace(word, candidates=tuple(candidates))


def _moved(candidate: Candidate, by: np.ndarray) -> Candidate:
    moved = candidate.logits + by
    before, after = log_odds(candidate.logits[None])[0], log_odds(moved[None])[0]
    return replace(candidate, logits=(moved + (before - after)).astype(candidate.logits.dtype))


def _spelled(text: Sequence[int]) -> str:
    return "".join(SIGNS[sign] for sign in text) if _is_number(text) else ""


def _is_number(text: Sequence[int]) -> bool:
    return len(text) > 0 and max(text) < SOMETHING_ELSE


def _labels(texts: Sequence[str]) -> np.ndarray:
    """Texts as `cnn.ctc_loss` takes them."""
    labels = np.full((len(texts), max(map(len, texts))), -1)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = [SIGNS.index(sign) for sign in text]
    return labels

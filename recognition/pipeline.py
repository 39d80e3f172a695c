"""Ink -> components -> lines -> words -> digits, or one honest refusal for all of it.

A drawing and a photo differ: everything on the pad was drawn to be read, while a photo shows a table's frame,
a neighbour's half digit or a leaf as well.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from recognition.best_path import CONFIDENT_COST, Word
from recognition.candidates import (
    PAD_SEPARATOR_COST,
    PAPER_SEPARATOR_COST,
    SHEARS,
    Candidate,
    classify_groups,
)
from recognition.classifier import Classifier, is_blob
from recognition.components import (
    SOLID,
    Box,
    Components,
    digit_height,
    find_components,
    thickness,
    thinned,
)
from recognition.cuts import is_bar
from recognition.growing import UPRIGHT, DrawingMemory
from recognition.limits import DRAWING_WORK, MOVING_WORK, TooMuchWorkError, WorkBudget, size_error
from recognition.line_reading import PAD_SAY, PAPER_SAY
from recognition.lines import find_lines, typical_height
from recognition.normalise import bounding_box, normalise_box
from recognition.numerals import DRAWING_WEIGHTS, PHOTO_WEIGHTS, evidence_of_number
from recognition.pen_strokes import PenStrokes
from recognition.photo import stroke_width
from recognition.reading import Digit, Reading, Separator
from recognition.segment import segment

MAX_DRAWING_SIDE = 1000  # pixels of a drawing's longer side above which it is reduced: the pad's have 480
SLIM, SLIM_COMPONENT = (
    0.4,
    0.6,
)  # width over height up to which a drawing, and one of one component, is a digit
MAX_TOGETHER = 6  # most digits of a photo that are accepted or rejected together, across wide gaps too
NEIGHBOUR_LOG_ODDS = 5.0  # log-odds of being a digit that a candidate gains as part of a number
# Log-odds of a drawing to be a number, by the network alone, below which the context model is not asked: of
# the drawings in which it still found a number, none had less than -2.
HOPELESS_LOG_ODDS = -5.0
FULL_PAGE = 100  # components from which a photo is a page, and MIN_PAGE_DIGITS and MIN_PAGE_READ hold
MIN_PAGE_DIGITS = 0.2  # least share of a page's components that are digits, or nothing is cut or joined
MIN_PAGE_READ = 0.6  # least share of a page's candidates that are accepted, or it is a page of text

EMPTY = "Nothing is drawn: the picture is all one colour."
BLOB = "That is a blot, not a digit: draw one with thinner lines."
NO_DIGIT = "That does not look like a digit."
NO_DIGITS = "No digits were found in this picture. Is it the right way up?"
DRAWING_TOO_FULL = "There is too much in this drawing to read. Please draw fewer digits at once."


def read_ink(
    ink: np.ndarray,
    classifier: Classifier,
    memory: DrawingMemory | None = None,
    *,
    moving: bool = False,
    strokes: PenStrokes | None = None,
) -> Reading:
    """The ink of a drawing (H, W), floating point, 0 paper, 1 full ink -> Reading.

    memory: of earlier readings of the same drawing. moving: the pen still draws, and what is read is soon
    out of date. So digits that touch are told apart only where the memory knows them from when the pen
    rested, and the context model looks once. strokes: with which all of the ink was drawn, if that is known.
    Raises as `normalise`, ValueError where the ink is too large,
    and TooMuchWorkError where there is too much to read while the pen moves.
    """
    if memory is not None:
        classifier = memory.remembering(classifier)
    box = bounding_box(ink)
    too_large = size_error(ink.shape[1], ink.shape[0])
    if too_large:
        raise ValueError(f"ink is {too_large}")
    if box is None:
        return Reading((), EMPTY)
    x, y, width, height = box
    image, _ = normalise_box(ink, box)
    scale = min(1.0, MAX_DRAWING_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    whole = Candidate((), (0, 0, *size), image, classifier.logits(image[None])[0])
    found, provisional = None, False
    if width > SLIM * height:
        cropped = ink[y : y + height, x : x + width]
        if scale < 1:
            cropped = cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
        cropped = cropped / cropped.max()
        radius = thickness(cropped, stroke_width(cropped >= SOLID))
        thin = thinned(cropped, radius)
        stroke = stroke_width(thin >= SOLID)
        components = find_components(thin, stroke)
        if strokes is not None:
            components.strokes = strokes.within(box, scale).thinned(radius)
        count = len(components.ids)
        may_be_several = width > SLIM_COMPONENT * height and whole.cost >= CONFIDENT_COST

        def may_cut(component_id: int) -> bool:
            if memory is None:
                return not moving
            if not moving:
                memory.note_cut(components, component_id)
            return not moving or memory.was_cut(components, component_id)

        if count == 1 and may_be_several:
            may_be_several = not is_bar(components, 1, stroke)
            provisional = moving and may_be_several
            may_be_several = may_be_several and may_cut(1)
        if count > 1 or (count and may_be_several):
            provisional = moving
            try:
                found = read_components(
                    components,
                    components.ids,
                    stroke,
                    classifier,
                    WorkBudget(MOVING_WORK if moving else DRAWING_WORK),
                    whole,
                    drawn=True,
                    may_cut=may_cut,
                    shears=UPRIGHT if moving else SHEARS,
                    as_lines=not moving,
                )
            except TooMuchWorkError:
                if moving:
                    raise
                return Reading((), DRAWING_TOO_FULL)
    if found is None:
        found = [classifier.digit(whole)]
    boxes = [unscaled(symbol.box, scale, (height, width)) for symbol in found]
    symbols = tuple(
        replace(symbol, box=(left + x, top + y, *sides))
        for symbol, (left, top, *sides) in zip(found, boxes, strict=True)
    )
    return Reading(symbols, message_of(symbols), provisional=provisional)


def read_components(
    components: Components,
    ids: np.ndarray,
    stroke: float,
    classifier: Classifier,
    budget: WorkBudget,
    whole: Candidate | None = None,
    *,
    drawn: bool,
    may_cut: Callable[[int], bool] | None = None,
    shears: tuple[float, ...] = SHEARS,
    as_lines: bool = True,
) -> list[Digit | Separator]:
    """The signs that these components are, in reading order, or all of them rejected as one sign.

    whole: the candidate of all components, where there is one already. drawn: whether this is a drawing,
    which is accepted or rejected as a whole; a photo of more than MAX_TOGETHER digits is, word by word.
    may_cut, shears: as for `segment`. as_lines: whether words are read as whole lines, too, by networks that
    do. Raises TooMuchWorkError.
    """
    boxes = components.boxes[ids]
    height = digit_height(components, ids, stroke)
    tall = typical_height(boxes, components.areas[ids])  # with slashes and tails, as numbers are judged by
    lines = [[int(ids[i]) for i in line] for line in find_lines(boxes, height)]
    groups = [(component_id,) for line in lines for component_id in line]
    budget.spend(len(groups), int(np.prod(boxes[:, 2:].astype(float), axis=1).sum()))
    singles = classify_groups(components, groups, classifier.logits)
    if len(singles) > FULL_PAGE and classifier.is_digit(list(singles.values())).mean() < MIN_PAGE_DIGITS:
        return []
    in_context = classifier.logits_in_context if classifier.context_model is not None else None

    def is_hopeless(words: list[list[Word]]) -> bool:
        """Whether the network alone sees one sign in all of the ink, or nothing like a number."""
        odds = _log_odds_of_number(words, components, tall, drawn=True)
        if odds is not None:
            return odds < HOPELESS_LOG_ODDS
        ids = [component_id for line in words for word in line for component_id in word.component_ids]
        found = [candidate for line in words for word in line for candidate in word.candidates]
        return len(found) == 1 and len(found[0].component_ids) == len(ids)

    words = segment(
        components,
        lines,
        singles,
        stroke,
        height,
        budget,
        classifier.logits,
        in_context,
        is_hopeless=is_hopeless if drawn else None,
        may_cut=may_cut,
        shears=shears,
        separator_cost=PAD_SEPARATOR_COST if drawn else PAPER_SEPARATOR_COST,
        read_line=classifier.read_line if as_lines and classifier.line_model is not None else None,
        say=PAD_SAY if drawn else PAPER_SAY,
    )
    count = sum(len(word.candidates) for line in words for word in line)
    if drawn or count <= MAX_TOGETHER:
        if _is_number(words, components, tall, drawn=drawn):
            return [
                symbol
                for row, line in enumerate(words)
                for index, word in enumerate(line)
                for symbol in symbols_of(word, row, index, count, classifier)
            ]
        if whole is None:
            group = tuple(
                component_id for line in words for word in line for component_id in word.component_ids
            )
            whole = classify_groups(components, [group], classifier.logits)[group]
        return [classifier.digit(whole)]
    found = []
    for row, line in enumerate(words):
        for index, word in enumerate(line):
            symbols = symbols_of(word, row, index, len(word.candidates), classifier)
            if not _is_number([[word]], components, tall, drawn=drawn):
                symbols = [symbol.rejected() for symbol in symbols if isinstance(symbol, Digit)]
            is_straight = components.are_straight(list(word.component_ids), stroke).all()
            if is_straight and len(symbols) == 1 and _is_rejected(symbols[0]):
                continue  # what is left of a margin or a ruled line, and nothing that was written
            found += symbols
    accepted = sum(isinstance(symbol, Digit) and symbol.digit is not None for symbol in found)
    return found if accepted >= MIN_PAGE_READ * count else []


def _is_rejected(symbol: Digit | Separator) -> bool:
    return isinstance(symbol, Digit) and symbol.digit is None


def symbols_of(
    word: Word, line: int, index: int, count: int, classifier: Classifier
) -> list[Digit | Separator]:
    """The digits and separators of a word, the `index`-th of its line; count: of all digits together."""
    prior = NEIGHBOUR_LOG_ODDS if count > 1 else 0.0  # a minus proves nothing: doodles have dashes, too
    symbols: list[Digit | Separator] = [
        replace(classifier.digit(candidate, line, prior), word=index) for candidate in word.candidates
    ]
    for place, candidate in reversed(word.separators):
        confidence = float(np.exp(-candidate.separator_costs.min()))
        symbols.insert(place, Separator(candidate.box, candidate.separator, confidence, line, index))
    return symbols


def _is_number(lines: list[list[Word]], components: Components, height: float, *, drawn: bool) -> bool:
    """Are these candidates, taken together, a number, and not something else that was cut into parts?"""
    odds = _log_odds_of_number(lines, components, height, drawn=drawn)
    if odds is None:
        count = sum(len(word.candidates) for line in lines for word in line)
        # In a photo, a digit beside a dot or a dash; a drawing with one more dot is a letter, i or ?, but one
        # with a minus is a number
        return count == 1 and (not drawn or _is_signed_digit([word for line in lines for word in line]))
    return odds >= 0


def _log_odds_of_number(
    lines: list[list[Word]], components: Components, height: float, *, drawn: bool
) -> float | None:
    """Log-odds that at least two candidates are a number; None for fewer."""
    if sum(len(word.candidates) for line in lines for word in line) < 2:
        return None
    evidence = evidence_of_number(lines, components.areas, height)
    return evidence.log_odds(DRAWING_WEIGHTS if drawn else PHOTO_WEIGHTS)


def _is_signed_digit(words: list[Word]) -> bool:
    """Is this a minus and a digit with nothing cut and nothing beside them, as few letters are?"""
    if len(words) != 1 or not words[0].separators or any(words[0].is_cut):
        return False
    signs = [*words[0].candidates, *(candidate for _, candidate in words[0].separators)]
    read = [component_id for candidate in signs for component_id in candidate.component_ids]
    return len(signs) == len(read) == len(words[0].component_ids)


def message_of(symbols: tuple[Digit | Separator, ...]) -> str:
    """Why there is no answer; "" where there is one."""
    digits = [symbol for symbol in symbols if isinstance(symbol, Digit)]
    if any(found.digit is not None for found in digits):
        return ""
    if len(digits) != 1:
        return NO_DIGITS
    return BLOB if is_blob(digits[0].image) else NO_DIGIT


def unscaled(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    """A box in a picture resized by `scale` -> in the picture itself, of shape (H, W, ...)."""
    x, y, width, height = (value / scale for value in box)
    left, top = int(x), int(y)
    right, bottom = min(shape[1], int(np.ceil(x + width))), min(shape[0], int(np.ceil(y + height)))
    return left, top, right - left, bottom - top

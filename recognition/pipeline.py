"""Ink -> components -> lines -> words -> digits, or one honest refusal for all of it.

A drawing and a photo differ: everything on the pad was drawn to be read, while a photo shows a table's frame,
a neighbour's half digit or a leaf as well.
"""

from dataclasses import replace

import cv2
import numpy as np

from recognition.classifier import Classifier, is_blob
from recognition.components import (
    SOLID,
    Box,
    Components,
    find_components,
    remove_border_noise,
    thin_strokes,
)
from recognition.limits import DRAWING_WORK, PHOTO_WORK, TooMuchWorkError, WorkBudget, size_error
from recognition.lines import find_lines, typical_height
from recognition.normalise import bounding_box, normalise_box
from recognition.numerals import DRAWING_WEIGHTS, PHOTO_WEIGHTS, evidence_of_number
from recognition.photo import PhotoInk, ink_of_photo, stroke_width
from recognition.reading import Digit, Reading, Stage
from recognition.segment import CONFIDENT_COST, Candidate, Word, classify_groups, segment

MAX_DRAWING_SIDE = 1000  # pixels of a drawing's longer side above which it is reduced: the pad's have 480
SLIM, SLIM_COMPONENT = (
    0.4,
    0.6,
)  # width over height up to which a drawing, and one of one component, is a digit
MAX_TOGETHER = 6  # most digits of a photo that are accepted or rejected together, across wide gaps too
NEIGHBOUR_LOG_ODDS = 5.0  # log-odds of being a digit that a candidate gains as part of a number
CROWD = 7  # components of a photo from which a lone digit needs MIN_CROWD_INK, or it is part of a picture
MIN_CROWD_INK = 0.5  # least share of the ink in the components that are not noise at the border
FULL_PAGE = 100  # components from which a photo is a page, and MIN_PAGE_DIGITS and MIN_PAGE_READ hold
MIN_PAGE_DIGITS = 0.2  # least share of a page's components that are digits, or nothing is cut or joined
MIN_PAGE_READ = 0.6  # least share of a page's candidates that are accepted, or it is a page of text

EMPTY = "Nothing is drawn: the picture is all one colour."
BLOB = "That is a blot, not a digit: draw a little more."
NO_DIGIT = "That does not look like a digit."
NO_DIGITS = "No digits were found in this picture. Is it the right way up?"
DRAWING_TOO_FULL = "There is too much in this drawing to read. Please draw fewer digits at once."
PHOTO_TOO_FULL = (
    "There is too much in this picture to read. Please crop it to the digits, or to a part of them."
)


def read_ink(ink: np.ndarray, classifier: Classifier) -> Reading:
    """The ink of a drawing (H, W), floating point, 0 paper, 1 full ink -> Reading.

    Raises as `normalise`, and ValueError where the ink is too large.
    """
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
    found = None
    if width > SLIM * height:
        cropped = ink[y : y + height, x : x + width]
        if scale < 1:
            cropped = cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
        cropped = cropped / cropped.max()
        thin = thin_strokes(cropped, stroke_width(cropped >= SOLID))
        stroke = stroke_width(thin >= SOLID)
        components = find_components(thin, stroke)
        count = len(components.ids)
        may_be_several = width > SLIM_COMPONENT * height and whole.cost >= CONFIDENT_COST
        if count > 1 or (count and may_be_several):
            try:
                found = _read_components(components, components.ids, stroke, classifier, whole, drawn=True)
            except TooMuchWorkError:
                return Reading((), DRAWING_TOO_FULL)
    if found is None:
        found = [classifier.digit(whole)]
    boxes = [_unscaled(digit.box, scale, (height, width)) for digit in found]
    digits = tuple(
        replace(digit, box=(left + x, top + y, *sides))
        for digit, (left, top, *sides) in zip(found, boxes, strict=True)
    )
    return Reading(digits, _message(digits))


def read_photo(image: np.ndarray, classifier: Classifier) -> Reading:
    """A photo, uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA -> Reading, with its stages."""
    photo = ink_of_photo(image)
    components = find_components(photo.ink, photo.stroke)
    if not len(components.ids):
        message = EMPTY if image.min() == image.max() else NO_DIGITS
        return Reading((), message, _stages(photo, components))
    kept = remove_border_noise(components)
    try:
        found = _read_components(components, kept, photo.stroke, classifier, drawn=False)
    except TooMuchWorkError:
        return Reading((), PHOTO_TOO_FULL, _stages(photo, components))
    # After the cuts: of a component that was cut, its first part counts.
    kept_ink = components.areas[kept].sum() / components.areas[1:].sum()
    if len(found) == 1 and len(components.ids) >= CROWD and kept_ink < MIN_CROWD_INK:
        found = [found[0].rejected()]
    left, top = photo.corner
    digits = tuple(
        replace(digit, box=_unscaled((x + left, y + top, *sides), photo.scale, image.shape))
        for digit in found
        for x, y, *sides in [digit.box]
    )
    return Reading(digits, _message(digits), _stages(photo, components))


def _read_components(
    components: Components,
    ids: np.ndarray,
    stroke: float,
    classifier: Classifier,
    whole: Candidate | None = None,
    *,
    drawn: bool,
) -> list[Digit]:
    """The digits that these components are, in reading order, or all of them rejected as one sign.

    whole: the candidate of all components, where there is one already. drawn: whether this is a drawing,
    which is accepted or rejected as a whole; a photo of more than MAX_TOGETHER digits is, word by word.
    Raises TooMuchWorkError.
    """
    budget = WorkBudget(DRAWING_WORK if drawn else PHOTO_WORK)
    boxes = components.boxes[ids]
    height = typical_height(boxes, components.areas[ids])
    lines = [[int(ids[i]) for i in line] for line in find_lines(boxes, height)]
    groups = [(component_id,) for line in lines for component_id in line]
    budget.spend(len(groups), int(np.prod(boxes[:, 2:].astype(float), axis=1).sum()))
    singles = classify_groups(components, groups, classifier.logits)
    if len(singles) > FULL_PAGE and classifier.is_digit(list(singles.values())).mean() < MIN_PAGE_DIGITS:
        return []
    in_context = classifier.logits_in_context if classifier.context_model is not None else None
    words = segment(components, lines, singles, stroke, height, budget, classifier.logits, in_context)
    count = sum(len(word.candidates) for line in words for word in line)
    if drawn or count <= MAX_TOGETHER:
        if _is_number(words, components, height, drawn=drawn):
            return [
                digit for row, line in enumerate(words) for digit in _digits(line, row, count, classifier)
            ]
        if whole is None:
            group = tuple(
                component_id for line in words for word in line for component_id in word.component_ids
            )
            whole = classify_groups(components, [group], classifier.logits)[group]
        return [classifier.digit(whole)]
    found = []
    for row, line in enumerate(words):
        for word in line:
            digits = _digits([word], row, len(word.candidates), classifier)
            if not _is_number([[word]], components, height, drawn=drawn):
                digits = [digit.rejected() for digit in digits]
            found += digits
    accepted = sum(digit.digit is not None for digit in found)
    return found if accepted >= MIN_PAGE_READ * count else []


def _digits(words: list[Word], line: int, count: int, classifier: Classifier) -> list[Digit]:
    """The digits of words in a line; count: of all digits that are believed together."""
    prior = NEIGHBOUR_LOG_ODDS if count > 1 else 0.0
    return [classifier.digit(candidate, line, prior) for word in words for candidate in word.candidates]


def _is_number(lines: list[list[Word]], components: Components, height: float, *, drawn: bool) -> bool:
    """Are these candidates, taken together, a number, and not something else that was cut into parts?"""
    count = sum(len(word.candidates) for line in lines for word in line)
    if count < 2:
        # In a photo, a digit beside a dot or a dash; a drawing with one more dot is a letter, i or ?
        return count == 1 and not drawn
    evidence = evidence_of_number(lines, components.areas, height)
    return evidence.log_odds(DRAWING_WEIGHTS if drawn else PHOTO_WEIGHTS) >= 0


def _message(digits: tuple[Digit, ...]) -> str:
    """Why there is no answer; "" where there is one."""
    if any(found.digit is not None for found in digits):
        return ""
    if len(digits) != 1:
        return NO_DIGITS
    return BLOB if is_blob(digits[0].image) else NO_DIGIT


def _unscaled(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    """A box in a picture resized by `scale` -> in the picture itself, of shape (H, W, ...)."""
    x, y, width, height = (value / scale for value in box)
    left, top = int(x), int(y)
    right, bottom = min(shape[1], int(np.ceil(x + width))), min(shape[0], int(np.ceil(y + height)))
    return left, top, right - left, bottom - top


def _stages(photo: PhotoInk, components: Components) -> tuple[Stage, ...]:
    """The photo after each step, at the size that was worked on."""
    colours = np.random.default_rng(5).integers(30, 200, (len(components.boxes), 3), np.uint8)
    colours[0] = 255
    return (
        Stage("Grey", photo.grey),
        Stage("Light evened", np.uint8(255 - 255 * photo.contrast)),
        Stage("Ink", np.where(photo.found, np.uint8(0), np.uint8(255))),
        Stage("Lines removed", np.uint8(255 - 255 * photo.ink)),
        Stage("Pieces", colours[components.labels]),
    )

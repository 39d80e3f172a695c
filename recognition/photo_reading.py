"""A photo -> Reading: upright if that makes sense, else without its edges or pale ink, or turned."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from recognition.cells import read_cells
from recognition.classifier import Classifier
from recognition.components import Components, find_components, remove_border_noise
from recognition.grid import find_grid
from recognition.limits import PHOTO_WORK, TooMuchWorkError, WorkBudget
from recognition.photo import PhotoInk, firmer, ink_of_photo, turned_clockwise, without_edges, without_pale
from recognition.pipeline import EMPTY, NO_DIGITS, message_of, read_components, unscaled
from recognition.reading import Digit, Reading, Separator, Stage

CROWD = 7  # components of a photo from which a lone digit needs MIN_CROWD_INK, or it is part of a picture
MIN_CROWD_INK = 0.5  # least share of the ink in the components that are not noise at the border
CLEAR_SENSE = 0.97  # sense of a photo from which it is upright without a doubt
DOUBTFUL_SENSE = 0.5  # sense below which it is read without its edges, too, and lying on either side
GOOD_SENSE, BETTER_SENSE = 0.85, 0.05  # least sense of a turned photo, and by how much it must make more
LEAST_LEFT, LEAST_HIGH = 0.4, 0.4  # shares of a crop's ink and height that is read of it, at least
MIN_PHOTO = 200  # pixels of the shorter side below which a picture was cut out to be read, and stands upright
ATTEMPT_WORK = 2000  # work for what every attempt does: components, lines, a grid
MIN_TURNED = 3  # least digits of a turned photo: a single sign may be a letter that lies on its side

PHOTO_TOO_FULL = (
    "There is too much in this picture to read. Please crop it to the digits, or to a part of them."
)


def read_photo(image: np.ndarray, classifier: Classifier, *, may_turn: bool = True) -> Reading:
    """A photo, uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA -> Reading, with its stages.

    Where that makes no sense, the photo is read again without what lies along its edges and without pale ink,
    and then turned; the reading that makes most sense is taken, and says by how much the photo was turned:
    its boxes are in the photo as it is then. may_turn: False where whoever asks knows which way up it is.
    """
    budget = WorkBudget(PHOTO_WORK)  # for all attempts together
    photo = ink_of_photo(image)
    reading = _read(photo, image.shape, classifier, budget)
    if reading.message in (EMPTY, PHOTO_TOO_FULL):
        return reading
    is_crop = min(image.shape[:2]) < MIN_PHOTO
    for simpler in _simpler(photo, reading) if not is_crop or _sense(reading) < DOUBTFUL_SENSE else ():
        again = _read(simpler, image.shape, classifier, budget)
        if _sense(again) >= GOOD_SENSE and not (is_crop and _is_a_rest(again, simpler, photo)):
            photo, reading = simpler, again
            break
    if (
        not may_turn
        or is_crop
        or (len(reading.digits) == 1 and _sense(reading) >= DOUBTFUL_SENSE)
        or _sense(reading) >= CLEAR_SENSE
    ):
        return reading
    # What lies on its side makes no sense at all; a page upside down may make some. One line of digits makes
    # some either way up, and was written upright.
    is_page = len({digit.line for digit in reading.digits}) > 1
    quarters = (1, 3, 2) if _sense(reading) < DOUBTFUL_SENSE else (2,) if is_page else ()
    turned = (
        _read(turned_clockwise(photo, turns, image.shape), image.shape, classifier, budget, turns)
        for turns in quarters
    )
    best = max(turned, key=_sense, default=reading)
    accepted = sum(digit.digit is not None for digit in best.digits)
    # Digits upside down look like others, and a hasty hand makes little sense: then all must be clear.
    needed = GOOD_SENSE if _sense(reading) < DOUBTFUL_SENSE else CLEAR_SENSE
    if accepted >= MIN_TURNED and _sense(best) >= max(needed, _sense(reading) + BETTER_SENSE):
        return best
    return reading


def _simpler(photo: PhotoInk, reading: Reading) -> Iterator[PhotoInk]:
    """The photo without what may have kept it from being read: what lies along its edges, pale ink, and what
    hangs together with ink but is hardly any.
    """
    if photo.edges.any() and len(reading.digits) <= 1:
        photo = without_edges(photo)
        yield photo
    elif _sense(reading) >= DOUBTFUL_SENSE:
        return
    for change in (without_pale, firmer):
        changed = change(photo)
        if changed is not None:
            yield changed


def _read(
    photo: PhotoInk, shape: tuple[int, ...], classifier: Classifier, budget: WorkBudget, quarters: int = 0
) -> Reading:
    """The ink of a photo, turned clockwise by so many quarters; shape: of the photo before it was turned."""
    size = shape[:2] if quarters % 2 == 0 else shape[1::-1]
    components = find_components(photo.ink, photo.stroke)

    def reading(symbols: Sequence[Digit | Separator], message: str = "", **table: tuple[int, int]) -> Reading:
        left, top = photo.corner
        placed = tuple(
            replace(symbol, box=unscaled((x + left, y + top, *sides), photo.scale, size))
            for symbol in symbols
            for x, y, *sides in [symbol.box]
        )
        text = message or message_of(placed)
        return Reading(placed, text, _stages(photo, components), turned=90 * quarters, **table)

    try:
        budget.spend(ATTEMPT_WORK)
        grid = find_grid(photo.found, photo.stroke)
        cells = read_cells(photo, grid, classifier, budget) if grid is not None else None
        if cells is not None:
            return reading(cells, cells=(grid.rows, grid.columns))
        if not len(components.ids):
            return reading([], EMPTY if photo.grey.min() == photo.grey.max() else NO_DIGITS)
        kept = remove_border_noise(components)
        found = read_components(components, kept, photo.stroke, classifier, budget, drawn=False)
    except TooMuchWorkError:
        return reading([], PHOTO_TOO_FULL)
    # After the cuts: of a component that was cut, its first part counts.
    kept_ink = components.areas[kept].sum() / components.areas[1:].sum()
    if len(found) == 1 and len(components.ids) >= CROWD and kept_ink < MIN_CROWD_INK:
        found = [found[0].rejected()]
    return reading(found)


def _is_a_rest(reading: Reading, simpler: PhotoInk, photo: PhotoInk) -> bool:
    """Whether this is of little beside a photo: a scrap whose digit went with the edge that it touched."""
    highest = max(digit.box[3] for digit in reading.digits) * photo.scale
    return np.sum(simpler.found) < LEAST_LEFT * np.sum(photo.found) or highest < LEAST_HIGH * len(photo.found)


def _sense(reading: Reading) -> float:
    """0 to 1: the mean confidence of all signs, those that were rejected counting 0."""
    if not reading.digits:
        return 0.0
    return float(np.mean([digit.confidence * (digit.digit is not None) for digit in reading.digits]))


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

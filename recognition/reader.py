"""The one door to reading: ink + network -> Reading. The page, the command line and programs all use it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from cnn import Sequential, fold_batch_norm, load_model, log_odds
from recognition.calibration import Calibration
from recognition.components import SOLID, Box, Pieces, find_pieces, thinned, without_scraps
from recognition.context import IN_PLACE, digit_logits
from recognition.drawing import check_picture, ink_of_drawing
from recognition.lines import find_lines, typical_height
from recognition.normalise import bounding_box, normalise, to_input
from recognition.numerals import DRAWN, PHOTOGRAPHED, evidence_of_number
from recognition.photo import PhotoInk, ink_of_photo, stroke_width
from recognition.segment import SURE, Candidate, Word, judged, segment

WEIGHTS = Path(__file__).parent.parent / "weights"
SHIPPED = {name: WEIGHTS / f"{name}.npz" for name in ("digits", "seed")}
DEFAULT_NETWORK = "digits"  # the one that reads best
DEFAULT_WEIGHTS = SHIPPED[DEFAULT_NETWORK]
ROW_JUDGE = WEIGHTS / "rows.npz"  # of the network that sees a candidate among others
BATCH = 256  # pictures the network is shown at a time
# Log odds from the threshold on within which the row judge is asked of a sign that stands alone, too. What a
# network was taught (`training.finetune`) it is surer of, and nobody else has a say in that.
DOUBT = (-2.0, 2.5)

# A tap of the pen is a filled disc: as wide as high, and nearly all of its box is ink. No digit is both.
BLOB_ASPECT = 1.6  # longest over shortest side, at most
BLOB_FILL = 0.72  # share of the box that is ink, at least: a disc fills 0.79

SLIM, SLIM_PIECE = 0.4, 0.6  # width over height up to which a drawing, and one of one piece, is one digit

FEW = 6  # so many digits or fewer are believed together even where wide gaps part them
NEIGHBOURS = 5.0  # log odds that a piece gains where it is part of a number
CROWD, LEAST_OF_CROWD = 7, 0.5  # of so many pieces a lone digit has this share, or it is in a picture
FULL_PAGE, LEAST_ALONE = 100, 0.2  # of more pieces this share must be digits, or none is cut or joined
LEAST_READ = 0.6  # share of a full page that must be digits: otherwise it is a page of text

EMPTY = "Nothing is drawn: the picture is all one colour."
BLOB = "That is a blot, not a digit: draw a little more."
NO_DIGIT = "That does not look like a digit. The bars show what comes nearest."
NO_DIGITS = "No digits were found in this picture. Is it the right way up?"


@dataclass(frozen=True)
class Digit:
    """One piece of ink and what the network makes of it."""

    box: tuple[int, int, int, int]  # (x, y, width, height) in pixels of the picture
    image: np.ndarray  # (28, 28) uint8: what the network sees
    probs: np.ndarray  # (10,) float32, softmax, sums to 1
    digit: int | None  # 0 to 9, or None for ink that is no digit
    confidence: float  # 0 to 1: the largest probability
    line: int = 0  # which line of the picture it stands in, from the top


@dataclass(frozen=True)
class Stage:
    """What a photo looks like after one step of its reading."""

    name: str
    picture: np.ndarray  # uint8, (H, W) or (H, W, 3)


@dataclass(frozen=True)
class Reading:
    """What was read, line by line from the top, each from the left."""

    digits: tuple[Digit, ...]
    message: str = ""  # for a person: why there is no answer; "" where there is one
    stages: tuple[Stage, ...] = ()  # of a photo, in the order they were made

    @property
    def text(self) -> str:
        """ "7", "42"; "" for an empty canvas; "?" stands for ink that is no digit."""
        lines: dict[int, str] = {}
        for found in self.digits:
            lines[found.line] = lines.get(found.line, "") + ("?" if found.digit is None else str(found.digit))
        return "\n".join(lines.values())

    def to_json(self) -> dict:
        """Plain lists and numbers, the JSON of the page's endpoints."""
        return {
            "text": self.text,
            "message": self.message,
            "digits": [
                {
                    "digit": found.digit,
                    "confidence": round(found.confidence, 4),
                    "probs": [round(float(p), 4) for p in found.probs],
                    "box": list(found.box),
                    "line": found.line,
                }
                for found in self.digits
            ],
        }


class Reader:
    """Reads pictures of digits with one network. Safe to share between threads.

    Where there are several pieces of ink, a second network, the row judge, which is the same for all readers,
    has half a say; and where the first is in doubt whether something is a digit at all, half a say in that.
    But it tells what is no digit, so a network that never refuses reads alone.

    weights: an `.npz` written by `cnn.save_model`, or None for the best network shipped. Raises
    FileNotFoundError or cnn.ModelFileError, saying what is wrong with the file.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        self.weights = Path(weights or DEFAULT_WEIGHTS)
        checkpoint = load_model(self.weights)
        self.model: Sequential = fold_batch_norm(checkpoint.model)
        self.calibration = Calibration.of(checkpoint)
        self.row_judge = None if self.calibration.threshold is None else load_row_judge(ROW_JUDGE)

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: object) -> "Reader":
        """With a network of the Hugging Face Hub, "user/model": `HubReader.from_pretrained`."""
        from recognition.hub import HubReader  # slow to import, and seldom wanted

        return HubReader.from_pretrained(name, **options)

    def push_to_hub(self, repo_id: str, **options: object) -> str:
        """Puts its network onto the Hugging Face Hub: `HubReader.push_to_hub`."""
        from recognition.hub import HubReader

        return HubReader(self.weights).push_to_hub(repo_id, **options)

    def read_drawing(self, image: np.ndarray) -> Reading:
        """A drawing -> Reading.

        image: uint8; (H, W, 4) pen on transparent or plain paper, (H, W, 3) RGB, or (H, W) grey. Raises
        TypeError or ValueError, saying what was expected, for anything else.
        """
        return self.read_ink(ink_of_drawing(image))

    def read_photo(self, image: np.ndarray) -> Reading:
        """A photo or scan of digits, one or many, in one line or several -> Reading, with its stages.

        Arguments and errors as for `read_drawing`; the ink may be dark on light or light on dark.
        """
        check_picture(image, "a photo")
        photo = ink_of_photo(image)
        pieces = find_pieces(photo.ink, photo.stroke)
        if not len(pieces.numbers):
            return Reading((), EMPTY if image.min() == image.max() else NO_DIGITS, _stages(photo, pieces))
        kept = without_scraps(pieces)
        found = self._find(pieces, kept, photo.stroke)
        share = pieces.areas[kept].sum() / pieces.areas[1:].sum()
        if len(found) == 1 and len(pieces.numbers) >= CROWD and share < LEAST_OF_CROWD:
            found = [replace(found[0], digit=None)]
        digits = tuple(replace(digit, box=_in_photo(digit.box, photo, image)) for digit in found)
        return Reading(digits, _message(digits), _stages(photo, pieces))

    def odds_of_digit(self, images: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Log odds that pictures which stand alone are digits: (N,).

        images (N, 28, 28) uint8, normalised; logits (N, 10) that the network makes of them. Where these leave
        it in doubt the row judge has half a say.
        """
        odds = log_odds(logits)
        if self.row_judge is not None:
            low, high = (self.calibration.threshold + doubt for doubt in DOUBT)
            asked = np.flatnonzero((low <= odds) & (odds < high))
            if len(asked):
                alone = np.stack([images[asked], np.zeros_like(images[asked])], axis=-1)
                odds[asked] = log_odds((logits[asked] + self._logits_in_place(alone)) / 2)
        return odds

    def read_ink(self, ink: np.ndarray) -> Reading:
        """Ink (H, W), floating point, 0 paper, 1 full ink -> Reading. Raises as `normalise` does."""
        box = bounding_box(ink)
        if box is None:
            return Reading((), EMPTY)
        x, y, width, height = box
        image = normalise(ink)
        whole = Candidate((), (0, 0, width, height), image, self._logits(image[None])[0])
        found = None
        if width > SLIM * height:
            cropped = ink[y : y + height, x : x + width] / ink.max()
            thin = thinned(cropped, stroke_width(cropped >= SOLID))
            stroke = stroke_width(thin >= SOLID)
            pieces = find_pieces(thin, stroke)
            might_be_cut = width > SLIM_PIECE * height and whole.cost >= SURE
            if len(pieces.numbers) > 1 or (len(pieces.numbers) and might_be_cut):
                found = self._find(pieces, pieces.numbers, stroke, whole)
        if found is None:
            found = [self._digit(whole)]
        digits = tuple(
            replace(digit, box=(digit.box[0] + x, digit.box[1] + y, *digit.box[2:])) for digit in found
        )
        return Reading(digits, _message(digits))

    def _find(
        self, pieces: Pieces, numbers: np.ndarray, stroke: float, whole: Candidate | None = None
    ) -> list[Digit]:
        """The digits that these pieces are, in reading order, or the whole of them as one.

        whole: all of them, where it has been judged before.
        """
        boxes = pieces.boxes[numbers]
        height = typical_height(boxes, pieces.areas[numbers])
        rows = [[int(numbers[i]) for i in line] for line in find_lines(boxes, height)]
        alone = judged(pieces, [(number,) for row in rows for number in row], self._logits)
        if len(alone) > FULL_PAGE and self._accepted(list(alone.values())).mean() < LEAST_ALONE:
            return []
        row_judge = self.row_judge and self._logits_in_place
        lines = segment(pieces, rows, alone, stroke, height, self._logits, row_judge)
        count = sum(len(word.candidates) for line in lines for word in line)
        drawn = whole is not None
        if drawn or count <= FEW:
            if not self._are_digits(pieces, lines, height, drawn):
                if whole is None:
                    run = tuple(number for line in lines for word in line for number in word.numbers)
                    whole = judged(pieces, [run], self._logits)[run]
                return [self._digit(whole)]
            prior = NEIGHBOURS if count > 1 else 0.0
            return [
                self._digit(candidate, row, prior)
                for row, line in enumerate(lines)
                for word in line
                for candidate in word.candidates
            ]
        found = [
            digit
            for row, line in enumerate(lines)
            for word in line
            for digit in self._digits_of(pieces, word, row, height)
        ]
        read = sum(digit.digit is not None for digit in found)
        return found if read >= LEAST_READ * count else []

    def _digits_of(self, pieces: Pieces, word: Word, line: int, height: float) -> list[Digit]:
        """The digits of a word in a photo; all refused where it is none of digits."""
        if not self._are_digits(pieces, [[word]], height, drawn=False):
            return [replace(self._digit(found, line), digit=None) for found in word.candidates]
        prior = NEIGHBOURS if len(word.candidates) > 1 else 0.0
        return [self._digit(found, line, prior) for found in word.candidates]

    def _are_digits(self, pieces: Pieces, lines: list[list[Word]], height: float, drawn: bool) -> bool:
        """Are these, taken together, digits, and not something else that has been cut into pieces?"""
        count = sum(len(word.candidates) for line in lines for word in line)
        if count < 2:
            # In a photo beside a dot or a dash; a drawing of a dot more is a letter, i or ?
            return count == 1 and not drawn
        evidence = evidence_of_number(lines, pieces.areas, height)
        return evidence.weighed(DRAWN if drawn else PHOTOGRAPHED) >= 0

    def _accepted(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """Which of them pass as digits, each alone: (N,) bool."""
        return self.calibration.is_digit(np.stack([candidate.logits for candidate in candidates]))

    def _logits(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28) uint8 -> (N, 10) logits."""
        return _predict(self.model, images)

    def _logits_in_place(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28, 2) uint8 -> (N, 10) logits of the row judge, of the digits alone."""
        return digit_logits(_predict(self.row_judge, images))

    def _digit(self, found: Candidate, line: int = 0, prior: float = 0.0) -> Digit:
        """prior: log odds in favour of a digit that its neighbours give it."""
        logits = found.logits[None]
        probs = self.calibration.probs(logits)[0]
        odds = log_odds(logits) + prior if found.in_place else self.odds_of_digit(found.image[None], logits)
        is_digit = self.calibration.accepts(odds)[0] and not _is_blob(found.image)
        digit = int(probs.argmax()) if is_digit else None
        return Digit(found.box, found.image, probs, digit, float(probs.max()), line)


@cache
def load_row_judge(path: Path) -> Sequential:
    """The row judge, ready to read with: the same object every time. Raises as `cnn.load_model`."""
    return fold_batch_norm(load_model(path, IN_PLACE).model)


def _predict(model: Sequential, images: np.ndarray) -> np.ndarray:
    """Pictures (N, ...) uint8 -> (N, K) logits, in batches."""
    batches = range(0, len(images), BATCH)
    return np.concatenate([model.predict(to_input(images[i : i + BATCH])) for i in batches])


def _is_blob(image: np.ndarray) -> bool:
    """image: (28, 28) uint8, normalised."""
    solid = image >= 128  # the soft rim of a small dot would count for much of its box
    x, y, width, height = bounding_box(solid.astype(np.float32))
    fill = solid[y : y + height, x : x + width].mean()
    return max(width, height) <= BLOB_ASPECT * min(width, height) and fill >= BLOB_FILL


def _message(digits: tuple[Digit, ...]) -> str:
    """Why there is no answer; "" where there is one."""
    if any(found.digit is not None for found in digits):
        return ""
    if len(digits) != 1:
        return NO_DIGITS
    return BLOB if _is_blob(digits[0].image) else NO_DIGIT


def _in_photo(box: Box, photo: PhotoInk, image: np.ndarray) -> Box:
    """A box in the ink of a photo -> in the photo."""
    x, y, width, height = box
    x, y = x + photo.corner[0], y + photo.corner[1]
    x, y, width, height = (value / photo.scale for value in (x, y, width, height))
    left, top = int(x), int(y)
    right, bottom = (
        min(image.shape[1], int(np.ceil(x + width))),
        min(image.shape[0], int(np.ceil(y + height))),
    )
    return left, top, right - left, bottom - top


def _stages(photo: PhotoInk, pieces: Pieces) -> tuple[Stage, ...]:
    """What the photo looked like on the way, at the size that was worked on."""
    colours = np.random.default_rng(5).integers(30, 200, (len(pieces.boxes), 3), np.uint8)
    colours[0] = 255
    return (
        Stage("Grey", photo.grey),
        Stage("Light evened", np.uint8(255 - 255 * photo.contrast)),
        Stage("Ink", np.where(photo.found, np.uint8(0), np.uint8(255))),
        Stage("Lines removed", np.uint8(255 - 255 * photo.ink)),
        Stage("Pieces", colours[pieces.labels]),
    )

"""Digits, separators and letters in rows, and the candidates that the reader finds in them.

One person with one pen writes a row, on the pad or on paper. The row falls into components and is cut as the
reader does it (`recognition.segment`), and since it is known whose ink every part is, so is what each
candidate is: a digit, a separator, or two of them, a fragment, a digit with a scrap of its neighbour, a part
of a word.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from recognition.components import SOLID, Components, find_components, thin_strokes
from recognition.context import SEPARATORS, with_context
from recognition.cuts import find_cuts
from recognition.lines import find_lines, typical_height
from recognition.normalise import SIZE
from recognition.photo import stroke_width
from recognition.segment import Group, candidate_groups, is_large, split_into_words
from training.handwriting import Sample
from training.handwriting.people import Person, line_of_digits
from training.synthesis.non_digits import cursive, non_digit_strokes
from training.synthesis.signs import letters, signs
from training.synthesis.strokes import Pen, check_request, thickness_near, width_of
from training.synthesis.writer import (
    LIGATURE_SAG,
    NON_DIGIT,
    Sign,
    Uniform,
    Writer,
    in_a_row,
    linked,
)

UNCLEAR = 99  # the label of what is neither a digit or separator nor clearly something else

WHOLE, BROKEN = (
    0.88,
    0.75,
)  # least shares of a sign's ink and of its own to be that sign; and to be none
NEARLY_BEST, FAR_FROM_BEST = 0.06, 0.14  # by which these may lie below the best candidate for the sign
ANOTHER = 0.5  # share of another sign's ink from which a candidate is two

DIGITS, MARKS, OF_WORDS = 0.4, 0.13, 0.24  # shares of the candidates: digits, separators, parts of words
MOST_OF_A_WORD = 8  # candidates taken of one

CUT_ONE, CUT = 0.35, 0.9  # share of components that are cut, of those that are one digit, and of others
HEIGHT = (36, 90)  # pixels of a digit
ALONE = 0.12  # share of plain numbers that are one digit, perhaps in several components
TWO_LINES = 0.12  # share of rows that have another below
SEPARATED = 0.5  # share of numbers with separators: dates, prices, telephone numbers, times
AS_WRITTEN = 0.5  # share of rows that are as a real person set them, of those whose rows there are
SPECKS = 0.06  # share of rows with specks
ROUND = 0.15  # share of numbers without separators that end in zeros
LINKED_ZEROS = 0.5  # share of these whose zeros, if there are several, are written without lifting the pen
LIKE_DIGITS = set("OoIiLlSsZzbqgB")  # a word of these alone might be a number
LONE = [letters()[name] for name in "iAT"]  # no digits, where they are in several components
COMMON = "eeeeetttaaaooinnsshhrrdlucmfwypvbgk" + "jxz"  # letters, about as often as in English; there is no Q


def number_text(u: Uniform) -> str:
    """What people write with digits and separators: a date, a price, a telephone number, a time."""

    def digits(least: int, most: int) -> str:
        return "".join(str(int(u(0, 10))) for _ in range(int(u(least, most + 1))))

    kind = u()
    if kind < 0.28:  # a date, or a fraction
        mark = "/" if u() < 0.5 else "-" if u() < 0.6 else "."
        parts = [digits(1, 2), digits(1, 2), digits(2, 2) if u() < 0.7 else digits(4, 4)]
        return mark.join(parts if u() < 0.7 else parts[:2])
    if kind < 0.53:  # a telephone or part number
        mark = "-" if u() < 0.7 else "." if u() < 0.5 else "/"
        return mark.join(digits(1, 5) if u() < 0.4 else digits(3, 4) for _ in range(int(u(2, 4.3))))
    if kind < 0.73:  # a price or a decimal
        point = "." if u() < 0.5 else ","
        return digits(1, 4) + point + (digits(2, 2) if u() < 0.7 else digits(1, 6))
    if kind < 0.83:  # thousands
        comma = "," if u() < 0.7 else "."
        return digits(1, 3) + comma + digits(3, 3) + (comma + digits(3, 3) if u() < 0.2 else "")
    if kind < 0.92:
        return ":".join([digits(1, 2), digits(2, 2), digits(2, 2)][: 2 + (u() < 0.3)])
    return "-" + digits(1, 4) + ("." + digits(1, 2) if u() < 0.2 else "")


def row_of_digits(writer: Writer) -> list[Sign]:
    """A number, now and then with separators in it or a letter beside it."""
    u = writer.u
    if writer.person and writer.person.rows and u() < AS_WRITTEN:
        rows = writer.person.rows
        return row_as_written(writer, rows[writer.rng.integers(len(rows))])
    if u() < SEPARATED:
        text = number_text(u)
    else:
        count = 1 if u() < ALONE else int(u(2, 6) if u() < 0.75 else u(6, 9.3))
        text = "".join(str(name) for name in writer.rng.integers(10, size=count))
    linked_zeros = 0
    if text.isdigit() and u() < ROUND:
        zeros = min(len(text), int(u(1, 4)))
        text = text[: len(text) - zeros] + "0" * zeros
        linked_zeros = zeros if zeros > 1 and u() < LINKED_ZEROS else 0
        text = text[: len(text) - linked_zeros]
    row = [writer.separator(name) if name in SEPARATORS else writer.digit(int(name)) for name in text]
    row += [writer.zero_in_ligature() for _ in range(linked_zeros)]
    if u() < 0.04:
        name = COMMON[int(u(0, len(COMMON)))]
        row.insert(0 if u() < 0.5 else len(row), writer.letter(name.upper() if u() < 0.5 else name))
    row = in_a_row(row, writer, writer.gap, writer.uneven)
    if not linked_zeros:
        return linked(row, writer, writer.links)
    return linked(row[:-linked_zeros], writer, writer.links) + linked(
        row[-linked_zeros:], writer, 1.0, LIGATURE_SAG
    )


def row_as_written(writer: Writer, sample: Sample) -> list[Sign]:
    """A string that a person has written, with its own sizes and gaps."""
    strokes = writer.hand.rewrite(list(sample.strokes))
    signs_of = []
    for place, character in enumerate(sample.label):
        own = [stroke for stroke, of in zip(strokes, sample.characters, strict=True) if of == place]
        if own:
            label = 10 + SEPARATORS.index(character) if character in SEPARATORS else int(character)
            signs_of.append(Sign(label, own))
    top, bottom = line_of_digits(sample, strokes)
    scale = 1 / (bottom - top)
    return [
        Sign(sign.label, [(stroke - (0.0, bottom)) * scale + (0.0, 1.0) for stroke in sign.strokes])
        for sign in signs_of
    ]


def specks_among(row: list[Sign], writer: Writer) -> list[Sign]:
    """Dots that nobody wrote, but none where a full stop would stand."""
    points = np.concatenate([sign.points for sign in row])
    left, right = points[:, 0].min(), points[:, 0].max()
    specks = []
    for _ in range(int(writer.u(1, 4))):
        x, y = writer.u(left - 0.3, right + 0.3), writer.u(-0.4, 0.75)
        specks.append(Sign(NON_DIGIT, [np.array([[x, y], [x + writer.u(0, 0.05), y + writer.u(0, 0.05)]])]))
    return specks


def row_of_letters(writer: Writer) -> list[Sign]:
    """A word, printed or joined, in some script; or a doodle or letter that falls into components."""
    u, kind = writer.u, writer.u()
    if writer.person and writer.person.words and u() < 0.6:
        words = writer.person.words
        word = writer.hand.rewrite(words[writer.rng.integers(len(words))])
        return [Sign(NON_DIGIT, word).moved(0.0, 0.0, u(0.8, 1.8))]
    if kind < 0.22:
        return [Sign(NON_DIGIT, non_digit_strokes(writer.rng))]
    if kind < 0.34:
        choices = signs() if u() < 0.75 else LONE[int(u(0, len(LONE)))]
        return [writer.written(choices[int(u(0, len(choices)))])]
    if kind < 0.42:
        return [writer.written(cursive(u))]
    if kind < 0.5:
        row = [writer.written(signs()[int(u(0, len(signs())))]) for _ in range(int(u(2, 7)))]
        return in_a_row(row, writer, max(writer.gap, -0.05), writer.uneven)
    text = ""
    while not set(text) - LIKE_DIGITS:
        count = int(u(2, 6.3) if u() < 0.7 else u(6, 11))
        text = "".join(COMMON[int(u(0, len(COMMON)))] for _ in range(count))
        case = u()
        text = text.upper() if case < 0.3 else text.capitalize() if case < 0.55 else text
    row = [writer.letter(name) for name in text]
    if u() < 0.45:
        return linked(in_a_row(row, writer, u(0.0, 0.25), 0.04), writer, u(0.5, 1.0))
    return in_a_row(row, writer, u(-0.08, 0.3) if u() < 0.8 else u(0.3, 0.9), writer.uneven)


def _ink_of(row: list[Sign], writer: Writer) -> tuple[np.ndarray, np.ndarray]:
    """The row as it looks: ink (H, W) float32; and which pixels are each sign's, (n, H, W) bool."""
    rng = writer.rng
    height = rng.uniform(*HEIGHT)
    thickness = thickness_near(writer.pen * height)
    height = width_of(thickness) / writer.pen
    points = np.concatenate([sign.points for sign in row])
    low, margin = points.min(0), thickness + 4
    size = np.ceil((points.max(0) - low) * height).astype(int) + 2 * margin
    layers = np.zeros((len(row), size[1], size[0]), np.uint8)
    pen = Pen(thickness, rng)
    thicker = round((writer.pen - 0.12) * height / 2 * rng.uniform(0.4, 1))
    for layer, sign in zip(layers, row, strict=True):
        if sign.image is None:
            pen.draw(layer, [(stroke - low) * height + margin for stroke in sign.strokes])
        else:
            _print(layer, sign.image, (sign.strokes[0][:2] - low) * height + margin, thicker)
    ink = layers.max(0).astype(np.float32) / 255
    return ink, layers > 64


def _print(layer: np.ndarray, image: np.ndarray, corners: np.ndarray, thicker: int) -> None:
    """Puts a picture (h, w) uint8 into its box, its strokes thicker by twice so many pixels, or thinner."""
    (x, y), (right, bottom) = np.rint(corners).astype(int)
    size = max(1, right - x), max(1, bottom - y)
    layer[y : y + size[1], x : x + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    if thicker:
        side = 2 * min(abs(thicker), 4) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        if thicker > 0:
            layer[...] = cv2.dilate(layer, kernel)
        else:
            thin = cv2.erode(layer, np.ones((2, 2), np.uint8))
            if np.count_nonzero(thin >= 128) > 0.4 * np.count_nonzero(layer >= 128):
                layer[...] = thin


def ink_as_read(row: list[Sign], writer: Writer) -> tuple[np.ndarray, np.ndarray]:
    """The same as the reader sees it: from a photo, or from the pad and with its strokes thinned."""
    ink, owned = _ink_of(row, writer)
    on_paper = writer.rng.random() < 0.5
    ink = _photographed(ink, writer.rng) if on_paper else thin_strokes(ink, stroke_width(ink >= SOLID))
    return ink, owned


def _photographed(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurred, faint in places, rough at its edges, and made sharp again, as `recognition.photo` does."""
    high, wide = ink.shape
    ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.5, 1.6))
    if rng.random() < 0.4:
        field = rng.normal(size=(max(2, high // 12), max(2, wide // 12))).astype(np.float32)
        field = cv2.resize(field, (wide, high), interpolation=cv2.INTER_CUBIC)
        ink = ink * np.clip(1 + rng.uniform(0.1, 0.35) * field, 0.2, 1.1)
    if rng.random() < 0.4:
        rough = cv2.GaussianBlur(rng.normal(size=ink.shape).astype(np.float32), (0, 0), 0.8)
        ink = ink + rng.uniform(0.1, 0.5) * rough * (ink > 0.1)
    sharp = rng.uniform(1, 2.5)
    return np.clip((ink - 0.5) * sharp + 0.5, 0, 1) * (ink > 0.12)


def candidates_of(
    row: list[Sign], writer: Writer
) -> tuple[Components, list[tuple[int, ...]], np.ndarray, float]:
    """Every candidate that the reader would look at in a row, and its label.

    Returns the row's components, the numbers of each candidate's, labels (N,): 0 to 9, 10 + its place in
    SEPARATORS, NON_DIGIT, or UNCLEAR; and the height of a digit, pixels. No candidate where the row is one
    piece and not cut.
    """
    rng = writer.rng
    ink, owned = ink_as_read(row, writer)
    solid = ink >= SOLID
    stroke = stroke_width(solid)
    components = find_components(ink, stroke)
    if not len(components.ids):
        return components, [], np.zeros(0, int), 0.0
    of_words = all(sign.label == NON_DIGIT for sign in row)
    before = _shares(components, owned, solid)
    boxes = components.boxes[1:]
    height = typical_height(boxes, components.areas[1:])
    runs = []
    for line in find_lines(boxes, height):
        for word in split_into_words(components, [i + 1 for i in line], height):
            parts = []
            for number in word:
                is_one = not of_words and before[:-1, number].max() > 0.9 * before[-1, number]
                cuts = []
                if is_large(components.boxes[number], height) and rng.random() < (CUT_ONE if is_one else CUT):
                    least_height = min(components.boxes[number, 3], 1.3 * height)
                    cuts = find_cuts(components, number, stroke, least_height)
                parts += components.split(number, cuts)
            runs += candidate_groups(components, parts, height)
    if len(components.ids) < 2:
        return components, [], np.zeros(0, int), height
    return components, runs, _labels(row, _shares(components, owned, solid), runs), height


def _shares(components: Components, owned: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Pixels of each component that are each sign's ink, in the last row anybody's: (n + 1, components)."""
    count = len(components.boxes)
    rows = [np.bincount(components.labels[mask & solid], minlength=count) for mask in (*owned, owned.any(0))]
    return np.array(rows, float)


def _labels(row: list[Sign], shares: np.ndarray, runs: list[Group]) -> np.ndarray:
    """What each candidate is, as `candidates_of` says it."""
    of_run = np.stack([shares[:, list(run)].sum(1) for run in runs])  # (N, n + 1)
    mine = of_run[:, :-1]
    whole = shares[:-1].sum(1)  # what fell away as a speck is its sign's, too
    quality = np.minimum(mine / np.maximum(whole, 1), mine / np.maximum(of_run[:, -1:], 1))
    is_read = np.array([sign.label != NON_DIGIT for sign in row])
    quality[:, ~is_read] = 0
    sign = quality.argmax(1)
    own, best = quality.max(1), quality.max(0)[sign]
    labels = np.array([each.label for each in row])[sign]
    # A full stop has little ink, and a digit joined with it is still not that digit alone.
    is_two = np.count_nonzero(is_read & (mine >= ANOTHER * np.maximum(whole, 1)), axis=1) > 1
    right = (own >= WHOLE) & (own >= best - NEARLY_BEST) & ~is_two
    wrong = (own < BROKEN) | (own < best - FAR_FROM_BEST) | is_two
    return np.where(right, labels, np.where(wrong, NON_DIGIT, UNCLEAR))


def check_digits(images: np.ndarray, labels: np.ndarray) -> None:
    """Raise ValueError unless these are pictures of all ten digits that rows can be made of."""
    if images.shape != (len(labels), SIZE, SIZE) or images.dtype != np.uint8 or set(range(10)) - set(labels):
        raise ValueError(
            f"rows need (N, 28, 28) uint8 pictures of all ten digits, got {images.shape} {images.dtype} of "
            f"{sorted({int(label) for label in labels})}"
        )


def synthesise_rows(
    count: int,
    rng: np.random.Generator,
    images: np.ndarray,
    labels: np.ndarray,
    people: Sequence[Person] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of rows in their surroundings (count, 28, 28, 2) uint8, with labels (count,) int8.

    A label is 0 to 9, 10 + its place in SEPARATORS, or -1 for none of these. images (N, 28, 28) uint8,
    labels (N,): digits that some of the rows are made of; people: who writes some of the others. DIGITS of
    the candidates are digits, MARKS separators, OF_WORDS from rows without any. Raises ValueError or
    TypeError for other arguments.
    """
    check_request(count, rng)
    check_digits(images, labels)
    wanted = {
        "digit": round(DIGITS * count),
        "mark": round(MARKS * count),
        "word": round(OF_WORDS * count),
    }
    wanted["none"] = count - sum(wanted.values())
    found: dict[str, list[tuple[np.ndarray, int]]] = {kind: [] for kind in wanted}
    while any(len(found[kind]) < wanted[kind] for kind in wanted):
        writer = Writer(rng, images, labels, people)
        of_words = len(found["word"]) * wanted["digit"] < len(found["digit"]) * wanted["word"]
        row = row_of_letters(writer) if of_words else row_of_digits(writer)
        if not of_words and rng.random() < TWO_LINES:
            down = rng.uniform(1.3, 2.2)
            row += [sign.moved(rng.uniform(-0.2, 0.2), down) for sign in row_of_digits(writer)]
        if rng.random() < SPECKS:
            row += specks_among(row, writer)
        components, runs, of_runs, height = candidates_of(row, writer)
        digits = np.flatnonzero((of_runs >= 0) & (of_runs < 10))
        marks = np.flatnonzero((of_runs >= 10) & (of_runs < UNCLEAR))
        others = np.flatnonzero(of_runs == NON_DIGIT)
        of_digits = round(len(digits) * wanted["none"] / max(wanted["digit"], 1) + rng.random())
        most = MOST_OF_A_WORD if of_words else of_digits
        others = rng.permutation(others)[:most]
        for kind, chosen in (("digit", digits), ("mark", marks), ("word" if of_words else "none", others)):
            missing = wanted[kind] - len(found[kind])
            found[kind] += [
                (with_context(components, runs[i], height), int(of_runs[i])) for i in chosen[:missing]
            ]
    mixed = [pair for pairs in found.values() for pair in pairs]
    mixed = [mixed[i] for i in rng.permutation(count)]
    pictures = np.array([picture for picture, _ in mixed], np.uint8).reshape(-1, SIZE, SIZE, 2)
    return pictures, np.array([label for _, label in mixed], np.int8)

"""Digits and letters in rows, and the candidates that the reader finds in them, each in its surroundings.

One hand with one pen writes a row, on the pad or on paper. The row falls into pieces and is cut as the
reader does it (`recognition.segment`), and since it is known whose ink every part is, so is what each
candidate is: a digit, or two of them, a fragment, a digit with a scrap of its neighbour, a part of a word.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.components import SOLID, Components, find_components, thin_strokes
from recognition.context import with_context
from recognition.cuts import find_cuts
from recognition.lines import find_lines, typical_height
from recognition.normalise import BOX, SIZE, bounding_box
from recognition.photo import stroke_width
from recognition.segment import candidate_groups, is_large, split_into_words
from training.synthesis.digits import DESIGNS, SHARES
from training.synthesis.non_digits import cursive, non_digit_strokes
from training.synthesis.signs import letters, signs
from training.synthesis.strokes import Design, Hand, Pen, Strokes, check_request, thickness_near, width_of

NONE = -1  # the label of what is no digit

WHOLE, BROKEN = 0.88, 0.75  # least shares of a digit's ink and of its own for a digit; below which it is none
NEARLY_BEST, FAR_FROM_BEST = 0.06, 0.14  # by which these may lie below the best candidate for the same digit

DIGITS = 0.45  # share of the candidates that are digits
OF_WORDS = 0.5  # share of the others that are not from rows of digits
MOST_OF_A_WORD = 8  # candidates taken of one

CUT_ONE, CUT = 0.35, 0.9  # share of pieces that are cut, of those that are one digit, and of others
HEIGHT = (36, 90)  # pixels of a digit
ALONE = 0.12  # share of rows that are one digit, perhaps in several pieces
TWO_LINES = 0.12  # share of rows that have another below
PRINTED = 0.3  # share of rows whose digits are MNIST's, and the same share has some of these
THICK, THICKEST = 0.3, 0.4  # share of rows written with a pen that is thick for them, and how thick, heights
HOOKED = 0.2  # share of writers whose 1 ends in a hook: among digits it is one, alone it may be an l or a 6
LINKED_ZEROS = 0.4  # share of round amounts whose zeros are written without lifting the pen
LIKE_DIGITS = set("OoIiLlSsZzbqgB")  # a word of these alone might be a number
LONE = [letters()[name] for name in "iAT"]  # no digits, where they stand in pieces
COMMON = "eeeeetttaaaooinnsshhrrdlucmfwypvbgk" + "jxz"  # letters, about as often as in English; there is no Q

Uniform = Callable[..., float]


@dataclass(frozen=True)
class Sign:
    """A digit, letter or mark in its place. Coordinates in heights of a digit, y down, 1 the line."""

    label: int
    strokes: Strokes
    image: np.ndarray | None = None  # (h, w) uint8: a picture, with strokes of its box and its ink

    def moved(self, x: float, y: float, scale: float | np.ndarray = 1.0, turn: float = 0.0) -> "Sign":
        """Scaled and turned (degrees; pictures are not turned) about the middle of the line, then moved."""
        foot = np.array([0.0, 1.0])
        angle = np.deg2rad(0.0 if self.image is not None else turn)
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        strokes = [((stroke - foot) * scale) @ matrix + foot + (x, y) for stroke in self.strokes]
        return Sign(self.label, strokes, self.image)

    @property
    def points(self) -> np.ndarray:
        """(n, 2), of all strokes."""
        return np.concatenate(self.strokes)


class Writer:
    """One person on one occasion: a hand, a pen, habits."""

    def __init__(self, rng: np.random.Generator, images: np.ndarray, labels: np.ndarray) -> None:
        """images (N, 28, 28) uint8, labels (N,): digits that the writer uses now and then."""
        self.rng, self.u = rng, rng.uniform
        self.images, self.labels = images, labels
        self.hand = Hand(rng)
        self.unsteady = self.u(0.01, 0.14)  # in height, as a share
        self.off_line = self.u(0.0, 0.07)
        self.slope = rng.normal(scale=0.06)
        self.designs: dict[object, Callable | Design] = {}
        self.habits: dict[object, tuple[float, float]] = {}  # how high a sign is, and how far raised
        kind = self.u()
        self.printed = 1.0 if kind < PRINTED else self.u(0.2, 0.8) if kind < 2 * PRINTED else 0.0
        # Digits that some write smaller than the others.
        self.small = {label: self.u(0.4, 0.85) for label in (0, 1) if self.u() < 0.12}
        self.links = self.u(0.2, 0.9) if self.u() < 0.25 else 0.0  # share of neighbours that the pen links
        thick = self.u() < THICK
        self.pen = (
            self.u(0.16, THICKEST) if thick else float(np.exp(rng.normal(np.log(0.11), 0.4)).clip(0.035, 0.3))
        )
        kind = self.u()
        if kind < 0.35:  # touching
            self.gap, self.uneven = self.u(-0.2, 0.05), self.u(0.02, 0.1)
        elif kind < 0.85:
            self.gap, self.uneven = self.u(0.03, 0.5), self.u(0.02, 0.15)
        else:
            self.gap, self.uneven = self.u(0.4, 1.4), self.u(0.05, 0.3)

    def digit(self, label: int) -> Sign:
        """A digit at the beginning of the line."""
        scale, raised = self._habit(label)
        if label in self.small:
            scale *= self.small[label]
            raised += (1 - self.small[label]) * self.u(0, 0.6)
        if self.u() < self.printed:
            sign = self._printed(label)
        else:
            if label not in self.designs:
                at = int(np.searchsorted(SHARES[label][:-1], self.u() * SHARES[label][-1]))
                hooked = label == 1 and self.u() < HOOKED
                self.designs[label] = one_hooked if hooked else DESIGNS[label][at][0]
            sign = self.written(self.designs[label](self.u), label)
        return self._placed(sign, scale, raised)

    def letter(self, name: str) -> Sign:
        if name not in self.designs:
            ways = letters()[name]
            self.designs[name] = ways[int(self.u(0, len(ways)))]
        scale, raised = self._habit(name)
        return self._placed(self.written(self.designs[name]), scale, raised / 2)

    def written(self, design: Design, label: int = NONE) -> Sign:
        return Sign(label, [stroke + 0.5 for stroke in self.hand(design)])

    def _habit(self, name: object) -> tuple[float, float]:
        if name not in self.habits:
            self.habits[name] = np.exp(self.rng.normal(scale=self.unsteady)), self.rng.normal(scale=0.04)
        return self.habits[name]

    def _placed(self, sign: Sign, scale: float, raised: float) -> Sign:
        """With what varies from one sign to the next."""
        stretch = np.exp(self.rng.normal(scale=(0.5 * self.unsteady, 0.5 * self.unsteady)))
        y = self.rng.normal(scale=self.off_line) - raised
        return sign.moved(0.0, y, scale * stretch, self.rng.normal(scale=3))

    def _printed(self, label: int) -> Sign:
        image = None
        while image is None:  # a few of each label are enough to look at
            at = self.rng.integers(len(self.labels), size=40)
            at = at[self.labels[at] == label]
            image = self.images[at[0]] if len(at) else None
        x, y, wide, high = bounding_box(image.astype(np.float32))
        cropped = image[y : y + high, x : x + wide]
        rows, columns = np.nonzero(cropped >= 128)
        points = np.stack([columns + 0.5, rows + 0.5], 1)
        corners = np.array([[0, 0], [wide, high]], float)
        points = np.concatenate([corners, points]) / BOX
        points[:, 1] += 1 - high / BOX
        return Sign(label, [points], cropped)


def in_a_row(row: list[Sign], writer: Writer, gap: float, uneven: float) -> list[Sign]:
    """Signs one after the other on a sloping line, `gap` heights apart where they come closest."""
    placed: list[Sign] = []
    for sign in row:
        if placed:
            last = placed[-1]
            x = _distance(last, sign) + gap + writer.pen + writer.rng.normal(scale=uneven)
            middle = (last.points[:, 0].min() + last.points[:, 0].max()) / 2
            own = (sign.points[:, 0].min() + sign.points[:, 0].max()) / 2
            x = max(x, middle - own + 0.2)  # not on top of each other
        else:
            x = -sign.points[:, 0].min()
        placed.append(sign.moved(x, writer.slope * x))
    return placed


def _distance(left: Sign, right: Sign) -> float:
    """How far the right sign has to be moved until the two touch somewhere."""
    levels = 12
    sides = []
    for sign, way in ((left, 1), (right, -1)):
        points = _dense(sign)
        level = np.clip(np.rint((points[:, 1] + 0.3) * levels / 1.6).astype(int), 0, levels)
        reach = np.full(levels + 3, -9.0)
        np.maximum.at(reach, level + 1, way * points[:, 0])
        sides.append(np.maximum(reach[1:-1], np.maximum(reach[:-2], reach[2:]) - 0.03))
    overlap = float((sides[0] + sides[1]).max())
    if overlap > -5:
        return overlap
    return float(left.points[:, 0].max() - right.points[:, 0].min())


def _dense(sign: Sign) -> np.ndarray:
    """Its points, and more between those far from each other: (n, 2)."""
    if sign.image is not None:
        return sign.points[2:]
    steps = np.linspace(0, 1, 5)[:-1, None]
    dense = [
        (stroke[:-1, None] * (1 - steps) + stroke[1:, None] * steps).reshape(-1, 2) for stroke in sign.strokes
    ]
    return np.concatenate([*dense, *(stroke[-1:] for stroke in sign.strokes)])


def linked(row: list[Sign], writer: Writer, share: float) -> list[Sign]:
    """The pen runs on from a sign to the next, or only begins to: each has its half of the link."""
    signs = list(row)
    for i in range(len(signs) - 1):
        left, right = signs[i], signs[i + 1]
        if left.image is not None or right.image is not None or writer.u() >= share:
            continue
        start, end = left.strokes[-1][-1], right.strokes[0][0]
        sag = writer.u(-0.05, 0.2) * np.hypot(*(end - start))
        way = np.linspace(0, 1, 9)[:, None]
        path = start * (1 - way) + end * way + np.array([0, 1]) * sag * 4 * way * (1 - way)
        reach = 9 if writer.u() < 0.75 else int(writer.u(3, 7))
        out = np.concatenate([left.strokes[-1], path[1 : min(reach, 5)]])
        signs[i] = Sign(left.label, [*left.strokes[:-1], out])
        if reach > 5:
            into = np.concatenate([path[4:-1], right.strokes[0]])
            signs[i + 1] = Sign(right.label, [into, *right.strokes[1:]])
    return signs


def row_of_digits(writer: Writer) -> list[Sign]:
    """One to nine digits, now and then with a mark among them or a letter beside them."""
    u = writer.u
    count = 1 if u() < ALONE else int(u(2, 6) if u() < 0.75 else u(6, 9.3))
    names = writer.rng.integers(10, size=count)
    links = writer.links
    if u() < 0.12:  # round amounts
        names[-int(u(1, 4)) :] = 0
        links = max(links, 0.8) if u() < LINKED_ZEROS else links
    row = [writer.digit(int(name)) for name in names]
    if u() < 0.15:
        for _ in range(int(u(1, 3))):
            row.insert(int(u(1, len(row) + 1)), _mark(writer))
    if u() < 0.04:
        name = COMMON[int(u(0, len(COMMON)))]
        row.insert(0 if u() < 0.5 else len(row), writer.letter(name.upper() if u() < 0.5 else name))
    return linked(in_a_row(row, writer, writer.gap, writer.uneven), writer, links)


def one_hooked(u: Uniform) -> Design:
    """A 1 that the pen leaves at its foot with a hook to the right."""
    lean, x, y, reach = u(-0.1, 0.35), u(-0.03, 0.03), u(0.88, 1.0), u(0.08, 0.3)
    stem = [(lean, 0), (lean / 2 + u(-0.03, 0.03), 0.5), (x, y)]
    return [[*stem, (x + 0.4 * reach, 1.0), (x + reach, y - u(0.0, 0.2))]]


def _mark(writer: Writer) -> Sign:
    """A full stop, comma, dash or colon."""
    u, kind = writer.u, writer.u()
    if kind < 0.45:
        x, y = u(0.9, 1.05), u(0.0, 0.04)
        design = [[(0, x), (y, x + y)]]
    elif kind < 0.6:
        design = [[(0.05, 0.92), (0.06, 1.0), (u(-0.05, 0.02), u(1.1, 1.25))]]
    elif kind < 0.9:
        y = u(0.4, 0.65)
        design = [[(0, y), (u(0.15, 0.5), y + u(-0.08, 0.08))]]
    else:
        design = [[(0, 0.35), (0.01, 0.36)], [(0, 0.85), (0.01, 0.86)]]
    return writer.written(design)


def row_of_letters(writer: Writer) -> list[Sign]:
    """A word, printed or joined, in some script; or a doodle or letter that falls into components."""
    u, kind = writer.u, writer.u()
    if kind < 0.22:
        return [Sign(NONE, non_digit_strokes(writer.rng))]
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


def candidates_of(row: list[Sign], writer: Writer) -> tuple[Components, list[tuple[int, ...]], np.ndarray]:
    """Every candidate that the reader would look at in a row, and its label; no label where it is unclear.

    Returns the row's components, the ids of each candidate's, and labels (N,): 0 to 9, NONE, or 99 where it
    is neither. No candidate where the row is one component and not cut.
    """
    rng = writer.rng
    ink, owned = _ink_of(row, writer)
    on_paper = rng.random() < 0.5
    ink = _photographed(ink, rng) if on_paper else thin_strokes(ink, stroke_width(ink >= SOLID))
    solid = ink >= SOLID
    stroke = stroke_width(solid)
    components = find_components(ink, stroke)
    if not len(components.ids):
        return components, [], np.zeros(0, int)
    of_words = all(sign.label == NONE for sign in row)
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
        return components, [], np.zeros(0, int)
    return components, runs, _labels(row, _shares(components, owned, solid), runs)


def _shares(components: Components, owned: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Pixels of each component that are each sign's ink, in the last row anybody's: (n + 1, components)."""
    count = len(components.boxes)
    rows = [np.bincount(components.labels[mask & solid], minlength=count) for mask in (*owned, owned.any(0))]
    return np.array(rows, float)


def _labels(row: list[Sign], shares: np.ndarray, runs: list[tuple[int, ...]]) -> np.ndarray:
    """What each candidate is: 0 to 9, NONE, or 99 where it is not clear."""
    of_run = np.stack([shares[:, list(run)].sum(1) for run in runs])  # (N, n + 1)
    mine = of_run[:, :-1]
    whole = shares[:-1].sum(1)  # what fell away as a speck is its sign's, too
    quality = np.minimum(mine / np.maximum(whole, 1), mine / np.maximum(of_run[:, -1:], 1))
    is_digit = np.array([sign.label != NONE for sign in row])
    quality[:, ~is_digit] = 0
    sign = quality.argmax(1)
    own, best = quality.max(1), quality.max(0)[sign]
    labels = np.array([each.label for each in row])[sign]
    right = (own >= WHOLE) & (own >= best - NEARLY_BEST)
    wrong = (own < BROKEN) | (own < best - FAR_FROM_BEST)
    return np.where(right, labels, np.where(wrong, NONE, 99))


def synthesise_rows(
    count: int, rng: np.random.Generator, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of rows in their surroundings (count, 28, 28, 2) uint8, with labels (count,) int8, -1 none.

    images (N, 28, 28) uint8, labels (N,): digits that some of the rows are made of. DIGITS of the candidates
    are digits; OF_WORDS of the others are from rows without any. Raises ValueError or TypeError for other
    arguments.
    """
    check_request(count, rng)
    if images.shape != (len(labels), SIZE, SIZE) or images.dtype != np.uint8 or set(range(10)) - set(labels):
        raise ValueError(
            f"rows need (N, 28, 28) uint8 pictures of all ten digits, got {images.shape} {images.dtype} of "
            f"{sorted({int(label) for label in labels})}"
        )
    wanted = {
        "digit": round(DIGITS * count),
        "word": round((1 - DIGITS) * OF_WORDS * count),
    }
    wanted["none"] = count - sum(wanted.values())
    found: dict[str, list[tuple[np.ndarray, int]]] = {kind: [] for kind in wanted}
    while any(len(found[kind]) < wanted[kind] for kind in wanted):
        writer = Writer(rng, images, labels)
        of_words = len(found["word"]) * wanted["digit"] < len(found["digit"]) * wanted["word"]
        row = row_of_letters(writer) if of_words else row_of_digits(writer)
        if not of_words and rng.random() < TWO_LINES:
            down = rng.uniform(1.3, 2.2)
            row += [sign.moved(rng.uniform(-0.2, 0.2), down) for sign in row_of_digits(writer)]
        components, runs, of_runs = candidates_of(row, writer)
        digits, others = np.flatnonzero((of_runs >= 0) & (of_runs < 10)), np.flatnonzero(of_runs == NONE)
        of_digits = round(len(digits) * wanted["none"] / wanted["digit"] + rng.random())
        most = MOST_OF_A_WORD if of_words else of_digits
        others = rng.permutation(others)[:most]
        for kind, chosen in (("digit", digits), ("word" if of_words else "none", others)):
            found[kind] += [(with_context(components, runs[i]), int(of_runs[i])) for i in chosen]
    mixed = [pair for kind, most in wanted.items() for pair in found[kind][:most]]
    mixed = [mixed[i] for i in rng.permutation(count)]
    pictures = np.array([picture for picture, _ in mixed], np.uint8).reshape(-1, SIZE, SIZE, 2)
    return pictures, np.array([label for _, label in mixed], np.int8)

"""One person on one occasion writes digits, letters and separators, and sets them in a row.

The person is made up (a hand, a pen, a style for each sign), or is one of `training.handwriting.people`,
whose own digits, letters and separators are used as far as there are any.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recognition.context import SEPARATORS
from recognition.normalise import BOX, bounding_box
from training.handwriting.people import Person
from training.synthesis.digits import DESIGNS, SHARES
from training.synthesis.signs import letters
from training.synthesis.strokes import REAL_WILD, Design, Hand, Strokes, Uniform, arc

NON_DIGIT = -1  # the label of what is neither a digit nor a separator

REAL, OWN = 0.5, 0.9  # share of writers who are real people, and of their signs that are their own
PRINTED = 0.3  # share of rows whose digits are MNIST's, and the same share has some of these
ROW_WRITERS = 0.4  # share of real writers who are taken from those whose numbers there are
THICK, THICKEST = 0.4, 0.45  # share of rows written with a pen that is thick for them, and how thick, heights
HOOKED = 0.2  # share of writers whose 1 ends in a hook: among digits it is one, alone it may be an l or a 6
UPRIGHT = 0.3  # share of writers whose slashes hardly lean
# How far the pen's way from a sign to the next sags or, below 0, rises, in distances between them.
LINK_SAG, LIGATURE_SAG = (-0.05, 0.2), (-0.2, 0.05)


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

    def __init__(
        self,
        rng: np.random.Generator,
        images: np.ndarray,
        labels: np.ndarray,
        people: Sequence[Person] = (),
    ) -> None:
        """images (N, 28, 28) uint8, labels (N,): digits that the writer uses now and then; people: who the
        writer may be.
        """
        self.rng, self.u = rng, rng.uniform
        self.images, self.labels = images, labels
        self.person = None
        if people and self.u() < REAL:
            with_rows = [person for person in people if person.rows]
            pool = with_rows if with_rows and self.u() < ROW_WRITERS else people
            self.person = pool[rng.integers(len(pool))]
        self.hand = Hand(rng, REAL_WILD if self.person else 1.0)
        self.unsteady = self.u(0.01, 0.14)  # in height, as a share
        self.off_line = self.u(0.0, 0.07)
        self.slope = rng.normal(scale=0.06)
        self.designs: dict[object, Callable | Design] = {}
        self.habits: dict[object, tuple[float, float]] = {}  # how high a sign is, and how far raised
        kind = self.u()
        self.printed = 1.0 if kind < PRINTED else self.u(0.2, 0.8) if kind < 2 * PRINTED else 0.0
        if self.person:
            self.printed = 0.0
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
        own = self._own(self.person.digits if self.person else {}, label)
        if own is not None:
            sign = Sign(label, _standing(own, 0.0, 1.0))
        elif self.u() < self.printed:
            sign = self._printed(label)
        else:
            if label not in self.designs:
                at = int(np.searchsorted(SHARES[label][:-1], self.u() * SHARES[label][-1]))
                hooked = label == 1 and self.u() < HOOKED
                self.designs[label] = one_hooked if hooked else DESIGNS[label][at][0]
            sign = self.written(self.designs[label](self.u), label)
        return self._placed(sign, scale, raised)

    def zero_in_ligature(self) -> Sign:
        """A 0 of several that the pen writes in one go: from its top right round to its top again."""
        return self._placed(self.written(_round_from_top_right(self.u), 0), *self._habit(0))

    def letter(self, name: str) -> Sign:
        if name not in self.designs:
            ways = letters()[name]
            self.designs[name] = ways[int(self.u(0, len(ways)))]
        scale, raised = self._habit(name)
        own = self._own(self.person.signs if self.person else {}, name)
        if own is None:
            sign = self.written(self.designs[name])
        else:  # the archive has letters without their sizes: as high and as deep as in the design
            depths = [point[1] for stroke in self.designs[name] for point in stroke]
            sign = Sign(NON_DIGIT, _standing(own, min(depths), max(depths)))
        return self._placed(sign, scale, raised / 2)

    def separator(self, name: str) -> Sign:
        """One of SEPARATORS."""
        label = 10 + SEPARATORS.index(name)
        scale, raised = self._habit(name)
        in_place = self._own(self.person.marks if self.person else {}, name)
        if in_place is not None:
            return self._placed(Sign(label, in_place), scale, raised / 2)
        own = self._own(self.person.signs if self.person else {}, name)
        if name not in self.designs:
            self.designs[name] = _separator_box(name, self.u)
        top, bottom, width = self.designs[name]
        if own is not None and name in "-/,":  # dots, without their size, are any ticks
            strokes = _standing(own, top, bottom)
            if name == "-":
                strokes = _across(own, (top + bottom) / 2, width)
            sign = Sign(label, strokes)
        else:
            sign = self.written(_separator(name, top, bottom, width, self.u), label)
        return self._placed(sign, scale, raised / 2)

    def _own(self, written: dict, name: int | str) -> Strokes | None:
        """How the person wrote this sign some time, as the hand writes it now; None where it is not known."""
        ways = written.get(name)
        if not ways or self.u() >= OWN:
            return None
        return self.hand.rewrite(ways[self.rng.integers(len(ways))])

    def written(self, design: Design, label: int = NON_DIGIT) -> Sign:
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


def _standing(strokes: Strokes, top: float, bottom: float) -> Strokes:
    """Strokes, as high as wanted, between these depths below the top of a digit; 0 at the left."""
    low, high = _corners(strokes)
    scale = (bottom - top) / max(high[1] - low[1], 0.3 * (high[0] - low[0]), 1e-3)
    middle = (top + bottom) / 2
    return [(stroke - (low[0], (low[1] + high[1]) / 2)) * scale + (0.0, middle) for stroke in strokes]


def _across(strokes: Strokes, y: float, width: float) -> Strokes:
    """Strokes, as wide as wanted, around this depth; 0 at the left."""
    low, high = _corners(strokes)
    scale = width / max(high[0] - low[0], 0.5 * (high[1] - low[1]), 1e-3)
    return [(stroke - (low[0], (low[1] + high[1]) / 2)) * scale + (0.0, y) for stroke in strokes]


def _corners(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate(strokes)
    return points.min(0), points.max(0)


def _separator_box(name: str, u: Uniform) -> tuple[float, float, float]:
    """A writer's habit: how deep the top and bottom of a separator lie, and how wide it is, heights."""
    if name == "-":
        y = u(0.4, 0.68)
        return y - 0.03, y + 0.03, u(0.12, 0.6)
    if name == "/":
        return u(-0.3, 0.08), u(0.92, 1.35), u(0.0, 0.12) if u() < UPRIGHT else u(0.12, 0.8)
    if name == ".":
        y = u(0.88, 1.05)
        return y, y + u(0.0, 0.06), u(0.0, 0.06)
    if name == ",":
        return u(0.82, 0.98), u(1.08, 1.38), u(0.02, 0.2)
    return u(0.25, 0.5), u(0.8, 1.0), u(0.0, 0.04)


def _separator(name: str, top: float, bottom: float, width: float, u: Uniform) -> Design:
    if name == "-":
        y = (top + bottom) / 2
        if u() < 0.25:  # a wave
            return [[(0, y + 0.03), (0.3 * width, y - 0.03), (0.7 * width, y + 0.03), (width, y - 0.02)]]
        return [[(0, y + u(-0.04, 0.04)), (width, y + u(-0.06, 0.06))]]
    if name == "/":
        line = [(width, top), (width / 2 + u(-0.04, 0.04), (top + bottom) / 2), (0, bottom)]
        return [line if u() < 0.6 else line[::-1]]
    if name == ".":
        if u() < 0.2:  # a small ring that fills
            r = u(0.02, 0.05)
            return [[(0, top), (r, top + r), (2 * r, top), (r, top - r), (0, top)]]
        return [[(0, top), (width, bottom)]]
    if name == ",":
        bow = u(0.0, 0.12)
        return [[(width, top), (width + bow, (top + bottom) / 2 - 0.03), (0, bottom)]]
    return [[(0, y), (width, y + u(0.0, 0.05))] for y in (top, bottom)]


def _round_from_top_right(u: Uniform) -> Design:
    """A 0 that may stay open: the pen comes along its top from the left, and leaves along it again."""
    width, start, end = u(0.22, 0.42), u(-85, -15), -360 + u(-110, -10)
    return [arc(width, 0.5, width, 0.5, start, end - start, u(0.9, 1.1))]


def one_hooked(u: Uniform) -> Design:
    """A 1 that the pen leaves at its foot with a hook to the right."""
    lean, x, y, reach = u(-0.1, 0.35), u(-0.03, 0.03), u(0.88, 1.0), u(0.08, 0.3)
    stem = [(lean, 0), (lean / 2 + u(-0.03, 0.03), 0.5), (x, y)]
    return [[*stem, (x + 0.4 * reach, 1.0), (x + reach, y - u(0.0, 0.2))]]


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


def linked(row: list[Sign], writer: Writer, share: float, sags: tuple[float, float] = LINK_SAG) -> list[Sign]:
    """The pen runs on from a sign to the next, or only begins to: each has its half of the link."""
    signs = list(row)
    for i in range(len(signs) - 1):
        left, right = signs[i], signs[i + 1]
        if left.image is not None or right.image is not None or writer.u() >= share:
            continue
        start, end = left.strokes[-1][-1], right.strokes[0][0]
        sag = writer.u(*sags) * np.hypot(*(end - start))
        way = np.linspace(0, 1, 9)[:, None]
        path = start * (1 - way) + end * way + np.array([0, 1]) * sag * 4 * way * (1 - way)
        reach = 9 if writer.u() < 0.75 else int(writer.u(3, 7))
        out = np.concatenate([left.strokes[-1], path[1 : min(reach, 5)]])
        signs[i] = Sign(left.label, [*left.strokes[:-1], out])
        if reach > 5:
            into = np.concatenate([path[4:-1], right.strokes[0]])
            signs[i + 1] = Sign(right.label, [into, *right.strokes[1:]])
    return signs

"""Pen strokes -> ink -> a 28x28 picture: the hand and the pen that all synthesis shares.

A design is a list of control points in a box of height 1 (x right, y down). `trace` connects them by a smooth
path, `Hand` distorts that path as one person's hand would on one occasion, and `draw_strokes` inks it.
"""

from collections.abc import Callable

import cv2
import numpy as np

from recognition.normalise import normalise

CORNER = 1.0  # third coordinate of a control point at which the pen stops and turns
CURVE_POINTS = 6  # points per piece of a curve between two control points
CURVE_POWERS = (np.arange(CURVE_POINTS) / CURVE_POINTS)[:, None] ** np.arange(4)
# Cubic Hermite basis: position and tangent at both ends of a piece -> the points on it.
HERMITE = CURVE_POWERS @ np.array([[1, 0, 0, 0], [0, 0, 1, 0], [-3, 3, -2, -1], [2, -2, 1, 1]], float)
SHEET_SIDE = 72  # approximate side of a sheet, pixels: several per pixel of the 20x20 that it is resampled to
SHIFT = 4  # cv2 draws at 1/16 pixel
GRIDS = 0.06  # share of hands that write on a tablet with a coarse grid
REAL_WILD = 0.6  # how far strokes of real people are bent, which are already somebody's, against 1
SCANNED, SCANNED_SIDE = 0.15, (9, 30)  # share of pictures from coarse scans, and their longer side, pixels
NARROW = 0.1  # share of hands that write tall and narrow, as in East Asia and on forms

Strokes = list[np.ndarray]
Design = list[list[tuple]]  # control points (x, y) or (x, y, CORNER), a list a stroke
Uniform = Callable[..., float]  # of a generator: u() from 0 to 1, u(low, high) between
Designs = list[tuple[Callable[[Uniform], Design], float]]  # (design, share) each


def arc(
    x: float, y: float, rx: float, ry: float, start: float, sweep: float, end_scale: float = 1.0
) -> list[tuple[float, float]]:
    """Control points on an ellipse: from angle `start`, through `sweep`, degrees (0 right, 90 down).

    (x, y) centre, (rx, ry) radii; the radii shrink or grow evenly to `end_scale` times as much at the end.
    """
    count = max(3, round(abs(sweep) / 50) + 1)
    share = np.linspace(0, 1, count)
    angle = np.deg2rad(start + sweep * share)
    radius = 1 + (end_scale - 1) * share
    return list(zip(x + rx * radius * np.cos(angle), y + ry * radius * np.sin(angle), strict=True))


def trace(points: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The smooth path through control points (K, 2), broken where corner (K,) is true: (n, 2).

    A cubic Hermite spline with the tangents of the parabola through each three neighbours, by centripetal
    length, so that it neither overshoots nor loops between close points: Catmull and Rom 1974; Yuksel,
    Schaefer, Keyser, "Parameterization and applications of Catmull-Rom curves", 2011.
    """
    if len(points) < 3:
        return points
    chord = np.diff(points, axis=0)
    h = np.sqrt(np.sqrt((chord * chord).sum(1)) + 1e-9)[:, None]
    slope = chord / h
    middle = (h[1:] * slope[:-1] + h[:-1] * slope[1:]) / (h[1:] + h[:-1])
    stop = corner[1:-1, None]
    leave = np.concatenate([slope[:1], np.where(stop, slope[1:], middle)])
    arrive = np.concatenate([np.where(stop, slope[:-1], middle), slope[-1:]])
    # At a corner or an end the path keeps the curvature of the piece: straight if its other end is free too.
    free_start, free_end = corner[:-1, None].copy(), corner[1:, None].copy()
    free_start[0] = free_end[-1] = True
    leave_bent = np.where(free_start & ~free_end, 1.5 * slope - 0.5 * arrive, leave)
    arrive_bent = np.where(free_end & ~free_start, 1.5 * slope - 0.5 * leave, arrive)
    pieces = np.stack([points[:-1], points[1:], leave_bent * h, arrive_bent * h], axis=1)
    return np.concatenate([(HERMITE @ pieces).reshape(-1, 2), points[-1:]])


class Hand:
    """One hand on one occasion: how it slants, stretches, trembles and hurries. Call it on a design."""

    def __init__(self, rng: np.random.Generator, wild: float = 1.0) -> None:
        """wild: 0 draws the design as written, 1 as people do."""
        self.rng = rng
        slant, turn, stretch, taper, sway, bow = rng.normal(size=6) * wild
        self.jitter = wild * rng.uniform(0.005, 0.045)  # of a control point, heights
        self.tremor = wild * max(0.0, rng.uniform(-0.01, 0.014))  # amplitude, heights
        self.coarse = rng.random() < 0.25 * wild  # few samples a stroke: slow tablets give polygons
        self.grid = rng.uniform(0.04, 0.11) if rng.random() < GRIDS * wild else 0.0  # heights
        self.stairs = rng.random() < 0.5  # some coarse tablets report one coordinate after the other
        self.wide = np.exp(0.26 * stretch + 0.04 * wild)
        if rng.random() < NARROW * wild:
            self.wide *= rng.uniform(0.45, 0.8)
        angle = np.deg2rad(5 * turn)
        shear = np.array([[1, -0.2 * slant - 0.08 * wild], [0, 1]])
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self.matrix = (rotation @ shear @ np.diag([self.wide, 1.0])).T
        self.taper, self.sway, self.bow = 0.12 * taper, 0.05 * sway, 0.05 * bow

    def __call__(self, design: list[list[tuple]]) -> Strokes:
        """Control points, a list of (x, y) or (x, y, CORNER) a stroke -> paths, a list of (n, 2)."""
        paths = []
        spread = max(1.0, max(abs(2 * point[0] - 1) for stroke in design for point in stroke))
        for stroke in design:
            points = np.array([point[:2] for point in stroke], float)
            corner = np.array([len(point) == 3 for point in stroke])
            points += self.rng.normal(scale=self.jitter, size=points.shape)
            path = trace(points, corner)
            if self.coarse and len(path) > 8:
                keep = self.rng.integers(3, 6)
                path = np.concatenate([path[:-1:keep], path[-1:]])
            path = self._bent(path - 0.5, spread)
            paths.append(self._on_grid(path) if self.grid else path)
        return paths

    def rewrite(self, strokes: Strokes) -> Strokes:
        """What somebody has written, paths (n, 2) in heights, as this hand would have written it."""
        points = np.concatenate(strokes)
        low, high = points.min(0), points.max(0)
        middle = (low + high) / 2
        spread = max(1.0, float(high[0] - low[0]))
        paths = [self._bent(stroke - middle, spread) + middle for stroke in strokes]
        return [self._on_grid(path) if self.grid else path for path in paths]

    def _bent(self, path: np.ndarray, spread: float) -> np.ndarray:
        """A path about 0 as this hand bends it; spread: at least 1, the width of all, heights.

        The box becomes a trapezium (taper) with bent sides (bow) and bent lines of writing (sway).
        """
        x, y = path[:, 0] / spread, path[:, 1]
        bent = spread * x * (1 + self.taper * 2 * y) + self.bow * 4 * y * y
        path = np.stack([bent, y + self.sway * 4 * x * x], 1) @ self.matrix
        return path + self._tremble(path) if self.tremor else path

    def _on_grid(self, path: np.ndarray) -> np.ndarray:
        """The path as a coarse tablet reports it: from one point of its grid to the next."""
        points = np.round(path / self.grid) * self.grid
        if self.stairs:
            corners = np.stack([points[1:, 0], points[:-1, 1]], 1)
            points = np.concatenate([points[:1], np.stack([corners, points[1:]], 1).reshape(-1, 2)])
        return points

    def _tremble(self, path: np.ndarray) -> np.ndarray:
        """Smooth noise along the path: three sine waves of its length in each direction."""
        step = np.diff(path, axis=0, prepend=path[:1])
        length = np.cumsum(np.sqrt((step * step).sum(1)))
        wave = self.rng.uniform(6, 30, 3)
        phase = self.rng.uniform(0, 2 * np.pi, (2, 3))
        return self.tremor * np.sin(length[:, None, None] * wave + phase).sum(2)


def draw_strokes(strokes: Strokes, pen: float, rng: np.random.Generator | None = None) -> np.ndarray:
    """Strokes -> ink (H, W) float32, 0 paper, 1 full ink, on a sheet just large enough.

    strokes: list of (n, 2), n >= 1, x right, y down, any unit; pen: its width as a share of the longest side
    of the strokes, 0.01 to 0.5; rng: where given, the pen may also be a chisel, be pressed unevenly or blot.
    Raises ValueError.
    """
    shapes = [np.shape(stroke) for stroke in strokes]
    if not shapes or any(len(shape) != 2 or shape[0] < 1 or shape[1] != 2 for shape in shapes):
        raise ValueError(f"strokes must be arrays (n, 2) with n at least 1, got {shapes}")
    if not 0.01 <= pen <= 0.5:
        raise ValueError(f"pen must be 0.01 to 0.5 of the drawing's longest side, got {pen:g}")
    points = np.concatenate(strokes)
    if not np.isfinite(points).all():
        raise ValueError("strokes must be finite, got NaN or infinity")
    low = points.min(0)
    extent = max(float((points.max(0) - low).max()), 1e-6)
    # cv2's smooth lines come in few widths: 1.4 pixels, and then 2 more for every second thickness.
    # So one is chosen that makes the sheet about `SHEET_SIDE` pixels, and the scale follows from the pen.
    thickness = thickness_near(pen * SHEET_SIDE)
    width = width_of(thickness)
    scale = width / pen / extent
    margin = thickness + 2
    columns, rows = np.ceil((points.max(0) - low) * scale).astype(int) + 2 * margin
    sheet = np.zeros((rows, columns), np.uint8)
    Pen(thickness, rng).draw(sheet, [(stroke - low) * scale + margin for stroke in strokes])
    return sheet.astype(np.float32) / 255


class Pen:
    """What draws on a sheet: round and even, or now and then a chisel, pressed unevenly, or blotting."""

    def __init__(self, thickness: int, rng: np.random.Generator | None = None) -> None:
        """thickness: as cv2 takes it, 1 or even; rng: as for `draw_strokes`."""
        self.thickness, self.rng = thickness, rng
        self.kind = 1.0 if rng is None else rng.random()
        if 0.12 <= self.kind < 0.2:
            self.nib = rng.uniform(-0.35, 0.35, 2) * thickness * (1 << SHIFT)

    def draw(self, sheet: np.ndarray, strokes: Strokes) -> None:
        """Inks strokes, in pixels of the sheet (H, W) uint8."""
        lines = [np.rint(stroke * (1 << SHIFT)).astype(np.int32) for stroke in strokes]
        if self.kind < 0.12:
            _press_unevenly(sheet, lines, self.thickness, self.rng)
        elif self.kind < 0.2:
            thin = max(1, round(0.7 * self.thickness))
            for share in (-1, 0, 1):
                aside = np.rint(share * self.nib).astype(np.int32)
                _draw_lines(sheet, [line + aside for line in lines], thin)
        else:
            _draw_lines(sheet, lines, self.thickness)
        if self.kind < 0.3:
            for line in lines:  # a blot where the pen rests
                end = line[0] if self.rng.random() < 0.5 else line[-1]
                radius = round(self.rng.uniform(0.5, 0.85) * self.thickness * (1 << SHIFT))
                cv2.circle(sheet, (int(end[0]), int(end[1])), radius, 255, -1, cv2.LINE_AA, SHIFT)


def _draw_lines(sheet: np.ndarray, lines: Strokes, thickness: int) -> None:
    cv2.polylines(sheet, lines, False, 255, thickness, cv2.LINE_AA, SHIFT)
    for line in lines:
        if len(line) == 1 or (line == line[0]).all():
            centre = (int(line[0, 0]), int(line[0, 1]))
            cv2.circle(sheet, centre, (thickness << SHIFT) // 2, 255, -1, cv2.LINE_AA, SHIFT)


def _press_unevenly(sheet: np.ndarray, lines: Strokes, thickness: int, rng: np.random.Generator) -> None:
    for line in lines:
        phase, waves = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 8)
        pressure = 0.8 + 0.4 * np.sin(phase + waves * np.linspace(0, 1, len(line)))
        for i in range(len(line) - 1):
            width = max(1, round(pressure[i] * thickness))
            cv2.polylines(sheet, [line[i : i + 2]], False, 255, width, cv2.LINE_AA, SHIFT)


def thickness_near(width: float) -> int:
    """The cv2 thickness whose smooth lines are about this wide, pixels."""
    return 2 * round((width - 1.4) / 2) or 1


def width_of(thickness: int) -> float:
    """How wide cv2 draws smooth lines of this thickness, pixels."""
    return 1.4 + thickness // 2 * 2


def random_pen(rng: np.random.Generator, aspect: float = 1.0) -> float:
    """A pen's width as a share of the drawing's longest side: 0.015 to 0.25, around 0.1.

    aspect: width over height. A wide drawing, such as a word, is as high as a digit, so its share is smaller.
    """
    pen = np.exp(rng.normal(-2.25, 0.5)) / np.clip(aspect, 1.0, 4.0)
    return float(np.clip(pen, 0.015, 0.25))


def picture_of(strokes: Strokes, rng: np.random.Generator) -> np.ndarray:
    """Strokes inked with a random pen and normalised as MNIST was: (28, 28) uint8."""
    points = np.concatenate(strokes)
    width, height = points.max(0) - points.min(0)
    ink = draw_strokes(strokes, random_pen(rng, width / max(height, 1e-6)), rng)
    return normalise(scanned(ink, rng) if rng.random() < SCANNED else ink)


def scanned(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ink (H, W) as a coarse scan shows it: few pixels, and some scanners know black and white alone."""
    scale = rng.uniform(*SCANNED_SIDE) / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    coarse = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    coarse /= coarse.max()
    if rng.random() < 0.5:
        return (coarse >= rng.uniform(0.25, 0.6)).astype(np.float32)
    return coarse


def check_request(count: int, rng: np.random.Generator) -> None:
    """Raise ValueError or TypeError for an invalid count or generator."""
    if not isinstance(count, int | np.integer) or count < 0:
        raise ValueError(f"count must be a whole number, 0 or more, got {count!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")

"""Augmentation: many variants of each written digit, and copies of any picture, shifted or with a hole.

What is done to digits works on whole batches with NumPy and OpenCV: first one backward warp that moves the
ink (rotation, scale, shear, shift, elastic distortion), then changes of the stroke itself.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.context import CONTEXT_SCALE, sheared

MOST_THINNED = 0.7  # share of the way to full erosion, which would erase a stroke two pixels wide
PIXELS = (1.0, 1 / CONTEXT_SCALE)  # a pixel of the first channel, measured in pixels of each channel


@dataclass(frozen=True)
class Augmentation:
    """Random distortion of a batch of digits. Ranges are symmetric; every picture gets its own draw.

    rotation: degrees. scale, stretch (x against y): shares. shear: a slope. shift: pixels. elastic: standard
    deviation, in pixels, of a smooth random displacement field whose grid spacing is elastic_grain pixels.
    thickness: probability that strokes are thinned or thickened, by up to a pixel. blur, noise: probabilities
    of a blurred and of a noisy picture. ink: range of the gain on grey levels.

    Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", ICDAR 2003.
    """

    rotation: float = 12.0
    scale: float = 0.12
    stretch: float = 0.12
    shear: float = 0.25
    shift: float = 1.5
    elastic: float = 0.5
    elastic_grain: int = 7
    thickness: float = 0.4
    blur: float = 0.1
    noise: float = 0.1
    ink: float = 0.3

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """images (N, 28, 28) uint8 -> the same shape and type; equal generators give equal pictures.

        Images (N, 28, 28, 2) have the surroundings as their second channel (`recognition.context`). They are
        warped together, each at its scale, except that elastic distortion applies to the first channel only.
        """
        return self.stroke(self.warp(images, rng), rng)

    def warp(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rotation, scale, shear, shift and elastic distortion in one bilinear resampling."""
        n, height, width = images.shape[:3]
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, n))
        scale = 1 + rng.uniform(-self.scale, self.scale, n)
        stretch = np.sqrt(1 + rng.uniform(-self.stretch, self.stretch, n))
        shear = rng.uniform(-self.shear, self.shear, n)
        shift = rng.uniform(-self.shift, self.shift, (2, n))
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        field = self._smooth_field(n, height, width, rng)

        # The source of each pixel, relative to the centre: rotate, then stretch, then shear.
        y, x = np.mgrid[:height, :width].astype(np.float32) - np.float32((height - 1) / 2)
        column = (n, 1, 1)
        warped = np.empty_like(images)
        for plane, result, pixel in zip(_planes(images), _planes(warped), PIXELS, strict=False):
            dx, dy = x - pixel * shift[0].reshape(column), y - pixel * shift[1].reshape(column)
            source_x = (cos.reshape(column) * dx - sin.reshape(column) * dy) * stretch.reshape(column)
            source_y = (sin.reshape(column) * dx + cos.reshape(column) * dy) / stretch.reshape(column)
            source_x += shear.reshape(column) * source_y
            if pixel == 1:
                source_x += field[0]
                source_y += field[1]
            source_x = source_x.astype(np.float32) + np.float32((width - 1) / 2)
            source_y = source_y.astype(np.float32) + np.float32((height - 1) / 2)
            _resample(plane, source_x, source_y, result)
        return warped

    def stroke(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change the thickness, blur, noise and strength of the ink."""
        n, height, width = images.shape[:3]
        kind = rng.random(n)
        share = rng.uniform(0.2, 1.0, (n, 1, 1)).astype(np.float32)
        thinner = kind < self.thickness / 2
        thicker = ~thinner & (kind < self.thickness)
        soft = rng.random(n) < self.blur
        gain = rng.uniform(1 - self.ink, 1 + self.ink, (n, 1, 1)).astype(np.float32)
        grainy = rng.random(n) < self.noise
        strength = rng.uniform(4, 24, (int(grainy.sum()), 1, 1)).astype(np.float32)

        changed = np.empty_like(images)
        for plane, result, pixel in zip(_planes(images), _planes(changed), PIXELS, strict=False):
            out = plane.astype(np.float32, order="C")
            out[thicker] += pixel * share[thicker] * (_dilated(out[thicker]) - out[thicker])
            peak = out[thinner].max((1, 2), keepdims=True)
            way = MOST_THINNED * pixel * share[thinner]
            thinned = out[thinner] + way * (_eroded(out[thinner]) - out[thinner])
            # Restore the peak: normalised ink always has one of 255, however thin the stroke.
            out[thinner] = thinned * (peak / np.maximum(thinned.max((1, 2), keepdims=True), 1))
            out[soft] = _blurred(out[soft])
            out *= gain
            out[grainy] += strength * rng.standard_normal((len(strength), height, width), np.float32)
            result[...] = np.clip(out, 0, 255)
        return changed

    def _smooth_field(
        self, n: int, height: int, width: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Two random displacement fields (N, H, W): coarse noise, linearly interpolated."""
        rows, columns = -(-height // self.elastic_grain) + 1, -(-width // self.elastic_grain) + 1
        coarse = rng.standard_normal((2 * n, rows, columns)).astype(np.float32) * np.float32(self.elastic)
        # Interpolation along each axis is one small matrix product for the whole batch.
        fine = _interpolation(height, rows) @ coarse @ _interpolation(width, columns).T
        return fine[:n], fine[n:]


@dataclass(frozen=True)
class Shift:
    """Every picture moved by up to `pixels` in each direction, whole pixels, to a place of its own.

    border: what comes in from outside, as NumPy's pad names it: "reflect", or "constant" for black.
    """

    pixels: int = 2
    border: str = "reflect"

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """images (N, H, W) or (N, H, W, C) uint8 -> the same shape; equal generators give equal pictures."""
        n, height, width = images.shape[:3]
        margin = (self.pixels, self.pixels)
        padded = np.pad(images, ((0, 0), margin, margin, *((0, 0),) * (images.ndim - 3)), mode=self.border)
        shifted = np.empty_like(images)
        for i, (down, right) in enumerate(rng.integers(0, 2 * self.pixels + 1, (n, 2)).tolist()):
            shifted[i] = padded[i, down : down + height, right : right + width]
        return shifted


@dataclass(frozen=True)
class Cutout:
    """A square of every picture erased: set to 0, `side` pixels, around any of its pixels.

    Source: DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """

    side: int

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """images (N, H, W) or (N, H, W, C) uint8 -> the same shape; equal generators give equal pictures."""
        n, height, width = images.shape[:3]
        erased = images.copy()
        middles = rng.integers(0, (height, width), (n, 2))
        for picture, (top, left) in zip(erased, (middles - self.side // 2).tolist(), strict=True):
            picture[max(0, top) : max(0, top + self.side), max(0, left) : max(0, left + self.side)] = 0
        return erased


@dataclass(frozen=True)
class Slant:
    """Slants every picture of a line of writing by its own slope, at most `most` either way."""

    most: float

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """images (N, H, W) uint8 -> the same shape and type."""
        return sheared(images, rng.uniform(-self.most, self.most, len(images)))


def _planes(images: np.ndarray) -> np.ndarray:
    """A view of (N, H, W) or (N, H, W, C) pictures: (C, N, H, W)"""
    return images[None] if images.ndim == 3 else np.moveaxis(images, -1, 0)


def _resample(images: np.ndarray, x: np.ndarray, y: np.ndarray, result: np.ndarray) -> None:
    """result[n, i, j] = images[n] at (x, y)[n, i, j], bilinear; outside the picture is paper."""
    n, height, width = images.shape
    # The pictures are stacked vertically, each with a margin, so that one call warps the whole batch.
    stacked = np.pad(images, ((0, 0), (1, 1), (1, 1))).reshape(n * (height + 2), width + 2)
    x, y = np.clip(x + 1, 0, width + 1), np.clip(y + 1, 0, height + 1)
    y += (np.arange(n, dtype=np.float32) * (height + 2)).reshape(n, 1, 1)
    # OpenCV counts rows in 16 bits, so batches of a thousand pictures are warped in parts.
    part = 30_000 // (height + 2)
    for start in range(0, n, part):
        s = slice(start, min(start + part, n))
        rows = stacked[start * (height + 2) : s.stop * (height + 2)]
        map_y = y[s].reshape(-1, width) - np.float32(start * (height + 2))
        warped = cv2.remap(rows, x[s].reshape(-1, width), map_y, cv2.INTER_LINEAR)
        result[s] = warped.reshape(-1, height, width)


def _interpolation(fine: int, coarse: int) -> np.ndarray:
    """(fine, coarse) weights of linear interpolation from `coarse` values to `fine` evenly spaced points."""
    position = np.linspace(0, coarse - 1, fine)
    left = np.minimum(position.astype(int), coarse - 2)
    weights = np.zeros((fine, coarse), np.float32)
    weights[np.arange(fine), left] = 1 - (position - left)
    weights[np.arange(fine), left + 1] = position - left
    return weights


def _neighbours(images: np.ndarray) -> list[np.ndarray]:
    """The pictures, and the same shifted by one pixel up, down, left and right."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return [
        padded[:, 1 + y : 1 + y + images.shape[1], 1 + x : 1 + x + images.shape[2]]
        for y, x in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    ]


def _dilated(images: np.ndarray) -> np.ndarray:
    return np.maximum.reduce(_neighbours(images))


def _eroded(images: np.ndarray) -> np.ndarray:
    return np.minimum.reduce(_neighbours(images))


def _blurred(images: np.ndarray) -> np.ndarray:
    middle, *around = _neighbours(images)
    return (2 * middle + sum(around)) / 6

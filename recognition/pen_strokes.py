"""How a drawing was drawn: its strokes, which say where a sign ends that a picture shows joined to others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from recognition.normalise import Box

SHIFT = 4  # bits behind the point of coordinates that strokes are drawn by
FULL = 255


@dataclass(frozen=True)
class PenStrokes:
    """The strokes of a drawing, in the order in which they were written.

    points: of each stroke (n, 2) float, x right and y down, in pixels of the picture. pen: its width, pixels.
    """

    points: tuple[np.ndarray, ...]
    pen: float

    def within(self, box: Box, scale: float) -> "PenStrokes":
        """The same in the picture that is cut to a box and then resized by `scale`."""
        corner = np.array(box[:2], float)
        return PenStrokes(tuple((points - corner) * scale for points in self.points), self.pen * scale)

    def thinned(self, radius: int) -> "PenStrokes":
        """The same with a pen that leaves so many pixels less on both sides."""
        return replace(self, pen=max(1.0, self.pen - 2 * radius))

    def inks(self, shape: Sequence[int], near: Box) -> list[tuple[Box, np.ndarray]]:
        """The ink of each stroke alone, float32 from 0 to 1, and the box in the picture (H, W) that it fills.

        near: strokes that do not reach into this box are left out. What reaches out of the picture is cut
        off.
        """
        found = []
        pen = max(1, round(self.pen))
        x, y, width, height = near
        for points, (left, top, right, bottom) in zip(self.points, self._edges, strict=True):
            if left >= x + width or right <= x or top >= y + height or bottom <= y:
                continue
            left, top, right, bottom = max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])
            ink = np.zeros((bottom - top, right - left), np.uint8)
            line = np.round((points - (left, top)) * 2**SHIFT).astype(np.int32)
            cv2.polylines(ink, [line], False, FULL, pen, cv2.LINE_AA, SHIFT)
            found.append(((left, top, right - left, bottom - top), ink * np.float32(1 / FULL)))
        return found

    @cached_property
    def _edges(self) -> list[tuple[int, int, int, int]]:
        """The left, top, right and bottom of each stroke's ink."""
        room = round(self.pen) // 2 + 2
        firsts = [np.floor(points.min(0)).astype(int) - room for points in self.points]
        ends = [np.ceil(points.max(0)).astype(int) + room + 1 for points in self.points]
        return [(*first.tolist(), *end.tolist()) for first, end in zip(firsts, ends, strict=True)]

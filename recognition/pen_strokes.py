"""How a drawing was drawn: its strokes, which say where a sign ends that a picture shows joined to others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from recognition.components import Box, Components

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

    def inks(self, shape: Sequence[int]) -> list[tuple[Box, np.ndarray]]:
        """The ink of each stroke alone, float32 from 0 to 1, and the box of a picture (H, W) that it fills.

        Strokes outside of the picture are left out.
        """
        found = []
        pen = max(1, round(self.pen))
        room = pen // 2 + 2
        for points in self.points:
            left, top = np.maximum(np.floor(points.min(0)).astype(int) - room, 0)
            right, bottom = np.minimum(np.ceil(points.max(0)).astype(int) + room + 1, (shape[1], shape[0]))
            if left >= right or top >= bottom:
                continue
            ink = np.zeros((bottom - top, right - left), np.uint8)
            line = np.round((points - (left, top)) * 2**SHIFT).astype(np.int32)
            cv2.polylines(ink, [line], False, FULL, pen, cv2.LINE_AA, SHIFT)
            box = int(left), int(top), int(right - left), int(bottom - top)
            found.append((box, ink * np.float32(1 / FULL)))
        return found


def split_into_strokes(components: Components, component_id: int, strokes: PenStrokes | None) -> list[int]:
    """Splits a component into the strokes that it was drawn with; returns their ids, from left to right.

    Each has all of its own ink, where it crosses others too. A component of a single stroke stays as it is.
    """
    if strokes is None:
        return [component_id]
    mine = [
        (box, ink)
        for box, ink in strokes.inks(components.ink.shape)
        if components.is_mostly(component_id, box, ink)
    ]
    return components.split_into(component_id, mine) if len(mine) > 1 else [component_id]

"""What a picture may cost: its size, and the work that it makes.

Work is counted and not timed, so that the same picture gets the same answer on a slow machine and a fast one.
"""

from dataclasses import dataclass

MAX_PIXELS = 50_000_000  # most pixels of a picture: more is no photo of digits, only memory
MAX_SIDE = 20_000  # most pixels of a side: a phone's panorama has 16,000; longer strips only cost time

# The unit of work is one image classified by a network: about 0.25 ms on one core. What else takes time is
# counted in the same unit.
CONTEXT_WORK = 4  # a candidate in context: its pictures are made, sheared and classified
CUT_WORK = 8  # a search for cuts in a component
PIXELS_A_UNIT = 20_000  # pixels of a candidate's box, cropped and normalised
DRAWING_WORK = 3000  # work for a drawing, about 0.8 s: the largest of the test sets needs 460
PHOTO_WORK = (
    16_000  # work for a photo, about 4 s: 1,000 digits apart need 11,000, the largest test photo 3,800
)


class TooMuchWorkError(Exception):
    """A picture shows more than may be read; the reader turns this into a message."""


@dataclass
class WorkBudget:
    """The work that is left for one picture."""

    units: float

    def spend(self, units: float = 0, pixels: int = 0) -> None:
        """Takes work from the budget, before it is done. Raises TooMuchWorkError where too little is left."""
        self.units -= units + pixels / PIXELS_A_UNIT
        if self.units < 0:
            raise TooMuchWorkError


def size_error(width: int, height: int, max_pixels: int = MAX_PIXELS) -> str | None:
    """Why a picture of this size is too large to be read, or None."""
    if max(width, height) > MAX_SIDE:
        return f"too large: {width} x {height} pixels, and at most {MAX_SIDE:,} pixels a side can be read"
    if width * height > max_pixels:
        most = f"{max_pixels / 1e6:g} million pixels"
        return f"too large: {width} x {height} pixels, and at most {most} can be read"
    return None

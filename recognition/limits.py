"""Limits on a picture: its size, and the work of reading it.

Work is counted, not timed, so that a picture gets the same answer on slow and fast machines.
"""

from dataclasses import dataclass

MAX_PIXELS = 50_000_000  # most pixels of a picture: photos of digits need no more, and it takes memory
MAX_SIDE = 20_000  # most pixels of a side: a phone's panorama has 16,000; longer strips only cost time

# The unit of work is the classification of one image, about 0.25 ms on one core. Everything else that takes
# time is counted in the same unit.
CONTEXT_WORK = 4  # work for a candidate in context, whose pictures are drawn, sheared and classified
CUT_WORK = 8  # work for a search for cuts in a component
STROKE_WORK = 0.1  # work for a stroke of a drawing that is drawn alone
SLASH_WORK = 2  # work for a search for slashes in a component that is taller than digits
PATH_WORK = 2  # work for a part of a word whose cheapest path is looked for
LINE_WORK = 4  # work for a part of a word that is read as a line, too
PIXELS_A_UNIT = 20_000  # pixels of a candidate's box that are cropped and normalised for a unit of work
DRAWING_WORK = 3000  # work for a drawing, about 0.8 s: the largest of the test sets needs 460
MOVING_WORK = 160  # work for a drawing while the pen moves: a dozen digits, without cuts
PHOTO_WORK = (
    16_000  # work for a photo, about 4 s: 1,000 digits apart need 11,000, the largest test photo 3,800
)


class TooMuchWorkError(Exception):
    """The picture needs more work than is allowed; the reader turns this into a message."""


@dataclass
class WorkBudget:
    """The remaining work for one picture."""

    units: float

    def spend(self, units: float = 0, pixels: int = 0) -> None:
        """Charge work before it is done. Raises TooMuchWorkError if too little is left."""
        self.units -= units + pixels / PIXELS_A_UNIT
        if self.units < 0:
            raise TooMuchWorkError


def size_error(width: int, height: int, max_pixels: int = MAX_PIXELS) -> str | None:
    """Why a picture of this size is too large to read, or None."""
    if max(width, height) > MAX_SIDE:
        return f"too large: {width} x {height} pixels, and at most {MAX_SIDE:,} pixels a side can be read"
    if width * height > max_pixels:
        most = f"{max_pixels / 1e6:g} million pixels"
        return f"too large: {width} x {height} pixels, and at most {most} can be read"
    return None

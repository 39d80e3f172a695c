"""A photo -> ink, as clean as a drawing's: the desk gone, light evened, ink found, ruled lines removed.

Every stage is a function from array to array and can be looked at alone; `ink_of_photo` runs them in order.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from recognition.ruling import remove_lines
from recognition.sheet import without_desk

LONGEST = 1600  # pixels of the longest side worked on: enough for a page of digits, little enough to be quick
SHORTEST = 96  # pixels of the shortest side: a digit of fewer is blown up, so that its strokes have insides
COARSE = 64  # pixels of the shortest side where only light and shadow matter
PALE = 240  # grey levels of 255 from which a pen vanishes on white
FAINTEST_INK = 0.02  # share of the paper's brightness that ink takes away, at least
NOISES = 4.0  # standard deviations of the noise that full ink stands above the paper, at least
SOFT = 0.8  # pixels by which the contrast is softened: pencil and JPEG are grainy
PALEST = 0.5  # share of the picture's full ink that is full ink anywhere in it, at least
NEAR = 0.25  # of the shortest side: how wide around a pixel its full ink is looked for
WEAK, STRONG = 0.4, 0.7  # shares of full ink from which there is ink beside ink, and ink in any case
FIRM, LEAST_GONE = 0.6, 0.04  # share of full ink that is ink without a doubt; and of ink that is not
FAINTEST, MOST_FAINT = 0.1, 0.25  # the same on clean paper; no paper is clean that has as much of its own
OF_PAPER, TIMES_PAPER = 0.97, 4.0  # faint ink is so many times as dark as the darkest of this share of paper
EDGE = 0.42  # strokes' widths that the soft edge of a stroke is wide
THICK = 0.03  # of the shortest side: half the thickness of what lies beside the sheet, at least
ALONG = 0.15  # of the shortest side: how far it lies along the edge, at least
RIM = 0.02  # of the shortest side: how far its soft edge reaches into the sheet
PALE_INK = 0.6  # share of the darkest ink's depth below which ink is pale
RAISED = 0.5  # share of full ink that faint strokes are given: enough to be part of a piece


@dataclass(frozen=True)
class PhotoInk:
    """What the stages made of a photo, or of the sheets of paper in it; all of one size."""

    grey: np.ndarray  # (H, W) uint8, ink dark
    contrast: np.ndarray  # (H, W) float32: the share of the paper's light that is missing
    found: np.ndarray  # (H, W) bool, ink with ruled lines
    ink: np.ndarray  # (H, W) float32, 0 paper, 1 full ink, without ruled lines
    ruled: np.ndarray  # the same with ruled lines
    stroke: float  # width of the strokes, pixels
    scale: float  # pixels here for one of the photo's
    corner: tuple[int, int]  # (x, y) of the upper left corner in the photo, in pixels here
    edges: np.ndarray  # (H, W) bool, what lies along its edges and is too thick for ink
    noise: float  # standard deviation of the contrast from pixel to pixel


def ink_of_photo(image: np.ndarray) -> PhotoInk:
    """A photo -> ink. image: uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, of any size."""
    small, scale = resized(image)
    alone, corner = without_desk(on_white(small))
    grey = dark_on_light(strongest_channel(alone))
    contrast, noise, stroke = even_light(grey)
    share = contrast / ink_level(contrast, noise)
    found = threshold(share)
    edges = beside_the_sheet(found)
    masks = _masks(contrast, share, found, stroke)
    return PhotoInk(grey, contrast, *masks, stroke, scale, corner, edges, noise)


def without_edges(photo: PhotoInk) -> PhotoInk:
    """The same without what lies along the picture's edge and is too thick for ink."""
    contrast = photo.contrast * ~_grown(photo.edges, round(RIM * min(photo.grey.shape)))
    share = contrast / ink_level(contrast, photo.noise)
    found = threshold(share)
    stroke = stroke_width(found)
    found, ink, ruled = _masks(contrast, share, found, stroke)
    return replace(photo, contrast=contrast, found=found, ink=ink, ruled=ruled, stroke=stroke)


def _masks(
    contrast: np.ndarray, share: np.ndarray, found: np.ndarray, stroke: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PhotoInk.found, PhotoInk.ink and PhotoInk.ruled of a contrast and the ink found in it."""
    faint = faint_strokes(share, found, stroke)
    found = found | faint
    kept = remove_lines(found, stroke, contrast)
    full = np.minimum(np.where(faint, np.maximum(share, RAISED), share), 1)
    return found, *_soft(full, found, kept)


def _soft(full: np.ndarray, found: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PhotoInk.ink and PhotoInk.ruled, with soft edges, of what was found and what was kept without lines."""
    return full * _grown(kept, 1), full * _grown(found, 1)


def without_pale(photo: PhotoInk) -> PhotoInk | None:
    """The same without ink that is much paler than the darkest, as print that shines through the paper is.

    None where there is no such ink.
    """
    count, labels = cv2.connectedComponents(photo.found.view(np.uint8))
    areas = np.bincount(labels.ravel(), minlength=count)
    depths = np.bincount(labels.ravel(), photo.contrast.ravel(), count) / np.maximum(areas, 1)
    is_sign = areas >= photo.stroke**2
    is_sign[0] = False
    if not is_sign.any():
        return None
    dark = depths >= PALE_INK * depths[is_sign].max()
    dark[0] = False
    if not (is_sign & ~dark).any():
        return None
    kept = dark[labels]
    return replace(photo, found=kept, ink=photo.ink * _grown(kept, 1), ruled=photo.ruled * _grown(kept, 1))


def firmer(photo: PhotoInk) -> PhotoInk | None:
    """The same with only what is FIRM ink, without the pattern or the stain that joins signs to each other.

    None where that takes away no more than the soft edges of strokes.
    """
    share = photo.contrast / ink_level(photo.contrast, photo.noise)
    found = threshold(share, FIRM)
    edge = max(1, round(EDGE * photo.stroke))
    if np.sum(photo.found & ~_grown(found, edge)) < LEAST_GONE * np.sum(photo.found):
        return None
    stroke = stroke_width(found)
    ink, ruled = _soft(np.minimum(share, 1), found, remove_lines(found, stroke, photo.contrast))
    return replace(photo, found=found, ink=ink, ruled=ruled, stroke=stroke)


def turned_clockwise(photo: PhotoInk, quarters: int, shape: tuple[int, ...]) -> PhotoInk:
    """The same of the photo turned clockwise; shape: of the photo, in its own pixels."""
    x, y = photo.corner
    height, width = photo.grey.shape
    full_height, full_width = (round(side * photo.scale) for side in shape[:2])
    corners = ((x, y), (full_height - y - height, x), (full_width - x - width, full_height - y - height))
    corner = (*corners, (y, full_width - x - width))[quarters]
    pictures = ("grey", "contrast", "found", "ink", "ruled", "edges")
    turned = {name: np.ascontiguousarray(np.rot90(getattr(photo, name), -quarters)) for name in pictures}
    return replace(photo, corner=corner, **turned)


def on_white(image: np.ndarray) -> np.ndarray:
    """The picture without transparency, (H, W) or (H, W, 3); a white pen on transparent paper turns black."""
    if image.ndim == 2 or image.shape[2] == 3:
        return image
    alpha = image[..., 3]
    if np.ptp(alpha) and not np.any(image[..., :3][alpha > 0] < PALE):
        return cv2.bitwise_not(alpha)
    shares = alpha[..., None].astype(np.uint16)
    return ((image[..., :3] * shares + 255 * (255 - shares) + 127) // 255).astype(np.uint8)


def resized(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture at the size that is worked on, and how many of its pixels make one of the photo's."""
    height, width = image.shape[:2]
    scale = min(LONGEST / max(height, width), max(1.0, SHORTEST / min(height, width)))
    if scale == 1:
        return image, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), scale


def strongest_channel(colours: np.ndarray) -> np.ndarray:
    """Of grey, red, green and blue the one in which ink stands out most from noise: blue ink is palest in
    blue, red in red. Grey where they are alike, for it is the sharpest in a JPEG."""
    if colours.ndim == 2:
        return colours
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    channels = [grey, *cv2.split(colours)]
    strengths = [_strength(channel) for channel in channels]
    best = int(np.argmax(strengths))
    return channels[best] if strengths[best] > 1.25 * strengths[0] else grey


def _strength(channel: np.ndarray) -> float:
    """Contrast of the strongest hundredth of the picture over the light, relative to the noise."""
    rest = _above_light(channel)
    noise = 1.5 * np.median(np.abs(rest)) + 2
    return float(np.percentile(np.abs(rest), 99) / noise)


def _above_light(channel: np.ndarray) -> np.ndarray:
    """How much brighter than its surroundings every part of a small copy is, in grey levels.

    Without the eighth at each side: a frame there is no ink, but would be most of its own surroundings.
    """
    scale = min(1.0, 3 * COARSE / min(channel.shape))
    size = max(1, round(scale * channel.shape[1])), max(1, round(scale * channel.shape[0]))
    small = cv2.resize(channel, size, interpolation=cv2.INTER_AREA)
    window = max(3, min(min(size) // 2, 255)) | 1
    rest = small.astype(np.float32) - cv2.medianBlur(small, window)
    top, left = small.shape[0] // 8, small.shape[1] // 8
    return rest[top : small.shape[0] - top, left : small.shape[1] - left]


def dark_on_light(grey: np.ndarray) -> np.ndarray:
    """The grey picture turned so that its ink is dark: chalk on a board becomes ink on paper."""
    rest = _above_light(grey)
    dark, light = np.square(np.minimum(rest, 0)).sum(), np.square(np.maximum(rest, 0)).sum()
    return cv2.bitwise_not(grey) if light > dark else grey


def even_light(grey: np.ndarray) -> tuple[np.ndarray, float, float]:
    """contrast = 1 - grey / light; with it the standard deviation of its noise and the width of the strokes.

    The light is what remains when everything narrower than a window is filled with its surroundings. The
    window needs to be wider than the strokes, which are not known before: so it is found twice.
    """
    window = min(grey.shape) / 3
    for _ in range(2):
        contrast = (1 - grey / np.maximum(_light(grey, window), 1)).astype(np.float32)
        contrast = cv2.GaussianBlur(contrast, (0, 0), SOFT)
        paper = np.median(contrast)  # the light is that of the brightest paper, so most is a little below it
        noise = _noise(contrast)
        contrast = np.clip((contrast - paper) / max(1 - paper, 1 / 255), 0, 1)
        stroke = stroke_width(threshold(contrast / ink_level(contrast, noise)))
        window = min(window, max(4 * stroke, 16))
    return contrast, noise, stroke


def _noise(contrast: np.ndarray) -> float:
    """The standard deviation of what differs from pixel to pixel, as strokes and shadows do not."""
    rest = np.abs(contrast - cv2.blur(contrast, (3, 3)))
    return 1.4826 * float(np.median(rest)) * 3 / np.sqrt(8)


def _light(grey: np.ndarray, window: float) -> np.ndarray:
    """Grey with all that is dark and narrower than the window filled in, smoothed."""
    scale = min(1.0, 15 / window)
    size = max(1, round(scale * grey.shape[1])), max(1, round(scale * grey.shape[0]))
    small = cv2.medianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), 3)
    side = round(window * scale) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    filled = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    filled = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), side / 4)
    return cv2.resize(filled, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)


def ink_level(contrast: np.ndarray, noise: float) -> np.ndarray:
    """The contrast of full ink near every pixel: sum c^3 / sum c^2 over a wide neighbourhood.

    Powers make the mean that of the ink, not of the paper around it. So pencil is as much ink as a pen is,
    but not what shines through the paper beside a pen.
    """
    faintest = max(FAINTEST_INK, NOISES * noise)
    solid = np.where(contrast > faintest, contrast, 0)
    if not solid.any():
        return np.ones_like(contrast)
    squared = solid * solid
    cubed = squared * solid
    everywhere = float(cubed.sum(dtype=np.float64) / squared.sum(dtype=np.float64))
    scale = min(1.0, COARSE / min(contrast.shape))
    size = max(1, round(scale * contrast.shape[1])), max(1, round(scale * contrast.shape[0]))
    cubes, squares = (
        cv2.GaussianBlur(cv2.resize(power, size, interpolation=cv2.INTER_AREA), (0, 0), min(size) * NEAR)
        for power in (cubed, squared)
    )
    near = np.maximum(cubes / np.maximum(squares, 1e-9), max(PALEST * everywhere, faintest))
    return cv2.resize(near, contrast.shape[::-1], interpolation=cv2.INTER_LINEAR)


def threshold(share: np.ndarray, weak: float = WEAK) -> np.ndarray:
    """Where there is ink (bool): all that is at least weak and hangs together with something STRONG.

    share: of full ink, (H, W). weak: 0 to STRONG.
    """
    count, labels = cv2.connectedComponents((share > weak).view(np.uint8))
    strong = np.zeros(count, bool)
    strong[labels[share > STRONG]] = True
    strong[0] = False
    return strong[labels]


def beside_the_sheet(found: np.ndarray) -> np.ndarray:
    """Where a table, a carpet, a finger or a dark corner shows at the picture's edge (bool).

    found: what looks like ink, (H, W) bool. Ink comes to the edge with the ends of its strokes; what lies
    beside the sheet lies along the edge, and is thick.
    """
    mask = found.view(np.uint8)
    shortest = min(mask.shape)
    distance = cv2.distanceTransform(
        cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, cv2.DIST_MASK_5
    )[1:-1, 1:-1]
    if distance.max() <= THICK * shortest:
        return np.zeros_like(found)
    count, labels = cv2.connectedComponents(mask)
    thickness = np.zeros(count)
    np.maximum.at(thickness, labels.ravel(), distance.ravel())
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(edge, minlength=count)
    beside = (thickness > THICK * shortest) & (contact > ALONG * shortest)
    beside[0] = False
    return beside[labels]


def faint_strokes(share: np.ndarray, found: np.ndarray, stroke: float) -> np.ndarray:
    """Where strokes go on more faintly than WEAK (bool), as a pen leaves them in a quick turn.

    share: of full ink, (H, W). found: the ink without them. Nowhere, unless the paper is clean. What was
    found has soft edges; those are no strokes of their own.
    """
    paper = ~_grown(found, round(stroke))
    faint = TIMES_PAPER * float(np.quantile(share[paper], OF_PAPER)) if paper.any() else WEAK
    if faint > MOST_FAINT:
        return np.zeros_like(found)
    all_ink = threshold(share, max(FAINTEST, faint))
    edge = max(1, round(EDGE * stroke))
    return all_ink & _grown(all_ink & ~_grown(found, edge), edge + 1)


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask and all that is not farther from it."""
    side = 2 * pixels + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(bool)


def stroke_width(mask: np.ndarray) -> float:
    """Pixels: 4 times the mean distance of ink from paper, less 2, is the width of a long bar."""
    if not mask.any():
        return 1.0
    framed = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)
    return max(1.0, 4 * float(distance[framed > 0].mean()) - 2)

"""A photo of a sheet of paper on something darker -> the sheet alone, without the desk around it.

Otherwise the sheet is what stands out most from its surroundings, and is itself taken for ink.
"""

import cv2
import numpy as np

SIDE = 256  # pixels of the longest side at which sheets are looked for
LEAST_SHEET = 0.12  # share of the picture
LEAST_SHARE = 0.8  # of all that is light: the sheets are what was photographed, or nothing is painted over
STRAIGHT = 0.025  # of its outline's length that a sheet's side bends, at most
LIKENESS = 0.92  # shared area by common area of a sheet and the quadrangle of its four corners, at least
WRITTEN = (0.002, 0.5)  # share of the sheet that is dark: less is blank paper, more no paper at all
EDGE = 0.015  # of the picture's longest side: how much of the sheet's rim goes with the desk
REACH = 0.05  # of the picture's longest side: how far paper is mixed to paint the desk over


def without_desk(colours: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture cropped to its written sheets, all around them in their paper's colour, or as it is; with
    it the (x, y) of its upper left corner in the picture.

    colours: uint8, (H, W) or (H, W, 3) RGB. A sheet is light on dark, has four straight sides and lies wholly
    inside the picture; where anything else is as light, the picture stays.
    """
    height, width = colours.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return colours, (0, 0)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    channels = _channels(small)
    masks = [_sheets(channel) for channel in channels]
    sheets = max(masks, key=np.count_nonzero)
    light = _light(channels[0])
    if not sheets.any() or np.count_nonzero(light & sheets) < LEAST_SHARE * light.sum():
        return colours, (0, 0)
    rim = 2 * round(EDGE * SIDE) + 1
    sheets = cv2.erode(sheets, np.ones((rim, rim), np.uint8))
    paper = _spread(small, sheets)
    blend = cv2.resize(sheets * np.float32(1), (width, height), interpolation=cv2.INTER_LINEAR)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    if colours.ndim == 3:
        blend = blend[..., None]
    alone = np.uint8(blend * colours + (1 - blend) * paper)
    x, y, wide, high = (int(value / scale) for value in cv2.boundingRect(sheets))
    return np.ascontiguousarray(alone[y : y + high, x : x + wide]), (x, y)


def _channels(small: np.ndarray) -> list[np.ndarray]:
    """Grey, red, green, blue, colourfulness and paleness, which a shadow does not change: in which of them a
    sheet is the lighter depends on it and on the desk."""
    if small.ndim == 2:
        return [small]
    saturation = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))[1]
    return [
        cv2.cvtColor(small, cv2.COLOR_RGB2GRAY),
        *cv2.split(small),
        saturation,
        cv2.bitwise_not(saturation),
    ]


def _light(channel: np.ndarray) -> np.ndarray:
    """Where it is light (uint8, 0 or 1)."""
    return cv2.threshold(cv2.medianBlur(channel, 3), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]


def _sheets(channel: np.ndarray) -> np.ndarray:
    """Where the sheets are (uint8, 0 or 1); nowhere where they are small, or not only they are light."""
    light = _light(channel)
    contours, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    sheets = np.zeros_like(light)
    for contour in contours:
        corners = cv2.approxPolyDP(contour, STRAIGHT * cv2.arcLength(contour, True), True)
        if len(corners) == 4 and cv2.isContourConvex(corners) and _is_inside(corners, light.shape):
            sheet = cv2.fillPoly(np.zeros_like(light), [contour], 1)
            quadrangle = cv2.fillPoly(np.zeros_like(light), [corners], 1)
            shared = np.count_nonzero(sheet & quadrangle) / np.count_nonzero(sheet | quadrangle)
            dark = 1 - np.count_nonzero(light & sheet) / np.count_nonzero(sheet)
            if shared >= LIKENESS and WRITTEN[0] <= dark <= WRITTEN[1]:
                sheets |= sheet
    found = np.count_nonzero(sheets)
    if found < LEAST_SHEET * sheets.size or np.count_nonzero(light & sheets) < LEAST_SHARE * light.sum():
        return np.zeros_like(sheets)
    return sheets


def _is_inside(corners: np.ndarray, shape: tuple[int, int]) -> bool:
    """No corner at the picture's edge."""
    low, high = corners.reshape(-1, 2).min(0), corners.reshape(-1, 2).max(0)
    return bool(low.min() > 0 and high[0] < shape[1] - 1 and high[1] < shape[0] - 1)


def _spread(small: np.ndarray, sheets: np.ndarray) -> np.ndarray:
    """The paper's colour (float32, as small) at every place: the mean of what is near and on a sheet."""
    share = sheets * np.float32(1)
    weighted = small * (share if small.ndim == 2 else share[..., None])
    near, everywhere = (cv2.GaussianBlur(share, (0, 0), REACH * SIDE), share.mean())
    mean = weighted.mean((0, 1)) / everywhere
    spread = cv2.GaussianBlur(weighted, (0, 0), REACH * SIDE)
    if small.ndim == 3:
        near = near[..., None]
    little = np.float32(1e-3)  # far from every sheet the paper is the mean of all
    return ((spread + little * mean) / (near + little)).astype(np.float32)

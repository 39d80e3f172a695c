"""Makes the example photos of the Photo tab: `python -m scripts.example_photos`.

Nobody's papers are shown: the digits are MNIST's test images, enlarged and written anew in ink, pencil or
chalk on sheets that are computed, and then photographed by a computed camera: tilt, uneven light,
shadows, blur, noise and JPEG. The same call makes the same files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from training.data import load_mnist

FOLDER = Path(__file__).parents[1] / "ui" / "photo" / "examples"
QUALITY = 82  # of the JPEG files
ONE_HAND = 400  # consecutive test images, by few writers: digits from among them look like one hand's

Colour = tuple[int, int, int]
Sheet = np.ndarray  # (H, W, 3) float32, 0 to 255


@dataclass(frozen=True)
class Example:
    """A sheet of paper, what is written on it, and how it is photographed. Lengths in pixels."""

    name: str
    lines: tuple[str, ...]
    size: tuple[int, int]  # (width, height) of the photo
    paper: Colour
    ink: Colour
    pressure: float  # 0 to 1: how much of the paper full ink covers
    height: int  # of the digits
    writer: int  # first of the MNIST test images that the digits are taken from
    rules: Callable[[Sheet], None] = lambda sheet: None
    left: int = 110
    top: int = 110
    spacing: float = 1.75  # of the lines, in heights
    tilt: float = 0.0  # degrees
    light: tuple[float, float] = (0.2, 0.1)  # how much darker it is at the right and at the bottom, shares
    shadow: float = 0.0  # how dark the photographer's hand makes its corner, a share
    grain: float = 3.0  # noise of paper and camera, grey levels


def ruled(sheet: Sheet) -> None:
    for y in range(96, len(sheet), 84):
        cv2.line(sheet, (0, y), (sheet.shape[1], y + 3), (168, 190, 214), 2, cv2.LINE_AA)
    cv2.line(sheet, (70, 0), (66, len(sheet)), (224, 160, 160), 2, cv2.LINE_AA)


def squared(sheet: Sheet) -> None:
    for at in range(20, max(sheet.shape), 42):
        cv2.line(sheet, (0, at), (sheet.shape[1], at + 2), (186, 200, 212), 1, cv2.LINE_AA)
        cv2.line(sheet, (at, 0), (at - 2, len(sheet)), (186, 200, 212), 1, cv2.LINE_AA)


BLUE, PENCIL, RED, CHALK = (34, 52, 140), (84, 84, 90), (190, 38, 44), (236, 238, 232)
EXAMPLES = (
    Example("ruled", ("4719", "20586", "3341"), (960, 720), (244, 241, 230), BLUE, 0.9, 104, 5200,
            ruled, 130, 124, 1.62, tilt=-1.6, light=(0.35, 0.1)),
    Example("squared", ("314159", "265358", "979323"), (960, 720), (238, 240, 240), PENCIL, 0.75, 100, 7400,
            squared, 120, 120, 1.85, tilt=1.2, light=(0.1, 0.3), shadow=0.45),
    Example("board", ("1729", "6174"), (900, 640), (44, 62, 56), CHALK, 0.8, 150, 8800,
            left=140, top=110, spacing=1.6, tilt=0.8, light=(0.3, 0.25), grain=5.0),
    Example("note", ("0830", "45"), (800, 640), (247, 222, 96), (30, 30, 34), 0.92, 120, 6100,
            left=150, top=150, tilt=-4.0, light=(0.15, 0.25), shadow=0.3),
    Example("marker", ("7",), (640, 640), (236, 232, 224), RED, 0.9, 330, 9400,
            left=150, top=140, light=(0.4, 0.35), shadow=0.35),
)  # fmt: skip


def make(example: Example, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The photo, (H, W, 3) uint8."""
    rng = np.random.default_rng(example.writer)
    width, height = example.size
    sheet = np.empty((height, width, 3), np.float32)
    sheet[:] = example.paper
    example.rules(sheet)
    sheet *= 1 + 0.015 * clouds(rng, width, height, 60)[..., None]  # paper is not quite even
    ink = np.zeros((height, width), np.float32)
    for row, digits in enumerate(example.lines):
        y = example.top + round(row * example.spacing * example.height)
        write(ink, digits, example.left, y, example.height, pick_hand(example, images, labels), rng)
    ink *= example.pressure * (0.9 + 0.1 * clouds(rng, width, height, 3))  # nor is what a pen leaves on it
    sheet += ink[..., None] * (np.array(example.ink, np.float32) - sheet)
    return photograph(sheet, example, rng)


def pick_hand(example: Example, images: np.ndarray, labels: np.ndarray) -> dict[int, np.ndarray]:
    """The images of each digit, (n, 28, 28), from the stretch of the test set that the example starts at."""
    stretch = slice(example.writer, example.writer + ONE_HAND)
    return {digit: images[stretch][labels[stretch] == digit] for digit in range(10)}


def write(
    ink: np.ndarray, digits: str, x: float, y: float, height: int, hand: dict[int, np.ndarray], rng
) -> None:
    """Writes digits of about this height from (x, y), the line's upper left corner, to the right."""
    for digit in map(int, digits):
        image = hand[digit][rng.integers(len(hand[digit]))]
        rows, columns = np.nonzero(image > 40)
        tight = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        scale = height * rng.uniform(0.92, 1.04) / 20
        size = np.rint(np.array(tight.shape[::-1]) * scale).astype(int) + 2 * round(scale)
        large = cv2.resize(np.pad(tight, 1).astype(np.float32) / 255, size, interpolation=cv2.INTER_CUBIC)
        stroke = 1 / (1 + np.exp(-11 * (cv2.GaussianBlur(large, (0, 0), scale / 3) - 0.46)))  # a sharp edge
        top = round(y + height * rng.uniform(-0.04, 0.04) + height - size[1])
        place = ink[top : top + size[1], round(x) : round(x) + size[0]]
        np.maximum(place, stroke[: place.shape[0], : place.shape[1]], out=place)
        x += size[0] + height * rng.uniform(0.16, 0.3)


def photograph(sheet: Sheet, example: Example, rng: np.random.Generator) -> np.ndarray:
    """The sheet as a phone sees it, (H, W, 3) uint8."""
    width, height = example.size
    photo = cv2.warpAffine(
        sheet,
        cv2.getRotationMatrix2D((width / 2, height / 2), example.tilt, 1.0),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    light = (1 - example.light[0] * across) * (1 - example.light[1] * down)
    edge = 1 / (1 + np.exp(-14 * (across + down + 0.03 * clouds(rng, width, height, 120) - 1.5)))
    photo *= (light * (1 - example.shadow * edge))[..., None].astype(np.float32)
    photo = cv2.GaussianBlur(photo, (0, 0), 0.9)
    photo += rng.normal(0, example.grain, (height, width, 1)) + rng.normal(0, 1.5, photo.shape)
    return photo.clip(0, 255).astype(np.uint8)


def clouds(rng: np.random.Generator, width: int, height: int, size: int) -> np.ndarray:
    """Smooth noise of about unit variance with spots of this size, (H, W) float32."""
    coarse = rng.normal(size=(height // size + 3, width // size + 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def main() -> None:
    mnist = load_mnist()
    FOLDER.mkdir(exist_ok=True)
    for example in EXAMPLES:
        path = FOLDER / f"{example.name}.jpg"
        Image.fromarray(make(example, mnist.test_images, mnist.test_labels)).save(path, quality=QUALITY)
        print(f"{path}: {path.stat().st_size:,} bytes, {' '.join(example.lines)}")


if __name__ == "__main__":
    main()

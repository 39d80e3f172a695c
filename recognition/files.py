"""An image file -> an array of pixels, or a sentence that says what is wrong with the file."""

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from recognition.limits import MAX_PIXELS, size_error

try:
    from pillow_heif import register_heif_opener
except ModuleNotFoundError:  # the package's extra "photos"
    register_heif_opener = None

# Only formats that Pillow decodes itself, and those of phones. EPS, for one, would start Ghostscript on
# a stranger's file.
FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"]
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".heic", ".heif"}
STRIP = 256  # rows of a picture that are converted at a time
if register_heif_opener is not None:
    FORMATS.append("HEIF")
    register_heif_opener(thumbnails=False)
    USE_INSTEAD = "Please use a PNG, JPEG, WebP, HEIC, GIF, BMP or TIFF file."
else:
    USE_INSTEAD = "Please use a PNG, JPEG, WebP, GIF, BMP or TIFF file; HEIC needs `pip install pillow-heif`."


class PictureError(ValueError):
    """A file that cannot be read as a picture; the message is for the person who sent it."""


def load_picture(source: str | Path | BinaryIO, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """An image file -> its pixels, upright.

    source: a path or an open binary file. Returns uint8, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA,
    turned as its EXIF says; 16-bit grey is scaled to 8; of an animation the first frame is taken. Raises
    PictureError for anything that is not such a picture, and for one of more than max_pixels or with a side
    of more than MAX_SIDE, before its pixels are unpacked.
    """
    try:
        with Image.open(source, formats=FORMATS) as image:
            too_large = size_error(image.width, image.height, max_pixels)
            if too_large:
                raise PictureError(f"The picture is {too_large}.")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _pixels(image)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{max_pixels / 1e6:g} million pixels"
        raise PictureError(f"The picture is too large: at most {most} can be read.") from None
    except FileNotFoundError:
        raise PictureError(f"There is no file called {source}.") from None
    except IsADirectoryError:
        raise PictureError(f"{source} is a folder, not a picture.") from None
    except PermissionError:
        raise PictureError(f"{source} may not be read: check its permissions.") from None
    except UnidentifiedImageError:
        if _is_empty(source):
            raise PictureError("The file is empty.") from None
        raise PictureError(f"The file is not a picture that can be read. {USE_INSTEAD}") from None
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise PictureError("The picture is damaged or cut short. Please save or send it again.") from error


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return _eight_bits(np.asarray(image))
    if image.mode == "F":
        raise PictureError(f"Pictures of floating-point numbers cannot be read. {USE_INSTEAD}")
    if image.has_transparency_data:
        return _array(image, "RGBA")
    return _array(image, "L" if image.mode in ("1", "L") else "RGB")


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """The pixels in this mode, converted in strips: Pillow would hold a large photo four times."""
    channels = () if mode == "L" else (len(mode),)
    pixels = np.empty((image.height, image.width, *channels), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = image.crop((0, top, image.width, bottom)).convert(mode)
    return pixels


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey levels 0 to 65535, of any integer type, -> uint8."""
    if grey.min() < 0 or grey.max() > 0xFFFF:
        raise PictureError(f"Pictures with more than 16 bits a pixel cannot be read. {USE_INSTEAD}")
    return ((grey.astype(np.uint32) * 255 + 0x7FFF) // 0xFFFF).astype(np.uint8)


def _is_empty(source: str | Path | BinaryIO) -> bool:
    if isinstance(source, str | Path):
        return Path(source).stat().st_size == 0
    return source.seek(0, os.SEEK_END) == 0

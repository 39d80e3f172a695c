"""Files and values that are nearly right: from a fixed seed, always the same ones."""

import io
import random
import struct
import warnings
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageDraw

from cnn import save_model, seed_net
from training.examples import Example, write_examples

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
FORMATS = {
    "png": ("PNG", "L", {}),
    "png rgba": ("PNG", "RGBA", {}),
    "png palette": ("PNG", "P", {}),
    "png 16 bit": ("PNG", "I;16", {}),
    "jpeg": ("JPEG", "RGB", {}),
    "jpeg progressive": ("JPEG", "L", {"progressive": True}),
    "webp": ("WEBP", "RGB", {}),
    "gif": ("GIF", "P", {}),
    "bmp": ("BMP", "RGB", {}),
    "tiff": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "ppm": ("PPM", "RGB", {}),
    "heic": ("HEIF", "RGB", {}),
}


def mutated(original: bytes, chance: random.Random) -> bytes:
    """One to eight changes: bits, bytes, numbers at their edges, pieces that are cut, doubled or moved."""
    content = bytearray(original)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) + 1)
        # Heads and directories are where the meaning is.
        if chance.random() < 0.5:
            at = min(at, chance.randrange(200))
        length = chance.choice((1, 2, 4, 8, chance.randrange(1, 400)))
        match chance.randrange(7):
            case 0 if at < len(content):
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                number = chance.choice(EDGES)
                content[at : at + 4] = struct.pack(chance.choice("<>") + "I", number)
            case 3:
                del content[at : at + length]
            case 4:
                content[at:at] = content[at : at + length] * chance.randint(1, 5)
            case 5:
                piece = content[at : at + length]
                del content[at : at + length]
                to = chance.randrange(len(content) + 1)
                content[to:to] = piece
            case 6:
                content[at:at] = chance.randbytes(length)
    return bytes(content)


def picture(kind: str) -> bytes:
    """A small picture of a 7 in one of FORMATS."""
    form, mode, options = FORMATS[kind]
    drawn = Image.new("L", (48, 40), 255)
    ImageDraw.Draw(drawn).line([(12, 8), (36, 8), (20, 34)], 0, 5)
    image = (
        Image.fromarray(np.asarray(drawn).astype(np.uint16) * 257) if mode == "I;16" else drawn.convert(mode)
    )
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def with_right_checksums(png: bytes) -> bytes:
    """The PNG with each chunk's checksum made right, so that its decoder reads on."""
    content, at = bytearray(png), 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(content):
            break
        content[end : end + 4] = zlib.crc32(content[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(content)


def examples() -> bytes:
    """A zip of three examples."""
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 255
    return write_examples([Example(np.roll(image, i, 1), i) for i in range(3)])


def weights(path) -> bytes:
    """A file of weights."""
    save_model(path, seed_net(np.random.default_rng(0)), progress={"calibration": {"temperature": 1.5}})
    return path.read_bytes()


ODD_NAMES = ("../x", "/etc/x", "\x1b[31m", "a" * 60_000, "labels.csv", "é" * 200, "a\\b")


def repacked(packed: bytes, chance: random.Random) -> bytes:
    """A zip whose members, not the zip, are mutated: one member's content, its name, or which there are."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = chance.randrange(len(members))
    name, content = members[at]
    match chance.randrange(6):
        case 0 | 1:
            members[at] = name, mutated(content, chance)
        case 2:
            members[at] = name, mutated(content[:200], chance) + content[200:]
        case 3:
            members[at] = chance.choice(ODD_NAMES), content
        case 4:
            del members[at]
        case 5:
            members += [(f"{name}{i}", content) for i in range(chance.choice((1, 3, 200)))]
    file = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(file, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive,
    ):
        warnings.simplefilter("ignore")  # of two members with one name
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def value(chance: random.Random, depth: int = 0):
    """Any JSON, of the words and numbers that a page sends and of others."""
    if depth < 4 and chance.random() < 0.5:
        if chance.random() < 0.3:
            return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        return {chance.choice(WORDS): value(chance, depth + 1) for _ in range(chance.randrange(5))}
    numbers = (0, -1, 7, 10, 0.5, 1e308, 2**31, 2**63, 10**30)
    return chance.choice((None, True, False, "", "7", *numbers, chance.choice(WORDS)))


WORDS = (
    *("image", "network", "path", "example", "turns", "label", "picture", "position", "settings", "drawing"),
    *("epochs", "images", "batch_size", "learning_rate", "seed", "digits", "own", "seed_net", "small_net"),
    *("model", "name", "data", "meta", "_type", "gradio.FileData", "version", "../../etc/passwd", "\x1b[31m"),
    *("data:image/png;base64,", "data:image/png;base64,AAAA", "user/model", "a" * 500, "\u202e", "\u0000"),
)

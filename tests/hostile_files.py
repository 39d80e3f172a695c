"""Small files that are much work: each makes a decoder, or what comes after it, take seconds or gigabytes."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pillow_heif
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def png_chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int = 1, before: bytes = b"", pixels: bytes | None = None) -> bytes:
    """A grey picture, black unless `pixels` are given, with these chunks before its pixels."""
    if pixels is None:
        rows, row = zlib.compressobj(9), bytes(1 + (width * depth + 7) // 8)
        many = row * max(1, 2**20 // len(row))
        whole, rest = divmod(len(row) * height, len(many))
        pixels = (
            b"".join(rows.compress(many) for _ in range(whole)) + rows.compress(many[:rest]) + rows.flush()
        )
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return PNG + png_chunk(b"IHDR", head) + before + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND")


def narrow_png(height: int = 50_000_000) -> bytes:
    """One pixel wide."""
    return png(1, height)


def png_of_chunks(count: int = 160_000) -> bytes:
    """An empty text in each of very many chunks."""
    return png(28, 28, 8, png_chunk(b"tEXt", b"a\0") * count)


def png_of_texts(count: int = 60) -> bytes:
    """Texts that unpack to a megabyte each."""
    text = zlib.compress(bytes(1_000_000), 9)
    return png(28, 28, 8, png_chunk(b"zTXt", b"a\0\0" + text) * count)


def jpeg_of_scans(side: int = 6000, count: int = 5000) -> bytes:
    """A progressive JPEG of empty scans: its blocks are gone through once for each."""

    def segment(marker: int, content: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

    head = segment(0xDB, b"\0" + b"\1" * 64)  # quantization
    head += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")  # progressive, grey
    codes = b"\1" + bytes(15) + b"\0"  # one code, of one bit, for zero
    head += segment(0xC4, b"\0" + codes) + segment(0xC4, b"\x10" + codes)
    first = segment(0xDA, b"\1\1\0\0\0\0")  # the mean of each block
    scan = segment(0xDA, b"\1\1\0\1\x3f\0")  # the rest of it
    return b"\xff\xd8" + head + first + scan * count + b"\xff\xd9"


def ppm_of_comments(count: int = 8_000_000) -> bytes:
    return b"P6\n" + b"#\n" * count + b"8 8 255\n" + bytes(192)


def tiff_of_strips(side: int = 7000) -> bytes:
    """A strip a row, all of them the same compressed bytes."""
    row = zlib.compress(bytes(side), 9)
    tags = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, 8),  # deflate
        (262, 3, 1, 1),
        (273, 4, side, 0),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, side, 0),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    offsets, counts = start, start + 4 * side
    values = {273: offsets, 279: counts}
    directory = struct.pack("<H", len(tags))
    for tag, kind, count, value in tags:
        directory += struct.pack("<HHII", tag, kind, count, values.get(tag, value))
    at = counts + 4 * side
    body = struct.pack(f"<{side}I", *[at] * side) + struct.pack(f"<{side}I", *[len(row)] * side) + row
    return struct.pack("<2sHI", b"II", 42, 8) + directory + bytes(4) + body


def tiff_of_tags(count: int = 60_000) -> bytes:
    """A directory of very many texts, which lie over each other."""
    size = 12 * count
    tags = b"".join(struct.pack("<HHII", 1 + i, 2, size, 8) for i in range(count))
    return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", count) + tags + bytes(4)


def gif_of_comments(count: int = 1_000_000) -> bytes:
    """Comments of one letter before a picture."""
    head = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\2\2\x4c\1\0"
    return head + b"\x21\xfe\1a\0" * count + image + b";"


def webp_of_frames(side: int = 7000, count: int = 200) -> bytes:
    """An animation of small frames on a large canvas."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (i % 256, 0, 0)) for i in range(count)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=10)
    content = bytearray(file.getvalue())
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = struct.pack("<I", side - 1)[:3] * 2
    return bytes(content)


def heic_claiming(side: int = 3000, claimed: int = 64) -> bytes:
    """Says that it is small, and is large once it is decoded."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (side, side), "white")).save(file, quality=10)
    content = file.getvalue()
    sizes = struct.pack(">II", side, side), struct.pack(">II", claimed, claimed)
    assert sizes[0] in content
    return content.replace(*sizes)


def fingerprint(side: int = 1600) -> bytes:
    """Rings upon rings, each a piece of ink that might be digits."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    rings = np.sin(np.hypot(x - side / 2, y - side / 3) / 2 + 3 * np.sin(x / 40))
    return _saved(np.where(rings > 0, 255, 0).astype(np.uint8))


def joined_digits(side: int = 1600, size: int = 16) -> bytes:
    """A page full of small digits, each line of them one piece of ink."""
    picture = np.full((side, side), 255, np.uint8)
    for top in range(4, side - size, size + 6):
        picture[top + size // 2, 4:-4] = 0
        for left in range(4, side - size, size - 4):
            picture[top : top + size, left] = 0
            picture[top, left : left + size - 6] = 0
    return _saved(picture)


def zip_of(pictures: dict[str, bytes]) -> bytes:
    """A zip of examples, each said to be a 7."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pictures.items():
            archive.writestr(name, content)
        archive.writestr("labels.csv", "file,label\n" + "".join(f"{name},7\n" for name in pictures))
    return file.getvalue()


def _saved(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


PICTURES = {
    "PNG of one column": narrow_png,
    "PNG of empty chunks": png_of_chunks,
    "PNG of texts that unpack": png_of_texts,
    "JPEG of empty scans": jpeg_of_scans,
    "PPM of comments": ppm_of_comments,
    "TIFF of strips": tiff_of_strips,
    "TIFF of tags": tiff_of_tags,
    "GIF of comments": gif_of_comments,
    "WebP of frames": webp_of_frames,
    "HEIC that claims to be small": heic_claiming,
    "fingerprint": fingerprint,
    "joined digits": joined_digits,
}

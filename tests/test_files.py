import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition.files import PictureError, load_picture


def _file(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def _gradient(height=6, width=9):
    return (np.arange(height * width).reshape(height, width) * 4).astype(np.uint8)


def _png_claiming(width, height):
    """A PNG of a few bytes whose header promises a huge picture."""

    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "PPM"])
def test_grey_pictures_come_back_pixel_for_pixel(kind):
    grey = _gradient()
    loaded = load_picture(_file(Image.fromarray(grey), kind))
    expected = grey if loaded.ndim == 2 else np.stack([grey] * 3, -1)  # a GIF has a palette, so it is RGB
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, expected)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_pictures_come_back_almost_the_same(kind):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    loaded = load_picture(_file(Image.fromarray(flat), kind, quality=95))
    assert loaded.shape == flat.shape
    assert np.abs(loaded.astype(int) - flat).max() <= 4


def test_what_a_phone_saves_as_heic_is_read():
    halves = np.zeros((32, 64, 3), np.uint8)
    halves[:, 32:] = (250, 240, 230)
    loaded = load_picture(_file(Image.fromarray(halves), "HEIF", quality=90))
    assert loaded.shape == halves.shape
    assert np.abs(loaded.astype(int) - halves)[:, [5, 60]].max() <= 6


def test_a_heic_that_is_too_large_or_cut_short_is_refused_with_a_message():
    whole = _file(Image.fromarray(np.full((32, 64, 3), 90, np.uint8)), "HEIF").getvalue()
    with pytest.raises(PictureError, match="64 x 32"):
        load_picture(io.BytesIO(whole), max_pixels=100)
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(PictureError):
            load_picture(io.BytesIO(whole[: int(len(whole) * share)]))


def test_paths_are_read_as_strings_and_as_path_objects(tmp_path):
    path = tmp_path / "seven.png"
    Image.fromarray(_gradient()).save(path)
    np.testing.assert_array_equal(load_picture(path), _gradient())
    np.testing.assert_array_equal(load_picture(str(path)), _gradient())


def test_alpha_is_kept():
    rgba = np.zeros((4, 5, 4), np.uint8)
    rgba[1, 2] = (10, 20, 30, 128)
    np.testing.assert_array_equal(load_picture(_file(Image.fromarray(rgba))), rgba)


def test_grey_with_alpha_becomes_rgba():
    grey_alpha = Image.merge("LA", [Image.new("L", (3, 2), 70), Image.new("L", (3, 2), 9)])
    assert load_picture(_file(grey_alpha))[0, 0].tolist() == [70, 70, 70, 9]


def test_palette_pictures_become_rgb_and_with_a_transparent_colour_rgba():
    palette = Image.fromarray(np.full((4, 4, 3), (255, 0, 0), np.uint8)).quantize(4)
    assert load_picture(_file(palette))[0, 0].tolist() == [255, 0, 0]
    index = palette.getpixel((0, 0))
    assert load_picture(_file(palette, transparency=index))[0, 0, 3] == 0


def test_black_and_white_pictures_are_0_and_255():
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    np.testing.assert_array_equal(load_picture(_file(bits)), [[0, 255], [255, 0]])


def test_cmyk_pictures_become_rgb():
    assert load_picture(_file(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"))[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_8_and_not_cut_off(kind):
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    np.testing.assert_array_equal(load_picture(_file(Image.fromarray(deep), kind)), [[0, 1, 128, 255]])


def test_16_bit_colour_is_scaled_to_8():
    deep = np.full((3, 3, 3), (0, 32896, 65535), np.uint16)
    file = io.BytesIO(cv2.imencode(".png", deep[..., ::-1])[1].tobytes())
    assert load_picture(file)[1, 1].tolist() == [0, 128, 255]


def test_pictures_are_turned_upright_as_their_exif_says():
    upright = Image.fromarray(_gradient(6, 9))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture has to be turned a quarter clockwise
    turned = load_picture(_file(upright.transpose(Image.Transpose.ROTATE_90), exif=exif))
    np.testing.assert_array_equal(turned, _gradient(6, 9))


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("L", (4, 4), value) for value in (40, 200)]
    file = _file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert load_picture(file)[0, 0].tolist() == [40] * 3


def test_a_phone_photo_with_a_preview_inside_is_read():
    photo, preview = Image.new("RGB", (16, 12), (9, 9, 9)), Image.new("RGB", (4, 3))
    file = _file(photo, "MPO", save_all=True, append_images=[preview])
    assert load_picture(file).shape == (12, 16, 3)


def test_the_array_is_one_that_may_be_written_to():
    assert load_picture(_file(Image.fromarray(_gradient()))).flags.writeable


def test_a_single_pixel_is_a_picture():
    assert load_picture(_file(Image.new("L", (1, 1), 3))).tolist() == [[3]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"just some words", "not a picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a picture that can be read"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(content, message, tmp_path):
    path = tmp_path / "seven.png"
    path.write_bytes(content)
    for source in (io.BytesIO(content), path):
        with pytest.raises(PictureError, match=message):
            load_picture(source)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_picture_cut_short_is_refused_in_words(kind, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    whole = _file(Image.fromarray(noise), kind).getvalue()
    with pytest.raises(PictureError, match=r"damaged|not a picture"):
        load_picture(io.BytesIO(whole[: int(len(whole) * share)]))


def test_flipped_bytes_give_a_picture_or_a_picture_error_and_nothing_else():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (32, 32, 3), np.uint8)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        whole = np.frombuffer(_file(Image.fromarray(noise), kind).getvalue(), np.uint8)
        for _ in range(40):
            broken = whole.copy()
            broken[rng.integers(0, len(broken), 8)] = rng.integers(0, 255, 8)
            with contextlib.suppress(PictureError):
                assert load_picture(io.BytesIO(broken.tobytes())).dtype == np.uint8


@pytest.mark.parametrize("side", [8000, 10_000, 20_000, 60_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side):
    with pytest.raises(PictureError, match="too large"):
        load_picture(_png_claiming(side, side))


def test_the_limit_can_be_set():
    file = _file(Image.new("L", (40, 30)))
    assert load_picture(file, max_pixels=1200).shape == (30, 40)
    with pytest.raises(PictureError, match=r"too large: 40 x 30 pixels, and at most 0\.001199 million"):
        load_picture(file, max_pixels=1199)


def test_floating_point_pictures_are_refused_in_words():
    with pytest.raises(PictureError, match="floating-point"):
        load_picture(_file(Image.new("F", (4, 4), 0.5), "TIFF"))


def test_more_than_16_bits_are_refused_in_words():
    with pytest.raises(PictureError, match="more than 16 bits"):
        load_picture(_file(Image.fromarray(np.full((4, 4), 1 << 20, np.int32)), "TIFF"))


def test_a_missing_file_and_a_folder_are_named_in_the_message(tmp_path):
    with pytest.raises(PictureError, match=r"no file called .*nothing\.png"):
        load_picture(tmp_path / "nothing.png")
    with pytest.raises(PictureError, match="is a folder"):
        load_picture(tmp_path)

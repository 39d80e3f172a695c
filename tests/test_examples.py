"""The zip of examples comes back as it went out, and whatever else comes is refused in words."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from training import examples as module
from training.examples import Example, read_examples, write_examples


def seven(shift=0):
    image = np.zeros((28, 28), np.uint8)
    image[6, 6:20] = 255
    image[6:24, 16 + shift] = 200
    return image


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def packed(files, labels="file,label\n001.png,7\n", **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in files:
            archive.writestr(name, content)
        if labels is not None:
            archive.writestr("labels.csv", labels)
    return buffer.getvalue()


GOOD = ("001.png", png(seven()))


def test_examples_come_back_as_they_were():
    examples = [Example(seven(shift), label) for shift, label in ((0, 7), (1, 1), (2, 0))]
    back = read_examples(write_examples(examples))
    assert [one.label for one in back] == [7, 1, 0]
    for one, other in zip(back, examples, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_equal_examples_give_equal_bytes_that_any_program_can_read():
    content = write_examples([Example(seven(), 7)])
    assert content == write_examples([Example(seven(), 7)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["001.png", "labels.csv"]
        assert archive.read("labels.csv") == b"file,label\n001.png,7\n"
        with Image.open(archive.open("001.png")) as image:
            np.testing.assert_array_equal(np.asarray(image), seven())


def test_a_picture_of_another_size_is_normalised_as_a_drawing_is():
    paper = np.full((300, 200, 3), 255, np.uint8)
    paper[50:250, 90:110] = (20, 20, 120)
    (example,) = read_examples(packed([("001.png", png(paper))], "\ufefffile,label\r\n 001.png , 1 \r\n"))
    assert example.label == 1
    assert example.image.any(1).sum() == 20  # rows of a digit in MNIST's box


def test_folders_and_what_macos_adds_are_passed_over():
    files = [("mine/", b""), ("mine/a.png", GOOD[1]), ("__MACOSX/._a.png", b"x")]
    assert len(read_examples(packed(files, "file,label\nmine/a.png,3\n"))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or not a zip"),
        (b"PK\x03\x04 and nothing", "damaged or not a zip"),
        (packed([GOOD])[:-30], "damaged or not a zip"),
        (packed([GOOD], None), "holds no labels.csv"),
        (packed([], "file,label\n"), "holds no examples"),
        (packed([GOOD], "001.png,7\n"), "must begin with the line file,label"),
        (packed([GOOD], ""), "must begin with the line file,label"),
        (packed([GOOD], b"\xff\xfe\x00"), "not a table"),
        (packed([GOOD], 'file,label\n"001.png,7\n'), "not a table"),
        (packed([GOOD], "file,label\n001.png,ten\n"), "Line 2 .* a digit, 0 to 9, got 001.png,ten"),
        (packed([GOOD], "file,label\n001.png,12\n"), "Line 2"),
        (packed([GOOD], "file,label\n001.png,\n"), "Line 2"),
        (packed([GOOD], "file,label\n001.png,\u0663\n"), "Line 2"),
        (packed([GOOD], "file,label\n001.png,7,8\n"), "Line 2"),
        (packed([GOOD], "file,label\n001.png,7\n001.png,8\n"), "names 001.png twice"),
        (packed([GOOD], "file,label\n001.png,7\n002.png,7\n"), "names 002.png, which is not in the zip"),
        (packed([GOOD, ("002.png", GOOD[1])]), "holds 002.png, which labels.csv does not name"),
        (packed([("../001.png", GOOD[1])]), "would lie outside of it: ../001.png"),
        (packed([("/etc/001.png", GOOD[1])]), "would lie outside"),
        (packed([("a\\..\\001.png", GOOD[1])]), "would lie outside"),
        (packed([("001.png", b"GIF89a")]), "001.png is not a PNG picture"),
        (packed([("001.png", GOOD[1][:60])]), "001.png: The picture is damaged or cut short"),
        (packed([("001.png", png(np.zeros((28, 28), np.uint8)))]), "001.png is empty"),
        (packed([("001.png", png(np.full((90, 90), 255, np.uint8)))]), "001.png is empty"),
        (packed([("001.png", png(np.zeros((2100, 2100), np.uint8)))]), "001.png: The picture is too large"),
    ],
)
def test_other_files_are_refused_in_words(content, message):
    with pytest.raises(ValueError, match=message):
        read_examples(content)


def test_a_bomb_is_not_unpacked(monkeypatch):
    bomb = packed([("001.png", GOOD[1] + bytes(50_000_000))], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    monkeypatch.setattr(module, "load_picture", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(ValueError, match=r"holds 001\.png, which is too large: at most 2 MiB"):
        read_examples(bomb)


def test_more_entries_or_bytes_than_allowed_are_refused():
    files = [(f"{i}.png", GOOD[1]) for i in range(4)]
    with pytest.raises(ValueError, match="more than 3 examples"):
        read_examples(packed(files), most_examples=3)
    with pytest.raises(ValueError, match=r"too large: at most 0\.0001 MB"):
        read_examples(packed(files), most_bytes=100)


def test_a_name_that_occurs_twice_is_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = packed([GOOD, GOOD])
    with pytest.raises(ValueError, match=r"001\.png twice"):
        read_examples(twice)


def test_an_encrypted_zip_is_refused():
    content = bytearray(packed([GOOD]))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            content[start + offset] |= 1
            start += 4
    with pytest.raises(ValueError, match="encrypted"):
        read_examples(bytes(content))


def test_messages_repeat_no_control_characters_and_no_long_names():
    with pytest.raises(ValueError) as caught:
        read_examples(packed([("\x1b[31m" + "x" * 500 + ".png", b"")]))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    ("image", "label", "message"),
    [
        (np.zeros((28, 28), np.uint8), 7, "empty"),
        (np.ones((28, 27), np.uint8), 7, r"must be \(28, 28\) uint8"),
        (np.ones((28, 28), np.float32), 7, "float32"),
        (seven(), 10, "digit from 0 to 9, got 10"),
        (seven(), -1, "digit from 0 to 9"),
        (seven(), True, "digit from 0 to 9"),
        (seven(), "7", "digit from 0 to 9"),
    ],
)
def test_an_example_is_a_drawing_and_a_digit(image, label, message):
    with pytest.raises(ValueError, match=message):
        Example(image, label)

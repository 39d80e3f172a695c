"""What a picture costs is bounded: its size, the memory it takes and the work it makes, whatever it shows."""

import io
import tracemalloc
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition import Reader, candidates, normalise, photo_reading, pipeline, segment
from recognition.files import PictureError, load_picture
from recognition.limits import CUT_WORK, DRAWING_WORK, MAX_SIDE, PHOTO_WORK, PIXELS_A_UNIT
from recognition.normalise import BOX, LONG_ASPECT, LONG_SIDE
from tests.drawings import canvas
from tests.hostile_pictures import DRAWINGS, PHOTOS, separate_digits
from training.examples import read_examples

OTHER_WORK = 1.1  # what is not counted beforehand, such as one look at the whole, as a share of the limit
MEMORY = 200e6  # bytes: a photo is worked on in 2.6 million pixels, and about ten arrays of them
# The photos whose memory is measured, which doubles the time that reading takes.
MEASURED = ("noise", "checkerboard", "fingerprint", "1 x 20,000", "20,000 x 1")
WHOLE_FOUR = [[(0.3, 0.05), (0.2, 0.55), (0.8, 0.55)], [(0.65, 0.2), (0.62, 0.95)]]


def peak_of(work):
    """Bytes that NumPy and OpenCV's arrays held at most while `work` ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class WorkMeter:
    """A reader whose work is counted where it is done, independently of the budget."""

    def __init__(self, monkeypatch):
        self.reader = Reader()
        self.units = 0.0
        for network in ("model", "context_model"):
            self.count(monkeypatch, getattr(self.reader.classifier, network), "predict", len)
        self.count(monkeypatch, self.reader.classifier, "read_line", lambda line: line.shape[1] / 12)
        self.count(monkeypatch, segment, "find_cuts", lambda *_: CUT_WORK)
        self.count(monkeypatch, candidates, "normalise", lambda ink: ink.size / PIXELS_A_UNIT)
        self.count(monkeypatch, candidates, "with_context", lambda parts, ids, *_: _area(parts.box_of(ids)))

    def count(self, monkeypatch, owner, name, units):
        work = getattr(owner, name)

        def counted(*arguments):
            self.units += units(*arguments)
            return work(*arguments)

        monkeypatch.setattr(owner, name, counted)


def _area(box):
    return box[2] * box[3] / PIXELS_A_UNIT


@pytest.fixture
def meter(monkeypatch):
    return WorkMeter(monkeypatch)


@pytest.fixture(scope="module")
def reader():
    return Reader()


# --- work


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_drawing_makes_more_work_or_takes_more_memory_than_it_may(meter, name):
    drawing, readings = DRAWINGS[name](), []
    assert peak_of(lambda: readings.append(meter.reader.read_drawing(drawing))) < MEMORY / 2
    assert meter.units <= OTHER_WORK * DRAWING_WORK
    assert readings[0].text or readings[0].message


@pytest.mark.parametrize("name", PHOTOS)
def test_no_photo_makes_more_work_or_takes_more_memory_than_it_may(meter, name):
    photo, readings = PHOTOS[name](), []

    def read():
        readings.append(meter.reader.read_photo(photo))

    if name in MEASURED:
        assert peak_of(read) < MEMORY
    else:
        read()
    assert meter.units <= OTHER_WORK * PHOTO_WORK
    assert readings[0].text or readings[0].message


def test_of_a_picture_that_is_too_full_it_is_said_and_nothing_is_guessed(reader):
    drawing = reader.read_drawing(DRAWINGS["separate digits"]())
    assert (drawing.digits, drawing.message) == ((), pipeline.DRAWING_TOO_FULL)
    photo = reader.read_photo(PHOTOS["fingerprint"]())
    assert (photo.digits, photo.message) == ((), photo_reading.PHOTO_TOO_FULL)
    assert photo.stages


def test_what_a_person_writes_is_far_from_too_much(meter):
    """Five rows of 16 digits on the pad, and a page of 400 in a photo."""
    drawing = meter.reader.read_drawing(separate_digits((280, 840), 40, 5, 1.2, 1.3))
    assert len(drawing.digits) >= 60
    assert meter.units < DRAWING_WORK / 2
    meter.units = 0
    photo = meter.reader.read_photo(separate_digits((1200, 1600), 40, 5, 1.6, 1.6))
    assert len(photo.digits) >= 400
    assert meter.units < PHOTO_WORK / 2


# --- memory


def test_the_memory_that_is_traced_includes_arrays():
    assert peak_of(lambda: np.zeros(10**8, np.uint8)) >= 10**8


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1), (9, 30_000), (3_000, 20)])
def test_normalising_takes_memory_for_the_ink_and_not_for_the_square_around_it(shape):
    ink = np.ones(shape, np.float32)
    assert peak_of(lambda: normalise(ink)) < 40 * ink.nbytes + 1000 * max(shape)


def square_by_hand(ink):
    """MNIST's procedure as it is written, with the whole square: float (BOX, BOX), peak 255."""
    side = max(ink.shape)
    square = np.zeros((side, side), np.float32)
    top, left = ((side - length) // 2 for length in ink.shape)
    square[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    small = cv2.resize(square, (BOX, BOX), interpolation=cv2.INTER_AREA)
    return small * 255 / small.max()


@pytest.mark.parametrize("shape", [(20, 800), (800, 20), (7, 1001), (1001, 31), (1, 500), (3, 257)])
def test_long_ink_is_resampled_as_its_square_would_be(shape):
    assert max(shape) > LONG_SIDE and max(shape) > LONG_ASPECT * min(shape)
    ink = np.random.default_rng(0).uniform(0.5, 1, shape).astype(np.float32)
    expected, image = square_by_hand(ink), normalise(ink).astype(float)
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    expected = expected[np.rint(expected).any(1)][:, np.rint(expected).any(0)]
    np.testing.assert_allclose(inside, expected, atol=1)


@pytest.mark.parametrize("shape", [(500, 40), (40, 500), (300, 300), (256, 1), (801, 77)])
def test_ink_of_ordinary_shape_is_resampled_exactly_as_its_square(shape):
    ink = np.random.default_rng(0).uniform(0.5, 1, shape).astype(np.float32)
    expected = np.rint(square_by_hand(ink)).astype(np.uint8)
    image = normalise(ink)
    assert sorted(image[image > 0]) == sorted(expected[expected > 0])


# --- size


def png(shape):
    file = io.BytesIO()
    Image.fromarray(np.full(shape, 255, np.uint8)).save(file, "PNG")
    file.seek(0)
    return file


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1), (2, MAX_SIDE + 1)])
def test_a_file_with_a_side_too_long_is_refused_in_words(shape):
    height, width = shape
    with pytest.raises(PictureError, match=f"too large: {width} x {height} pixels, .* 20,000 pixels a side"):
        load_picture(png(shape))
    assert load_picture(png((1, MAX_SIDE))).shape == (1, MAX_SIDE)


def test_a_zip_of_examples_with_a_side_too_long_is_refused_in_words():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("001.png", png((1, 30_000)).getvalue())
        archive.writestr("labels.csv", "file,label\n001.png,1\n")
    with pytest.raises(ValueError, match=r"001\.png: The picture is too large: 30000 x 1 pixels"):
        read_examples(packed.getvalue())


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1), (8_000, 8_000)])
def test_an_array_too_large_is_refused_in_words_before_it_is_worked_on(reader, shape):
    picture = np.zeros(shape, np.uint8)

    def refused():
        for read in (reader.read_drawing, reader.read_photo):
            with pytest.raises(ValueError, match="too large"):
                read(picture)

    assert peak_of(refused) < 1e6


def test_ink_too_large_is_refused_in_words(reader):
    with pytest.raises(ValueError, match="ink is too large: 30000 x 1 pixels"):
        reader.read_ink(np.ones((1, 30_000), np.float32))


def test_a_large_drawing_is_read_as_a_small_one_with_boxes_in_its_own_pixels(reader):
    small = np.concatenate([canvas(WHOLE_FOUR), canvas(WHOLE_FOUR)], axis=1)
    large = cv2.resize(small, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
    one, other = reader.read_drawing(small), reader.read_drawing(large)
    assert one.text == other.text == "44"
    for found, scaled in zip(one.digits, other.digits, strict=True):
        assert np.array(scaled.box) / 8 == pytest.approx(np.array(found.box), abs=2)

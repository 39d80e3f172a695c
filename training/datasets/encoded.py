"""An `.npz` of pictures that are still PNG or JPEG files, with their labels and the names of the classes.

    data     (B,) uint8: all picture files, one after the other
    offsets  (N + 1,) integers: picture i is data[offsets[i] : offsets[i + 1]]
    labels   (N,) integers, 0 to K - 1
    classes  (K,) texts

Where the file's name ends in _train.npz, the test pictures are in the file beside it that ends in _test.npz;
else a sixth of the pictures, drawn at random but always the same, is set aside for the test.
"""

import io
from pathlib import Path

import numpy as np

from cnn.archive import ArchiveError, printable, read_arrays
from cnn.classes import check_class_names
from recognition.files import PictureError, load_picture
from training.datasets.base import DataError, Dataset
from training.datasets.files import first_line, md5, read_bytes
from training.datasets.pictures import fit_picture

MOST_BYTES = 300 * 2**20  # that a file may unpack to
MOST_PICTURES = 200_000
MOST_PIXELS = 1_000_000  # of one picture
SIDES = (8, 64)  # pixels of a side: the least and the most
TRAIN, TEST = "_train.npz", "_test.npz"
TEST_PARTS = 6  # one of so many pictures is for the test, as of MNIST's and CIFAR-10's


def load_encoded(path: str | Path) -> Dataset:
    """The data set in such a file; all pictures must be of the size of the first, and are read as RGB.

    Raises DataError, in a sentence, for anything in the file that is not as it should be.
    """
    path = Path(path)
    images, labels, classes, is_jpeg, checksum = _read(path)
    beside = path.with_name(path.name.removesuffix(TRAIN) + TEST)
    if path.name.endswith(TRAIN) and beside.is_file():
        test_images, test_labels, test_classes, _, test_checksum = _read(beside)
        if test_classes != classes or test_images.shape[1:] != images.shape[1:]:
            raise DataError(f"{beside.name} has other classes, or pictures of another size, than {path.name}")
        checksum = md5((checksum + test_checksum).encode())
        parts = (images, labels, test_images, test_labels)
    else:
        parts = split_test(images, labels)
    note = "the pictures are stored as JPEG, so they are not the originals bit for bit" if is_jpeg else ""
    return Dataset(*parts, checksum, path.name, classes, note, validation_size(len(parts[0])))


def split_test(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """(training images, their labels, test images, their labels), in a random order that never changes.

    Raises DataError where there are too few pictures for that.
    """
    count = len(images) // TEST_PARTS
    if count < 2:
        raise DataError(f"{len(images)} pictures are too few: a data set needs at least {2 * TEST_PARTS}")
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[count:], order[:count]
    return images[train], labels[train], images[test], labels[test]


def validation_size(count: int) -> int | None:
    """How many of `count` training pictures validate: a tenth of a small data set, else the usual number."""
    return None if count >= 50_000 else max(1, count // 10)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], bool, str]:
    """Pictures, labels, classes, whether the pictures are JPEG, and the file's MD5."""
    content = read_bytes(path)
    try:
        arrays = read_arrays(io.BytesIO(content), most_bytes=MOST_BYTES)
    except ArchiveError as error:
        raise DataError(f"{path.name} cannot be read as an .npz of pictures: {error}") from error
    data, offsets, labels, classes = _checked(path.name, arrays)
    bounds = offsets.tolist()
    images, shape = None, None
    for i in range(len(labels)):
        encoded = data[bounds[i] : bounds[i + 1]].tobytes()
        try:
            pixels = load_picture(io.BytesIO(encoded), MOST_PIXELS)
        except PictureError as error:
            raise DataError(f"picture {i} in {path.name} cannot be read: {error}") from error
        if shape is None:
            shape = pixels.shape[:2]
            if not all(SIDES[0] <= side <= SIDES[1] for side in shape):
                raise DataError(
                    f"the pictures in {path.name} are {shape[1]}x{shape[0]}: sides must be {SIDES[0]} to "
                    f"{SIDES[1]} pixels"
                )
            images = np.empty((len(labels), *shape, 3), np.uint8)
        if pixels.shape[:2] != shape:
            raise DataError(
                f"picture {i} in {path.name} is {pixels.shape[1]}x{pixels.shape[0]}, the first is "
                f"{shape[1]}x{shape[0]}: all must be of one size"
            )
        images[i] = fit_picture(pixels, (*shape, 3))
    is_jpeg = data[bounds[0] : bounds[0] + 2].tobytes() == b"\xff\xd8"
    return images, labels.astype(np.int64), classes, is_jpeg, md5(content)


def _checked(name: str, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The four arrays, if they fit together."""
    missing = sorted({"data", "offsets", "labels", "classes"} - arrays.keys())
    if missing:
        raise DataError(f"{name} is no .npz of pictures: it lacks {', '.join(missing)}")
    data, offsets, labels, classes = (arrays[key] for key in ("data", "offsets", "labels", "classes"))
    if data.dtype != np.uint8 or data.ndim != 1:
        raise DataError(f"data in {name} must be (B,) uint8, got {data.shape} {data.dtype}")
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or not 1 <= len(labels) <= MOST_PICTURES:
        raise DataError(
            f"labels in {name} must be 1 to {MOST_PICTURES:,} whole numbers, got {labels.shape} "
            f"{labels.dtype}"
        )
    if offsets.dtype.kind not in "iu" or offsets.shape != (len(labels) + 1,):
        raise DataError(f"offsets in {name} must be {len(labels) + 1:,} whole numbers, got {offsets.shape}")
    offsets = offsets.astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != len(data) or (np.diff(offsets) <= 0).any():
        raise DataError(f"offsets in {name} must rise from 0 to the length of data, {len(data):,}")
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise DataError(f"classes in {name} must be texts, got {classes.shape} {classes.dtype}")
    try:
        names = check_class_names([str(one) for one in classes])
    except ValueError as error:
        raise DataError(
            f"the class names in {name} cannot be used: {printable(first_line(error), 200)}"
        ) from error
    if labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            f"labels in {name} must be 0 to {len(names) - 1}, got {labels.min()} to {labels.max()}"
        )
    return data, offsets, labels, names

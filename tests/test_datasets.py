"""Data sets by name and one's own: read as they are, and refused in a sentence where something is wrong."""

import gzip
import io
import tarfile

import cv2
import numpy as np
import pytest

from training.datasets import cifar10, encoded, fashion, files, folder
from training.datasets.base import DataError
from training.datasets.files import md5
from training.datasets.idx import write_idx
from training.datasets.pictures import fit_picture
from training.datasets.registry import is_own, load_dataset, load_own

RNG = np.random.default_rng(0)
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


# --- Fashion-MNIST


@pytest.fixture
def clothes(tmp_path, monkeypatch):
    """A folder with four small files in Fashion-MNIST's format, whose checksums are made known."""
    home = tmp_path / "clothes"
    home.mkdir()
    digests = {}
    for name in fashion.FILES:
        n = 30 if name.startswith("train") else 10
        values = RNG.integers(0, 256, (n, 28, 28)) if "images" in name else np.arange(n) % 10
        content = write_idx(values.astype(np.uint8))
        digests[name] = md5(content)
        (home / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(fashion, "FILES", digests)
    monkeypatch.setattr(fashion, "MIRRORS", ())
    monkeypatch.setattr(fashion, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(fashion, "INSTALLED", tmp_path / "none")
    return home


def test_fashion_mnist_is_read_from_a_folder_with_the_names_of_its_classes(clothes):
    dataset = load_dataset("fashion-mnist", clothes)
    assert (dataset.title, dataset.classes[9], dataset.input_shape) == (
        "Fashion-MNIST",
        "Ankle boot",
        (28, 28, 1),
    )
    np.testing.assert_array_equal(dataset.test_labels, np.arange(10))
    assert not dataset.has_digits and not is_own(clothes)


def test_where_debians_package_is_installed_nothing_is_fetched(clothes, monkeypatch):
    with pytest.raises(DataError, match="Fashion-MNIST could not be fetched"):
        load_dataset("fashion-mnist")
    monkeypatch.setattr(fashion, "INSTALLED", clothes)
    assert len(load_dataset("fashion-mnist").train_labels) == 30
    assert not fashion.CACHE.exists()


def test_mnists_files_are_not_taken_for_fashion_mnists(clothes):
    (clothes / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(write_idx(np.zeros(10, np.uint8))))
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is not Fashion-MNIST's: its MD5 is"):
        load_dataset("fashion-mnist", clothes)


def test_a_gzip_bomb_is_not_unpacked(clothes, monkeypatch):
    monkeypatch.setattr(files, "MOST_UNPACKED", 1 << 20)
    (clothes / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(DataError, match="would unpack to more than 1 MiB"):
        load_dataset("fashion-mnist", clothes)


# --- CIFAR-10


def record(label, picture):
    """One record of the binary version: the label and three planes."""
    return bytes([label]) + picture.transpose(2, 0, 1).tobytes()


def packed(members):
    """A gzipped tar of these files; a value that is no content is a link to it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


PICTURES = RNG.integers(0, 256, (12, 32, 32, 3), np.uint8)
MEMBERS = {
    name: record(i % 10, PICTURES[2 * i]) + record((i + 1) % 10, PICTURES[2 * i + 1])
    for i, name in enumerate((*cifar10.TRAINING, *cifar10.TEST))
} | {f"{cifar10.FOLDER}/readme.html": b"<html>"}


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Puts an archive into a folder, and makes its checksum known."""
    monkeypatch.setattr(cifar10, "MIRRORS", ("http://127.0.0.1:9/",))  # nothing listens there
    monkeypatch.setattr(cifar10, "CACHE", tmp_path / "cache")

    def put(content):
        (tmp_path / cifar10.ARCHIVE).write_bytes(content)
        monkeypatch.setattr(cifar10, "MD5", md5(content))
        return tmp_path

    return put


def test_cifar10s_binary_archive_is_read(cifar, tmp_path):
    dataset = load_dataset("cifar10", cifar(packed(MEMBERS)))
    np.testing.assert_array_equal(dataset.train_images, PICTURES[:10])
    np.testing.assert_array_equal(dataset.test_images, PICTURES[10:])
    assert dataset.train_labels.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert (dataset.classes[3], dataset.input_shape) == ("cat", (32, 32, 3))
    assert not is_own(tmp_path)


def test_cifar10_is_read_from_the_cache_and_fetched_where_that_is_damaged(cifar, monkeypatch):
    content = packed(MEMBERS)
    cifar(content)
    asked = []
    monkeypatch.setattr(files, "fetch", lambda address: asked.append(address) or content)
    cifar10.CACHE.mkdir()
    (cifar10.CACHE / cifar10.ARCHIVE).write_bytes(b"damaged")
    for _ in range(2):
        assert len(load_dataset("cifar10").test_labels) == 2
    assert asked == [cifar10.MIRRORS[0] + cifar10.ARCHIVE]


def test_when_cifar10_cannot_be_fetched_the_message_says_what_to_do(cifar):
    with pytest.raises(DataError) as raised:
        load_dataset("cifar10")
    assert "http://127.0.0.1:9/" in str(raised.value)
    assert "--data FOLDER" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({cifar10.TEST[0]: record(10, PICTURES[0])}, "holds the label 10; labels are 0 to 9"),
        ({cifar10.TEST[0]: b"1234"}, "must hold whole records of 3,073 bytes, got 4 bytes"),
        ({cifar10.TEST[0]: b""}, "must hold whole records"),
        ({cifar10.TEST[0]: "/etc/passwd"}, "holds a cifar-10-batches-bin/test_batch.bin that is not"),
        ({cifar10.TEST[0]: None}, "lacks cifar-10-batches-bin/test_batch.bin"),
        ({f"more{i}": b"" for i in range(30)}, "holds more than 20 files"),
        ({"zeros": bytes(5 << 20)}, "would unpack to more than 1 MiB"),
    ],
)
def test_an_archive_that_is_not_as_it_should_be_is_refused_in_words(cifar, monkeypatch, changes, message):
    monkeypatch.setattr(cifar10, "MOST_UNPACKED", 1 << 20)
    members = {name: content for name, content in (MEMBERS | changes).items() if content is not None}
    with pytest.raises(DataError, match=message):
        load_dataset("cifar10", cifar(packed(dict(sorted(members.items(), reverse=True)))))


@pytest.mark.parametrize(
    "content",
    [b"no gzip", packed(MEMBERS)[:5000], gzip.compress(b"no tar" * 500, mtime=0)],
    ids=["no gzip", "cut off", "no tar"],  # or the time of packing would be in the name
)
def test_a_damaged_archive_is_refused_in_words(cifar, content):
    with pytest.raises(DataError, match=r"is damaged or no gzipped tar|lacks cifar-10"):
        load_dataset("cifar10", cifar(content))


def test_another_archive_is_not_opened(cifar, tmp_path, monkeypatch):
    cifar(packed(MEMBERS))
    monkeypatch.setattr(cifar10, "MD5", "0")
    with pytest.raises(DataError, match="is not CIFAR-10's: its MD5 is"):
        load_dataset("cifar10", tmp_path)


# --- an .npz of encoded pictures


def arrays(n=30, side=12, kind=".jpg"):
    """What such a file holds: `n` pictures, red and blue by turns."""
    labels = np.arange(n) % 2
    colours = list(COLOURS.values())
    encoded_pictures = [
        cv2.imencode(kind, np.full((side, side, 3), colours[label][::-1], np.uint8))[1] for label in labels
    ]
    offsets = np.cumsum([0, *map(len, encoded_pictures)])
    return {
        "data": np.concatenate(encoded_pictures),
        "offsets": offsets,
        "labels": labels.astype(np.uint8),
        "classes": np.array([*COLOURS]),
    }


def test_an_npz_of_jpegs_is_read_with_the_test_file_beside_it(tmp_path):
    np.savez(tmp_path / "mine_train.npz", **arrays())
    np.savez(tmp_path / "mine_test.npz", **arrays(6))
    dataset = load_own(tmp_path / "mine_train.npz")
    assert dataset.train_images.shape == (30, 12, 12, 3)
    assert dataset.test_labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert (np.abs(dataset.test_images[0].astype(int) - COLOURS["red"]) < 5).all()
    assert dataset.classes == ("red", "blue")
    assert "JPEG" in dataset.note


def test_without_a_test_file_a_sixth_is_set_aside_always_the_same(tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays(kind=".png"))
    first, again = (load_own(tmp_path / "mine.npz") for _ in range(2))
    assert (len(first.train_labels), len(first.test_labels), first.validation_size) == (25, 5, 2)
    np.testing.assert_array_equal(first.test_images, again.test_images)
    assert first.note == ""


def changed(**changes):
    """The arrays with some replaced, or left out where they are None."""
    return {name: value for name, value in (arrays() | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(labels=None), "it lacks labels"),
        (changed(labels=np.full(30, 2)), "labels in bad.npz must be 0 to 1, got 2 to 2"),
        (changed(labels=np.full(30, -1)), "labels in bad.npz must be 0 to 1, got -1 to -1"),
        (changed(labels=np.zeros(30)), "labels in bad.npz must be 1 to 200,000 whole numbers"),
        (changed(labels=np.zeros(29, int)), "offsets in bad.npz must be 30 whole numbers"),
        (changed(offsets=np.arange(31)), "must rise from 0 to the length of data"),
        (changed(offsets=np.arange(31)[::-1].copy()), "must rise from 0 to the length of data"),
        (changed(data=np.zeros((3, 3))), "data in bad.npz must be"),
        (changed(classes=np.array(["red", "<b>blue</b>"])), "must not contain any of < > & `"),
        (changed(classes=np.array(["red", "b" * 10_000])), "has 10,000 characters; at most 40 are read"),
        (changed(classes=np.array(["red", "red"])), "two classes are both named red"),
        (changed(classes=np.array(["red"])), "there must be 2 to 1000 classes, got 1"),
        (changed(classes=np.arange(2)), "classes in bad.npz must be texts"),
        (changed(data=np.zeros(len(arrays()["data"]), np.uint8)), "picture 0 in bad.npz cannot be read"),
        (arrays(side=200), "the pictures in bad.npz are 200x200: sides must be 8 to 64 pixels"),
        (arrays(6), "6 pictures are too few: a data set needs at least 12"),
    ],
)
def test_an_npz_with_something_wrong_is_refused_in_a_sentence(tmp_path, content, message):
    np.savez(tmp_path / "bad.npz", **content)
    with pytest.raises(DataError, match=message) as raised:
        load_own(tmp_path / "bad.npz")
    assert len(str(raised.value)) < 300 and str(raised.value).isprintable()


def test_pictures_of_different_sizes_are_refused(tmp_path):
    large, small = arrays(12, side=12), arrays(12, side=10)
    both = {name: np.concatenate([large[name], small[name]]) for name in ("data", "labels")}
    offsets = np.concatenate([large["offsets"], large["offsets"][-1] + small["offsets"][1:]])
    np.savez(tmp_path / "bad.npz", **both, offsets=offsets, classes=large["classes"])
    with pytest.raises(DataError, match=r"picture 12 in bad.npz is 10x10, the first is 12x12"):
        load_own(tmp_path / "bad.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(encoded, "MOST_BYTES", 1 << 20)
    np.savez_compressed(tmp_path / "bad.npz", **arrays() | {"data": np.zeros(20 << 20, np.uint8)})
    with pytest.raises(DataError, match=r"would unpack to 20 MiB; at most 1 MiB"):
        load_own(tmp_path / "bad.npz")


# --- a folder of pictures by class


def paint(home, n=10, kind=".png"):
    """`n` pictures of each colour, 40 by 60 pixels."""
    for name, colour in COLOURS.items():
        (home / name).mkdir(parents=True)
        for i in range(n):
            cv2.imwrite(str(home / name / f"{i}{kind}"), np.full((40, 60, 3), colour[::-1], np.uint8))
    return home


def test_a_folder_of_pictures_by_class_is_read(tmp_path):
    home = paint(tmp_path / "pets")
    (home / "red" / "notes.txt").write_text("no picture")
    assert is_own(home)
    dataset = load_own(home)
    assert (dataset.title, dataset.classes) == ("pets", ("blue", "red"))
    assert dataset.train_images.shape == (17, 32, 32, 3) and len(dataset.test_labels) == 3
    for image, label in zip(dataset.train_images, dataset.train_labels, strict=True):
        assert (image == COLOURS[dataset.classes[label]]).all()


def test_a_folder_may_have_its_own_test_pictures(tmp_path):
    paint(tmp_path / "train", 7)
    paint(tmp_path / "test", 2)
    dataset = load_own(tmp_path)
    assert (len(dataset.train_labels), dataset.test_labels.tolist()) == (14, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda home: (home / "red" / "3.png").write_bytes(b"GIF89a"), r"3\.png cannot be read"),
        (lambda home: [path.unlink() for path in (home / "red").iterdir()], "red holds no pictures"),
        (lambda home: (home / "red").rename(home / "<i>red"), "must not contain any of"),
        (lambda home: (home / "red").rename(home / ("r" * 200)), "has 200 characters"),
        (lambda home: (home / "red").rename(home.parent / "red"), "a folder of pictures for each class"),
    ],
)
def test_a_folder_with_something_wrong_is_refused_in_a_sentence(tmp_path, break_it, message):
    home = paint(tmp_path / "pets")
    break_it(home)
    with pytest.raises(DataError, match=message):
        load_own(home)


def test_a_folder_has_limits(tmp_path, monkeypatch):
    home = paint(tmp_path / "pets")
    monkeypatch.setattr(folder, "MOST_PICTURES", 15)
    with pytest.raises(DataError, match="holds more than 15 pictures"):
        load_own(home)
    monkeypatch.setattr(folder, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="is too large"):
        load_own(home)


def test_what_is_no_data_set_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(DataError, match=r"name a folder of pictures by class, an .npz of"):
        load_own(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="there is no folder or file"):
        load_own(tmp_path / "nothing")


def test_a_picture_is_cut_to_the_middle_and_fits_the_network():
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 20:60] = 200
    assert (fit_picture(wide, (32, 32, 3)) == 200).all()
    assert fit_picture(wide, (28, 28, 1)).shape == (28, 28)
    assert fit_picture(wide[:, :, 0], (20, 20, 3)).shape == (20, 20, 3)
    clear = np.zeros((9, 9, 4), np.uint8)
    assert (fit_picture(clear, (9, 9, 3)) == 255).all()
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        fit_picture(wide, (28, 28, 2))

"""MNIST from a folder, the cache, a mirror or the package; checked, kept, and never fetched twice."""

import errno
import functools
import gzip
import hashlib
import tempfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tests.serving import serve
from training import data
from training.data import DataError, load_mnist, split_validation
from training.datasets.idx import write_idx

SIZES = {"train": 60, "t10k": 10}


@pytest.fixture(scope="module")
def contents():
    """Four small files with MNIST's names and format."""
    rng = np.random.default_rng(0)
    made = {}
    for name in data.FILES:
        n = SIZES[name.split("-")[0]]
        values = rng.integers(0, 256, (n, 28, 28), np.uint8) if "images" in name else np.arange(n) % 10
        made[name] = write_idx(values.astype(np.uint8))
    return made


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path, contents):
    """No mirror, no package, an empty cache, and the small files' checksums."""
    digests = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(data, "FILES", digests)
    monkeypatch.setattr(data, "MIRRORS", ())
    monkeypatch.setattr(data, "WHEEL", "no-such-package-for-these-tests==0")
    monkeypatch.setattr(data, "_from_wheel", lambda: pytest.fail("the package was asked for"))
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")


class Handler(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 (shared by all requests of a test, reset by `mirror`)

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(tmp_path, contents, monkeypatch):
    """A real HTTP server on this machine that serves the files gzipped."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    Handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    serve(server)
    monkeypatch.setattr(data, "MIRRORS", (f"http://127.0.0.1:{server.server_port}/",))
    yield folder
    server.shutdown()
    server.server_close()


def put(folder, contents, ending=""):
    folder.mkdir()
    for name, content in contents.items():
        (folder / (name + ending)).write_bytes(gzip.compress(content) if ending else content)
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_of_the_four_files_is_read(tmp_path, contents, ending):
    dataset = load_mnist(put(tmp_path / "mine", contents, ending))
    assert dataset.train_images.shape == (60, 28, 28)
    assert dataset.test_images.dtype == dataset.test_labels.dtype == np.uint8
    np.testing.assert_array_equal(dataset.test_labels, np.arange(10))


def test_a_folder_that_lacks_a_file_is_told(tmp_path, contents):
    folder = put(tmp_path / "mine", contents)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="mine lacks t10k-labels-idx1-ubyte"):
        load_mnist(folder)


def test_a_file_with_other_content_is_refused(tmp_path, contents):
    folder = put(tmp_path / "mine", contents)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(write_idx(np.zeros(10, np.uint8)))
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is not MNIST's: its MD5 is"):
        load_mnist(folder)


def test_a_mirror_is_asked_once_and_then_the_cache(mirror, contents):
    first = load_mnist()
    assert len(Handler.asked) == 4
    second = load_mnist()
    assert len(Handler.asked) == 4
    np.testing.assert_array_equal(first.train_images, second.train_images)
    assert {path.name for path in data.CACHE.iterdir()} == set(contents)


@pytest.fixture(params=["full", "a file stands there"])
def unwritable_cache(request, monkeypatch):
    if request.param == "full":
        mkstemp = tempfile.mkstemp

        def full(*, dir, **options):
            if dir == data.CACHE:
                raise OSError(errno.ENOSPC, "No space left on device")
            return mkstemp(dir=dir, **options)

        monkeypatch.setattr(tempfile, "mkstemp", full)
    else:
        data.CACHE.parent.mkdir(parents=True, exist_ok=True)
        data.CACHE.write_text("in the way")


def test_where_the_cache_cannot_be_written_the_spare_one_is_used(
    mirror, contents, tmp_path, unwritable_cache, caplog
):
    spare = tmp_path / "spare"
    first = load_mnist(spare_cache=spare)
    assert {path.name for path in spare.iterdir()} == set(contents)
    assert f"MNIST cannot be kept in {data.CACHE}" in caplog.text
    assert "Set DIGITS_CACHE" in caplog.text
    asked = len(Handler.asked)
    np.testing.assert_array_equal(load_mnist(spare_cache=spare).train_images, first.train_images)
    assert len(Handler.asked) == asked


def test_what_cannot_be_kept_anywhere_is_used_all_the_same(mirror, unwritable_cache, caplog):
    assert len(load_mnist().train_labels) == 60
    assert "Set DIGITS_CACHE" in caplog.text


def test_a_mirror_with_damaged_files_leaves_nothing_in_the_cache(mirror, monkeypatch):
    (mirror / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"damaged"))
    monkeypatch.setattr(data, "_from_wheel", lambda: (_ for _ in ()).throw(DataError("not here either")))
    with pytest.raises(DataError, match="is not MNIST's"):
        load_mnist()
    assert not data.CACHE.exists()


def test_a_damaged_cache_is_fetched_again(mirror, contents):
    put(data.CACHE, contents)
    (data.CACHE / "train-labels-idx1-ubyte").write_bytes(b"damaged")
    assert len(load_mnist().train_labels) == 60
    assert (data.CACHE / "train-labels-idx1-ubyte").read_bytes() == contents["train-labels-idx1-ubyte"]


def test_when_all_sources_fail_the_message_lists_them_and_the_way_out(monkeypatch):
    monkeypatch.setattr(data, "MIRRORS", ("http://127.0.0.1:9/mnist/",))  # nothing listens there
    monkeypatch.setattr(data, "_from_wheel", lambda: (_ for _ in ()).throw(DataError("no package index")))
    with pytest.raises(DataError) as raised:
        load_mnist()
    message = str(raised.value)
    assert f"the cache {data.CACHE}" in message
    assert "http://127.0.0.1:9/mnist/" in message
    assert "no package index" in message
    assert "--data FOLDER" in message


def test_the_packages_pickle_is_opened_only_if_it_is_the_one_that_was_looked_at():
    with pytest.raises(DataError, match="has SHA-256"):
        data._unpack_wheel_member(b"another file")


def test_the_validation_images_are_the_last_5000():
    images, labels = np.arange(6000), np.arange(6000)
    train_images, train_labels, held_images, held_labels = split_validation(images, labels)
    assert len(train_images) == len(train_labels) == 1000
    np.testing.assert_array_equal(held_images, np.arange(1000, 6000))
    np.testing.assert_array_equal(held_labels, held_images)

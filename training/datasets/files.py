"""Files of data sets: found in a folder, fetched from a mirror, checked, and kept in a cache."""

import gzip
import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import pooch

from cnn.storage import atomic_write
from training.datasets.base import DataError

CACHE = Path(os.environ.get("DIGITS_CACHE") or platformdirs.user_cache_dir("digits-from-scratch"))
CONNECT_SECONDS, READ_SECONDS = 5, 20
MOST_UNPACKED = 100 * 2**20  # bytes of one gzipped file: twice the largest that is read here

logger = logging.getLogger(__name__)


def md5(content: bytes) -> str:
    """The MD5 of a content, which tells whether it is the file that it should be."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read_bytes(path: Path) -> bytes:
    """The content of a file as it is. Raises DataError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def read_file(path: Path) -> bytes:
    """The content of a file, unpacked where its name ends in .gz. Raises DataError if it cannot be read."""
    if path.suffix != ".gz":
        return read_bytes(path)
    try:
        with gzip.open(path) as file:
            content = file.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(content) > MOST_UNPACKED:
        raise DataError(f"{path} would unpack to more than {MOST_UNPACKED >> 20} MiB, so it is not read")
    return content


def fetch(address: str) -> bytes:
    """The content at an address, as it is, with a progress bar. Whatever goes wrong is raised."""
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
    with tempfile.TemporaryDirectory() as folder:
        found = pooch.retrieve(address, None, "file", folder, downloader=downloader, progressbar=False)
        return Path(found).read_bytes()


def fetch_gzipped(address: str) -> bytes:
    """The content of the gzipped file at an address, unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.gz"
        path.write_bytes(fetch(address))
        return read_file(path)


def keep(contents: dict[str, bytes], caches: Sequence[Path], title: str) -> None:
    """Write files into the first cache that is writable; log where none is."""
    for cache in caches:
        try:
            for name, content in contents.items():
                with atomic_write(cache / name) as file:
                    file.write(content)
            return
        except OSError as error:
            logger.warning(
                "%s cannot be kept in %s: %s. Set DIGITS_CACHE to a folder that can be written to.",
                title,
                cache,
                error.strerror,
            )


def first_line(error: Exception) -> str:
    """What went wrong, in at most a line."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]

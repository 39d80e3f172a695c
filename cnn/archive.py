"""Opens a stranger's zip: few members, honest about their size, and never more bytes than were agreed on.

    with Archive(file, most_bytes=1_000_000) as archive:
        content = {name: archive.read(name) for name in archive.names}

    arrays = read_arrays(file, most_bytes=1_000_000)  # of an .npz, and never a pickle

`zipfile` reads a directory of any length, and unpacks bzip2 and LZMA in one piece, of whatever size: 1.2 kB
can become gigabytes. So the length of the directory is checked before it is read, members are stored or
deflated, no name occurs twice, and what is unpacked comes in chunks that are counted.
"""

import io
import math
import struct
import zipfile
from typing import BinaryIO

import numpy as np

from cnn.layer import Array

MOST_MEMBERS = 100
ENTRY_BYTES = 512  # of a member's entry in the directory, on average and at most
CHUNK = 64 * 2**10  # bytes that are unpacked at a time

# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.15 and 4.3.16
END = struct.Struct(
    "<4s4H2LH"
)  # signature, 2 disks, entries here and in all, directory's size, offset, comment
END_SIGNATURE, LOCATOR_SIGNATURE, LOCATOR_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
LONGEST_COMMENT = 2**16

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
PLAIN = "biufU"  # kinds of dtype: bool, integers, floats, text


class ArchiveError(ValueError):
    """An archive that is not read. The message goes on from its name: "is encrypted", "holds x twice"."""


class DamagedArchiveError(ArchiveError):
    """The archive is damaged or something else. The message is a clause: "x is cut short"."""


class Archive:
    """A zip in a file, to be read once.

    most_bytes: that all members together may unpack to. Raises ArchiveError where anything about it is not as
    it should be, here and in `read`.
    """

    def __init__(self, file: BinaryIO, *, most_bytes: int, most_members: int = MOST_MEMBERS) -> None:
        _check_directory(file, most_members)
        try:
            self._zip = zipfile.ZipFile(file)
        # A hostile directory can fail in any of zipfile's ways; all mean the same here.
        except Exception as error:
            raise DamagedArchiveError("it is no zip file") from error
        members = self._zip.infolist()
        if len(members) > most_members:
            raise ArchiveError(f"holds more than {most_members} files")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename
            if name in self._members:
                raise ArchiveError(f"holds {printable(name)} twice")
            if member.flag_bits & 1:
                raise ArchiveError("is encrypted")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ArchiveError(
                    f"packs {printable(name)} in a way that is not read here: use plain deflate"
                )
            self._members[name] = member
        size = sum(member.file_size for member in members)
        if size > most_bytes:
            raise ArchiveError(f"would unpack to {_bytes(size)}; at most {_bytes(most_bytes)} are read")
        self._left = most_bytes

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The names of all members but folders, in the directory's order."""
        return [name for name, member in self._members.items() if not member.is_dir()]

    def read(self, name: str, most_bytes: int | None = None) -> bytearray:
        """The content of a member. most_bytes: a limit for this one, besides the limit for all."""
        most = self._left if most_bytes is None else min(most_bytes, self._left)
        content = bytearray()
        try:
            if self._members[name].file_size > most:
                raise ArchiveError(
                    f"holds {printable(name)}, which is too large: at most {_bytes(most)} are read"
                )
            with self._zip.open(name) as member:
                while len(content) <= most and (chunk := member.read(CHUNK)):
                    content += chunk
        except ArchiveError:
            raise
        except Exception as error:
            raise DamagedArchiveError(f"{printable(name)} is cut short or not what was packed") from error
        if len(content) > most:
            raise DamagedArchiveError(f"{printable(name)} is larger than it claims")
        self._left -= len(content)
        return content


def read_arrays(file: BinaryIO, *, most_bytes: int) -> dict[str, Array]:
    """The arrays of an `.npz`, by name. Raises ArchiveError if it holds anything but plain arrays."""
    with Archive(file, most_bytes=most_bytes) as archive:
        return {name.removesuffix(".npy"): _array(name, archive.read(name)) for name in archive.names}


def printable(text: str, longest: int = 60) -> str:
    """Untrusted text, made safe to repeat in a message: short, and without control characters."""
    text = "".join(character if character.isprintable() else "?" for character in text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _check_directory(file: BinaryIO, most_members: int) -> None:
    """Reject a directory that is too long, by its end record, which is found as `zipfile` finds it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END.size - LONGEST_COMMENT))
    tail = file.read()
    start = len(tail) - END.size
    if start < 0 or not (tail.startswith(END_SIGNATURE, start) and tail.endswith(b"\0\0")):
        start = tail.rfind(END_SIGNATURE)
    if start < 0 or len(tail) - start < END.size:
        raise DamagedArchiveError("it is no zip file")
    _, _, _, _, entries, directory_bytes, _, _ = END.unpack_from(tail, start)
    if tail.startswith(LOCATOR_SIGNATURE, max(0, start - LOCATOR_BYTES)):
        raise ArchiveError("is a zip file of the 64 bit kind, which is not read here")
    if entries > most_members or directory_bytes > most_members * ENTRY_BYTES:
        raise ArchiveError(f"holds more than {most_members} files")


def _array(name: str, content: bytearray) -> Array:
    """The array in an `.npy`. `numpy.load` would allocate whatever the header claims."""
    try:
        stream = io.BytesIO(content)
        shape, is_fortran, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
        start = stream.tell()
        is_whole = math.prod(shape) * dtype.itemsize == len(content) - start
        if name.endswith(".npy") and dtype.kind in PLAIN and dtype.itemsize and is_whole:
            return np.ndarray(shape, dtype, content, start, order="F" if is_fortran else "C")
    # The head is text that is parsed: it can fail in any of Python's and NumPy's ways.
    except Exception as error:
        raise DamagedArchiveError(f"{printable(name)} is no array") from error
    raise DamagedArchiveError(f"{printable(name)} is no plain array")


def _bytes(count: int) -> str:
    return f"{count / 2**20:.3g} MiB" if count >= 2**20 else f"{count:,} bytes"

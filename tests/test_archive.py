"""A stranger's zip: whatever it claims, little is read of it, in little time, or it is refused in words."""

import contextlib
import functools
import io
import json
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from cnn import ModelFileError, load_model, save_model, small_net
from cnn.storage import LARGEST
from jobs.protocol import ProtocolError, read_frame
from training.examples import read_examples


def packed(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that occur twice
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return buffer.getvalue()


def claiming(content, claimed):
    """The zip, saying in its directory that each member unpacks to so many bytes."""
    content, start = bytearray(content), 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 24 : start + 28] = struct.pack("<I", claimed)
        start += 4
    return bytes(content)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@contextlib.contextmanager
def refused(error):
    """With this error, and before more memory is taken than a small network does."""
    tracemalloc.start()
    with pytest.raises(error) as caught:
        yield caught
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def as_weights(content, tmp_path):
    (tmp_path / "sent.npz").write_bytes(content)
    with refused(ModelFileError) as caught:
        load_model(tmp_path / "sent.npz")
    return str(caught.value)


def as_examples(content, tmp_path):
    with refused(ValueError) as caught:
        read_examples(content)
    return str(caught.value)


def as_frame(content, tmp_path):
    line = json.dumps({"event": "saved", "bytes": len(content)}).encode() + b"\n"
    with refused(ProtocolError) as caught:
        read_frame(io.BytesIO(line + content))
    return str(caught.value)


@functools.cache
def bomb(name, compression):
    """A zip of a few kilobytes whose one member unpacks to 200 million bytes, and claims to be small."""
    return claiming(packed([(name, bytes(200_000_000))], compression), 100)


doors = pytest.mark.parametrize("door", [as_weights, as_examples, as_frame])


@doors
@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["labels.csv", "format.npy"])
def test_what_unpacks_in_one_piece_whatever_its_size_is_refused(door, compression, name, tmp_path):
    content = bomb(name, compression)
    assert len(content) < 200_000
    sentence = door(content, tmp_path)
    assert "in a way that is not read here" in sentence
    assert len(sentence) < 200


@doors
def test_a_member_that_unpacks_to_more_than_it_claims_is_refused(door, tmp_path):
    content = packed([("labels.csv", bytes(100_000_000)), ("format.npy", b"")], zipfile.ZIP_DEFLATED)
    assert "not what was packed" in door(claiming(content, 100), tmp_path)


@doors
def test_a_name_that_occurs_twice_is_refused_before_anything_is_read(door, tmp_path, monkeypatch):
    twice = packed([("format.npy", npy(np.array(1)))] * 2)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("a member was read"))
    assert "format.npy twice" in door(twice, tmp_path)


@doors
@pytest.mark.parametrize("count", [111, 60_000])
def test_more_members_than_there_can_be_are_refused_before_anything_is_read(
    door, count, tmp_path, monkeypatch
):
    many = packed([(f"{number}.npy", b"") for number in range(200)])
    if count > 200:  # a directory of sixty thousand entries, all for the same member
        end = many.rindex(b"PK\x05\x06")
        start = struct.unpack_from("<I", many, end + 16)[0]
        entry = many[start : many.index(b"PK\x01\x02", start + 4)]
        many = many[:start] + entry * count
        many += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, count * len(entry), start, 0)
        monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the directory was read"))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("a member was read"), raising=False)
    assert "more than" in door(many, tmp_path)


@doors
def test_a_directory_as_long_as_a_64_bit_one_may_be_is_refused(door, tmp_path):
    content = packed([("format.npy", npy(np.array(1)))])
    end = content.rindex(b"PK\x05\x06")
    content = content[:end] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + content[end:]
    assert "64" in door(content, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("param.0.bias", b"no array, and no .npy"),
        ("param.0.bias.npy", b"no array, though an .npy"),
        ("param.0.bias.npy", npy(np.zeros(8, np.float32))[:-1]),
        ("param.0.bias.npy", npy(np.zeros(8, np.float32)) + b"more"),
        ("param.0.bias.npy", npy(np.zeros(8, "f4,f4"))),
        ("param.0.bias.npy", npy(np.array(["2020-01-01"], "datetime64[D]"))),
        *(
            ("param.0.bias.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
            for header in (
                b"{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }\n" % (b"9" * 5000),
                b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n",
                b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n",
                b"{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n" % (b"(" * 4000 + b")" * 4000),
                b"{'descr': '<f4', 'fortran_order': False, 'shape': %s1, }\n" % (b"-" * 9000),
                b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
                b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,), }\n",
                b"[" * 9000,
            )
        ),
    ],
)
def test_a_member_that_is_no_plain_array_is_a_damaged_file(tmp_path, name, content):
    save_model(tmp_path / "good.npz", small_net(np.random.default_rng(0)))
    with zipfile.ZipFile(tmp_path / "good.npz") as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    members.pop("param.0.bias.npy", None)
    sentence = as_weights(packed([*members.items(), (name, content)]), tmp_path)
    assert sentence.startswith("sent.npz is damaged or not an .npz weights file")
    assert len(sentence) < 300
    assert sentence.isprintable()


def test_what_would_unpack_to_too_much_is_refused_before_it_is_unpacked(tmp_path):
    content = packed(
        [("a.npy", bytes(LARGEST // 2)), ("b.npy", bytes(LARGEST // 2 + 1))], zipfile.ZIP_DEFLATED
    )
    assert "would unpack to 64 MiB" in as_weights(content, tmp_path)

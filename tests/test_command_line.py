"""Both command lines: whatever is wrong is said in one line on standard error, and never as a traceback."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from recognition import __main__ as recognition_main
from recognition.command_line import run
from tests.bars import bars_dataset
from tests.browser.driver import ROOT, seven
from training import __main__ as training_main

PATIENCE = 120  # seconds until something is taken to never happen
ESCAPES = "\x1b[31mred\x1b[2J\x07.png"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "seven.png"
    path.write_bytes(seven())
    return path


def _said(errors):
    """The one line on standard error."""
    assert "Traceback" not in errors
    [line] = errors.splitlines()
    assert line.isprintable() and len(line) < 1200
    return line


def _run(*arguments, stdout=subprocess.PIPE):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )


def test_whoever_stops_reading_our_output_is_told_nothing(picture):
    command = [sys.executable, "-u", "-m", "recognition", *[str(picture)] * 3]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        reader.stdout.close()
        errors = reader.stderr.read()
        assert reader.wait(PATIENCE) == 141
    assert errors == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("options", [(), ("--csv", "/dev/full"), ("--boxes", "/dev/full")])
def test_a_full_disk_is_said_to_be_full(picture, options):
    if options:
        done = _run("recognition", picture, *options)
    else:
        with Path("/dev/full").open("w") as full:
            done = _run("recognition", picture, stdout=full)
    assert done.returncode == 1
    assert "No space left on device" in _said(done.stderr)
    assert "None" not in done.stderr


def test_names_of_files_do_not_colour_the_terminal(tmp_path, capsys):
    for name in (ESCAPES, "b.png"):
        (tmp_path / name).write_bytes(seven() if name == "b.png" else b"no picture")
    assert recognition_main.main([str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert r"\x1b[31mred" in told.err


def _weights(tmp_path, kind):
    path = tmp_path / "hostile.npz"
    if kind == "folder":
        path.mkdir()
    elif kind == "no permission":
        path.write_bytes(b"")
        path.chmod(0)
    elif kind == "garbage":
        path.write_bytes(b"PK\x03\x04" + bytes(1000))
    elif kind == "zip of text":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("\x1b[31mname.npy", b"no array")
    elif kind == "array of objects":
        np.savez(path, format=np.array([{}], dtype=object), allow_pickle=True)
    elif kind == "picture":
        path.write_bytes(seven())
    return path


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "garbage", "zip of text", "array of objects", "picture", "no permission"]
)
def test_weights_that_are_none_are_said_to_be_none(tmp_path, picture, capsys, kind):
    weights = str(_weights(tmp_path, kind))
    assert recognition_main.main([str(picture), "--weights", weights]) == 1
    assert "hostile.npz" in _said(capsys.readouterr().err)


@pytest.fixture
def bars(monkeypatch):
    monkeypatch.setattr(training_main, "load_mnist", lambda folder: bars_dataset())
    monkeypatch.setattr(training_main, "load_dataset", lambda name, folder: bars_dataset())


@pytest.mark.usefixtures("bars")
@pytest.mark.parametrize("kind", ["missing", "folder", "garbage", "zip of text", "picture", "device"])
def test_examples_that_are_none_are_said_to_be_none(tmp_path, capsys, kind):
    path = Path("/dev/zero") if kind == "device" else _weights(tmp_path, kind)
    if kind == "device" and not path.exists():
        pytest.skip("there is no /dev/zero here")
    out = tmp_path / "taught.npz"
    assert training_main.main(["finetune", "--examples", str(path), "--out", str(out)]) == 1
    _said(capsys.readouterr().err)
    assert not out.exists()


@pytest.mark.usefixtures("bars")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_that_cannot_be_written_is_said_to_be_none(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.npz"
    assert training_main.main(["--log", "/dev/full", "--epochs", "1", "--out", str(out)]) == 1
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert not out.exists()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("That is wrong."), 1, "me: That is wrong.\n"),
        (ValueError("x" * 1_000_000), 1, None),
        (ValueError("\x1b[31m"), 1, "me: \\x1b[31m\n"),
        (FileNotFoundError(2, "No such file", "a"), 1, "me: a cannot be written or read: No such file.\n"),
        (FileNotFoundError("There is no such network."), 1, "me: There is no such network.\n"),
        (OSError(28, "No space left"), 1, "me: the output cannot be written or read: No space left.\n"),
        (RecursionError(), 1, None),
        (MemoryError(), 1, None),
        (LookupError("ours to report"), 1, "me: ours to report\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_every_failure_is_a_line_and_a_status(capsys, monkeypatch, error, status, said):
    def fail():
        raise error

    monkeypatch.setattr(sys, "stdout", io.StringIO())  # so that none of the test's own is closed
    assert run("me", fail, LookupError) == status
    errors = capsys.readouterr().err
    assert said is None or errors == said
    assert len(errors) < 1200

"""python -m recognition: what it prints and writes, and what it says of files it cannot read."""

import csv
import io
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition.__main__ import WITH_PROGRESS, main
from recognition.reader import WEIGHTS
from tests.drawings import canvas, save, side_by_side
from tests.strokes import STROKES
from training.__main__ import main as training_main


def test_the_command_line_prints_ten_percentages_and_the_digit(tmp_path, capsys):
    Image.fromarray(canvas(STROKES[7])).save(tmp_path / "seven.png")
    assert main([str(tmp_path / "seven.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:10]] == [str(digit) for digit in range(10)]
    assert all(line.endswith(" %") for line in lines[:10])
    assert lines[10] == "Predicted digit: 7"


def test_the_command_line_reads_the_rest_where_one_file_is_no_picture(tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(canvas(STROKES[1])).save(tmp_path / "one.png")
    assert main([str(tmp_path / "text.png"), str(tmp_path / "one.png")]) == 1
    printed = capsys.readouterr()
    assert "Predicted digit: 1" in printed.out
    assert "text.png: The file is not a picture that can be read" in printed.err


def test_the_command_line_tells_of_wrong_weights_in_one_line(tmp_path, capsys):
    (tmp_path / "w.npz").write_bytes(b"x")
    assert main(["--weights", str(tmp_path / "w.npz"), "any.png"]) == 1
    assert "w.npz is damaged or not" in capsys.readouterr().err


def test_the_command_line_prints_several_digits_line_by_line(tmp_path, capsys):
    drawn = np.concatenate([side_by_side(4, 7), side_by_side(3, 0)])
    assert main([save(drawn, tmp_path / "numbers.png", paper=True)]) == 0
    assert capsys.readouterr().out == "47\n30\n"


def test_the_command_line_saves_a_picture_with_boxes_and_a_table(tmp_path):
    photo = save(side_by_side(4, 7), tmp_path / "numbers.jpg", paper=True)
    boxes, table = tmp_path / "boxes.png", tmp_path / "table.csv"
    assert main([photo, "--boxes", str(boxes), "--csv", str(table)]) == 0
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["digit"] for row in rows] == ["4", "7"]
    assert [row["picture"] for row in rows] == [photo, photo]
    assert [row["line"] for row in rows] == ["0", "0"]
    assert all(0.5 < float(row["confidence"]) <= 1 for row in rows)
    drawn = np.asarray(Image.open(boxes))
    assert drawn.shape == (280, 600, 3)
    x, y, height = (int(rows[1][name]) for name in ("x", "y", "height"))
    assert len(set(drawn[y + height // 2, x].tolist())) > 1, "a coloured edge of the box"


def test_the_command_line_takes_folders_and_several_files(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    save(STROKES[7], folder / "b.png")
    save(STROKES[1], folder / "a.PNG")
    (folder / "notes.txt").write_text("no picture")
    table = tmp_path / "table.csv"
    boxes = tmp_path / "boxes"
    assert main([str(folder), "--csv", str(table), "--boxes", str(boxes)]) == 0
    printed = capsys.readouterr().out
    assert printed.index("a.PNG:") < printed.index("Predicted digit: 1") < printed.index("b.png:")
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["digit"] for row in csv.DictReader(file)] == ["1", "7"]
    assert sorted(path.name for path in boxes.iterdir()) == ["a.PNG.png", "b.png.png"]


def test_the_command_line_says_where_it_finds_and_can_write_nothing(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main([str(empty)]) == 1
    assert "There is no picture in that folder" in capsys.readouterr().err
    photo = save(STROKES[7], tmp_path / "seven.png")
    for option in ("--csv", "--boxes"):
        assert main([photo, option, str(tmp_path / "nowhere" / "out")]) == 1
        assert "cannot be written" in capsys.readouterr().err


def test_the_command_line_prints_json_with_a_line_for_every_picture(tmp_path, capsys):
    for digit in (4, 7):
        save(STROKES[digit], tmp_path / f"{digit}.png")
    assert main([str(tmp_path), "--json"]) == 0
    read = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(one["picture"]).name for one in read] == ["4.png", "7.png"]
    assert [one["text"] for one in read] == ["4", "7"]
    [digit] = read[1]["digits"]
    assert digit["digit"] == 7
    assert len(digit["box"]) == 4


def test_the_command_line_prints_a_table(tmp_path, capsys):
    photo = save(side_by_side(4, 7), tmp_path / "numbers.jpg", paper=True)
    assert main([photo, "--csv", "-"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["picture"], row["digit"]) for row in rows] == [(photo, "4"), (photo, "7")]


def test_the_command_line_takes_patterns_that_no_shell_has_replaced(tmp_path, capsys):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    save(STROKES[7], tmp_path / "deep" / "er" / "b.png")
    save(STROKES[1], tmp_path / "a.png")
    (tmp_path / "deep" / "notes.txt").write_text("no picture")
    assert main([str(tmp_path / "**" / "*.*"), "--csv", "-"]) == 0
    assert [row["digit"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == ["1", "7"]
    (tmp_path / "[1].png").write_bytes((tmp_path / "a.png").read_bytes())
    assert main([str(tmp_path / "[1].png")]) == 0, "a file of that very name is no pattern"
    assert "Predicted digit: 1" in capsys.readouterr().out


def test_the_command_line_reads_standard_input(tmp_path, capsys, monkeypatch):
    content = Path(save(STROKES[7], tmp_path / "seven.png")).read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert main(["-"]) == 0
    assert "Predicted digit: 7" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO()))
    assert main(["-"]) == 1
    assert "-: The file is empty" in capsys.readouterr().err


def test_the_command_line_fetches_nothing_and_reads_the_rest(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", None)  # whoever tries fails with a TypeError
    seven = save(STROKES[7], tmp_path / "seven.png")
    addresses = ["https://example.org/7.png", "HTTP://127.0.0.1/", "ftp://example.org/7.png"]
    assert main([*addresses, str(tmp_path / "*.gif"), seven, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["text"] == "7"
    assert printed.err.count("Nothing is fetched from an address") == 3
    assert "*.gif: There is no picture that matches the pattern." in printed.err


@pytest.mark.parametrize(
    "arguments", [[], ["--csv"], ["a.png", "--what"], ["-", "-"], ["a.png", "--json", "--csv", "-"]]
)
def test_the_command_line_ends_with_2_where_options_make_no_sense(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m recognition" in capsys.readouterr().err


@pytest.mark.parametrize("program", [main, training_main])
def test_help_shows_examples(program, capsys):
    with pytest.raises(SystemExit) as ended:
        program(["--help"])
    assert ended.value.code == 0
    assert "examples:\n  python -m " in capsys.readouterr().out


def test_the_command_line_shows_how_far_it_is_with_many_files(tmp_path, capsys, monkeypatch):
    for i in range(WITH_PROGRESS):
        save(STROKES[7], tmp_path / f"{i}.png")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().err == "", "nobody watches"
    monkeypatch.setattr("sys.stderr", Terminal())
    assert main([str(tmp_path), "--json"]) == 0
    assert f"/{WITH_PROGRESS} " in sys.stderr.getvalue()


class Terminal(io.StringIO):
    def isatty(self):
        return True


# --- files that are no photo of digits


def _bad_files(folder):
    """Name -> what the command line should say of it."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    rgb = Image.fromarray(noise)
    (folder / "words.jpg").write_bytes(b"just some words")
    rgb.save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:400])
    (folder / "whole.jpg").unlink()
    Image.new("RGB", (1, 1), "white").save(folder / "pixel.png")
    Image.new("RGB", (300, 200), "white").save(folder / "blank.heic", "HEIF")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    Image.fromarray(_cat()).save(folder / "cat.jpg", quality=85)
    Image.fromarray(_text_page()).save(folder / "text.png")
    return {
        "words.jpg": "not a picture that can be read",
        "cut.jpg": "damaged or cut short",
        "pixel.png": "Nothing is drawn",
        "blank.heic": "Nothing is drawn",
        "huge.png": "too large",
        "cat.jpg": r"does not look like a digit|No digits were found",
        "text.png": "No digits were found",
    }


def _cat():
    """Fur, eyes and a blurred room, as in a photo of a cat: (480, 640, 3) uint8."""
    rng = np.random.default_rng(3)
    room = cv2.resize(rng.uniform(60, 200, (5, 7, 3)), (640, 480), interpolation=cv2.INTER_CUBIC)
    fur = cv2.GaussianBlur(rng.normal(0, 60, (480, 640)), (0, 0), sigmaX=1, sigmaY=5)[..., None]
    body = np.zeros((480, 640), np.uint8)
    cv2.ellipse(body, (320, 420), (190, 160), 0, 0, 360, 255, -1)
    cv2.circle(body, (320, 210), 110, 255, -1)
    for ear in ([(225, 170), (235, 70), (300, 120)], [(415, 170), (405, 70), (340, 120)]):
        cv2.fillPoly(body, [np.array(ear)], 255)
    share = cv2.GaussianBlur(body, (0, 0), 3)[..., None] / 255
    picture = (1 - share) * room + share * (np.array((150, 110, 70)) + fur)
    for x in (278, 362):
        cv2.ellipse(picture, (x, 200), (22, 15), 0, 0, 360, (190, 200, 90), -1)
        cv2.ellipse(picture, (x, 200), (6, 14), 0, 0, 360, (10, 10, 10), -1)
    return picture.clip(0, 255).astype(np.uint8)


def _text_page():
    page = np.full((900, 900), 255, np.uint8)
    for row, words in enumerate(["Sehr geehrte Damen", "und Herren, wenn ein", "Reisender bei Nacht"] * 4):
        cv2.putText(page, words, (30, 70 + 68 * row), cv2.FONT_HERSHEY_COMPLEX, 1.7, 0, 3, cv2.LINE_AA)
    return page


def test_the_command_line_says_of_every_bad_file_what_is_wrong_with_it(tmp_path, capsys):
    for name, message in _bad_files(tmp_path).items():
        failed = main([str(tmp_path / name)])
        printed = capsys.readouterr()
        assert re.search(message, printed.err if failed else printed.out), name
        assert "Traceback" not in printed.out + printed.err


def test_pictures_of_every_kind_are_read(tmp_path, capsys):
    drawn = 255 - side_by_side(4, 7)[..., 3]
    grey = Image.fromarray(drawn)
    rgb = grey.convert("RGB")
    clear = Image.fromarray(side_by_side(4, 7))
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgb.convert("P").save(tmp_path / "palette.png")
    Image.fromarray(drawn.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    rgb.save(tmp_path / "phone.heic", "HEIF")
    clear.save(tmp_path / "clear.webp", lossless=True)
    rgb.save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("RGB", rgb.size)] * 2)
    turned = Image.Exif()
    turned[0x0112] = 6  # turn it a quarter to the right to see it upright
    rgb.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=turned)
    for path in sorted(tmp_path.iterdir()):
        assert main([str(path)]) == 0
        assert capsys.readouterr().out == "47\n", path.name


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is told by Linux")
def test_neither_a_large_photo_nor_a_bomb_takes_a_gigabyte(tmp_path):
    photo = cv2.resize(255 - side_by_side(4, 7)[..., 3], (7800, 6400))  # 49.9 million pixels, the most
    Image.fromarray(photo).convert("RGB").save(tmp_path / "large.jpg")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    peak = (  # not by getrusage, which counts what the process was before it became Python: this one
        "import pathlib, sys; from recognition.__main__ import main; main(sys.argv[1:]);"
        "status = pathlib.Path('/proc/self/status').read_text();"
        "print(status.partition('VmHWM:')[2].split()[0])"
    )
    files = [str(tmp_path / name) for name in ("large.jpg", "bomb.png")]
    done = subprocess.run(
        [sys.executable, "-c", peak, *files], capture_output=True, text=True, check=True, cwd=WEIGHTS.parent
    )
    assert "47" in done.stdout
    assert "too large" in done.stderr
    assert int(done.stdout.split()[-1]) < 1e9 / 1024

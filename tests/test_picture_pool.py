"""Files that are read in processes: what is read, and what becomes of a process that does not answer."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.limits import Limits
from jobs.picture_answer import answer_with_stages
from jobs.picture_pool import CRASHED, FAULT, PictureJobError, PicturePool
from jobs.picture_worker import GONE, NETWORK_GONE, TOO_LARGE
from jobs.queue import ROOT
from recognition import Reader
from recognition.files import load_picture
from recognition.reader import SHIPPED
from tests.hostile_files import zip_of
from training.examples import read_examples

PATIENCE = 120  # seconds until something is taken to never happen
LIMITS = Limits(picture_seconds=PATIENCE)
PHOTO = ROOT / "ui/photo/examples/ruled.jpg"

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux alone has it")


@pytest.fixture(scope="module")
def pool():
    """For what does no harm to the process."""
    with_one = PicturePool(LIMITS)
    yield with_one
    with_one.close()


@pytest.fixture
def own_pool(request):
    made = PicturePool(LIMITS, **getattr(request, "param", {}))
    yield made
    made.close()
    assert made.processes == []


@pytest.fixture
def endless(tmp_path):
    """A file that nobody ever ends to read, and a wait for somebody to begin."""
    path = tmp_path / "endless.png"
    os.mkfifo(path)
    ends = []

    def await_reader():
        ends.append(path.open("wb", buffering=0))  # which waits

    yield path, await_reader
    for end in ends:
        end.close()


def _job(kind="photo", path=PHOTO, weights=SHIPPED["digits"], **options):
    job = {"job": kind, "path": str(path), "weights": str(weights), "max_pixels": 50_000_000}
    return job | options


def _text(answer):
    message, arrays = answer
    assert message["outcome"] == "read"
    return json.loads(arrays["json"].tobytes())["text"]


def _is_gone(pid):
    """Whether it can be waited for. Its first thread is a zombie before its others have ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        return state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except OSError:
        return True


def _wait_until(happens):
    ends = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < ends
        time.sleep(0.02)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("turns", [0, 1])
def test_a_photo_is_answered_as_the_page_would_have_read_it_itself(pool, turns):
    message, arrays = pool.read(_job("page", turns=turns))
    image = np.ascontiguousarray(np.rot90(load_picture(PHOTO), -turns))
    expected = answer_with_stages(image, Reader().read_photo(image, may_turn=False))
    assert json.loads(arrays["json"].tobytes()) == json.loads(json.dumps(expected))
    assert message["outcome"] == ("read" if expected["text"].strip("?\n") else "empty")


def test_a_photo_on_its_side_is_turned_and_stays_as_it_is_where_the_visitor_says_so(pool, tmp_path):
    lying = tmp_path / "lying.png"
    with Image.open(PHOTO) as upright:
        width, height = upright.size
        upright.rotate(90, expand=True).save(lying)
    answers = []
    for turns in (None, 0):
        _, arrays = pool.read(_job(path=lying, kind="page", turns=turns))
        answers.append(json.loads(arrays["json"].tobytes()))
    turned, lies = answers
    assert (turned["turned"], turned["width"], turned["height"]) == (90, width, height)
    assert turned["text"] == "4719\n20586\n3341"
    assert (lies["turned"], lies["width"], lies["height"]) == (0, height, width)


@pytest.mark.parametrize("kind", ["photo", "drawing"])
def test_programs_are_answered_with_the_reading_alone(pool, kind):
    _, arrays = pool.read(_job(kind))
    image, reader = load_picture(PHOTO), Reader()
    reading = reader.read_photo(image) if kind == "photo" else reader.read_drawing(image)
    assert json.loads(arrays["json"].tobytes()) == reading.to_json()


def test_the_visitors_own_network_reads(pool, weights):
    _, arrays = pool.read(_job(weights=weights))
    assert json.loads(arrays["json"].tobytes()) == Reader(weights).read_photo(load_picture(PHOTO)).to_json()
    with pytest.raises(PictureJobError, match=NETWORK_GONE):
        pool.read(_job(weights=weights.with_name("gone.npz")))


def test_a_zip_of_examples_is_read_as_it_always_was(pool, tmp_path):
    pictures = {}
    for name, size in (("a.png", (28, 28)), ("b.png", (90, 60))):
        written = np.zeros(size, np.uint8)
        written[4:24, 10:15] = 255
        Image.fromarray(written).save(tmp_path / name)
        pictures[name] = (tmp_path / name).read_bytes()
    file = tmp_path / "examples.zip"
    file.write_bytes(zip_of(pictures))
    job = {"job": "examples", "path": str(file), "examples": 50, "upload_bytes": 10**6}
    _, arrays = pool.read(job)
    expected = read_examples(file.read_bytes())
    np.testing.assert_array_equal(arrays["images"], [example.image for example in expected])
    assert arrays["labels"].tolist() == [7, 7]
    with pytest.raises(PictureJobError, match="more than 1 examples"):
        pool.read(job | {"examples": 1})


@pytest.mark.parametrize("job", [_job(path="/no/such/file"), {"job": "examples", "path": "/no/such/file"}])
def test_a_file_that_is_gone_is_told_without_its_path(pool, job):
    with pytest.raises(PictureJobError) as error:
        pool.read({"examples": 1, "upload_bytes": 1} | job)
    assert str(error.value) == GONE


def test_what_is_wrong_with_a_file_is_told_in_the_decoders_words(pool, tmp_path):
    (tmp_path / "words.png").write_bytes(b"just some words")
    with pytest.raises(PictureJobError, match="not a picture that can be read"):
        pool.read(_job(path=tmp_path / "words.png"))


def test_a_mistake_of_ours_is_logged_with_its_traceback_and_told_without(pool, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(PictureJobError) as error:
        pool.read(_job("no such job"))
    assert str(error.value) == FAULT
    assert "KeyError" in caplog.text
    assert _text(pool.read(_job())) == "4719\n20586\n3341"


# ---------------------------------------------------------------- what becomes of a process


@needs_fifo
def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(own_pool, endless):
    path, _ = endless
    own_pool.read(_job())
    [first] = own_pool.processes
    own_pool.limits = replace(LIMITS, picture_seconds=1)
    with pytest.raises(PictureJobError, match="took longer than it may, and was stopped"):
        own_pool.read(_job(path=path))
    assert own_pool.processes == []
    own_pool.limits = LIMITS
    assert _text(own_pool.read(_job())) == "4719\n20586\n3341"
    assert own_pool.processes != [first]


@needs_proc
def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read(own_pool, tmp_path):
    # Twice what a photo takes: a second thread's heap reserves 128 MB of addresses, which count.
    own_pool.limits = replace(LIMITS, picture_bytes=380_000_000)
    Image.new("RGB", (7000, 7000)).save(tmp_path / "large.png")
    with pytest.raises(PictureJobError) as error:
        own_pool.read(_job(path=tmp_path / "large.png", kind="page", turns=1))
    assert str(error.value) == TOO_LARGE
    assert _text(own_pool.read(_job())) == "4719\n20586\n3341"
    peak = Path(f"/proc/{own_pool.processes[0]}/status").read_text().split("VmHWM:")[1].split()[0]
    assert int(peak) * 1024 < 250e6


@needs_fifo
def test_a_process_that_crashes_is_told_and_replaced(own_pool, endless):
    path, await_reader = endless
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(own_pool.read, _job(path=path))
        await_reader()
        os.kill(own_pool.processes[0], signal.SIGKILL)
        with pytest.raises(PictureJobError) as error:
            reading.result(PATIENCE)
    assert str(error.value) == CRASHED
    assert _text(own_pool.read(_job())) == "4719\n20586\n3341"


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_process_that_was_killed_between_two_files_is_replaced_unnoticed(own_pool):
    own_pool.read(_job())
    [first] = own_pool.processes
    os.kill(first, signal.SIGKILL)
    _wait_until(lambda: _is_gone(first))
    assert _text(own_pool.read(_job())) == "4719\n20586\n3341"


@pytest.mark.parametrize("own_pool", [{"idle_seconds": 0.05}], indirect=True)
def test_a_process_without_work_ends(own_pool):
    assert own_pool.processes == []  # it is started when there is something to read
    own_pool.read(_job())
    _wait_until(lambda: not own_pool.processes)
    assert _text(own_pool.read(_job())) == "4719\n20586\n3341"


def test_many_threads_share_one_process(pool):
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: pool.read(_job()), range(4)))
        assert len(pool.processes) == 1
    assert {_text(answer) for answer in answers} == {"4719\n20586\n3341"}


@pytest.mark.parametrize(
    "own_pool", [{"worker": (sys.executable, "-c", "pass")}, {"worker": ("/no/such/program",)}], indirect=True
)
def test_a_process_that_does_not_start_is_logged_and_told(own_pool, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(PictureJobError) as error:
        own_pool.read(_job())
    assert str(error.value) == FAULT
    assert "A picture worker" in caplog.text


@needs_fifo
def test_whoever_waits_for_a_file_is_answered_when_the_pool_closes(own_pool, endless):
    path, await_reader = endless
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(own_pool.read, _job(path=path))
        await_reader()
        own_pool.close()
        with pytest.raises(PictureJobError):
            reading.result(PATIENCE)
    with pytest.raises(PictureJobError):
        own_pool.read(_job())


APP = """
import sys
from jobs.picture_pool import PicturePool
from jobs.limits import Limits
pool = PicturePool(Limits(picture_seconds=int(sys.argv[2])))
pool.read({"job": "photo", "path": sys.argv[1], "weights": sys.argv[3], "max_pixels": 10**6})
print(*pool.processes, flush=True)
sys.stdin.read()
"""


@needs_proc
def test_a_process_ends_with_the_app_that_was_killed():
    command = [sys.executable, "-O", "-c", APP, str(PHOTO), str(PATIENCE), str(SHIPPED["seed"])]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as app:
        pid = int(app.stdout.readline())
        app.kill()
    _wait_until(lambda: _is_gone(pid))


@needs_fifo
@needs_proc
def test_a_process_ends_with_the_app_that_was_killed_even_while_it_reads(endless):
    path, await_reader = endless
    command = [sys.executable, "-c", APP, str(path), "1", str(SHIPPED["seed"])]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as app:
        await_reader()
        children = Path(f"/proc/{app.pid}/task").glob("*/children")
        [pid] = [int(pid) for file in children for pid in file.read_text().split()]
        os.kill(app.pid, signal.SIGSTOP)  # so that it does not end the process itself
        os.kill(app.pid, signal.SIGKILL)
    _wait_until(lambda: _is_gone(pid))


def test_files_that_were_read_leave_no_thread(pool):
    pool.read(_job())
    before = threading.active_count()
    for _ in range(3):
        pool.read(_job())
    assert threading.active_count() == before

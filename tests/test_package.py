"""`pip install .`: what a wheel holds, what it needs, and that its three commands run anywhere."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.browser.driver import ROOT, free_port
from tests.drawings import canvas, save
from tests.strokes import STROKES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = PROJECT["name"]
PATIENCE = 300
COMMANDS = {"digits-read", "digits-train", "digits-app"}
FOR_TOOLS = {
    "playwright",
    "pytest-rerunfailures",
    "pytest-xdist",
    "scipy",
    "onnx",
    "onnxruntime",
    "safetensors",
    "mcp",
    "nbclient",
    "ipykernel",
}


def _imported(module):
    """Top-level names of all modules that are there after `import module`."""
    program = f"import sys; import {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = {name for name in done.stdout.split() if not name.startswith(("_", "cython_runtime"))}
    return names - sys.stdlib_module_names


def _without_hooks(names):
    """Without what an environment loads into every process."""
    started = subprocess.run(
        [sys.executable, "-c", "import sys; print(*{name.split('.')[0] for name in sys.modules})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return names - set(started.stdout.split())


def test_the_network_needs_numpy_alone():
    assert _without_hooks(_imported("cnn")) == {"cnn", "numpy"}


def test_reading_needs_neither_the_page_nor_the_hub_nor_a_plot():
    assert _without_hooks(_imported("recognition")) <= {"cnn", "cv2", "numpy", "recognition"}
    light = _imported("recognition.__main__") | _imported("training.__main__")
    heavy = {"gradio", "huggingface_hub", "matplotlib", "onnx", "scipy", "dask", "distributed", "mpi4py"}
    assert not light & (heavy | {"ui", "jobs"})


# --- what it says it needs


def _requirements(name):
    """Name -> version, of a file of pins."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {_plain(package): version for package, version in pins}


def _plain(package):
    return package.lower().replace("_", "-").replace(".", "-")


def _declared():
    """Name -> requirement, of all that the package and its extras need."""
    wanted = [Requirement(one) for one in PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        wanted += map(Requirement, extra)
    return {_plain(one.name): one for one in wanted if _plain(one.name) != NAME}


def test_what_the_package_needs_is_what_the_app_is_pinned_to():
    pins, declared = _requirements("requirements.txt"), _declared()
    assert set(pins) <= set(declared), "an import that pip would not install"
    for package, requirement in declared.items():
        version = (pins | _requirements("requirements-dev.txt"))[package]
        assert requirement.specifier.contains(version), f"{requirement} excludes the tested {version}"
    assert set(_requirements("requirements-dev.txt")) - set(declared) <= FOR_TOOLS


def test_the_extras_are_those_that_the_docs_name():
    assert set(PROJECT["optional-dependencies"]) == {"app", "photos", "hub", "plots", "dev"}
    assert set(PROJECT["scripts"]) == COMMANDS
    assert PROJECT["requires-python"] == ">=3.11"


# --- what is installed


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package as pip installs it from a copy of what git tracks, without what it needs."""
    folder = tmp_path_factory.mktemp("package")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-compile",
        "--target",
        folder / "site",
    ]
    done = subprocess.run([*pip, folder / "source"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def _environment(site):
    return os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}


def _run(site, command, *arguments, cwd):
    """Runs one of the package's commands in a folder that has nothing of ours."""
    return subprocess.run(
        [sys.executable, site / "bin" / command, *map(str, arguments)],
        cwd=cwd,
        env=_environment(site),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_the_weights_and_all_files_of_the_page_are_inside(site):
    for folder in ("weights", "ui", "recognition", "training", "jobs", "cnn"):
        tracked = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        wanted = {path for path in tracked if path.suffix != ".pyc"}
        inside = {path.relative_to(site) for path in (site / folder).rglob("*") if path.is_file()}
        assert wanted <= inside
    assert not (site / "tests").exists()
    assert not (site / "benchmarks").exists()


def test_an_installed_reader_reads(site, tmp_path):
    program = (
        "import recognition; from recognition import Reader; from recognition.files import load_picture;"
        "print(recognition.__file__, Reader().read_drawing(load_picture('seven.png')).text)"
    )
    save(canvas(STROKES[7]), tmp_path / "seven.png")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=_environment(site), capture_output=True, text=True
    )
    where, text = done.stdout.split()
    assert Path(where).is_relative_to(site)
    assert text == "7"
    done = _run(site, "digits-read", "seven.png", cwd=tmp_path)
    assert "Predicted digit: 7" in done.stdout, done.stderr


def test_an_installed_training_exports_where_it_is_started(site, tmp_path):
    done = _run(site, "digits-train", "export", site / "weights" / "small.npz", "--to", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"small_net.c", "small_net.h"}


def test_an_installed_page_serves(site, tmp_path):
    port = free_port()
    environment = _environment(site) | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with (tmp_path / "log").open("w+") as log:
        app = subprocess.Popen(
            [sys.executable, site / "bin" / "digits-app"],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            ends = time.monotonic() + PATIENCE
            while not _is_healthy(port):
                assert app.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < ends
                time.sleep(0.1)
        finally:
            app.terminate()
            app.wait(PATIENCE)


def _is_healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("missing", "command", "said"),
    [
        ("gradio", ["digits-app"], 'The page needs gradio: pip install "digits-from-scratch[app]"'),
        ("huggingface_hub", ["digits-train", "push", "ada/mine"], "this needs huggingface_hub: pip install"),
    ],
)
def test_what_is_not_installed_is_said_in_a_line(site, tmp_path, missing, command, said):
    (tmp_path / missing).mkdir()
    (tmp_path / missing / "__init__.py").write_text(f"raise ModuleNotFoundError('none', name='{missing}')")
    environment = _environment(site) | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(site)])}
    done = subprocess.run(
        [sys.executable, site / "bin" / command[0], *command[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr

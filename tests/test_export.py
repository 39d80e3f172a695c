"""Networks for other programs: what ONNX Runtime, safetensors and a C compiler make of the files."""

import io
import json
import shutil
import struct
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy

from cnn import (
    ARCHITECTURES,
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ModelFileError,
    ReLU,
    Residual,
    Sequential,
    load_model,
    save_model,
)
from recognition import to_input
from recognition.calibration import Calibration
from recognition.export import ExportError, write_export
from recognition.reader import CONTEXT_MODEL, DEFAULT_WEIGHTS, LINE_MODEL, SHIPPED, WEIGHTS
from training import __main__ as training_main
from training.data import load_mnist
from training.synthesis import synthesise_digits

TOLERANCE = 1e-4  # of a logit, from the textbook layers'; Winograd's convolution rounds nearly as much itself
FAST_TOLERANCE = 3e-4  # from what runs
SMALL = WEIGHTS / "small.npz"
PICTURES = 1000  # of MNIST's test set, that C reads
MOST_LOST = 0.002  # of the accuracy, by 8-bit arithmetic


@pytest.fixture(scope="module")
def digits():
    return synthesise_digits(200, np.random.default_rng(4))[0]


def _export(path, to, folder, pictures=None):
    return write_export(load_model(path, None, None), to, folder, "net", pictures)


def _onnx(path, folder):
    """A session with the exported file, after `onnx` has found nothing wrong with it."""
    [file] = _export(path, "onnx", folder)
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    return model, onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def _plain(model):
    return Sequential(model.name, model.copy().layers, model.input_shape, fast=False)


def _run(session, x, *names):
    first = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
    return session.run(list(names), {"images": np.ascontiguousarray(first)})


def _saved(model, folder):
    """The network with weights and running statistics as after a training."""
    rng = np.random.default_rng(6)
    for name, value in model.named_buffers():
        if name.endswith("variance"):
            value[...] = rng.uniform(0.5, 2, value.shape)
        elif name.endswith("mean"):
            value[...] = rng.normal(0, 0.3, value.shape)
    for layer in model.layers:
        for name in {"bias", "gamma", "beta"} & layer.params.keys():
            layer.params[name] += rng.normal(0, 0.2, layer.params[name].shape).astype(np.float32)
    path = folder / "model.npz"
    save_model(path, model)
    return path


def _built():
    """Networks in no list here: every layer, strides, a batch norm that cannot be folded, other inputs."""
    rng = np.random.default_rng(5)
    every = [
        Conv2D(1, 6, kernel_size=5, stride=2, padding=3, rng=rng, bias=False),
        BatchNorm(6),
        ReLU(),
        BatchNorm(6, epsilon=1e-3),
        MaxPool2D(3, stride=2),
        Conv2D(6, 8, kernel_size=2, rng=rng),
        ReLU(),
        Flatten(),
        BatchNorm(6 * 6 * 8),
        Dropout(0.3, rng=rng),
        Dense(6 * 6 * 8, 20, rng=rng),
        BatchNorm(20),
        ReLU(),
        Dense(20, 10, rng=rng),
    ]
    deep = [
        Conv2D(1, 4, kernel_size=3, rng=rng),
        GELU(),
        AveragePool2D(3, stride=2),
        Residual([Conv2D(4, 4, 3, padding=1, rng=rng, bias=False), BatchNorm(4), GELU(), BatchNorm(4)]),
        Residual([Conv2D(4, 4, 1, rng=rng)]),
        GlobalAveragePool(),
        Dense(4, 10, rng=rng),
    ]
    averaged = [Conv2D(3, 10, kernel_size=3, rng=rng), GlobalAveragePool()]
    flattened = [Conv2D(1, 2, kernel_size=2, rng=rng), Flatten()]
    rows = [Flatten(), Dense(12, 10, rng=rng)]
    yield Sequential("every_layer", every, (28, 28, 1))
    yield Sequential("deep", deep, (28, 28, 1))
    yield Sequential("averaged", averaged, (9, 12, 3))
    yield Sequential("flattened", flattened, (4, 6, 1))
    yield Sequential("features", rows, (12,))


@pytest.mark.parametrize("path", [*SHIPPED.values(), CONTEXT_MODEL, SMALL], ids=lambda path: path.stem)
def test_onnx_runtime_gives_the_logits_of_every_network_that_is_shipped(tmp_path, digits, path):
    model, session = _onnx(path, tmp_path)
    network = load_model(path, None, None).model
    x = np.repeat(to_input(digits), network.input_shape[2], axis=3)
    [logits] = _run(session, x, "logits")
    np.testing.assert_allclose(logits, _plain(network).predict(x), atol=TOLERANCE)
    np.testing.assert_allclose(logits, network.predict(x), atol=FAST_TOLERANCE)
    layers = [name for name, layer in network.named_layers() if not isinstance(layer, BatchNorm | Dropout)]
    nodes = [node.name for node in model.graph.node if not node.name.endswith(".channels_last")]
    assert nodes[: len(layers) + 1] == [*layers, "logits"], "a node for each layer, batch norm folded"


@pytest.mark.parametrize("network", ARCHITECTURES)
def test_every_architecture_can_be_had_as_onnx(tmp_path, network):
    model = ARCHITECTURES[network](np.random.default_rng(1))
    path = _saved(model, tmp_path)
    x = np.random.default_rng(2).random((3, *model.input_shape), np.float32)
    _, session = _onnx(path, tmp_path)
    np.testing.assert_allclose(_run(session, x, "logits")[0], _plain(model).predict(x), atol=TOLERANCE)


@pytest.mark.parametrize("model", [*_built()], ids=lambda model: model.name)
def test_a_network_somebody_built_can_be_had_as_onnx(tmp_path, model):
    path = _saved(model, tmp_path)
    x = np.random.default_rng(2).random((5, *model.input_shape), np.float32)
    _, session = _onnx(path, tmp_path)
    np.testing.assert_allclose(_run(session, x, "logits")[0], _plain(model).predict(x), atol=TOLERANCE)


def test_onnx_says_what_the_pictures_are_and_what_the_answers_mean(tmp_path, digits):
    model, session = _onnx(DEFAULT_WEIGHTS, tmp_path)
    calibration = Calibration.of(load_model(DEFAULT_WEIGHTS))
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"]) == [str(digit) for digit in range(10)]
    assert json.loads(said["calibration"]) == calibration.to_progress()["calibration"]
    assert "centre of mass" in said["preprocessing"]
    assert "threshold" in said["rejection"]
    logits, probs = _run(session, to_input(digits), "logits", "probs")
    np.testing.assert_allclose(probs, calibration.probs(logits), atol=1e-6)
    assert [side.dim_param or side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim] == [
        "N",
        1,
        28,
        28,
    ]
    _, session = _onnx(LINE_MODEL, tmp_path)
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"])[10:] == ["-", "/", ".", ",", ":", "something else", "blank"]
    assert "48" in said["preprocessing"] and "rejection" not in said
    _, session = _onnx(CONTEXT_MODEL, tmp_path)
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"])[10:] == list("-/.,:")
    assert [output.name for output in session.get_outputs()] == ["logits"], "rows.npz has no probabilities"


# --- safetensors


@pytest.mark.parametrize("path", [DEFAULT_WEIGHTS, CONTEXT_MODEL], ids=lambda path: path.stem)
def test_safetensors_have_the_names_of_the_npz_and_are_loaded_back(tmp_path, path):
    [file] = _export(path, "safetensors", tmp_path)
    theirs = safetensors.numpy.load_file(file)
    with np.load(path) as ours:
        names = {name for name in ours.files if ours[name].shape}
        assert theirs.keys() == names
        for name in names:
            np.testing.assert_array_equal(theirs[name], ours[name])
    back, before = load_model(file, None, None), load_model(path, None, None)
    np.testing.assert_array_equal(back.model.parameters, before.model.parameters)
    assert Calibration.of(back) == Calibration.of(before)


def test_a_built_network_goes_into_a_safetensors_file_with_its_layers(tmp_path):
    model = next(_built())
    save_model(tmp_path / "built.safetensors", model)
    back = load_model(tmp_path / "built.safetensors").model
    x = np.random.default_rng(2).random((4, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(back.predict(x), model.predict(x))


def _hostile_safetensors(path):
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]

    def packed(changed, body=body, length=None):
        text = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + body

    name = "param.conv1.bias"
    yield packed(header, body[:-1])
    yield packed(header, body + b"\0")
    yield packed(header, length=2**63)
    yield packed(header, length=length - 5)
    yield packed(b"{" * 1000)
    yield packed(b"[]" + b" " * 40)
    yield packed(json.dumps(header).replace(name, "param.conv1.weight", 1).encode())  # twice the same name
    for change in (
        {"dtype": "F128"},
        {"dtype": ["F32"]},
        {"shape": [-1]},
        {"shape": [2**40, 2**40]},
        {"shape": [8.0]},
        {"data_offsets": [0, 4]},
        {"data_offsets": [10**9, 10**9 + 32]},
        {"data_offsets": None},
        {"dtype": "I32"},
    ):
        yield packed(header | {name: header[name] | change})
    yield packed({key: value for key, value in header.items() if key != name})
    yield packed({f"x{i}": header[name] for i in range(1000)})
    yield packed(header | {"__metadata__": header["__metadata__"] | {"format": "9"}})
    yield packed(header | {"__metadata__": header["__metadata__"] | {"architecture": "../x"}})
    yield packed(header | {"__metadata__": header["__metadata__"] | {"progress": "{"}})
    yield packed(header | {"__metadata__": {"format": 2}})
    yield packed(header | {"__metadata__": None})


def test_a_hostile_safetensors_file_is_refused_in_one_sentence(tmp_path):
    save_model(tmp_path / "good.safetensors", ARCHITECTURES["small_net"](np.random.default_rng(0)))
    path = tmp_path / "hostile.safetensors"
    for content in _hostile_safetensors(tmp_path / "good.safetensors"):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"hostile\.safetensors") as refused:
            load_model(path)
        assert "\n" not in str(refused.value)


# --- C


@pytest.fixture(scope="module")
def mnist():
    dataset = load_mnist()
    return dataset.test_images[:PICTURES], dataset.test_labels[:PICTURES]


@pytest.fixture(scope="module")
def c_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    files = _export(SMALL, "c", folder, lambda: to_input(synthesise_digits(300, np.random.default_rng(0))[0]))
    assert {file.name for file in files} == {"small_net.h", "small_net.c"}
    assert len((folder / "small_net.c").read_text().splitlines()) <= 150
    return folder


COMPILER = shutil.which("cc") or pytest.fail("There is no C compiler, cc, which the tests need")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Os")


def _compiled(folder, *options):
    """What the compiled program answers to pictures: logits (N, 10), with the digit it says."""
    program = folder / "read"
    command = [COMPILER, *STRICT, *options, "-DSMALL_NET_MAIN", "small_net.c", "-o", str(program)]
    subprocess.run(command, cwd=folder, check=True)
    return program


def _answers(program, images):
    said = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True).stdout
    rows = np.loadtxt(io.BytesIO(said))
    assert rows.shape == (len(images), 11)
    return rows[:, 0].astype(int), rows[:, 1:]


def _bytes_of(folder, *options):
    """Code and constants of the compiled file, and what it needs while it runs beside the stack."""
    subprocess.run([COMPILER, *STRICT, *options, "-c", "small_net.c"], cwd=folder, check=True)
    printed = subprocess.run(["size", "small_net.o"], cwd=folder, check=True, capture_output=True, text=True)
    text, initialised, zero = map(int, printed.stdout.splitlines()[1].split()[:3])
    return text + initialised, zero


def test_c_in_floats_answers_as_the_network_does(c_folder, mnist):
    images, _ = mnist
    said, logits = _answers(_compiled(c_folder), images)
    expected = load_model(SMALL).model.predict(to_input(images))
    np.testing.assert_allclose(logits, expected, atol=TOLERANCE, rtol=1e-5)
    np.testing.assert_array_equal(said, expected.argmax(1))


def test_c_in_8_bits_loses_hardly_any_accuracy_and_is_a_quarter_as_large(c_folder, mnist):
    images, labels = mnist
    accuracy = (load_model(SMALL).model.predict(to_input(images)).argmax(1) == labels).mean()
    said, _ = _answers(_compiled(c_folder, "-DSMALL_NET_INT8"), images)
    in_8_bits = (said == labels).mean()
    small, large = _bytes_of(c_folder, "-DSMALL_NET_INT8"), _bytes_of(c_folder)
    print(f"accuracy {accuracy:.4f}, in 8 bits {in_8_bits:.4f}; bytes {large}, in 8 bits {small}")
    assert accuracy > 0.97
    assert in_8_bits >= accuracy - MOST_LOST
    assert small[0] < 14_000 < large[0] < 42_000
    assert small[1] == large[1] == 0, "no static memory"


def test_c_takes_a_picture_of_nothing_and_of_ink_alone(c_folder):
    """Sums are largest where everything is ink: they must fit into 32 bits, and outputs into a byte."""
    images = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    guarded = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")
    for options in (guarded, (*guarded, "-DSMALL_NET_INT8")):
        _, logits = _answers(_compiled(c_folder, *options), images)
        assert np.isfinite(logits).all()


# --- how it is asked for


def test_the_command_line_exports_every_format(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for to, files in (
        ("onnx", ["small.onnx"]),
        ("safetensors", ["small.safetensors"]),
        ("c", ["small_net.c", "small_net.h"]),
    ):
        assert training_main.main(["export", str(SMALL), "--to", to, "--out", to]) == 0
        assert sorted(path.name for path in (tmp_path / to).iterdir()) == files
        assert all(name in capsys.readouterr().out for name in files[:1])


def test_what_cannot_be_had_in_c_is_said_in_a_sentence(tmp_path, capsys):
    with pytest.raises(ExportError, match="C is written for small_net alone"):
        _export(DEFAULT_WEIGHTS, "c", tmp_path)
    assert training_main.main(["export", str(DEFAULT_WEIGHTS), "--to", "c", "--out", str(tmp_path)]) == 1
    assert "Please export it as onnx" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

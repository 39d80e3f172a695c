"""One file holds everything; a file that is not exactly what it should be is refused and changes nothing."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from cnn import ARCHITECTURES, SGD, ModelFileError, inverse_time_decay, load_model, save_model, seed_net
from cnn.storage import LARGEST, atomic_write


@pytest.fixture(scope="module")
def model():
    return seed_net(np.random.default_rng(0))


@pytest.fixture
def saved(tmp_path, model):
    path = tmp_path / "model.npz"
    optimizer = SGD(model, inverse_time_decay(0.1, 1e-3), momentum=0.9)
    optimizer.state["velocity"][:] = np.arange(model.parameters.size)
    optimizer.step_count = 42
    save_model(path, model, optimizer, {"seed": 7})
    return path


def rewrite(path, **changes):
    """The file again with some arrays replaced, or left out where the change is None."""
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def test_weights_optimizer_state_and_progress_come_back_exactly(saved, model):
    checkpoint = load_model(saved)
    assert checkpoint.model.name == "seed_net"
    np.testing.assert_array_equal(checkpoint.model.parameters, model.parameters)
    assert checkpoint.progress == {"seed": 7, "steps": 42}
    optimizer = SGD(checkpoint.model, 0.1, momentum=0.9)
    checkpoint.restore(optimizer)
    assert optimizer.step_count == 42
    np.testing.assert_array_equal(optimizer.state["velocity"], np.arange(model.parameters.size))


def test_equal_contents_give_equal_bytes(tmp_path, model):
    for name in ("one.npz", "two.npz"):
        save_model(tmp_path / name, model)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_weights_alone_cannot_restore_an_optimizer(tmp_path, model):
    save_model(tmp_path / "weights.npz", model)
    with pytest.raises(ModelFileError, match="holds weights only"):
        load_model(tmp_path / "weights.npz").restore(SGD(model, 0.1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"param.conv1.bias": None}, "it lacks param.conv1.bias"),
        ({"param.dense9.extra": np.zeros(3, np.float32)}, "it has unknown param.dense9.extra"),
        ({"param.conv1.bias": np.zeros(31, np.float32)}, r"must be \(32,\) float32, got \(31,\) float32"),
        ({"param.conv1.bias": np.zeros(32)}, r"must be \(32,\) float32, got \(32,\) float64"),
        ({"param.conv1.bias": np.full(32, np.nan, np.float32)}, "param.conv1.bias holds NaN or infinity"),
        ({"optimizer.velocity": np.zeros(3, np.float32)}, r"optimizer state velocity must be \(804554,\)"),
        (
            {"architecture": np.array("alexnet")},
            "for the network 'alexnet'; known are softmax_regression",
        ),
        ({"architecture": None}, "it has no architecture"),
        ({"architecture": np.array([1, 2])}, "it has no architecture"),
        ({"format": np.array(99)}, "has format 99, this program reads formats 1 and 2"),
        ({"format": np.array("one")}, "has format one"),
        ({"progress": np.array("{")}, "damaged progress notes"),
        ({"progress": np.array("[1]")}, "damaged progress notes"),
        ({"progress": np.array("[" * 100_000)}, "damaged progress notes"),
        ({"progress": np.array('{"steps": ' + "9" * 5000 + "}")}, "damaged progress notes"),
        ({"architecture": np.array("\x1b[31m" + "x" * 10**6)}, r"for the network '.{1,500}$"),
        ({"format": np.array("x" * 10**6)}, r"has format .{1,500}$"),
        (
            {"param.conv1.bias": np.full(32, 3e38, np.float32)},
            "cannot be read with: its answers are not finite",
        ),
    ],
)
def test_a_file_that_does_not_fit_its_architecture_is_refused(saved, changes, message):
    rewrite(saved, **changes)
    with pytest.raises(ModelFileError, match=message):
        load_model(saved)


@pytest.mark.parametrize("value", [0, 1e30])
def test_a_network_that_cannot_be_read_with_is_refused(tmp_path, model, value):
    useless = model.copy()
    useless.parameters[...] = value
    save_model(tmp_path / "useless.npz", useless)
    with pytest.raises(
        ModelFileError, match=r"useless.npz cannot be read with: its answers are|it answers the"
    ):
        load_model(tmp_path / "useless.npz")


def test_a_network_that_is_not_trained_yet_can_be_read_with(tmp_path):
    for name, build in ARCHITECTURES.items():
        network = build(np.random.default_rng(0))
        save_model(tmp_path / f"{name}.npz", network)
        load_model(tmp_path / f"{name}.npz", network.input_shape, network.output_shape)


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:100_000])
    with pytest.raises(ModelFileError, match=r"model.npz is damaged or not an .npz weights file"):
        load_model(saved)


def test_a_file_with_flipped_bytes_is_refused(saved):
    content = bytearray(saved.read_bytes())
    content[200_000:200_010] = b"0123456789"
    saved.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(saved)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_something_else_renamed_npz_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged or not"):
        load_model(path)


def test_a_foreign_npz_is_refused(tmp_path):
    np.savez(tmp_path / "foreign.npz", x=np.zeros(3))
    with pytest.raises(ModelFileError, match="not a weights file of this project"):
        load_model(tmp_path / "foreign.npz")


class Boom:
    def __reduce__(self):
        return (pytest.fail, ("code from a weights file was run",))


def test_a_pickle_inside_is_never_run(tmp_path):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("architecture.npy", member.getvalue() + pickle.dumps([Boom()]))
    with pytest.raises(ModelFileError, match="damaged or not"):
        load_model(tmp_path / "bad.npz")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("param.conv1.weight.npy", bytes(LARGEST + 1))
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelFileError, match="would unpack to 64 MiB"):
        load_model(path)


def test_a_missing_file_is_told_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights file .*nowhere\.npz"):
        load_model(tmp_path / "nowhere.npz")


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="power cut"), atomic_write(path) as file:
        file.write(b"half of the new")
        raise RuntimeError("power cut")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_state_of_another_optimizer_is_refused(saved, model):
    checkpoint = load_model(saved)
    checkpoint.optimizer_state["heat"] = checkpoint.optimizer_state.pop("velocity")
    with pytest.raises(ModelFileError, match=r"SGD keeps \['velocity'\], the saved state has \['heat'\]"):
        checkpoint.restore(SGD(model, 0.1))


@pytest.mark.parametrize("steps", [None, "many", float("inf"), float("nan")])
def test_a_count_of_steps_that_is_no_number_is_refused(saved, model, steps):
    checkpoint = load_model(saved)
    checkpoint.progress["steps"] = steps
    with pytest.raises(ModelFileError, match="the optimizer state in this file does not fit"):
        checkpoint.restore(SGD(model, 0.1))

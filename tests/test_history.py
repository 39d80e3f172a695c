"""Moments of a training: few, small, and the network as it was."""

import numpy as np
import pytest

from cnn import prepare_for_inference, seed_net, small_net
from jobs.session import Session
from tests.sessions import LONG, SHORT, await_, rested, training
from training import history as history_module
from training.history import MOST_MOMENTS, History, history_path, load_history, network_at


def network(seed=0):
    return small_net(np.random.default_rng(seed))


def kept_steps(history, path):
    history.save(path)
    return load_history(path)["step"].tolist()


def test_at_most_forty_are_kept_most_of_them_at_the_beginning(tmp_path):
    history, model = History(steps=4000), network()
    for step in range(0, 4001, 4):
        history.note(model, step, step / 1000, 0.5, 0.9)
    steps = kept_steps(history, tmp_path / "x.history.npy")
    assert len(steps) == MOST_MOMENTS
    assert (steps[0], steps[-1]) == (0, 4000)
    assert np.median(steps) < 1100
    assert steps == sorted(set(steps))


def test_what_a_history_may_weigh_bounds_its_moments(tmp_path, monkeypatch):
    model = network()
    monkeypatch.setattr(history_module, "MOST_BYTES", 5 * (2 * model.parameters.size + 16))
    history = History(steps=100)
    for step in range(101):
        history.note(model, step, step / 50)
    steps = kept_steps(history, tmp_path / "x.history.npy")
    assert (len(steps), steps[-1]) == (5, 100)
    assert history_path(tmp_path / "x.npz").stat().st_size <= history_module.MOST_BYTES + 1000


def test_a_moment_is_the_network_as_it_read_then(tmp_path):
    history, before, after = History(steps=10), network(1), network(2)
    history.note(before, 0, 0.0)
    history.note(after, 10, 1.0, 0.25, 0.5, is_last=True)
    history.save(tmp_path / "x.npy")
    first, last = load_history(tmp_path / "x.npy")
    x = np.random.default_rng(3).random((4, 28, 28, 1), np.float32)
    now = prepare_for_inference(after)
    np.testing.assert_allclose(network_at(now, first).predict(x), before.predict(x), rtol=0.02, atol=0.01)
    np.testing.assert_allclose(network_at(now, last).predict(x), after.predict(x), rtol=0.02, atol=0.01)
    assert np.isnan(first["loss"])
    assert (last["loss"], last["accuracy"], last["epoch"]) == (0.25, 0.5, 1.0)


def test_a_moment_of_another_network_and_a_file_of_another_kind_are_refused(tmp_path):
    history = History(steps=10)
    history.note(network(), 0, 0.0)
    history.save(tmp_path / "x.npy")
    [moment] = load_history(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="of another network"):
        network_at(seed_net(np.random.default_rng(0)), moment)
    np.save(tmp_path / "y.npy", np.zeros(3))
    with pytest.raises(ValueError, match="no moments"):
        load_history(tmp_path / "y.npy")


def moments_of(session: Session):
    return load_history(history_path(session.result))


def test_a_training_leaves_its_history_beside_its_weights(manager):
    session = manager.session("ann")
    session.start(SHORT)
    rested(session)
    moments = moments_of(session)
    assert moments["step"][0] == 0
    assert moments["step"][-1] == SHORT.epochs * SHORT.images / SHORT.batch_size
    reader = session.result_reader()
    last = network_at(reader.model, moments[-1])
    np.testing.assert_allclose(last.parameters, reader.model.parameters, rtol=1e-3, atol=1e-4)
    files = [session.result, history_path(session.result)]
    stored = manager.shared.storage.stored_bytes(session.address)
    assert stored == sum(file.stat().st_size for file in files)
    session.discard_result()
    assert list(session.folder.iterdir()) == []


def test_a_training_that_goes_on_keeps_the_history_it_has(manager):
    session = manager.session("ann")
    session.start(LONG)
    training(session)
    session.pause()
    rested(session)
    before = moments_of(session)["step"].tolist()
    session.resume()
    training(session)
    session.stop()
    await_(lambda: session.result is not None and not session.is_busy)
    after = moments_of(session)["step"].tolist()
    assert after[: len(before) - 1] == before[:-1]
    assert after[-1] > before[-1]

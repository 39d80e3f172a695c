"""What channels like: the pictures that excite them most, found once and read back the same."""

import dataclasses
import shutil

import numpy as np
import pytest

from cnn import digit_net, prepare_for_inference, seed_net, small_net
from cnn.explain import activations
from jobs.likes import FAILED
from jobs.queue import BusyError
from recognition import to_input
from recognition.inside import block_ends
from recognition.likes import FAVOURITES, Likes, find_likes
from tests.bars import bars
from tests.sessions import SHORT, await_, rested

PICTURES = (bars(150)[0] // 17) * 17  # in the greys that are kept


@pytest.mark.parametrize("build", [small_net, seed_net, digit_net])
def test_favourites_are_the_pictures_with_the_largest_activation(build):
    model = prepare_for_inference(build(np.random.default_rng(1)))
    pictures = PICTURES[:80]
    likes = find_likes(model, pictures)
    assert likes.layers.keys() == block_ends(model).keys()
    by_picture = [activations(model, x) for x in to_input(pictures)]
    for position, layer in likes.layers.items():
        values = np.stack([found[position].values for found in by_picture])  # (N, H, W, C) or (N, C)
        channel = values.shape[-1] // 2
        most = values[..., channel].reshape(len(values), -1).max(1)
        np.testing.assert_allclose(
            layer.value[channel], np.sort(most)[::-1][:FAVOURITES], rtol=2e-3, atol=1e-4
        )
        best = likes.pictures[layer.picture[channel, 0]]
        seen = activations(model, to_input(best[None])[0])[position].values
        cell = (channel,) if seen.ndim == 1 else (layer.row[channel, 0], layer.column[channel, 0], channel)
        assert seen[cell] == pytest.approx(most.max(), rel=1e-4, abs=1e-5)


def test_likes_are_read_as_they_were_written(tmp_path):
    likes = find_likes(small_net(np.random.default_rng(2)), PICTURES)
    likes.save(tmp_path / "likes.npz")
    read = Likes.load(tmp_path / "likes.npz")
    np.testing.assert_array_equal(read.pictures, likes.pictures)
    for position, layer in likes.layers.items():
        for name, value in dataclasses.asdict(layer).items():
            np.testing.assert_array_equal(getattr(read.layers[position], name), value)


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="At least 9 pictures are needed, got 8"):
        find_likes(small_net(np.random.default_rng(2)), PICTURES[:8])


def test_a_worker_finds_what_a_visitors_own_network_likes(manager, dataset):
    session = manager.session("ann")
    session.start(SHORT)
    rested(session)
    weights = session.result
    assert manager.likes.find(weights) is None  # it has begun
    await_(lambda: manager.likes.find(weights) is not None)
    found = manager.likes.find(weights)
    expected = find_likes(session.result_reader().model, dataset.train_images)
    np.testing.assert_array_equal(found.pictures, expected.pictures)
    assert manager.likes.find(weights) is found


def test_a_network_that_is_gone_is_said_to_have_failed(manager, tmp_path):
    gone = manager.folder / "gone.npz"
    manager.likes.find(gone)
    with pytest.raises(ValueError, match=FAILED[:20]):
        await_(lambda: manager.likes.find(gone) is not None)


def test_only_as_many_wait_as_there_is_room_for(open_manager):
    manager = open_manager(before="import time; worker.find_likes = lambda *_: time.sleep(600);", waiting=1)
    session = manager.session("ann")
    session.start(SHORT)
    rested(session)
    begun = [manager.folder / f"{name}.npz" for name in "ab"]
    for copy in begun:
        shutil.copy(session.result, copy)
        assert manager.likes.find(copy) is None  # one runs and one waits
    with pytest.raises(BusyError, match="are waiting already"):
        manager.likes.find(session.result)
    assert manager.likes.find(begun[0]) is None


def test_at_the_end_no_worker_is_left(open_manager):
    manager = open_manager(before="import time; worker.find_likes = lambda *_: time.sleep(600);")
    session = manager.session("ann")
    session.start(SHORT)
    rested(session)
    manager.likes.find(session.result)
    job = next(iter(manager.likes._jobs.values()))
    await_(lambda: job._process is not None)
    manager.close()
    assert job.wait(60)

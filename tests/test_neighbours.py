"""The map of digits: neighbours in many dimensions stay neighbours in two."""

import numpy as np
import pytest

from cnn import digit_net, prepare_for_inference, seed_net, small_net
from cnn.explain import activations, features
from recognition import Reader, to_input
from recognition.embedding import principal_components, squared_distances, tsne
from recognition.neighbours import NEAREST, digit_map, features_of_map, nearest


@pytest.mark.parametrize("build", [small_net, seed_net, digit_net])
def test_features_are_what_the_last_layer_gets(build):
    model = prepare_for_inference(build(np.random.default_rng(1)))
    x = np.random.default_rng(2).random((3, 28, 28, 1), np.float32)
    found = features(model, x)
    for i in range(len(x)):
        np.testing.assert_allclose(found[i], activations(model, x[i])[-2].values, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="takes pictures of shape"):
        features(model, x[..., 0])


def test_squared_distances_are_those_of_the_definition():
    a, b = np.random.default_rng(1).random((4, 3)), np.random.default_rng(2).random((5, 3))
    np.testing.assert_allclose(squared_distances(a, b), ((a[:, None] - b) ** 2).sum(-1))


def test_principal_components_of_points_on_a_line_lie_on_a_line():
    along = np.random.default_rng(1).normal(size=(40, 1))
    found = principal_components(along @ np.array([[3.0, 4.0, 0.0]]))
    np.testing.assert_allclose(np.abs(found[:, 0]), 5 * np.abs(along[:, 0] - along.mean()), atol=1e-9)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-9)


def test_clusters_stay_apart_on_the_plane():
    labels = np.repeat(np.arange(4), 30)
    x = 10 * np.eye(4, 12)[labels] + np.random.default_rng(1).normal(size=(120, 12))
    places = tsne(x, perplexity=10, steps=250)
    assert (places.min(), places.max()) == (0, 1)
    distances = squared_distances(places, places)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(1)] == labels).mean() > 0.98
    np.testing.assert_array_equal(places, tsne(x, perplexity=10, steps=250))


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="needs more than 90 points"):
        tsne(np.zeros((90, 3)))


def test_on_the_shipped_map_digits_of_a_kind_lie_together():
    known = digit_map()
    assert known.pictures.shape == (2000, 28, 28)
    distances = squared_distances(known.places, known.places)
    np.fill_diagonal(distances, np.inf)
    assert (known.labels[distances.argmin(1)] == known.labels).mean() > 0.95


def test_a_picture_stands_among_its_nearest():
    known, model = digit_map(), Reader().model
    seen = features_of_map(model)
    found = nearest(model, to_input(known.pictures[12:13])[0], seen, known.places)
    assert found.indices[0] == 12
    assert len(found.indices) == NEAREST
    assert (np.diff(found.distances) >= 0).all()
    np.testing.assert_allclose(found.place, known.places[12], atol=1e-3)

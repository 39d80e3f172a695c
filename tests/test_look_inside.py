"""What the Inside tab shows of a picture is what the network computed, in fewer digits."""

import numpy as np
import pytest

from cnn import (
    SGD,
    digit_net,
    prepare_for_inference,
    seed_net,
    small_net,
    softmax,
    softmax_cross_entropy,
    softmax_regression,
)
from cnn.explain import activations
from cnn.loss import reject_cross_entropy
from recognition.calibration import Calibration
from recognition.inside import (
    LEVELS,
    MOST_VALUES,
    REJECT,
    ZERO,
    all_shares,
    block_ends,
    cell_history,
    cell_places,
    digit_at,
    fields,
    is_derived,
    largest_terms,
    round_maps,
    sent_layers,
    shares,
    step_towards,
)
from recognition.reading import Digit

NETWORKS = [softmax_regression, small_net, seed_net, digit_net]
REJECTS = Calibration(temperature=1.5, threshold=0.5)
X = (
    np.random.default_rng(3).random((28, 28, 1)) * (np.random.default_rng(4).random((28, 28, 1)) < 0.3)
).astype(np.float32)


def values_of(maps, shape):
    """The values that rounded maps stand for, (H, W, C) or (features,)."""
    levels = np.frombuffer(maps.levels.encode("ascii"), np.uint8).astype(float) - ZERO
    by_channel = levels.reshape(len(maps.scales), -1) * np.array(maps.scales)[:, None] / LEVELS
    return by_channel[0] if len(shape) == 1 else by_channel.T.reshape(*shape[:2], -1)


@pytest.mark.parametrize("build", NETWORKS)
def test_rounded_maps_are_within_half_a_level_of_the_activations(build):
    for found in activations(build(np.random.default_rng(1)), X):
        maps = round_maps(found.values)
        shown = values_of(maps, found.values.shape)
        worst = np.abs(found.values).max(axis=(0, 1) if found.values.ndim == 3 else 0)
        assert (np.abs(shown - found.values) <= 0.53 * worst / LEVELS + 1e-6).all()


@pytest.mark.parametrize("build", NETWORKS)
def test_relu_and_pooling_of_rounded_maps_are_the_rounded_maps_of_relu_and_pooling(build):
    """On which the page relies: it derives those layers itself."""
    model = prepare_for_inference(build(np.random.default_rng(1)))
    found = activations(model, X)
    for position, layer in enumerate(model.layers):
        if not is_derived(model, position) or layer.kind not in ("relu", "pool"):
            continue
        first = max(at for at in range(position) if not is_derived(model, at))
        values = values_of(round_maps(found[first].values), found[first].values.shape)[None].astype(
            np.float32
        )
        for between in model.layers[first + 1 : position + 1]:
            values = between.forward(values)
        step = np.abs(found[first].values).max(axis=(0, 1) if found[first].values.ndim == 3 else 0)
        assert (np.abs(values[0] - found[position].values) <= 0.53 * step / LEVELS + 1e-3).all()


@pytest.mark.parametrize("build", NETWORKS)
def test_what_is_sent_fits_and_is_all_there_is_of_the_shipped_networks(build):
    model = prepare_for_inference(build(np.random.default_rng(1)))
    found = activations(model, X)
    sent = sent_layers(model)
    assert set(sent.values()) == {None}
    assert sum(found[at].values.size for at in sent) <= MOST_VALUES
    assert [at for at in range(len(found)) if at not in sent and not is_derived(model, at)] == []
    assert len(found) - 1 in block_ends(model)


def test_of_a_network_that_is_too_large_the_first_channels_are_sent(monkeypatch):
    monkeypatch.setattr("recognition.inside.MOST_VALUES", 10_000)
    model = prepare_for_inference(digit_net(np.random.default_rng(1)))
    found = activations(model, X)
    lengths = [
        len(round_maps(found[at].values, channels).levels) for at, channels in sent_layers(model).items()
    ]
    assert sum(lengths) <= 10_000
    assert min(lengths) > 0


def test_shares_are_the_softmax_at_the_temperature_and_the_reject_class():
    logits = np.array([3, -1, 0.5, 0, -2, 1, 0, 0, -1, 2], np.float32)
    one = shares(logits, REJECTS)
    np.testing.assert_allclose(one.probs, softmax(logits[None] / 1.5)[0], rtol=1e-5)
    assert one.reject == pytest.approx(1 / (1 + np.exp(logits.astype(float)).sum()))
    assert one.digit == 0
    assert shares(logits - 20, REJECTS).digit is None
    assert shares(logits - 20, Calibration()).digit == 0
    assert shares(logits, Calibration()).reject == 0
    rows = all_shares(np.stack([logits, logits - 20]), REJECTS)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert rows[1].argmax() == REJECT


@pytest.mark.parametrize("build", NETWORKS)
def test_a_cells_history_leads_to_the_sum_that_it_is(build):
    rng = np.random.default_rng(6)
    model = prepare_for_inference(build(rng))
    found = activations(model, X)
    for position, one in enumerate(found):
        for _ in range(4):
            cell = tuple(int(rng.integers(side)) for side in one.values.shape)
            history = cell_history(model, X, position, cell)
            assert (history[0][0], history[0][1]) == (position, cell)
            assert not is_derived(model, history[-1][0])
            for at, where, terms in history:
                assert terms.value == pytest.approx(float(found[at].values[where]), rel=1e-4, abs=1e-4)


def test_the_largest_terms_and_the_others_add_up():
    model = prepare_for_inference(digit_net(np.random.default_rng(1)))
    for position, count in ((0, 25), (3, 8), (8, 8)):
        [(_, _, terms)] = cell_history(model, X, position, (5, 4, 2))
        found = largest_terms(terms)
        assert len(found["shown"]) == count
        total = sum(term["product"] for term in found["shown"]) + found["others"]["sum"] + terms.bias
        assert total == pytest.approx(terms.value, rel=1e-9)
        assert len(found["shown"]) + found["others"]["count"] == len(terms.inputs)


def test_the_field_of_a_cell_in_every_layer_before_it():
    model = digit_net(np.random.default_rng(1))
    found = fields(model, 2, (0, 3, 5))  # the first pooling
    assert found == {2: (0, 2, 6, 8), 1: (0, 2, 6, 8), 0: (0, 6, 6, 12)}


@pytest.mark.parametrize(
    ("build", "position", "places"), [(digit_net, -1, (2, 4)), (digit_net, 0, (2, 1)), (seed_net, 2, (0, 2))]
)
def test_cells_stand_on_the_picture_where_their_middles_are(build, position, places):
    model = build(np.random.default_rng(1))
    assert cell_places(model, position % len(model.layers)) == places


@pytest.mark.parametrize(("label", "given"), [(7, 7), (REJECT, -1)])
def test_a_step_is_the_optimizers_with_the_loss_of_a_network_that_rejects(label, given):
    model = small_net(np.random.default_rng(1))
    step = step_towards(model, X, label, 0.05, REJECTS)
    expected = model.copy()
    loss, dlogits = reject_cross_entropy(expected.forward(X[None], training=True), np.array([given]))
    expected.backward(dlogits)
    SGD(expected, 0.05, momentum=0.0).step()
    assert step.loss == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(step.model.parameters, expected.parameters, atol=1e-6)


def test_a_step_without_a_reject_class_is_the_plain_one_and_cannot_reject():
    model = small_net(np.random.default_rng(1))
    loss, _ = softmax_cross_entropy(model.predict(X[None]), np.array([3]))
    assert step_towards(model, X, 3, 0.05, Calibration()).loss == pytest.approx(loss, rel=1e-5)
    with pytest.raises(ValueError, match="not trained to reject"):
        step_towards(model, X, REJECT, 0.05, Calibration())
    with pytest.raises(ValueError, match="must be 0 to 9"):
        step_towards(model, X, 11, 0.05, REJECTS)


def test_the_digit_near_the_pen_is_looked_at():
    digits = [Digit((x, 0, 10, 20), np.zeros((28, 28), np.uint8), np.zeros(10), 1, 1.0) for x in (0, 30, 60)]
    assert digit_at(digits, (33, 4)) is digits[1]
    assert digit_at(digits, (18, 90)) is digits[0]
    assert digit_at(digits, None) is digits[2]

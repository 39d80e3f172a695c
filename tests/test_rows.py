"""Digits in rows: what stands around a candidate, synthetic rows, and the network that they train."""

import itertools

import numpy as np
import pytest

from cnn import digit_net, load_model, row_net
from recognition.components import find_components
from recognition.context import CONTEXT_LOGITS, CONTEXT_SHAPE, SEPARATORS, digit_logits, sheared, with_context
from recognition.normalise import normalise
from recognition.reader import DEFAULT_WEIGHTS
from training.calibrate import logits_of
from training.evaluate import evaluate_rows
from training.handwriting.people import people
from training.recipes import RowsRecipe
from training.synthesis import synthesise_digits, synthesise_rows
from training.synthesis.rows import DIGITS, MARKS, UNCLEAR, candidates_of, row_as_written
from training.synthesis.writer import LIGATURE_SAG, NON_DIGIT, Writer, in_a_row, linked
from training.trainer import REJECT_CLASS

TINY = RowsRecipe(rows=200, epochs=2, last_rows=100, last_epochs=1, batch_size=64, average_decay=0.9)


@pytest.fixture(scope="module")
def written():
    """A stand-in for MNIST: 200 synthetic digits."""
    return synthesise_digits(200, np.random.default_rng(5))


@pytest.fixture(scope="module")
def drawn(written):
    return synthesise_rows(600, np.random.default_rng(0), *written, people("training"))


# --- what stands around a candidate


def bars_at(*lefts, size=(100, 200), width=6, scale=1):
    """Components: upright bars 40 pixels high from row 30, numbered as `lefts`, which ascend."""
    ink = np.zeros((size[0] * scale, size[1] * scale), np.float32)
    for left in lefts:
        ink[30 * scale : 70 * scale, left * scale : (left + width) * scale] = 1
    return find_components(ink, width * scale)


def test_a_candidate_alone_has_nothing_around_it():
    components = bars_at(90)
    seen = with_context(components, (1,))
    assert seen.shape == (28, 28, 2) and seen.dtype == np.uint8
    np.testing.assert_array_equal(seen[..., 0], normalise(components.ink))
    assert not seen[..., 1].any()


def test_neighbours_stand_around_the_same_middle_at_half_the_scale():
    own, around = np.moveaxis(with_context(bars_at(70, 90, 114), (2,)), -1, 0)
    assert own.any(0).sum() in (3, 4)  # 6 pixels wide where 40 are 20
    assert not around[:, 12:16].any()  # its own place
    rows, columns = np.flatnonzero(around.any(1)), np.flatnonzero(around.any(0))
    assert len(rows) == pytest.approx(10, abs=1)
    assert rows.mean() == pytest.approx(13.75, abs=0.5)
    left, right = columns[columns < 14], columns[columns > 14]
    # Its middle, 93, is at pixel index 14 of its own picture: 14.5 from the left, as 28 pixels of it are 14.
    assert left.mean() + 0.5 == pytest.approx(14.25 - 20 / 4, abs=0.6)
    assert right.mean() + 0.5 == pytest.approx(14.25 + 24 / 4, abs=0.6)


@pytest.mark.parametrize("scale", [2, 5])
def test_what_is_around_looks_the_same_however_large_all_is(scale):
    small, large = (with_context(bars_at(70, 90, 114, scale=s), (2,)).astype(float) for s in (1, scale))
    assert np.abs(small - large).mean() < 2


def test_pieces_joined_are_all_its_own_and_the_rest_are_around_it():
    components = bars_at(70, 90, 114)
    joined = with_context(components, (1, 2))
    own, around = (np.flatnonzero(joined[..., channel].any(0)) for channel in (0, 1))
    assert np.ptp(own) + 1 == pytest.approx(26 / 2, abs=1)
    assert around.min() > 16


def test_a_candidate_in_the_corner_is_seen_as_on_a_larger_sheet():
    ink = np.zeros((60, 40), np.float32)
    ink[0:40, 0:6] = ink[0:40, 20:26] = 1
    corner, middle = find_components(ink, 6), find_components(np.pad(ink, 80), 6)
    np.testing.assert_array_equal(with_context(corner, (1,)), with_context(middle, (1,)))


def test_what_leans_to_the_left_stands_upright_once_it_is_slanted_to_the_right():
    upright, leaning = np.zeros((2, 28, 28, 2), np.uint8)
    upright[4:24, 13:15] = 255
    for row in range(4, 24):
        left = 13 + 0.2 * (row - 13.5)
        at, share = int(left), left % 1
        leaning[row, at], leaning[row, at + 1], leaning[row, at + 2] = 255 * (1 - share), 255, 255 * share
    for seen, slant, expected in ((leaning, 0.2, upright), (upright, -0.2, leaning), (upright, 0.0, upright)):
        found = sheared(seen[None], slant)
        assert found.shape == (1, 28, 28, 2) and found.dtype == np.uint8
        assert np.abs(found[0].astype(float) - expected).mean() < 6


# --- synthetic rows


def test_rows_come_as_the_reader_sees_them_with_a_label_each(drawn):
    images, labels = drawn
    assert images.shape == (600, 28, 28, 2) and images.dtype == np.uint8
    assert labels.shape == (600,) and labels.dtype == np.int8
    assert set(labels) == {NON_DIGIT, *range(10 + len(SEPARATORS))}
    assert NON_DIGIT == REJECT_CLASS
    assert ((labels >= 0) & (labels < 10)).sum() == round(DIGITS * 600)
    assert (labels >= 10).sum() == round(MARKS * 600)
    assert (images[..., 0].max((1, 2)) == 255).all()
    assert images[..., 1].any((1, 2)).mean() > 0.9  # hardly any stands alone


def test_the_digits_in_rows_look_like_their_labels(drawn):
    images, labels = drawn
    is_digit = (labels >= 0) & (labels < 10)
    logits = logits_of(load_model(DEFAULT_WEIGHTS).model, images[is_digit, ..., 0])
    assert (logits.argmax(1) == labels[is_digit]).mean() > 0.85  # some pens close every loop


def test_separators_in_rows_have_the_shape_and_place_of_their_labels(drawn):
    images, labels = drawn
    own, around = np.moveaxis(images.astype(float), -1, 0)
    ink = {name: own[labels == 10 + i] >= 128 for i, name in enumerate(SEPARATORS)}
    wide = {name: shapes.any(1).sum(1) for name, shapes in ink.items()}
    high = {name: shapes.any(2).sum(1) for name, shapes in ink.items()}
    assert np.median(wide["-"] / high["-"]) > 1.5
    assert np.median(high["/"] / wide["/"]) > 1.5
    seen = [image for image in around[labels == 12] if image.any()]
    middle = np.median([image.sum(1) @ np.arange(28) / image.sum() for image in seen])
    assert middle < 12  # a full stop's neighbours stand higher than it does


def one_row(written, text, gap=0.3, person=None):
    """A writer and a row of this text, set without touching."""
    writer = Writer(np.random.default_rng(1), *written, [person] if person else ())
    writer.person, writer.pen, writer.printed = person, 0.08, 0.0
    row = [writer.separator(name) if name in SEPARATORS else writer.digit(int(name)) for name in text]
    return writer, in_a_row(row, writer, gap, 0.0)


def test_every_sign_of_a_date_is_a_candidate_with_its_own_label(written):
    writer, row = one_row(written, "21/3-8")
    _, runs, labels, height = candidates_of(row, writer)
    assert 36 / 2 < height < 2 * 90
    found = [labels[i] for i in sorted(range(len(runs)), key=lambda i: runs[i]) if len(runs[i]) == 1]
    assert [label for label in found if label not in (NON_DIGIT, UNCLEAR)].count(11) == 1
    assert {2, 1, 11, 3, 10, 8} <= set(labels.tolist())


def test_a_digit_joined_with_a_full_stop_is_no_digit(written):
    writer, row = one_row(written, "8.8", gap=0.4)
    _, runs, labels, _ = candidates_of(row, writer)
    stop = [run for run, label in zip(runs, labels, strict=True) if label == 12]
    assert len(stop) == 1
    joined = [
        label
        for run, label in zip(runs, labels, strict=True)
        if set(stop[0]) < set(run) and len(run) > len(stop[0])
    ]
    assert joined and set(joined) == {NON_DIGIT}


def test_a_row_as_somebody_wrote_it_has_its_label_from_left_to_right(written):
    person = next(person for person in people("training") if any("-" in row.label for row in person.rows))
    sample = next(row for row in person.rows if "-" in row.label)
    writer, _ = one_row(written, "1", person=person)
    row = row_as_written(writer, sample)
    text = "".join(("0123456789" + SEPARATORS)[sign.label] for sign in row)
    assert text == sample.label.replace(" ", "")
    middles = [sign.points[:, 0].mean() for sign in row]
    assert middles == sorted(middles)
    heights = [np.ptp(sign.points[:, 1]) for sign in row if sign.label < 10]
    assert np.median(heights) == pytest.approx(1, abs=0.15)


def test_zeros_in_a_ligature_hang_together_and_are_zeros_each(written):
    writer = Writer(np.random.default_rng(4), *written)
    writer.pen = 0.08
    zeros = in_a_row([writer.zero_in_ligature() for _ in range(3)], writer, 0.2, 0.0)
    row = linked(zeros, writer, 1.0, LIGATURE_SAG)
    assert [sign.label for sign in row] == [0, 0, 0]
    ends = [(a.strokes[-1][-1], b.strokes[0][0]) for a, b in itertools.pairwise(row)]
    assert all(np.abs(left - right).max() < 0.25 for left, right in ends)
    heights = [np.mean([left[1], right[1]]) for left, right in ends]
    assert max(heights) < 0.5  # along their tops


def test_a_number_has_the_separators_that_its_writer_wrote_where_they_were_written(written):
    person = next(person for person in people("training") if person.marks["/"])
    writer, _ = one_row(written, "1", person=person)
    tops = [np.concatenate(strokes)[:, 1].min() for strokes in person.marks["/"]]
    bottoms = [np.concatenate(strokes)[:, 1].max() for strokes in person.marks["/"]]
    found = [writer.separator("/").points for _ in range(40)]
    spread = 0.4
    assert min(tops) - spread < np.median([points[:, 1].min() for points in found]) < max(tops) + spread
    assert min(bottoms) - spread < np.median([points[:, 1].max() for points in found]) < max(bottoms) + spread


def test_the_last_phase_sees_other_rows_than_the_first(written):
    first, last = TINY.trainer(*written), TINY.last_trainer(TINY.network(), *written)
    assert first.images.shape == (200, 28, 28, 2) and last.images.shape == (100, 28, 28, 2)
    assert not np.array_equal(first.images[:100], last.images)


def test_what_is_small_sees_as_far_around_as_a_digit_would():
    ink = np.zeros((100, 200), np.float32)
    ink[30:70, 60:66] = ink[30:70, 120:126] = ink[64:70, 90:96] = 1  # a dot between two bars
    components = find_components(ink, 6)
    dot = 1 + int(components.boxes[1:, 3].argmin())
    assert not with_context(components, (dot,))[..., 1].any()
    around = with_context(components, (dot,), height=40.0)[..., 1]
    columns, rows = np.flatnonzero(around.any(0)), np.flatnonzero(around.any(1))
    assert columns.min() < 10 and columns.max() > 18
    assert rows.max() <= 15  # the bars end where the dot does
    bar = int(components.boxes[1:, 0].argmin()) + 1
    np.testing.assert_array_equal(with_context(components, (bar,), 40.0), with_context(components, (bar,)))


def test_the_logits_of_digits_count_separators_as_none():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(6, 15)).astype(np.float32) * 3
    shares = np.exp(np.c_[logits, np.zeros(6)])
    shares /= shares.sum(1, keepdims=True)
    digits = np.exp(np.c_[digit_logits(logits), np.zeros(6)])
    digits /= digits.sum(1, keepdims=True)
    np.testing.assert_allclose(digits[:, :10], shares[:, :10], rtol=1e-5)
    np.testing.assert_allclose(digits[:, 10], shares[:, 10:].sum(1), rtol=1e-5)


def test_the_same_generator_gives_the_same_rows_and_another_does_not(written):
    one, same, other = (synthesise_rows(20, np.random.default_rng(seed), *written) for seed in (3, 3, 4))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one[0] != other[0]).any()
    assert synthesise_rows(0, np.random.default_rng(0), *written)[0].shape == (0, 28, 28, 2)


def test_rows_that_cannot_be_drawn_are_refused(written):
    images, labels = written
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="count must be a whole number"):
        synthesise_rows(-1, rng, images, labels)
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator"):
        synthesise_rows(1, 0, images, labels)
    for pictures, names in ((images, labels[1:]), (images / 255, labels), (images[:3], labels[:3])):
        with pytest.raises(ValueError, match="uint8 pictures of all ten digits, got"):
            synthesise_rows(1, rng, pictures, names)


# --- the row judge


def test_the_row_judge_is_the_digit_network_with_a_second_channel():
    rng = np.random.default_rng(0)
    judge, digits = row_net(rng), digit_net(rng)
    assert judge.input_shape == CONTEXT_SHAPE
    assert judge.forward(np.zeros((3, 28, 28, 2), np.float32)).shape == (3, 10 + len(SEPARATORS))
    assert judge.parameters.size == digits.parameters.size + 5 * 5 * 16 + 129 * len(SEPARATORS)
    assert [repr(layer) for layer in judge.layers[1:-1]] == [repr(layer) for layer in digits.layers[1:-1]]


def test_the_recipe_trains_the_row_judge_on_rows_and_whoever_stops_it_may_go_on(written, tmp_path):
    straight, stopped, resumed = (TINY.trainer(*written) for _ in range(3))
    assert straight.model.name == "row_net"
    assert straight.images.shape == (200, 28, 28, 2)
    assert straight.augment == TINY.augmentation
    *_, last = straight.run()
    assert last.loss < np.log(1 + 10 + len(SEPARATORS))
    for now in stopped.run():
        if (now.epoch, now.step) == (1, 3):
            break
    stopped.save(tmp_path / "stopped.npz")
    resumed.resume(load_model(tmp_path / "stopped.npz", CONTEXT_SHAPE, CONTEXT_LOGITS))
    for _ in resumed.run():
        pass
    np.testing.assert_array_equal(resumed.result().parameters, straight.result().parameters)


class Fixed:
    """Gives these logits, whatever it is shown."""

    def __init__(self, logits):
        self.logits = np.array(logits, np.float32)

    def predict(self, x):
        assert x.shape[1:] == (28, 28, 2)
        return self.logits[: len(x)]


def test_a_row_judge_is_scored_on_digits_on_separators_and_on_none():
    sure, unsure = 30 * np.eye(15)[[7, 1, 2, 11]] - 10, np.full((2, 15), -20.0)
    found = evaluate_rows(
        Fixed(np.concatenate([sure, unsure])),
        np.zeros((6, 28, 28, 2), np.uint8),
        np.array([7, 1, -1, 11, -1, 4]),
    )
    assert found.digits == pytest.approx(2 / 3, abs=1e-6)
    assert found.separators == 1.0
    assert found.none == pytest.approx(1 / 2)
    assert found.cross_entropy == pytest.approx((20 + 20) / 6, abs=0.01)
    assert found.to_json() == {"digits": 0.6667, "separators": 1.0, "none": 0.5, "cross_entropy": 6.6667}

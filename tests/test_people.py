"""Real people's strokes: the archive, its writers, and what is drawn with it."""

import json
from collections import Counter

import numpy as np
import pytest

from cnn import load_model
from recognition.reader import DEFAULT_WEIGHTS
from training.calibrate import logits_of
from training.handwriting import (
    ARCHIVE,
    UNITS,
    VALIDATION_WRITERS,
    Sample,
    read_samples,
    validation_writers,
)
from training.handwriting.__main__ import TOLERANCE, chosen_writers, quantised, save
from training.handwriting.align import align
from training.handwriting.people import people
from training.handwriting.pictures import DIGITLIKE, draw_digits, draw_non_digits


def writers_of(split):
    return {(sample.corpus, sample.writer) for sample in read_samples(split)}


def test_the_archive_has_the_samples_its_datasheet_says_and_is_small():
    samples = [*read_samples("training"), *read_samples("validation")]
    kinds = Counter((sample.corpus, sample.kind) for sample in samples)
    assert kinds == {
        ("unipen", "digit"): 8127,
        ("pendigits", "digit"): 5495,
        ("unipen", "string"): 577,
        ("unipen", "letter"): 4911,
        ("unipen", "word"): 581,
    }
    assert ARCHIVE.stat().st_size < 5_000_000
    datasheet = ARCHIVE.with_name("README.md").read_text()
    for count in kinds.values():
        assert f"{count:,}" in datasheet
    assert "CC BY 4.0" in datasheet


def test_no_writer_is_in_both_splits_and_a_fifth_of_each_corpus_validates():
    training, validation = writers_of("training"), writers_of("validation")
    assert not training & validation
    assert validation == validation_writers()
    for corpus in ("unipen", "pendigits"):
        validating = sum(of == corpus for of, _ in validation)
        everybody = sum(of == corpus for of, _ in training | validation)
        assert validating == round(everybody / 5)


def test_the_validation_writers_follow_from_the_rule_and_not_from_their_order():
    samples = [*read_samples("validation"), *read_samples("training")]
    assert chosen_writers(samples) == json.loads(VALIDATION_WRITERS.read_text())


def test_every_sample_can_be_drawn():
    for sample in read_samples("training"):
        points = np.concatenate(sample.strokes)
        assert np.isfinite(points).all() and 0 <= points.min() <= 2 * TOLERANCE
        assert len(sample.characters) == len(sample.strokes)
        longest = np.ptp(points, axis=0).max() if sample.kind in ("digit", "letter") else np.ptp(points[:, 1])
        assert longest == pytest.approx(1, abs=4 * TOLERANCE) or longest == 0


def test_what_is_saved_is_read_again_as_it_was(tmp_path, monkeypatch):
    samples = list(read_samples("training")[::500])
    save(tmp_path / "strokes.npz", samples)
    monkeypatch.setattr("training.handwriting.ARCHIVE", tmp_path / "strokes.npz")
    read_samples.cache_clear()
    try:
        found = read_samples("training")
    finally:
        read_samples.cache_clear()
    assert len(found) == len(samples)
    for one, same in zip(found, samples, strict=True):
        assert (one.kind, one.corpus, one.writer, one.label) == (
            same.kind,
            same.corpus,
            same.writer,
            same.label,
        )
        assert one.characters == same.characters
        for a, b in zip(one.strokes, same.strokes, strict=True):
            np.testing.assert_array_equal(a, b)


def test_points_that_lie_on_a_line_are_left_out_and_sizes_are_relative():
    line = np.stack([np.linspace(5, 25, 50), np.linspace(10, 50, 50)], 1)
    (alone,) = quantised([line], alone=True)
    np.testing.assert_allclose(alone, [[0, 0], [0.5, 1]], atol=1 / UNITS)
    (wide,) = quantised([line[:, ::-1]], alone=False)
    np.testing.assert_allclose(wide, [[0, 0], [2, 1]], atol=1 / UNITS)


# --- which strokes are which characters


def sees(*digits):
    """A network that is shown pictures of these digits, one stroke each, and of joined strokes."""

    def network(images):
        logits = np.full((len(images), 10), -9.0)
        singles = iter(digits)
        for i in (i for i in range(len(images)) if is_single[i]):
            digit = next(singles)
            if digit is not None:
                logits[i, digit] = 9.0
        return logits

    count = len(digits)
    is_single = [b == a + 1 for a in range(count) for b in range(a + 1, min(count, a + 4) + 1)]
    return network


def bars(*lefts):
    return [np.array([[x, 0.0], [x, 1.0]]) for x in lefts]


DASH = np.array([[0.5, 0.5], [0.9, 0.52]])
SLASH = np.array([[1.0, -0.1], [0.5, 1.1]])


def test_strokes_are_aligned_to_digits_and_separators():
    strokes = bars(0, 1.5)
    strokes.insert(1, DASH)
    assert align("1-7", strokes, sees(1, None, 7)) == (0, 1, 2)
    strokes[1] = SLASH
    assert align("1 / 7", strokes, sees(1, None, 7)) == (0, 2, 4)


def test_strokes_that_do_not_fit_the_label_are_not_aligned():
    assert align("17", bars(0, 1), sees(1, 4)) is None  # another digit
    assert align("117", bars(0, 1), sees(1, 7)) is None  # too few strokes
    assert align("1", bars(*range(6)), sees(1, 1, 1, 1, 1, 1)) is None  # too many
    assert align("1/7", [*bars(0), DASH, *bars(1.5)], sees(1, None, 7)) is None  # a dash
    assert align("17", bars(1, 0), sees(1, 7)) is None  # the wrong way round


# --- pictures


def test_separators_stand_where_they_were_written_among_digits():
    everybody = people("training")
    marks = {name: [np.concatenate(s) for p in everybody for s in p.marks[name]] for name in "-/"}
    assert len(marks["-"]) > 50 and len(marks["/"]) > 30
    assert all(points[:, 0].min() == pytest.approx(0, abs=1e-6) for points in [*marks["-"], *marks["/"]])
    dashes = np.array([points[:, 1].mean() for points in marks["-"]])
    assert 0.3 < np.median(dashes) < 0.7 and (np.abs(dashes - 0.5) < 0.4).mean() > 0.9
    slashes = np.array([np.ptp(points[:, 1]) for points in marks["/"]])
    assert np.median(slashes) > 1  # most are taller than the digits


def test_the_same_generator_draws_the_same_pictures_and_another_does_not():
    (one, labels), (same, same_labels), (other, _) = (
        draw_digits(30, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(labels, same_labels)
    assert (one != other).any()
    np.testing.assert_array_equal(*(draw_non_digits(30, np.random.default_rng(3)) for _ in range(2)))
    assert draw_digits(0, np.random.default_rng(0))[0].shape == (0, 28, 28)
    with pytest.raises(ValueError, match="count must be a whole number"):
        draw_non_digits(-1, np.random.default_rng(0))


def test_real_digits_look_like_their_labels_and_all_ten_are_drawn():
    images, labels = draw_digits(400, np.random.default_rng(0), "validation")
    logits = logits_of(load_model(DEFAULT_WEIGHTS).model, images)
    assert (logits.argmax(1) == labels).mean() > 0.95
    assert np.bincount(labels).min() > 20


def test_training_pictures_come_from_training_writers_alone(monkeypatch):
    asked = []

    def recorded(split):
        asked.append(split)
        return read_samples(split)

    monkeypatch.setattr("training.handwriting.people.read_samples", recorded)
    people.cache_clear()
    try:
        draw_digits(3, np.random.default_rng(0))
        draw_non_digits(3, np.random.default_rng(0))
    finally:
        people.cache_clear()
    assert asked == ["training"]
    assert not {person.writer for person in people("training")} & validation_writers()


def test_what_could_be_a_digit_is_not_drawn_as_a_letter(monkeypatch):
    drawn = []

    def recorded(strokes, rng):
        drawn.append(len(strokes[0]))
        return strokes

    def sample(kind, label, points):
        path = np.stack([np.arange(points), np.arange(points) % 2], 1) / np.float32(points - 1)
        return Sample(kind, "unipen", 1, label, (path,), (0,))

    samples = [sample("letter", name, 2) for name in [*sorted(DIGITLIKE), ".", ","]]
    samples += [sample("letter", "M", 5), sample("word", "mm", 9)]
    monkeypatch.setattr("training.handwriting.people.read_samples", lambda split: samples)
    monkeypatch.setattr("training.handwriting.pictures.rewritten", recorded)
    people.cache_clear()
    try:
        draw_non_digits(40, np.random.default_rng(0))
    finally:
        people.cache_clear()
    assert set(drawn) == {5, 9}

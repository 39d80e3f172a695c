"""Photos of digits: found, cut, ordered and read, on whatever paper and in whatever light."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.components import find_components, remove_border_noise, thin_strokes
from recognition.cuts import find_cuts
from recognition.limits import WorkBudget
from recognition.lines import find_lines, typical_height
from recognition.numerals import DRAWING_WEIGHTS, evidence_of_number
from recognition.photo import (
    dark_on_light,
    even_light,
    faint_strokes,
    ink_of_photo,
    remove_lines,
    stroke_width,
    threshold,
)
from recognition.segment import Candidate, Word, classify_groups, segment
from recognition.sheet import without_desk
from tests.strokes import STROKES

HEIGHT = 60  # of a written digit, pixels


def write(sheet, text, x, y, height=HEIGHT, pen=6, gap=0.35):
    """Writes digits with a black pen on a uint8 sheet, from (x, y), the top left corner of the first."""
    for character in text:
        for stroke in STROKES[int(character)]:
            line = np.rint((np.array(stroke) * height + (x, y)) * 8).astype(np.int32)
            cv2.polylines(sheet, [line], character == "0", 0, pen, cv2.LINE_AA, shift=3)
        x += round((0.6 + gap) * height)
    return sheet


def paper(height=160, width=460):
    return np.full((height, width), 255, np.uint8)


def photo(sheet, paper_level=200, ink_level=60, noise=3, seed=0):
    """A sheet, 255 paper and 0 ink, as a camera sees it: (H, W, 3) uint8."""
    levels = ink_level + (paper_level - ink_level) * (sheet / 255)
    levels = levels + np.random.default_rng(seed).normal(0, noise, levels.shape)
    return np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def number():
    return write(paper(), "30417", 30, 50)


# --- what a photo may look like


def test_a_line_of_digits_is_read_from_left_to_right_with_boxes_around_each(reader, number):
    reading = reader.read_photo(photo(number))
    assert reading.text == "30417"
    assert reading.message == ""
    left = [found.box[0] for found in reading.digits]
    assert left == sorted(left)
    for found in reading.digits:
        x, y, width, height = found.box
        assert (y, height) == (pytest.approx(50, abs=6), pytest.approx(HEIGHT, abs=10))
        inside = number[y : y + height, x : x + width]
        assert inside.min() == 0
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.min() < 200, "the box is wider or higher than its ink"


def test_lines_are_read_from_the_top_down(reader):
    sheet = write(write(paper(320), "304", 30, 40), "17", 60, 180)
    reading = reader.read_photo(photo(sheet))
    assert reading.text == "304\n17"
    assert [found.line for found in reading.digits] == [0, 0, 0, 1, 1]
    assert [found["line"] for found in json.loads(json.dumps(reading.to_json()))["digits"]] == [0, 0, 0, 1, 1]


def test_light_and_shadow_do_not_change_the_answer(reader, number):
    height, width = number.shape
    slope = np.linspace(0.35, 1.0, width)[None]
    shadow = np.where(np.arange(width) > 200, 0.55, 1.0)[None]
    for light in (slope, shadow):
        picture = photo(number).astype(np.float32) * np.broadcast_to(light, (height, width))[..., None]
        assert reader.read_photo(picture.astype(np.uint8)).text == "30417"


@pytest.mark.parametrize(
    ("paper_colour", "ink_colour"),
    [
        ((235, 230, 110), (30, 60, 130)),  # blue on a yellow note
        ((240, 240, 240), (200, 60, 60)),  # red
        ((225, 220, 215), (165, 160, 158)),  # pencil
        ((40, 60, 45), (215, 220, 215)),  # chalk
        ((0, 0, 0), (40, 40, 40)),  # faint white on black
        ((120, 160, 120), (160, 120, 120)),  # of the same brightness as the paper
    ],
)
def test_any_ink_on_any_paper_is_read(reader, number, paper_colour, ink_colour):
    colours = np.array(ink_colour) + number[..., None] / 255 * (np.array(paper_colour) - ink_colour)
    assert reader.read_photo(np.rint(colours).astype(np.uint8)).text == "30417"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_colour_and_transparent_pictures_are_read_alike(reader, number, channels):
    if channels == 1:
        picture = number
    elif channels == 3:
        picture = np.repeat(number[..., None], 3, -1)
    else:
        picture = np.zeros((*number.shape, 4), np.uint8)
        picture[..., 3] = 255 - number
    assert reader.read_photo(picture).text == "30417"


def test_a_white_pen_on_transparent_paper_is_read(reader, number):
    picture = np.full((*number.shape, 4), 255, np.uint8)
    picture[..., 3] = 255 - number
    assert reader.read_photo(picture).text == "30417"


@pytest.mark.parametrize("factor", [0.4, 1.0, 5.0])
def test_size_does_not_change_the_answer_and_boxes_are_in_the_pictures_own_pixels(reader, number, factor):
    size = (round(number.shape[1] * factor), round(number.shape[0] * factor))
    reading = reader.read_photo(photo(cv2.resize(number, size, interpolation=cv2.INTER_AREA), noise=1))
    assert reading.text == "30417"
    _, y, _, height = reading.digits[0].box
    assert (y, height) == (pytest.approx(50 * factor, abs=6), pytest.approx(60 * factor, rel=0.2))


@pytest.mark.parametrize("size", [28, 96])
def test_a_picture_that_one_digit_fills_is_read(reader, size):
    sheet = write(paper(100, 100), "3", 5, 5, height=90, pen=12)
    small = cv2.resize(sheet, (size, size), interpolation=cv2.INTER_AREA)
    for picture in (photo(small, noise=0), 255 - photo(small, noise=0)):
        reading = reader.read_photo(picture)
        assert reading.text == "3"
        assert len(reading.digits) == 1


def test_a_tilted_line_is_one_line(reader, number):
    tilt = cv2.getRotationMatrix2D((230, 80), 6, 1.0)
    turned = cv2.warpAffine(number, tilt, (460, 160), borderValue=255)
    assert reader.read_photo(photo(turned)).text == "30417"


# --- sheets of paper on something else


def on_desk(sheet, corners, size=(900, 700), desk=(96, 70, 50), paper_colour=(247, 222, 96)):
    """A uint8 sheet (255 paper, 0 ink) on a desk, its corners at these pixels: (H, W, 3) uint8."""
    height, width = sheet.shape
    view = cv2.getPerspectiveTransform(
        np.float32([[0, 0], [width, 0], [width, height], [0, height]]), np.float32(corners)
    )
    cover = cv2.warpPerspective(np.ones(sheet.shape, np.float32), view, size)[..., None]
    seen = cv2.warpPerspective(sheet, view, size, borderValue=255)[..., None] / 255
    ink_colour = np.array((30, 30, 40))
    picture = (1 - cover) * np.array(desk) + cover * (
        ink_colour + seen * (np.array(paper_colour) - ink_colour)
    )
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    return np.rint(picture.clip(0, 255)).astype(np.uint8)


ASKEW = [(150, 90), (790, 140), (750, 560), (110, 500)]


@pytest.mark.parametrize("desk", [(96, 70, 50), (40, 40, 44), (60, 84, 128)])
@pytest.mark.parametrize("paper_colour", [(247, 222, 96), (242, 240, 236)])
def test_a_note_on_a_desk_is_read_with_boxes_in_the_photo(reader, number, desk, paper_colour):
    picture = on_desk(cv2.copyMakeBorder(number, 70, 70, 0, 0, cv2.BORDER_CONSTANT, value=255), ASKEW,
                      desk=desk, paper_colour=paper_colour)  # fmt: skip
    reading = reader.read_photo(picture)
    assert reading.text == "30417"
    assert reading.stages[0].picture.shape < picture.shape[:2], "the desk is cropped away"
    for found in reading.digits:
        x, y, width, height = found.box
        inside = cv2.cvtColor(picture[y : y + height, x : x + width], cv2.COLOR_RGB2GRAY)
        assert inside.min() < 60 < 150 < np.median(picture[y - 6, x : x + width, 0]), (
            "the box is not around ink"
        )


@pytest.mark.parametrize("desk", [(96, 70, 50), (110, 110, 112)])  # less colourful than the note, and grey
def test_a_photo_that_is_light_beside_the_sheet_too_stays_whole(number, desk):
    sheet = cv2.copyMakeBorder(number, 70, 70, 0, 0, cv2.BORDER_CONSTANT, value=255)
    picture = on_desk(sheet, ASKEW, desk=desk)
    assert without_desk(picture)[0].size < picture.size
    for x, y, wide, high in ((0, 0, 400, 400), (0, 600, 900, 100)):  # a window, a sheet that the edge cuts
        more = picture.copy()
        cv2.rectangle(more, (x, y), (x + wide, y + high), (250, 250, 250), -1)
        alone, corner = without_desk(more)
        assert alone is more
        assert corner == (0, 0)


def test_light_shapes_without_writing_are_no_sheets():
    for shape in ([(200, 60), (700, 60), (700, 600), (200, 600)], ASKEW):
        blank = np.zeros((700, 900), np.uint8)
        cv2.fillPoly(blank, [np.array(shape)], 230)
        assert without_desk(blank)[0] is blank
    ring = np.zeros((700, 900), np.uint8)
    cv2.circle(ring, (450, 350), 250, 230, 120)  # a thick 0
    assert without_desk(ring)[0] is ring


# --- what does not belong to the digits


@pytest.mark.parametrize("tilt", [0, 2])
def test_ruled_lines_are_removed_and_the_digits_on_them_stay(reader, number, tilt):
    for y in (20, 80, 140):
        cv2.line(number, (0, y), (460, y + round(460 * np.tan(np.radians(tilt)))), 50, 2, cv2.LINE_AA)
    assert reader.read_photo(photo(number)).text == "30417"


def test_squared_paper_is_removed(reader, number):
    for at in range(10, 460, 50):
        cv2.line(number, (at, 0), (at, 159), 80, 1)
        cv2.line(number, (0, at), (459, at), 80, 1)
    assert reader.read_photo(photo(number)).text == "30417"


def test_a_frame_at_the_edge_and_cut_off_neighbours_are_left_out(reader):
    sheet = write(paper(100, 90), "3", 25, 20)
    cv2.rectangle(sheet, (0, 0), (89, 99), 30, 5)
    assert reader.read_photo(photo(sheet)).text == "3"
    scraps = write(paper(100, 90), "3", 25, 20)
    cv2.circle(scraps, (0, 50), 18, 0, 6)
    cv2.line(scraps, (89, 70), (80, 99), 0, 6)
    assert reader.read_photo(photo(scraps)).text == "3"


def test_a_small_ring_between_high_digits_is_a_zero_and_no_full_stop(reader):
    sheet = write(paper(200, 400), "7", 30, 40, height=100)
    write(sheet, "37", 170, 40, height=100)
    cv2.circle(sheet, (130, 110), 8, 0, 5, cv2.LINE_AA)
    assert reader.read_photo(photo(sheet)).text == "7037"


def test_specks_dots_and_dashes_are_not_read(reader, number):
    rng = np.random.default_rng(1)
    for x, y in rng.uniform((5, 5), (455, 40), (40, 2)).astype(int):
        number[y, x] = 0
    cv2.circle(number, (77, 110), 4, 0, -1)  # a full stop after the 3
    cv2.line(number, (335, 85), (360, 85), 0, 6)  # a dash behind the number
    assert reader.read_photo(photo(number)).text == "30417"


def test_without_ink_there_is_nothing_to_read_and_it_is_said(reader):
    blank = photo(paper(), noise=0)
    for picture in (blank, np.zeros_like(blank), blank[:1, :1], blank[:1], blank[:, :1]):
        reading = reader.read_photo(picture)
        assert (reading.text, reading.digits) == ("", ())
        assert reading.message == "Nothing is drawn: the picture is all one colour."


def test_of_paper_with_nothing_but_lines_on_it_it_is_not_said_that_it_is_all_one_colour(reader):
    ruled = paper()
    for y in range(30, len(ruled), 40):
        cv2.line(ruled, (0, y), (ruled.shape[1], y), 120, 2)
    reading = reader.read_photo(photo(ruled))
    assert reading.text == ""
    assert reading.message.startswith("No digits were found in this picture.")


def test_noise_is_no_digit(reader):
    for seed in range(3):
        reading = reader.read_photo(photo(paper(300, 400), noise=12, seed=seed))
        assert not any(character.isdigit() for character in reading.text)
        assert reading.message


def test_a_page_of_text_holds_no_digits(reader):
    page = np.full((700, 900), 255, np.uint8)
    for row, words in enumerate(["Sehr geehrte Damen", "und Herren, wenn ein", "Reisender bei Nacht"] * 3):
        cv2.putText(page, words, (30, 70 + 70 * row), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.8, 0, 3, cv2.LINE_AA)
    reading = reader.read_photo(page)
    assert reading.digits == ()
    assert reading.message == "No digits were found in this picture. Is it the right way up?"


def test_a_doodle_is_refused_as_a_whole_and_keeps_its_bars(reader):
    page = np.full((300, 300), 255, np.uint8)
    cv2.circle(page, (150, 170), 90, 0, 8, cv2.LINE_AA)
    for ear in ([(80, 110), (90, 30), (140, 85)], [(160, 85), (215, 30), (222, 115)]):
        cv2.polylines(page, [np.array(ear)], False, 0, 8, cv2.LINE_AA)
    for x in (115, 185):
        cv2.circle(page, (x, 150), 10, 0, -1)
    reading = reader.read_photo(page)
    assert reading.text == "?"
    assert reading.digits[0].probs.sum() == pytest.approx(1, rel=1e-5)
    assert "does not look like a digit" in reading.message


def test_what_looks_like_a_digit_in_a_picture_of_something_else_is_none(reader):
    picture = write(paper(200, 200), "7", 80, 70)
    for x in range(12, 200, 44):  # leaves, say, that the picture's edge cuts off
        cv2.ellipse(picture, (x, 0), (12, 30), 0, 0, 360, 0, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x + 7, 199), (12, 28), 0, 0, 360, 0, -1, cv2.LINE_AA)
    reading = reader.read_photo(photo(picture))
    assert reading.text == "?"
    assert "does not look like a digit" in reading.message
    few = picture.copy()
    few[:60], few[:, 60:][140:] = 255, 255  # one leaf stays
    assert reader.read_photo(photo(few)).text == "7"


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((28, 28)), TypeError),
        ("photo.jpg", TypeError),
        (np.zeros((0, 0), np.uint8), ValueError),
        (np.zeros((5, 5, 2), np.uint8), ValueError),
    ],
)
def test_what_is_no_picture_is_refused(reader, image, error):
    with pytest.raises(error, match="a photo must"):
        reader.read_photo(image)


# --- digits that touch, digits that are broken


def test_touching_digits_are_cut(reader):
    sheet = write(paper(160, 300), "33", 40, 50, gap=-0.06)
    assert cv2.connectedComponents((sheet < 128).view(np.uint8))[0] == 2, "they must touch"
    assert reader.read_photo(photo(write(sheet, "74", 180, 50, gap=0.3))).text == "3374"


def test_what_a_thick_pen_made_touch_comes_apart_and_a_thin_pen_stays():
    sheet = write(paper(160, 300), "04", 40, 40, height=80, pen=30, gap=0.44)
    cv2.line(sheet, (105, 80), (140, 80), 0, 8)
    ink = (255 - sheet) / np.float32(255)
    assert len(find_components(ink, 30).ids) == 1
    thin = thin_strokes(ink, 30)
    assert len(find_components(thin, 12).ids) >= 2
    assert (thin <= ink).all()
    assert stroke_width(thin >= 0.5) < stroke_width(ink >= 0.5) - 8
    ink = (255 - write(paper(160, 300), "04", 40, 40, height=80, pen=9)) / np.float32(255)
    assert thin_strokes(ink, 9) is ink
    blank = np.zeros((20, 20), np.float32)
    assert thin_strokes(blank, 9) is blank


def test_the_strokes_of_a_broken_digit_are_joined(reader, number):
    cv2.line(number, (100, 40), (100, 120), 255, 3)  # through the 0
    cv2.line(number, (30, 100), (80, 92), 255, 3)  # through the foot of the 3
    assert reader.read_photo(photo(number)).text == "30417"


@pytest.mark.parametrize("clutter", [0, 60])
def test_a_stroke_that_fades_is_followed_on_clean_paper_alone(clutter):
    share = np.zeros((100, 100), np.float32)
    cv2.line(share, (30, 50), (70, 50), 0.2, 6)  # a quick turn
    cv2.line(share, (30, 10), (30, 90), 1.0, 6)
    cv2.line(share, (70, 10), (70, 90), 1.0, 6)
    share[90:, :clutter] = 0.2  # a shadow, or print
    found = threshold(share)
    assert found[50, 30]
    assert not found[50, 50]
    faint = faint_strokes(share, found, 6.0)
    assert faint[50, 50] == (not clutter)
    assert not faint[20:40].any(), "where strokes do not fade their edges are none"


def test_a_digit_of_which_a_part_is_faint_is_read_as_one(reader):
    sheet = paper(160, 160)
    for ends, grey in (
        (((60, 30), (50, 90)), 60),
        (((50, 90), (105, 88)), 205),
        (((92, 50), (88, 135)), 60),
    ):
        cv2.line(sheet, *ends, grey, 6, cv2.LINE_AA)
    assert reader.read_photo(photo(sheet, noise=0)).text == "4"


def test_cuts_go_through_little_ink_and_parts_keep_all_of_it():
    ink = np.zeros((60, 130), np.float32)
    for x in (30, 95):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
    cv2.line(ink, (30, 52), (95, 52), 1.0, 5)  # as a pen joins two zeros
    components = find_components(ink, 5)
    assert components.ids.tolist() == [1]
    solid = int(components.areas[1])
    cuts = find_cuts(components, 1, 5, 60)
    assert any(55 <= cut[20] + components.boxes[1, 0] <= 70 for cut in cuts)
    parts = components.split(1, cuts)
    assert len(parts) == len(cuts) + 1
    assert components.areas[parts].sum() == solid
    left = [components.box_of([part])[0] for part in parts]
    assert left == sorted(left)


def test_touching_rings_are_cut_between_them_and_not_through_them():
    ink, holes = np.zeros((60, 130), np.float32), np.zeros((60, 130), np.uint8)
    for x in (30, 74):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
        cv2.circle(holes, (x, 30), 14, 1, -1)
    components = find_components(ink, 5)
    assert components.ids.tolist() == [1]
    left, top, _, height = components.boxes[1]
    cuts = [np.rint(cut + left).astype(int) for cut in find_cuts(components, 1, 5, 60)]
    assert any(cut.min() >= 44 and cut.max() <= 60 for cut in cuts)
    assert not any(holes[top + height // 2, cut[height // 2]] for cut in cuts)


def test_two_doubtful_digits_are_more_likely_than_one_that_is_none_at_all():
    ink = np.zeros((60, 130), np.float32)
    for x in (30, 74):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
    components = find_components(ink, 5)

    def judge(images):
        """A 0 of log odds -4 where there is one ring, -20 where there are both: wide, and so not high."""
        odds = [-20.0 if np.count_nonzero(image.any(1)) < 15 else -4.0 for image in images]
        return 100 * np.eye(10)[0] - 100 + np.array(odds)[:, None]

    alone = classify_groups(components, [(1,)], judge)
    ((word,),) = segment(components, [[1]], alone, 5, 49, WorkBudget(1000), judge)
    assert len(word.candidates) == 2


@pytest.mark.parametrize(("reach", "is_cut"), [(25, False), (66, True)])
def test_a_tail_is_cut_off_where_it_has_the_ink_of_a_digit(reach, is_cut):
    ink = np.zeros((70, 140), np.float32)
    cv2.circle(ink, (35, 35), 25, 1.0, 5)
    cv2.line(ink, (60, 35), (60 + reach, 35), 1.0, 5)
    components = find_components(ink, 5)
    cuts = find_cuts(components, 1, 5, 55)
    assert any(components.boxes[1, 0] + cut.min() > 64 for cut in cuts) == is_cut


# --- a number, or something else


HIGH = 40  # pixels, of the candidates below


def word(odds=(6.0, 6.0, 6.0), digit=3, cut=(), heights=(HIGH,) * 3, feet=(0, 0, 0)):
    """Three candidates side by side, each the digit with these log odds, standing on these feet."""
    logits = np.full((3, 10), -20.0)
    logits[:, digit] = odds
    candidates = tuple(
        Candidate((1 + i,), (30 * i, HIGH + feet[i] - heights[i], 24, heights[i]), None, logits[i])
        for i in range(3)
    )
    return Word(candidates, tuple(i in cut for i in range(3)), (1, 2, 3))


def number_odds(*lines, areas=(0, 100, 100, 100, 0)):
    return evidence_of_number(lines, np.array(areas), HIGH).log_odds(DRAWING_WEIGHTS)


def test_everything_odd_about_a_row_speaks_against_a_number():
    plain = number_odds([word()])
    assert plain > 2
    for odd in (
        word(odds=(6, 6, 2)),
        word(cut=(1, 2)),  # all was one piece
        word(heights=(HIGH, 22, HIGH)),
        word(feet=(0, -12, 0)),
    ):
        assert number_odds([odd]) < plain - 0.3
    assert number_odds([word()], areas=(0, 60, 60, 60, 0)) == plain, "only shares count"
    aside = Word(word().candidates, (False,) * 3, (1, 2, 3, 4))
    assert number_odds([aside], areas=(0, 100, 100, 100, 100)) < plain - 1
    assert number_odds([word(odds=(-9, -9, -9))]) < 0


def test_a_one_that_was_cut_from_something_is_believed_less_than_another_digit():
    assert number_odds([word(digit=1)]) == pytest.approx(number_odds([word(digit=3)]))
    assert number_odds([word(digit=1, cut=(1,))]) < number_odds([word(digit=3, cut=(1,))]) - 1


def test_a_tilted_row_stands_on_one_line_and_rows_on_their_own():
    assert number_odds([word(feet=(0, 6, 12))]) > number_odds([word(feet=(0, 12, 0))]) + 0.2
    below = [
        replace(found, box=(found.box[0], found.box[1] + 90, *found.box[2:])) for found in word().candidates
    ]
    two = number_odds([word()], [Word(tuple(below), (False,) * 3, (1, 2, 3))])
    assert two > number_odds([word(feet=(0, 40, 0))])


def test_digits_below_each_other_are_believed_less_than_beside_each_other():
    first, *others = word().candidates
    column = [
        [Word((replace(found, box=(0, 60 * row, 24, HIGH)),), (False,), found.component_ids)]
        for row, found in enumerate((first, *others))
    ]
    assert number_odds(*column) < number_odds([word()]) - 2
    assert number_odds([word()], [Word((), (), (4,))]) < number_odds([word()]) + 1e-9


def test_width_is_told_up_to_a_limit_and_where_all_was_one_piece():
    def told(*boxes, cut=(1,)):
        row = [replace(found, box=box) for found, box in zip(word(cut=cut).candidates, boxes, strict=True)]
        lines = [[Word(tuple(row), word(cut=cut).is_cut, (1, 2, 3))]]
        return evidence_of_number(lines, np.array((0, 100, 100, 100, 0)), HIGH)

    narrow = told((0, 0, 24, HIGH), (30, 0, 24, HIGH), (60, 0, 24, HIGH))
    assert narrow.aspect == pytest.approx(84 / HIGH)
    assert told((0, 0, 24, HIGH), (300, 0, 24, HIGH), (600, 0, 24, HIGH)).aspect == 4
    assert narrow.one_component == 0
    assert told((0, 0, 24, HIGH), (30, 0, 24, HIGH), (60, 0, 24, HIGH), cut=(1, 2)).one_component == 1


# --- stages


def test_the_stages_are_pictures_of_bounded_size_in_the_order_they_were_made(reader, number):
    large = cv2.resize(number, None, fx=9, fy=9, interpolation=cv2.INTER_AREA)
    stages = reader.read_photo(photo(large, noise=0)).stages
    assert [stage.name for stage in stages] == ["Grey", "Light evened", "Ink", "Lines removed", "Pieces"]
    for stage in stages:
        assert stage.picture.dtype == np.uint8
        assert max(stage.picture.shape) <= 1600
        assert stage.picture.ndim == (3 if stage.name == "Pieces" else 2)
    assert "stages" not in reader.read_photo(photo(number)).to_json()


def test_a_drawing_has_no_stages(reader):
    assert reader.read_drawing(np.full((20, 20), 255, np.uint8)).stages == ()


def test_evened_light_leaves_paper_at_zero_and_ink_where_it_was(number):
    light = np.linspace(80, 250, number.shape[1])[None]
    contrast, noise, stroke = even_light(np.uint8(light * (0.3 + 0.7 / 255 * number)))
    assert np.median(contrast[number == 255]) < 0.02
    assert contrast[number == 0].mean() == pytest.approx(0.7, abs=0.06)
    assert noise < 0.01
    assert stroke == pytest.approx(7, abs=1)


def test_dark_on_light_turns_chalk_and_leaves_ink(number):
    dark = np.uint8(40 + 180 / 255 * number)
    np.testing.assert_array_equal(dark_on_light(dark), dark)
    np.testing.assert_array_equal(dark_on_light(255 - dark), dark)


def test_grey_levels_inside_strokes_and_at_their_edges_are_kept(number):
    ink = ink_of_photo(photo(number, noise=0)).ink
    assert len(np.unique(np.round(ink[ink > 0], 2))) > 10
    assert ink.max() == 1


@pytest.mark.parametrize("width", [3, 6, 12])
def test_the_width_of_strokes_is_measured(width):
    mask = np.zeros((100, 200), bool)
    mask[40 : 40 + width, 20:180] = True
    assert stroke_width(mask) == pytest.approx(width, abs=1)


def test_only_long_lines_are_removed_and_crossing_strokes_stay_whole():
    mask = np.zeros((200, 400), bool)
    mask[100:103] = True
    digit = np.zeros_like(mask)
    digit[60:150, 50:56] = digit[60:66, 50:110] = True  # a stroke across the line, a bar above it
    without = remove_lines(mask | digit, 5)
    assert (without & digit).sum() == digit.sum()
    assert (without & ~digit).sum() < 0.03 * mask.sum()


# --- lines of writing


def test_typical_height_is_that_of_the_digits_not_of_the_specks():
    boxes = np.array([[0, 0, 3, 3]] * 50 + [[0, 0, 20, 40]] * 5)
    assert typical_height(boxes, np.array([6] * 50 + [200] * 5)) == 40


def test_lines_take_their_bars_and_dots_with_them():
    boxes = np.array([[0, 0, 20, 40], [60, 5, 20, 40], [28, 34, 6, 6], [0, 100, 20, 40], [24, 98, 20, 5]])
    assert find_lines(boxes, 40) == [[0, 2, 1], [3, 4]]


def test_columns_far_apart_are_read_row_by_row():
    boxes = np.array([[x, y, 20, 40] for y in (0, 80) for x in (0, 500)])
    assert find_lines(boxes, 40) == [[0, 1], [2, 3]]


def test_a_skewed_page_keeps_its_lines_apart():
    boxes = np.array([[x, y + x // 10, 20, 40] for y in (0, 60) for x in range(0, 800, 40)])
    assert [len(line) for line in find_lines(boxes, 40)] == [20, 20]


# --- limits


def test_twelve_megapixels_are_read(reader, number):
    sheet = paper(3000, 4000)
    sheet[1000 : 1000 + 4 * 160, 800 : 800 + 4 * 460] = cv2.resize(number, None, fx=4, fy=4)
    assert reader.read_photo(np.uint8(60 + 0.5 * sheet)).text == "30417"


def test_a_picture_full_of_pieces_ends(reader):
    rng = np.random.default_rng(0)
    coarse = cv2.resize(rng.integers(0, 255, (200, 300)).astype(np.uint8), (1600, 1200))
    reading = reader.read_photo(coarse)
    assert len(reading.digits) <= 1000


def test_scraps_are_never_all_there_is():
    ink = np.zeros((50, 50), np.float32)
    ink[:4] = 1.0
    components = find_components(ink, 4)
    assert remove_border_noise(components).tolist() == [1]

"""The Signs tab's server functions, without a browser: what they answer, and what to whoever tampers."""

import base64
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition import normalise
from recognition.one_sign import sign_of_drawing, sign_of_photo
from tests.signs import drawings
from tests.visitor_page import Page
from ui.draw.tab import PNG
from ui.shared.signs_json import NO_SIGNS
from ui.signs.tab import read_live

HEART, STAR = 1, 2


def _sent(picture):
    """A picture (28, 28) as a pad would send it, black on white and larger."""
    large = cv2.resize(255 - picture, (140, 140), interpolation=cv2.INTER_CUBIC)
    return {"image": PNG + base64.b64encode(_png(large)).decode()}


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def drawn_page(page):
    """A visitor who has drawn each of the two first signs five times."""
    images, labels = drawings(5, 1, shapes=["heart", "zig zag"])
    for image, label in zip(images, labels, strict=True):
        answer = page("add_sign_example", _sent(image) | {"sign": (HEART, STAR)[label]})
        assert "error" not in answer
    return page


def _session(house):
    return house.manager.find("one")


def test_whoever_only_looks_sees_two_signs_to_begin_with_and_has_no_session(house, page):
    shown = page("watch")["mine"]["signs"]
    assert shown == NO_SIGNS
    assert [sign["name"] for sign in shown["signs"]] == ["heart", "star"]
    assert not shown["is_begun"]
    assert _session(house) is None


def test_signs_are_drawn_learned_and_read_live_by_their_names(house, drawn_page):
    page = drawn_page
    page("rename_sign", {"sign": STAR, "name": "⚡"})
    page("learn_signs")
    shown = page.wait_for("idle")[-1]["mine"]["signs"]
    assert shown["learned"]["names"] == ["heart", "⚡"]
    assert shown["learned"]["is_current"]
    ids = [one for sign in shown["signs"] for one in sign["examples"]]
    assert [example[0] for example in shown["learned"]["examples"]] == ids
    images, _ = drawings(1, 7, shapes=["heart", "zig zag"])
    for image, name in zip(images, ("heart", "⚡"), strict=True):
        answer = read_live(_session(house), _sent(image))
        assert answer["names"] == ["heart", "⚡"]
        assert len(answer["shares"]) == 3 and sum(answer["shares"]) == pytest.approx(1, abs=0.001)
        assert answer["names"][int(np.argmax(answer["shares"]))] == name
        assert len(base64.b64decode(answer["picture"])) == 784
    assert read_live(_session(house), _sent(images[0] * 0)) == {"empty": True}
    page("remove_sign", {"sign": STAR})
    assert not page("watch")["mine"]["signs"]["learned"]["is_current"]
    assert page("forget")["mine"]["signs"] == NO_SIGNS


def test_a_page_asks_for_the_pictures_that_it_lacks(house, drawn_page):
    [heart, _] = drawn_page("watch")["mine"]["signs"]["signs"]
    first = heart["examples"][0]
    asked = [first, first, 999, -1, "7", None, [], True]
    [[found, picture]] = drawn_page("sign_pictures", {"examples": asked})["pictures"]
    assert found == first
    image = np.frombuffer(base64.b64decode(picture), np.uint8).reshape(28, 28)
    assert np.array_equal(image, _session(house).signs.examples[0].image)
    assert drawn_page("sign_pictures", {"examples": "all"}) == {"pictures": []}
    assert drawn_page("sign_pictures") == {"pictures": []}


def test_a_saved_file_is_loaded_by_another_visitor(house, drawn_page, send):
    drawn_page("learn_signs")
    drawn_page.wait_for("idle")
    content = base64.b64decode(drawn_page("save_signs")["file"])
    other = Page(house, "two")
    shown = other("load_signs", send(content))["mine"]["signs"]
    assert shown["learned"]["is_current"] and len(shown["signs"]) == 2
    assert other("load_signs", send(b"words"))["error"].startswith("The file is damaged")
    assert other("load_signs", {"path": "/etc/passwd"})["error"].startswith("Please send a file")
    assert other("watch")["mine"]["signs"]["learned"]["is_current"]


def test_pictures_are_uploaded_as_examples(house, page, send):
    photo = np.full((400, 300), 235, np.uint8)
    cv2.polylines(
        photo,
        [np.array([[150, 320], [60, 190], [110, 110], [150, 160], [200, 110], [240, 190]])],
        True,
        40,
        12,
    )
    answer = page("add_sign_picture", send(_png(photo), "heart.png") | {"sign": HEART})
    [heart, _] = answer["mine"]["signs"]["signs"]
    assert len(heart["examples"]) == 1
    [example] = _session(house).signs.examples
    expected = sign_of_drawing(photo)
    assert np.abs(example.image.astype(int) - expected).mean() < 25  # as if it had been drawn
    for content, name, message in [
        (b"words", "words.png", "not a picture"),
        (b"", "empty.png", "empty"),
        (_png(np.full((300, 300), 255, np.uint8)), "white.png", "Nothing can be seen"),
    ]:
        assert message in page("add_sign_picture", send(content, name) | {"sign": HEART})["error"]
    assert "no such sign" in page("add_sign_picture", send(_png(photo), "heart.png") | {"sign": 99})["error"]
    assert len(_session(house).signs.examples) == 1


def test_a_picture_that_was_normalised_is_taken_as_it_is_and_clip_art_as_a_drawing():
    [image] = drawings(1, 3, shapes=["heart"])[0]
    assert sign_of_photo(image) is image
    assert sign_of_photo(image * np.uint8(0)) is None
    clip_art = np.zeros((90, 90, 4), np.uint8)
    cv2.circle(clip_art, (45, 45), 30, (220, 30, 60, 255), 9)
    ring = np.zeros((90, 90), np.float32)
    cv2.circle(ring, (45, 45), 30, 1.0, 9)
    assert np.abs(sign_of_photo(clip_art).astype(int) - normalise(ring)).mean() < 25


@pytest.mark.parametrize(
    ("name", "payload", "message"),
    [
        ("add_sign", None, "must be a text that is not empty"),
        ("add_sign", {"name": "x" * 10_240}, "10,240 characters"),
        ("add_sign", {"name": "<script>alert(1)</script>"}, "must not contain any of"),
        ("add_sign", {"name": ["a"]}, "must be a text"),
        ("rename_sign", {"sign": "1", "name": "a"}, "by a number"),
        ("rename_sign", {"sign": True, "name": "a"}, "by a number"),
        ("rename_sign", {"sign": 7, "name": "a"}, "no such sign"),
        ("remove_sign", [], "by a number"),
        ("remove_sign_example", {"example": 1.5}, "by a number"),
        ("add_sign_example", {"sign": 1}, "A drawing is sent as"),
        ("add_sign_example", {"sign": 1, "image": PNG + "A" * 50_000}, "may have 40,000 characters"),
        ("add_sign_picture", {"sign": 1}, "Please send a file"),
        ("undo_signs", None, "nothing to undo"),
        ("learn_signs", None, "Draw heart 5 times or more"),
        ("save_signs", None, "Learn your signs first"),
    ],
)
def test_everything_else_is_answered_in_words_and_changes_nothing(page, name, payload, message):
    assert message in page(name, payload)["error"]
    assert page("watch")["mine"]["signs"]["signs"] == NO_SIGNS["signs"]


@pytest.mark.parametrize("drawing", [None, {}, {"image": 7}, {"image": PNG + "AAAA"}])
def test_a_drawing_that_is_none_is_answered_in_words(drawing):
    assert list(read_live(None, drawing)) == ["error"]


def test_signs_that_were_not_learned_cannot_be_read(house, drawn_page):
    image = _sent(drawings(1, 1)[0][0])
    for session in (None, _session(house)):
        assert read_live(session, image) == {"error": "Your signs are not learned yet."}


def test_another_tab_of_the_visitor_hears_of_a_new_example(page, drawn_page):
    known = page("watch")["version"]
    page("add_sign", {"name": "rune"})
    shown = page("watch", known)
    assert [sign["name"] for sign in shown["mine"]["signs"]["signs"]] == ["heart", "star", "rune"]

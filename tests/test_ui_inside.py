"""The Inside tab's server functions, without a browser: what they answer, and what to whoever tampers."""

import base64
import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from cnn.explain import activations
from jobs.manager import SessionManager
from recognition import Reader, to_input
from recognition.inside import block_ends
from recognition.neighbours import digit_map
from recognition.reader import SHIPPED
from tests.browser.driver import data_url, seven
from tests.drawings import side_by_side
from ui.inside import copies as copies_module
from ui.inside.copies import Copies
from ui.inside.tab import Visit, explain_it, look_at
from ui.shared.visit import Visitor
from ui.shared.visitors import Visitors


@pytest.fixture(scope="module")
def readers():
    return {name: Reader(path) for name, path in SHIPPED.items()}


@pytest.fixture(scope="module")
def visitors(readers):
    with contextlib.closing(SessionManager()) as manager:
        yield Visitors(readers, manager)


def picture():
    image = np.zeros((28, 28), np.uint8)
    image[5, 8:20] = image[5:24, 16] = 255
    return base64.b64encode(image.tobytes()).decode()


def decoded(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)


def visit(visitors, copies=None, page="page"):
    return Visit(visitors, Visitor(page, page), "", copies or Copies())


def look(visitors, copies=None, **payload):
    return look_at(visit(visitors, copies), payload)


def explain(visitors, what, copies=None, **payload):
    asked = {"picture": picture(), "what": what} | payload
    return explain_it(visit(visitors, copies), asked)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_look_is_json_of_at_most_40_kb_with_every_layer_that_cannot_be_derived(visitors, name):
    answer = look(visitors, image=data_url(seven()), network=name)
    assert len(json.dumps(answer)) <= 40_000
    network = explain(visitors, "network", network=name)
    assert [one["position"] for one in answer["maps"]] == [
        position for position, layer in enumerate(network["layers"]) if not layer["derived"]
    ]
    assert answer["shares"]["digit"] == 7
    assert len(base64.b64decode(answer["picture"])) == 28 * 28


def test_the_layers_come_from_the_network_with_their_lines_of_code(visitors):
    network = explain(visitors, "network", network="seed")
    names = [layer["name"] for layer in network["layers"]]
    assert names == ["conv1", "relu1", "pool1", "flatten1", "dense1", "relu2", "dense2"]
    assert network["layers"][2]["shape"] == [14, 14, 32]
    assert not network["has_evidence"]
    source = network["sources"]["relu"]
    assert source["file"] == "cnn/activation.py"
    assert source["forward"].startswith("def forward(self")
    assert "dy" in source["backward"]
    assert network["kernels"]["count"] == 32


def test_a_look_says_how_many_digits_stand_on_the_pad(visitors):
    file = io.BytesIO()
    Image.fromarray(side_by_side(1, 7)).save(file, "PNG")
    assert look(visitors, image=data_url(file.getvalue()))["digits"] == 2


def test_an_empty_pad_is_no_error(visitors):
    file = io.BytesIO()
    Image.new("L", (50, 50), 255).save(file, "PNG")
    assert look(visitors, image=data_url(file.getvalue()))["empty"]


def test_variations_change_the_picture_that_is_looked_at(visitors):
    plain = look(visitors, picture=picture())
    assert plain["picture"] == picture()
    turned = look(visitors, picture=picture(), amounts={"rotation": 40})
    assert turned["picture"] != picture()
    assert turned["shares"] != plain["shares"]


def test_a_cell_is_a_sum_that_adds_up(visitors):
    answer = explain(visitors, "cell", position=2, cell=[5, 6, 3])
    assert [one["position"] for one in answer["history"]] == [2, 1, 0]
    pool, _, conv = answer["history"]
    assert len(pool["shown"]) == 4
    total = sum(term["product"] for term in conv["shown"]) + conv["others"]["sum"] + conv["bias"]
    assert total == pytest.approx(conv["value"])
    assert answer["fields"]["0"] == [10, 16, 12, 18]


def test_why_has_evidence_where_the_network_ends_in_an_average(visitors):
    found = explain(visitors, "why")
    values = np.frombuffer(base64.b64decode(found["evidence"]["values"]), "<f4").reshape(6, 6, 10)
    np.testing.assert_allclose(
        values.sum((0, 1)) + found["evidence"]["bias"], found["evidence"]["logits"], atol=1e-4
    )
    assert found["occlusion"]["shape"] == [13, 13, 10]
    assert explain(visitors, "why", network="seed")["evidence"] is None


def test_curves_hold_eleven_shares(visitors):
    found = explain(visitors, "change", amounts={"slant": 10})["curves"]
    assert len(found) == 8
    for curve in found.values():
        np.testing.assert_allclose(np.sum(curve, axis=1), 1, atol=0.01)
        assert len(curve[0]) == 11


def test_the_smallest_change_flips_the_answer(visitors):
    found = explain(visitors, "flip", label=1)
    assert look(visitors, picture=found["picture"])["shares"]["digit"] == 1
    assert found["pixels"]
    assert explain(visitors, "flip", label=1, picture=found["picture"])["pixels"] == []


def test_a_step_makes_a_copy_that_can_be_looked_at_and_leaves_the_network_alone(visitors):
    copies, before = Copies(), look(visitors, picture=picture())
    tried = explain(visitors, "learn", copies, label=4, learning_rate=0.05)
    assert "copy" not in tried
    step = explain(visitors, "learn", copies, label=4, learning_rate=0.05, keep=True)
    assert step["loss_after"] < step["loss"]
    after = look(visitors, copies, picture=picture(), copy=step["copy"])
    assert after["shares"]["probs"][4] > before["shares"]["probs"][4]
    assert explain(visitors, "network", copies, copy=step["copy"])["name"] == "digit_net"
    assert look(visitors, picture=picture()) == before
    with pytest.raises(ValueError, match="not kept"):
        look_at(visit(visitors, copies, "another"), {"picture": picture(), "copy": step["copy"]})


def test_copies_are_bounded_in_number_and_bytes(visitors):
    model = visitors.readers["digits"].model
    copies = Copies(most_bytes=3 * model.parameters.nbytes, most_of_session=2)
    tokens = [copies.add("a", model) for _ in range(3)]
    with pytest.raises(ValueError, match=copies_module.GONE[:20]):
        copies.find("a", tokens[0])
    copies.find("a", tokens[1])
    others = [copies.add(name, model) for name in "bc"]
    with pytest.raises(ValueError, match="not kept"):
        copies.find("a", tokens[2])  # used least lately
    assert copies.find("a", tokens[1]) is copies.find("b", others[0]) is model


@pytest.mark.parametrize("name", SHIPPED)
def test_what_channels_of_shipped_networks_like_is_there_at_once(visitors, name):
    """Where this fails because the weights are new: python -m scripts.inside likes NAME"""
    model, ends = visitors.readers[name].model, block_ends(visitors.readers[name].model)
    for position in ends:
        found = explain(visitors, "likes", network=name, position=position, channel=3)["pictures"]
        assert len(found) == 9
        values = [one["value"] for one in found]
        assert values == sorted(values, reverse=True)
        seen = activations(model, to_input(decoded(found[0]["picture"])[None])[0])[position].values
        assert seen[..., 3].max() == pytest.approx(values[0], rel=0.1, abs=0.05)  # of 16 greys
        top, bottom, left, right = found[0]["field"]
        assert 0 <= top < bottom <= 28
        assert 0 <= left < right <= 28


@pytest.mark.parametrize("name", SHIPPED)
def test_a_digit_of_the_map_is_its_own_neighbour_and_stands_where_it_lies(visitors, name):
    known = explain(visitors, "map")
    places = np.frombuffer(base64.b64decode(known["places"]), "<f4").reshape(-1, 2)
    assert (len(places), len(known["labels"])) == (2000, 2000)
    own = base64.b64encode(digit_map().pictures[7].tobytes()).decode()
    found = explain(visitors, "neighbours", picture=own, network=name)
    assert found["nearest"][0]["index"] == 7
    assert found["nearest"][0]["distance"] == pytest.approx(0, abs=0.05)
    assert found["nearest"][0]["picture"] == own
    assert len(found["nearest"]) == 8
    np.testing.assert_allclose(found["place"], places[7], atol=0.02)
    labels = {one["label"] for one in found["nearest"]}
    assert int(known["labels"][7]) in labels


def test_a_ready_made_network_has_no_moments(visitors):
    assert explain(visitors, "moments") == {"moments": []}


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"what": "nothing"}, "can be explained is network"),
        ({"what": ["cell"]}, "can be explained is network"),
        ({"what": "cell"}, "asked for by its layer"),
        ({"what": "cell", "position": 0, "cell": ["a", 1, 2]}, "asked for by its layer"),
        ({"what": "cell", "position": 0, "cell": [True, 1, 2]}, "asked for by its layer"),
        ({"what": "cell", "position": 99, "cell": [1, 1, 1]}, "has the layers 0 to 13"),
        ({"what": "cell", "position": 0, "cell": [24, 1, 1]}, "has cells up to"),
        ({"what": "cell", "position": 0, "cell": [1]}, "has cells up to"),
        ({"what": "why", "picture": "abc"}, "28 x 28 grey bytes"),
        ({"what": "why", "picture": None}, "no picture"),
        ({"what": "why", "network": "other"}, "no such network"),
        ({"what": "why", "network": []}, "no such network"),
        ({"what": "why", "copy": "abc"}, "not kept"),
        ({"what": "why", "copy": 7}, "not kept"),
        ({"what": "change", "amounts": {"rotation": 91}}, "must be -90 to 90"),
        ({"what": "change", "amounts": {"rotation": "1"}}, "Amounts are numbers"),
        ({"what": "change", "amounts": {"rotation": float("nan")}}, "Amounts are numbers"),
        ({"what": "change", "amounts": [1]}, "Amounts are numbers"),
        ({"what": "change", "amounts": {"colour": 1}}, "can be varied in"),
        ({"what": "flip", "label": 10}, "must be 0 to 9"),
        ({"what": "flip", "label": True}, "must be 0 to 9"),
        ({"what": "learn", "label": 11, "learning_rate": 0.1}, "must be 0 to 10"),
        ({"what": "learn", "label": 10, "learning_rate": 0.1, "network": "seed"}, "not trained to reject"),
        ({"what": "learn", "label": 1, "learning_rate": 0}, "above 0 and at most 1"),
        ({"what": "learn", "label": 1, "learning_rate": float("inf")}, "above 0 and at most 1"),
        ({"what": "learn", "label": 1}, "above 0 and at most 1"),
        ({"what": "why", "moment": 0}, "no moments were kept"),
        ({"what": "likes", "position": 1, "channel": 0}, "by the position of its block"),
        ({"what": "likes", "position": 2, "channel": 16}, "by the position of its block"),
        ({"what": "likes", "position": 2, "channel": True}, "by the position of its block"),
        ({"what": "likes", "position": [2], "channel": 1}, "by the position of its block"),
        ({"what": "neighbours", "picture": None}, "no picture"),
    ],
)
def test_a_tampered_request_is_answered_in_a_sentence(visitors, payload, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain_it(visit(visitors), {"picture": picture()} | payload)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({}, "A drawing is sent as"),
        ({"image": 7}, "A drawing is sent as"),
        ({"picture": 7}, "28 x 28 grey bytes"),
        ({"image": data_url(seven()), "point": [1]}, "The point is"),
        ({"image": data_url(seven()), "point": ["a", "b"]}, "The point is"),
        ({"image": data_url(seven()), "point": [float("nan"), 1]}, "The point is"),
    ],
)
def test_a_tampered_look_is_answered_in_a_sentence(visitors, payload, sentence):
    with pytest.raises(ValueError, match=sentence):
        look_at(visit(visitors), payload)

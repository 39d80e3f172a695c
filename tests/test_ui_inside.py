"""The Inside tab's server functions, without a browser: what they answer, and what to whoever tampers."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from recognition import Reader
from recognition.reader import SHIPPED
from tests.browser.driver import data_url, seven
from ui.inside import copies as copies_module
from ui.inside.copies import Copies
from ui.inside.tab import explain_it, look_at


@pytest.fixture(scope="module")
def readers():
    return {name: Reader(path) for name, path in SHIPPED.items()}


def picture():
    image = np.zeros((28, 28), np.uint8)
    image[5, 8:20] = image[5:24, 16] = 255
    return base64.b64encode(image.tobytes()).decode()


def look(readers, copies=None, **payload):
    return look_at(readers, copies or Copies(), "visitor", payload)


def explain(readers, what, copies=None, **payload):
    asked = {"picture": picture(), "what": what} | payload
    return explain_it(readers, copies or Copies(), "visitor", asked)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_look_is_json_of_at_most_40_kb_with_every_layer_that_cannot_be_derived(readers, name):
    answer = look(readers, image=data_url(seven()), network=name)
    assert len(json.dumps(answer)) <= 40_000
    network = explain(readers, "network", network=name)
    assert [one["position"] for one in answer["maps"]] == [
        position for position, layer in enumerate(network["layers"]) if not layer["derived"]
    ]
    assert answer["shares"]["digit"] == 7
    assert len(base64.b64decode(answer["picture"])) == 28 * 28


def test_the_layers_come_from_the_network_with_their_lines_of_code(readers):
    network = explain(readers, "network", network="seed")
    names = [layer["name"] for layer in network["layers"]]
    assert names == ["conv1", "relu1", "pool1", "flatten1", "dense1", "relu2", "dense2"]
    assert network["layers"][2]["shape"] == [14, 14, 32]
    assert not network["has_evidence"]
    source = network["sources"]["relu"]
    assert source["file"] == "cnn/activation.py"
    assert source["forward"].startswith("def forward(self")
    assert "dy" in source["backward"]
    assert network["kernels"]["count"] == 32


def test_an_empty_pad_is_no_error(readers):
    file = io.BytesIO()
    Image.new("L", (50, 50), 255).save(file, "PNG")
    assert look(readers, image=data_url(file.getvalue()))["empty"]


def test_variations_change_the_picture_that_is_looked_at(readers):
    plain = look(readers, picture=picture())
    assert plain["picture"] == picture()
    turned = look(readers, picture=picture(), amounts={"rotation": 40})
    assert turned["picture"] != picture()
    assert turned["shares"] != plain["shares"]


def test_a_cell_is_a_sum_that_adds_up(readers):
    answer = explain(readers, "cell", position=2, cell=[5, 6, 3])
    assert [one["position"] for one in answer["history"]] == [2, 1, 0]
    pool, _, conv = answer["history"]
    assert len(pool["shown"]) == 4
    total = sum(term["product"] for term in conv["shown"]) + conv["others"]["sum"] + conv["bias"]
    assert total == pytest.approx(conv["value"])
    assert answer["fields"]["0"] == [10, 16, 12, 18]


def test_why_has_evidence_where_the_network_ends_in_an_average(readers):
    found = explain(readers, "why")
    values = np.frombuffer(base64.b64decode(found["evidence"]["values"]), "<f4").reshape(6, 6, 10)
    np.testing.assert_allclose(
        values.sum((0, 1)) + found["evidence"]["bias"], found["evidence"]["logits"], atol=1e-4
    )
    assert found["occlusion"]["shape"] == [13, 13, 10]
    assert explain(readers, "why", network="seed")["evidence"] is None


def test_curves_hold_eleven_shares(readers):
    found = explain(readers, "change", amounts={"slant": 10})["curves"]
    assert len(found) == 8
    for curve in found.values():
        np.testing.assert_allclose(np.sum(curve, axis=1), 1, atol=0.01)
        assert len(curve[0]) == 11


def test_the_smallest_change_flips_the_answer(readers):
    found = explain(readers, "flip", label=1)
    assert look(readers, picture=found["picture"])["shares"]["digit"] == 1
    assert found["pixels"]
    assert explain(readers, "flip", label=1, picture=found["picture"])["pixels"] == []


def test_a_step_makes_a_copy_that_can_be_looked_at_and_leaves_the_network_alone(readers):
    copies, before = Copies(), look(readers, picture=picture())
    tried = explain(readers, "learn", copies, label=4, learning_rate=0.05)
    assert "copy" not in tried
    step = explain(readers, "learn", copies, label=4, learning_rate=0.05, keep=True)
    assert step["loss_after"] < step["loss"]
    after = look(readers, copies, picture=picture(), copy=step["copy"])
    assert after["shares"]["probs"][4] > before["shares"]["probs"][4]
    assert explain(readers, "network", copies, copy=step["copy"])["name"] == "digit_net"
    assert look(readers, picture=picture()) == before
    with pytest.raises(ValueError, match="not kept"):
        look_at(readers, copies, "another visitor", {"picture": picture(), "copy": step["copy"]})


def test_copies_are_bounded_in_number_and_bytes(readers):
    model = readers["digits"].model
    copies = Copies(most_bytes=3 * model.parameters.nbytes, most_of_session=2)
    tokens = [copies.add("a", model) for _ in range(3)]
    with pytest.raises(ValueError, match=copies_module.GONE[:20]):
        copies.find("a", tokens[0])
    copies.find("a", tokens[1])
    others = [copies.add(name, model) for name in "bc"]
    with pytest.raises(ValueError, match="not kept"):
        copies.find("a", tokens[2])  # used least lately
    assert copies.find("a", tokens[1]) is copies.find("b", others[0]) is model


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
    ],
)
def test_a_tampered_request_is_answered_in_a_sentence(readers, payload, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain_it(readers, Copies(), "visitor", {"picture": picture()} | payload)


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
def test_a_tampered_look_is_answered_in_a_sentence(readers, payload, sentence):
    with pytest.raises(ValueError, match=sentence):
        look_at(readers, Copies(), "visitor", payload)

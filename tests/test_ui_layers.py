"""The list of layers on the page is the network's own, and leads to its source."""

from pathlib import Path

import pytest

from ui.draw.layers import networks
from ui.server.host import Host

ROOT = Path(__file__).parents[1]
SOURCES = "https://example.org/digits/blob/main"


def test_every_network_is_listed_layer_by_layer_with_shapes_and_parameters():
    best, simple = networks(None)
    assert [row["count"] for row in simple["layers"]] == [320, 0, 0, 0, 802_944, 0, 1290]
    assert simple["layers"][0]["shape"] == [28, 28, 32]
    assert simple["layers"][-1]["layer"] == "Dense(128, 10)"
    for network in (best, simple):
        assert sum(row["count"] for row in network["layers"]) == network["parameters"]
        assert all(row["source"] is None for row in network["layers"])


def test_each_layer_links_to_its_file():
    for network in networks(SOURCES):
        for row in network["layers"]:
            file = row["source"].removeprefix(f"{SOURCES}/")
            assert f"class {row['layer'].partition('(')[0]}" in (ROOT / file).read_text(encoding="utf-8")


def test_the_address_of_the_sources_is_a_setting_and_a_space_shows_its_own():
    assert Host.from_environment({}).sources is None
    assert Host.from_environment({"DIGITS_SOURCES": f"{SOURCES}/"}).sources == SOURCES
    space = Host.from_environment({"SPACE_ID": "you/digits"})
    assert space.sources == "https://huggingface.co/spaces/you/digits/blob/main"
    with pytest.raises(ValueError, match="DIGITS_SOURCES must be a web address, got 'javascript:alert"):
        Host.from_environment({"DIGITS_SOURCES": "javascript:alert(1)"})

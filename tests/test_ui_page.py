"""The page as Gradio is given it, without a browser."""

import gc
import inspect
import warnings

import gradio as gr
import pytest

from ui import draw, page


class _Reader:
    """Never read with here."""


def _built():
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # Gradio leaves event loops open that it made for locks
        demo = page.build_page({"digits": _Reader()})
        gc.collect()
    return demo


def _components(demo, kind):
    return [one for one in demo.config["components"] if one["type"] == kind]


def test_a_lone_tab_is_shown_without_a_strip_of_tabs():
    demo = _built()
    assert _components(demo, "tabs") == []
    assert demo.title == "Digits from Scratch"


def test_a_second_tab_is_one_line_more(monkeypatch):
    def build(reader):
        gr.Markdown("hello")

    monkeypatch.setattr(page, "TABS", (*page.TABS, ("Photo", build)))
    demo = _built()
    assert [tab["props"]["label"] for tab in _components(demo, "tabitem")] == ["Draw", "Photo"]


def test_launch_settings_are_ones_that_gradio_knows():
    assert set(page.LAUNCH) <= set(inspect.signature(gr.Blocks.launch).parameters)


def test_programs_find_one_named_endpoint():
    api = _built().get_api_info()
    assert list(api["named_endpoints"]) == ["/read_drawing"]


@pytest.mark.parametrize("name", ["pad.html", "pad.css"])
def test_templates_hold_nothing_that_javascript_would_evaluate(name):
    # Gradio puts both files between backticks and evaluates them: one in a comment, and the page is bare.
    text = (draw.HERE / name).read_text(encoding="utf-8")
    assert not any(mark in text for mark in ("`", "${", "\\"))

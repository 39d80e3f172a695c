"""The page as Gradio is given it, without a browser."""

import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import re
import sys
import warnings
from pathlib import Path

import gradio as gr
import pytest
from gradio import queueing

from jobs.manager import SessionManager
from tests import event_loop
from ui import component, page
from ui.about import section
from ui.server.host import Host
from ui.stubs import no_stubs

FILES = [*component.HERE.rglob("*.html"), *component.HERE.rglob("*.css")]
TEMPLATES = sorted(
    str(file.relative_to(component.HERE)) for file in FILES if file.name != "page.css"
)  # Gradio takes that as it is


class _Reader:
    """Never read with here."""


def _built():
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # Gradio leaves event loops open that it made for locks
        with contextlib.closing(SessionManager()) as manager:
            demo = page.build_page({"digits": _Reader()}, manager)
        asyncio.set_event_loop(None)  # else another test that runs one would hear of it
        gc.collect()
    return demo


def _components(demo, kind):
    return [one for one in demo.config["components"] if one["type"] == kind]


def test_the_tabs_stand_in_the_order_in_which_they_are_listed():
    demo = _built()
    labels = [tab["props"]["label"] for tab in _components(demo, "tabitem")]
    assert labels == ["Draw", "Photo", "Inside", "Signs", "Train"]
    assert demo.title == "Digits from Scratch"


def test_a_new_tab_is_one_line_more(monkeypatch):
    def build(visitors):
        gr.Markdown("hello")

    monkeypatch.setattr(page, "TABS", (*page.TABS, ("Hello", build)))
    demo = _built()
    assert [tab["props"]["label"] for tab in _components(demo, "tabitem")] == [
        "Draw",
        "Photo",
        "Inside",
        "Signs",
        "Train",
        "Hello",
    ]


def test_while_no_program_calls_the_queue_looks_for_one_a_few_times_a_second(monkeypatch):
    queue, waits = _built()._queue, []

    async def wait(seconds):
        waits.append(seconds)
        queue.stopped = len(waits) == 3

    monkeypatch.setattr(queueing.asyncio, "sleep", wait)
    event_loop.call(queue.start_processing)
    assert waits == [page.LOOK_EVERY] * 3
    assert sum(waits) > 0.1


def test_launch_settings_are_ones_that_gradio_knows():
    assert set(page.LAUNCH) <= set(inspect.signature(gr.Blocks.launch).parameters)


def test_programs_find_two_named_endpoints():
    api = _built().get_api_info()
    assert list(api["named_endpoints"]) == ["/read_drawing", "/read_photo"]


def test_the_page_is_light_though_it_shows_examples():
    assert len(json.dumps(_built().get_config_file())) < 200_000


def test_the_shared_styles_are_for_every_component_and_sent_once():
    config = _built().get_config_file()
    ids = {one["props"]["elem_id"] for one in config["components"] if one["props"].get("css_template")}
    assert ids == {Path(name).name for name in component.COMPONENTS}
    assert all(f"#{name}" in page.LAUNCH["head"].partition("{")[0] for name in ids)
    shared = (component.HERE / "shared" / "base.css").read_text(encoding="utf-8")
    [line] = re.findall(r"\nkbd [{]\n  (.+)\n", shared)
    assert (page.LAUNCH["head"] + json.dumps(config)).count(f"kbd {{ {line}") == 1


def test_code_that_is_shown_keeps_its_lines():
    [about] = [one for one in _components(_built(), "html") if one["props"].get("elem_id") == "about"]
    shown = re.search("<pre.*?</pre>", about["props"]["html_template"], re.DOTALL)[0]
    assert shown in (component.HERE / "about" / "about.html").read_text(encoding="utf-8")
    assert shown.count("\n") >= 4


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".css")])
def test_a_finger_leaves_nothing_as_if_a_mouse_were_over_it(name):
    text = (component.HERE / name).read_text(encoding="utf-8")
    for_mice = re.compile(r"@media \(hover: hover\) [{]\n(?: .*\n|\n)*[}]\n")
    assert ":hover" not in for_mice.sub("", text)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_hold_nothing_that_javascript_would_evaluate(name):
    # Gradio puts both files between backticks and evaluates them: one in a comment, and the page is bare.
    text = (component.HERE / name).read_text(encoding="utf-8")
    assert not any(mark in text for mark in ("`", "${", "\\"))


def test_the_page_links_to_the_notebook_where_it_knows_the_address_of_the_code(monkeypatch):
    assert (component.HERE.parent / section.NOTEBOOK).is_file()
    props = []
    monkeypatch.setattr(section, "component", lambda *_, **given: props.append(given))
    for variables in ({"DIGITS_SOURCES": "https://git.example/blob/main/"}, {}):
        section.build(Host.from_environment(variables))
    assert [one["notebook"] for one in props] == ["https://git.example/blob/main/docs/from_scratch.ipynb", ""]
    assert 'href="{{notebook}}"' in (component.HERE / "about" / "about.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("way", [contextlib.nullcontext, no_stubs])
def test_gradio_writes_a_stub_for_a_component_unless_none_is_wanted(way, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import gradio\n\n\nclass Mine(gradio.HTML):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    with way():
        importlib.import_module("mine")
    assert (tmp_path / "mine.pyi").exists() == (way is contextlib.nullcontext)

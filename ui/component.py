"""A tab is one `gr.HTML` component: how it is put together from static files, and what its script is sent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui import scripts
from ui.shared.visit import without_key

HERE = Path(__file__).parent
READING = "shared/reading"


def component(
    name: str,
    server_functions: list[Callable],
    parts: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    **props: Any,
) -> gr.HTML:
    """The component of `name`.html and .css, with base.css and reading.* that all share, run by `name`.js.

    name, parts: as "folder/name". The word `@reading` in the HTML stands for reading.html, and `@PART` for
    that of each of `parts`, whose .css comes with it. styles: more .css files, after all others. The module
    exports `mount({element, server, upload, props})`. server_functions: what it may call, as
    `server.NAME(argument)`; props: what the HTML's `{{...}}` are filled with. A plain `gr.HTML`: a subclass would have Gradio write a .pyi beside us.
    """
    html = _asset(f"{name}.html")
    for part in (*parts, READING):
        html = html.replace(f"@{Path(part).name}", _asset(f"{part}.html"))
    return gr.HTML(
        html_template=html,
        css_template="".join(
            _asset(f"{part}.css") for part in ("shared/base", READING, *parts, name, *styles)
        ),
        js_on_load=_asset("mount.js")
        .replace("@module", scripts.address_of(f"{name}.js"))
        .replace("@visit", scripts.address_of("shared/visit.js")),
        server_functions=[without_key(function) for function in server_functions],
        apply_default_css=False,
        elem_id=Path(name).name,
        digits=list(range(10)),  # reading.html repeats a bar for each
        **props,
    )


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")

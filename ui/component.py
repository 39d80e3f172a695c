"""A tab is one `gr.HTML` component: how it is put together from static files, and what its script is sent."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui import scripts
from ui.shared.visit import without_key

HERE = Path(__file__).parent
READING = "shared/reading"
SHARED_STYLES = ("shared/base", READING)
COMPONENTS = ("draw/pad", "photo/photo", "inside/inside", "signs/signs", "train/train", "about/about")


def component(
    name: str,
    server_functions: list[Callable],
    parts: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    **props: Any,
) -> gr.HTML:
    """The component of `name`.html and .css, under the styles that all share, run by `name`.js.

    name: one of COMPONENTS; parts: as "folder/name", too. The word `@reading` in the HTML stands for
    reading.html, and `@PART` for that of each of `parts`, whose .css comes with it. styles: more .css files,
    after all others. The module exports `mount({element, server, upload, props})`. server_functions: what it
    may call, as `server.NAME(argument)`; props: what the HTML's `{{...}}` are filled with. A plain `gr.HTML`:
    a subclass would have Gradio write a .pyi beside us.
    """
    html = _asset(f"{name}.html")
    for part in (*parts, READING):
        html = html.replace(f"@{Path(part).name}", _asset(f"{part}.html"))
    return gr.HTML(
        html_template=html,
        css_template="".join(_asset(f"{part}.css") for part in (*parts, name, *styles)),
        js_on_load=_asset("mount.js")
        .replace("@module", scripts.address_of(f"{name}.js"))
        .replace("@visit", scripts.address_of("shared/visit.js")),
        server_functions=[without_key(function) for function in server_functions],
        apply_default_css=False,
        elem_id=_id_of(name),
        digits=list(range(10)),  # reading.html repeats a bar for each
        **props,
    )


def shared_styles() -> str:
    """HTML for the page's head: base.css and reading.css, once for all components.

    They are nested in the components' ids, as Gradio nests a component's own styles in an id of its making:
    so they weigh the same, and what a component says of the same thing comes later and holds.
    """
    ids = ", ".join(f"#{_id_of(name)}" for name in COMPONENTS)
    return f"<style>:is({ids}) {{ {''.join(_asset(f'{name}.css') for name in SHARED_STYLES)} }}</style>"


def _id_of(name: str) -> str:
    return Path(name).name


def _asset(name: str) -> str:
    """A file of ours as it is sent: without a stylesheet's comments, and no more space than parts words, but
    for code that is shown."""
    text = (HERE / name).read_text(encoding="utf-8")
    if name.endswith(".js"):
        return text
    if name.endswith(".css"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    parts = re.split(r"(<pre.*?</pre>)", text, flags=re.DOTALL)
    return "".join(part if part.startswith("<pre") else re.sub(r"\s+", " ", part) for part in parts)

"""The page: header, tabs, wiring, and how Gradio serves it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from ink import Reader
from ui import draw
from ui.limits import LimitBody
from ui.theme import theme

HERE = Path(__file__).parent

TITLE = "Digits from Scratch"
SENTENCE = "A neural network written in plain NumPy reads your handwriting, stroke by stroke."

# Each builder lays out one tab and wires its events. A new tab is a new line here.
Builder = Callable[[Mapping[str, Reader]], None]
TABS: tuple[tuple[str, Builder], ...] = (("Draw", draw.build),)

LAUNCH = {
    "theme": theme(),
    "css": (HERE / "page.css").read_text(encoding="utf-8"),
    "favicon_path": HERE / "icon.svg",
    "footer_links": ["api"],
    "max_file_size": "20mb",
    "app_kwargs": {"middleware": [Middleware(LimitBody)]},
    "ssr_mode": False,  # would need Node
    "run_history": False,  # a log of everybody's calls, and slower calls
    "enable_monitoring": False,  # public unless switched off
}


def build_page(readers: Mapping[str, Reader]) -> gr.Blocks:
    """The whole page around shared, read-only readers, by the names of their networks.

    Show it with `launch(**LAUNCH)`.
    """
    hour = 3600
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(hour, hour)) as demo:
        gr.HTML(f"<h1>{TITLE}</h1><p>{SENTENCE}</p>", elem_id="masthead", apply_default_css=False)
        if len(TABS) == 1:  # a lone tab is no choice: show what is in it
            TABS[0][1](readers)
        else:
            with gr.Tabs():
                for name, build in TABS:
                    with gr.Tab(name):
                        build(readers)
    return demo

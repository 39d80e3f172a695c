"""The page: header, tabs, wiring, and how Gradio serves it."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from jobs.manager import SessionManager
from ui import scripts
from ui.about import section as about
from ui.component import shared_styles
from ui.draw import tab as draw
from ui.inside import tab as inside
from ui.photo import tab as photo
from ui.server import mcp, metrics, uploads
from ui.server.host import Host
from ui.server.lifespan import lifespan
from ui.server.preview import LinkPreview
from ui.server.request_guard import RequestGuard
from ui.shared.hub import sign_in
from ui.shared.visitors import Readers, Visitors
from ui.signs import tab as signs
from ui.theme import theme
from ui.train import tab as train

HERE = Path(__file__).parent

TITLE = "Digits from Scratch"
SENTENCE = "A neural network written in plain NumPy reads your handwriting, as you draw or from a photo."

PICTURE = "preview.jpg"  # of the page, where somebody shares a link to it
PICTURES = (PICTURE, "train/watched.png")  # files that the page's address leads to, each under its last name

MOST_CALLS = 40  # of programs, that wait for their turn
LOOK_EVERY = (
    0.05  # seconds in which Gradio's queue looks for such a call; its own 1 ms is 5% of a core, for nothing
)

# Each builder lays out one tab and wires its events. A new tab is a new line here.
Builder = Callable[[Visitors], None]
TABS: tuple[tuple[str, Builder], ...] = (
    ("Draw", draw.build),
    ("Photo", photo.build),
    ("Inside", inside.build),
    ("Signs", signs.build),
    ("Train", train.build),
)

HOST = Host.from_environment()


def _route_to(picture: str) -> Route:
    async def answer(request: Request) -> FileResponse:
        return FileResponse(HERE / picture, headers={"Cache-Control": "public, max-age=86400"})

    return Route(f"/{Path(picture).name}", answer)


LAUNCH = {
    "theme": theme(),
    "css": (HERE / "page.css").read_text(encoding="utf-8"),
    "head": scripts.preload_links() + shared_styles(),
    "favicon_path": HERE / "icon.svg",
    "footer_links": [],  # what Gradio shows for programs does not run as it is copied; ui/about has ours
    "max_file_size": "20mb",
    "app_kwargs": {
        "routes": [scripts.ROUTE, *map(_route_to, PICTURES), *mcp.routes(HOST)],
        "middleware": [Middleware(RequestGuard, HOST), Middleware(LinkPreview, TITLE, SENTENCE, PICTURE)],
        "lifespan": lifespan,
    },
    "state_session_capacity": 300,  # what Gradio remembers of a page; ours needs none of it
    "ssr_mode": False,  # would need Node
    "mcp_server": False,  # ours is ui/server/mcp.py, which says why
    "pwa": False,  # a Space would have the page installed as an app, with icons that are not ours
    "run_history": False,  # a log of everybody's calls, and slower calls
    "enable_monitoring": False,  # public unless switched off
}


def build_page(readers: Readers, manager: SessionManager) -> gr.Blocks:
    """The whole page around shared, read-only readers, by the names of their networks.

    manager: of the visitors who train networks of their own. Show it with `launch(**LAUNCH)`.
    """
    visitors = Visitors(readers, manager)
    metrics.watch_jobs(manager)
    uploads.share_account(manager.shared.storage)
    button = sign_in()
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(f"<h1>{TITLE}</h1><p>{SENTENCE}</p>", elem_id="masthead", apply_default_css=False)
        with gr.Tabs():
            for name, build in TABS:
                with gr.Tab(name):
                    build(visitors)
        about.build(HOST)
        if button is not None:
            button.render()
        demo.unload(visitors.leave)
    demo.read_live = draw.road_of(visitors)  # for ui/server/request_guard.py
    demo.drawing_pool = visitors.pool  # for ui/server/lifespan.py
    # On a Space, Gradio's script would first ask huggingface.co about it, and Google for fonts.
    demo.space_id = None
    demo.queue(max_size=MOST_CALLS)
    demo._queue.sleep_when_free = LOOK_EVERY
    return demo

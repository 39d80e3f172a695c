"""Which requests are let in: what the page and gradio_client ask for, and no other route of Gradio's."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from ui.server.rejection import RequestRejected


@dataclass(frozen=True)
class Route:
    """Requests that are let in. name: for /metrics; kind: one of RATE_LIMITS."""

    name: str
    method: str
    path: re.Pattern[str]
    kind: str


def _route(name: str, method: str, path: str, kind: str) -> Route:
    return Route(name, method, re.compile(path), kind)


API = "/gradio_api"
EVENTS = f"{API}/call/(?:v2/)?(?P<name>[^/]+)/[^/]+/?|{API}/queue/data"
ASSETS = "/(?:assets|static|svelte|scripts)/.+|/theme.css|/favicon.ico|/robots.txt|/preview.jpg|/watched.png"
ABOUT = "info|openapi.json|app_id|startup-events|theme.css|login_check|user|token|queue/status"
CALLS = f"{API}/(?:run|api|call|call/v2)/(?P<name>[^/]+)/?"
# Left out are, among others, /file= and /proxy=: nothing of this page needs them; /deep_link, which writes
# files; /stream, /custom_component, /dev/reload, /vibe-edit.
ROAD = "/live"  # of the pad's drawings: `ui/server/road.py`
ROUTES = (
    _route("health", "GET", "/health", "page"),
    _route("metrics", "GET", "/metrics", "page"),
    _route("page", "GET", "/", "page"),
    _route("asset", "GET", ASSETS, "page"),
    _route("about", "GET", f"/config/?|/manifest.json|{API}/(?:{ABOUT})/?", "page"),
    _route("open_page", "GET", f"{API}/heartbeat/(?P<session>[^/]+)", "page"),
    _route("events", "GET", EVENTS, "program"),
    _route("server_function", "POST", f"{API}/component_server/?", "action"),
    _route("join", "POST", f"{API}/queue/join/?", "program"),
    _route("call", "POST", CALLS, "program"),
    _route("mcp", "POST", f"{API}/mcp/?", "program"),
    _route("mcp", "GET", f"{API}/mcp/?|{API}/mcp/schema", "page"),
    _route("cancel", "POST", f"{API}/(?:cancel|reset)/?", "program"),
    _route("upload", "POST", f"{API}/upload/?", "upload"),
    _route("live", "POST", ROAD, "reading"),
)
SIGN_IN = _route("sign_in", "GET", "/login/(?:huggingface|callback)/?|/logout/?", "page")  # of a Space
STREAMS = frozenset({"open_page", "events"})

# Server functions by name, where they are not of the kind "action".
READING = frozenset({"live", "look", "watch", "draw", "read_sign"})
WORK = frozenset(
    {
        "read",
        "start",
        "resume",
        "teach",
        "upload_model",
        "import_examples",
        "load_from_hub",
        "push_to_hub",
        "export",
        "learn_signs",
        "load_signs",
        "load_signs_from_hub",
        "push_signs_to_hub",
        "save_signs",
        "add_sign_picture",
    }
)

ODD = re.compile(r"\.\.|//|[\0-\x1f\\]")  # in no path that the page asks for
LONGEST_PATH = 200  # bytes; no file's name may have more than 255

# What Gradio makes the page's own address of, and fails where it cannot.
HOST = re.compile(r"(?:[\w.-]{1,255}|\[[0-9a-fA-F:.]{2,45}\])(?::(?P<port>\d{1,5}))?", re.ASCII)
PROTO = re.compile(r"https?|wss?")
ADDRESS_HEADERS = {b"host": HOST, b"x-forwarded-host": HOST, b"x-forwarded-proto": PROTO}


def check_host(scope: MutableMapping[str, Any]) -> None:
    """Raises RequestRejected where the address under which the page was asked for can be none."""
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"x-gradio-server"]
    for name, value in scope["headers"]:
        wanted = ADDRESS_HEADERS.get(name)
        first = value.decode("latin-1").partition(",")[0].strip()
        if wanted is None or not first:
            continue
        found = wanted.fullmatch(first)
        if found is None or int(found.groupdict().get("port") or 0) > 65_535:
            raise RequestRejected(400, "The address of the page is none.", "malformed")


def path_of(scope: Mapping[str, Any]) -> str:
    """The path that is asked for, from the page's own on."""
    return scope["path"].removeprefix(scope.get("root_path", "")) or "/"


def find_route(scope: Mapping[str, Any], routes: tuple[Route, ...]) -> tuple[Route, re.Match[str]]:
    """The route of an HTTP request, and what its path holds. Raises RequestRejected where there is none."""
    path = path_of(scope)
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    if (
        len(path.encode()) <= LONGEST_PATH
        and not ODD.search(path)
        and b"deep_link" not in scope.get("query_string", b"")
    ):
        for route in routes:
            found = route.path.fullmatch(path)
            if found and route.method == method:
                return route, found
    raise RequestRejected(404, "There is nothing here.", "no such route")


def kind_of_function(name: str) -> str:
    """The kind of a call of a server function, one of RATE_LIMITS."""
    return "reading" if name in READING else "work" if name in WORK else "action"

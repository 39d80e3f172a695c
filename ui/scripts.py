"""The page's scripts: ES modules, a folder a tab, served under an address that names their contents.

Gradio evaluates the script of a `gr.HTML` as a string, each by itself. `mount.js` is that string; it imports
the component's module from here, so that the browser evaluates every module once, and the tabs share state.
"""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HERE = Path(__file__).parent
CACHED = "public, max-age=31536000, immutable"  # for a year: other contents have another address

# By path from here, such as "draw/pad.js". They are read once, so that the page and its scripts always match.
MODULES = {file.relative_to(HERE).as_posix(): file.read_bytes() for file in sorted(HERE.glob("*/*.js"))}


def version_of(modules: dict[str, bytes]) -> str:
    """Another one for other names or contents."""
    return hashlib.sha256(repr(modules).encode()).hexdigest()[:16]


VERSION = version_of(MODULES)


def address_of(name: str) -> str:
    """The address of a module, relative to the page's. ValueError where there is no such module."""
    if name not in MODULES:
        raise ValueError(f"There is no module {name}; there are {', '.join(MODULES)}")
    return f"scripts/{VERSION}/{name}"


# Of the first tab, and of what is around all of them.
FIRST = [name for name in MODULES if name.startswith(("draw/", "shared/", "about/"))]
# Of the others, but for the Inside tab, whose modules are many: about.js has them fetched once the page is at
# rest, so that a tab can first be opened without a connection, too.
LATER = [name for name in MODULES if name not in FIRST and not name.startswith("inside/")]


def preload_links() -> str:
    """HTML for the page's head: the browser fetches the modules at once, not one import after another."""
    first = [f'<link rel="modulepreload" href="{address_of(name)}">' for name in FIRST]
    later = [f'<link data-later="{address_of(name)}">' for name in LATER]
    return "".join(first + later)


async def _serve(request: Request) -> Response:
    content = MODULES.get(request.path_params["name"])
    if content is None or request.path_params["version"] != VERSION:
        sentence = "There is no such script. Please reload the page."
        return JSONResponse({"error": sentence}, 404, {"Cache-Control": "no-store"})
    return Response(content, media_type="text/javascript", headers={"Cache-Control": CACHED})


ROUTE = Route("/scripts/{version}/{name:path}", _serve)

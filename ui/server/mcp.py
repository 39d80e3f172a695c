"""The endpoints for programs as tools for agents: the Model Context Protocol over HTTP.

    POST /gradio_api/mcp            one JSON-RPC message, answered with one: nothing is kept in between
    GET  /gradio_api/mcp/schema     the tools, as Hugging Face's own MCP server asks a Space for them

Gradio has such a server (`launch(mcp_server=True)`, with the `mcp` package), at the same address. It hands on
any address to be fetched, writes files past all bounds, and calls this app as if all agents were one visitor
from this machine. So this one takes its place, with and without that package: a tool is an endpoint of
`gr.api`, under every bound that holds for `gradio_client`, and a picture comes in the call, as an uploaded
file or, where the host allows it, from a public https address (`ui/server/fetch.py`).

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

import base64
import binascii
import contextlib
import io
import json
import logging
from collections.abc import AsyncIterator

import anyio.to_thread
import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recognition.messages import one_line
from ui.server import uploads
from ui.server.fetch import FetchError, fetch
from ui.server.host import Host
from ui.server.origin import is_own_page
from ui.server.upload_request import NO_ROOM, SHARE_USED

PATH = "/gradio_api/mcp"
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")  # of the protocol, the newest first
MAX_BODY = 4_000_000  # bytes of a message: a picture of 3 MB in base64; larger ones are uploaded
SERVER = {"name": "digits-from-scratch", "title": "Digits from Scratch", "version": "1"}
INSTRUCTIONS = (
    "Reads handwritten digits: read_photo for photos and scans of any number of digits, read_drawing for a "
    "digit drawn on a screen."
)
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602

NO_PICTURE = (
    "image must be a picture in base64, such as data:image/png;base64,..., or the path of an uploaded file."
)
NO_ADDRESSES = "This server fetches nothing from an address. Please send the picture itself, in base64."
FAULT = "The picture could not be read, for a reason of our own. Please try another one."

TOOLS = {  # by the name of the endpoint: what an agent has to know to choose it
    "read_photo": (
        "Read the handwritten digits in a photo or scan",
        "Reads handwritten digits from a photo or scan: a number, a date, a meter, several lines, a table or "
        "a sudoku, dark on light or light on dark. Letters are not read; what is not a digit comes back as "
        "'?'. Returns `text` (a line for each line of writing; a space between words, tabs between the cells "
        "of a table), `message` (why there is no answer, else empty), `digits` (each with `digit`, "
        "`confidence` from 0 to 1, `box` [x, y, width, height] in pixels, `line`), `symbols` (digits and "
        "separators in reading order), `turned` (degrees clockwise by which the picture was turned before it "
        "was read) and `cells` (rows and columns of a table, or null).",
    ),
    "read_drawing": (
        "Read a digit drawn on a screen",
        "Reads a digit, or a short number, that was drawn on a screen: plain strokes on plain or transparent "
        "paper. For anything photographed use read_photo. Returns the same as read_photo.",
    ),
}
OUTPUT = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What was read; empty if nothing was"},
        "message": {"type": "string", "description": "Why there is no answer; empty if there is one"},
        "digits": {"type": "array", "items": {"type": "object"}},
        "symbols": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["text", "message", "digits", "symbols"],
}

logger = logging.getLogger(__name__)


class RpcError(Exception):
    """A message that cannot be answered. code: of JSON-RPC."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ToolError(Exception):
    """A tool that cannot answer. The message is for the agent, which may try again with something else."""


def routes(host: Host) -> list[Route]:
    """What the server answers, for `App`'s routes."""

    async def message(request: Request) -> Response:
        return await _answer(request, host.fetches)

    async def schema(request: Request) -> Response:
        tools = [
            {key: tool[key] for key in ("name", "description", "inputSchema")}
            | {"meta": {"file_data_present": True, "mcp_type": "tool", "endpoint_name": tool["name"]}}
            for tool in _tools(host.fetches)
        ]
        return JSONResponse(tools)

    async def no_stream(request: Request) -> Response:
        sentence = "This server sends nothing unasked. Please POST a message."
        return JSONResponse({"error": sentence}, 405, {"Allow": "POST"})

    return [
        Route(f"{PATH}/schema", schema, methods=["GET"]),
        *(Route(path, message, methods=["POST"]) for path in (PATH, f"{PATH}/")),
        *(Route(path, no_stream, methods=["GET"]) for path in (PATH, f"{PATH}/")),
    ]


async def _answer(request: Request, fetches: bool) -> Response:
    if is_own_page(request.scope) is False:  # agents say nothing
        return JSONResponse({"error": "Another site's page may not call this."}, 403)
    message = await request.json()  # an object: RequestGuard has seen to that
    number, method = message.get("id"), message.get("method")
    if "id" not in message:  # a notification, or an answer to something that was never asked
        return Response(status_code=202)
    try:
        if message.get("jsonrpc") != "2.0" or not isinstance(method, str) or type(number) not in (int, str):
            raise RpcError(INVALID_REQUEST, "A message is JSON-RPC 2.0, with an id and a method.")
        params = message.get("params", {})
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "params must be an object.")
        result = await _result(method, params, request, fetches)
    except RpcError as error:
        problem = {"code": error.code, "message": one_line(error)}
        return JSONResponse({"jsonrpc": "2.0", "id": number, "error": problem})
    return JSONResponse({"jsonrpc": "2.0", "id": number, "result": result})


async def _result(method: str, params: dict, request: Request, fetches: bool) -> dict:
    if method == "initialize":
        asked = params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": SERVER,
            "instructions": INSTRUCTIONS,
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": _tools(fetches)}
    if method == "tools/call":
        return await _call(params, request, fetches)
    raise RpcError(NO_METHOD, f"There is no method {method}.")


def _tools(fetches: bool) -> list[dict]:
    most = 3 * MAX_BODY // 4 // 1_000_000  # MB: base64 takes four bytes for three
    ways = "its bytes in base64, best as data:image/png;base64,... or data:image/jpeg;base64,..."
    ways += f"; or, above {most} MB, the path that POST /gradio_api/upload answered with"
    if fetches:
        ways += "; or a public https address of a picture"
    schema = {
        "type": "object",
        "properties": {"image": {"type": "string", "description": f"The picture: {ways}."}},
        "required": ["image"],
        "additionalProperties": False,
    }
    return [
        {
            "name": name,
            "title": title,
            "description": description,
            "inputSchema": schema,
            "outputSchema": OUTPUT,
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": fetches},
        }
        for name, (title, description) in TOOLS.items()
    ]


async def _call(params: dict, request: Request, fetches: bool) -> dict:
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or name not in TOOLS:
        raise RpcError(INVALID_PARAMS, f"There is no tool {name}; there are {' and '.join(TOOLS)}.")
    image = arguments.get("image") if isinstance(arguments, dict) else None
    if not isinstance(image, str) or len(arguments) != 1:
        raise RpcError(INVALID_PARAMS, f"{name} takes image, a text, and nothing else.")
    endpoint = next(fn.fn for fn in request.app.get_blocks().fns.values() if fn.api_name == name)
    address = request.state.address
    try:
        async with _file(image, address, fetches) as path:
            asking = gr.Request(request, session_hash=f"mcp {address}")  # agents of one address take turns
            reading = await endpoint({"path": path}, asking)
    except (ToolError, gr.Error) as error:
        said = error.message if isinstance(error, gr.Error) else str(error)
        return {"content": [{"type": "text", "text": one_line(said)}], "isError": True}
    except Exception:
        logger.exception("%s failed", name)
        return {"content": [{"type": "text", "text": FAULT}], "isError": True}
    text = json.dumps(reading, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": reading, "isError": False}


@contextlib.asynccontextmanager
async def _file(image: str, address: str, fetches: bool) -> AsyncIterator[str]:
    """The path of the picture: one that was uploaded, or one that is stored for as long as it is read."""
    if uploads.was_uploaded(image):
        yield image
        return
    if "://" in image[:20]:
        if not fetches:
            raise ToolError(NO_ADDRESSES)
        try:
            content = await fetch(image)
        except FetchError as error:
            raise ToolError(str(error)) from error
    else:
        try:
            encoded = image.partition(",")[2] if image.startswith("data:") else image
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ToolError(NO_PICTURE) from None
    if not content:
        raise ToolError(NO_PICTURE)
    try:
        with uploads.reserved(address, len(content)):
            if not await anyio.to_thread.run_sync(uploads.disk_has_room, len(content)):
                raise uploads.StorageFull(of_address=False)
            path = await anyio.to_thread.run_sync(uploads.store, io.BytesIO(content), "picture", address)
    except uploads.StorageFull as full:
        raise ToolError(SHARE_USED if full.of_address else NO_ROOM) from None
    try:
        yield path
    finally:
        await anyio.to_thread.run_sync(uploads.forget, path)

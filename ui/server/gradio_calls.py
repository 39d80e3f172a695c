"""Which of Gradio's functions a request may call, and with what: checked before Gradio sees it."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from ui.server.rejection import RequestRejected
from ui.server.routes import kind_of_function
from ui.server.uploads import NOT_SENT, was_uploaded

MOST_EVENTS_OF_SESSION = 8  # in Gradio's queue, or with an answer that waits to be fetched
CALL_KEYS = frozenset(
    {"data", "fn_index", "session_hash", "event_data", "trigger_id", "event_id", "oauth_token"}
)
FILE_TYPES = {
    "path": str,
    "url": str | None,
    "size": int | None,
    "orig_name": str | None,
    "mime_type": str | None,
    "is_stream": bool,
    "meta": dict,
}  # of Gradio's FileData
NO_ENDPOINT = "There is no such endpoint."
ONE_FILE = "Please send one file a call."


def check_server_function(scope: Mapping[str, Any], payload: dict) -> tuple[str, str]:
    """The name of the server function that is called, and the kind of the request."""
    number, name = payload.get("component_id"), payload.get("fn_name")
    block = scope["app"].get_blocks().blocks.get(number) if type(number) is int else None
    function = getattr(block, name, None) if isinstance(name, str) else None
    if not getattr(function, "_is_server_fn", False):
        raise RequestRejected(404, "The page has no such function. Please reload it.", "no such function")
    if "data" not in payload or payload.get("session_hash") is None:
        raise RequestRejected(422, "A call of a function has data and a session_hash.", "malformed")
    return name, kind_of_function(name)


def check_call(scope: Mapping[str, Any], payload: dict, name: str | None) -> None:
    """A call of an endpoint, for Gradio's queue or past it. name: as in the path; else there is a number.

    Raises RequestRejected unless the endpoint is there and is given as much data as it takes, with one
    uploaded file at most.
    """
    blocks = scope["app"].get_blocks()
    # `unload` is Gradio's own to call, when a page is closed.
    public = {
        number: function
        for number, function in blocks.fns.items()
        if all(event != "unload" for _, event in function.targets)
    }
    number = payload.get("fn_index")
    if name is not None:
        number = next((one for one, function in public.items() if function.api_name == name), None)
    if (
        type(number) is not int
        or number not in public
        or payload.get("fn_index", number) not in (number, None)
    ):
        raise RequestRejected(404, NO_ENDPOINT, "no such function")
    function = public[number]
    if "/call/v2/" in scope["path"]:
        # What a function takes beside its inputs is Gradio's to give: the request, for one.
        _check_named(payload, list(inspect.signature(function.fn).parameters)[: len(function.inputs)])
    else:
        _check_listed(payload, len(function.inputs))
    files = list(_files(payload))
    if len(files) > 1:  # for each, the disk would be asked while everybody waits
        raise RequestRejected(422, ONE_FILE, "malformed")
    if not all(map(_is_uploaded, files)):
        raise RequestRejected(422, NOT_SENT, "malformed")
    session = payload.get("session_hash")
    if len(blocks._queue.pending_event_ids_session.get(session, ())) >= MOST_EVENTS_OF_SESSION:
        raise RequestRejected(
            429, "Too many of your calls wait already. Please fetch their answers.", "at once", 1
        )


def check_events(scope: Mapping[str, Any], session: str | None) -> None:
    """The answers to a call that is known: of others, Gradio would begin to send them and then break off."""
    queue = scope["app"].get_blocks()._queue
    if session is None:
        event = scope["path"].rstrip("/").rpartition("/")[2]
        known = any(event in events for events in queue.pending_event_ids_session.values())
    else:
        known = session in queue.pending_messages_per_session
    if not known:
        raise RequestRejected(
            404, "There is no such call, or its answer was fetched already.", "no such call"
        )


def _check_named(payload: dict, names: list[str]) -> None:
    if payload.keys() != set(names):
        sentence = f"A call of this endpoint names {' and '.join(names)}, and nothing else."
        raise RequestRejected(422, sentence, "malformed")


def _check_listed(payload: dict, wanted: int) -> None:
    data = payload.get("data")
    if not isinstance(data, list) or len(data) != wanted:
        raise RequestRejected(422, f"The data of a call is a list, here of {wanted}.", "malformed")
    if not payload.keys() <= CALL_KEYS:
        raise RequestRejected(422, "A call has data, fn_index and session_hash.", "malformed")


def _files(value: object) -> Iterator[dict]:
    """What stands wherever Gradio would look for a file: it moves files, and fetches addresses.

    The payload is no deeper than `read_object` lets in.
    """
    if isinstance(value, dict):
        if "meta" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _files(one)


def _is_uploaded(file: dict) -> bool:
    typed = all(isinstance(value, FILE_TYPES.get(name, ())) for name, value in file.items())
    return typed and was_uploaded(file.get("path"))

"""The Hugging Face Hub on the page: anybody loads what is public, who is signed in pushes their own.

`hub.html`, `hub.css` and `hub.js` are the part of a tab that shows it; the tab says what is fetched and
pushed. Signing in works on Spaces only, by Gradio's own routes and in a browser tab of its own, because
whoever leaves this page loses their network. The token then comes with each request in a cookie that scripts
cannot read, and is passed on and kept nowhere.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import gradio as gr
from gradio.utils import get_space
from huggingface_hub import constants
from huggingface_hub.utils import disable_progress_bars

from jobs.session import Session
from recognition.hub import check_name, download, newest_commit
from ui.shared.visitors import Payload, ServerFunction, Visitors

AT_ONCE = 2  # transfers, of all visitors together
SECONDS = 60.0  # that a visitor waits for one; the Hub's client gives up later, by itself

BUSY = "Others are sending and fetching networks now. Please try again in a moment."
SLOW = "The Hub takes very long. Please try again later."
NOT_SIGNED_IN = "You are not signed in (any more). Please sign in with Hugging Face."
FOREIGN = "Please push from the page itself."

Push = Callable[[Session, Payload, str, str], None]  # of the visitor's own, to a repository, with a token
Result = TypeVar("Result")

_pool = ThreadPoolExecutor(AT_ONCE, "hub")
_places = threading.BoundedSemaphore(AT_ONCE)


def sign_in() -> gr.LoginButton | None:
    """What has Gradio offer its routes for signing in, on a Space with `hf_oauth`; None elsewhere.

    A button that nobody sees, to be rendered in the page. Made outside of it: inside, it would have every
    page that is opened ask the server who is signed in.
    """
    return gr.LoginButton(visible=False) if can_sign_in() else None


def can_sign_in() -> bool:
    return get_space() is not None and bool(os.environ.get("OAUTH_CLIENT_ID"))


def server_functions(visitors: Visitors, push: Push) -> list[ServerFunction]:
    """What hub.js may call beside the actions: with whoever is signed in, as Gradio says, not the script.

    push: raises ValueError for what cannot be pushed; the second function has its name.
    """

    async def signed_in(payload: object, profile: gr.OAuthProfile | None) -> dict:
        return {"user": profile and profile.username}

    async def push_to_hub(
        payload: object,
        request: gr.Request,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
    ) -> dict:
        """payload: {"name": of the repository, in the visitor's own account}, and what `push` reads in it.
        Returns {"address"}"""
        # The cookie comes with requests that other sites have a visitor's browser make, too.
        is_own_page = request.headers.get("sec-fetch-site") == "same-origin"

        def push_own(session: Session, payload: object) -> dict:
            if profile is None or token is None:
                raise ValueError(NOT_SIGNED_IN)
            if not is_own_page:
                raise ValueError(FOREIGN)
            name = f"{profile.username}/{_text(payload, 'name')}"
            push(session, payload, name, token.token)
            return {"address": f"{constants.ENDPOINT}/{name}"}

        return await visitors.act(push_own, payload, request)

    push_to_hub.__name__ = push.__name__
    return [signed_in, push_to_hub]


def fetched(session: Session, payload: Payload, file: str) -> tuple[str, Callable[[], bytes]]:
    """The name of the repository that was asked for, and what fetches `file` of it.

    payload: {"model": "user/model"}, a public one. Raises ValueError for what is no such name.
    """
    name = check_name(_text(payload, "model"))
    folder, most_bytes = session.shared.folder, session.shared.limits.upload_bytes

    def fetch() -> bytes:
        # token=False: without it, the host's own would open the host's private models to everybody.
        commit = newest_commit(name, token=False)
        with tempfile.TemporaryDirectory(dir=folder, prefix="hub-") as cache:
            options = {"revision": commit, "token": False, "cache_dir": cache}
            return download(name, most_bytes, file, **options).read_bytes()

    return name, lambda: transfer(fetch)


def transfer(work: Callable[[], Result]) -> Result:
    """Does `work` where there is a place for it; ValueError where there is none, or where it takes long.

    What takes long goes on, in its place, until the Hub's client gives up, and its result is dropped.
    """
    if not _places.acquire(blocking=False):
        raise ValueError(BUSY)

    def at_its_place() -> Result:
        try:
            disable_progress_bars()
            return work()
        finally:
            _places.release()

    try:
        return _pool.submit(at_its_place).result(SECONDS)
    except TimeoutError:
        raise ValueError(SLOW) from None


def _text(payload: object, name: str) -> str:
    text = payload.get(name) if isinstance(payload, dict) else None
    return text.strip() if isinstance(text, str) else ""

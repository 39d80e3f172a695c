"""What the Signs tab fetches from the Hugging Face Hub and pushes there: a visitor's own signs."""

from jobs.session import Session
from training.sign_hub import SIGNS_FILE, push_signs
from ui.shared.hub import fetched, transfer
from ui.shared.visitors import Payload


def load_signs_from_hub(session: Session, payload: Payload) -> None:
    """payload: {"model": "user/model"}, a public one; its signs are then what a file's are."""
    name, fetch = fetched(session, payload, SIGNS_FILE)
    session.fetch_signs(lambda path: path.write_bytes(fetch()), f"The file of {name}")


def push_signs_to_hub(session: Session, payload: Payload, name: str, token: str) -> None:
    """payload: {"examples": whether the drawings go with the network}"""
    signs, images = session.current_signs()
    if not isinstance(payload, dict) or payload.get("examples") is not True:
        images = None
    transfer(lambda: push_signs(signs, images, name, token=token))

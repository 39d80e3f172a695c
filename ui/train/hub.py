"""What the Train tab fetches from the Hugging Face Hub and pushes there: networks that read digits."""

from jobs.session import Session
from recognition.hub import WEIGHTS_FILE, push
from recognition.reader import SHIPPED
from ui.shared.hub import fetched, transfer
from ui.shared.visitors import Payload

NOT_YOURS = "There is no network of yours to push. Train, teach or upload one first, and use it."
NO_DIGITS = "Networks that read digits are pushed from here. Download yours: it is one file, and whole."


def load_from_hub(session: Session, payload: Payload) -> None:
    """payload: {"model": "user/model"}, a public one; it is then what an uploaded file is."""
    name, fetch = fetched(session, payload, WEIGHTS_FILE)
    session.fetch(lambda path: path.write_bytes(fetch()), f"The file of {name}")


def push_to_hub(session: Session, payload: Payload, name: str, token: str) -> None:
    """Puts the network in use, if it is the visitor's own, into the repository `name`."""
    weights, evaluation = session.model, session.evaluation
    if weights in SHIPPED.values():
        raise ValueError(NOT_YOURS)
    if not session.in_use.reads_digits:
        raise ValueError(NO_DIGITS)
    mnist_test = evaluation.to_json() if evaluation else {}
    transfer(lambda: push(weights, name, token=token, mnist_test=mnist_test))

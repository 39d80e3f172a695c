"""The Train tab: a training before one's eyes, and what comes out of it.

One component of static files, as the other tabs are: `train.html`, `train.css` and `train.js`. Its script
asks `watch` for what there is to show, over and over, and draws it. What trains is `jobs.session`.
"""

import base64
from dataclasses import asdict

from jobs.session import Session
from recognition.reader import DEFAULT_WEIGHTS
from training.experiment import NETWORKS, Settings
from ui.component import component
from ui.draw.teach import Asked, undo
from ui.server.uploads import uploaded
from ui.shared.visitors import Action, Visitors, picture_of
from ui.train import hub


def build(visitors: Visitors) -> None:
    """Lays out the tab."""
    limits = visitors.workshop.limits
    component(
        "train/train",
        [*visitors.server_functions(ACTIONS), *hub.server_functions(visitors)],
        ("train/hub",),
        signs_in=hub.can_sign_in(),
        networks=[{"name": name, "about": about} for name, about in NETWORKS.items()],
        defaults={name: _defaults(name) for name in NETWORKS},
        most_epochs=limits.epochs,
        most_images=limits.images,
    )


def start(session: Session, asked: Asked) -> None:
    """asked: {"settings": all of them, "drawing": the last one or null}"""
    settings = Settings.from_json(asked.get("settings") if isinstance(asked, dict) else None)
    session.start(settings, picture_of(asked, "drawing"))


def resume(session: Session, asked: Asked) -> None:
    """asked: {"drawing": the last one or null}"""
    session.resume(picture_of(asked, "drawing"))


def pause(session: Session, asked: Asked) -> None:
    session.pause()


def stop(session: Session, asked: Asked) -> None:
    session.stop()


def draw(session: Session, asked: Asked) -> dict:
    """asked: {"drawing": the last one}, to be read anew from now on"""
    drawing = picture_of(asked, "drawing")
    if drawing is not None:
        session.draw(drawing)
    return {}


def use_result(session: Session, asked: Asked) -> None:
    if session.status.active:  # the file is still written to
        raise ValueError("Something is running. Please wait for its end, or stop it.")
    session.use_result()


def discard_result(session: Session, asked: Asked) -> None:
    session.discard_result()


def use_shipped(session: Session, asked: Asked) -> None:
    if session.model != DEFAULT_WEIGHTS:
        session.use(DEFAULT_WEIGHTS)


def download(session: Session, asked: Asked) -> dict:
    """asked: "result" or "model", the one in use. Returns {"file": .npz in base64}"""
    weights = session.result if asked == "result" else session.model
    if weights is None:
        raise ValueError("There is no new model.")
    try:
        return {"file": base64.b64encode(weights.read_bytes()).decode()}
    except OSError:
        raise ValueError("The model is no longer here.") from None


def bring(session: Session, asked: Asked) -> None:
    """asked: {"path": of an uploaded .npz}"""
    with uploaded(asked) as file:
        try:
            session.upload(file)
        except ValueError as error:
            raise ValueError(str(error).replace(file.name, "The file")) from None


ACTIONS: tuple[Action, ...] = (
    start,
    resume,
    pause,
    stop,
    draw,
    use_result,
    discard_result,
    use_shipped,
    undo,
    download,
    bring,
    hub.load_from_hub,
)


def _defaults(network: str) -> dict:
    fresh, fine = Settings.of(network), Settings.of(network, fine_tune=True)
    return {"fresh": asdict(fresh), "fine_tune": asdict(fine)}

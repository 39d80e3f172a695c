"""The Train tab: a training before one's eyes, and what comes out of it.

One component of static files, as the other tabs are: `train.html`, `train.css` and `train.js`. Its script
asks `watch` for what there is to show, over and over, and draws it. What trains is in `jobs`.
"""

import base64
from dataclasses import asdict

from jobs.session import Session
from recognition.export import FORMATS
from training.datasets.registry import CIFAR10, FACTS, FASHION_MNIST, MNIST
from training.export import exported_bytes
from training.own_network.draft import OWN_NET
from training.settings import FRESH, Settings
from ui.component import component
from ui.draw.teach import undo, use_shipped
from ui.server.uploads import uploaded
from ui.shared.hub import can_sign_in, server_functions
from ui.shared.visitors import Action, Payload, Visitors, picture_of, reads_file
from ui.train import building, hub, trying

ABOUT = {
    MNIST: "handwritten digits",
    FASHION_MNIST: "clothes, in grey",
    CIFAR10: "animals and vehicles, in colour",
}


def build(visitors: Visitors) -> None:
    """Lays out the tab."""
    limits = visitors.manager.limits
    component(
        "train/train",
        [*visitors.server_functions(ACTIONS), visitors.forget, *server_functions(visitors, hub.push_to_hub)],
        ("train/stage", "train/outcome", "shared/hub", "train/builder", "train/trying"),
        ("train/watched",),
        signs_in=can_sign_in(),
        pushed_as="my-digits",
        networks=building.cards(),
        kinds=building.kinds(),
        presets=building.presets(),
        datasets=_datasets(),
        defaults={name: _defaults(name) for name in (*FRESH, OWN_NET)},
        most_epochs=limits.epochs,
        most_images=limits.images,
    )


def start(session: Session, payload: Payload) -> None:
    """payload: {"settings": all of them, "drawing": the last one or null}"""
    settings = Settings.from_json(payload.get("settings") if isinstance(payload, dict) else None)
    session.start(settings, picture_of(payload, "drawing"))


def resume(session: Session, payload: Payload) -> None:
    """payload: {"drawing": the last one or null}"""
    session.resume(picture_of(payload, "drawing"))


def pause(session: Session, payload: Payload) -> None:
    session.pause()


def stop(session: Session, payload: Payload) -> None:
    session.stop()


def draw(session: Session, payload: Payload) -> dict:
    """payload: {"drawing": the last one}, to be read anew from now on"""
    drawing = picture_of(payload, "drawing")
    if drawing is not None:
        session.draw(drawing)
    return {}


def use_result(session: Session, payload: Payload) -> None:
    session.use_result()


def discard_result(session: Session, payload: Payload) -> None:
    session.discard_result()


def download(session: Session, payload: Payload) -> dict:
    """payload: "result" or "model", the one in use. Returns {"file": .npz in base64}"""
    weights = session.result if payload == "result" else session.model
    if weights is None:
        raise ValueError("There is no new model.")
    try:
        return {"file": base64.b64encode(weights.read_bytes()).decode()}
    except OSError:
        raise ValueError("The model is no longer here.") from None


@reads_file
def export(session: Session, payload: Payload) -> dict:
    """payload: {"to": a format}, for the model in use. Returns {"file": in base64}, a zip for C"""
    to = payload.get("to") if isinstance(payload, dict) else None
    if not isinstance(to, str) or to not in FORMATS:
        raise ValueError(f"A network can be had as {', '.join(FORMATS)}.")
    return {"file": base64.b64encode(exported_bytes(session.model, to, "my-digits")).decode()}


@reads_file
def upload_model(session: Session, payload: Payload) -> None:
    """payload: {"path": of an uploaded .npz}"""
    with uploaded(payload) as file:
        session.upload(file)


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
    export,
    upload_model,
    hub.load_from_hub,
    building.check_layers,
    trying.samples,
    trying.read_picture,
)


def _defaults(network: str) -> dict:
    """What suits a network; what suits the small one, where its layers are the visitor's own."""
    of = "small_net" if network == OWN_NET else network
    fresh, fine = Settings.of(of), Settings.of(of, fine_tune=True)
    return {"fresh": asdict(fresh), "fine_tune": asdict(fine)}


def _datasets() -> list[dict]:
    """What can be trained on: {"name", "title", "about", "classes", "shape", "images"}."""
    return [
        {
            "name": name,
            "title": facts.title,
            "about": ABOUT[name],
            "classes": facts.classes,
            "shape": facts.input_shape,
            "images": facts.images,
        }
        for name, facts in FACTS.items()
    ]

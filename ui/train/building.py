"""Build your network, on the Train tab: what its editor offers, and what the server says of a list of layers.

`builder.html`, `builder.css` and `builder.js` are the part of the tab that shows it. What fits, and what it
costs, is said by `training.own_network`.
"""

from jobs.session import Session
from training.datasets.registry import CIFAR10, FACTS
from training.own_network.blocks import KINDS, OUTSIDE, Field
from training.own_network.draft import OWN_NET, Row, read_draft
from training.own_network.pace import pace
from training.own_network.presets import PRESETS, SMALL
from training.own_network.python_text import python_text
from training.settings import NETWORKS_FOR
from ui.shared.visitors import Payload

READY = "ready:"  # before a preset's name, where it is offered beside the networks of `cnn.ARCHITECTURES`
READY_CARDS = {
    CIFAR10: {
        SMALL: "Small: three convolutions. Good in a minute or two.",
        "residual": "Residual: shortcuts around its layers.",
        "regression": "No hidden layer: softmax regression.",
    }
}
OWN_CARD = "Your own: build it, layer by layer."


def cards() -> list[dict]:
    """The networks to choose from: {"name", "about", "datasets": which they are for, as words}."""
    found: dict[str, dict] = {}
    for dataset, networks in NETWORKS_FOR.items():
        ready = {READY + name: about for name, about in READY_CARDS.get(dataset, {}).items()}
        for name, about in (ready | networks | {OWN_NET: OWN_CARD}).items():
            card = found.setdefault(name, {"name": name, "about": about, "datasets": ""})
            card["datasets"] = f"{card['datasets']} {dataset}".strip()
    own = found.pop(OWN_NET)
    return [*found.values(), own]


def kinds() -> list[dict]:
    """The kinds of layers: {"name", "title", "inside": whether a residual block may hold it, "fields"}."""
    return [
        {
            "name": kind.name,
            "title": kind.title,
            "inside": kind.layer not in OUTSIDE,
            "fields": [_field(field) for field in kind.fields],
        }
        for kind in KINDS.values()
    ]


def presets() -> list[dict]:
    """Ready networks: {"name", "title", "blocks": by the name of a data set}."""
    return [
        {
            "name": name,
            "title": preset.title,
            "blocks": {
                dataset: preset.blocks(facts.input_shape, len(facts.classes))
                for dataset, facts in FACTS.items()
            },
        }
        for name, preset in PRESETS.items()
    ]


def check_layers(session: Session, payload: Payload) -> dict:
    """payload: {"layers": JSON, "dataset": a name, "images": of an epoch} -> all that there is to show."""
    asked = payload if isinstance(payload, dict) else {}
    dataset, images = asked.get("dataset"), asked.get("images")
    if not isinstance(dataset, str) or dataset not in FACTS:
        raise ValueError(f"There is no such data set; there are {', '.join(FACTS)}.")
    if type(images) is not int or not 0 <= images <= FACTS[dataset].images:
        images = FACTS[dataset].images
    facts = FACTS[dataset]
    draft = read_draft(asked.get("layers"), facts.input_shape, len(facts.classes))
    return {
        "rows": [_row(row) for row in draft.rows],
        "trouble": draft.trouble,
        "parameters": draft.parameters,
        "operations": draft.operations,
        "seconds": None if draft.trouble else pace().seconds(draft, images),
        "most_pictures": draft.most_pictures(),
        "python": python_text(draft, dataset),
    }


def _row(row: Row) -> dict:
    return {
        "shape": row.shape,
        "parameters": row.parameters,
        "trouble": row.trouble,
        "rows": [_row(inner) for inner in row.rows],
    }


def _field(field: Field) -> dict:
    return {name: getattr(field, name) for name in ("name", "title", "low", "high", "default", "step")}

"""The settings that a visitor may choose for a training, and those that suit each network."""

from dataclasses import dataclass, fields, replace

from training.datasets.registry import CIFAR10, FACTS, FASHION_MNIST, MNIST
from training.own_network.draft import OWN_NET, Draft, read_draft

NETWORKS = {
    "small_net": "Small: two convolutions. Good in seconds.",
    "seed_net": "Simple: one convolution, two dense layers.",
    "digit_net": "Best: five convolutions. Takes minutes.",
    "softmax_regression": "No hidden layer: softmax regression.",
}
NETWORKS_FOR = {  # by data set; OWN_NET goes with all
    MNIST: NETWORKS,
    FASHION_MNIST: {
        **{name: about for name, about in NETWORKS.items() if name != "digit_net"},
        "grey_net": "Best: seven convolutions. Takes many minutes.",
    },
    CIFAR10: {"colour_net": "Best: seven convolutions. Takes many minutes."},
}
OPTIMIZERS = ("AdamW", "SGD")
MOMENTUM = 0.9  # of SGD
WEIGHT_DECAY = 0.01  # of AdamW
WARM_UP = 0.2  # share of all steps in which the learning rate rises


@dataclass(frozen=True)
class Settings:
    """The settings of a training. Raises ValueError, worded for the visitor, for impossible ones.

    network: one of NETWORKS_FOR[dataset], or OWN_NET. fine_tune: start from given weights, not from random
    ones. epochs: passes over the images. images: how many of the training images are used. batch_size: images
    per step. learning_rate: the peak of a cycle. optimizer: one of OPTIMIZERS. augmentation: whether every
    picture is changed a little each time it is used. dropout: share of the last layer's inputs that are
    zeroed at random, 0 to 0.9. seed: equal settings and seeds give equal weights. dataset: by its name in the
    registry. layers: of OWN_NET, as `training.own_network.draft` reads them; of one that is fine-tuned, its
    file has them.
    """

    network: str = "small_net"
    fine_tune: bool = False
    epochs: int = 3
    images: int = 55_000
    batch_size: int = 64
    learning_rate: float = 5e-3
    optimizer: str = "AdamW"
    augmentation: bool = False
    dropout: float = 0.0
    seed: int = 0
    dataset: str = MNIST
    layers: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, str) or self.dataset not in FACTS:
            raise ValueError(f"There is no data set {self.dataset!r}; there are {', '.join(FACTS)}.")
        networks = (*NETWORKS_FOR[self.dataset], OWN_NET)
        if not isinstance(self.network, str) or self.network not in networks:
            pictures = "" if self.dataset == MNIST else f" for {FACTS[self.dataset].title}"
            raise ValueError(
                f"There is no network {self.network!r}{pictures}; there are {', '.join(networks)}."
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {self.optimizer!r}; there are {', '.join(OPTIMIZERS)}.")
        for name, low, high in (
            ("epochs", 1, 1000),
            ("images", 100, 55_000),
            ("batch_size", 8, 512),
            ("seed", 0, 2**31 - 1),
        ):
            self._check(name, int, low, high)
        self._check("learning_rate", (int, float), 1e-6, 1.0)
        self._check("dropout", (int, float), 0.0, 0.9)
        for name in ("fine_tune", "augmentation"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{_words(name)} must be yes or no, got {getattr(self, name)!r}.")
        if self.batch_size > self.images:
            raise ValueError(f"A batch of {self.batch_size} is larger than the {self.images} images used.")
        self._check_layers()

    @property
    def draft(self) -> Draft:
        """What `layers` make, of a network of one's own. Raises ValueError for what is no list of layers."""
        facts = FACTS[self.dataset]
        return read_draft(self.layers, facts.input_shape, len(facts.classes))

    def _check_layers(self) -> None:
        if not isinstance(self.layers, str):
            raise ValueError("The layers of a network are sent as text.")
        if self.network != OWN_NET or self.fine_tune:
            if self.layers:
                raise ValueError("Only a network of your own that begins anew comes with a list of layers.")
            return
        draft = self.draft
        if draft.trouble:
            raise ValueError(draft.trouble)
        draft.check_batch(self.batch_size)

    def _check(self, name: str, kind: type | tuple[type, ...], low: float, high: float) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
            number = "a whole number" if kind is int else "a number"
            raise ValueError(f"{_words(name)} must be {number} from {low:,} to {high:,}, got {value!r}.")

    @classmethod
    def of(cls, network: str, **changes: object) -> "Settings":
        """The default settings of a network, fresh or with fine_tune=True, with `changes` applied."""
        defaults = FINE_TUNING if changes.get("fine_tune") else FRESH
        return replace(defaults.get(network, defaults["small_net"]), **{"network": network, **changes})

    @classmethod
    def from_json(cls, values: object) -> "Settings":
        """The inverse of `dataclasses.asdict`, for untrusted input: raises ValueError for anything else.

        Files of earlier versions have neither `dataset` nor `layers`.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or not names - {"dataset", "layers"} <= values.keys() <= names:
            raise ValueError("The settings of this training are incomplete or from another version.")
        return cls(**values)

    def within(self, *, epochs: int, images: int) -> tuple["Settings", str]:
        """These settings with both limits applied, and a sentence about what was lowered, or ""."""
        most = {"epochs": epochs, "images": images}
        lowered = {name: value for name, value in most.items() if getattr(self, name) > value}
        if not lowered:
            return self, ""
        allowed = " and ".join(f"{value:,} {name}" for name, value in lowered.items())
        lowered["batch_size"] = min(self.batch_size, lowered.get("images", self.images))
        return replace(self, **lowered), f"This host allows at most {allowed}, so the training uses that."


FRESH = {
    "small_net": Settings("small_net"),
    "seed_net": Settings("seed_net", epochs=3, learning_rate=0.1, optimizer="SGD"),
    "digit_net": Settings("digit_net", epochs=2, batch_size=128, learning_rate=3e-3),
    "softmax_regression": Settings("softmax_regression"),
    "grey_net": Settings(
        "grey_net", epochs=3, batch_size=128, learning_rate=4e-3, augmentation=True, dataset=FASHION_MNIST
    ),
    "colour_net": Settings(
        "colour_net", epochs=4, batch_size=128, learning_rate=4e-3, augmentation=True, dataset=CIFAR10
    ),
}
FINE_TUNING = {
    name: replace(
        settings, fine_tune=True, epochs=1, images=10_000, learning_rate=settings.learning_rate / 10
    )
    for name, settings in FRESH.items()
}


def _words(name: str) -> str:
    """ "batch_size" -> "Batch size"."""
    return name.replace("_", " ").capitalize()

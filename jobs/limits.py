"""The host's limits for visitors, set by environment variables; the defaults suit a public Space."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

PREFIX = "DIGITS_MAX_"


@dataclass(frozen=True)
class Limits:
    """Positive integers. The environment variable DIGITS_MAX_EPOCHS sets `epochs`, and so on.

    `Limits()` has the defaults, `Limits.from_environment()` the host's values.
    """

    epochs: int = 30  # of one training
    images: int = 55_000  # of MNIST, in one training
    seconds: int = 600  # of one training, over all its sessions; a worker that takes longer is killed
    trainings: int = 1  # at once, of all visitors
    teachings: int = 1  # at once; fine-tunings and tests take seconds and do not wait behind trainings
    waiting: int = 8  # jobs in each of the two queues
    examples: int = 50  # labelled drawings of one visitor
    sign_examples: int = 200  # of one visitor's own signs together; more than 200 are never learned
    upload_bytes: int = 20_000_000  # of a weights file or a zip of examples
    model_bytes: int = 60_000_000  # of one visitor's models; beyond it the oldest for `undo` are deleted
    stored_bytes: int = 1_000_000_000  # of all uploads and all visitors' models together
    picture_seconds: int = 10  # to read a photo or a zip of examples; then the process is killed
    picture_bytes: int = 800_000_000  # of that process's memory
    visitors: int = 100  # who have a model, examples or a job of their own
    address_percent: int = 40  # of visitors, waiting jobs and stored bytes, for one address
    idle_seconds: int = 1800  # of inactivity until a session without a running job is closed
    away_seconds: int = 600  # the same after the page was closed or lost its connection

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"{PREFIX}{field.name.upper()} must be a whole number of 1 or more, got {value!r}"
                )

    def share(self, total: int) -> int:
        """The share of `total` for one address, at least 1."""
        return max(1, total * self.address_percent // 100)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Limits":
        """Raises ValueError, naming the variable, if one is not a positive whole number."""
        chosen = {}
        for field in fields(cls):
            text = environment.get(PREFIX + field.name.upper(), "").strip()
            if text:
                chosen[field.name] = int(text) if text.isascii() and text.isdecimal() else text
        return cls(**chosen)

"""The host's bounds for visitors: numbers from environment variables, with defaults for a public Space."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

PREFIX = "DIGITS_MAX_"


@dataclass(frozen=True)
class Limits:
    """Positive whole numbers; the environment variable DIGITS_MAX_EPOCHS sets `epochs`, and so on for all.

    `Limits()` has the defaults, `Limits.from_environment()` what the host sets.
    """

    epochs: int = 30  # of one training
    images: int = 55_000  # of MNIST that one training uses
    seconds: int = 600  # of one training, over all its parts; a worker that takes longer is killed
    trainings: int = 1  # at once, all visitors together
    teachings: int = 1  # at once; they and tests of models take seconds and do not wait behind trainings
    waiting: int = 8  # jobs in each of the two queues
    examples: int = 50  # a visitor's own drawings
    upload_bytes: int = 20_000_000  # of a weights file or a zip of examples
    model_bytes: int = 60_000_000  # of a visitor's models; the oldest that `undo` goes back to make room
    stored_bytes: int = 1_000_000_000  # of all uploads and all visitors' models together
    picture_seconds: int = 10  # to read a photo, or a zip of examples; then its process is killed
    picture_bytes: int = 800_000_000  # of memory of that process
    visitors: int = 100  # with a model, a collection or a job of their own
    address_percent: int = 40  # of visitors, waiting jobs and stored bytes, that one address may hold
    idle_seconds: int = 1800  # without a sign of a visitor until theirs is freed, if nothing of it runs
    away_seconds: int = 600  # the same once the page was closed or lost its connection

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"{PREFIX}{field.name.upper()} must be a whole number of 1 or more, got {value!r}"
                )

    def share(self, total: int) -> int:
        """What one address may hold of `total`: at least 1."""
        return max(1, total * self.address_percent // 100)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Limits":
        """ValueError, naming the variable, where one is no positive whole number."""
        chosen = {}
        for field in fields(cls):
            text = environment.get(PREFIX + field.name.upper(), "").strip()
            if text:
                chosen[field.name] = int(text) if text.isascii() and text.isdecimal() else text
        return cls(**chosen)

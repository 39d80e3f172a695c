"""What reading a picture gives: the answer for each digit, and for the whole picture."""

from dataclasses import dataclass, replace

import numpy as np

RULED_OUT = 0.99  # least share of "not a digit" where it is no network that rejects a sign, but a rule


@dataclass(frozen=True)
class Digit:
    """One sign in a picture and how the network classified it."""

    box: tuple[int, int, int, int]  # (x, y, width, height) in pixels of the picture
    image: np.ndarray  # (28, 28) uint8: the network's input
    probs: np.ndarray  # (10,) float32, softmax, sums to 1
    digit: int | None  # 0 to 9, or None for ink that was rejected as not a digit
    confidence: float  # 0 to 1: the largest probability
    line: int = 0  # index of its line of writing, from the top
    reject_share: float = 0.0  # 0 to 1: of "not a digit", in `shares`; above 1/2 where `digit` is None

    @property
    def shares(self) -> np.ndarray:
        """(11,) float64, sums to 1: of each digit, and last of "not a digit"."""
        return np.append((1 - self.reject_share) * self.probs.astype(np.float64), self.reject_share)

    def rejected(self) -> "Digit":
        """The same sign, rejected for what the network cannot see: a blot, or what is around it."""
        return replace(self, digit=None, reject_share=max(self.reject_share, RULED_OUT))


@dataclass(frozen=True)
class Stage:
    """What a photo looks like after one step of preprocessing."""

    name: str
    picture: np.ndarray  # uint8, (H, W) or (H, W, 3)


@dataclass(frozen=True)
class Reading:
    """All digits of a picture in reading order: lines from the top, each from the left."""

    digits: tuple[Digit, ...]
    message: str = ""  # for a person: why there is no answer; "" where there is one
    stages: tuple[Stage, ...] = ()  # of a photo, in the order they were made

    @property
    def text(self) -> str:
        """A line of text for each line of writing: "7", "42"; "?" for a rejected sign, "" for no sign."""
        lines: dict[int, str] = {}
        for found in self.digits:
            lines[found.line] = lines.get(found.line, "") + ("?" if found.digit is None else str(found.digit))
        return "\n".join(lines.values())

    def to_json(self) -> dict:
        """Plain lists and numbers: the JSON of the page's endpoints."""
        return {
            "text": self.text,
            "message": self.message,
            "digits": [
                {
                    "digit": found.digit,
                    "confidence": round(found.confidence, 4),
                    "probs": [round(float(p), 4) for p in found.probs],
                    "shares": [round(float(share), 4) for share in found.shares],
                    "box": list(found.box),
                    "line": found.line,
                }
                for found in self.digits
            ],
        }

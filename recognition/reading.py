"""What reading a picture gives: the answer for each digit, and for the whole picture."""

from dataclasses import dataclass, replace

import numpy as np

RULED_OUT = 0.99  # least share of "not a digit" where it is no network that rejects a sign, but a rule
SUDOKU = (9, 9)


@dataclass(frozen=True)
class Digit:
    """One sign in a picture and how the network classified it."""

    box: tuple[int, int, int, int]  # (x, y, width, height) in pixels of the picture
    image: np.ndarray  # (28, 28) uint8: the network's input
    probs: np.ndarray  # (10,) float32, softmax, sums to 1
    digit: int | None  # 0 to 9, or None for ink that was rejected as not a digit
    confidence: float  # 0 to 1: the largest probability
    line: int = 0  # index of its line of writing, or row of a table, from the top
    word: int = 0  # index of its word in that line: words have wide gaps between them
    column: int | None = None  # index of its column, from the left, where it stands in a cell of a table
    reject_share: float = 0.0  # 0 to 1: of "not a digit", in `shares`; above 1/2 where `digit` is None

    @property
    def shares(self) -> np.ndarray:
        """(11,) float64, sums to 1: of each digit, and last of "not a digit"."""
        return np.append((1 - self.reject_share) * self.probs.astype(np.float64), self.reject_share)

    def rejected(self) -> "Digit":
        """The same sign, rejected for what the network cannot see: a blot, or what is around it."""
        return replace(self, digit=None, reject_share=max(self.reject_share, RULED_OUT))


@dataclass(frozen=True)
class Separator:
    """A dash, slash, full stop, comma or colon between two digits, or a minus before the first."""

    box: tuple[int, int, int, int]
    separator: str
    confidence: float  # 0 to 1: its probability
    line: int = 0
    word: int = 0
    column: int | None = None


@dataclass(frozen=True)
class Stage:
    """What a photo looks like after one step of preprocessing."""

    name: str
    picture: np.ndarray  # uint8, (H, W) or (H, W, 3)


@dataclass(frozen=True)
class Reading:
    """What stands in a picture in reading order: lines from the top, each from the left."""

    symbols: tuple[Digit | Separator, ...]
    message: str = ""  # for a person: why there is no answer; "" where there is one
    stages: tuple[Stage, ...] = ()  # of a photo, in the order they were made
    cells: tuple[int, int] | None = None  # rows and columns of the table that the digits stand in, if any
    provisional: bool = False  # whether the pen still moved, and there may be more to it once that rests
    turned: int = 0  # degrees clockwise by which a photo was turned before it made sense: 0, 90, 180, 270

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits alone."""
        return tuple(symbol for symbol in self.symbols if isinstance(symbol, Digit))

    @property
    def text(self) -> str:
        """A line of text for each line of writing: "7", "12/21/91", "12345 67891".

        A space stands for the gap between two words, "?" for a rejected sign, "" for no sign. Tabs part the
        cells of a table. A sudoku is nine lines of nine, "." an empty cell.
        """
        if self.cells is not None:
            return self._table()
        lines: dict[int, list[str]] = {}
        word = None
        for symbol in self.symbols:
            written = lines.setdefault(symbol.line, [])
            if written and symbol.word != word:
                written.append(" ")
            word = symbol.word
            written.append(symbol_text(symbol))
        return "\n".join("".join(written) for written in lines.values())

    def _table(self) -> str:
        rows, columns = self.cells
        table = [[""] * columns for _ in range(rows)]
        for symbol in self.symbols:
            table[symbol.line][symbol.column] += symbol_text(symbol)
        if self.cells == SUDOKU and max(len(text) for row in table for text in row) <= 1:
            return "\n".join("".join(text or "." for text in row) for row in table)
        return "\n".join("\t".join(row).rstrip("\t") for row in table)

    def to_json(self) -> dict:
        """Plain lists and numbers: the JSON of the page's endpoints."""
        return {
            "text": self.text,
            "message": self.message,
            "turned": self.turned,
            "cells": self.cells and list(self.cells),
            "symbols": [
                {
                    "symbol": symbol_text(symbol),
                    "confidence": round(symbol.confidence, 4),
                    "box": list(symbol.box),
                    "line": symbol.line,
                    "column": symbol.column,
                }
                for symbol in self.symbols
            ],
            "digits": [
                {
                    "digit": found.digit,
                    "confidence": round(found.confidence, 4),
                    "probs": [round(float(p), 4) for p in found.probs],
                    "shares": [round(float(share), 4) for share in found.shares],
                    "box": list(found.box),
                    "line": found.line,
                    "column": found.column,
                }
                for found in self.digits
            ],
        }


def symbol_text(symbol: Digit | Separator) -> str:
    """The character that it is written as; "?" for a rejected sign."""
    if isinstance(symbol, Separator):
        return symbol.separator
    return "?" if symbol.digit is None else str(symbol.digit)

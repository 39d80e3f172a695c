"""Which trainings a sweep consists of, from a TOML file.

recipe = "seed"            # one of training.recipes
seeds = [0, 1, 2]          # every choice of settings is trained with each
search = "grid"            # or "random"
runs = 10                  # of a random search: how many choices

[settings]                 # of the recipe
learning_rate = [0.01, 0.03]               # a list: each of them
batch_size = { low = 32, high = 256 }      # random alone: any between
weight_decay = { low = 1e-4, high = 0.1, log = true }
"""

import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from training.recipe import Recipe
from training.recipes import RECIPES

KEYS = {"recipe", "seeds", "search", "runs", "settings"}
MOST_RUNS = 1000
MOST_BYTES = 100_000  # of the file


@dataclass(frozen=True)
class Run:
    """One training: a recipe with some settings changed, and a seed."""

    recipe: str
    settings: dict[str, int | float]
    seed: int

    @property
    def key(self) -> str:
        """The same for equal runs alone."""
        content = json.dumps([self.recipe, sorted(self.settings.items()), self.seed])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def build(self) -> Recipe:
        """The recipe. Raises ValueError for a setting that is out of range."""
        return replace(RECIPES[self.recipe](), **self.settings, seed=self.seed)


def read_plan(path: Path) -> list[Run]:
    """The trainings that a file asks for. Raises ValueError, in a sentence that names what is wrong."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is too large for settings of a sweep")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no TOML: {error}") from error
    if unknown := content.keys() - KEYS:
        raise ValueError(f"{path.name} has unknown keys: {', '.join(sorted(unknown))}")
    recipe = content.get("recipe")
    if recipe not in RECIPES:
        raise ValueError(f"recipe in {path.name} must be one of {', '.join(RECIPES)}, got {recipe!r}")
    seeds = content.get("seeds", [0])
    if not isinstance(seeds, list) or not seeds or not all(type(one) is int and one >= 0 for one in seeds):
        raise ValueError(f"seeds in {path.name} must be a list of whole numbers of at least 0, got {seeds!r}")
    settings = content.get("settings", {})
    kinds = {field.name: field.type for field in fields(RECIPES[recipe]) if field.type in (int, float)}
    kinds.pop("seed")
    for name in settings:
        if name not in kinds:
            raise ValueError(f"the recipe {recipe} has no setting {name}; it has {', '.join(kinds)}")
    search = content.get("search", "grid")
    if search == "grid":
        choices = _grid(path, settings)
    elif search == "random":
        choices = _random(path, settings, content.get("runs", 10), kinds)
    else:
        raise ValueError(f'search in {path.name} must be "grid" or "random", got {search!r}')
    runs = [Run(recipe, choice, seed) for choice in choices for seed in dict.fromkeys(seeds)]
    if len(runs) > MOST_RUNS:
        raise ValueError(f"{path.name} asks for {len(runs)} trainings; at most {MOST_RUNS} are run")
    for run in runs:
        run.build()
    return runs


def _grid(path: Path, settings: dict) -> list[dict]:
    for name, values in settings.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{name} in {path.name} must be a list of values: a range needs a random search")
    return [
        dict(zip(settings, values, strict=True))
        for values in itertools.product(*map(_once, settings.values()))
    ]


def _random(path: Path, settings: dict, count: object, kinds: dict[str, type]) -> list[dict]:
    """The same choices for the same file: they are drawn from the position alone."""
    if type(count) is not int or not 1 <= count <= MOST_RUNS:
        raise ValueError(f"runs in {path.name} must be 1 to {MOST_RUNS}, got {count!r}")
    rng = np.random.default_rng(0)
    return [
        {name: _drawn(path, name, values, kinds[name], rng) for name, values in settings.items()}
        for _ in range(count)
    ]


def _drawn(path: Path, name: str, values: object, kind: type, rng: np.random.Generator) -> int | float:
    if isinstance(values, list) and values:
        return values[rng.integers(len(values))]
    known = isinstance(values, dict) and values.keys() <= {"low", "high", "log"}
    numbers = [values.get(end) for end in ("low", "high")] if known else []
    if not known or not all(type(one) in (int, float) and math.isfinite(one) for one in numbers):
        raise ValueError(f"{name} in {path.name} must be a list, or low and high, and perhaps log")
    low, high = numbers
    is_log = values.get("log", False)
    if not low < high or (is_log and low <= 0):
        raise ValueError(f"{name} in {path.name}: low must be below high{', and above 0' if is_log else ''}")
    drawn = float(np.exp(rng.uniform(np.log(low), np.log(high))) if is_log else rng.uniform(low, high))
    return round(drawn) if kind is int else drawn


def _once(values: Sequence) -> list:
    """Without repetitions; 1 and True are two."""
    return list({json.dumps(value): value for value in values}.values())

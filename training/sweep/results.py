"""What came out of a sweep: kept run by run, as a table with the spread over the seeds, and as a picture."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from cnn.storage import atomic_write
from training.evaluate import new_figure, save_figure
from training.sweep.plan import Run

TABLE, PICTURE = "results.csv", "results.png"


@dataclass(frozen=True)
class Row:
    """All runs of one choice of settings: their accuracies on the validation images, 0 to 1."""

    settings: dict[str, int | float]
    accuracies: tuple[float, ...]
    seconds: float  # mean

    @property
    def mean(self) -> float:
        return fmean(self.accuracies)


class Results:
    """A folder with a file a run, written when that ends, so that a sweep can go on where it stopped."""

    def __init__(self, folder: Path, data: str) -> None:
        """data: what is trained on. ValueError where the folder has results on something else."""
        self.folder = folder
        about = folder / "about.json"
        if not about.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _write(about, {"data": data})
        elif (before := json.loads(about.read_text(encoding="utf-8"))["data"]) != data:
            raise ValueError(f"{folder} has results on {before}, not on {data}: choose another --out")

    def of(self, run: Run) -> dict | None:
        path = self._path(run)
        return json.loads(path.read_text(encoding="utf-8"))["result"] if path.exists() else None

    def keep(self, run: Run, result: dict) -> None:
        content = {"recipe": run.recipe, "settings": run.settings, "seed": run.seed, "result": result}
        _write(self._path(run), content)

    def strangers(self, runs: Sequence[Run]) -> int:
        """How many results there are of runs that are not among these, as the settings were others then."""
        known = {run.key for run in runs}
        return sum(path.stem not in known for path in self.folder.glob("runs/*.json"))

    def rows(self, runs: Sequence[Run]) -> list[Row]:
        """A row for each choice of settings that has results, the best first."""
        found: dict[str, list[tuple[Run, dict]]] = {}
        for run in runs:
            result = self.of(run)
            if result is not None:
                found.setdefault(json.dumps(run.settings, sort_keys=True), []).append((run, result))
        rows = [
            Row(
                pairs[0][0].settings,
                tuple(result["accuracy"] for _, result in pairs),
                fmean(result["seconds"] for _, result in pairs),
            )
            for pairs in found.values()
        ]
        return sorted(rows, key=lambda row: -row.mean)

    def _path(self, run: Run) -> Path:
        return self.folder / "runs" / f"{run.key}.json"


def table_of(rows: Sequence[Row]) -> list[list[str]]:
    """A head, and a line for each row."""
    names = list(dict.fromkeys(name for row in rows for name in row.settings))
    head = [*names, "accuracy %", "lowest", "highest", "seeds", "seconds"]
    lines = [
        [
            *(f"{row.settings[name]:g}" for name in names),
            *(f"{100 * value:.2f}" for value in (row.mean, min(row.accuracies), max(row.accuracies))),
            str(len(row.accuracies)),
            f"{row.seconds:.0f}",
        ]
        for row in rows
    ]
    return [head, *lines]


def save_table(path: Path, table: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)


def draw_rows(path: Path, rows: Sequence[Row]) -> None:
    """A line for each choice: a dot for each seed, and a bar at their mean."""
    figure = new_figure(8, 1.2 + 0.4 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        axes.plot([100 * one for one in row.accuracies], [place] * len(row.accuracies), "o", color="tab:blue")
        axes.plot([100 * row.mean], [place], "|", color="black", markersize=16)
    labels = [
        ", ".join(f"{name} {value:g}" for name, value in row.settings.items()) or "as it is" for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy on the validation images, %: a dot a seed, | their mean")
    axes.grid(axis="x", alpha=0.3)
    save_figure(figure, path)


def _write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(json.dumps(content, indent=1).encode())

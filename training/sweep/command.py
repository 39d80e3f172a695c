"""python -m training sweep SETTINGS.toml"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recognition.command_line import INTERRUPTED
from training.sweep.on_dask import run_all
from training.sweep.plan import Run, read_plan
from training.sweep.results import PICTURE, TABLE, Results, draw_rows, save_table, table_of

FUNCTION = "training.sweep.train:train"


def sweep(options: argparse.Namespace) -> int:
    """Train all runs that have no result yet. Returns 0, 1 where some still have none, 130 after Ctrl-C."""
    runs = read_plan(options.settings)
    data = options.data and options.data.resolve()
    out = options.out or Path("sweeps") / options.settings.stem
    results = Results(out, f"{runs[0].build().dataset if data is None else data}")
    missing = [run for run in runs if results.of(run) is None]
    print(f"{len(runs)} trainings, {len(runs) - len(missing)} of them done before.", flush=True)
    if strangers := results.strangers(runs):
        print(f"{out} has {strangers} results of other settings too; they are kept and not shown.")
    failed = 0
    if missing:
        try:
            failed = _run_and_keep(missing, data, results, options)
        except KeyboardInterrupt:
            print("Stopped. The results so far are kept: the same command goes on.")
            return INTERRUPTED
    rows = results.rows(runs)
    if rows:
        table = table_of(rows)
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
        print()
        for line in table:
            print("  ".join(value.rjust(width) for value, width in zip(line, widths, strict=True)))
        save_table(out / TABLE, table)
        draw_rows(out / PICTURE, rows)
        print(f"\nSaved {out / TABLE} and {out / PICTURE}")
    if failed:
        print(f"{failed} trainings have no result. The same command tries them again.")
    return 1 if failed else 0


def _run_and_keep(
    missing: Sequence[Run], data: Path | None, results: Results, options: argparse.Namespace
) -> int:
    """Run what is missing and keep each result as it comes. Returns how many have none in the end."""
    failed = 0
    calls = [(run, data) for run in missing]
    for position, found in run_all(FUNCTION, calls, scheduler=options.scheduler, workers=options.workers):
        run = missing[position]
        name = ", ".join(f"{key} {value:g}" for key, value in {**run.settings, "seed": run.seed}.items())
        if isinstance(found, Exception):
            failed += 1
            print(f"{name}: failed: {found}", flush=True)
        else:
            results.keep(run, found)
            ending = ", diverged" if found.get("diverged") else ""
            print(f"{name}: {100 * found['accuracy']:.2f} % in {found['seconds']:.0f} s{ending}", flush=True)
    return failed


def add_sweep(add) -> None:
    """Declare the command. add: as of `training.commands.add_commands`."""
    command = add("sweep", sweep, "Train many settings and seeds, on Dask, and compare them.")
    command.add_argument("settings", type=Path, metavar="SETTINGS.toml")
    command.add_argument("--out", type=Path, help="default: sweeps/NAME, which a second call goes on with")
    command.add_argument("--scheduler", metavar="ADDRESS", help="default: processes on this machine")
    command.add_argument("--workers", type=int, help="processes on this machine; default: one a core")

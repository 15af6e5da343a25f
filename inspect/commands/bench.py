"""Measure a bundle on every engine of this machine and pick the fastest that is proved and fits the budget.

    taktsight bench tile.taktsight
    taktsight bench tile.taktsight --budget 40ms --station line1.yaml

Each engine and number of threads runs in a process of its own; blocks of parts alternate between them, so
that what disturbs the machine disturbs all. Measured is from the frame to the verdict. Only engines that
the bundle was proved on are picked; --station writes the choice into the station file.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from taktsight.bundle import read_bundle
from taktsight.errors import BundleError, ConfigError
from taktsight.inspect.engines import ON_A_GPU, ON_THIS_CPU, engine_named, installed
from taktsight.inspect.trials.choice import Measured, budget_ms, choose, write_backend
from taktsight.inspect.trials.trial import Trial, open_trials

BLOCK = 20
"""Parts that one engine judges before it is the next one's turn."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle")
    parser.add_argument("--budget", metavar="TIME", help="frame to verdict at p99.9, such as 40ms")
    parser.add_argument("--parts", type=int, default=400, help="judged by each engine (400)")
    parser.add_argument("--station", type=Path, metavar="YAML", help="write the choice into this station")
    parser.add_argument("--out", type=Path, metavar="JSON", help="write what was measured")


def main(arguments: argparse.Namespace) -> int:
    """0 when an engine was picked, 1 when none fits."""
    if arguments.parts < BLOCK:
        raise ConfigError(f"--parts must be {BLOCK} or more: percentiles of fewer say nothing")
    budget = budget_ms(arguments.budget) if arguments.budget else None
    bundle = read_bundle(arguments.bundle)
    if not bundle.card.golden:
        raise BundleError(f"{arguments.bundle}: holds no golden sample to measure with")
    every = ON_THIS_CPU + ON_A_GPU
    engines = [name for name in every if installed(name) and _is_held(name, bundle.models)]
    cores = len(os.sched_getaffinity(0))
    proved = {parity.engine for parity in bundle.card.parity}
    with open_trials(arguments.bundle, engines, sorted({1, cores}), proved) as trials:
        _measure(trials, arguments.parts)
        measured = [trial.measured(bundle.card) for trial in trials]
    console = Console(highlight=False)
    console.print(_table(measured, budget))
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(each) for each in measured], indent=1) + "\n")
    best = choose(measured, budget)
    if best is None:
        console.print(
            "no engine that the bundle was proved on fits the budget: raise it, or shrink the canvas"
        )
        return 1
    console.print(f"choice: {best.engine}, {best.threads} thread{'s' if best.threads > 1 else ''}")
    if arguments.station:
        write_backend(arguments.station, best)
        console.print(f"written to {arguments.station}")
    return 0


def _is_held(name: str, models: Mapping[str, bytes]) -> bool:
    """Whether the bundle has the model that the engine would run."""
    return engine_named(name).precision in {*models, "bf16"}


def _measure(trials: list[Trial], parts: int) -> None:
    for _ in track(range(-1, parts // BLOCK), "measuring", transient=True):  # the first block warms up
        for trial in trials:
            trial.judge(BLOCK)
    for trial in trials:
        trial.forget_first(BLOCK)


def _table(measured: list[Measured], budget: float | None) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    for column in ("threads", "p50 ms", "p99", "p99.9", "engine p50", "first verdict s", "MB"):
        table.add_column(column, justify="right")
    table.add_column("")
    for each in sorted(measured, key=lambda one: one.p50_ms):
        figures = (each.p50_ms, each.p99_ms, each.p999_ms, each.stages_p50_ms["infer"])
        table.add_row(
            each.engine,
            str(each.threads),
            *(f"{figure:.2f}" for figure in figures),
            f"{each.cold_start_ms / 1e3:.2f}",
            f"{each.rss_mb:.0f}",
            each.why_not(budget),
        )
    return table

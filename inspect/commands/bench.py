"""Measure a bundle on every engine of this machine and pick the fastest that is proved and fits the budget.

    taktsight bench tile.taktsight
    taktsight bench tile.taktsight --budget 40ms --station line1.yaml

Each engine and number of threads runs in a process of its own; blocks of parts alternate between them, so
that what disturbs the machine disturbs all. Measured is from the frame to the verdict. Only engines that
the bundle was proved on are picked. The one that is picked then runs on the line's own processes, from the
trigger to a gate that moves nothing: its p99.9 there is what the budget has to hold.

With --station, engines of its backend's kind are tried with its other settings (batch, workspace, cache …),
its recipe says how much may have flipped, its allowed_keys are asked for, its takt is that of the line, and
the choice is written into its file.
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

from taktsight.bundle import Bundle, read_bundle
from taktsight.card import Card
from taktsight.errors import BundleError, ConfigError
from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.commands.asked_keys import add_key_argument, asked_keys
from taktsight.inspect.config import Engine, Station, load_station, placed
from taktsight.inspect.engines import ON_A_GPU, ON_THIS_CPU, engine_named, installed
from taktsight.inspect.trials.choice import Measured, budget_ms, choose
from taktsight.inspect.trials.cycle import Cycle, measure_cycle
from taktsight.inspect.trials.station_file import write_backend
from taktsight.inspect.trials.task import Task, candidate
from taktsight.inspect.trials.trial import Trial, open_trials
from taktsight.recipe import load_recipe
from taktsight.strict_yaml import read_yaml

CYCLES_PER_PART = 3
"""The line sees more parts than a trial does: of one engine alone the 99.9th percentile is to be known."""
BLOCK = 20
"""Parts that one engine judges before it is the next one's turn."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle")
    parser.add_argument("--budget", metavar="TIME", help="trigger to gate at p99.9, such as 40ms")
    parser.add_argument("--parts", type=int, default=400, help="judged by each engine (400)")
    parser.add_argument(
        "--station", type=Path, metavar="YAML", help="measure with its settings, write the choice into it"
    )
    add_key_argument(parser)
    parser.add_argument("--out", type=Path, metavar="JSON", help="write what was measured")


def main(arguments: argparse.Namespace) -> int:
    """0 when an engine was picked, 1 when none fits."""
    if arguments.parts < BLOCK:
        raise ConfigError(f"--parts must be {BLOCK} or more: percentiles of fewer say nothing")
    budget = budget_ms(arguments.budget) if arguments.budget else None
    station = load_station(arguments.station) if arguments.station else None
    keys = asked_keys(arguments.allowed_key, station)
    bundle = read_bundle(arguments.bundle, allowed_keys=keys)
    if not bundle.card.golden:
        raise BundleError(f"{arguments.bundle}: holds no golden sample to measure with")
    if station is not None:
        _check_station(arguments.station, station, bundle, arguments.bundle)
    limit = flip_limit(station, bundle.card)
    proved = {parity.engine for parity in bundle.card.parity}
    tasks = _tasks(arguments, bundle, keys)
    with open_trials(tasks, proved) as trials:
        _measure(trials, arguments.parts)
        measured = [trial.measured(bundle.card, limit) for trial in trials]
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(_table(measured, budget))
    best = choose(measured, budget)
    cycle = None
    if best is not None:
        console.print(f"choice: {best.engine}, {best.threads} thread{'s' if best.threads > 1 else ''}")
        engine = _settings(best, tasks)
        parts = CYCLES_PER_PART * arguments.parts
        cycle = measure_cycle(
            arguments.bundle, bundle, engine, best.p99_ms, station, parts=parts, allowed_keys=keys
        )
        console.print(f"whole cycle: {cycle}")
    if arguments.out:
        _write(arguments.out, measured, best, cycle)
    if best is None or cycle is None or not cycle.holds(budget):
        console.print(
            "no engine that the bundle was proved on fits the budget: raise it, or shrink the canvas"
        )
        return 1
    if arguments.station:
        write_backend(arguments.station, best)
        console.print(f"written to {arguments.station}")
    return 0


def _check_station(file: Path, station: Station, bundle: Bundle, path: Path) -> None:
    """That the choice is about the station's own bundle and can be written, before minutes of measuring."""
    theirs = read_bundle(station.bundle, allowed_keys=station.allowed_keys)
    if theirs.digest != bundle.digest:
        raise ConfigError(
            f"{file}: runs {station.bundle} ({theirs.digest:.12}), and {path} ({bundle.digest:.12}) is "
            "another bundle: measure the station's own, or put this one there first"
        )
    if not os.access(file.resolve().parent, os.W_OK):
        raise ConfigError(f"{file}: this user may not replace it; leave --station out, or ask its owner")


def flip_limit(station: Station | None, card: Card) -> float:
    """As the line takes it: the recipe's, or that of the card's own recipe."""
    if station is None or station.recipe is None:
        return card.own_recipe().max_flip_share
    return load_recipe(station.recipe).max_flip_share


def _tasks(arguments: argparse.Namespace, bundle: Bundle, keys: tuple[Path, ...]) -> list[Task]:
    """Every engine that is installed and that the bundle has a model for, with one thread and with all."""
    running, base = None, Path()
    if arguments.station:
        running, base = read_yaml(arguments.station, Station).backend, arguments.station.parent
    cores = sorted({1, len(os.sched_getaffinity(0))})
    return [
        Task(
            bundle=arguments.bundle,
            bundle_digest=bundle.digest,
            allowed_keys=keys,
            engine=placed(candidate(name, threads, running), base),
        )
        for name in ON_THIS_CPU + ON_A_GPU
        if installed(name) and _is_held(name, bundle.models)
        for threads in ((1,) if name in ON_A_GPU else cores)
    ]


def _settings(best: Measured, tasks: list[Task]) -> Engine:
    """Those that it was measured with."""
    said = (best.engine, best.threads)
    engines = [task.engine for task in tasks]
    return next(each for each in engines if (engine_name(each), each.threads or 1) == said)


def _write(out: Path, measured: list[Measured], best: Measured | None, cycle: Cycle | None) -> None:
    said = {
        "engines": [asdict(each) for each in measured],
        "choice": best and f"{best.engine}, {best.threads}",
        "cycle": cycle and asdict(cycle),
    }
    out.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


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
    for column in ("threads", "p50 ms", "p99", "p99.9", "engine p50", "cold s", "MB"):
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

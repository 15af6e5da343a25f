"""Runs a folder of images through a bundle at takt: processes, deadlines and ledger as on the line.

With --truth the verdicts are compared with what the parts are.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timezone
from multiprocessing import get_context
from pathlib import Path

from taktsight.inspect.cameras.settings import FolderSettings
from taktsight.inspect.children import start_crew
from taktsight.inspect.config import (
    MIN_TAKT_MS,
    TAKT_PER_CYCLE,
    DryRunGate,
    OnnxRuntime,
    Records,
    Station,
    TimerTrigger,
    fitting_takt_ms,
    with_values,
)
from taktsight.inspect.shift import work_shift
from taktsight.inspect.terminal import log_into_pipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is replayed, and how fast."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "images", type=Path, metavar="IMAGES", help="a folder, or a text file that lists images"
    )
    parser.add_argument("--recipe", type=Path, help="limits to judge by (the card's own)")
    parser.add_argument(
        "--takt-ms", type=float, help=f"time between two parts ({TAKT_PER_CYCLE} × the measured p99)"
    )
    parser.add_argument("--deadline-ms", type=float, help="trigger → gate (twice the takt, at least 100)")
    parser.add_argument("--threads", type=int, help="threads for one inference (one per core)")
    parser.add_argument("--records", type=Path, default=Path("replay-records"), help="ledger and images")
    parser.add_argument(
        "--truth", type=Path, metavar="INDEX.csv", help="columns image,label; good = no defect"
    )
    parser.add_argument("--no-live", action="store_true", help="log lines only")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 once every image has its verdict, whatever the verdicts are."""
    labels = None
    if arguments.truth is not None:
        from taktsight.inspect.truth import read_truth

        labels = read_truth(arguments.truth)
    station = _station(arguments)
    if arguments.takt_ms is None:
        station = _with_measured_takt(station, arguments.deadline_ms)
    started_ns = time.monotonic_ns()
    is_live = sys.stdout.isatty() and not arguments.no_live
    with log_into_pipe() if is_live else contextlib.nullcontext() as log_end:
        crew = start_crew()
        try:
            # Nobody vouches for a replayed bundle: the version it claims must lock no other one out.
            run = work_shift(station, crew, versions=None, started_ns=started_ns, log_end=log_end)
        finally:
            crew.dismiss()
    if labels is not None:
        from taktsight.inspect.truth import print_truth

        print_truth(_verdicts(arguments.images, station.records.folder, run), labels)
    return 0


def _station(arguments: argparse.Namespace) -> Station:
    """The station that the arguments describe, as strictly checked as a file."""
    from pydantic import ValidationError

    from taktsight.errors import ConfigError

    takt_ms = MIN_TAKT_MS if arguments.takt_ms is None else arguments.takt_ms
    deadline_ms = arguments.deadline_ms or _deadline_ms(takt_ms)
    try:
        return Station(
            name=f"replay of {arguments.images.name}",
            bundle=arguments.bundle,
            rollback_to="any",  # whoever replays names the bundle, and no gate moves
            recipe=arguments.recipe,
            cameras=(FolderSettings(kind="folder", folder=arguments.images),),
            trigger=TimerTrigger(kind="timer", takt_ms=takt_ms),
            gate=DryRunGate(kind="dry_run"),
            backend=OnnxRuntime(kind="onnxruntime", threads=arguments.threads),
            deadline_ms=deadline_ms,
            records=Records(folder=arguments.records),
        )
    except ValidationError as error:
        raise ConfigError(f"replay: {error}") from None


def _with_measured_takt(station: Station, deadline_ms: float | None) -> Station:
    # In a process of its own: neither the engine nor its threads belong into the line process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        from taktsight.inspect.pace import measure_cycles_ms

        times_ms = executor.submit(measure_cycles_ms, station, datetime.now(timezone.utc).date()).result()
    slowest_ms = times_ms[int(0.99 * (len(times_ms) - 1))]
    takt_ms = fitting_takt_ms(slowest_ms)
    print(
        f"takt {takt_ms:g} ms: {TAKT_PER_CYCLE} × {slowest_ms:.1f} ms, the p99 of "
        f"{len(times_ms)} inspections on this machine; at least {MIN_TAKT_MS:g} ms"
    )
    return with_values(
        station,
        trigger=with_values(station.trigger, takt_ms=takt_ms),
        deadline_ms=deadline_ms or _deadline_ms(takt_ms),
    )


def _deadline_ms(takt_ms: float) -> float:
    return max(100.0, 2 * takt_ms)


def _verdicts(images: Path, records: Path, run: str) -> Sequence[tuple[str, str]]:
    """Image and outcome of each part of a run. The part's number says which image it was."""
    from taktsight.inspect.cameras.folder import list_images
    from taktsight.inspect.ledger import Ledger

    base = images if images.is_dir() else images.parent
    names = [str(file.relative_to(base)) for file in list_images(images)]
    ledger = Ledger.open(records)
    try:
        rows = [row for row in ledger.rows() if row["run"] == run and row["kind"] == "verdict"]
    finally:
        ledger.close()
    return [(names[row["trigger"] - 1], row["outcome"]) for row in rows]

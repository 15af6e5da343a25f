"""Inspects parts on a station: one verdict per trigger, on time, recorded.

Ctrl-C or SIGTERM stops it cleanly: no new part, a verdict for those that are open, the ledger closed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
import time
from pathlib import Path

from taktsight.inspect.children import START_NICE, start_crew
from taktsight.inspect.terminal import log_into_pipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The station, and how it is shown."""
    parser.add_argument("station", type=Path, metavar="STATION.yaml")
    parser.add_argument("--parts", type=_positive, metavar="N", help="stop after N parts")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--live", action="store_true", help="show the live view even where this is no terminal"
    )
    shown.add_argument("--no-live", action="store_true", help="log lines only")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 after a clean stop."""
    started_ns = time.monotonic_ns()
    is_live = arguments.live or (sys.stdout.isatty() and not arguments.no_live)
    with log_into_pipe() if is_live else contextlib.nullcontext() as log_end:
        crew = start_crew()  # first: vision has the longest way to go
        gc.disable()  # the line does so anyway, and its imports are the faster for it
        try:
            from taktsight.inspect.realtime import hurried

            with hurried(START_NICE):
                from taktsight.inspect.config import load_station, with_values
                from taktsight.inspect.shift import work_shift

                station = load_station(arguments.station)
            if arguments.parts is not None:
                station = with_values(station, trigger=with_values(station.trigger, parts=arguments.parts))
            versions = station.records.folder
            work_shift(station, crew, versions=versions, started_ns=started_ns, log_end=log_end)
        finally:
            crew.dismiss()
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number

"""One run of a line as a person sees it: the live view while it works, the table when it ends."""

from __future__ import annotations

import contextlib
from pathlib import Path

from taktsight.inspect.children import Crew
from taktsight.inspect.config import Station
from taktsight.inspect.line import Line
from taktsight.inspect.terminal import live_view


def work_shift(
    station: Station, crew: Crew, *, versions: Path | None, started_ns: int, log_end: int | None
) -> str:
    """Runs the line to its end, then prints what it did; the run's name.

    Args:
        station: what stands on the line.
        crew: its processes, started.
        versions: folder that remembers which version of the product ran; None to remember nothing.
        started_ns: monotonic clock when the command was given.
        log_end: where the log can be read, to be shown in the live view; None without one.

    Raises:
        TaktsightError: If the line cannot start or had to stop; the table is printed all the same.
    """
    line = Line(station, crew, versions)
    line.meters["started_ns"] = started_ns
    view: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if log_end is not None:
        view = live_view(log_end, crew.meters_descriptor, station.name)
    try:
        with view, _metrics(station, crew, line.run_name):
            line.run()
    finally:
        if line.meters["triggers"]:
            from taktsight.inspect.summary import print_summary  # rich has time after the line's work

            print_summary(line.meters, station, line.run_name)
    return line.run_name


def _metrics(station: Station, crew: Crew, run: str) -> contextlib.AbstractContextManager[None]:
    if station.metrics is None:
        return contextlib.nullcontext()
    from taktsight.inspect.endpoint_port import metrics_endpoint

    return metrics_endpoint(station.metrics, crew.meters_descriptor, station.name, run)

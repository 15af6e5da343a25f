"""What a station has watched: its reference and its limits. For ``taktsight check``."""

from __future__ import annotations

from collections.abc import Iterator

from taktsight.errors import TaktsightError
from taktsight.inspect.config import Station
from taktsight.inspect.machine.finding import Finding, Grade


def check_quality(station: Station, bundle: str) -> Iterator[Finding]:
    """Whether the files can be used, whether they are of what judges now, and what stands.

    Args:
        station: as its file says.
        bundle: digest of the one that judges; "" where it cannot be read.
    """
    settings = station.quality
    if settings is None:
        return
    from taktsight.quality.chart_stream import ChartStream
    from taktsight.quality.drift_records import suspensions
    from taktsight.quality.drift_reference import read_reference
    from taktsight.quality.spc_limits import read_limits
    from taktsight.quality.spc_records import standing_hits

    folder = station.records.folder
    try:
        reference = None if settings.drift is None else read_reference(settings.drift)
        streams = [ChartStream(read_limits(path)) for path in settings.spc]
    except TaktsightError as error:
        grade: Grade = "fix" if settings.on_alarm == "hold" else "note"
        yield Finding(grade, "quality", f"nobody would watch: {error}")
        return
    if reference is not None and bundle not in ("", reference.bundle):
        said = f"the reference is of bundle {reference.bundle:.12}, so no part would be compared"
        command = f"taktsight drift learn {folder} --reference {settings.drift}"
        yield Finding("note", "quality", said, command)
    elif reference is not None:
        every = f"one false alarm in {reference.arl0_parts:,.0f} parts"
        yield Finding("ok", "quality", f"drift: {reference.detectors} detectors, {every}")
    for stream in streams:
        yield Finding("ok", "quality", f"a {stream.frozen.limits.chart} chart is watched")
    found = [each.reason for each in suspensions(folder)] if reference is not None else []
    for said in (*found, *(said for _, said in standing_hits(folder))):
        then = "no part passes until it is cleared" if settings.on_alarm == "hold" else "it stands"
        yield Finding("note", "quality", f"{then}: {said}", f"taktsight drift show {folder}")

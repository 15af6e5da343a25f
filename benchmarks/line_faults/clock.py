"""Jumps of the wall clock, as a time server or a person makes them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from taktsight.benchmarks.line_faults.rig import (
    FaultRow,
    Rig,
    Tally,
    uninspected,
    until_acknowledged,
    verdicts,
)

LIBRARIES = (
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib/faketime").glob("*MT.so.1"),
)
"""Debian's ``libfaketime``; empty where it is not installed."""
HOUR_S = 3600
SEEN_S = 3.0
"""The library looks at the file once in one to two seconds."""


def jumps(rig: Rig, times: int, mode: str) -> FaultRow:
    """An hour forward or back, in turns; the monotonic clock knows nothing of it, as on a real machine."""
    tally = Tally()
    offset = rig.place.folder / "offset"
    _set(offset, 0)
    # The library makes clocks slow, and the engine looks at them often.
    line = rig.line(mode, takt_ms=40, environment=_preload(offset))
    until_acknowledged(line, 3)
    for jump in range(times):
        _set(offset, HOUR_S if jump % 2 == 0 else -HOUR_S)
        tally.injected += 1
        time.sleep(SEEN_S)
        until_acknowledged(line, line.meters["entries"] + 5)
    gate = rig.count_stopped(tally, line)
    if uninspected(gate):
        tally.broken.append(f"{uninspected(gate)} parts were UNINSPECTED")
    rows = verdicts(rig.place.rows())
    if [row["trigger"] for row in rows] != [trigger for trigger, _ in gate]:
        tally.broken.append("the ledger is not in the order of the gate")
    if _steps(row["utc"] for row in rows) < times:
        tally.broken.append("the clock did not jump")
    return tally.row(f"clock jumps of an hour, {mode}")


def _set(offset: Path, seconds: int) -> None:
    new = offset.with_suffix(".new")
    new.write_text(f"{seconds:+d}s\n")
    new.replace(offset)


def _preload(offset: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",  # without it each look at a clock reads the file
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


def _steps(times: Iterable[str]) -> int:
    moments = [datetime.fromisoformat(text).timestamp() for text in times]
    return sum(abs(later - before) > HOUR_S / 2 for before, later in itertools.pairwise(moments))

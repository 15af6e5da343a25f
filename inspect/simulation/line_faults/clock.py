"""Jumps of the wall clock, as a time server or a person makes them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from datetime import datetime

from taktsight.inspect.simulation.clock_shift import ClockShift
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.line_faults.rig import (
    Rig,
    uninspected,
    until_acknowledged,
    verdicts,
)

HOUR_S = 3600


def jumps(rig: Rig, times: int, mode: str) -> FaultRow:
    """An hour forward or back, in turns; the monotonic clock knows nothing of it, as on a real machine."""
    tally, clock = Tally(), ClockShift(rig.place.folder)
    line = rig.line(mode, environment=clock.environment)
    until_acknowledged(line, 20)
    for jump in range(times):
        clock.set(HOUR_S if jump % 2 == 0 else -HOUR_S)
        tally.injected += 1
        until_acknowledged(line, line.meters["entries"] + 5)
        time.sleep(rig.chance.uniform(0, 0.2))
    gate = rig.count_stopped(tally, line)
    if mode == "fast" and uninspected(gate):
        said = {row["reasons"] for row in verdicts(rig.place.rows()) if row["outcome"] == "UNINSPECTED"}
        tally.broken.append(f"{uninspected(gate)} parts were UNINSPECTED: {said}")
    rows = verdicts(rig.place.rows())
    if [row["trigger"] for row in rows] != [trigger for trigger, _ in gate]:
        tally.broken.append("the ledger is not in the order of the gate")
    if _steps(row["utc"] for row in rows) != times:
        tally.broken.append("the ledger does not show the jumps")
    return tally.row(f"clock jumps of an hour, {mode}")


def _steps(times: Iterable[str]) -> int:
    moments = [datetime.fromisoformat(text).timestamp() for text in times]
    return sum(abs(later - before) > HOUR_S / 2 for before, later in itertools.pairwise(moments))

"""kill -9, of the recorder and of the whole line at once."""

from __future__ import annotations

import time

from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.line_faults.rig import (
    Rig,
    count_ledger,
    count_uncommitted,
    until_acknowledged,
    until_armed,
    was_ready,
)

KILLS_PER_LINE = 5
"""The line itself gives up at a sixth within a minute."""


def killed_line(rig: Rig, times: int, mode: str) -> FaultRow:
    """The whole line at random moments, some before its first part; each start finds what was left."""
    tally, known = Tally(), 0
    for moment in range(times):
        line = rig.line(mode)
        if moment % 5:
            until_armed(line)
        time.sleep(rig.chance.uniform(0, 0.4))
        line.kill_all()
        tally.injected += 1
        gate = rig.count_gate(tally, line)
        rows = rig.place.rows() if (rig.place.records / "ledger.sqlite").exists() else []
        new, known = rows[known:], len(rows)
        count_ledger(tally, gate, new, acknowledged=line.meters["acknowledged"])
        if mode == "strict":
            count_uncommitted(tally, gate, new)
        was_ready(tally, line)
    return tally.row(f"kill -9 of the line, {mode}")


def killed_recorder(rig: Rig, times: int, mode: str) -> FaultRow:
    """The recorder at random moments, while parts go on."""
    tally = Tally()
    while tally.injected < times:
        line = rig.line(mode)
        for _ in range(min(KILLS_PER_LINE, times - tally.injected)):
            until_acknowledged(line, line.meters["acknowledged"] + 1)
            time.sleep(rig.chance.uniform(0, 0.3))
            restarts = line.meters["recorder_restarts"]
            line.kill("recorder")
            killed_s, tally.injected = time.monotonic(), tally.injected + 1
            while line.meters["recorder_restarts"] == restarts:
                time.sleep(0.001)
            until_acknowledged(line, line.meters["entries"])
            tally.recovered(time.monotonic() - killed_s)
        rig.count_stopped(tally, line)
    return tally.row(f"kill -9 of the recorder, {mode}")

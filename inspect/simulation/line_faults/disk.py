"""A disk that is full, slow, locked by somebody, or fails."""

from __future__ import annotations

import sqlite3
import time

from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.faulty_disk import faulty_disk
from taktsight.inspect.simulation.line_faults.rig import (
    Rig,
    count_uncommitted,
    uninspected,
    until_acknowledged,
)
from taktsight.inspect.simulation.running_line import RunningLine

WITHOUT_S = 2.0
"""How long the disk takes nothing."""
SLOW_MS = 200
LOCKED_S = 10.0
FAILING_SYNCS = 3


def full(rig: Rig, times: int, mode: str) -> FaultRow:
    """No byte of room, then room again."""
    return _on_faulty_disk(rig, times, mode, "disk full", ("free_kb", 0), ("free_kb", 1 << 20))


def slow(rig: Rig, times: int, mode: str) -> FaultRow:
    """Each sync takes 200 ms longer."""
    return _on_faulty_disk(rig, times, mode, "disk slow (+200 ms)", ("sync_ms", SLOW_MS), ("sync_ms", 0))


def failing(rig: Rig, times: int, mode: str) -> FaultRow:
    """Syncs fail, and what they should have written is gone from the disk's own memory too."""
    name = f"{FAILING_SYNCS} syncs fail"
    return _on_faulty_disk(rig, times, mode, name, ("fail_syncs", FAILING_SYNCS), ("fail_syncs", 0))


def locked(rig: Rig, times: int, mode: str, locked_s: float = LOCKED_S) -> FaultRow:
    """Another program keeps the data base to itself."""
    tally = Tally()
    line = _running(rig, mode)
    for _ in range(times):
        other = sqlite3.connect(rig.place.records / "ledger.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(locked_s)
        other.execute("ROLLBACK")
        other.close()
        tally.injected += 1
        _wait_until_written(line, tally)
    if not line.meters["ledger_retries"]:
        tally.broken.append("the lock was not noticed")
    _count(rig, tally, line, mode)
    return tally.row(f"data base locked {locked_s:g} s, {mode}")


def _on_faulty_disk(
    rig: Rig, times: int, mode: str, name: str, begin: tuple[str, int], end: tuple[str, int]
) -> FaultRow:
    tally = Tally()
    with faulty_disk(rig.place.records, rig.place.folder / "store") as disk:
        line = _running(rig, mode)
        for _ in range(times):
            disk.order(*begin)
            time.sleep(WITHOUT_S)
            disk.order(*end)
            tally.injected += 1
            _wait_until_written(line, tally)
        if not line.meters["ledger_retries"] and begin[0] != "sync_ms":
            tally.broken.append("nobody noticed that the disk took nothing")
        _count(rig, tally, line, mode)
    return tally.row(f"{name}, {mode}")


def _running(rig: Rig, mode: str) -> RunningLine:
    line = rig.line(mode)
    until_acknowledged(line, 3)
    return line


def _wait_until_written(line: RunningLine, tally: Tally) -> None:
    since_s = time.monotonic()
    until_acknowledged(line, line.meters["entries"])
    tally.recovered(time.monotonic() - since_s)


def _count(rig: Rig, tally: Tally, line: RunningLine, mode: str) -> None:
    """In fast mode nobody at the gate may notice; in strict mode nothing passes that is not written."""
    gate = rig.count_stopped(tally, line)
    missed = uninspected(gate)
    if mode == "fast" and missed:
        tally.broken.append(f"{missed} parts were UNINSPECTED")
    if mode == "strict":
        count_uncommitted(tally, gate, rig.place.rows())

"""What every fault needs: a station to break, and a count of what broke."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.running_line import RunningLine, StartLine

MODES = ("fast", "strict")
"""Of the records."""
Gate = list[tuple[int, str]]
"""What the gate was told: trigger and outcome."""
UNINSPECTED = "UNINSPECTED"


class Place(Protocol):
    """A folder with everything a station needs."""

    folder: Path

    @property
    def records(self) -> Path:
        """Where the ledger is."""

    def endless(self, takt_ms: float, **values: Any) -> Path:
        """A station file that repeats its images until it is stopped, with some top-level keys replaced."""

    def gate(self) -> Gate:
        """What the gate was told."""

    def rows(self) -> list[Row]:
        """The ledger's rows, after its chain was found whole."""


@dataclass(frozen=True)
class Rig:
    """A station in a folder of its own."""

    place: Place
    start: StartLine
    expected: Sequence[str]
    """Outcome of each of the station's images, which repeat."""
    chance: random.Random
    gate_margin_ms: float = 2.0
    """Of the station; what is not late by more than this is not counted as late."""
    takt_ms: float = 10

    def line(self, mode: str, **options: Any) -> RunningLine:
        """A line that runs until it is stopped; what the gate was told before is forgotten."""
        (self.place.folder / "gate.txt").unlink(missing_ok=True)
        images = {"reserve_mb": 0, "keep": ["REJECT"], "pass_every": 0}
        records = {"folder": "records", "mode": mode, "images": images}
        station = self.place.endless(self.takt_ms, records=records, gate_margin_ms=self.gate_margin_ms)
        return self.start(station, "--no-live", **options)

    def count_gate(self, tally: Tally, line: RunningLine) -> Gate:
        """Counts what the gate was told of this line, and gives it."""
        gate = self.place.gate()
        tally.late += line.meters["deadline_misses"]
        tally.misassigned += sum(
            trigger != number
            or outcome not in (self.expected[(number - 1) % len(self.expected)], UNINSPECTED)
            for number, (trigger, outcome) in enumerate(gate, start=1)
        )
        return gate

    def count_stopped(self, tally: Tally, line: RunningLine) -> Gate:
        """Stops a line, counts all of it, and gives what the gate was told."""
        before = len(tally.broken)
        status, _, said = line.stop()
        if status:
            tally.broken.append(said)
        gate = self.count_gate(tally, line)
        tally.lost += max(0, line.meters["triggers"] - len(gate))
        rows = self.place.rows()
        rows = [row for row in rows if row["run"] == rows[-1]["run"]]
        count_ledger(tally, gate, rows, acknowledged=line.meters["entries"])
        if len(tally.broken) == before and {row["trigger"] for row in verdicts(rows)} != {*dict(gate)}:
            tally.lost += 1
        return gate


def count_ledger(tally: Tally, gate: Gate, rows: Sequence[Row], *, acknowledged: int) -> None:
    """Counts what the ledger must hold of a line and does not, and what it says otherwise than the gate.

    Args:
        tally: to count in.
        gate: what it was told by this line.
        rows: of this line's run; none where nothing had been written.
        acknowledged: number of the last entry that was acknowledged.
    """
    numbers = [row["number"] for row in rows]
    if numbers != list(range(1, len(rows) + 1)):
        tally.broken.append(f"entries are missing in the ledger, or stand there twice: {numbers}")
    tally.lost += max(0, acknowledged - len(rows))
    told = dict(gate)
    tally.misassigned += sum(told.get(row["trigger"]) != row["outcome"] for row in verdicts(rows))


def count_uncommitted(tally: Tally, gate: Gate, rows: Sequence[Row]) -> None:
    """In strict mode, what the gate was told and the ledger did not have before."""
    judged = {row["trigger"]: row["outcome"] for row in rows if row["kind"] == "judged"}
    tally.lost += sum(outcome not in (UNINSPECTED, judged.get(trigger)) for trigger, outcome in gate)


def was_ready(tally: Tally, line: RunningLine) -> None:
    """How long a start took, if it came as far."""
    if line.meters["armed_ns"]:
        tally.recovered((line.meters["armed_ns"] - line.meters["started_ns"]) / 1e9)


def until_armed(line: RunningLine) -> None:
    """Waits for the first part."""
    line.wait_until(lambda: line.meters["armed_ns"] > 0)


def until_acknowledged(line: RunningLine, number: int) -> None:
    """Waits until so many entries are on the disk."""
    line.wait_until(lambda: line.meters["acknowledged"] >= number)


def verdicts(rows: Sequence[Row]) -> list[Row]:
    """Those that say what the gate was told."""
    return [row for row in rows if row["kind"] == "verdict"]


def uninspected(gate: Gate) -> int:
    """How many parts nobody looked at."""
    return sum(outcome == UNINSPECTED for _, outcome in gate)


Fault = Callable[[Rig, int, str], FaultRow]
"""Injects a fault so many times, with the records in a mode, and counts."""

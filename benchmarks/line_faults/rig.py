"""What every fault needs: a station to break, and a count of what broke."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from taktsight.inspect.ledger import Row

if TYPE_CHECKING:  # both come from whoever runs a fault: the tests, or benchmarks/faults.py
    from tests.inspect.place import Place
    from tests.inspect.running_line import RunningLine, StartLine

MODES = ("fast", "strict")
"""Of the records."""
Gate = list[tuple[int, str]]
"""What the gate was told: trigger and outcome."""
UNINSPECTED = "UNINSPECTED"


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One row of the table of faults."""

    fault: str
    injected: int
    """How often."""
    lost: int
    """Triggers without a verdict; entries that were acknowledged, or in strict mode acted on, and are not
    in the ledger."""
    late: int
    """Verdicts at the gate after their deadline."""
    misassigned: int
    """Verdicts out of order, twice or of another part, at the gate or in the ledger."""
    recovered_s: float
    """The longest time from the end of a fault until all was as before."""
    held: bool
    """Nothing of the above, and whatever else the fault asks for."""

    def values(self) -> dict[str, Any]:
        """For a file of results."""
        return asdict(self)


@dataclass
class Tally:
    """Counts as they come in."""

    injected: int = 0
    lost: int = 0
    late: int = 0
    misassigned: int = 0
    recovered_s: float = 0.0
    broken: list[str] = field(default_factory=list)
    """What else was not as it must be, in sentences."""

    def recovered(self, since_s: float) -> None:
        """All is as before; since a moment of the monotonic clock it was not."""
        self.recovered_s = max(self.recovered_s, time.monotonic() - since_s)

    def was_ready(self, line: RunningLine) -> None:
        """How long a start took, if it came as far."""
        if line.meters["armed_ns"]:
            ready_s = (line.meters["armed_ns"] - line.meters["started_ns"]) / 1e9
            self.recovered_s = max(self.recovered_s, ready_s)

    def row(self, fault: str) -> FaultRow:
        """The row; what was broken is printed."""
        for sentence in self.broken:
            print(f"{fault}: {sentence}")
        held = not (self.lost or self.late or self.misassigned or self.broken)
        counts = (self.injected, self.lost, self.late, self.misassigned)
        return FaultRow(fault, *counts, round(self.recovered_s, 2), held)


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

    def line(self, mode: str, *, takt_ms: float = 10, **options: Any) -> RunningLine:
        """A line that runs until it is stopped; what the gate was told before is forgotten."""
        (self.place.folder / "gate.txt").unlink(missing_ok=True)
        images = {"reserve_mb": 0, "keep": ["REJECT"], "pass_every": 0}
        records = {"folder": "records", "mode": mode, "images": images}
        station = self.place.endless(takt_ms, records=records, gate_margin_ms=self.gate_margin_ms)
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

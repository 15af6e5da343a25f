"""What happened at a simulated station, held against what stood on its belt."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from taktsight.errors import LineError
from taktsight.image_files import read_image
from taktsight.inspect.simulation.belt import part_shown
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.stand import Stand, Told

UNINSPECTED = "UNINSPECTED"
WAIT_S = 90.0
SLICE_S = 0.005
AGAIN = 3
"""Parts in a row that must be inspected, for all to be as before."""


@dataclass(frozen=True)
class Witness:
    """Knows the truth: which part each count of the sensor was, and what the bundle says of it."""

    stand: Stand
    expected: Sequence[str]
    """Outcome of each image on the belt, which repeat."""

    def expected_of(self, trigger: int) -> str:
        """What must be said of a part, if anybody looked at it."""
        part = self.stand.belt.counted[trigger - 1]
        return self.expected[(part - 1) % len(self.expected)]

    def since(self, trigger: int) -> list[Told]:
        """What the gate was told of the parts behind this one."""
        return [told for told in self.stand.gate() if told.trigger > trigger]

    def uninspected(self, trigger: int) -> int:
        """How many of the parts behind this one nobody looked at."""
        return sum(told.outcome == UNINSPECTED for told in self.since(trigger))

    @property
    def last(self) -> int:
        """Trigger of the last part that was counted."""
        return len(self.stand.belt.counted)

    def until(self, true: Callable[[], object], what: str) -> None:
        """Waits while parts go on.

        Raises:
            LineError: If the line ends, or it does not happen.
        """
        until_s = time.monotonic() + WAIT_S
        while not true():
            if self.stand.line.process.poll() is not None:
                raise LineError(f"the line ended while {what} was waited for; {self.stand.log} says why")
            if time.monotonic() > until_s:
                raise LineError(f"{what}: did not happen within {WAIT_S:g} s; see {self.stand.log}")
            time.sleep(SLICE_S)

    def until_inspected(self, tally: Tally, after_ns: int) -> None:
        """Waits until parts are inspected again, and counts how long that took from a moment on."""

        def inspected() -> list[Told]:
            later = [told for told in self.stand.gate() if told.told_ns > after_ns]
            for at in range(len(later) - AGAIN + 1):
                if all(told.outcome != UNINSPECTED for told in later[at : at + AGAIN]):
                    return later[at : at + 1]
            return []

        self.until(inspected, "parts that are inspected again")
        tally.recovered((inspected()[0].told_ns - after_ns) / 1e9)

    def count(self, tally: Tally, trigger: int) -> None:
        """Stops the belt, and counts what became of the parts behind this one."""
        self.stand.settle()
        told = self.since(trigger)
        wanted = list(range(trigger + 1, self.last + 1))
        tally.lost += len(set(wanted) - {each.trigger for each in told})
        numbers = [each.trigger for each in told]
        tally.misassigned += sum(one >= other for one, other in itertools.pairwise(numbers))
        tally.misassigned += len(set(numbers) - set(wanted))
        for each in told:
            if each.trigger in wanted:
                self._count_one(tally, each)

    def whole_run(self) -> tuple[FaultRow, str]:
        """Stops the line; gate, ledger, belt and frames must say the same. And what was compared."""
        tally = Tally()
        status, _, _ = self.stand.line.stop()
        if status:
            tally.broken.append(f"the line ended with status {status}")
        gate = [(told.trigger, told.outcome) for told in self.stand.gate()]
        rows = [(row["trigger"], row["outcome"]) for row in self.stand.rows()]
        tally.lost += len(set(gate) - set(rows))
        tally.misassigned += len(set(rows) - set(gate)) + (len(rows) != len(set(rows)))
        shown, others = self.frames()
        tally.misassigned += others
        compared = f"{len(gate)} verdicts at the gate and in the ledger, {shown} kept frames were compared"
        return tally.row("the run as a whole"), compared

    def frames(self) -> tuple[int, int]:
        """Kept frames of parts with a verdict, and how many of them show another part than theirs."""
        if self.stand.asked.camera == "folder":
            return 0, 0
        counted, seen, others = self.stand.belt.counted, 0, 0
        for row in self.stand.kept_images():
            if row["outcome"] != UNINSPECTED and row["trigger"] <= len(counted):
                seen += 1
                shown = part_shown(read_image(self.stand.records / row["file"]))
                others += shown != counted[row["trigger"] - 1]
        return seen, others

    def _count_one(self, tally: Tally, told: Told) -> None:
        took_ns = told.told_ns - self.stand.belt.counted_ns[told.trigger - 1]
        tally.late += took_ns > self.stand.asked.deadline_ms * 1e6
        tally.misassigned += told.outcome not in (UNINSPECTED, self.expected_of(told.trigger))

"""Parts that are counted wrongly, or come too fast."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from taktsight.inspect.simulation.conveyor import SensorFault
from taktsight.inspect.simulation.fault_table import Tally
from taktsight.inspect.simulation.witness import UNINSPECTED, Witness

MISCOUNTED = 4
PACE, BURST_S, LOOK_S = 3.0, 2.0, 0.002
SPARE_PARTS = 2
"""That may be open beyond those of one deadline: one that comes, one that is just answered."""


def miscounted(fault: SensorFault) -> Callable[[Witness, Tally], None]:
    """The sensor counts some parts wrongly; each count is a trigger, and none may shift those behind it."""

    def inject(witness: Witness, tally: Tally) -> None:
        belt, trigger = witness.stand.belt, witness.last
        belt.spoil(fault, MISCOUNTED)
        tally.injected += MISCOUNTED
        witness.until(lambda: not belt.is_spoiling, "parts that are counted wrongly")
        witness.until_inspected(tally, time.monotonic_ns())
        if fault == "lost":
            _count_lost(witness, tally, trigger)

    return inject


def burst(witness: Witness, tally: Tally) -> None:
    """Parts come three times as fast for two seconds: none waits for longer than its deadline."""
    stand, most_open = witness.stand, 0
    stand.belt.at_pace(PACE)
    tally.injected += 1
    until_s = time.monotonic() + BURST_S
    while time.monotonic() < until_s:
        most_open = max(most_open, stand.line.meters["open_parts"])
        time.sleep(LOOK_S)
    stand.belt.at_pace(1.0)
    witness.until_inspected(tally, time.monotonic_ns())
    may_be_open = math.ceil(PACE * stand.asked.deadline_ms / stand.asked.takt_ms) + SPARE_PARTS
    if most_open > may_be_open:
        tally.broken.append(f"{most_open} parts were open at once, {may_be_open} come within a deadline")


def _count_lost(witness: Witness, tally: Tally, trigger: int) -> None:
    """Parts that nobody could look at: each has its trigger, and none passed."""
    witness.stand.settle()
    told = {each.trigger: each.outcome for each in witness.since(trigger)}
    lost = [at + 1 for at in witness.stand.belt.lost if at + 1 > trigger]
    wrong = [number for number in lost if told.get(number) != UNINSPECTED]
    if wrong or len(lost) != MISCOUNTED:
        tally.broken.append(f"{len(lost)} triggers were lost; {wrong} were not UNINSPECTED")

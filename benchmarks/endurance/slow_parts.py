"""Inference that takes several budgets on some parts: what that costs these, and what the others.

The network decides by the part's content how long it works; nothing in the line knows of it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from taktsight.inspect.config import load_station
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.fault_table import Tally
from taktsight.inspect.simulation.running_line import StartLine

UNINSPECTED = "UNINSPECTED"


class Place(Protocol):
    """A folder with everything a station needs."""

    folder: Path

    def write(self, **values: Any) -> Path:
        """A station file, with some top-level keys replaced."""

    def gate(self) -> list[tuple[int, str]]:
        """What the gate was told: trigger and outcome."""

    def gate_times_ns(self) -> list[int]:
        """When it was told."""

    def rows(self, *kinds: str) -> list[Row]:
        """The ledger's rows, after its chain was found whole."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How the parts come."""

    parts: int
    takt_ms: float
    deadline_ms: float
    gate_margin_ms: float
    expected: Sequence[str]
    """Outcome of each image, which repeat."""
    slow: frozenset[int] = frozenset()
    """Places of the images, from 0, whose inference does not end before the deadline."""

    def is_slow(self, trigger: int) -> bool:
        """Whether the part takes longer than it may."""
        return (trigger - 1) % len(self.expected) in self.slow

    def station(self, place: Place) -> Path:
        """The station file of it."""
        images = {"keep": [], "pass_every": 0, "reserve_mb": 0}
        return place.write(
            cameras=[{"kind": "folder", "folder": "images", "repeat": True}],
            trigger={"kind": "timer", "takt_ms": self.takt_ms, "parts": self.parts},
            deadline_ms=self.deadline_ms,
            gate_margin_ms=self.gate_margin_ms,
            records={"folder": "records", "images": images},
        )


@dataclass
class Seen:
    """What came of it."""

    tally: Tally = field(default_factory=Tally)
    after_answer_by_ms: list[float] = field(default_factory=list)
    """Of each slow part: the moment at which its verdict is due → verdict at the gate."""
    others_ms: list[float] = field(default_factory=list)
    """Trigger → verdict of each other part, whatever its verdict is."""
    infer_ms: list[float] = field(default_factory=list)
    """Inference of the others that were judged."""
    slow_infer_ms: list[float] = field(default_factory=list)
    """Of the slow ones, as far as anybody began with them."""
    neighbours: int = 0
    """Others that nobody could look at."""

    @property
    def others_p99_ms(self) -> float:
        """Trigger → verdict; those that nobody looked at have theirs at the deadline."""
        return float(np.percentile(self.others_ms, 99))

    def figures(self, gate_margin_ms: float) -> dict[str, float | None]:
        """Beside the counts."""
        most_ms = max(self.after_answer_by_ms)
        return {
            "verdict_after_answer_by_ms_max": round(most_ms, 3),
            "verdict_after_deadline_ms_max": round(most_ms - gate_margin_ms, 3),
            "others_p99_ms": round(self.others_p99_ms, 3),
            "others_uninspected": self.neighbours,
            "others": len(self.others_ms),
            "infer_p50_ms": _median(self.infer_ms),
            "slow_infer_p50_ms": _median(self.slow_infer_ms),
        }


def run_shift(place: Place, start: StartLine, shift: Shift) -> Seen:
    """Runs a line on it, and counts; records and gate are new."""
    station = shift.station(place)
    line = start(station, "--no-live", log=place.folder / "line.log")
    status, _, _ = line.wait(timeout_s=60 + 2 * shift.parts * shift.takt_ms / 1000)
    seen, gate = Seen(), place.gate()
    if status or line.meters["vision_restarts"]:
        seen.tally.broken.append(f"status {status}, {line.meters['vision_restarts']} restarts of vision")
    seen.tally.late = line.meters["deadline_misses"]
    numbers = [trigger for trigger, _ in gate]
    seen.tally.lost = len(set(range(1, shift.parts + 1)) - set(numbers))
    seen.tally.misassigned = sum(one >= other for one, other in itertools.pairwise(numbers))
    rows = {row["trigger"]: row for row in place.rows("verdict")}
    if [(trigger, row["outcome"]) for trigger, row in rows.items()] != gate:
        seen.tally.broken.append("gate and ledger differ")
    answer_within_ns = load_station(station).answer_within_ns
    for trigger, outcome in gate:
        _count(seen, shift, trigger, outcome, rows[trigger], answer_within_ns)
    _count_late(seen, shift, place)
    return seen


def _count(seen: Seen, shift: Shift, trigger: int, outcome: str, row: Row, answer_within_ns: int) -> None:
    reasons = json.loads(row["reasons"])
    if shift.is_slow(trigger):
        seen.tally.injected += 1
        seen.after_answer_by_ms.append((row["cycle_ns"] - answer_within_ns) / 1e6)
    else:
        seen.others_ms.append(row["cycle_ns"] / 1e6)
    if outcome == UNINSPECTED:
        seen.neighbours += not shift.is_slow(trigger)
        if not reasons or not reasons[0].startswith("late: "):
            seen.tally.broken.append(f"part {trigger} is UNINSPECTED: {reasons}")
    elif shift.is_slow(trigger):
        seen.tally.broken.append(f"part {trigger} has its {outcome} in time: its inference was not slow")
    else:
        seen.infer_ms.append(json.loads(row["stage_ns"])["infer"] / 1e6)
        seen.tally.misassigned += outcome != shift.expected[(trigger - 1) % len(shift.expected)]


def _count_late(seen: Seen, shift: Shift, place: Place) -> None:
    """How long each slow inference took, and from its end to the next part that somebody looked at."""
    rows = {row["trigger"]: row for row in place.rows("verdict")}
    told_ns = {trigger: ns for (trigger, _), ns in zip(place.gate(), place.gate_times_ns(), strict=True)}
    judged = [trigger for trigger, row in rows.items() if row["outcome"] != UNINSPECTED]
    for late in place.rows("late"):
        trigger, stage_ns = late["trigger"], json.loads(late["stage_ns"])
        if shift.is_slow(trigger) and "infer" in stage_ns:
            seen.slow_infer_ms.append(stage_ns["infer"] / 1e6)
        ended_ns = told_ns[trigger] - rows[trigger]["cycle_ns"] + late["cycle_ns"]
        behind = [told_ns[each] for each in judged if each > trigger and told_ns[each] >= ended_ns]
        if shift.is_slow(trigger) and behind:
            seen.tally.recovered((min(behind) - ended_ns) / 1e9)


def _median(times_ms: Sequence[float]) -> float | None:
    return round(float(np.median(times_ms)), 3) if times_ms else None
